//! Snowball stemmers by locale, with a bounded memory of the words already stemmed: the same words come again and again.

use frostem::{Algorithm, Stemmer};
use rustc_hash::FxHashMap;

/// Words remembered before the memory is emptied; about 2 MB.
const REMEMBERED: usize = 32_768;
/// Shorter words have no inflection worth removing.
const SHORTEST: usize = 3;

/// The stemmer of a locale, by ISO 639-1 or 639-3 code; `None`: words of this language are left as they are.
pub(super) fn algorithm(locale: &str) -> Option<Algorithm> {
    Some(match locale {
        "ar" | "ara" => Algorithm::Arabic,
        "da" | "dan" => Algorithm::Danish,
        "nl" | "nld" => Algorithm::Dutch,
        "en" | "eng" => Algorithm::English,
        "fi" | "fin" => Algorithm::Finnish,
        "fr" | "fra" => Algorithm::French,
        "de" | "deu" => Algorithm::German,
        "el" | "ell" => Algorithm::Greek,
        "hu" | "hun" => Algorithm::Hungarian,
        "it" | "ita" => Algorithm::Italian,
        "no" | "nb" | "nn" | "nor" | "nob" | "nno" => Algorithm::Norwegian,
        "pt" | "por" => Algorithm::Portuguese,
        "ro" | "ron" => Algorithm::Romanian,
        "ru" | "rus" => Algorithm::Russian,
        "es" | "spa" => Algorithm::Spanish,
        "sv" | "swe" => Algorithm::Swedish,
        "ta" | "tam" => Algorithm::Tamil,
        "tr" | "tur" => Algorithm::Turkish,
        _ => return None,
    })
}

/// Stems words of one rule at a time.
#[derive(Default)]
pub(super) struct Stems {
    known: FxHashMap<Algorithm, FxHashMap<Box<str>, Option<Box<str>>>>,
}

impl Stems {
    /// The stem of a folded word, where it is another string.
    pub(super) fn stem(&mut self, algorithm: Algorithm, word: &str) -> Option<&str> {
        if word.len() < SHORTEST || !word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte >= 0x80) {
            return None;
        }
        let known = self.known.entry(algorithm).or_default();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        if !known.contains_key(word) {
            let stem = Stemmer::new(algorithm).stem(word);
            let other = (stem != word && !stem.is_empty()).then(|| stem.into_owned().into_boxed_str());
            known.insert(word.into(), other);
        }
        known.get(word).and_then(Option::as_deref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_change_have_a_stem() {
        let mut stems = Stems::default();
        assert_eq!(stems.stem(Algorithm::English, "connections"), Some("connect"));
        assert_eq!(stems.stem(Algorithm::English, "connect"), None);
        assert_eq!(stems.stem(Algorithm::English, "mp3s"), None);
        assert_eq!(stems.stem(Algorithm::German, "hauser"), Some("haus"));
    }
}
