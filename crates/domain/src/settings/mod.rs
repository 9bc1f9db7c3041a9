//! The settings of an index, in Meilisearch's shapes, and the patch that changes them.
//!
//! [`Settings`] is always complete: what nobody set has its default. [`SettingsPatch`] names what changes: an absent
//! field stays, `null` resets to the default.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::Code;

mod effect;
mod patch;
mod validate;

pub use patch::{FacetingPatch, MinWordSizePatch, PaginationPatch, Setting, SettingsPatch, TypoTolerancePatch};

/// A filterable attribute: a name or pattern, or patterns with the filter features they offer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum FilterableAttribute {
    /// A name or a pattern such as `product.*`, with every feature but `CONTAINS` left at its default.
    Name(String),
    /// Patterns with their features.
    Features(FilterableFeatures),
}

// Not derived, which would not say what is wrong with which part of a value.
impl<'de> Deserialize<'de> for FilterableAttribute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrFeatures;

        impl<'de> Visitor<'de> for NameOrFeatures {
            type Value = FilterableAttribute;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, the name or pattern of attributes, or an object with `attributePatterns` and `features`")
            }

            fn visit_str<E>(self, name: &str) -> Result<FilterableAttribute, E> {
                Ok(FilterableAttribute::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FilterableAttribute, A::Error> {
                FilterableFeatures::deserialize(MapAccessDeserializer::new(map)).map(FilterableAttribute::Features)
            }
        }

        deserializer.deserialize_any(NameOrFeatures)
    }
}

impl FilterableAttribute {
    /// The attribute patterns that the rule covers.
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::Name(name) => std::slice::from_ref(name),
            Self::Features(rule) => &rule.attribute_patterns,
        }
    }
}

/// The long form of a filterable attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterableFeatures {
    /// Names or patterns with `*` at an end or at both.
    pub attribute_patterns: Vec<String>,
    /// What they may be used for.
    #[serde(default)]
    pub features: FilterFeatures,
}

/// What a filterable attribute may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FilterFeatures {
    /// Facet search is allowed.
    pub facet_search: bool,
    /// Which comparisons are allowed.
    pub filter: FilterComparisons,
}

/// Which comparisons a filterable attribute allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FilterComparisons {
    /// `=`, `!=`, `IN`, `EXISTS`, `IS NULL`, `IS EMPTY`.
    pub equality: bool,
    /// `<`, `<=`, `>`, `>=`, `TO`.
    pub comparison: bool,
}

impl Default for FilterComparisons {
    fn default() -> Self {
        Self { equality: true, comparison: false }
    }
}

/// When a word may be matched with typos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypoTolerance {
    /// Whether typos are tolerated at all.
    pub enabled: bool,
    /// From how many characters a word may have one and two typos.
    pub min_word_size_for_typos: MinWordSize,
    /// Words that are matched to the letter.
    pub disable_on_words: BTreeSet<String>,
    /// Attributes that are matched to the letter.
    pub disable_on_attributes: BTreeSet<String>,
    /// Whether numbers are matched to the letter.
    pub disable_on_numbers: bool,
}

impl Default for TypoTolerance {
    fn default() -> Self {
        Self {
            enabled: true,
            min_word_size_for_typos: MinWordSize::default(),
            disable_on_words: BTreeSet::new(),
            disable_on_attributes: BTreeSet::new(),
            disable_on_numbers: false,
        }
    }
}

/// The lengths, in characters, from which a word may have one and two typos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MinWordSize {
    /// One typo from this length.
    pub one_typo: u8,
    /// Two typos from this length.
    pub two_typos: u8,
}

impl Default for MinWordSize {
    fn default() -> Self {
        Self { one_typo: 5, two_typos: 9 }
    }
}

/// How facet values are counted and ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Faceting {
    /// The most values returned for a facet.
    pub max_values_per_facet: usize,
    /// The order for each attribute; `*` is the default.
    pub sort_facet_values_by: BTreeMap<String, FacetOrder>,
}

