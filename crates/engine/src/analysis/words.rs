//! The words of a text in one flat, reusable buffer, and the session that fills it.

use std::ops::Range;

use frostem::Algorithm;

use super::{
    Analyzer, Kind, Rule, Word,
    korean::{self, Morphemes},
    script::{self, Alphabet, Characters, Class, Entry, Run, Runs},
    stem::Stems,
};

/// The words of a text: their characters in one string, so that analysing allocates nothing once the buffers have grown.
#[derive(Debug, Default)]
pub(crate) struct Words {
    characters: String,
    items: Vec<Item>,
    position: u32,
    /// What only a person wants to know, if one asked.
    pub(super) notes: Option<Notes>,
}

/// A word in [`Words`].
#[derive(Debug, Clone)]
pub(super) struct Item {
    form: Range<u32>,
    stem: Option<Range<u32>>,
    start: usize,
    end: usize,
    pub(super) position: u32,
    pub(super) kind: Kind,
}

/// A word of a text, borrowed from [`Words`]; its members are those of [`Word`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct WordRef<'a> {
    pub(crate) form: &'a str,
    stem: Option<&'a str>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) position: u32,
    pub(crate) kind: Kind,
}

impl<'a> WordRef<'a> {
    /// The term that every inflection of the word has.
    pub(crate) fn stem_term(self) -> &'a str {
        self.stem.unwrap_or(self.form)
    }

    fn to_word(self) -> Word {
        let Self { form, stem, start, end, position, kind } = self;
        Word { form: form.to_owned(), stem: stem.map(str::to_owned), start, end, position, kind }
    }
}

/// Notes on the words of a text.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The part of speech of the word at this index.
    pub(super) tags: Vec<(usize, String)>,
    /// What is no word of its own.
    pub(super) dropped: Vec<Dropped>,
}

/// A piece of the text that is not searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// As written.
    pub form: String,
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its part of speech; `None`: it is a stop word.
    pub tag: Option<String>,
}

impl Words {
    /// Empties the buffer; the next word has this position.
    fn clear(&mut self) {
        self.characters.clear();
        self.items.clear();
        self.position = 0;
        if let Some(notes) = &mut self.notes {
            notes.tags.clear();
            notes.dropped.clear();
        }
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

    /// Adds a Hangul word as it is written, in front of its morphemes, of which the first is at this index.
    pub(super) fn insert_written(&mut self, first: usize, form: &str, span: Range<usize>) {
        let position = self.items[first].position;
        let form = self.append(form);
        self.items.insert(first, Item { form, stem: None, start: span.start, end: span.end, position, kind: Kind::Written });
        if let Some(notes) = &mut self.notes {
            notes.tags.iter_mut().filter(|(index, _)| *index >= first).for_each(|(index, _)| *index += 1);
        }
    }

    /// Adds that the last word may be its own stem.
    pub(super) fn push_alternative(&mut self, form: &str, span: Range<usize>) {
        self.position -= 1;
        self.push(form, Some(form), span, Kind::Alternative);
    }

    /// Notes the part of speech of the last word.
    pub(super) fn note(&mut self, tag: &str) {
        if let Some(notes) = &mut self.notes {
            notes.tags.push((self.items.len() - 1, tag.to_owned()));
        }
    }

    /// Notes what was left out.
    pub(super) fn note_dropped(&mut self, form: &str, span: Range<usize>, tag: &str) {
        if let Some(notes) = &mut self.notes {
            notes.dropped.push(Dropped { form: form.to_owned(), start: span.start, end: span.end, tag: Some(tag.to_owned()) });
        }
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

    fn borrow(&self, item: &Item) -> WordRef<'_> {
        let (form, stem) = (self.form(item), self.stem(item));
        WordRef { form, stem, start: item.start, end: item.end, position: item.position, kind: item.kind }
    }

    /// Each word, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = WordRef<'_>> {
        self.items.iter().map(|item| self.borrow(item))
    }

    /// The word at an index, as one of its own.
    pub(super) fn word(&self, index: usize) -> Option<Word> {
        self.items.get(index).map(|item| self.borrow(item).to_word())
    }

    /// The words, each on its own.
    pub(super) fn to_vec(&self) -> Vec<Word> {
        self.iter().map(WordRef::to_word).collect()
    }

    /// Removes the words that are stop words.
    fn remove_stop_words(&mut self, analyzer: &Analyzer) {
        let Self { characters, items, notes, .. } = self;
        let mut kept = 0;
        items.retain(|item| {
            let form = &characters[item.form.start as usize..item.form.end as usize];
            let stop = analyzer.is_stop_word(form);
            if let Some(notes) = notes {
                if stop {
                    notes.tags.retain(|(index, _)| *index != kept);
                    notes.tags.iter_mut().filter(|(index, _)| *index > kept).for_each(|(index, _)| *index -= 1);
                    notes.dropped.push(Dropped { form: form.to_owned(), start: item.start, end: item.end, tag: None });
                } else {
                    kept += 1;
                }
            }
            !stop
        });
    }
}

