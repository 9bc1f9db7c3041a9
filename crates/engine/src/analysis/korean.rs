//! Korean: morphemes by mecab-ko-dic and the nouns of the settings where the dictionary is there, bigrams and leading consonants always.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use lindera::{
    dictionary::{Dictionary, DictionaryBuilder, UserDictionary, load_fs_dictionary_with_options},
    mode::Mode,
    segmenter::Segmenter,
    token::Token,
    worker::SegmentWorker,
};
use parking_lot::Mutex;
use unicode_normalization::UnicodeNormalization;

use super::{
    Kind,
    jamo::{self, is_syllable},
    script::Entry,
    words::Words,
};

/// The dictionary that is open in this process, shared by all indexes: 6 MB private, the rest in the page cache.
static OPEN: Mutex<Option<(PathBuf, Arc<Segmenter>)>> = Mutex::new(None);
/// Segmenters that know the nouns of settings besides, the last used one first: the one that is in use, and a draft's. To make one takes a look at every word
/// of the dictionary; a new generation with the same settings finds it made.
static WITH_NOUNS: Mutex<Vec<Named>> = Mutex::new(Vec::new());
const MOST_WITH_NOUNS: usize = 2;

/// A directory, nouns, and the segmenter that knows them.
type Named = (PathBuf, Vec<Entry>, Arc<Segmenter>);

/// Workers that wait for the next text: as many as analyse at the same time.
const IDLE_WORKERS: usize = 4;

/// Where the morphemes of an index's text come from. Nothing is opened before the first Hangul that is met.
pub(super) struct Korean {
    directory: Option<PathBuf>,
    nouns: Vec<Entry>,
    segmenter: OnceLock<Option<Arc<Segmenter>>>,
    idle: Mutex<Vec<Morphemes>>,
}

impl Korean {
    /// With the dictionary in a directory, if there is one, and these nouns.
    pub(super) fn new(directory: Option<PathBuf>, nouns: Vec<Entry>) -> Self {
        Self { directory, nouns, segmenter: OnceLock::new(), idle: Mutex::new(Vec::new()) }
    }

    pub(super) fn has_dictionary(&self) -> bool {
        self.directory.is_some()
    }

    /// The same nouns without a dictionary.
    pub(super) fn without_dictionary(&self) -> Self {
        Self::new(None, self.nouns.clone())
    }

    /// The noun of the settings that a word is.
    pub(super) fn noun(&self, word: &str) -> Option<&Entry> {
        self.nouns.iter().find(|noun| noun.lower == word)
    }

    /// A worker, to be given back; `None`: there is no dictionary.
    pub(super) fn take(&self) -> Option<Morphemes> {
        let directory = self.directory.as_deref()?;
        if let Some(morphemes) = self.idle.lock().pop() {
            return Some(morphemes);
        }
        let segmenter = self.segmenter.get_or_init(|| {
            let shared = open(directory)?;
            Some(if self.nouns.is_empty() { shared } else { with_nouns(directory, &shared, &self.nouns) })
        });
        segmenter.as_deref().map(|segmenter| Morphemes { worker: Box::new(segmenter.new_worker()) })
    }

    /// Gives a worker back.
    pub(super) fn give_back(&self, morphemes: Morphemes) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_WORKERS {
            idle.push(morphemes);
        }
    }
}

/// Opens the dictionary in a directory, or says (once) that it cannot be read.
fn open(directory: &Path) -> Option<Arc<Segmenter>> {
    let mut open = OPEN.lock();
    if let Some((path, segmenter)) = open.as_ref()
        && path == directory
    {
        return Some(Arc::clone(segmenter));
    }
    match load_fs_dictionary_with_options(directory, true) {
        Ok(dictionary) => {
            let segmenter = Arc::new(Segmenter::new(Mode::Normal, dictionary, None));
            *open = Some((directory.to_owned(), Arc::clone(&segmenter)));
            Some(segmenter)
        }
        Err(error) => {
            tracing::warn!(path = %directory.display(), %error, "the korean dictionary cannot be read, words are taken as written");
            None
        }
    }
}

