//! From text to words, the same way for indexing, queries and highlighting.
//!
//! A text is cut into runs by script. Words of alphabets are folded (lower case, without diacritics) and stemmed in the locale that the
//! settings name for the attribute (where they name none, in a language that is written in the alphabet); Korean is cut into morphemes by a
//! dictionary where one is there, which the settings can add nouns to; Chinese, Japanese and other scripts without spaces become overlapping pairs
//! of characters, kana folded. How words become terms is told in [`crate::schema`].

mod jamo;
mod korean;
mod script;
mod shown;
mod stem;
mod tokenizer;
mod words;

use std::{cell::Cell, path::Path, sync::Arc};

use frostem::Algorithm;
use onggi_domain::{attribute, dictionary::DictionaryEntry, locale, settings::Settings};
use rustc_hash::FxHashSet;

pub(crate) use self::{
    jamo::{Place, as_initials, continuations, from_keys, initials, is_letter, is_syllable, letters, to_keys},
    korean::{compose, has_hangul},
    tokenizer::{append_value, register, register_words},
    words::{Letters, WordRef, Words},
};
use self::{
    korean::Korean,
    script::{Alphabet, Entry, Exceptions},
    stem::{Stemmers, Stems},
    words::Session,
};
pub use self::{
    shown::{ShownText, ShownWord},
    words::Dropped,
};
use crate::{dictionaries, schema::EXACT_MARK};

/// What kind of thing a word is, as far as matching cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A word between separators.
    Word,
    /// A morpheme of Korean, from the dictionary.
    Morpheme,
    /// A whole Korean compound whose parts follow (at its own position and the next ones). Left out when a query is matched part by part.
    Compound,
    /// A Hangul word as it is written, whose morphemes follow (at its own position and the next ones). Left out when a query is matched part by part.
    Written,
    /// Another stem that the morpheme before it may have: `가는` is of `가다` and of `갈다`. Left out when a query is matched part by part.
    Alternative,
    /// Two neighbouring characters of a script without spaces; the next one overlaps it. A run of one character is that character.
    Bigram,
    /// The last character of such a run, so that each of its characters begins a term. Left out when a query is matched part by part.
    Tail,
    /// A Hangul word that is still being typed (`소ㅍ`). Only in queries.
    Unfinished,
}

impl Kind {
    /// Whether the word is one of the parts by which a query is matched.
    pub fn is_part(self) -> bool {
        !matches!(self, Self::Compound | Self::Written | Self::Alternative | Self::Tail)
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Morpheme => "morpheme",
            Self::Compound => "compound",
            Self::Written => "written",
            Self::Alternative => "alternative",
            Self::Bigram => "bigram",
            Self::Tail => "character",
            Self::Unfinished => "unfinished",
        }
    }
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

    /// How many terms it has.
    pub(crate) fn term_count(&self) -> u32 {
        if self.stem.is_some() && self.kind != Kind::Alternative { 2 } else { 1 }
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
const VERSION: u32 = 3;

/// Cuts text into words as the settings say. Cheap to clone.
#[derive(Clone)]
pub struct Analyzer(Arc<Inner>);

struct Inner {
    fingerprint: String,
    stop_words: FxHashSet<String>,
    exceptions: Exceptions,
    /// How each rule stems; the first is the default.
    rules: Vec<Localized>,
    /// The rule of each pattern of `localizedAttributes`.
    patterns: Vec<(String, Rule)>,
    korean: Korean,
}

/// A way to analyse the words of alphabets.
#[derive(Debug, Clone)]
struct Localized {
    stemmers: Stemmers,
    /// The locales (ISO 639-3) that the settings name for it.
    locales: Vec<&'static str>,
}

impl std::fmt::Debug for Analyzer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Analyzer").field("fingerprint", &self.0.fingerprint).finish_non_exhaustive()
    }
}

