//! What the shape of a change alone cannot say: ranking rules, typo lengths, patterns, locales, the dictionary, bounds.

use super::{ATTRIBUTE_PARTS, ATTRIBUTE_RULE, DEFAULT_RANKING_RULES, FilterableAttribute, MinWordSize, Setting, Settings, SettingsPatch};
use crate::{ApiError, Code, dictionary, locale};

/// Names that stand for something else than an attribute where attributes are named.
const RESERVED: [&str; 5] = ["_geo", "_geoDistance", "_geoPoint", "_geoRadius", "_geoBoundingBox"];

impl SettingsPatch {
    /// Checks the values that are set, each with the code of its setting.
    pub fn validate(&self) -> Result<(), ApiError> {
        if let Setting::Set(rules) = &self.ranking_rules {
            rules.iter().enumerate().try_for_each(|(at, rule)| ranking_rule(at, rule))?;
            one_way_to_name_attributes(rules)?;
        }
        if let Setting::Set(typo) = &self.typo_tolerance
            && let Setting::Set(sizes) = &typo.min_word_size_for_typos
            && let (Setting::Set(one_typo), Setting::Set(two_typos)) = (&sizes.one_typo, &sizes.two_typos)
        {
            word_sizes(MinWordSize { one_typo: *one_typo, two_typos: *two_typos })?;
        }
        if let Setting::Set(attributes) = &self.filterable_attributes {
            for (at, attribute) in attributes.iter().enumerate() {
                let place = match attribute {
                    FilterableAttribute::Name(_) => format!("filterableAttributes[{at}]"),
                    FilterableAttribute::Features(_) => format!("filterableAttributes[{at}].attributePatterns"),
                };
                patterns(attribute.patterns(), &place, Code::InvalidSettingsFilterableAttributes)?;
            }
        }
        if let Setting::Set(rules) = &self.localized_attributes {
            for (at, rule) in rules.iter().enumerate() {
                let place = format!("localizedAttributes[{at}].attributePatterns");
                patterns(&rule.attribute_patterns, &place, Code::InvalidSettingsLocalizedAttributes)?;
                locale::check(&format!("localizedAttributes[{at}].locales"), &rule.locales)
                    .map_err(|why| ApiError::new(Code::InvalidSettingsLocalizedAttributes, why))?;
            }
        }
        if let Setting::Set(entries) = &self.dictionary {
            dictionary::check(entries).map_err(|why| ApiError::new(Code::InvalidSettingsDictionary, why))?;
        }
        if let Setting::Set(0) = self.search_cutoff_ms {
            return Err(ApiError::new(
                Code::InvalidSettingsSearchCutoffMs,
                "Invalid value at `.searchCutoffMs`: a non-zero integer value lower than `18446744073709551615` was expected, but found a zero",
            ));
        }
        Ok(())
    }
}

impl Settings {
    /// What the settings become with a patch, or why the two together make no sense although each does.
    pub fn patched(&self, patch: &SettingsPatch) -> Result<Self, ApiError> {
        let mut next = self.clone();
        next.apply(patch);
        word_sizes(next.typo_tolerance.min_word_size_for_typos)?;
        Ok(next)
    }
}

/// A rule and its halves in one list would say the same thing twice, at two places.
fn one_way_to_name_attributes(rules: &[String]) -> Result<(), ApiError> {
    let part = rules.iter().position(|rule| ATTRIBUTE_PARTS.contains(&rule.as_str()));
    match part.filter(|_| rules.iter().any(|rule| rule == ATTRIBUTE_RULE)) {
        None => Ok(()),
        Some(at) => {
            let message = format!(
                "Invalid value at `.rankingRules[{at}]`: `{}` cannot be used together with `{ATTRIBUTE_RULE}`, which is `attributeRank` and \
                 `wordPosition` in one. Name either `{ATTRIBUTE_RULE}` or its parts.",
                rules[at]
            );
            Err(ApiError::new(Code::InvalidSettingsRankingRules, message))
        }
    }
}

fn ranking_rule(at: usize, rule: &str) -> Result<(), ApiError> {
    let invalid = |why: String| {
        let message = format!("Invalid value at `.rankingRules[{at}]`: {why}");
        Err(ApiError::new(Code::InvalidSettingsRankingRules, message))
    };
    if rule == ATTRIBUTE_RULE || DEFAULT_RANKING_RULES.contains(&rule) {
        return Ok(());
    }
    match rule.strip_suffix(":asc").or_else(|| rule.strip_suffix(":desc")) {
        Some(name) if RESERVED.iter().any(|reserved| name.split('(').next() == Some(reserved)) => {
            invalid(format!("`{name}` is a reserved keyword and thus can't be used as a ranking rule."))
        }
        Some(name) if !name.is_empty() => Ok(()),
        _ => invalid(format!(
            "`{rule}` ranking rule is invalid. Valid ranking rules are words, typo, sort, proximity, attribute, attributeRank, wordPosition, \
             exactness and custom ranking rules."
        )),
    }
}

