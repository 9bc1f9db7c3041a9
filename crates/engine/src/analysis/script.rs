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
        '\0'..='\u{7f}' | '\u{b7}' => Class::Separator,
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

/// A stretch of text of one class; never a separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) class: Class,
}

/// Strings that the settings treat specially.
#[derive(Debug, Clone, Default)]
pub(super) struct Exceptions {
    /// Lowercase words that are kept whole, longest first.
    pub(super) whole: Vec<String>,
    /// Strings that separate, longest first.
    pub(super) separators: Vec<String>,
    /// Strings that do not separate, longest first.
    pub(super) joiners: Vec<String>,
}

impl Exceptions {
    fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.separators.is_empty() && self.joiners.is_empty()
    }

    /// The length of the whole word that begins `text`, if it also ends there.
    fn whole(&self, text: &str) -> Option<usize> {
        self.whole.iter().find_map(|word| {
            let length = prefix_ignoring_case(text, word)?;
            let next = text[length..].chars().next();
            next.is_none_or(|c| class(c) == Class::Separator).then_some(length)
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

    /// The class of what begins at `at`, and its length. At the beginning of a word, whole words are looked for too.
    fn next_piece(&self, at: usize, begins: bool) -> (Class, usize, bool) {
        let rest = &self.text[at..];
        let first = rest.chars().next().expect("not at the end");
        if !self.plain {
            if begins && let Some(length) = self.exceptions.whole(rest) {
                return (Class::Word, length, true);
            }
            if let Some(separator) = self.exceptions.separators.iter().find(|separator| rest.starts_with(separator.as_str())) {
                return (Class::Separator, separator.len(), false);
            }
            if let Some(joiner) = self.exceptions.joiners.iter().find(|joiner| rest.starts_with(joiner.as_str())) {
                return (Class::Word, joiner.len(), false);
            }
        }
        (class(first), first.len_utf8(), false)
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let bytes = self.text.as_bytes();
        let mut begins = self.at == 0 || !self.plain;
        let (class, start) = loop {
            let byte = *bytes.get(self.at)?;
            if self.plain && byte < 0x80 && !byte.is_ascii_alphanumeric() {
                self.at += 1;
                continue;
            }
            let (class, length, whole) = self.next_piece(self.at, begins);
            let start = self.at;
            self.at += length;
            if whole {
                return Some(Run { start, end: self.at, class });
            }
            if class != Class::Separator {
                break (class, start);
            }
            begins = true;
        };
        while let Some(&byte) = bytes.get(self.at) {
            if self.plain && byte < 0x80 {
                if byte.is_ascii_alphanumeric() != (class == Class::Word) || !byte.is_ascii_alphanumeric() {
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
        Some(Run { start, end: self.at, class })
    }
}

/// Appends a word of an alphabet in lower case and without diacritics.
pub(super) fn fold_word(word: &str, out: &mut String) {
    if word.is_ascii() {
        out.extend(word.bytes().map(|byte| byte.to_ascii_lowercase() as char));
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
                if !is_combining_mark(part) {
                    out.extend(part.to_lowercase().filter(|&lower| !is_combining_mark(lower)));
                }
            }),
        }
    }
}

/// The characters of a run without spaces, folded (katakana as hiragana, half-width forms as full ones), each with where it begins and ends.
pub(super) fn fold_unspaced(run: &str, offset: usize, out: &mut Vec<(char, usize, usize)>) {
    out.clear();
    for (at, c) in run.char_indices() {
        let (start, end) = (offset + at, offset + at + c.len_utf8());
        if let ('\u{ff9e}' | '\u{ff9f}', Some(last)) = (c, out.last_mut()) {
            let mark = if c == '\u{ff9e}' { '\u{3099}' } else { '\u{309a}' };
            if let Some(voiced) = compose(last.0, mark) {
                (last.0, last.2) = (voiced, end);
            }
            continue;
        }
        let full =
            if matches!(c, '\u{ff66}'..='\u{ff9f}' | '\u{f900}'..='\u{faff}') { [c].into_iter().nfkc().next().unwrap_or(c) } else { c };
        let folded = match full {
            '\u{30a1}'..='\u{30f6}' => char::from_u32(full as u32 - 0x60).unwrap_or(full),
            other => other,
        };
        out.push((folded, start, end));
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
            whole: vec!["j. r. r.".to_owned(), "c++".to_owned()],
            separators: vec!["&sep".to_owned()],
            joiners: vec!["@".to_owned()],
        };
        assert_eq!(runs("J. R. R. Tolkien me@home a&sepb C++", &exceptions), ["J. R. R.", "Tolkien", "me@home", "a", "b", "C++"]);
        assert_eq!(runs("abc++", &exceptions), ["abc"]);
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

    #[test]
    fn kana_are_folded_to_hiragana_with_their_voicing() {
        let mut characters = Vec::new();
        fold_unspaced("ガｶﾞか", 0, &mut characters);
        assert_eq!(characters.iter().map(|c| c.0).collect::<String>(), "ががか");
        assert_eq!(characters[1].1..characters[1].2, 3..9);
    }
}
