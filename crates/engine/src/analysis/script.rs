//! Which characters make words, how they are folded, and where a text is cut.

use unicode_normalization::{
    UnicodeNormalization,
    char::{compose, decompose_compatible, is_combining_mark},
};

/// What a character is to the cutting of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Between words.
    Separator,
    /// Part of a word of an alphabet; digits too.
    Word,
    /// A Hangul syllable or conjoining letter.
    Hangul,
    /// A character of a script that is written without spaces: Han, kana, Thai and its neighbours.
    Unspaced,
}

/// The class of a character.
pub(super) fn class(c: char) -> Class {
    match c {
        '0'..='9' | 'a'..='z' | 'A'..='Z' => Class::Word,
        // The last ones select how an emoji looks.
        '\0'..='\u{7f}' | '\u{b7}' | '\u{fe00}'..='\u{fe0f}' => Class::Separator,
        '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}' => Class::Hangul,
        '\u{3040}'..='\u{30ff}' if c != '\u{30a0}' && c != '\u{30fb}' => Class::Unspaced,
        '\u{3005}'..='\u{3007}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}'
        | '\u{20000}'..='\u{3ffff}'
        | '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
            if c.is_alphanumeric() || is_combining_mark(c) =>
        {
            Class::Unspaced
        }
        _ if c.is_alphanumeric() || is_combining_mark(c) => Class::Word,
        _ => Class::Separator,
    }
}

/// An alphabet that words are stemmed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alphabet {
    Latin,
    Greek,
    Cyrillic,
    Armenian,
    Hebrew,
    Arabic,
    Devanagari,
    Tamil,
}

impl Alphabet {
    pub(super) const COUNT: usize = 8;

    /// The alphabet of a letter.
    pub(super) fn of(c: char) -> Option<Self> {
        Some(match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{ff21}'..='\u{ff5a}' => Self::Latin,
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Self::Greek,
            '\u{400}'..='\u{52f}' => Self::Cyrillic,
            '\u{530}'..='\u{58f}' => Self::Armenian,
            '\u{590}'..='\u{5ff}' => Self::Hebrew,
            '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => Self::Arabic,
            '\u{900}'..='\u{97f}' => Self::Devanagari,
            '\u{b80}'..='\u{bff}' => Self::Tamil,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Latin => "latin",
            Self::Greek => "greek",
            Self::Cyrillic => "cyrillic",
            Self::Armenian => "armenian",
            Self::Hebrew => "hebrew",
            Self::Arabic => "arabic",
            Self::Devanagari => "devanagari",
            Self::Tamil => "tamil",
        }
    }
}

/// A stretch of text of one class; never a separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) class: Class,
    /// The entry of [`Exceptions::whole`] that it is.
    pub(super) entry: Option<usize>,
}

/// A word of the settings' dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// In lower case.
    pub(super) lower: String,
    /// What it is made of, in lower case; empty: it has no parts.
    pub(super) parts: Vec<String>,
}

/// Strings that the settings treat specially.
#[derive(Debug, Clone, Default)]
pub(super) struct Exceptions {
    /// Words that are kept whole, longest first.
    pub(super) whole: Vec<Entry>,
    /// Strings that separate, longest first.
    pub(super) separators: Vec<String>,
    /// Strings that do not separate, longest first.
    pub(super) joiners: Vec<String>,
}

impl Exceptions {
    fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.separators.is_empty() && self.joiners.is_empty()
    }

    /// The entry of the whole word that begins `text`, and its length, if it also ends there. Korean particles may follow.
    fn whole(&self, text: &str) -> Option<(usize, usize)> {
        self.whole.iter().enumerate().find_map(|(entry, word)| {
            let length = prefix_ignoring_case(text, &word.lower)?;
            let next = text[length..].chars().next();
            let ends = next.is_none_or(|c| matches!(class(c), Class::Separator | Class::Hangul));
            ends.then_some((entry, length))
        })
    }
}

