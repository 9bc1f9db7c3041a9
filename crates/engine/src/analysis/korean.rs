//! Korean: morphemes by mecab-ko-dic where it is there, bigrams and leading consonants always.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::Arc,
};

use lindera::{dictionary::load_fs_dictionary_with_options, mode::Mode, segmenter::Segmenter, worker::SegmentWorker};
use parking_lot::Mutex;
use unicode_normalization::UnicodeNormalization;

use super::{Kind, words::Words};

/// The dictionary that is open in this process, shared by all indexes: 6 MB private, the rest in the page cache.
static OPEN: Mutex<Option<(PathBuf, Arc<Segmenter>)>> = Mutex::new(None);

/// Opens the dictionary in a directory, or says (once) that it cannot be read.
pub(super) fn open(directory: &Path) -> Option<Arc<Segmenter>> {
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

/// Cuts Hangul text into morphemes.
pub(super) struct Morphemes {
    worker: SegmentWorker,
}

impl Morphemes {
    pub(super) fn new(segmenter: &Segmenter) -> Self {
        Self { worker: segmenter.new_worker() }
    }

    /// Adds the words of a stretch of Hangul words. Particles, endings, suffixes and punctuation are left out.
    pub(super) fn add(&mut self, text: &str, offset: usize, words: &mut Words) -> bool {
        let Ok(tokens) = self.worker.segment(text) else { return false };
        for mut token in tokens {
            let (start, end) = (offset + token.byte_start, offset + token.byte_end);
            let surface = text.get(token.byte_start..token.byte_end).unwrap_or_default();
            let mut details = token.details_iter();
            let tag = details.next().unwrap_or_default();
            let kind = details.nth(3).unwrap_or_default();
            let expression = details.nth(2).unwrap_or_default();
            match kind {
                "Compound" | "Preanalysis" => add_parts(surface, kind, expression, start..end, words),
                _ if !is_content(tag) => {}
                "Inflect" => {
                    let stem = expression.split(['/', '+']).next().filter(|stem| !stem.is_empty());
                    words.push(surface, stem.filter(|&stem| stem != surface), start..end, Kind::Morpheme);
                }
                _ => words.push(surface, None, start..end, Kind::Morpheme),
            }
        }
        true
    }
}

/// Adds a compound whole and by its parts, which are `form/tag/...` joined by `+`.
fn add_parts(surface: &str, kind: &str, expression: &str, span: std::ops::Range<usize>, words: &mut Words) {
    let parts = || expression.split('+').filter_map(|part| part.split_once('/'));
    if kind == "Compound" && parts().count() > 1 {
        words.push_whole(surface, span.clone());
    }
    let spelled = parts().map(|(form, _)| form.len()).sum::<usize>() == surface.len();
    let mut at = span.start;
    for (form, tags) in parts() {
        let place = if spelled { at..at + form.len() } else { span.clone() };
        at += form.len();
        if is_content(tags.split('/').next().unwrap_or_default()) {
            words.push(form, None, place, Kind::Morpheme);
        }
    }
}

/// Whether a morpheme of this tag (Sejong tag set, `A+B` for a fused one) carries meaning of its own.
fn is_content(tag: &str) -> bool {
    let first = tag.split('+').next().unwrap_or_default();
    match first.as_bytes() {
        [b'J' | b'E', ..] | [b'X', b'S', ..] => false,
        [b'S', ..] => matches!(first, "SL" | "SH" | "SN"),
        _ => first != "VCP",
    }
}

/// Whether a text has a Hangul syllable or conjoining letter in it.
pub(crate) fn has_hangul(text: &str) -> bool {
    // Hangul syllables begin with the bytes EA to ED, conjoining letters with E1; most text has neither.
    text.bytes().any(|byte| matches!(byte, 0xe1 | 0xea..=0xed)) && text.chars().any(is_hangul)
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}')
}

/// Hangul in syllables, as most text has it.
pub(super) fn compose(run: &str) -> Cow<'_, str> {
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
        initials.extend(run.chars().filter_map(initial));
        callback(&initials);
    });
}

/// The leading consonant of a syllable, as the letter that a keyboard types.
fn initial(syllable: char) -> Option<char> {
    const INITIALS: [char; 19] =
        ['ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ'];
    let index = (syllable as u32).checked_sub(0xac00)? / 588;
    INITIALS.get(index as usize).copied()
}

/// Whether a word consists of consonants alone, so that it can be meant as leading consonants.
pub(crate) fn is_initials(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| matches!(c, 'ㄱ'..='ㅎ'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bigrams_stay_within_words() {
        let mut bigrams = Vec::new();
        each_bigram("검색엔진 in 한 \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}", |bigram| bigrams.push(bigram.to_owned()));
        assert_eq!(bigrams, ["검색", "색엔", "엔진", "한", "한글"]);
    }

    #[test]
    fn initials_are_those_of_each_word() {
        let mut initials = Vec::new();
        each_initials("검색 엔진X", |word| initials.push(word.to_owned()));
        assert_eq!(initials, ["ㄱㅅ", "ㅇㅈ"]);
        assert!(is_initials("ㄱㅅ") && !is_initials("ㄱ색") && !is_initials("ㅏ"));
    }

    #[test]
    fn particles_and_endings_carry_no_meaning() {
        assert!(["NNG", "VV", "VV+EC", "SL", "MAG"].into_iter().all(is_content));
        assert!(["JX", "EF", "XSV+EF", "SF", "VCP+EF"].into_iter().all(|tag| !is_content(tag)));
    }
}
