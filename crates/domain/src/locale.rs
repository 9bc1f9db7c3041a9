//! The locales that settings and searches may name: ISO 639-1 and 639-3 codes, the same as Meilisearch's.

/// Every language by its two codes, in the order of the first.
const LANGUAGES: [(&str, &str); 70] = [
    ("af", "afr"),
    ("ak", "aka"),
    ("am", "amh"),
    ("ar", "ara"),
    ("az", "aze"),
    ("be", "bel"),
    ("bg", "bul"),
    ("bn", "ben"),
    ("ca", "cat"),
    ("cs", "ces"),
    ("cy", "cym"),
    ("da", "dan"),
    ("de", "deu"),
    ("el", "ell"),
    ("en", "eng"),
    ("eo", "epo"),
    ("es", "spa"),
    ("et", "est"),
    ("fa", "pes"),
    ("fi", "fin"),
    ("fr", "fra"),
    ("gu", "guj"),
    ("he", "heb"),
    ("hi", "hin"),
    ("hr", "hrv"),
    ("hu", "hun"),
    ("hy", "hye"),
    ("id", "ind"),
    ("it", "ita"),
    ("ja", "jpn"),
    ("jv", "jav"),
    ("ka", "kat"),
    ("km", "khm"),
    ("kn", "kan"),
    ("ko", "kor"),
    ("la", "lat"),
    ("lt", "lit"),
    ("lv", "lav"),
    ("mk", "mkd"),
    ("ml", "mal"),
    ("mr", "mar"),
    ("my", "mya"),
    ("nb", "nob"),
    ("ne", "nep"),
    ("nl", "nld"),
    ("or", "ori"),
    ("pa", "pan"),
    ("pl", "pol"),
    ("pt", "por"),
    ("ro", "ron"),
    ("ru", "rus"),
    ("si", "sin"),
    ("sk", "slk"),
    ("sl", "slv"),
    ("sn", "sna"),
    ("sr", "srp"),
    ("sv", "swe"),
    ("ta", "tam"),
    ("te", "tel"),
    ("th", "tha"),
    ("tk", "tuk"),
    ("tl", "tgl"),
    ("tr", "tur"),
    ("uk", "ukr"),
    ("ur", "urd"),
    ("uz", "uzb"),
    ("vi", "vie"),
    ("yi", "yid"),
    ("zh", "zho"),
    ("zu", "zul"),
];

/// Mandarin, which has no two-letter code of its own.
const MANDARIN: &str = "cmn";

/// The ISO 639-3 code of a locale that is named by either code; `None`: it is none of ours.
pub fn canonical(code: &str) -> Option<&'static str> {
    if code == MANDARIN {
        return Some(MANDARIN);
    }
    LANGUAGES.iter().find(|(short, long)| *short == code || *long == code).map(|(_, long)| *long)
}

/// Every code, the short ones first.
pub fn codes() -> Vec<&'static str> {
    let short = LANGUAGES.iter().map(|(short, _)| *short);
    let mut long: Vec<&str> = LANGUAGES.iter().map(|(_, long)| *long).chain([MANDARIN]).collect();
    long.sort_unstable();
    short.chain(long).collect()
}

/// What is wrong with a list of locales at this place of a request, or nothing.
pub fn check<'a>(place: &str, locales: impl IntoIterator<Item = &'a String>) -> Result<(), String> {
    for (at, locale) in locales.into_iter().enumerate() {
        if canonical(locale).is_none() {
            let codes: Vec<String> = codes().iter().map(|code| format!("`{code}`")).collect();
            return Err(format!("Unknown value `{locale}` at `.{place}[{at}]`: expected one of {}", codes.join(", ")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_codes_name_a_language_and_no_other_does() {
        assert_eq!((canonical("ko"), canonical("kor"), canonical("cmn")), (Some("kor"), Some("kor"), Some("cmn")));
        for code in ["", "KO", "ko-KR", "kr", "klingon"] {
            assert_eq!(canonical(code), None, "{code}");
        }
        let codes = codes();
        assert!(codes.iter().enumerate().all(|(at, code)| !codes[..at].contains(code)), "each once");
        assert!(codes.iter().all(|code| canonical(code).is_some()));
    }

    #[test]
    fn a_wrong_locale_is_named_with_its_place_and_the_right_ones() {
        let locales = ["ko", "kr"].map(str::to_owned);
        let why = check("locales", &locales).unwrap_err();
        assert!(why.starts_with("Unknown value `kr` at `.locales[1]`: expected one of `af`, ") && why.contains("`kor`"), "{why}");
        assert!(check("locales", &locales[..1]).is_ok());
    }
}
