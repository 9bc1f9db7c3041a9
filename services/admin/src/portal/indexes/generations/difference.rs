//! What two generations have that the other has not: settings, and attributes.

use std::collections::BTreeMap;

use onggi_domain::{generation::Manifest, settings::Settings};
use serde_json::Value;

/// Lines of one setting, and attributes, that are listed.
const LISTED: usize = 60;
/// Settings whose order says nothing.
const SETS: [&str; 5] = ["sortableAttributes", "stopWords", "separatorTokens", "nonSeparatorTokens", "dictionary"];

/// A setting that is another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SettingChange {
    pub(super) name: &'static str,
    pub(super) removed: Vec<String>,
    pub(super) added: Vec<String>,
    /// The new order, where only that is another.
    pub(super) order: Option<String>,
}

/// The settings that differ.
pub(super) fn settings(before: &Settings, after: &Settings) -> Vec<SettingChange> {
    let plain = |settings: &Settings| serde_json::to_value(settings).unwrap_or_default();
    let (old, new) = (plain(before), plain(after));
    before.changed(after).into_iter().map(|name| change(name, &old[name], &new[name])).collect()
}

fn change(name: &'static str, old: &Value, new: &Value) -> SettingChange {
    let (was, is) = (lines(old), lines(new));
    let only = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|line| !others.contains(line)).take(LISTED).cloned().collect()
    };
    let (removed, added) = (only(&was, &is), only(&is, &was));
    let moved = removed.is_empty() && added.is_empty() && !SETS.contains(&name);
    SettingChange { name, removed, added, order: moved.then(|| is.join(" → ")) }
}

/// A value as lines that can be held against those of another.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Object(fields) => {
            let mut flat = Vec::new();
            flatten("", fields, &mut flat);
            flat
        }
        value => vec![text(value)],
    }
}

fn flatten(path: &str, fields: &serde_json::Map<String, Value>, flat: &mut Vec<String>) {
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(inner) => flatten(&path, inner, flat),
            value => flat.push(format!("{path}: {}", text(value))),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

/// An attribute that is in another number of documents.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldChange {
    pub(super) name: String,
    pub(super) before: u64,
    pub(super) after: u64,
}

/// The attributes that differ, those first that are in one of the two only.
pub(super) fn fields(before: &Manifest, after: &Manifest) -> Vec<FieldChange> {
    let mut both: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (name, count) in &before.state.fields {
        both.entry(name).or_default().0 = *count;
    }
    for (name, count) in &after.state.fields {
        both.entry(name).or_default().1 = *count;
    }
    let differs =
        |(name, (before, after)): (&str, (u64, u64))| (before != after).then(|| FieldChange { name: name.to_owned(), before, after });
    let mut changes: Vec<FieldChange> = both.into_iter().filter_map(differs).collect();
    changes.sort_by_key(|change| change.before.min(change.after) > 0);
    changes.truncate(LISTED);
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(json: Value) -> Settings {
        Settings::default().patched(&serde_json::from_value(json).unwrap()).unwrap()
    }

    #[test]
    fn settings_differ_by_entries_by_order_and_by_values() {
        let before = with(json!({"stopWords": ["a", "b"], "rankingRules": ["words", "typo"], "synonyms": {"jar": ["pot"]}}));
        let after = with(
            json!({"stopWords": ["b", "c"], "rankingRules": ["typo", "words"], "synonyms": {"jar": ["pot", "crock"]}, "typoTolerance": {"enabled": false}}),
        );
        let changes = settings(&before, &after);
        let of = |name: &str| changes.iter().find(|change| change.name == name).unwrap();
        assert_eq!((&of("stopWords").removed[..], &of("stopWords").added[..]), (&["a".to_owned()][..], &["c".to_owned()][..]));
        assert_eq!(of("rankingRules").order.as_deref(), Some("typo → words"));
        assert_eq!(of("synonyms").added, ["jar: pot, crock"]);
        assert_eq!(
            (&of("typoTolerance").removed[..], &of("typoTolerance").added[..]),
            (&["enabled: true".to_owned()][..], &["enabled: false".to_owned()][..])
        );
        assert_eq!(changes.len(), 4);
        assert!(settings(&after, &after).is_empty());
    }
}
