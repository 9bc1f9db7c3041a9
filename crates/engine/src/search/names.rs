//! Which attributes the settings let a request use for what, and the errors that list those which may be used.

use onggi_domain::{
    attribute,
    settings::{FilterableAttribute, FilterableFeatures, Settings},
};

/// The first rule of `filterableAttributes` that covers an attribute, with its place.
pub(super) fn rule<'a>(attribute: &str, settings: &'a Settings) -> Option<(usize, &'a FilterableAttribute)> {
    let covers = |rule: &FilterableAttribute| rule.patterns().iter().any(|pattern| attribute::matches(pattern, attribute));
    settings.filterable_attributes.iter().enumerate().find(|(_, rule)| covers(rule))
}

/// Whether a rule lets its attributes be filtered by, counted and told apart.
pub(super) fn filters(rule: &FilterableAttribute) -> bool {
    match rule {
        FilterableAttribute::Name(_) => true,
        FilterableAttribute::Features(rule) => rule.features.filter.equality || rule.features.filter.comparison,
    }
}

/// Whether a rule lets the values of its attributes be searched.
pub(super) fn searches_facets(rule: &FilterableAttribute) -> bool {
    match rule {
        FilterableAttribute::Name(_) => true,
        FilterableAttribute::Features(FilterableFeatures { features, .. }) => features.facet_search,
    }
}

/// Whether an attribute may be filtered by, counted and told apart.
pub(super) fn is_filterable(attribute: &str, settings: &Settings) -> bool {
    rule(attribute, settings).is_some_and(|(_, rule)| filters(rule))
}

/// Whether `sort` may use an attribute.
pub(super) fn is_sortable(attribute: &str, settings: &Settings) -> bool {
    settings.sortable_attributes.iter().any(|sortable| attribute::matches(sortable, attribute))
}

/// Why an attribute may not be used, for the end of an error: a rule leaves it out, or these are the ones that may be.
pub(super) fn why_not(attribute: &str, settings: &Settings, feature: &str, allowed: fn(&FilterableAttribute) -> bool) -> String {
    if let Some((at, _)) = rule(attribute, settings) {
        return format!(
            "Note: this attribute matches rule #{at} in filterableAttributes, but this rule does not enable {feature}. \
             Enable it in rule #{at}, or put a rule for `{attribute}` before it."
        );
    }
    let patterns = settings.filterable_attributes.iter().filter(|rule| allowed(rule)).flat_map(FilterableAttribute::patterns);
    match listed(patterns.map(String::as_str), settings) {
        Some(names) => format!("Available {feature} attributes patterns are: {names}."),
        None => format!("This index does not have configured {feature} attributes."),
    }
}

/// Names for an error, in order. Of those that are not displayed it says only that there are some: their names may be nobody's business.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>, settings: &Settings) -> Option<String> {
    let mut hidden = false;
    let mut shown: Vec<String> = Vec::new();
    for name in names {
        if is_displayed(name, settings) {
            shown.push(format!("`{name}`"));
        } else {
            hidden = true;
        }
    }
    shown.sort();
    shown.dedup();
    if hidden {
        shown.push("`<..hidden-attributes>`".to_owned());
    }
    (!shown.is_empty()).then(|| shown.join(", "))
}

/// Whether answers show an attribute, or a part of it.
pub(super) fn is_displayed(name: &str, settings: &Settings) -> bool {
    settings.displayed_attributes.iter().any(|shown| shown == "*" || attribute::covers(shown, name) || attribute::covers(name, shown))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_list_what_may_be_used_but_not_what_is_hidden() {
        let mut settings = Settings {
            filterable_attributes: serde_json::from_value(json!([
                "size",
                {"attributePatterns": ["brand"], "features": {"facetSearch": true, "filter": {"equality": false, "comparison": false}}},
                "cost"
            ]))
            .unwrap(),
            ..Settings::default()
        };
        assert_eq!(why_not("x", &settings, "filterable", filters), "Available filterable attributes patterns are: `cost`, `size`.");
        assert!(why_not("brand", &settings, "filtering", filters).contains("matches rule #1"));
        settings.displayed_attributes = vec!["size".to_owned()];
        let why = why_not("x", &settings, "filterable", filters);
        assert_eq!(why, "Available filterable attributes patterns are: `size`, `<..hidden-attributes>`.");
        assert!(why_not("x", &Settings::default(), "filterable", filters).contains("does not have configured"));
    }
}