/// A segmenter that knows these nouns too; the dictionary itself is shared.
fn with_nouns(directory: &Path, shared: &Arc<Segmenter>, nouns: &[Entry]) -> Arc<Segmenter> {
    let mut made = WITH_NOUNS.lock();
    if let Some(at) = made.iter().position(|(path, known, _)| path == directory && known == nouns) {
        made[..=at].rotate_right(1);
        return Arc::clone(&made[0].2);
    }
    match user_dictionary(&shared.dictionary, nouns) {
        Ok(own) => {
            let segmenter = Arc::new(Segmenter::new(Mode::Normal, shared.dictionary.clone(), Some(own)));
            made.truncate(MOST_WITH_NOUNS - 1);
            made.insert(0, (directory.to_owned(), nouns.to_vec(), Arc::clone(&segmenter)));
            segmenter
        }
        Err(error) => {
            tracing::warn!(%error, "the nouns of the settings cannot be used");
            Arc::clone(shared)
        }
    }
}

fn user_dictionary(dictionary: &Dictionary, nouns: &[Entry]) -> lindera::LinderaResult<UserDictionary> {
    let rows: Vec<String> = nouns.iter().map(row).collect();
    DictionaryBuilder::new((*dictionary.metadata).clone()).build_user_dict_from_reader(rows.join("\n").as_bytes())
}

/// A noun as a row of mecab-ko-dic: surface, contexts, cost, tag, meaning, final, reading, kind, first and last tag, parts.
///
/// The contexts are those of its common nouns (NNG), which particles follow. The cost falls with the square of the length: a noun of the settings is
/// preferred to any words of the dictionary, and the longer of two of them to the shorter ones that it is made of.
fn row(noun: &Entry) -> String {
    const LEFT: u16 = 1780;
    const RIGHT: u16 = 3533;
    const RIGHT_WITH_FINAL: u16 = 3534;
    let word = &noun.lower;
    let has_final = word.chars().next_back().is_some_and(jamo::has_final);
    let (right, ends) = if has_final { (RIGHT_WITH_FINAL, 'T') } else { (RIGHT, 'F') };
    let length = i32::try_from(word.chars().count()).unwrap_or(i32::MAX);
    let cost = length.saturating_mul(length).saturating_mul(-1000).max(i32::from(i16::MIN));
    let (kind, parts) = if noun.parts.is_empty() {
        ("*", "*".to_owned())
    } else {
        ("Compound", noun.parts.iter().map(|part| format!("{part}/NNG/*")).collect::<Vec<_>>().join("+"))
    };
    format!("{word},{LEFT},{right},{cost},NNG,*,{ends},{word},{kind},*,*,{parts}")
}

/// Cuts Hangul text into morphemes.
pub(super) struct Morphemes {
    worker: Box<SegmentWorker>,
}

impl Morphemes {
    /// Adds the words of a stretch of Hangul words. Particles, endings, suffixes and punctuation are left out.
    pub(super) fn add(&mut self, text: &str, offset: usize, words: &mut Words) -> bool {
        let Ok(mut tokens) = self.worker.segment(text) else { return false };
        for written in tokens.chunk_by_mut(|token, next| token.byte_end == next.byte_start) {
            let place = written[0].byte_start..written[written.len() - 1].byte_end;
            let (first, mut is_cut) = (words.len(), written.len() > 1);
            for token in written {
                // What stands for others may be written otherwise.
                is_cut |= add_token(token, text, offset, words) == "Preanalysis";
            }
            if is_cut && first < words.len() {
                words.insert_written(first, &text[place.clone()], offset + place.start..offset + place.end);
            }
        }
        true
    }
}

