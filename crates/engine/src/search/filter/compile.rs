//! From conditions to sets of documents, checked against what the settings allow.

use std::ops::Bound;

use onggi_domain::{
    ApiError, Code,
    settings::{FilterableAttribute, Settings},
};
use tantivy::{
    Term,
    query::{TermQuery, TermSetQuery},
    schema::IndexRecordOption,
};

use super::{Attribute, Condition, Filter, predicate::Predicate};
use crate::{
    schema::{Presence, normalize_value, number_term, presence_term, string_term},
    state,
};

/// The documents of a filter.
pub(super) fn compile(filter: &Filter, settings: &Settings, code: Code) -> Result<Predicate, ApiError> {
    Ok(match filter {
        Filter::And(parts) => Predicate::And(all(parts, settings, code)?),
        Filter::Or(parts) => Predicate::Or(all(parts, settings, code)?),
        Filter::Not(part) => not(compile(part, settings, code)?),
        Filter::Is(attribute, condition) => {
            check(attribute, condition, settings, code)?;
            of_condition(&attribute.name, condition)
        }
        Filter::GeoRadius { lat, lng, metres } => {
            check_geo(settings, code)?;
            Predicate::Radius { lat: *lat, lng: *lng, metres: *metres }
        }
        Filter::GeoBox { top, right, bottom, left } => {
            check_geo(settings, code)?;
            Predicate::Within { top: *top, right: *right, bottom: *bottom, left: *left }
        }
    })
}

