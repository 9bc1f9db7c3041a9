//! Orders over attributes: `sort`, and ranking rules such as `price:asc`. Numbers come before strings and both before nothing, in either
//! direction; of several values the smallest counts ascending and the largest descending.

use std::cmp::Ordering;

use onggi_domain::{ApiError, Code, settings::Settings};
use tantivy::{
    DocId, SegmentReader,
    columnar::{Column, StrColumn},
    f64_to_u64, u64_to_f64,
};

use super::filter::{distance, numbers};
use crate::{
    schema::{column_name, split_column_value},
    state,
};

/// An order over one attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SortKey {
    pub(super) source: KeySource,
    pub(super) descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum KeySource {
    Attribute(String),
    /// Distance from a point.
    Point {
        lat: f64,
        lng: f64,
    },
}

/// A document's value under a key, comparable across segments.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SortValue {
    Number(f64),
    Text(String),
    Missing,
}

/// A value within one segment: the class (number, string, missing) and a number that orders it there, both ascending.
pub(super) type LocalValue = (u8, u64);

/// The keys of `sort` as a request names them.
pub(super) fn parse(sort: &[String], settings: &Settings, code: Code) -> Result<Vec<SortKey>, ApiError> {
    sort.iter().map(|text| parse_one(text, settings, code)).collect()
}

fn parse_one(text: &str, settings: &Settings, code: Code) -> Result<SortKey, ApiError> {
    let (name, descending) = match (text.strip_suffix(":asc"), text.strip_suffix(":desc")) {
        (Some(name), _) => (name, false),
        (_, Some(name)) => (name, true),
        _ => {
            let message =
                format!("Invalid syntax for the sort parameter: expected expression ending by `:asc` or `:desc`, found `{text}`.");
            return Err(ApiError::new(code, message));
        }
    };
    if let Some(arguments) = name.strip_prefix("_geoPoint(").and_then(|rest| rest.strip_suffix(')')) {
        check_sortable("_geo", settings, code)?;
        let numbers: Vec<f64> = arguments.split(',').filter_map(|number| number.trim().parse().ok()).collect();
        let [lat, lng] = numbers[..] else {
            let message = format!(
                "Invalid syntax for the geo parameter: expected expression formatted like `_geoPoint(latitude, longitude)` and ending by `:asc` or `:desc`, found `{text}`."
            );
            return Err(ApiError::new(code, message));
        };
        return Ok(SortKey { source: KeySource::Point { lat, lng }, descending });
    }
    check_sortable(name, settings, code)?;
    Ok(SortKey { source: KeySource::Attribute(name.to_owned()), descending })
}

fn check_sortable(name: &str, settings: &Settings, code: Code) -> Result<(), ApiError> {
    if settings.sortable_attributes.iter().any(|sortable| state::matches(sortable, name)) {
        return Ok(());
    }
    let known: Vec<String> = settings.sortable_attributes.iter().map(|name| format!("`{name}`")).collect();
    let hint = if known.is_empty() {
        "This index does not have configured sortable attributes.".to_owned()
    } else {
        format!("Available sortable attributes are: {}.", known.join(", "))
    };
    Err(ApiError::new(code, format!("Attribute `{name}` is not sortable. {hint}")))
}

/// What is compared, in order. Text is compared once; what is named after it decides among documents that match equally well.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RankPlan {
    /// Keys before the text rules.
    pub(super) before: Vec<SortKey>,
    /// Keys after them.
    pub(super) after: Vec<SortKey>,
}

impl RankPlan {
    /// The order of an index's rules with a request's `sort` at its place.
    pub(super) fn new(settings: &Settings, sort: Option<&[String]>) -> Result<Self, ApiError> {
        let code = Code::InvalidSearchSort;
        let keys = parse(sort.unwrap_or_default(), settings, code)?;
        if !keys.is_empty() && !settings.ranking_rules.iter().any(|rule| rule == "sort") {
            return Err(ApiError::new(
                code,
                "You must specify where `sort` is listed in the rankingRules setting to use the sort parameter at search time.",
            ));
        }
        let mut plan = Self::default();
        let mut text = false;
        for rule in &settings.ranking_rules {
            let custom =
                rule.strip_suffix(":asc").map(|name| (name, false)).or_else(|| rule.strip_suffix(":desc").map(|name| (name, true)));
            let list = if text { &mut plan.after } else { &mut plan.before };
            match custom {
                Some((name, descending)) => list.push(SortKey { source: KeySource::Attribute(name.to_owned()), descending }),
                None if rule == "sort" => list.extend(keys.iter().cloned()),
                None => text = true,
            }
        }
        Ok(plan)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &SortKey> {
        self.before.iter().chain(&self.after)
    }

    pub(super) fn has_keys(&self) -> bool {
        !self.before.is_empty() || !self.after.is_empty()
    }
}

/// Reads a key's values in one segment.
pub(super) struct KeyReader {
    values: Values,
    descending: bool,
}

enum Values {
    Attribute { numbers: Option<Column<f64>>, strings: Option<StrColumn> },
    Point { from: (f64, f64), lat: Option<Column<f64>>, lng: Option<Column<f64>> },
}

impl KeyReader {
    pub(super) fn open(key: &SortKey, segment: &SegmentReader) -> tantivy::Result<Self> {
        let values = match &key.source {
            KeySource::Attribute(name) => {
                Values::Attribute { numbers: numbers(segment, name)?, strings: segment.fast_fields().str(&column_name(name))? }
            }
            KeySource::Point { lat, lng } => {
                Values::Point { from: (*lat, *lng), lat: numbers(segment, "_geo.lat")?, lng: numbers(segment, "_geo.lng")? }
            }
        };
        Ok(Self { values, descending: key.descending })
    }