/// Adds what a token of the dictionary stands for, and returns of which kind it is.
fn add_token<'t>(token: &'t mut Token<'_>, text: &str, offset: usize, words: &mut Words) -> &'t str {
    let (start, end) = (offset + token.byte_start, offset + token.byte_end);
    let surface = text.get(token.byte_start..token.byte_end).unwrap_or_default();
    let mut details = token.details_iter();
    let tag = details.next().unwrap_or_default();
    let kind = details.nth(3).unwrap_or_default();
    let expression = details.nth(2).unwrap_or_default();
    match kind {
        "Compound" | "Preanalysis" => add_parts(surface, tag, kind, expression, start..end, words),
        _ if !is_content(tag) => words.note_dropped(surface, start..end, tag),
        "Inflect" => {
            let stem = expression.split(['/', '+']).next().filter(|&stem| !stem.is_empty() && stem != surface);
            words.push(surface, stem, start..end, Kind::Morpheme);
            words.note(tag);
            // Not fused with an ending, it may as well be what it looks like.
            if stem.is_some() && tag.starts_with('V') && !tag.contains('+') {
                words.push_alternative(surface, start..end);
            }
        }
        _ => {
            words.push(surface, None, start..end, Kind::Morpheme);
            words.note(tag);
        }
    }
    kind
}

/// Adds a compound whole and by its parts, which are `form/tag/...` joined by `+`.
fn add_parts(surface: &str, tag: &str, kind: &str, expression: &str, span: std::ops::Range<usize>, words: &mut Words) {
    let parts = || expression.split('+').filter_map(|part| part.split_once('/'));
    if kind == "Compound" && parts().count() > 1 {
        words.push_whole(surface, span.clone());
        words.note(tag);
    }
    let spelled = parts().map(|(form, _)| form.len()).sum::<usize>() == surface.len();
    let mut at = span.start;
    for (form, tags) in parts() {
        let place = if spelled { at..at + form.len() } else { span.clone() };
        at += form.len();
        let tag = tags.split('/').next().unwrap_or_default();
        if is_content(tag) {
            words.push(form, None, place, Kind::Morpheme);
            words.note(tag);
        } else {
            words.note_dropped(form, place, tag);
        }
    }
}

/// Whether a morpheme of this tag (Sejong tag set, `A+B` for a fused one) carries meaning of its own: not particles (J), endings (E), suffixes (XS),
/// the copulas (VCP, VCN) and signs (S). Prefixes (XPN) stay: `비공식` is not `공식`.
fn is_content(tag: &str) -> bool {
    let first = tag.split('+').next().unwrap_or_default();
    match first.as_bytes() {
        [b'J' | b'E', ..] | [b'X', b'S', ..] | [b'V', b'C', ..] => false,
        [b'S', ..] => matches!(first, "SL" | "SH" | "SN"),
        _ => true,
    }
}

/// Whether Hangul that follows a word of another script without a space is a particle or copula and nothing else. Alone the dictionary would take some for
/// words: `와` for a form of `오다`.
pub(super) fn is_particle(attached: &str) -> bool {
    const PARTICLES: &str = "가 이 은 는 을 를 의 에 에서 에게 에는 에도 에서는 에서도 로 으로 로는 으로는 로도 로서 로써 와 과 와는 과는 와의 \
         과의 도 만 만의 부터 까지 까지의 보다 처럼 마다 조차 밖에 나 이나 라도 이라도 랑 이랑 이며 이고 인 이다 입니다 라는 이라는 께서";
    PARTICLES.split(' ').any(|particle| particle == attached)
}

/// Whether a text has a Hangul syllable or conjoining letter in it.
pub(crate) fn has_hangul(text: &str) -> bool {
    // Hangul syllables begin with the bytes EA to ED, conjoining letters with E1; most text has neither.
    text.bytes().any(|byte| matches!(byte, 0xe1 | 0xea..=0xed)) && text.chars().any(is_hangul)
}

fn is_hangul(c: char) -> bool {
    is_syllable(c) || matches!(c, '\u{1100}'..='\u{11ff}')
}

