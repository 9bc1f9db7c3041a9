//! The words of a text as a person wants to see them: with parts of speech, scripts and languages, and what is left out.

use super::{
    Analyzer, Kind, Rule, Word, hangul_bigrams, hangul_initials, jamo,
    script::{self, Alphabet, Class},
    words::{Dropped, Session},
};

/// A text as it is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownText {
    /// Its words in order.
    pub words: Vec<ShownWord>,
    /// What is not searched for: particles, endings, stop words.
    pub dropped: Vec<Dropped>,
    /// The pairs of syllables by which Hangul is found besides.
    pub bigrams: Vec<String>,
    /// The leading consonants of its Hangul words.
    pub initials: Vec<String>,
    /// Its Hangul words as they are written, where they are several morphemes.
    pub written: Vec<String>,
}

/// A word with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownWord {
    /// The word.
    pub word: Word,
    /// Its part of speech in the tag set of the Korean dictionary.
    pub tag: Option<String>,
    /// Its script.
    pub script: &'static str,
    /// The language (ISO 639-3) that it is taken for, where that matters to its analysis.
    pub language: Option<&'static str>,
}

impl Analyzer {
    /// The words of a text, and all that a person may want to know of them.
    pub fn show(&self, text: &str, rule: Rule) -> ShownText {
        let mut session = Session::noting(self.clone());
        session.analyze(text, rule);
        let words = session.words();
        let notes = words.notes.as_ref();
        let tag = |index: usize| notes.and_then(|notes| notes.tags.iter().find(|(at, _)| *at == index)).map(|(_, tag)| tag.clone());
        let shown = (0..words.len()).filter_map(|index| {
            let word = words.word(index).filter(|word| word.kind != Kind::Written)?;
            let (script, language) = self.script(&word.form, rule);
            Some(ShownWord { tag: tag(index), script, language, word })
        });
        let mut dropped = notes.map_or_else(Vec::new, |notes| notes.dropped.clone());
        dropped.sort_by_key(|dropped| dropped.start);
        let written = words.iter().filter(|word| word.kind == Kind::Written).map(|word| word.form.to_owned()).collect();
        ShownText { words: shown.collect(), dropped, bigrams: hangul_bigrams(text), initials: hangul_initials(text), written }
    }

    /// The script of a word, and the language that its words are taken for.
    fn script(&self, form: &str, rule: Rule) -> (&'static str, Option<&'static str>) {
        let Some(first) = form.chars().next() else { return ("other", None) };
        if let Some(alphabet) = Alphabet::of(first) {
            return (alphabet.name(), self.stemmer(rule, alphabet).map(|(locale, _)| locale));
        }
        match first {
            _ if jamo::is_syllable(first) || jamo::is_letter(first) => ("hangul", Some("kor")),
            '\u{3040}'..='\u{30ff}' => ("kana", Some("jpn")),
            '\u{e00}'..='\u{e7f}' => ("thai", Some("tha")),
            '\u{e80}'..='\u{eff}' => ("lao", None),
            '\u{1000}'..='\u{109f}' => ("myanmar", Some("mya")),
            '\u{1780}'..='\u{17ff}' => ("khmer", Some("khm")),
            _ if script::class(first) == Class::Unspaced && form.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}')) => {
                ("han", Some("jpn"))
            }
            _ if script::class(first) == Class::Unspaced => ("han", None),
            _ if first.is_numeric() => ("digit", None),
            _ => ("other", None),
        }
    }
}