impl Default for Faceting {
    fn default() -> Self {
        Self { max_values_per_facet: 100, sort_facet_values_by: BTreeMap::from([("*".to_owned(), FacetOrder::Alpha)]) }
    }
}

/// The order of facet values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FacetOrder {
    /// By value.
    Alpha,
    /// By count, largest first.
    Count,
}

/// How far a search can page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// The most hits that can be reached by paging.
    pub max_total_hits: usize,
}

impl Default for Pagination {
    fn default() -> Self {
        Self { max_total_hits: 1000 }
    }
}

/// How exactly the distance of words is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProximityPrecision {
    /// By the number of words between.
    #[default]
    ByWord,
    /// By being in the same attribute.
    ByAttribute,
}

/// Whether the last word of a query also matches as a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PrefixSearch {
    /// It does.
    #[default]
    IndexingTime,
    /// It does not.
    Disabled,
}

/// Which locales the attributes of some patterns are written in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocalizedAttributes {
    /// Names or patterns with `*` at an end or at both.
    pub attribute_patterns: Vec<String>,
    /// ISO 639 codes such as `kor` or `ko`; empty: detect.
    pub locales: Vec<String>,
}

/// The ranking rules of an index that nobody changed.
pub const DEFAULT_RANKING_RULES: [&str; 7] = ["words", "typo", "proximity", "attributeRank", "sort", "wordPosition", "exactness"];

/// The ranking rule that is [`ATTRIBUTE_PARTS`] in one. It was in the default of indexes that are older than they are.
pub const ATTRIBUTE_RULE: &str = "attribute";

/// The two halves of [`ATTRIBUTE_RULE`].
pub const ATTRIBUTE_PARTS: [&str; 2] = ["attributeRank", "wordPosition"];

/// The complete settings of an index. Field order is the order in answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Attributes that answers show; `*`: all.
    pub displayed_attributes: Vec<String>,
    /// Attributes that are searched, most important first; `*`: all, in order of appearance.
    pub searchable_attributes: Vec<String>,
    /// Attributes that filters and facets may use.
    pub filterable_attributes: Vec<FilterableAttribute>,
    /// Attributes that `sort` may use.
    pub sortable_attributes: BTreeSet<String>,
    /// The ranking rules in order: built-in names, or `attribute:asc` / `attribute:desc`.
    pub ranking_rules: Vec<String>,
    /// Words that are ignored.
    pub stop_words: BTreeSet<String>,
    /// Characters that do not separate words.
    pub non_separator_tokens: BTreeSet<String>,
    /// Strings that separate words.
    pub separator_tokens: BTreeSet<String>,
    /// Words that are kept whole, or words with their parts ([`crate::dictionary`]).
    pub dictionary: BTreeSet<String>,
    /// From a word or phrase to those that it also means.
    pub synonyms: IndexMap<String, Vec<String>>,
    /// At most one document for each value of this attribute.
    pub distinct_attribute: Option<String>,
    /// How distances of words are measured.
    pub proximity_precision: ProximityPrecision,
    /// Typos.
    pub typo_tolerance: TypoTolerance,
    /// Facets.
    pub faceting: Faceting,
    /// Paging.
    pub pagination: Pagination,
    /// Milliseconds after which a search answers with what it has; `None`: 1,500.
    pub search_cutoff_ms: Option<u64>,
    /// Locales by attribute.
    pub localized_attributes: Option<Vec<LocalizedAttributes>>,
    /// Whether facet search is offered.
    pub facet_search: bool,
    /// Prefixes.
    pub prefix_search: PrefixSearch,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            displayed_attributes: vec!["*".to_owned()],
            searchable_attributes: vec!["*".to_owned()],
            filterable_attributes: Vec::new(),
            sortable_attributes: BTreeSet::new(),
            ranking_rules: DEFAULT_RANKING_RULES.map(str::to_owned).to_vec(),
            stop_words: BTreeSet::new(),
            non_separator_tokens: BTreeSet::new(),
            separator_tokens: BTreeSet::new(),
            dictionary: BTreeSet::new(),
            synonyms: IndexMap::new(),
            distinct_attribute: None,
            proximity_precision: ProximityPrecision::default(),
            typo_tolerance: TypoTolerance::default(),
            faceting: Faceting::default(),
            pagination: Pagination::default(),
            search_cutoff_ms: None,
            localized_attributes: None,
            facet_search: true,
            prefix_search: PrefixSearch::default(),
        }
    }
}

