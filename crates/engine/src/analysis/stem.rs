//! Snowball stemmers by locale and alphabet, with a bounded memory of the words already stemmed: the same words come again and again.

use frostem::{Algorithm, Stemmer};
use rustc_hash::FxHashMap;

use super::script::{self, Alphabet};

/// Words remembered before the memory is emptied; about 2 MB.
const REMEMBERED: usize = 32_768;
/// Shorter words have no inflection worth removing.
const SHORTEST: usize = 3;

/// The stemmer of a locale, by its ISO 639-3 code; `None`: words of this language are left as they are.
fn algorithm(locale: &str) -> Option<Algorithm> {
    Some(match locale {
        "ara" => Algorithm::Arabic,
        "hye" => Algorithm::Armenian,
        "cat" => Algorithm::Catalan,
        "ces" => Algorithm::Czech,
        "dan" => Algorithm::Danish,
        "nld" => Algorithm::Dutch,
        "eng" => Algorithm::English,
        "epo" => Algorithm::Esperanto,
        "est" => Algorithm::Estonian,
        "fin" => Algorithm::Finnish,
        "fra" => Algorithm::French,
        "deu" => Algorithm::German,
        "ell" => Algorithm::Greek,
        "hin" => Algorithm::Hindi,
        "hun" => Algorithm::Hungarian,
        "ind" => Algorithm::Indonesian,
        "ita" => Algorithm::Italian,
        "lit" => Algorithm::Lithuanian,
        "nep" => Algorithm::Nepali,
        "nob" => Algorithm::Norwegian,
        "pes" => Algorithm::Persian,
        "pol" => Algorithm::Polish,
        "por" => Algorithm::Portuguese,
        "ron" => Algorithm::Romanian,
        "rus" => Algorithm::Russian,
        "srp" => Algorithm::Serbian,
        "spa" => Algorithm::Spanish,
        "swe" => Algorithm::Swedish,
        "tam" => Algorithm::Tamil,
        "tur" => Algorithm::Turkish,
        "yid" => Algorithm::Yiddish,
        _ => return None,
    })
}

/// The alphabets that a language is written in, of those that words are stemmed in.
fn alphabets(locale: &str) -> &'static [Alphabet] {
    match locale {
        "ara" | "pes" | "urd" => &[Alphabet::Arabic],
        "hye" => &[Alphabet::Armenian],
        "ell" => &[Alphabet::Greek],
        "heb" | "yid" => &[Alphabet::Hebrew],
        "hin" | "mar" | "nep" => &[Alphabet::Devanagari],
        "tam" => &[Alphabet::Tamil],
        "bel" | "bul" | "mkd" | "rus" | "ukr" => &[Alphabet::Cyrillic],
        "srp" => &[Alphabet::Latin, Alphabet::Cyrillic],
        "amh" | "ben" | "cmn" | "guj" | "jpn" | "kan" | "kat" | "khm" | "kor" | "mal" | "mya" | "ori" | "pan" | "sin" | "tel" | "tha"
        | "zho" => &[],
        _ => &[Alphabet::Latin],
    }
}

/// The locales of text that nobody named one for: a language that is written in the alphabet.
const DETECTED: [&str; 7] = ["eng", "rus", "ell", "ara", "hye", "hin", "tam"];

/// How the words of each alphabet are stemmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stemmers([Option<(&'static str, Algorithm)>; Alphabet::COUNT]);

impl Stemmers {
    /// Those of some locales (ISO 639-3). The first locale of an alphabet decides for it; where none does, the alphabet tells the language.
    pub(super) fn of(locales: &[&'static str]) -> Self {
        let mut stemmers = Self([None; Alphabet::COUNT]);
        let mut decided = [false; Alphabet::COUNT];
        for &locale in locales.iter().chain(&DETECTED) {
            for &alphabet in alphabets(locale) {
                if !std::mem::replace(&mut decided[alphabet as usize], true) {
                    stemmers.0[alphabet as usize] = algorithm(locale).map(|algorithm| (locale, algorithm));
                }
            }
        }
        stemmers
    }

    /// The locale and stemmer of words of an alphabet.
    pub(super) fn get(&self, alphabet: Alphabet) -> Option<(&'static str, Algorithm)> {
        self.0[alphabet as usize]
    }
}

/// Stems words.
#[derive(Default)]
pub(super) struct Stems {
    known: FxHashMap<Algorithm, FxHashMap<Box<str>, Option<Box<str>>>>,
}

impl Stems {
    /// The folded stem of a word in lower case, diacritics and all, where it is another string than the word's folded form.
    pub(super) fn stem(&mut self, algorithm: Algorithm, word: &str, form: &str) -> Option<&str> {
        if word.len() < SHORTEST || !word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte >= 0x80) {
            return None;
        }
        let known = self.known.entry(algorithm).or_default();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        if !known.contains_key(word) {
            let mut stem = Stemmer::new(algorithm).stem(word).into_owned();
            if !stem.is_ascii() {
                let mut folded = String::with_capacity(stem.len());
                script::fold_word(&stem, &mut folded);
                stem = folded;
            }
            known.insert(word.into(), (stem != form && !stem.is_empty()).then(|| stem.into_boxed_str()));
        }
        known.get(word).and_then(Option::as_deref)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What highlighting relies on when it leaves words unstemmed that begin with other letters than those of the query.
        #[test]
        fn the_english_stemmer_keeps_the_first_letter(word in "[a-z]{3,12}") {
            let stem = Stemmer::new(Algorithm::English).stem(&word).into_owned();
            prop_assert_eq!(stem.get(..1), word.get(..1));
        }
    }

    #[test]
    fn only_words_that_change_have_a_stem() {
        let mut stems = Stems::default();
        let mut stem = |algorithm, word: &str| {
            let mut form = String::new();
            script::fold_word(word, &mut form);
            stems.stem(algorithm, word, &form).map(str::to_owned)
        };
        assert_eq!(stem(Algorithm::English, "connections").as_deref(), Some("connect"));
        assert_eq!(stem(Algorithm::English, "connect"), None);
        assert_eq!(stem(Algorithm::English, "mp3s"), None);
        assert_eq!(stem(Algorithm::German, "häuser").as_deref(), Some("haus"));
        assert_eq!(stem(Algorithm::Russian, "хороший").as_deref(), Some("хорош"));
    }

    #[test]
    fn each_alphabet_has_the_stemmer_of_the_first_locale_that_is_written_in_it() {
        let stemmers = Stemmers::of(&["kor", "ukr", "fra", "eng"]);
        assert_eq!(stemmers.get(Alphabet::Latin), Some(("fra", Algorithm::French)));
        assert_eq!(stemmers.get(Alphabet::Cyrillic), None, "ukrainian has no stemmer");
        assert_eq!(stemmers.get(Alphabet::Greek), Some(("ell", Algorithm::Greek)), "detected");
        assert_eq!(Stemmers::of(&["kor", "jpn"]), Stemmers::of(&[]));
        assert_eq!(Stemmers::of(&[]).get(Alphabet::Latin), Some(("eng", Algorithm::English)));
    }

    #[test]
    fn every_locale_that_has_a_stemmer_has_an_alphabet() {
        let stemmed: Vec<&str> = onggi_domain::locale::codes().into_iter().filter(|code| algorithm(code).is_some()).collect();
        assert_eq!(stemmed.len(), 31);
        assert!(stemmed.iter().all(|locale| !alphabets(locale).is_empty()));
    }
}
