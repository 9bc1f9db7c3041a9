//! What a change of settings costs: some have every document indexed anew, the others hold for the next search.

use super::{FilterableAttribute, Settings};

impl Settings {
    /// Patterns of the attributes that need columns: for filters, facets, `sort`, ranking and the distinct attribute.
    pub fn column_patterns(&self) -> Vec<String> {
        let mut patterns: Vec<String> = self.filterable_attributes.iter().flat_map(FilterableAttribute::patterns).cloned().collect();
        patterns.extend(self.sortable_attributes.iter().cloned());
        patterns.extend(self.distinct_attribute.iter().cloned());
        patterns.extend(self.custom_rankings().map(str::to_owned));
        patterns.sort();
        patterns.dedup();
        patterns
    }

    /// The attributes of the ranking rules that are an attribute and a direction.
    fn custom_rankings(&self) -> impl Iterator<Item = &str> {
        self.ranking_rules.iter().filter_map(|rule| rule.strip_suffix(":asc").or_else(|| rule.strip_suffix(":desc")))
    }

    /// The settings, by their names in answers, that have every document indexed anew when these become `next`. Columns that an index has from
    /// earlier settings are not known here: where they suffice, it is not done.
    pub fn rebuilding(&self, next: &Self) -> Vec<&'static str> {
        let known = self.column_patterns();
        let is_new = |pattern: &str| !known.iter().any(|known| known == pattern);
        let locales = |settings: &Self| settings.localized_attributes.clone().unwrap_or_default();
        let causes = [
            ("searchableAttributes", self.searchable_attributes != next.searchable_attributes),
            (
                "filterableAttributes",
                next.filterable_attributes.iter().flat_map(FilterableAttribute::patterns).any(|pattern| is_new(pattern)),
            ),
            ("sortableAttributes", next.sortable_attributes.iter().any(|pattern| is_new(pattern))),
            ("rankingRules", next.custom_rankings().any(is_new)),
            ("stopWords", self.stop_words != next.stop_words),
            ("nonSeparatorTokens", self.non_separator_tokens != next.non_separator_tokens),
            ("separatorTokens", self.separator_tokens != next.separator_tokens),
            ("dictionary", self.dictionary != next.dictionary),
            ("distinctAttribute", next.distinct_attribute.as_deref().is_some_and(is_new)),
            ("localizedAttributes", locales(self) != locales(next)),
        ];
        causes.into_iter().filter(|(_, rebuilds)| *rebuilds).map(|(name, _)| name).collect()
    }

    /// The settings that differ, by their names in answers, in their order.
    pub fn changed(&self, next: &Self) -> Vec<&'static str> {
        let plain = |settings: &Self| serde_json::to_value(settings).unwrap_or_default();
        let (now, then) = (plain(self), plain(next));
        super::SETTINGS.iter().map(|row| row.0).filter(|name| now[name] != then[name]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SETTINGS, SettingsPatch};
    use super::*;

    fn after(settings: &Settings, patch: &serde_json::Value) -> Settings {
        let patch: SettingsPatch = serde_json::from_value(patch.clone()).unwrap();
        settings.patched(&patch).unwrap()
    }

    #[test]
    fn what_is_indexed_differently_is_indexed_anew() {
        let now = after(
            &Settings::default(),
            &serde_json::json!({"filterableAttributes": ["genre", "price"], "rankingRules": ["words", "stars:desc"]}),
        );
        for (patch, causes) in [
            (serde_json::json!({"searchableAttributes": ["title"]}), vec!["searchableAttributes"]),
            (serde_json::json!({"filterableAttributes": ["genre"]}), vec![]),
            (serde_json::json!({"filterableAttributes": ["genre", {"attributePatterns": ["tags.*"]}]}), vec!["filterableAttributes"]),
            (serde_json::json!({"sortableAttributes": ["price", "stars"]}), vec![]),
            (
                serde_json::json!({"sortableAttributes": ["year"], "distinctAttribute": "year"}),
                vec!["sortableAttributes", "distinctAttribute"],
            ),
            (serde_json::json!({"rankingRules": ["stars:asc", "words"]}), vec![]),
            (serde_json::json!({"rankingRules": ["views:asc"]}), vec!["rankingRules"]),
            (serde_json::json!({"dictionary": ["a"], "stopWords": ["b"]}), vec!["stopWords", "dictionary"]),
            (serde_json::json!({"localizedAttributes": []}), vec![]),
            (serde_json::json!({"synonyms": {"a": ["b"]}, "typoTolerance": {"enabled": false}, "pagination": {"maxTotalHits": 1}}), vec![]),
        ] {
            assert_eq!(now.rebuilding(&after(&now, &patch)), causes, "{patch}");
        }
    }

    #[test]
    fn every_setting_can_be_told_to_have_changed() {
        let now = Settings::default();
        assert!(now.changed(&now).is_empty());
        let next = after(&now, &serde_json::json!({"facetSearch": false, "displayedAttributes": ["a"]}));
        assert_eq!(now.changed(&next), ["displayedAttributes", "facetSearch"]);
        for name in now.rebuilding(&next).into_iter().chain(now.changed(&next)) {
            assert!(SETTINGS.iter().any(|row| row.0 == name), "{name}");
        }
    }
}