/// Every setting: its name in answers, its path segment below `/settings`, the method that sets it, and the code of
/// an error in it.
pub const SETTINGS: &[(&str, &str, &str, Code)] = &[
    ("displayedAttributes", "displayed-attributes", "PUT", Code::InvalidSettingsDisplayedAttributes),
    ("searchableAttributes", "searchable-attributes", "PUT", Code::InvalidSettingsSearchableAttributes),
    ("filterableAttributes", "filterable-attributes", "PUT", Code::InvalidSettingsFilterableAttributes),
    ("sortableAttributes", "sortable-attributes", "PUT", Code::InvalidSettingsSortableAttributes),
    ("rankingRules", "ranking-rules", "PUT", Code::InvalidSettingsRankingRules),
    ("stopWords", "stop-words", "PUT", Code::InvalidSettingsStopWords),
    ("nonSeparatorTokens", "non-separator-tokens", "PUT", Code::InvalidSettingsNonSeparatorTokens),
    ("separatorTokens", "separator-tokens", "PUT", Code::InvalidSettingsSeparatorTokens),
    ("dictionary", "dictionary", "PUT", Code::InvalidSettingsDictionary),
    ("synonyms", "synonyms", "PUT", Code::InvalidSettingsSynonyms),
    ("distinctAttribute", "distinct-attribute", "PUT", Code::InvalidSettingsDistinctAttribute),
    ("proximityPrecision", "proximity-precision", "PUT", Code::InvalidSettingsProximityPrecision),
    ("typoTolerance", "typo-tolerance", "PATCH", Code::InvalidSettingsTypoTolerance),
    ("faceting", "faceting", "PATCH", Code::InvalidSettingsFaceting),
    ("pagination", "pagination", "PATCH", Code::InvalidSettingsPagination),
    ("searchCutoffMs", "search-cutoff-ms", "PUT", Code::InvalidSettingsSearchCutoffMs),
    ("localizedAttributes", "localized-attributes", "PUT", Code::InvalidSettingsLocalizedAttributes),
    ("facetSearch", "facet-search", "PUT", Code::InvalidSettingsFacetSearch),
    ("prefixSearch", "prefix-search", "PUT", Code::InvalidSettingsPrefixSearch),
];

/// A setting of Meilisearch that belongs to a feature which Onggi does not have: it can be read and reset, and not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsentSetting {
    /// Its name in answers.
    pub name: &'static str,
    /// Its path segment below `/settings`.
    pub segment: &'static str,
    /// The method that would set it.
    pub method: &'static str,
    /// What it is and stays, as JSON.
    pub default: &'static str,
}

/// The settings of features that Onggi does not have.
pub const ABSENT_SETTINGS: &[AbsentSetting] = &[
    AbsentSetting { name: "embedders", segment: "embedders", method: "PATCH", default: "{}" },
    AbsentSetting { name: "chat", segment: "chat", method: "PUT", default: "{}" },
    AbsentSetting { name: "vectorStore", segment: "vector-store", method: "PATCH", default: "null" },
    AbsentSetting { name: "foreignKeys", segment: "foreign-keys", method: "PUT", default: "[]" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_settings_names_each_field_once_in_order() {
        let json = serde_json::to_value(Settings::default()).unwrap();
        let fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let table: Vec<&str> = SETTINGS.iter().map(|row| row.0).collect();
        assert_eq!(fields, table);
    }

    #[test]
    fn the_default_of_an_absent_setting_is_json() {
        for setting in ABSENT_SETTINGS {
            serde_json::from_str::<serde_json::Value>(setting.default).unwrap();
        }
    }
}