/// The length of the beginning of `text` that is `lower` but for case.
fn prefix_ignoring_case(text: &str, lower: &str) -> Option<usize> {
    let mut rest = lower.chars();
    let mut length = 0;
    let mut expected = rest.next()?;
    for c in text.chars() {
        length += c.len_utf8();
        for folded in c.to_lowercase() {
            if folded != expected {
                return None;
            }
            match rest.next() {
                Some(next) => expected = next,
                None => return Some(length),
            }
        }
    }
    None
}

/// Cuts a text into runs.
pub(super) struct Runs<'a> {
    text: &'a str,
    at: usize,
    exceptions: &'a Exceptions,
    plain: bool,
}

impl<'a> Runs<'a> {
    pub(super) fn new(text: &'a str, exceptions: &'a Exceptions) -> Self {
        Self { text, at: 0, exceptions, plain: exceptions.is_empty() }
    }

    /// Passes over words in English letters whose first letter, in lower case, and second are `unwanted`, up to one that is not or to
    /// anything else; how many words these were.
    pub(super) fn pass_over(&mut self, unwanted: impl Fn(u8, Option<u8>) -> bool) -> u32 {
        let bytes = self.text.as_bytes();
        let letter = |at: usize| bytes.get(at).filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
        let mut passed = 0;
        while self.plain {
            while bytes.get(self.at).is_some_and(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()) {
                self.at += 1;
            }
            let Some(first) = letter(self.at) else { break };
            if !unwanted(first, letter(self.at + 1)) {
                break;
            }
            let length = bytes[self.at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            if bytes.get(self.at + length).is_some_and(|next| !next.is_ascii()) {
                // The word may go on.
                break;
            }
            self.at += length;
            passed += 1;
        }
        passed
    }

    /// The class of what begins at `at`, its length, and its entry. At the beginning of a word, whole words are looked for too.
    fn next_piece(&self, at: usize, begins: bool) -> (Class, usize, Option<usize>) {
        let rest = &self.text[at..];
        let first = rest.chars().next().expect("not at the end");
        if !self.plain {
            if begins && let Some((entry, length)) = self.exceptions.whole(rest) {
                return (Class::Word, length, Some(entry));
            }
            if let Some(separator) = self.exceptions.separators.iter().find(|separator| rest.starts_with(separator.as_str())) {
                return (Class::Separator, separator.len(), None);
            }
            if let Some(joiner) = self.exceptions.joiners.iter().find(|joiner| rest.starts_with(joiner.as_str())) {
                return (Class::Word, joiner.len(), None);
            }
        }
        (class(first), first.len_utf8(), None)
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let bytes = self.text.as_bytes();
        let mut begins = self.at == 0 || !self.plain;
        let (class, start) = loop {
            let byte = *bytes.get(self.at)?;
            if self.plain && byte.is_ascii() {
                self.at += 1;
                if byte.is_ascii_alphanumeric() {
                    break (Class::Word, self.at - 1);
                }
                continue;
            }
            let (class, length, entry) = self.next_piece(self.at, begins);
            let start = self.at;
            self.at += length;
            if entry.is_some() {
                return Some(Run { start, end: self.at, class, entry });
            }
            if class != Class::Separator {
                break (class, start);
            }
            begins = true;
        };
        while let Some(byte) = bytes.get(self.at) {
            if self.plain && byte.is_ascii() {
                if class != Class::Word || !byte.is_ascii_alphanumeric() {
                    break;
                }
                self.at += 1;
                continue;
            }
            let (next, length, _) = self.next_piece(self.at, false);
            let mark = next == Class::Word && self.text[self.at..].chars().next().is_some_and(is_combining_mark);
            if next != class && !mark {
                break;
            }
            self.at += length;
        }
        Some(Run { start, end: self.at, class, entry: None })
    }
}

/// Appends a word of an alphabet in lower case and without diacritics.
pub(super) fn fold_word(word: &str, out: &mut String) {
    if word.is_ascii() {
        let begin = out.len();
        out.push_str(word);
        out[begin..].make_ascii_lowercase();
        return;
    }
    for c in word.chars() {
        match c {
            'ß' | 'ẞ' => out.push_str("ss"),
            'æ' | 'Æ' => out.push_str("ae"),
            'œ' | 'Œ' => out.push_str("oe"),
            'ø' | 'Ø' => out.push('o'),
            'đ' | 'Đ' | 'ð' | 'Ð' => out.push('d'),
            'ł' | 'Ł' => out.push('l'),
            'ħ' | 'Ħ' => out.push('h'),
            'ı' => out.push('i'),
            'ς' => out.push('σ'),
            '\u{3131}'..='\u{318e}' | '\u{ac00}'..='\u{d7a3}' => out.push(c),
            _ => decompose_compatible(c, |part| {
                if !is_diacritic(part) {
                    out.extend(part.to_lowercase().filter(|&lower| !is_diacritic(lower)));
                }
            }),
        }
    }
}

/// Whether a mark is left out when words are compared: accents and points, not the vowel signs of Indian scripts.
fn is_diacritic(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
        && is_combining_mark(c)
}

/// Appends a word of an alphabet in lower case with its diacritics, as stemmers read it.
pub(super) fn lower_word(word: &str, turkish: bool, out: &mut String) {
    for c in word.nfkc() {
        match c {
            'I' if turkish => out.push('ı'),
            'İ' if turkish => out.push('i'),
            _ => out.extend(c.to_lowercase()),
        }
    }
}

/// The characters of a run without spaces, each with the marks on it, folded.
#[derive(Debug, Default)]
pub(super) struct Characters {
    text: String,
    /// Where each begins in `text`, and where it begins and ends in the original.
    places: Vec<(usize, usize, usize)>,
}

/// A katakana word of so many characters loses a long vowel mark at its end: `サーバー` is `サーバ`.
const LONG_KATAKANA: usize = 4;

impl Characters {
    /// Reads a run that begins at `offset`: katakana become hiragana, half-width forms full ones, voicing marks and vowel signs part of the character
    /// before them.
    pub(super) fn read(&mut self, run: &str, offset: usize) {
        self.text.clear();
        self.places.clear();
        let mut katakana = 0;
        for (at, c) in run.char_indices() {
            let (start, end) = (offset + at, offset + at + c.len_utf8());
            let voicing = match c {
                '\u{ff9e}' | '\u{3099}' => Some('\u{3099}'),
                '\u{ff9f}' | '\u{309a}' => Some('\u{309a}'),
                _ => None,
            };
            if let Some(voicing) = voicing {
                self.voice(voicing, end);
                continue;
            }
            if is_combining_mark(c) && !self.places.is_empty() {
                self.text.push(c);
                self.extend_last(end);
                continue;
            }
            let full =
                if matches!(c, '\u{ff66}'..='\u{ff9f}' | '\u{f900}'..='\u{faff}') { [c].into_iter().nfkc().next().unwrap_or(c) } else { c };
            if matches!(full, '\u{30a1}'..='\u{30fa}' | 'ー') {
                katakana += 1;
            } else {
                self.end_katakana(katakana);
                katakana = 0;
            }
            let folded = match full {
                '\u{30a1}'..='\u{30f6}' => char::from_u32(full as u32 - 0x60).unwrap_or(full),
                other => other,
            };
            self.places.push((self.text.len(), start, end));
            self.text.push(folded);
        }
        self.end_katakana(katakana);
    }

