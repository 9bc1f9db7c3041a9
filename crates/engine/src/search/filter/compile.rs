//! From conditions to sets of documents, checked against what the settings allow.

use std::ops::Bound;

use onggi_domain::{
    ApiError, Code,
    filter::{Attribute, Condition, Filter, Place},
    settings::{FilterableAttribute, Settings},
};
use tantivy::{
    Term,
    query::{TermQuery, TermSetQuery},
    schema::IndexRecordOption,
};

use super::predicate::Predicate;
use crate::{
    schema::{Presence, normalize_value, number_term, presence_term, string_term},
    search::names,
};

/// The documents of a filter.
pub(super) fn compile(filter: Filter, settings: &Settings, code: Code) -> Result<Predicate, ApiError> {
    Ok(match filter {
        Filter::And(parts) => Predicate::And(all(parts, settings, code)?),
        Filter::Or(parts) => Predicate::Or(all(parts, settings, code)?),
        Filter::Not(part) => not(compile(*part, settings, code)?),
        Filter::Is(attribute, condition) => {
            check(&attribute, &condition, settings, code)?;
            of_condition(&attribute.name, condition)
        }
        Filter::Geo(shape, place) => {
            check_filterable("_geo", &place, settings, code)?;
            Predicate::Within(shape)
        }
    })
}

