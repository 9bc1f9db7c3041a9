//! The settings of an index, in Meilisearch's shapes, and the patch that changes them.
//!
//! [`Settings`] is always complete: what nobody set has its default. [`SettingsPatch`] names what changes: an absent
//! field stays, `null` resets to the default.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ApiError, Code};

/// One field of a patch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Setting<T> {
    /// Stays as it is.
    #[default]
    Keep,
    /// Goes back to the default.
    Reset,
    /// Becomes this.
    Set(T),
}

impl<T> Setting<T> {
    /// Whether the patch leaves the field alone.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: Clone> Setting<T> {
    fn apply(&self, target: &mut T, default: T) {
        match self {
            Self::Keep => {}
            Self::Reset => *target = default,
            Self::Set(value) => *target = value.clone(),
        }
    }
}

impl<T: Serialize> Serialize for Setting<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => serializer.serialize_some(value),
            Self::Keep | Self::Reset => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<T>::deserialize(deserializer)? {
            Some(value) => Self::Set(value),
            None => Self::Reset,
        })
    }
}

/// A filterable attribute: a name or pattern, or patterns with the filter features they offer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FilterableAttribute {
    /// A name or a pattern such as `product.*`, with every feature but `CONTAINS` left at its default.
    Name(String),
    /// Patterns with their features.
    Features(FilterableFeatures),
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
    /// Names or patterns with one `*` at an end.
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

/// The patch of [`TypoTolerance`]: each part on its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of TypoTolerance")]
pub struct TypoTolerancePatch {
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub enabled: Setting<bool>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub min_word_size_for_typos: Setting<MinWordSizePatch>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub disable_on_words: Setting<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub disable_on_attributes: Setting<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub disable_on_numbers: Setting<bool>,
}