/// Hangul in syllables, as most text has it.
pub(crate) fn compose(run: &str) -> Cow<'_, str> {
    if run.chars().any(|c| matches!(c, '\u{1100}'..='\u{11ff}')) { Cow::Owned(run.nfc().collect()) } else { Cow::Borrowed(run) }
}

/// Calls back with each run of Hangul syllables, composed.
fn each_run(text: &str, mut callback: impl FnMut(&str)) {
    for run in text.split(|c| !is_hangul(c)).filter(|run| !run.is_empty()) {
        callback(&compose(run));
    }
}

/// Calls back with each pair of neighbouring syllables of each Hangul word; a word of one syllable is itself.
pub(super) fn each_bigram(text: &str, mut callback: impl FnMut(&str)) {
    each_run(text, |run| {
        let starts: Vec<usize> = run.char_indices().map(|(at, _)| at).chain([run.len()]).collect();
        if starts.len() == 2 {
            callback(run);
        }
        for window in starts.windows(3) {
            callback(&run[window[0]..window[2]]);
        }
    });
}

/// Calls back with the leading consonants of each Hangul word.
pub(super) fn each_initials(text: &str, mut callback: impl FnMut(&str)) {
    let mut initials = String::new();
    each_run(text, |run| {
        initials.clear();
        initials.extend(run.chars().filter_map(jamo::initial));
        callback(&initials);
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bigrams(text: &str) -> Vec<String> {
        let mut bigrams = Vec::new();
        each_bigram(text, |bigram| bigrams.push(bigram.to_owned()));
        bigrams
    }

    #[test]
    fn bigrams_stay_within_words() {
        assert_eq!(bigrams("검색엔진 in 한 \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"), ["검색", "색엔", "엔진", "한", "한글"]);
    }

    #[test]
    fn initials_are_those_of_each_word() {
        let mut initials = Vec::new();
        each_initials("검색 엔진X", |word| initials.push(word.to_owned()));
        assert_eq!(initials, ["ㄱㅅ", "ㅇㅈ"]);
    }

    #[test]
    fn particles_endings_suffixes_copulas_and_signs_carry_no_meaning() {
        for tag in ["NNG", "NNP", "NP+JX", "VV", "VV+EC", "VA", "XR", "XPN", "SL", "SN", "SH", "MAG", "IC", "UNKNOWN"] {
            assert!(is_content(tag), "{tag}");
        }
        for tag in ["JX", "JKS", "EF", "EP+EF", "ETM", "XSN", "XSV+EF", "XSA", "SF", "SSO", "SY", "SP", "VCP+EF", "VCN+EC"] {
            assert!(!is_content(tag), "{tag}");
        }
    }

    #[test]
    fn a_noun_becomes_a_row_of_the_dictionary() {
        let noun =
            |lower: &str, parts: &[&str]| Entry { lower: lower.to_owned(), parts: parts.iter().map(|&part| part.to_owned()).collect() };
        assert_eq!(row(&noun("옹기", &[])), "옹기,1780,3533,-4000,NNG,*,F,옹기,*,*,*,*");
        assert_eq!(
            row(&noun("옹기검색", &["옹기", "검색"])),
            "옹기검색,1780,3534,-16000,NNG,*,T,옹기검색,Compound,*,*,옹기/NNG/*+검색/NNG/*"
        );
        assert!(row(&noun(&"가".repeat(200), &[])).contains(",-32768,"));
    }

    proptest! {
        #[test]
        fn bigrams_are_two_neighbours_of_one_word_and_nothing_else(text in "[가-힣 a-z]{0,20}") {
            let found = bigrams(&text);
            for bigram in &found {
                prop_assert!(text.contains(bigram.as_str()) && bigram.chars().all(is_syllable));
            }
            let words = text.split(|c| !is_syllable(c)).map(|word| word.chars().count()).filter(|length| *length > 0);
            prop_assert_eq!(found.len(), words.map(|length| (length - 1).max(1)).sum::<usize>());
        }
    }
}
