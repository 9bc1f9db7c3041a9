//! From text to words, the same way for indexing, queries and highlighting.
//!
//! A text is cut into runs by script. Words of alphabets are folded (lower case, without diacritics) and stemmed in the locale that the
//! settings name for the attribute (English where they name none); Korean is cut into morphemes by a dictionary where one is there; Chinese and
//! Japanese become overlapping pairs of characters. How words become terms is told in [`crate::schema`].

mod korean;
mod script;
mod stem;
mod tokenizer;
mod words;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use frostem::Algorithm;
use lindera::segmenter::Segmenter;
use onggi_domain::settings::Settings;
use rustc_hash::FxHashSet;

pub(crate) use self::{
    korean::{has_hangul, is_initials},
    tokenizer::{append_value, register, register_words},
};
use self::{script::Exceptions, words::Session};
use crate::{dictionaries, schema::EXACT_MARK, state::matches};

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
pub struct Rule(u8);

/// Rules beyond this many fall back to the default one: each is one byte in the text of a slot.
const MAX_RULES: usize = 64;

/// Changes when this module analyses the same text differently.
const VERSION: u32 = 1;

/// Cuts text into words as the settings say. Cheap to clone.
#[derive(Clone)]
pub struct Analyzer(Arc<Inner>);

struct Inner {
    fingerprint: String,
    stop_words: FxHashSet<String>,
    exceptions: Exceptions,
    /// The stemmer of each rule; the first is the default.
    stemmers: Vec<Option<Algorithm>>,
    /// The rule of each pattern of `localizedAttributes`.
    patterns: Vec<(String, Rule)>,
    korean: Option<PathBuf>,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyzer").field("fingerprint", &self.0.fingerprint).finish_non_exhaustive()
    }
}

impl Analyzer {
    /// An analyzer for these settings. `dictionaries` is the directory of unpacked dictionaries; none is opened before it is needed.
    pub fn new(settings: &Settings, dictionaries: Option<&Path>) -> Self {
        let mut stemmers = vec![stem::algorithm("en")];
        let mut patterns = Vec::new();
        for localized in settings.localized_attributes.iter().flatten().filter(|localized| !localized.locales.is_empty()) {
            let stemmer = localized.locales.iter().find_map(|locale| stem::algorithm(locale));
            let known = stemmers.iter().position(|other| *other == stemmer);
            let rule = known.unwrap_or_else(|| {
                stemmers.push(stemmer);
                stemmers.len() - 1
            });
            let rule = Rule(if rule < MAX_RULES { rule as u8 } else { 0 });
            patterns.extend(localized.attribute_patterns.iter().map(|pattern| (pattern.clone(), rule)));
        }
        let mut inner = Inner {
            fingerprint: fingerprint(settings),
            stop_words: settings.stop_words.iter().map(|word| fold(word)).collect(),
            exceptions: Exceptions {
                whole: longest_first(settings.dictionary.iter().map(|word| word.to_lowercase())),
                separators: longest_first(settings.separator_tokens.iter().cloned()),
                joiners: longest_first(settings.non_separator_tokens.iter().cloned()),
            },
            stemmers,
            patterns,
            korean: dictionaries.map(|directory| directory.join(dictionaries::KO_DIC)).filter(|path| path.is_dir()),
        };
        inner.stop_words.remove("");
        Self(Arc::new(inner))
    }

    /// Changes when the same text would be analysed differently, the dictionary apart.
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// The name of the Korean dictionary that is there.
    pub fn korean(&self) -> Option<&str> {
        self.0.korean.as_ref().map(|_| dictionaries::KO_DIC)
    }

    /// The same analyzer without a Korean dictionary: for an index that was built without.
    #[must_use]
    pub fn without_korean(&self) -> Self {
        let Inner { fingerprint, stop_words, exceptions, stemmers, patterns, .. } = &*self.0;
        Self(Arc::new(Inner {
            fingerprint: fingerprint.clone(),
            stop_words: stop_words.clone(),
            exceptions: exceptions.clone(),
            stemmers: stemmers.clone(),
            patterns: patterns.clone(),
            korean: None,
        }))
    }

    /// The rule for the text of an attribute (flattened path).
    pub fn rule(&self, attribute: &str) -> Rule {
        self.0.patterns.iter().find(|(pattern, _)| matches(pattern, attribute)).map_or(Rule::default(), |(_, rule)| *rule)
    }

    /// The rule of a locale that a search names; `None`: no rule of this index is for it.
    pub fn rule_of_locale(&self, locale: &str) -> Option<Rule> {
        let stemmer = stem::algorithm(locale);
        self.0.stemmers.iter().position(|other| *other == stemmer).map(|rule| Rule(rule as u8))
    }

    /// The words of a text, without stop words, in order. Terms of the same word in other attributes differ only if their [`Rule`]s do.
    pub fn words(&self, text: &str, rule: Rule) -> Vec<Word> {
        Session::new(self.clone()).each_word(text, rule)
    }

    /// Whether a word is in the settings' stop words; such words are not indexed and should be ignored in a query.
    pub fn is_stop_word(&self, form: &str) -> bool {
        self.0.stop_words.contains(form)
    }

    fn has_stop_words(&self) -> bool {
        !self.0.stop_words.is_empty()
    }

    fn exceptions(&self) -> &Exceptions {
        &self.0.exceptions
    }

    fn stemmer(&self, rule: Rule) -> Option<Algorithm> {
        self.0.stemmers.get(usize::from(rule.0)).copied().flatten()
    }

    fn open_korean(&self) -> Option<Arc<Segmenter>> {
        self.0.korean.as_deref().and_then(korean::open)
    }
}

/// Bigrams of the Hangul words of a text, as in the field `hb`.
pub fn hangul_bigrams(text: &str) -> Vec<String> {
    let mut bigrams = Vec::new();
    korean::each_bigram(text, |bigram| bigrams.push(bigram.to_owned()));
    bigrams
}

/// A word of an alphabet as it is compared: lower case, without diacritics.
pub fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    script::fold_word(&korean::compose(word), &mut folded);
    folded
}

/// What the analysis depends on, as text.
fn fingerprint(settings: &Settings) -> String {
    let parts = (
        VERSION,
        &settings.stop_words,
        &settings.non_separator_tokens,
        &settings.separator_tokens,
        &settings.dictionary,
        settings.localized_attributes.as_deref().unwrap_or_default(),
    );
    serde_json::to_string(&parts).expect("strings and numbers are JSON")
}

fn longest_first(strings: impl Iterator<Item = String>) -> Vec<String> {
    let mut strings: Vec<String> = strings.filter(|string| !string.is_empty()).collect();
    strings.sort_by_key(|string| std::cmp::Reverse(string.len()));
    strings
}