    /// Puts a voicing mark on the last character where the two are one.
    fn voice(&mut self, mark: char, end: usize) {
        let Some(&(from, ..)) = self.places.last() else { return };
        let last = self.text[from..].chars().next();
        if let Some(voiced) = last.and_then(|last| compose(last, mark)) {
            self.text.truncate(from);
            self.text.push(voiced);
        }
        self.extend_last(end);
    }

    fn extend_last(&mut self, end: usize) {
        if let Some(last) = self.places.last_mut() {
            last.2 = end;
        }
    }

    fn end_katakana(&mut self, length: usize) {
        if length >= LONG_KATAKANA
            && self.text.ends_with('ー')
            && let Some((from, _, end)) = self.places.pop()
        {
            self.text.truncate(from);
            self.extend_last(end);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// So many characters from one on, and where they are in the original.
    pub(super) fn get(&self, first: usize, count: usize) -> (&str, std::ops::Range<usize>) {
        let from = self.places[first].0;
        let to = self.places.get(first + count).map_or(self.text.len(), |next| next.0);
        (&self.text[from..to], self.places[first].1..self.places[first + count - 1].2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str, exceptions: &Exceptions) -> Vec<String> {
        Runs::new(text, exceptions).map(|run| text[run.start..run.end].to_owned()).collect()
    }

    #[test]
    fn text_is_cut_where_the_script_changes_and_at_separators() {
        let none = Exceptions::default();
        assert_eq!(
            runs("C-3PO's naïve 검색engine 東京タワー, ok", &none),
            ["C", "3PO", "s", "naïve", "검색", "engine", "東京タワー", "ok"]
        );
        assert_eq!(runs("  ", &none), Vec::<String>::new());
        assert_eq!(runs("e\u{301}te\u{301}", &none), ["e\u{301}te\u{301}"]);
    }

    #[test]
    fn settings_join_separate_and_keep_whole() {
        let exceptions = Exceptions {
            whole: ["j. r. r.", "lg전자", "c++"].map(|lower| Entry { lower: lower.to_owned(), parts: Vec::new() }).to_vec(),
            separators: vec!["&sep".to_owned()],
            joiners: vec!["@".to_owned()],
        };
        assert_eq!(runs("J. R. R. Tolkien me@home a&sepb C++", &exceptions), ["J. R. R.", "Tolkien", "me@home", "a", "b", "C++"]);
        assert_eq!(runs("abc++", &exceptions), ["abc"]);
        assert_eq!(runs("LG전자는 LG전", &exceptions), ["LG전자", "는", "LG", "전"]);
        assert_eq!(runs("C++와", &exceptions), ["C++", "와"]);
    }

    #[test]
    fn folding_removes_case_and_diacritics() {
        let mut folded = String::new();
        for word in ["Éclair", "STRAẞE", "ĐÀ", "Ἀθήνα", "ＡＢＣ", "İstanbul"] {
            fold_word(word, &mut folded);
            folded.push(' ');
        }
        assert_eq!(folded, "eclair strasse da αθηνα abc istanbul ");
    }

    fn characters(run: &str) -> Vec<String> {
        let mut characters = Characters::default();
        characters.read(run, 0);
        (0..characters.len()).map(|at| characters.get(at, 1).0.to_owned()).collect()
    }

    #[test]
    fn kana_are_folded_to_hiragana_with_their_voicing() {
        for (run, folded) in [
            ("ガｶﾞかが", "が が か が"),
            ("か\u{3099}ﾊﾟ", "が ぱ"),
            ("ヴヵ", "ゔ ゕ"),
            ("サーバー", "さ ー ば"),
            ("ｻｰﾊﾞｰ", "さ ー ば"),
            ("サーバーの", "さ ー ば の"),
            ("カー", "か ー"),
            ("らーめんー", "ら ー め ん ー"),
            ("ー", "ー"),
        ] {
            assert_eq!(characters(run).join(" "), folded, "{run}");
        }
        let mut places = Characters::default();
        places.read("ｶﾞサーバー", 10);
        assert_eq!(places.get(0, 1), ("が", 10..16));
        assert_eq!(places.get(2, 2), ("ーば", 19..28));
    }

    #[test]
    fn marks_stay_with_the_character_that_they_are_on() {
        assert_eq!(characters("ที่นี่").join(" "), "ที่ นี่");
        assert_eq!(characters("မြန်").join(" "), "မြ န်");
    }

    #[test]
    fn vowel_signs_of_indian_scripts_are_no_diacritics() {
        let mut folded = String::new();
        fold_word("हिन्दी", &mut folded);
        assert_eq!(folded, "हिन्दी");
    }
}