/// The morphemes of Korean, taken by the first Hangul that is met.
enum Worker {
    Untaken,
    Absent,
    Taken(Morphemes),
}

impl Worker {
    fn morphemes(&mut self, analyzer: &Analyzer) -> Option<&mut Morphemes> {
        if matches!(self, Self::Untaken) {
            *self = analyzer.korean_words().take().map_or(Self::Absent, Self::Taken);
        }
        match self {
            Self::Taken(morphemes) => Some(morphemes),
            Self::Untaken | Self::Absent => None,
        }
    }
}

/// Analyses one text after another, reusing its buffers.
pub(super) struct Session {
    analyzer: Analyzer,
    words: Words,
    folded: String,
    lower: String,
    characters: Characters,
    stems: Stems,
    worker: Worker,
    /// What begins with other letters may be passed over.
    wanted: Letters,
}

/// What words begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letters {
    /// The letters of ASCII, one a bit.
    ascii: u128,
    /// Whether there are others.
    others: bool,
    /// The second letters, one a bit, after each from `a` to `z`.
    second: [u32; 26],
}

impl Letters {
    pub(crate) const ALL: Self = Self { ascii: u128::MAX, others: true, second: [u32::MAX; 26] };

    /// Those that these words begin with.
    pub(crate) fn of<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut letters = Self { ascii: 0, others: false, second: [0; 26] };
        for word in words {
            let mut bytes = word.bytes();
            match bytes.next() {
                None => {}
                Some(first @ 0..=0x7f) => {
                    letters.ascii |= 1 << first;
                    if let Some(first) = number(first) {
                        // What goes on after a single letter may go on with any.
                        let second = bytes.next().map_or(u32::MAX, |second| number(second).map_or(0, |second| 1 << second));
                        letters.second[first] |= second;
                    }
                }
                Some(_) => letters.others = true,
            }
        }
        letters
    }

    /// Whether a word in English letters or digits may be the beginning of one of the words, or have its stem. Of any other word it may.
    fn may_be(self, word: &str) -> bool {
        let mut bytes = word.bytes().map(|byte| byte.to_ascii_lowercase());
        !word.is_ascii() || bytes.next().is_none_or(|first| self.begin(first, bytes.next()))
    }

    /// The same of a word that begins with these, in lower case. One that begins with a digit may always be.
    fn begin(self, first: u8, second: Option<u8>) -> bool {
        let Some(place) = number(first) else { return true };
        // `dying` has the stem `die`.
        let second = second.filter(|second| *second != b'y').and_then(number);
        self.ascii & (1 << first) != 0 && second.is_none_or(|second| self.second[place] & (1 << second) != 0)
    }
}

/// The number of a small letter.
fn number(letter: u8) -> Option<usize> {
    letter.is_ascii_lowercase().then(|| usize::from(letter - b'a'))
}

impl Session {
    pub(super) fn new(analyzer: Analyzer) -> Self {
        Self {
            analyzer,
            words: Words::default(),
            folded: String::new(),
            lower: String::new(),
            characters: Characters::default(),
            stems: Stems::default(),
            worker: Worker::Untaken,
            wanted: Letters::ALL,
        }
    }

    /// A session that also notes what a person wants to know.
    pub(super) fn noting(analyzer: Analyzer) -> Self {
        let mut session = Self::new(analyzer);
        session.words.notes = Some(Notes::default());
        session
    }

    pub(super) fn analyzer(&self) -> &Analyzer {
        &self.analyzer
    }

    /// Like [`Self::analyze`], for someone who compares the words with some that begin with these letters. English words that begin with
    /// others may be left out, because the English stemmer changes ends only, and so may Hangul and scripts without spaces where all are ASCII:
    /// an English query needs no Korean dictionary. What is left out keeps words apart: they are no neighbours.
    pub(super) fn analyze_for(&mut self, letters: Letters, text: &str, rule: Rule) -> &Words {
        self.wanted = letters;
        self.analyze(text, rule);
        self.wanted = Letters::ALL;
        &self.words
    }

