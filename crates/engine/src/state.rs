//! What the engine itself remembers of an index, in `IndexState::engine`: which attribute is in which text slot, which attributes have
//! columns, and how the text was analysed.

use onggi_domain::{
    attribute::{covers, matches},
    generation::IndexState,
    settings::Settings,
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, analysis::Analyzer, schema::SLOT_COUNT};

/// The version of schema and indexing; an index of another one is rebuilt.
pub(crate) const ENGINE_VERSION: u32 = 1;

/// The engine's part of an [`IndexState`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EngineState {
    /// The version of schema and indexing.
    pub version: u32,
    /// How text was analysed: [`Analyzer::fingerprint`].
    pub analysis: String,
    /// The dictionary that Korean text was analysed with; `None`: words as written.
    pub korean: Option<String>,
    /// Whether a searchable attribute has had Hangul in it.
    pub hangul: bool,
    /// The searchable attributes by rank; with `*`, in order of appearance (top-level names).
    pub attributes: Vec<String>,
    /// Patterns of the attributes that have columns in `f`. May hold more than the settings ask for.
    pub columns: Vec<String>,
}

impl EngineState {
    /// The state of an empty index with these settings.
    pub fn new(settings: &Settings, analyzer: &Analyzer) -> Self {
        Self {
            version: ENGINE_VERSION,
            analysis: analyzer.fingerprint().to_owned(),
            korean: analyzer.korean().map(str::to_owned),
            hangul: false,
            attributes: named_attributes(settings),
            columns: settings.column_patterns(),
        }
    }

    /// The engine's part of `state`; `None` for an index that has never been written.
    pub fn of(state: &IndexState) -> Result<Option<Self>> {
        if state.engine.is_null() {
            return Ok(None);
        }
        serde_json::from_value(state.engine.clone())
            .map(Some)
            .map_err(|error| Error::Damaged { what: "the engine's part of the index state".to_owned(), why: error.to_string() })
    }

    /// The rank of a searchable attribute, 0 the most important. A nested attribute (`a.b`) has the rank of the first entry that is
    /// itself or holds it. `None`: not searchable, or never seen.
    pub fn rank(&self, attribute: &str) -> Option<usize> {
        self.attributes.iter().position(|entry| covers(entry, attribute))
    }

    /// The text slot of a searchable attribute.
    pub fn slot(&self, attribute: &str) -> Option<usize> {
        self.rank(attribute).map(slot_of_rank)
    }

    /// The attributes whose words are in a slot: one, but for the last slot.
    pub fn attributes_of_slot(&self, slot: usize) -> &[String] {
        let start = slot.min(self.attributes.len());
        let end = if slot + 1 == SLOT_COUNT { self.attributes.len() } else { (slot + 1).min(self.attributes.len()) };
        &self.attributes[start..end]
    }

    /// Whether an attribute has columns, and so its presence recorded.
    pub fn has_column(&self, attribute: &str) -> bool {
        self.columns.iter().any(|pattern| matches(pattern, attribute))
    }
}

/// The text slot of a rank.
pub fn slot_of_rank(rank: usize) -> usize {
    rank.min(SLOT_COUNT - 1)
}

/// Whether the settings make every attribute searchable.
pub fn searches_all(settings: &Settings) -> bool {
    settings.searchable_attributes.iter().any(|name| name == "*")
}

fn named_attributes(settings: &Settings) -> Vec<String> {
    if searches_all(settings) { Vec::new() } else { settings.searchable_attributes.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_belongs_to_the_first_entry_that_covers_it() {
        let mut state = EngineState {
            version: 1,
            analysis: String::new(),
            korean: None,
            hangul: false,
            attributes: ["a.b", "a", "c"].map(str::to_owned).to_vec(),
            columns: ["price", "tags.*"].map(str::to_owned).to_vec(),
        };
        assert_eq!(state.rank("a.b.x"), Some(0));
        assert_eq!(state.rank("a.c"), Some(1));
        assert_eq!(state.rank("ab"), None);
        assert!(state.has_column("price.eur") && state.has_column("tags.x") && !state.has_column("prices"));

        state.attributes = (0..12).map(|n| format!("n{n}")).collect();
        assert_eq!(state.slot("n11"), Some(7));
        assert_eq!(state.attributes_of_slot(3), ["n3"]);
        assert_eq!(state.attributes_of_slot(7).len(), 5);
    }

    /// What people are told of a change before they make it, and what the indexer does, are the same.
    #[test]
    fn a_change_is_told_to_index_anew_when_it_does() {
        let settings = |json: serde_json::Value| {
            let patch: onggi_domain::settings::SettingsPatch = serde_json::from_value(json).unwrap();
            Settings::default().patched(&patch).unwrap()
        };
        let now = settings(serde_json::json!({"filterableAttributes": ["genre"], "stopWords": ["the"]}));
        for json in [
            serde_json::json!({}),
            serde_json::json!({"displayedAttributes": ["a"], "stopWords": ["the"]}),
            serde_json::json!({"searchableAttributes": ["a"], "stopWords": ["the"]}),
            serde_json::json!({"filterableAttributes": ["genre", "tags.*"], "stopWords": ["the"]}),
            serde_json::json!({"sortableAttributes": ["year"], "stopWords": ["the"]}),
            serde_json::json!({"rankingRules": ["words", "year:asc"], "stopWords": ["the"]}),
            serde_json::json!({"rankingRules": ["words"], "stopWords": ["the"]}),
            serde_json::json!({"distinctAttribute": "sku", "stopWords": ["the"]}),
            serde_json::json!({"separatorTokens": ["|"], "stopWords": ["the"]}),
            serde_json::json!({"nonSeparatorTokens": ["-"], "stopWords": ["the"]}),
            serde_json::json!({"dictionary": ["c++"], "stopWords": ["the"]}),
            serde_json::json!({"localizedAttributes": [{"attributePatterns": ["*_ja"], "locales": ["jpn"]}], "stopWords": ["the"]}),
            serde_json::json!({"synonyms": {"a": ["b"]}, "typoTolerance": {"disableOnWords": ["a"]}, "stopWords": ["the"]}),
            serde_json::json!({"proximityPrecision": "byAttribute", "prefixSearch": "disabled", "facetSearch": false, "stopWords": ["the"]}),
            serde_json::json!({"faceting": {"maxValuesPerFacet": 5}, "pagination": {"maxTotalHits": 5}, "searchCutoffMs": 5, "stopWords": ["the"]}),
        ] {
            let next = settings(json.clone());
            let state = |settings: &Settings| EngineState::new(settings, &Analyzer::new(settings, None));
            let (before, after) = (state(&now), state(&next));
            let rebuilds = before.analysis != after.analysis
                || now.searchable_attributes != next.searchable_attributes
                || after.columns.iter().any(|pattern| !before.columns.contains(pattern));
            assert_eq!(!now.rebuilding(&next).is_empty(), rebuilds, "{json}");
        }
    }
}
