//! Entries of the `dictionary` setting: a word that is kept whole (`옹기검색`), or a word with its parts (`옹기검색=옹기+검색`), by which it is
//! found too. The parts are told by `=` and `+` in one string, so that the setting stays Meilisearch's list of strings.

use crate::limits::{DICTIONARY_ENTRIES, DICTIONARY_ENTRY_CHARS};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DictionaryEntry<'a> {
    /// The word.
    pub word: &'a str,
    /// What it is made of, in order; empty: it has no parts.
    pub parts: Vec<&'a str>,
}

impl<'a> DictionaryEntry<'a> {
    /// Reads an entry; an error says what is wrong with it. A string with `=` but without `+` after it is a word like any other.
    pub fn parse(entry: &'a str) -> Result<Self, String> {
        if entry.chars().count() > DICTIONARY_ENTRY_CHARS {
            return Err(format!("an entry has at most {DICTIONARY_ENTRY_CHARS} characters"));
        }
        let Some((word, parts)) = entry.split_once('=').filter(|(word, parts)| !word.is_empty() && parts.contains('+')) else {
            return Ok(Self { word: entry, parts: Vec::new() });
        };
        let parts: Vec<&str> = parts.split('+').collect();
        if parts.iter().any(|part| part.is_empty()) || parts.concat() != word {
            return Err(format!("the parts of `{entry}` have to read `{word}` when joined, as in `나무집=나무+집`"));
        }
        Ok(Self { word, parts })
    }
}

/// What is wrong with the entries of a dictionary, or nothing.
pub fn check<'a>(entries: impl IntoIterator<Item = &'a String>) -> Result<(), String> {
    for (at, entry) in entries.into_iter().enumerate() {
        if at == DICTIONARY_ENTRIES {
            return Err(format!("Invalid value at `.dictionary`: a dictionary has at most {DICTIONARY_ENTRIES} entries"));
        }
        DictionaryEntry::parse(entry).map_err(|why| format!("Invalid value at `.dictionary`: {why}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_word_or_a_word_with_its_parts() {
        for (entry, word, parts) in [
            ("옹기검색", "옹기검색", vec![]),
            ("옹기검색=옹기+검색", "옹기검색", vec!["옹기", "검색"]),
            ("J. R. R.", "J. R. R.", vec![]),
            ("c++", "c++", vec![]),
            ("E=mc2", "E=mc2", vec![]),
            ("=+", "=+", vec![]),
            ("", "", vec![]),
        ] {
            assert_eq!(DictionaryEntry::parse(entry).unwrap(), DictionaryEntry { word, parts }, "{entry}");
        }
    }

    #[test]
    fn parts_that_do_not_make_up_the_word_are_refused() {
        for entry in ["옹기검색=옹기+감색", "옹기검색=옹기+", "옹기=+옹기", "ab=a+b+c"] {
            assert!(DictionaryEntry::parse(entry).unwrap_err().contains(entry));
        }
        assert!(DictionaryEntry::parse(&"가".repeat(DICTIONARY_ENTRY_CHARS + 1)).is_err());
        let many: Vec<String> = (0..=DICTIONARY_ENTRIES).map(|at| at.to_string()).collect();
        assert!(check(&many).is_err() && check(&many[1..]).is_ok());
    }
}