    /// A document's value, such that the smaller one comes first within the segment.
    pub(super) fn value(&self, doc: DocId) -> LocalValue {
        match &self.values {
            Values::Attribute { numbers, strings } => {
                let number = numbers.as_ref().and_then(|column| self.pick(column.values_for_doc(doc).map(f64_to_u64)));
                if let Some(number) = number {
                    return (0, number);
                }
                let string = strings.as_ref().and_then(|column| self.pick(column.term_ords(doc)));
                string.map_or((2, 0), |ordinal| (1, ordinal))
            }
            Values::Point { from, lat, lng } => {
                let read = |column: &Option<Column<f64>>| column.as_ref().and_then(|column| column.first(doc));
                match (read(lat), read(lng)) {
                    (Some(lat), Some(lng)) => (0, self.directed(f64_to_u64(distance(*from, (lat, lng))))),
                    _ => (2, 0),
                }
            }
        }
    }

    fn pick(&self, values: impl Iterator<Item = u64>) -> Option<u64> {
        values.map(|value| self.directed(value)).min()
    }

    fn directed(&self, value: u64) -> u64 {
        if self.descending { !value } else { value }
    }

    /// The value behind a local one.
    pub(super) fn resolve(&self, (class, value): LocalValue) -> tantivy::Result<SortValue> {
        let value = self.directed(value);
        Ok(match (class, &self.values) {
            (0, _) => SortValue::Number(u64_to_f64(value)),
            (1, Values::Attribute { strings: Some(strings), .. }) => {
                let mut text = String::new();
                strings.ord_to_str(value, &mut text)?;
                SortValue::Text(split_column_value(&text).0.to_owned())
            }
            _ => SortValue::Missing,
        })
    }
}

impl SortValue {
    /// The order of two values under a key.
    pub(super) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let directed = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => directed(a.total_cmp(b)),
            (Self::Text(a), Self::Text(b)) => directed(a.cmp(b)),
            _ => self.class().cmp(&other.class()),
        }
    }

    fn class(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Missing => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rules: &[&str]) -> Settings {
        Settings {
            sortable_attributes: ["price", "_geo"].map(str::to_owned).into(),
            ranking_rules: rules.iter().map(|&rule| rule.to_owned()).collect(),
            ..Settings::default()
        }
    }

    #[test]
    fn sort_stands_where_the_rules_put_it() {
        let sort = ["price:desc".to_owned()];
        let plan = RankPlan::new(&settings(&["date:asc", "words", "sort", "rank:desc"]), Some(&sort)).unwrap();
        let names = |keys: &[SortKey]| keys.iter().map(|key| format!("{:?} {}", key.source, key.descending)).collect::<Vec<_>>();
        assert_eq!(names(&plan.before), [r#"Attribute("date") false"#]);
        assert_eq!(names(&plan.after), [r#"Attribute("price") true"#, r#"Attribute("rank") true"#]);
    }

    #[test]
    fn wrong_sorts_are_refused() {
        let default = settings(&["words", "sort"]);
        for (sort, settings, part) in [
            ("price", &default, "ending by `:asc` or `:desc`"),
            ("size:asc", &default, "Available sortable attributes are: `_geo`, `price`."),
            ("_geoPoint(1):asc", &default, "_geoPoint(latitude, longitude)"),
            ("price:asc", &settings(&["words"]), "where `sort` is listed"),
        ] {
            let error = RankPlan::new(settings, Some(&[sort.to_owned()])).unwrap_err();
            assert_eq!(error.code, Code::InvalidSearchSort);
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert!(RankPlan::new(&default, Some(&["_geoPoint(1, -2.5):desc".to_owned()])).is_ok());
    }

    #[test]
    fn numbers_before_strings_before_nothing_in_both_directions() {
        let (one, a, none) = (SortValue::Number(1.0), SortValue::Text("a".to_owned()), SortValue::Missing);
        for descending in [false, true] {
            assert_eq!(one.compare(&a, descending), Ordering::Less);
            assert_eq!(a.compare(&none, descending), Ordering::Less);
        }
        assert_eq!(one.compare(&SortValue::Number(2.0), true), Ordering::Greater);
    }
}