/// The patch of [`MinWordSize`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of MinWordSize")]
pub struct MinWordSizePatch {
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub one_typo: Setting<u8>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub two_typos: Setting<u8>,
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

/// The patch of [`Faceting`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of Faceting")]
pub struct FacetingPatch {
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub max_values_per_facet: Setting<usize>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub sort_facet_values_by: Setting<BTreeMap<String, FacetOrder>>,
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

/// The patch of [`Pagination`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of Pagination")]
pub struct PaginationPatch {
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub max_total_hits: Setting<usize>,
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
    /// Names or patterns with one `*` at an end.
    pub attribute_patterns: Vec<String>,
    /// ISO 639 codes such as `kor` or `ko`; empty: detect.
    pub locales: Vec<String>,
}

/// The ranking rules of an index that nobody changed.
pub const DEFAULT_RANKING_RULES: [&str; 6] = ["words", "typo", "proximity", "attribute", "sort", "exactness"];

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
    /// Words that are kept whole.
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

/// A change of settings: absent stays, `null` resets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of Settings")]
pub struct SettingsPatch {
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub displayed_attributes: Setting<Vec<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub searchable_attributes: Setting<Vec<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub filterable_attributes: Setting<Vec<FilterableAttribute>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub sortable_attributes: Setting<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub ranking_rules: Setting<Vec<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub stop_words: Setting<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub non_separator_tokens: Setting<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub separator_tokens: Setting<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub dictionary: Setting<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub synonyms: Setting<IndexMap<String, Vec<String>>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub distinct_attribute: Setting<String>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub proximity_precision: Setting<ProximityPrecision>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub typo_tolerance: Setting<TypoTolerancePatch>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub faceting: Setting<FacetingPatch>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub pagination: Setting<PaginationPatch>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub search_cutoff_ms: Setting<u64>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub localized_attributes: Setting<Vec<LocalizedAttributes>>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub facet_search: Setting<bool>,
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub prefix_search: Setting<PrefixSearch>,
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

impl Settings {
    /// Applies a patch.
    pub fn apply(&mut self, patch: &SettingsPatch) {
        let default = Self::default();
        patch.displayed_attributes.apply(&mut self.displayed_attributes, default.displayed_attributes);
        patch.searchable_attributes.apply(&mut self.searchable_attributes, default.searchable_attributes);
        patch.filterable_attributes.apply(&mut self.filterable_attributes, default.filterable_attributes);
        patch.sortable_attributes.apply(&mut self.sortable_attributes, default.sortable_attributes);
        patch.ranking_rules.apply(&mut self.ranking_rules, default.ranking_rules);
        patch.stop_words.apply(&mut self.stop_words, default.stop_words);
        patch.non_separator_tokens.apply(&mut self.non_separator_tokens, default.non_separator_tokens);
        patch.separator_tokens.apply(&mut self.separator_tokens, default.separator_tokens);
        patch.dictionary.apply(&mut self.dictionary, default.dictionary);
        patch.synonyms.apply(&mut self.synonyms, default.synonyms);
        apply_optional(&patch.distinct_attribute, &mut self.distinct_attribute);
        patch.proximity_precision.apply(&mut self.proximity_precision, default.proximity_precision);
        apply_optional(&patch.search_cutoff_ms, &mut self.search_cutoff_ms);
        apply_optional(&patch.localized_attributes, &mut self.localized_attributes);
        patch.facet_search.apply(&mut self.facet_search, default.facet_search);
        patch.prefix_search.apply(&mut self.prefix_search, default.prefix_search);
        match &patch.typo_tolerance {
            Setting::Keep => {}
            Setting::Reset => self.typo_tolerance = TypoTolerance::default(),
            Setting::Set(patch) => self.typo_tolerance.apply(patch),
        }
        match &patch.faceting {
            Setting::Keep => {}
            Setting::Reset => self.faceting = Faceting::default(),
            Setting::Set(patch) => {
                let default = Faceting::default();
                patch.max_values_per_facet.apply(&mut self.faceting.max_values_per_facet, default.max_values_per_facet);
                match &patch.sort_facet_values_by {
                    Setting::Keep => {}
                    Setting::Reset => self.faceting.sort_facet_values_by = default.sort_facet_values_by,
                    Setting::Set(orders) => self.faceting.sort_facet_values_by.extend(orders.clone()),
                }
            }
        }
        match &patch.pagination {
            Setting::Keep => {}
            Setting::Reset => self.pagination = Pagination::default(),
            Setting::Set(patch) => {
                patch.max_total_hits.apply(&mut self.pagination.max_total_hits, Pagination::default().max_total_hits);
            }
        }
    }
}

impl TypoTolerance {
    fn apply(&mut self, patch: &TypoTolerancePatch) {
        let default = Self::default();
        patch.enabled.apply(&mut self.enabled, default.enabled);
        patch.disable_on_words.apply(&mut self.disable_on_words, default.disable_on_words);
        patch.disable_on_attributes.apply(&mut self.disable_on_attributes, default.disable_on_attributes);
        patch.disable_on_numbers.apply(&mut self.disable_on_numbers, default.disable_on_numbers);
        match &patch.min_word_size_for_typos {
            Setting::Keep => {}
            Setting::Reset => self.min_word_size_for_typos = MinWordSize::default(),
            Setting::Set(patch) => {
                let default = MinWordSize::default();
                patch.one_typo.apply(&mut self.min_word_size_for_typos.one_typo, default.one_typo);
                patch.two_typos.apply(&mut self.min_word_size_for_typos.two_typos, default.two_typos);
            }
        }
    }
}

fn apply_optional<T: Clone>(patch: &Setting<T>, target: &mut Option<T>) {
    match patch {
        Setting::Keep => {}
        Setting::Reset => *target = None,
        Setting::Set(value) => *target = Some(value.clone()),
    }
}

impl SettingsPatch {
    /// Checks what the shape alone cannot: ranking rules, typo lengths, patterns, bounds.
    pub fn validate(&self) -> Result<(), ApiError> {
        if let Setting::Set(rules) = &self.ranking_rules {
            for rule in rules {
                let custom = rule.strip_suffix(":asc").or_else(|| rule.strip_suffix(":desc"));
                let known = DEFAULT_RANKING_RULES.contains(&rule.as_str()) || custom.is_some_and(|name| !name.is_empty());
                if !known {
                    return Err(ApiError::new(
                        Code::InvalidSettingsRankingRules,
                        format!(
                            "Invalid value at `.rankingRules`: `{rule}` ranking rule is invalid. Valid ranking rules are words, typo, \
                             sort, proximity, attribute, exactness and custom ranking rules."
                        ),
                    ));
                }
            }
        }
        if let Setting::Set(typo) = &self.typo_tolerance
            && let Setting::Set(sizes) = &typo.min_word_size_for_typos
        {
            let default = MinWordSize::default();
            let mut merged = default;
            sizes.one_typo.apply(&mut merged.one_typo, default.one_typo);
            sizes.two_typos.apply(&mut merged.two_typos, default.two_typos);
            if merged.one_typo > merged.two_typos {
                return Err(ApiError::new(
                    Code::InvalidSettingsTypoTolerance,
                    format!(
                        "Invalid value at `.minWordSizeForTypos`: `minWordSizeForTypos` setting is invalid. `oneTypo` and `twoTypos` \
                         fields should be between `0` and `255`, and `twoTypos` should be greater or equals to `oneTypo` but found \
                         `oneTypo: {}` and twoTypos: {}`.",
                        merged.one_typo, merged.two_typos
                    ),
                ));
            }
        }
        for (patterns, code, place) in self.patterns() {
            for pattern in patterns {
                let inner = pattern.trim_start_matches('*').trim_end_matches('*');
                if inner.contains('*') || pattern.is_empty() {
                    return Err(ApiError::new(
                        code,
                        format!(
                            "Invalid value at `.{place}`: `{pattern}` is not a valid attribute pattern: `*` may stand at one end only."
                        ),
                    ));
                }
            }
        }
        if let Setting::Set(0) = self.search_cutoff_ms {
            return Err(ApiError::new(
                Code::InvalidSettingsSearchCutoffMs,
                "Invalid value at `.searchCutoffMs`: a non-zero integer value lower than `18446744073709551615` was expected, but found a zero",
            ));
        }
        Ok(())
    }

