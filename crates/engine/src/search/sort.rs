//! Orders over attributes: `sort`, and ranking rules such as `price:asc`. Numbers come before strings and both before nothing, in either
//! direction; of several values the smallest counts ascending and the largest descending.

use std::{cmp::Ordering, ops::RangeInclusive};

use onggi_domain::{ApiError, Code, limits::SORT_ORDERS, settings::Settings};
use tantivy::{
    DocId, SegmentReader,
    columnar::{Column, StrColumn},
    f64_to_u64, u64_to_f64,
};

use super::{
    filter::{distance, numbers},
    names,
};
use crate::schema::{column_name, split_column_value};

/// Names that mean something else than an attribute.
const RESERVED: [&str; 5] = ["_geo", "_geoDistance", "_geoRadius", "_geoBoundingBox", "_geoPolygon"];

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

/// The keys of `sort` as a request names them. One that was named before decides nothing any more.
pub(super) fn parse(sort: &[String], settings: &Settings, code: Code) -> Result<Vec<SortKey>, ApiError> {
    let mut keys: Vec<SortKey> = Vec::new();
    for text in sort {
        let key = parse_one(text, settings, code)?;
        if !keys.iter().any(|known| known.source == key.source) {
            keys.push(key);
        }
        if keys.len() > SORT_ORDERS {
            return Err(ApiError::new(code, format!("Invalid value at `.sort`: at most {SORT_ORDERS} orders are compared.")));
        }
    }
    Ok(keys)
}

fn parse_one(text: &str, settings: &Settings, code: Code) -> Result<SortKey, ApiError> {
    let (name, descending) = match text.rsplit_once(':') {
        Some((name, "asc")) => (name, false),
        Some((name, "desc")) => (name, true),
        _ => {
            let message =
                format!("Invalid syntax for the sort parameter: expected expression ending by `:asc` or `:desc`, found `{text}`.");
            return Err(ApiError::new(code, message));
        }
    };
    if let Some(reserved) =
        RESERVED.iter().find(|reserved| name.strip_prefix(**reserved).is_some_and(|rest| rest.is_empty() || rest.starts_with('(')))
    {
        let message = format!(
            "`{reserved}` is a reserved keyword and thus can't be used as a sort expression. Use the _geoPoint(latitude, longitude) built-in \
             rule to sort on _geo field coordinates."
        );
        return Err(ApiError::new(code, message));
    }
    if let Some(arguments) = name.strip_prefix("_geoPoint") {
        let (lat, lng) = point(arguments, text, code)?;
        check_sortable("_geo", settings, code)?;
        return Ok(SortKey { source: KeySource::Point { lat, lng }, descending });
    }
    check_sortable(name, settings, code)?;
    Ok(SortKey { source: KeySource::Attribute(name.to_owned()), descending })
}

/// `(latitude, longitude)`
fn point(arguments: &str, text: &str, code: Code) -> Result<(f64, f64), ApiError> {
    let inner = arguments.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
    let numbers: Vec<Option<f64>> = inner.split(',').map(|number| number.trim().parse().ok()).collect();
    let [Some(lat), Some(lng)] = numbers[..] else {
        let message = format!(
            "Invalid syntax for the geo parameter: expected expression formated like `_geoPoint(latitude, longitude)` and ending by `:asc` \
             or `:desc`, found `{text}`."
        );
        return Err(ApiError::new(code, message));
    };
    for (degrees, most, name, capital) in [(lat, 90.0, "latitude", "Latitude"), (lng, 180.0, "longitude", "Longitude")] {
        if !(-most..=most).contains(&degrees) {
            let message = format!("Bad {name} `{degrees}`. {capital} must be contained between -{most} and {most} degrees.");
            return Err(ApiError::new(code, message));
        }
    }
    Ok((lat, lng))
}

fn check_sortable(name: &str, settings: &Settings, code: Code) -> Result<(), ApiError> {
    if names::is_sortable(name, settings) {
        return Ok(());
    }
    let hint = match names::listed(settings.sortable_attributes.iter().map(String::as_str), settings) {
        Some(known) => format!("Available sortable attributes are: {known}."),
        None => "This index does not have configured sortable attributes.".to_owned(),
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

    /// Whether values of the segment are in the order of what is behind them. Strings are not: those that differ in case only are one.
    pub(super) fn is_exact(&self) -> bool {
        !matches!(self.values, Values::Attribute { strings: Some(_), .. })
    }

    /// The values that are one text with this: its spellings, which stand next to each other.
    pub(super) fn spellings(&self, (class, value): LocalValue) -> tantivy::Result<RangeInclusive<LocalValue>> {
        let (1, Values::Attribute { strings: Some(strings), .. }) = (class, &self.values) else {
            return Ok((class, value)..=(class, value));
        };
        let ordinal = self.directed(value);
        let count = strings.num_terms() as u64;
        let text = |ordinal: u64| {
            let mut text = String::new();
            strings.ord_to_str(ordinal, &mut text).map(|_| text)
        };
        let this = text(ordinal)?;
        let is_same = |other: u64| Ok::<bool, std::io::Error>(split_column_value(&text(other)?).0 == split_column_value(&this).0);
        // In steps that grow while the text is the same and become smaller behind its end.
        let end = |forward: bool| {
            let (mut at, mut step) = (ordinal, 1);
            loop {
                let next = if forward { at.checked_add(step).filter(|next| *next < count) } else { at.checked_sub(step) };
                match next {
                    Some(next) if is_same(next)? => (at, step) = (next, 2 * step),
                    _ if step == 1 => return Ok::<u64, std::io::Error>(at),
                    _ => step /= 2,
                }
            }
        };
        let (first, last) = (self.directed(end(self.descending)?), self.directed(end(!self.descending)?));
        Ok((1, first)..=(1, last))
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
            ("_geoPoint(1, 2, 3):asc", &default, "_geoPoint(latitude, longitude)"),
            ("_geoPoint:asc", &default, "_geoPoint(latitude, longitude)"),
            ("_geoPoint(90.1, 2):asc", &default, "Bad latitude `90.1`. Latitude must be contained between -90 and 90 degrees."),
            ("_geoPoint(1, -181):asc", &default, "Bad longitude `-181`."),
            ("_geo:asc", &default, "`_geo` is a reserved keyword"),
            ("_geoRadius(1, 2, 3):asc", &default, "`_geoRadius` is a reserved keyword"),
            ("_geoDistance:desc", &default, "`_geoDistance` is a reserved keyword"),
            ("price:asc", &settings(&["words"]), "where `sort` is listed"),
        ] {
            let error = RankPlan::new(settings, Some(&[sort.to_owned()])).unwrap_err();
            assert_eq!(error.code, Code::InvalidSearchSort);
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert!(RankPlan::new(&default, Some(&["_geoPoint(1, -2.5):desc".to_owned()])).is_ok());
        let any = Settings { sortable_attributes: ["*".to_owned()].into(), ..settings(&["sort"]) };
        let many: Vec<String> = (0..17).map(|n| format!("a{n}:asc")).collect();
        assert!(RankPlan::new(&any, Some(&many)).unwrap_err().message.contains("at most 16"));
        let again = RankPlan::new(&any, Some(&["a:asc", "b:c:desc", "a:desc"].map(str::to_owned))).unwrap();
        assert_eq!(again.keys().map(|key| key.descending).collect::<Vec<_>>(), [false, true]);
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
