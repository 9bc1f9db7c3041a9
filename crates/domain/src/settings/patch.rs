//! Changes of settings: what a patch names becomes so, `null` goes back to the default, the rest stays.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    FacetOrder, Faceting, FilterableAttribute, LocalizedAttributes, MinWordSize, Pagination, PrefixSearch, ProximityPrecision, Settings,
    TypoTolerance,
};

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
    pub(super) fn apply(&self, target: &mut T, default: T) {
        match self {
            Self::Keep => {}
            Self::Reset => *target = default,
            Self::Set(value) => *target = value.clone(),
        }
    }
}

impl Setting<Vec<String>> {
    /// A list with `*` among its names means all, which is the default.
    fn all_or_named(&self) -> Self {
        match self {
            Self::Set(names) if names.iter().any(|name| name == "*") => Self::Reset,
            other => other.clone(),
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

/// The patch of [`Pagination`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of Pagination")]
pub struct PaginationPatch {
    #[serde(skip_serializing_if = "Setting::is_keep")]
    pub max_total_hits: Setting<usize>,
}

impl Settings {
    /// Applies a patch.
    pub fn apply(&mut self, patch: &SettingsPatch) {
        let default = Self::default();
        patch.displayed_attributes.all_or_named().apply(&mut self.displayed_attributes, default.displayed_attributes);
        patch.searchable_attributes.all_or_named().apply(&mut self.searchable_attributes, default.searchable_attributes);
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
    fn a_list_with_a_star_among_its_names_is_all_attributes() {
        let mut settings = Settings::default();
        settings.apply(&patch(serde_json::json!({"searchableAttributes": ["name"], "displayedAttributes": ["a", "b"]})));
        settings.apply(&patch(serde_json::json!({"searchableAttributes": ["name", "*"], "displayedAttributes": ["*", "a"]})));
        assert_eq!(settings, Settings::default());
        settings.apply(&patch(serde_json::json!({"searchableAttributes": ["na*"]})));
        assert_eq!(settings.searchable_attributes, ["na*"]);
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
}