    fn patterns(&self) -> Vec<(&[String], Code, &'static str)> {
        let mut all = Vec::new();
        if let Setting::Set(attributes) = &self.filterable_attributes {
            for attribute in attributes {
                all.push((attribute.patterns(), Code::InvalidSettingsFilterableAttributes, "filterableAttributes"));
            }
        }
        if let Setting::Set(attributes) = &self.localized_attributes {
            for rule in attributes {
                all.push((&rule.attribute_patterns, Code::InvalidSettingsLocalizedAttributes, "localizedAttributes"));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(json: serde_json::Value) -> SettingsPatch {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn absent_keeps_null_resets_and_a_value_sets() {
        let mut settings = Settings::default();
        settings.apply(&patch(serde_json::json!({"stopWords": ["the"], "distinctAttribute": "sku"})));
        settings.apply(&patch(serde_json::json!({"distinctAttribute": null})));
        assert_eq!(settings.stop_words, BTreeSet::from(["the".to_owned()]));
        assert_eq!(settings.distinct_attribute, None);
        settings.apply(&patch(serde_json::json!({"stopWords": null})));
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn nested_settings_change_part_by_part() {
        let mut settings = Settings::default();
        settings.apply(&patch(serde_json::json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 3}}})));
        assert_eq!(settings.typo_tolerance.min_word_size_for_typos, MinWordSize { one_typo: 3, two_typos: 9 });
        assert!(settings.typo_tolerance.enabled);
        settings.apply(&patch(serde_json::json!({"faceting": {"sortFacetValuesBy": {"tags": "count"}}})));
        assert_eq!(settings.faceting.sort_facet_values_by.len(), 2);
    }

    #[test]
    fn a_patch_survives_a_round_trip_through_the_log() {
        let patch =
            patch(serde_json::json!({"stopWords": null, "rankingRules": ["words", "price:asc"], "pagination": {"maxTotalHits": null}}));
        let again: SettingsPatch = serde_json::from_str(&serde_json::to_string(&patch).unwrap()).unwrap();
        assert_eq!(again, patch);
    }

    #[test]
    fn wrong_values_are_refused_with_the_setting_named() {
        for (json, code) in [
            (serde_json::json!({"rankingRules": ["word"]}), Code::InvalidSettingsRankingRules),
            (serde_json::json!({"rankingRules": [":asc"]}), Code::InvalidSettingsRankingRules),
            (serde_json::json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 10}}}), Code::InvalidSettingsTypoTolerance),
            (serde_json::json!({"filterableAttributes": ["a*b"]}), Code::InvalidSettingsFilterableAttributes),
            (serde_json::json!({"searchCutoffMs": 0}), Code::InvalidSettingsSearchCutoffMs),
        ] {
            assert_eq!(patch(json.clone()).validate().unwrap_err().code, code, "{json}");
        }
    }

    #[test]
    fn the_table_of_settings_names_each_field_once_in_order() {
        let json = serde_json::to_value(Settings::default()).unwrap();
        let fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let table: Vec<&str> = SETTINGS.iter().map(|row| row.0).collect();
        assert_eq!(fields, table);
    }
}