impl Analyzer {
    /// An analyzer for these settings. `dictionaries` is the directory of unpacked dictionaries; none is opened before it is needed.
    pub fn new(settings: &Settings, dictionaries: Option<&Path>) -> Self {
        let mut rules = vec![Localized { stemmers: Stemmers::of(&[]), locales: Vec::new() }];
        let mut patterns = Vec::new();
        for localized in settings.localized_attributes.iter().flatten().filter(|localized| !localized.locales.is_empty()) {
            let locales: Vec<&'static str> = localized.locales.iter().filter_map(|code| locale::canonical(code)).collect();
            let stemmers = Stemmers::of(&locales);
            let rule = rules.iter().position(|other| other.stemmers == stemmers).unwrap_or_else(|| {
                rules.push(Localized { stemmers, locales: Vec::new() });
                rules.len() - 1
            });
            rules[rule].locales.extend(locales);
            let rule = Rule(if rule < MAX_RULES { rule as u8 } else { 0 });
            patterns.extend(localized.attribute_patterns.iter().map(|pattern| (pattern.clone(), rule)));
        }
        let mut entries: Vec<Entry> = settings.dictionary.iter().map(|entry| dictionary_entry(entry)).collect();
        entries.retain(|entry| !entry.lower.is_empty());
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.lower.len()));
        let (nouns, whole) = entries.into_iter().partition(|entry| entry.lower.chars().all(is_syllable));
        let mut inner = Inner {
            fingerprint: fingerprint(settings),
            stop_words: settings.stop_words.iter().map(|word| fold(word)).collect(),
            exceptions: Exceptions {
                whole,
                separators: longest_first(settings.separator_tokens.iter().cloned()),
                joiners: longest_first(settings.non_separator_tokens.iter().cloned()),
            },
            rules,
            patterns,
            korean: Korean::new(dictionaries.map(|directory| directory.join(dictionaries::KO_DIC)).filter(|path| path.is_dir()), nouns),
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
        self.0.korean.has_dictionary().then_some(dictionaries::KO_DIC)
    }

    /// The same analyzer without a Korean dictionary: for an index that was built without.
    #[must_use]
    pub fn without_korean(&self) -> Self {
        let Inner { fingerprint, stop_words, exceptions, rules, patterns, korean } = &*self.0;
        Self(Arc::new(Inner {
            fingerprint: fingerprint.clone(),
            stop_words: stop_words.clone(),
            exceptions: exceptions.clone(),
            rules: rules.clone(),
            patterns: patterns.clone(),
            korean: korean.without_dictionary(),
        }))
    }

    /// The rule for the text of an attribute (flattened path).
    pub fn rule(&self, attribute: &str) -> Rule {
        self.0.patterns.iter().find(|(pattern, _)| attribute::matches(pattern, attribute)).map_or(Rule::default(), |(_, rule)| *rule)
    }

    /// Whether a rule is for one of these locales.
    pub fn is_for(&self, rule: Rule, locales: &[String]) -> bool {
        let of_rule = self.0.rules.get(usize::from(rule.0)).map_or(&[][..], |rule| &rule.locales);
        locales.iter().filter_map(|code| locale::canonical(code)).any(|code| of_rule.contains(&code))
    }

    /// The rule of these locales; where no attribute has it, the default one.
    pub fn rule_of_locales(&self, locales: &[String]) -> Rule {
        (0..self.0.rules.len().min(MAX_RULES)).map(|rule| Rule(rule as u8)).find(|rule| self.is_for(*rule, locales)).unwrap_or_default()
    }

    /// The stem of a folded word of an alphabet in these locales, where that is another string.
    pub fn stem_in(&self, form: &str, locales: &[String]) -> Option<String> {
        let locales: Vec<&'static str> = locales.iter().filter_map(|code| locale::canonical(code)).collect();
        let (_, algorithm) = Stemmers::of(&locales).get(Alphabet::of(form.chars().next()?)?)?;
        Stems::default().stem(algorithm, form, form).map(str::to_owned)
    }

    /// The words of a text, without stop words, in order. Terms of the same word in other attributes differ only if their [`Rule`]s do.
    pub fn words(&self, text: &str, rule: Rule) -> Vec<Word> {
        self.with_words(Letters::ALL, text, rule, Words::to_vec)
    }

    /// Looks at the words of a text without making each one a thing of its own. Only words that begin with `letters` are sure to be there.
    pub(crate) fn with_words<T>(&self, letters: Letters, text: &str, rule: Rule, look: impl FnOnce(&Words) -> T) -> T {
        thread_local! {
            /// What the last text on this thread was analysed with: it remembers stems, and highlighting analyses one text after another.
            static LAST: Cell<Option<Session>> = const { Cell::new(None) };
        }
        let last = LAST.take().filter(|session| Arc::ptr_eq(&session.analyzer().0, &self.0));
        let mut session = last.unwrap_or_else(|| Session::new(self.clone()));
        let seen = look(session.analyze_for(letters, text, rule));
        LAST.set(Some(session));
        seen
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

    /// The locale and stemmer of words of an alphabet.
    fn stemmer(&self, rule: Rule, alphabet: Alphabet) -> Option<(&'static str, Algorithm)> {
        self.0.rules.get(usize::from(rule.0)).and_then(|rule| rule.stemmers.get(alphabet))
    }

    fn korean_words(&self) -> &Korean {
        &self.0.korean
    }
}

/// Bigrams of the Hangul words of a text, as in the field `hb`.
pub fn hangul_bigrams(text: &str) -> Vec<String> {
    let mut bigrams = Vec::new();
    korean::each_bigram(text, |bigram| bigrams.push(bigram.to_owned()));
    bigrams
}

