//! The settings as the page shows them: in groups, each with what it is for, what a change of it does, and what it is now.

use serde_json::Value;

use super::super::super::texts::Language;

/// Entries of one setting that the server shows; the script shows the others.
const SHOWN: usize = 200;

/// Settings that belong together: the key of its texts, and the settings.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) settings: &'static [&'static str],
}

impl Group {
    /// All of them, in the order of the page.
    pub(super) const ALL: &'static [Self] = &[
        Self {
            name: "find",
            settings: &["searchableAttributes", "rankingRules", "typoTolerance", "prefixSearch", "proximityPrecision", "searchCutoffMs"],
        },
        Self {
            name: "words",
            settings: &["synonyms", "stopWords", "dictionary", "separatorTokens", "nonSeparatorTokens", "localizedAttributes"],
        },
        Self { name: "narrow", settings: &["filterableAttributes", "sortableAttributes", "faceting", "facetSearch", "distinctAttribute"] },
        Self { name: "answer", settings: &["displayedAttributes", "pagination"] },
    ];
}

/// What a change does to the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// All of them are indexed anew.
    Rebuilds,
    /// They are, if an attribute is added that had no use like it.
    AddingRebuilds,
    /// It holds for the next search.
    AtOnce,
}

impl Effect {
    fn of(setting: &str) -> Self {
        match setting {
            "searchableAttributes" | "stopWords" | "dictionary" | "separatorTokens" | "nonSeparatorTokens" | "localizedAttributes" => {
                Self::Rebuilds
            }
            "filterableAttributes" | "sortableAttributes" | "rankingRules" | "distinctAttribute" => Self::AddingRebuilds,
            _ => Self::AtOnce,
        }
    }
}

pub(super) struct GroupView {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) settings: Vec<SettingView>,
}

impl GroupView {
    pub(super) fn new(language: Language, group: &Group, settings: Vec<SettingView>) -> Self {
        Self { name: group.name, title: language.text(&format!("settings.group_{}", group.name)), settings }
    }
}

pub(super) struct SettingView {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) help: &'static str,
    pub(super) effect: String,
    /// The class of the effect's badge.
    pub(super) tone: &'static str,
    /// What it is now; empty: nothing.
    pub(super) values: Vec<String>,
    /// Entries that are not among `values`.
    pub(super) more: usize,
}

impl SettingView {
    /// `rebuild` is how long indexing anew may take.
    pub(super) fn new(language: Language, name: &'static str, value: &Value, rebuild: &str) -> Self {
        let key = key(name);
        let (effect, tone) = match Effect::of(name) {
            Effect::Rebuilds => (language.text_with("settings.effect_rebuilds", &[&rebuild]), "warn"),
            Effect::AddingRebuilds => (language.text_with("settings.effect_adding", &[&rebuild]), "warn"),
            Effect::AtOnce => (language.text("settings.effect_at_once").to_owned(), "good"),
        };
        let mut values = lines(language, value);
        let more = values.len().saturating_sub(SHOWN);
        values.truncate(SHOWN);
        Self {
            name,
            title: language.text(&format!("settings.{key}")),
            help: language.text(&format!("settings.{key}_help")),
            effect,
            tone,
            values,
            more,
        }
    }
}

/// `stopWords` as the key of a text: `stop_words`.
fn key(name: &str) -> String {
    let mut key = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            key.push('_');
        }
        key.push(letter.to_ascii_lowercase());
    }
    key
}

/// A value as lines for people.
fn lines(language: Language, value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(|item| word(language, item)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| format!("{name}: {}", word(language, value))).collect(),
        value => vec![word(language, value)],
    }
}

fn word(language: Language, value: &Value) -> String {
    match value {
        Value::Bool(true) => language.text("settings.on").to_owned(),
        Value::Bool(false) => language.text("settings.off").to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "–".to_owned(),
        Value::Array(items) => items.iter().map(|item| word(language, item)).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use onggi_domain::settings::SETTINGS;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_setting_is_in_one_group_and_has_its_texts() {
        let mut grouped: Vec<&str> = Group::ALL.iter().flat_map(|group| group.settings).copied().collect();
        let mut known: Vec<&str> = SETTINGS.iter().map(|row| row.0).collect();
        grouped.sort_unstable();
        known.sort_unstable();
        assert_eq!(grouped, known);
        for language in Language::ALL {
            for (name, ..) in SETTINGS {
                for key in [format!("settings.{}", key(name)), format!("settings.{}_help", key(name))] {
                    assert!(language.find(&key).is_some(), "{key}");
                }
            }
            for group in Group::ALL {
                assert!(language.find(&format!("settings.group_{}", group.name)).is_some(), "{}", group.name);
            }
        }
    }

    #[test]
    fn values_are_told_as_lines() {
        let told = |value: Value| lines(Language::En, &value);
        assert_eq!(told(json!(["a", {"attributePatterns": ["b"]}])), ["a", "{\"attributePatterns\":[\"b\"]}"]);
        assert_eq!(told(json!({"jar": ["pot", "crock"], "enabled": true})), ["jar: pot, crock", "enabled: On"]);
        assert_eq!(told(json!(null)), [""; 0]);
        assert_eq!(told(json!(1000)), ["1000"]);
    }
}