fn all(parts: &[Filter], settings: &Settings, code: Code) -> Result<Vec<Predicate>, ApiError> {
    parts.iter().map(|part| compile(part, settings, code)).collect()
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

fn of_condition(attribute: &str, condition: &Condition) -> Predicate {
    match condition {
        Condition::Equal(value) => one_of(attribute, std::slice::from_ref(value)),
        Condition::NotEqual(value) => not(one_of(attribute, std::slice::from_ref(value))),
        Condition::In(values) => one_of(attribute, values),
        Condition::Less(value) => range(attribute, Bound::Unbounded, Bound::Excluded(value)),
        Condition::LessOrEqual(value) => range(attribute, Bound::Unbounded, Bound::Included(value)),
        Condition::Greater(value) => range(attribute, Bound::Excluded(value), Bound::Unbounded),
        Condition::GreaterOrEqual(value) => range(attribute, Bound::Included(value), Bound::Unbounded),
        Condition::Between(from, to) => range(attribute, Bound::Included(from), Bound::Included(to)),
        Condition::Exists => term(presence_term(attribute, Presence::Exists)),
        Condition::Null => term(presence_term(attribute, Presence::Null)),
        Condition::Empty => term(presence_term(attribute, Presence::Empty)),
        Condition::Contains(part) => Predicate::Contains { attribute: attribute.to_owned(), part: normalize_value(part) },
        Condition::StartsWith(prefix) => strings_from(attribute, &normalize_value(prefix)),
    }
}

fn term(term: Term) -> Predicate {
    Predicate::Query(Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
}

/// Documents that have one of the values, as text or as number.
fn one_of(attribute: &str, values: &[String]) -> Predicate {
    let mut terms = Vec::with_capacity(values.len());
    for value in values {
        terms.push(string_term(attribute, value));
        terms.extend(number(value).map(|number| number_term(attribute, number)));
    }
    match terms.len() {
        0 => Predicate::Or(Vec::new()),
        1 => term(terms.remove(0)),
        _ => Predicate::Query(Box::new(TermSetQuery::new(terms))),
    }
}

/// Numbers are compared as numbers, anything else as normalised text.
fn range(attribute: &str, from: Bound<&String>, to: Bound<&String>) -> Predicate {
    let limit = |bound: Bound<&String>| match bound {
        Bound::Included(value) | Bound::Excluded(value) => number(value).is_some(),
        Bound::Unbounded => true,
    };
    if limit(from) && limit(to) {
        let value = |value: &String| number(value).unwrap_or_default();
        let from = match from {
            Bound::Included(from) => value(from),
            Bound::Excluded(from) => value(from).next_up(),
            Bound::Unbounded => f64::NEG_INFINITY,
        };
        let to = match to {
            Bound::Included(to) => value(to),
            Bound::Excluded(to) => value(to).next_down(),
            Bound::Unbounded => f64::INFINITY,
        };
        if from > to {
            return Predicate::Or(Vec::new());
        }
        return Predicate::Numbers { attribute: attribute.to_owned(), from, to };
    }
    let normalized = |value: &String| normalize_value(value);
    Predicate::Strings { attribute: attribute.to_owned(), from: from.map(normalized), to: to.map(normalized) }
}

fn strings_from(attribute: &str, prefix: &str) -> Predicate {
    let end = format!("{prefix}{}", char::MAX);
    Predicate::Strings { attribute: attribute.to_owned(), from: Bound::Included(prefix.to_owned()), to: Bound::Excluded(end) }
}

/// A value as a number, if it is one.
fn number(value: &str) -> Option<f64> {
    value.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

fn check(attribute: &Attribute, condition: &Condition, settings: &Settings, code: Code) -> Result<(), ApiError> {
    let rule = settings.filterable_attributes.iter().find(|rule| rule.patterns().iter().any(|p| state::matches(p, &attribute.name)));
    let Some(rule) = rule else {
        return Err(attribute.place.error(&not_filterable(&attribute.name, settings), code));
    };
    let FilterableAttribute::Features(rule) = rule else { return Ok(()) };
    let filter = &rule.features.filter;
    let (allowed, operators) = match condition {
        Condition::Less(_) | Condition::LessOrEqual(_) | Condition::Greater(_) | Condition::GreaterOrEqual(_) | Condition::Between(..) => {
            (filter.comparison, "`<`, `<=`, `>`, `>=` and `TO`")
        }
        _ => (filter.equality, "`=`, `!=`, `IN`, `EXISTS`, `IS NULL`, `IS EMPTY`, `CONTAINS` and `STARTS WITH`"),
    };
    if allowed {
        return Ok(());
    }
    let message = format!(
        "Filter operators {operators} are not allowed for the attribute `{}`: its filterable features leave them out.",
        attribute.name
    );
    Err(attribute.place.error(&message, code))
}

fn check_geo(settings: &Settings, code: Code) -> Result<(), ApiError> {
    let allowed = settings.filterable_attributes.iter().any(|rule| rule.patterns().iter().any(|pattern| state::matches(pattern, "_geo")));
    if allowed { Ok(()) } else { Err(ApiError::new(code, not_filterable("_geo", settings))) }
}

fn not_filterable(attribute: &str, settings: &Settings) -> String {
    let patterns: Vec<String> =
        settings.filterable_attributes.iter().flat_map(FilterableAttribute::patterns).map(|pattern| format!("`{pattern}`")).collect();
    if patterns.is_empty() {
        return format!("Attribute `{attribute}` is not filterable. This index does not have configured filterable attributes.");
    }
    format!("Attribute `{attribute}` is not filterable. Available filterable attribute patterns are: {}.", patterns.join(", "))
}

#[cfg(test)]
mod tests {
    use onggi_domain::limits::Limits;
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_have_to_be_filterable_for_what_is_asked() {
        let settings = Settings {
            filterable_attributes: serde_json::from_value(json!([
                "genre",
                {"attributePatterns": ["year"], "features": {"filter": {"equality": true, "comparison": false}}}
            ]))
            .unwrap(),
            ..Settings::default()
        };
        let check = |filter: &str, settings: &Settings| {
            super::super::to_query(&json!(filter), settings, &Limits::default(), Code::InvalidDocumentFilter).map(drop)
        };
        assert!(check("genre = a AND genre.x > 3 AND year = 3", &settings).is_ok());
        for (filter, part) in [
            (
                "color = red",
                "Attribute `color` is not filterable. Available filterable attribute patterns are: `genre`, `year`.\n1:6 color = red",
            ),
            ("genre = a OR year > 3", "not allowed for the attribute `year`"),
            ("_geoRadius(1, 2, 3)", "Attribute `_geo` is not filterable"),
        ] {
            let error = check(filter, &settings).unwrap_err();
            assert_eq!(error.code, Code::InvalidDocumentFilter);
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert!(check("a = 1", &Settings::default()).unwrap_err().message.contains("does not have configured"));
    }
}