fn word_sizes(sizes: MinWordSize) -> Result<(), ApiError> {
    let MinWordSize { one_typo, two_typos } = sizes;
    if one_typo <= two_typos {
        return Ok(());
    }
    Err(ApiError::new(
        Code::InvalidSettingsTypoTolerance,
        format!(
            "Invalid value at `.minWordSizeForTypos`: `minWordSizeForTypos` setting is invalid. `oneTypo` and `twoTypos` fields should \
             be between `0` and `255`, and `twoTypos` should be greater or equals to `oneTypo` but found `oneTypo: {one_typo}` and \
             twoTypos: {two_typos}`."
        ),
    ))
}

fn patterns(patterns: &[String], place: &str, code: Code) -> Result<(), ApiError> {
    for pattern in patterns {
        let inner = pattern.trim_start_matches('*').trim_end_matches('*');
        if inner.contains('*') || pattern.is_empty() {
            let why = format!("`{pattern}` is not a valid attribute pattern: `*` may stand at its ends only.");
            return Err(ApiError::new(code, format!("Invalid value at `.{place}`: {why}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(json: serde_json::Value) -> SettingsPatch {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn wrong_values_are_refused_with_the_setting_named() {
        for (json, code) in [
            (serde_json::json!({"rankingRules": ["word"]}), Code::InvalidSettingsRankingRules),
            (serde_json::json!({"rankingRules": [":asc"]}), Code::InvalidSettingsRankingRules),
            (serde_json::json!({"rankingRules": ["_geo:asc"]}), Code::InvalidSettingsRankingRules),
            (serde_json::json!({"rankingRules": ["_geoPoint(1, 2):desc"]}), Code::InvalidSettingsRankingRules),
            (
                serde_json::json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4, "twoTypos": 3}}}),
                Code::InvalidSettingsTypoTolerance,
            ),
            (serde_json::json!({"filterableAttributes": ["a*b"]}), Code::InvalidSettingsFilterableAttributes),
            (serde_json::json!({"filterableAttributes": [{"attributePatterns": ["a*b"]}]}), Code::InvalidSettingsFilterableAttributes),
            (
                serde_json::json!({"localizedAttributes": [{"attributePatterns": [""], "locales": []}]}),
                Code::InvalidSettingsLocalizedAttributes,
            ),
            (
                serde_json::json!({"localizedAttributes": [{"attributePatterns": ["a"], "locales": ["kr"]}]}),
                Code::InvalidSettingsLocalizedAttributes,
            ),
            (serde_json::json!({"dictionary": ["옹기검색=옹기+감색"]}), Code::InvalidSettingsDictionary),
            (serde_json::json!({"searchCutoffMs": 0}), Code::InvalidSettingsSearchCutoffMs),
        ] {
            assert_eq!(patch(json.clone()).validate().unwrap_err().code, code, "{json}");
        }
    }

    #[test]
    fn attributes_are_ranked_by_one_rule_or_by_its_parts_but_not_by_both() {
        for good in [serde_json::json!(["attribute"]), serde_json::json!(["wordPosition", "sort", "attributeRank"])] {
            patch(serde_json::json!({"rankingRules": good})).validate().unwrap();
        }
        for (rules, at) in
            [(serde_json::json!(["words", "attributeRank", "attribute"]), 1), (serde_json::json!(["attribute", "wordPosition"]), 1)]
        {
            let error = patch(serde_json::json!({"rankingRules": rules})).validate().unwrap_err();
            assert_eq!(error.code, Code::InvalidSettingsRankingRules);
            assert!(error.message.starts_with(&format!("Invalid value at `.rankingRules[{at}]`")), "{error}");
        }
    }

    #[test]
    fn a_wrong_ranking_rule_is_named_with_its_place() {
        let error = patch(serde_json::json!({"rankingRules": ["words", "custom"]})).validate().unwrap_err();
        assert!(error.message.starts_with("Invalid value at `.rankingRules[1]`: `custom` ranking rule is invalid."), "{error}");
    }

    #[test]
    fn word_sizes_are_judged_by_what_they_become_together() {
        let larger = patch(serde_json::json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 10}}}));
        larger.validate().unwrap();
        assert_eq!(Settings::default().patched(&larger).unwrap_err().code, Code::InvalidSettingsTypoTolerance);
        let both = patch(serde_json::json!({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 2, "twoTypos": 3}}}));
        let settings = Settings::default().patched(&both).unwrap();
        let smaller = patch(serde_json::json!({"typoTolerance": {"minWordSizeForTypos": {"twoTypos": 2}}}));
        assert_eq!(settings.patched(&smaller).unwrap().typo_tolerance.min_word_size_for_typos, MinWordSize { one_typo: 2, two_typos: 2 });
    }
}