fn all(parts: Vec<Filter>, settings: &Settings, code: Code) -> Result<Vec<Predicate>, ApiError> {
    parts.into_iter().map(|part| compile(part, settings, code)).collect()
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

fn of_condition(attribute: &str, condition: Condition) -> Predicate {
    match condition {
        Condition::Equal(value) => one_of(attribute, &[value]),
        Condition::NotEqual(value) => not(one_of(attribute, &[value])),
        Condition::In(values) => one_of(attribute, &values),
        Condition::Less(value) => range(attribute, Bound::Unbounded, Bound::Excluded(value)),
        Condition::LessOrEqual(value) => range(attribute, Bound::Unbounded, Bound::Included(value)),
        Condition::Greater(value) => range(attribute, Bound::Excluded(value), Bound::Unbounded),
        Condition::GreaterOrEqual(value) => range(attribute, Bound::Included(value), Bound::Unbounded),
        Condition::Between(from, to) => range(attribute, Bound::Included(from), Bound::Included(to)),
        Condition::Exists => term(presence_term(attribute, Presence::Exists)),
        Condition::Null => term(presence_term(attribute, Presence::Null)),
        Condition::Empty => term(presence_term(attribute, Presence::Empty)),
        Condition::Contains(part) => Predicate::Contains { attribute: attribute.to_owned(), part: normalize_value(&part) },
        Condition::StartsWith(prefix) => strings_from(attribute, &normalize_value(&prefix)),
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

/// Strings in a range of normalised strings and, where its ends are numbers, numbers in a range of numbers.
fn range(attribute: &str, from: Bound<String>, to: Bound<String>) -> Predicate {
    let numbers = number_range(attribute, from.as_ref(), to.as_ref());
    let normalized = |value: String| normalize_value(&value);
    let strings = Predicate::Strings { attribute: attribute.to_owned(), from: from.map(normalized), to: to.map(normalized) };
    match numbers {
        Some(numbers) => Predicate::Or(vec![numbers, strings]),
        None => strings,
    }
}

fn number_range(attribute: &str, from: Bound<&String>, to: Bound<&String>) -> Option<Predicate> {
    let from = match from {
        Bound::Included(from) => number(from)?,
        Bound::Excluded(from) => number(from)?.next_up(),
        Bound::Unbounded => f64::NEG_INFINITY,
    };
    let to = match to {
        Bound::Included(to) => number(to)?,
        Bound::Excluded(to) => number(to)?.next_down(),
        Bound::Unbounded => f64::INFINITY,
    };
    (from <= to).then(|| Predicate::Numbers { attribute: attribute.to_owned(), from, to })
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
    check_filterable(&attribute.name, &attribute.place, settings, code)?;
    let Some((at, FilterableAttribute::Features(rule))) = names::rule(&attribute.name, settings) else { return Ok(()) };
    let filter = &rule.features.filter;
    let (operator, feature, allowed) = match condition {
        Condition::Equal(_) => ("=", "equality", filter.equality),
        Condition::NotEqual(_) => ("!=", "equality", filter.equality),
        Condition::In(_) => ("IN", "equality", filter.equality),
        Condition::Less(_) => ("<", "comparison", filter.comparison),
        Condition::LessOrEqual(_) => ("<=", "comparison", filter.comparison),
        Condition::Greater(_) => (">", "comparison", filter.comparison),
        Condition::GreaterOrEqual(_) => (">=", "comparison", filter.comparison),
        Condition::Between(..) => ("TO", "comparison", filter.comparison),
        // Any filter feature allows these.
        Condition::Exists | Condition::Null | Condition::Empty | Condition::Contains(_) | Condition::StartsWith(_) => return Ok(()),
    };
    if allowed {
        return Ok(());
    }
    let name = &attribute.name;
    let operators = if filter.equality { "`=`, `!=`, `IN`" } else { "`<`, `<=`, `>`, `>=`, `TO`" };
    let message = format!(
        "Filter operator `{operator}` is not allowed for the attribute `{name}`: it matches rule #{at} in filterableAttributes, which allows \
         {operators}, `IS EMPTY`, `IS NULL`, `EXISTS`, `CONTAINS` and `STARTS WITH`. Enable {feature} in rule #{at}, or put a rule for \
         `{name}` before it."
    );
    Err(attribute.place.error(&message, code))
}

fn check_filterable(name: &str, place: &Place, settings: &Settings, code: Code) -> Result<(), ApiError> {
    if names::is_filterable(name, settings) {
        return Ok(());
    }
    let why = names::why_not(name, settings, "filterable", names::filters);
    Err(place.error(&format!("Attribute `{name}` is not filterable. {why}"), code))
}

#[cfg(test)]
mod tests {
    use onggi_domain::limits::Limits;
    use serde_json::{Value, json};

    use super::*;

    fn settings(filterable: Value) -> Settings {
        Settings { filterable_attributes: serde_json::from_value(filterable).unwrap(), ..Settings::default() }
    }

    fn checked(filter: &str, settings: &Settings) -> Result<(), ApiError> {
        super::super::compiled(&json!(filter), settings, &Limits::default(), Code::InvalidDocumentFilter).map(drop)
    }

    #[test]
    fn attributes_have_to_be_filterable() {
        let settings = settings(json!(["genre", "year"]));
        assert!(checked("genre = a AND genre.x > 3 AND year = 3", &settings).is_ok());
        for (filter, part) in [
            (
                "color = red",
                "Attribute `color` is not filterable. Available filterable attributes patterns are: `genre`, `year`.\n1:6 color = red",
            ),
            ("genre = a OR _geoRadius(1, 2, 3)", "Attribute `_geo` is not filterable. Available"),
        ] {
            let error = checked(filter, &settings).unwrap_err();
            assert_eq!(error.code, Code::InvalidDocumentFilter);
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert!(checked("a = 1", &Settings::default()).unwrap_err().message.contains("does not have configured"));
    }

    #[test]
    fn a_rule_allows_some_operators_and_not_others() {
        let features = |equality: bool, comparison: bool| json!({"attributePatterns": ["a", "b.*"], "features": {"filter": {"equality": equality, "comparison": comparison}}});
        let comparisons = ["a < 1", "a <= 1", "a > 1", "a >= 1", "a 1 TO 2"];
        let equalities = ["a = 1", "a != 1", "a IN [1]", "a NOT IN [1]"];
        let always = ["a EXISTS", "a IS NULL", "a IS NOT EMPTY", "a CONTAINS x", "b.c STARTS WITH x"];
        for (equality, comparison) in [(true, true), (true, false), (false, true), (false, false)] {
            let settings = settings(json!([features(equality, comparison), "a"]));
            for (filters, allowed) in [(&comparisons[..], comparison), (&equalities, equality), (&always, equality || comparison)] {
                for filter in filters {
                    assert_eq!(checked(filter, &settings).is_ok(), allowed, "{filter} {equality} {comparison}");
                }
            }
        }
        let error = checked("x = 1 OR a > 3", &settings(json!(["x", features(true, false)]))).unwrap_err();
        assert!(error.message.starts_with("Filter operator `>` is not allowed for the attribute `a`"), "{}", error.message);
        assert!(error.message.contains("rule #1") && error.message.ends_with("\n10:11 x = 1 OR a > 3"), "{}", error.message);
    }
}
