//! The words of a text in one flat, reusable buffer, and the session that fills it.

use std::ops::Range;

use super::{
    Analyzer, Kind, Rule, Word,
    korean::{self, Morphemes},
    script::{self, Class, Run, Runs},
    stem::Stems,
};

/// The words of a text: their characters in one string, so that analysing allocates nothing once the buffers have grown.
#[derive(Debug, Default)]
pub(super) struct Words {
    characters: String,
    items: Vec<Item>,
    position: u32,
}

/// A word in [`Words`].
#[derive(Debug, Clone)]
pub(super) struct Item {
    form: Range<u32>,
    stem: Option<Range<u32>>,
    start: usize,
    end: usize,
    pub(super) position: u32,
    kind: Kind,
}

impl Words {
    /// Empties the buffer; the next word has this position.
    fn clear(&mut self) {
        self.characters.clear();
        self.items.clear();
        self.position = 0;
    }

    /// Adds a word at the next position.
    pub(super) fn push(&mut self, form: &str, stem: Option<&str>, span: Range<usize>, kind: Kind) {
        let form = self.append(form);
        let stem = stem.map(|stem| self.append(stem));
        self.items.push(Item { form, stem, start: span.start, end: span.end, position: self.position, kind });
        self.position += 1;
    }

    /// Adds a compound at the next position, which its first part will share.
    pub(super) fn push_whole(&mut self, form: &str, span: Range<usize>) {
        self.push(form, None, span, Kind::Compound);
        self.position -= 1;
    }

    fn append(&mut self, text: &str) -> Range<u32> {
        let start = self.characters.len() as u32;
        self.characters.push_str(text);
        start..self.characters.len() as u32
    }

    fn slice(&self, range: &Range<u32>) -> &str {
        &self.characters[range.start as usize..range.end as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn item(&self, index: usize) -> Option<&Item> {
        self.items.get(index)
    }

    pub(super) fn form(&self, item: &Item) -> &str {
        self.slice(&item.form)
    }

    pub(super) fn stem(&self, item: &Item) -> Option<&str> {
        item.stem.as_ref().map(|range| self.slice(range))
    }

    /// The position after the last word.
    pub(super) fn end_position(&self) -> u32 {
        self.position
    }

    fn to_word(&self, item: &Item) -> Word {
        Word {
            form: self.form(item).to_owned(),
            stem: self.stem(item).map(str::to_owned),
            start: item.start,
            end: item.end,
            position: item.position,
            kind: item.kind,
        }
    }
}

/// The Korean dictionary, opened by the first Hangul that is met.
enum Korean {
    Unopened,
    Absent,
    Open(Box<Morphemes>),
}

impl Korean {
    fn morphemes(&mut self, analyzer: &Analyzer) -> Option<&mut Morphemes> {
        if matches!(self, Self::Unopened) {
            *self = analyzer.open_korean().map_or(Self::Absent, |segmenter| Self::Open(Box::new(Morphemes::new(&segmenter))));
        }
        match self {
            Self::Open(morphemes) => Some(morphemes),
            Self::Unopened | Self::Absent => None,
        }
    }
}

/// Analyses one text after another, reusing its buffers.
pub(super) struct Session {
    analyzer: Analyzer,
    words: Words,
    folded: String,
    characters: Vec<(char, usize, usize)>,
    stems: Stems,
    korean: Korean,
}

impl Session {
    pub(super) fn new(analyzer: Analyzer) -> Self {
        Self {
            analyzer,
            words: Words::default(),
            folded: String::new(),
            characters: Vec::new(),
            stems: Stems::default(),
            korean: Korean::Unopened,
        }
    }

    pub(super) fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// The words of a text without stop words.
    pub(super) fn analyze(&mut self, text: &str, rule: Rule) -> &Words {
        self.words.clear();
        let analyzer = self.analyzer.clone();
        let mut runs = Runs::new(text, analyzer.exceptions()).peekable();
        while let Some(run) = runs.next() {
            match run.class {
                Class::Word => self.add_word(text, run, rule),
                Class::Unspaced => self.add_unspaced(text, run),
                Class::Hangul => {
                    let mut end = run.end;
                    while let Some(next) = runs.next_if(|next| next.class == Class::Hangul && is_space(&text[end..next.start])) {
                        end = next.end;
                    }
                    self.add_hangul(text, run.start..end);
                }
                Class::Separator => {}
            }
        }
        self.remove_stop_words();
        &self.words
    }

    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    /// The words of a text, each on its own.
    pub(super) fn each_word(&mut self, text: &str, rule: Rule) -> Vec<Word> {
        let words = self.analyze(text, rule);
        words.items.iter().map(|item| words.to_word(item)).collect()
    }

    fn add_word(&mut self, text: &str, run: Run, rule: Rule) {
        self.folded.clear();
        script::fold_word(&text[run.start..run.end], &mut self.folded);
        if self.folded.is_empty() {
            return;
        }
        let stem = match self.analyzer.stemmer(rule) {
            Some(algorithm) => self.stems.stem(algorithm, &self.folded),
            None => None,
        };
        self.words.push(&self.folded, stem, run.start..run.end, Kind::Word);
    }

    fn add_unspaced(&mut self, text: &str, run: Run) {
        script::fold_unspaced(&text[run.start..run.end], run.start, &mut self.characters);
        if let [(character, start, end)] = self.characters[..] {
            self.words.push(character.encode_utf8(&mut [0; 4]), None, start..end, Kind::Bigram);
        }
        for pair in self.characters.windows(2) {
            self.folded.clear();
            self.folded.extend([pair[0].0, pair[1].0]);
            self.words.push(&self.folded, None, pair[0].1..pair[1].2, Kind::Bigram);
        }
    }

    /// Adds the Hangul words of a stretch: all at once to the dictionary, which judges by context. Text in conjoining letters is composed
    /// word by word, and what it is cut into has the place of the word.
    fn add_hangul(&mut self, text: &str, stretch: Range<usize>) {
        let hangul = &text[stretch.clone()];
        let mut morphemes = self.korean.morphemes(&self.analyzer);
        let composed = hangul.chars().all(|c| c >= '\u{ac00}' || c.is_whitespace());
        if composed
            && let Some(morphemes) = morphemes.as_deref_mut()
            && morphemes.add(hangul, stretch.start, &mut self.words)
        {
            return;
        }
        for word in hangul.split_whitespace() {
            let start = stretch.start + (word.as_ptr() as usize - hangul.as_ptr() as usize);
            let span = start..start + word.len();
            let whole = korean::compose(word);
            let first = self.words.items.len();
            let cut = morphemes.as_deref_mut().is_some_and(|morphemes| morphemes.add(&whole, start, &mut self.words));
            if cut {
                for item in &mut self.words.items[first..] {
                    (item.start, item.end) = (span.start, span.end);
                }
            } else {
                self.words.push(&whole, None, span, Kind::Word);
            }
        }
    }

    fn remove_stop_words(&mut self) {
        if self.analyzer.has_stop_words() {
            let Words { characters, items, .. } = &mut self.words;
            items.retain(|item| !self.analyzer.is_stop_word(&characters[item.form.start as usize..item.form.end as usize]));
        }
    }
}

fn is_space(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}
