//! From text to words, the same way for indexing, queries and highlighting.
//!
//! A text is cut into runs by script. Words of alphabets are folded (lower case, without diacritics) and stemmed in the locale that the
//! settings name for the attribute (English where they name none); Korean is cut into morphemes by a dictionary where one is there; Chinese and
//! Japanese become overlapping pairs of characters. How words become terms is told in [`crate::schema`].

use std::path::Path;

use onggi_domain::settings::Settings;

use crate::schema::EXACT_MARK;

/// What kind of thing a word is, as far as matching cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A word between separators.
    Word,
    /// A morpheme of Korean, from the dictionary.
    Morpheme,
    /// A whole Korean compound whose parts follow (at its own position and the next ones). Left out when a query is matched part by part.
    Compound,
    /// Two neighbouring characters of Chinese or Japanese; the next one overlaps it. A run of one character is that character.
    Bigram,
}

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word as written, folded: lower case, no diacritics.
    pub form: String,
    /// Its stem, where that is another string.
    pub stem: Option<String>,
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Its word position: Tantivy's position is twice that (`schema`).
    pub position: u32,
    /// What it is.
    pub kind: Kind,
}

impl Word {
    /// The term that every inflection of the word has.
    pub fn stem_term(&self) -> &str {
        self.stem.as_deref().unwrap_or(&self.form)
    }

    /// The term that the word has at even positions where it is written just so.
    pub fn exact_term(&self) -> String {
        match self.stem {
            Some(_) => format!("{EXACT_MARK}{}", self.form),
            None => self.form.clone(),
        }
    }
}

/// Names how the text of an attribute is analysed: an index into the rules that the settings make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Rule(pub(crate) u8);

/// Cuts text into words as the settings say. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Analyzer {
    fingerprint: String,
}

impl Analyzer {
    /// An analyzer for these settings. `dictionaries` is the directory of unpacked dictionaries; none is opened before it is needed.
    pub fn new(settings: &Settings, dictionaries: Option<&Path>) -> Self {
        let _ = (settings, dictionaries);
        Self { fingerprint: String::new() }
    }

    /// Changes when the same text would be analysed differently.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The name of the Korean dictionary in use.
    pub fn korean(&self) -> Option<&str> {
        None
    }

    /// The rule for the text of an attribute (flattened path).
    pub fn rule(&self, attribute: &str) -> Rule {
        let _ = attribute;
        Rule::default()
    }

    /// The words of a text, without stop words, in order. Terms of the same word in other attributes differ only if their [`Rule`]s do.
    pub fn words(&self, text: &str, rule: Rule) -> Vec<Word> {
        let _ = (text, rule);
        Vec::new()
    }

    /// Bigrams of the Hangul words of a text, as in the field `hb`.
    pub fn hangul_bigrams(text: &str) -> Vec<String> {
        let _ = text;
        Vec::new()
    }

    /// Whether a word is in the settings' stop words; such words are not indexed and should be ignored in a query.
    pub fn is_stop_word(&self, form: &str) -> bool {
        let _ = form;
        false
    }
}