    /// The words of a text without stop words.
    pub(super) fn analyze(&mut self, text: &str, rule: Rule) -> &Words {
        self.words.clear();
        let analyzer = self.analyzer.clone();
        let mut hangul = false;
        let mut end_before = usize::MAX;
        // Other stemmers, and the readers of other scripts, may change what a word begins with.
        let skips = self.wanted != Letters::ALL
            && analyzer.stemmer(rule, Alphabet::Latin).is_none_or(|(_, algorithm)| algorithm == Algorithm::English);
        let wanted = self.wanted;
        let mut runs = Runs::new(text, analyzer.exceptions());
        // The run that ended a stretch of Hangul.
        let mut behind = None;
        loop {
            if skips && behind.is_none() {
                self.words.position += runs.pass_over(|first, second| !wanted.begin(first, second));
            }
            let Some(run) = behind.take().or_else(|| runs.next()) else { break };
            match run.class {
                Class::Word => match run.entry.map(|entry| &analyzer.exceptions().whole[entry]) {
                    Some(entry) if !entry.parts.is_empty() => self.add_entry(text, run, entry, rule),
                    // Beside other scripts, and where the settings have exceptions, nothing was passed over.
                    _ if skips && !wanted.may_be(&text[run.start..run.end]) => self.words.position += 1,
                    _ => self.add_word(text, run.start..run.end, rule),
                },
                Class::Hangul if end_before == run.start && korean::is_particle(&text[run.start..run.end]) => {
                    self.words.note_dropped(&text[run.start..run.end], run.start..run.end, "J");
                }
                Class::Hangul | Class::Unspaced if !self.wanted.others => self.words.position += 1,
                Class::Unspaced => self.add_unspaced(text, run),
                Class::Hangul => {
                    hangul = true;
                    let mut end = run.end;
                    for next in runs.by_ref() {
                        if next.class != Class::Hangul || !is_space(&text[end..next.start]) {
                            behind = Some(next);
                            break;
                        }
                        end = next.end;
                    }
                    self.add_hangul(text, run.start..end);
                }
                Class::Separator => {}
            }
            end_before = run.end;
        }
        if hangul && self.words.end_position() == 0 {
            self.add_hangul_as_written(text);
        }
        if analyzer.has_stop_words() {
            self.words.remove_stop_words(&analyzer);
        }
        &self.words
    }

    pub(super) fn words(&self) -> &Words {
        &self.words
    }

    fn add_word(&mut self, text: &str, span: Range<usize>, rule: Rule) {
        let written = &text[span.clone()];
        self.folded.clear();
        script::fold_word(written, &mut self.folded);
        let Some(first) = self.folded.chars().next() else { return };
        let stem = match Alphabet::of(first).and_then(|alphabet| self.analyzer.stemmer(rule, alphabet)) {
            Some((_, algorithm)) if written.is_ascii() && algorithm != Algorithm::Turkish => {
                self.stems.stem(algorithm, &self.folded, &self.folded)
            }
            Some((_, algorithm)) => {
                self.lower.clear();
                script::lower_word(written, algorithm == Algorithm::Turkish, &mut self.lower);
                self.stems.stem(algorithm, &self.lower, &self.folded)
            }
            None => None,
        };
        self.words.push(&self.folded, stem, span, Kind::Word);
    }

    /// Adds a word of the settings whole and by its parts.
    fn add_entry(&mut self, text: &str, run: Run, entry: &Entry, rule: Rule) {
        self.folded.clear();
        script::fold_word(&text[run.start..run.end], &mut self.folded);
        self.words.push_whole(&self.folded, run.start..run.end);
        let spelled = run.end - run.start == entry.lower.len();
        let mut at = run.start;
        for part in &entry.parts {
            let span = at..at + part.len();
            at = span.end;
            if spelled && text.is_char_boundary(span.start) && text.is_char_boundary(span.end) {
                self.add_word(text, span, rule);
            } else {
                self.add_word(part, 0..part.len(), rule);
                if let Some(last) = self.words.items.last_mut() {
                    (last.start, last.end) = (run.start, run.end);
                }
            }
        }
    }

    fn add_unspaced(&mut self, text: &str, run: Run) {
        self.characters.read(&text[run.start..run.end], run.start);
        let length = self.characters.len();
        for at in 0..length.saturating_sub(1) {
            let (pair, span) = self.characters.get(at, 2);
            self.words.push(pair, None, span, Kind::Bigram);
        }
        if length > 0 {
            let (last, span) = self.characters.get(length - 1, 1);
            self.words.push(last, None, span, if length == 1 { Kind::Bigram } else { Kind::Tail });
        }
    }

    /// Adds the Hangul words of a stretch: all at once to the dictionary, which judges by context. Text in conjoining letters is composed
    /// word by word, and what it is cut into has the place of the word.
    fn add_hangul(&mut self, text: &str, stretch: Range<usize>) {
        let hangul = &text[stretch.clone()];
        let mut morphemes = self.worker.morphemes(&self.analyzer);
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
            if !cut {
                let parts = self.analyzer.korean_words().noun(&whole).map_or(&[][..], |noun| &noun.parts);
                if parts.is_empty() {
                    self.words.push(&whole, None, span.clone(), Kind::Word);
                } else {
                    self.words.push_whole(&whole, span.clone());
                }
                for part in parts {
                    self.words.push(part, None, span.clone(), Kind::Word);
                }
            }
            for item in &mut self.words.items[first..] {
                (item.start, item.end) = (span.start, span.end);
            }
        }
    }

    /// Adds the Hangul words of a text that the dictionary left nothing of, such as a query for one particle.
    fn add_hangul_as_written(&mut self, text: &str) {
        let analyzer = self.analyzer.clone();
        for run in Runs::new(text, analyzer.exceptions()).filter(|run| run.class == Class::Hangul) {
            self.words.push(&korean::compose(&text[run.start..run.end]), None, run.start..run.end, Kind::Word);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Worker::Taken(morphemes) = std::mem::replace(&mut self.worker, Worker::Absent) {
            self.analyzer.korean_words().give_back(morphemes);
        }
    }
}

fn is_space(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}
