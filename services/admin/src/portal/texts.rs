//! Texts in every language: `texts/<language>/<file>.toml`, whose keys are told as `file.key`. A `{0}` in a text is the first thing that it is
//! told with.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::{Display, Write},
    sync::LazyLock,
};

use http::HeaderMap;
use onggi_web::portal::cookie;

/// The cookie in which the choice of a language is kept.
pub(crate) const LANGUAGE_COOKIE: &str = "onggi_language";

/// A language that the portal speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    En,
    Ko,
}

/// The files of texts.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        const FILES: &[(&str, &str, &str)] = &[$((
            $name,
            include_str!(concat!("../../texts/en/", $name, ".toml")),
            include_str!(concat!("../../texts/ko/", $name, ".toml")),
        )),*];
    };
}

files![
    "shell",
    "errors",
    "accounts",
    "members",
    "overview",
    "start",
    "operator",
    "index",
    "containers",
    "playground",
    "documents",
    "settings",
    "editor",
    "generations",
    "analytics",
    "tasks",
    "access",
    "bill"
];

type Table = HashMap<String, String>;

static TABLES: LazyLock<[Table; 2]> =
    LazyLock::new(|| [read(FILES.iter().map(|(name, en, _)| (*name, *en))), read(FILES.iter().map(|(name, _, ko)| (*name, *ko)))]);

fn read(files: impl Iterator<Item = (&'static str, &'static str)>) -> Table {
    let mut table = Table::new();
    for (name, text) in files {
        let texts: HashMap<String, String> = toml::from_str(text).unwrap_or_else(|error| panic!("texts of {name}: {error}"));
        table.extend(texts.into_iter().map(|(key, text)| (format!("{name}.{key}"), text)));
    }
    table
}

impl Language {
    /// Every language.
    pub(crate) const ALL: [Self; 2] = [Self::En, Self::Ko];

    /// Its code (BCP 47).
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// What it is called in itself.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ko => "한국어",
        }
    }

    /// The language of this code.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The language that a visitor chose, or prefers among those that there are.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let chosen = cookie(headers, LANGUAGE_COOKIE).and_then(Self::of_code);
        let accepted = || headers.get(http::header::ACCEPT_LANGUAGE)?.to_str().ok().and_then(Self::accepted);
        chosen.or_else(accepted).unwrap_or(Self::En)
    }

    /// The best of `ko-KR,ko;q=0.9,en;q=0.8` (RFC 9110, 12.5.4).
    fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for range in header.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |quality| quality.parse::<f32>().ok()).unwrap_or(0.0);
            let language = Self::of_code(&tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase());
            if let Some(language) = language.filter(|_| quality > best.map_or(0.0, |(quality, _)| quality)) {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// A text; one that does not exist shows its key.
    pub(crate) fn text(self, key: &str) -> &'static str {
        self.find(key).unwrap_or_else(|| {
            tracing::error!(key, "there is no such text");
            "…"
        })
    }

    /// A text, if there is one.
    pub(crate) fn find(self, key: &str) -> Option<&'static str> {
        TABLES[self as usize].get(key).map(String::as_str)
    }

    /// The texts of a file by their keys in it, as JSON: for a script.
    pub(crate) fn texts_of(self, file: &str) -> String {
        let own = |(key, text): (&'static String, &'static String)| Some((key.strip_prefix(file)?.strip_prefix('.')?, text.as_str()));
        let texts: BTreeMap<&str, &str> = TABLES[self as usize].iter().filter_map(own).collect();
        serde_json::to_string(&texts).unwrap_or_default()
    }

    /// A text with what it is told with.
    pub(crate) fn text_with(self, key: &str, values: &[&dyn Display]) -> String {
        values
            .iter()
            .enumerate()
            .fold(self.text(key).to_owned(), |text, (at, value)| text.replace(&format!("{{{at}}}"), &value.to_string()))
    }

    /// A number with its thousands apart.
    #[expect(clippy::unused_self, reason = "how numbers are written is a language's affair; these two agree")]
    pub(crate) fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }

    /// A number of bytes, for people.
    #[expect(clippy::unused_self, reason = "as for numbers")]
    pub(crate) fn bytes(self, bytes: u64) -> String {
        let mut text = String::new();
        let (mut rest, mut unit) = (bytes as f64, 0);
        while rest >= 1024.0 && unit < 4 {
            rest /= 1024.0;
            unit += 1;
        }
        let places = usize::from(unit > 0 && rest < 100.0 && rest.fract() > 0.0);
        write!(text, "{rest:.places$} {}", ["B", "KiB", "MiB", "GiB", "TiB"][unit]).expect("a string takes what is written");
        text
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;

    #[test]
    fn every_language_has_the_same_texts_with_the_same_gaps() {
        let [en, ko] = &*TABLES;
        let keys = |table: &Table| table.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(en), keys(ko));
        for (key, text) in en {
            let gaps = |text: &str| (0..5).filter(|at| text.contains(&format!("{{{at}}}"))).collect::<Vec<_>>();
            assert_eq!(gaps(text), gaps(&ko[key]), "{key}");
            assert!(!text.trim().is_empty() && !ko[key].trim().is_empty(), "{key} is empty");
        }
    }

    fn files(directory: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }

    /// What stands in quotes in templates and code and looks like the key of a text.
    fn mentioned() -> BTreeSet<String> {
        let mut contents = Vec::new();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        files(&here.join("templates"), &mut contents);
        files(&here.join("src/portal"), &mut contents);
        let names: Vec<String> = FILES.iter().map(|(name, ..)| format!("{name}.")).collect();
        let quoted = contents.iter().flat_map(|text| text.split('"'));
        let key = |part: &&str| {
            let plain = part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte));
            plain && names.iter().any(|name| part.starts_with(name.as_str()) && part.len() > name.len())
        };
        // Files of assets look alike.
        quoted.filter(key).filter(|part| ![".html", ".css", ".js"].iter().any(|end| part.ends_with(end))).map(str::to_owned).collect()
    }

    #[test]
    fn every_text_that_is_mentioned_is_there() {
        let missing: Vec<String> = mentioned().into_iter().filter(|key| Language::En.find(key).is_none()).collect();
        assert!(missing.is_empty(), "these texts are not there: {missing:?}");
    }

    #[test]
    fn the_best_language_that_is_accepted_is_spoken() {
        for (header, language) in [
            ("ko-KR,ko;q=0.9,en;q=0.8", Some(Language::Ko)),
            ("en;q=0.5, ko;q=0.7", Some(Language::Ko)),
            ("fr, en;q=0.1", Some(Language::En)),
            ("fr", None),
            ("ko;q=0, en", Some(Language::En)),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(Language::En.number(1_234_567), "1,234,567");
        assert_eq!(Language::En.number(12), "12");
        assert_eq!(Language::En.bytes(999), "999 B");
        assert_eq!(Language::En.bytes(1_230_000), "1.2 MiB");
        assert_eq!(Language::En.bytes(256 << 20), "256 MiB");
    }
}