/// Leading consonants of the Hangul words of a text, as in the field `hc`.
pub fn hangul_initials(text: &str) -> Vec<String> {
    let mut initials = Vec::new();
    korean::each_initials(text, |word| initials.push(word.to_owned()));
    initials
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

/// An entry of the settings' dictionary. One that is not valid, which the settings refuse, is a word like any other.
fn dictionary_entry(entry: &str) -> Entry {
    let lower = |text: &str| korean::compose(text).to_lowercase();
    match DictionaryEntry::parse(entry) {
        Ok(DictionaryEntry { word, parts }) => Entry { lower: lower(word), parts: parts.into_iter().map(lower).collect() },
        Err(_) => Entry { lower: lower(entry), parts: Vec::new() },
    }
}

fn longest_first(strings: impl Iterator<Item = String>) -> Vec<String> {
    let mut strings: Vec<String> = strings.filter(|string| !string.is_empty()).collect();
    strings.sort_by_key(|string| std::cmp::Reverse(string.len()));
    strings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_looked_for_is_passed_over_and_the_rest_is_the_same() {
        let analyzer = Analyzer::new(&Settings::default(), None);
        let text = "\u{c9}clair engines, the Engine of 2 gears: \u{c11c}\u{c6b8} engine \u{6771}\u{4eac} gear, ear";
        let places = |words: Vec<Word>| words.into_iter().map(|word| (word.form, word.stem, word.start..word.end)).collect::<Vec<_>>();
        let all = places(analyzer.words(text, Rule::default()));
        let some = places(analyzer.with_words(Letters::of(["eng"].into_iter()), text, Rule::default(), Words::to_vec));
        let wanted: Vec<_> = all.iter().filter(|(form, ..)| form.starts_with(['e', '2']) && form != "ear").cloned().collect();
        assert_eq!(some, wanted);
        assert_eq!(
            places(analyzer.with_words(Letters::of(["\u{c11c}"].into_iter()), text, Rule::default(), Words::to_vec)).len(),
            all.len() - 8
        );
    }

    #[test]
    fn a_word_is_not_passed_over_for_one_of_its_stem_or_of_its_beginning() {
        let analyzer = Analyzer::new(&Settings::default(), None);
        let text = "dying die dies lying lie skis skies sky tied tying ties use used using agreed agree idly idle early only bed beds aye ayes by c cat";
        let words = analyzer.words(text, Rule::default());
        let stem = |word: &Word| word.stem.clone().unwrap_or_else(|| word.form.clone());
        for wanted in &words {
            // As a query is looked for: by its form and by its stem.
            let letters = Letters::of([wanted.form.as_str()].into_iter().chain(wanted.stem.as_deref()));
            let kept = analyzer.with_words(letters, text, Rule::default(), Words::to_vec);
            for word in &words {
                let meets = stem(word) == stem(wanted) || word.form.starts_with(&wanted.form);
                assert!(!meets || kept.iter().any(|kept| kept.form == word.form), "{} for {}", word.form, wanted.form);
            }
        }
    }

    proptest! {
        /// Whatever stands around a word: letters of other scripts go on with it or end it.
        #[test]
        fn a_word_that_is_looked_for_is_kept_just_as_it_is(text in "[abAy2\u{e9}\u{ac00}\u{6771} ,-]{0,16}") {
            let analyzer = Analyzer::new(&Settings::default(), None);
            let places = |words: Vec<Word>| words.into_iter().map(|word| (word.form, word.stem, word.start..word.end)).collect::<Vec<_>>();
            let all = places(analyzer.words(&text, Rule::default()));
            for wanted in &all {
                let letters = Letters::of([wanted.0.as_str()].into_iter().chain(wanted.1.as_deref()));
                let kept = places(analyzer.with_words(letters, &text, Rule::default(), Words::to_vec));
                prop_assert!(kept.contains(wanted), "{wanted:?} is not in {kept:?}");
                prop_assert!(kept.iter().all(|kept| all.contains(kept)), "{kept:?} are not all in {all:?}");
            }
        }
    }

    #[test]
    fn words_around_what_is_passed_over_are_no_neighbours() {
        let analyzer = Analyzer::new(&Settings::default(), None);
        let positions = |text: &str| {
            let words = analyzer.with_words(Letters::of(["red"].into_iter()), text, Rule::default(), Words::to_vec);
            words.iter().map(|word| word.position).collect::<Vec<_>>()
        };
        assert_eq!(positions("red, red"), [0, 1]);
        assert_eq!(positions("red old red \u{c11c}\u{c6b8} red \u{6771}\u{4eac} red"), [0, 2, 4, 6]);
    }
}
