//! Filters: Meilisearch's filter language as a Tantivy query over columns and exact terms.
//!
//! `genre = "Sci-Fi" AND (price 10 TO 20 OR NOT tags EXISTS)`, or arrays of such: the outer one joins with AND, inner ones with OR.
//! Equality of strings ignores case; an array attribute matches if one of its elements does; `!=` and `NOT` also match documents
//! without the attribute.

mod compile;
mod lexer;
mod parser;
mod predicate;

use onggi_domain::{ApiError, Code, limits::Limits, settings::Settings};
use serde_json::Value;
use tantivy::query::Query;

use parser::Parser;
use predicate::Predicate;
pub(crate) use predicate::{distance, numbers};

/// A condition, or several joined.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Is(Attribute, Condition),
    /// Within metres of a point.
    GeoRadius {
        lat: f64,
        lng: f64,
        metres: f64,
    },
    /// Between two corners.
    GeoBox {
        top: f64,
        right: f64,
        bottom: f64,
        left: f64,
    },
}

/// An attribute as a filter names it, with the place for errors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) place: Place,
}

/// Where in the filter something is: characters, from 0, with the text to point into.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) text: std::sync::Arc<str>,
}

/// What an attribute has to be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    Equal(String),
    NotEqual(String),
    Less(String),
    LessOrEqual(String),
    Greater(String),
    GreaterOrEqual(String),
    Between(String, String),
    In(Vec<String>),
    Exists,
    Null,
    Empty,
    Contains(String),
    StartsWith(String),
}

/// The query of a filter as it came (a string or nested arrays), checked against the settings. `None`: it holds no condition.
/// `code` is that of an error: `InvalidSearchFilter` or `InvalidDocumentFilter`.
pub fn to_query(filter: &Value, settings: &Settings, limits: &Limits, code: Code) -> Result<Option<Box<dyn Query>>, ApiError> {
    match parse(filter, limits, code)? {
        Some(filter) => Ok(Some(predicate::query(compile::compile(&filter, settings, code)?))),
        None => Ok(None),
    }
}

/// Whether a filter can be read at all, whatever the settings; an empty one can.
pub fn check(filter: &Value, limits: &Limits, code: Code) -> Result<(), ApiError> {
    parse(filter, limits, code).map(drop)
}

/// What all of these queries match; `None`: there are none.
pub(crate) fn all_of(mut queries: Vec<Box<dyn Query>>) -> Option<Box<dyn Query>> {
    match queries.len() {
        0 | 1 => queries.pop(),
        _ => Some(predicate::query(Predicate::And(queries.into_iter().map(Predicate::Query).collect()))),
    }
}

/// The conditions of a filter; `None`: there are none.
pub(crate) fn parse(filter: &Value, limits: &Limits, code: Code) -> Result<Option<Filter>, ApiError> {
    let mut conditions = 0;
    match filter {
        Value::Null => Ok(None),
        Value::String(text) => parse_text(text, limits, code, &mut conditions),
        Value::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                all.extend(parse_item(item, limits, code, &mut conditions)?);
            }
            Ok(join(all, Filter::And))
        }
        other => Err(wrong_type(other, code)),
    }
}

fn parse_item(item: &Value, limits: &Limits, code: Code, conditions: &mut usize) -> Result<Option<Filter>, ApiError> {
    let Value::Array(alternatives) = item else {
        let text = item.as_str().ok_or_else(|| wrong_type(item, code))?;
        return parse_text(text, limits, code, conditions);
    };
    let mut any = Vec::new();
    for alternative in alternatives {
        let text = alternative.as_str().ok_or_else(|| wrong_type(alternative, code))?;
        any.extend(parse_text(text, limits, code, conditions)?);
    }
    Ok(join(any, Filter::Or))
}

fn parse_text(text: &str, limits: &Limits, code: Code, conditions: &mut usize) -> Result<Option<Filter>, ApiError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let mut parser = Parser::new(text, limits, code, *conditions)?;
    let filter = parser.parse()?;
    *conditions = parser.conditions();
    Ok(Some(filter))
}

fn join(mut filters: Vec<Filter>, how: fn(Vec<Filter>) -> Filter) -> Option<Filter> {
    match filters.len() {
        0 | 1 => filters.pop(),
        _ => Some(how(filters)),
    }
}

fn wrong_type(found: &Value, code: Code) -> ApiError {
    let found = super::parse::describe(found);
    ApiError::new(code, format!("Invalid syntax for the filter parameter: `expected String, Array, found: {found}`."))
}

impl Place {
    /// An error that shows this place.
    pub(crate) fn error(&self, message: &str, code: Code) -> ApiError {
        ApiError::new(code, format!("{message}\n{}:{} {}", self.start + 1, self.end + 1, self.text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(filter: &Value) -> Result<Option<Filter>, ApiError> {
        parse(filter, &Limits::default(), Code::InvalidSearchFilter)
    }

    #[test]
    fn arrays_are_and_of_or() {
        let nested = parsed(&json!([["a = 1", "b = 2"], "c = 3"])).unwrap().unwrap();
        let flat = parsed(&json!("(a = 1 OR b = 2) AND c = 3")).unwrap().unwrap();
        let shape = |filter: &Filter| match filter {
            Filter::And(parts) => parts.iter().map(|part| matches!(part, Filter::Or(any) if any.len() == 2)).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(shape(&nested), [true, false]);
        assert_eq!(shape(&flat), [true, false]);
    }

    #[test]
    fn a_filter_without_conditions_is_none() {
        for filter in [json!(null), json!(""), json!("  "), json!([]), json!([[], ""])] {
            assert_eq!(parsed(&filter).unwrap(), None, "{filter}");
        }
    }

    #[test]
    fn what_is_neither_text_nor_array_is_refused() {
        for filter in [json!(1), json!({"a": 1}), json!([1]), json!([["a = 1", ["b = 2"]]])] {
            assert_eq!(parsed(&filter).unwrap_err().code, Code::InvalidSearchFilter, "{filter}");
        }
    }

    #[test]
    fn conditions_are_counted_over_the_whole_filter() {
        let many: Vec<String> = (0..1001).map(|n| format!("a = {n}")).collect();
        assert!(parsed(&json!(many)).unwrap_err().message.contains("1000"));
        assert!(parsed(&json!(many[..1000])).is_ok());
    }
}
