//! Filters: Meilisearch's filter language, from text to conditions and back. What they mean for documents is the engine's business.
//!
//! `genre = "Sci-Fi" AND (price 10 TO 20 OR NOT tags EXISTS)`, or arrays of such: the outer one joins with AND, inner ones with OR.

mod lexer;
mod parser;

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::{ApiError, Code, limits::Limits};
use parser::Parser;

/// A condition, or several joined.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// At least one of them.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// An attribute that is so.
    Is(Attribute, Condition),
    /// A document whose `_geo` is in this shape.
    Geo(Shape, Place),
}

/// An attribute as a filter names it, with the place for errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Its flattened path.
    pub name: String,
    /// Where it is named.
    pub place: Place,
}

/// What an attribute has to be.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is the operator of its name")]
pub enum Condition {
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

/// A part of the globe. Points are latitude and longitude in degrees.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Within metres of a point.
    Radius {
        /// The point.
        center: (f64, f64),
        /// How far.
        metres: f64,
    },
    /// Between two corners; it crosses the date line where the right one is west of the left one.
    Box {
        /// The north-eastern corner.
        top_right: (f64, f64),
        /// The south-western corner.
        bottom_left: (f64, f64),
    },
    /// Inside of a line that ends where it begins.
    Polygon(Vec<(f64, f64)>),
}

/// Where in a filter something is: bytes, with the text to point into.
#[derive(Debug, Clone)]
pub struct Place {
    start: usize,
    end: usize,
    text: Arc<str>,
}

/// Filters are equal if they mean the same, wherever it was written.
impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Characters of a filter that an error repeats.
const EXCERPT_CHARS: usize = 300;

/// The conditions of a filter as it came (a string or nested arrays); `None`: there are none. `code` is that of an error:
/// `InvalidSearchFilter` or `InvalidDocumentFilter`.
pub fn parse(filter: &Value, limits: &Limits, code: Code) -> Result<Option<Filter>, ApiError> {
    let mut budget = Budget { conditions: limits.filter_conditions, values: limits.filter_values };
    let mut text = |text: &str| parse_text(text, limits, code, &mut budget);
    match filter {
        Value::Null => Ok(None),
        Value::String(filter) => text(filter),
        Value::Array(items) => {
            let mut all = Vec::new();
            for item in items {
                all.extend(match item {
                    Value::String(item) => text(item)?,
                    Value::Array(alternatives) => {
                        let mut any = Vec::new();
                        for alternative in alternatives {
                            any.extend(text(alternative.as_str().ok_or_else(|| wrong_type("String", alternative, code))?)?);
                        }
                        join(any, Filter::Or)
                    }
                    other => return Err(wrong_type("String, [String]", other, code)),
                });
            }
            Ok(join(all, Filter::And))
        }
        other => Err(wrong_type("String, Array", other, code)),
    }
}

/// What is left for the texts to come of one filter.
struct Budget {
    conditions: usize,
    values: usize,
}

fn parse_text(text: &str, limits: &Limits, code: Code, budget: &mut Budget) -> Result<Option<Filter>, ApiError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    Parser::new(text, limits, code, budget).parse().map(Some)
}

fn join(mut filters: Vec<Filter>, how: fn(Vec<Filter>) -> Filter) -> Option<Filter> {
    match filters.len() {
        0 | 1 => filters.pop(),
        _ => Some(how(filters)),
    }
}

fn wrong_type(expected: &str, found: &Value, code: Code) -> ApiError {
    let found: String = found.to_string().chars().take(60).collect();
    ApiError::new(code, format!("Invalid syntax for the filter parameter: `expected {expected}, found: {found}`."))
}

impl Place {
    /// An error that shows this place: the columns from and to, and the filter.
    pub fn error(&self, message: &str, code: Code) -> ApiError {
        let column = |at: usize| self.text[..at].chars().count() + 1;
        let (from, to) = (column(self.start), column(self.end));
        // A long filter is repeated around the place only.
        let skipped = if self.text.chars().count() > EXCERPT_CHARS { from.saturating_sub(EXCERPT_CHARS / 3) } else { 0 };
        let excerpt: String = self.text.chars().skip(skipped).take(EXCERPT_CHARS).collect();
        ApiError::new(code, format!("{message}\n{from}:{to} {excerpt}"))
    }

    /// The text here, or its beginning, on one line.
    fn shown(&self) -> String {
        self.text[self.start..self.end].chars().take(60).collect::<String>().escape_debug().to_string()
    }
}

/// As it could have been written: parsed again, it is the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => write_joined(f, parts, " AND "),
            Self::Or(parts) => write_joined(f, parts, " OR "),
            Self::Not(part) => write!(f, "NOT ({part})"),
            Self::Is(attribute, condition) => write!(f, "{} {condition}", Text(&attribute.name)),
            Self::Geo(shape, _) => write!(f, "{shape}"),
        }
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, parts: &[Filter], keyword: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        write!(f, "{}({part})", if at == 0 { "" } else { keyword })?;
    }
    Ok(())
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(value) => write!(f, "= {}", Text(value)),
            Self::NotEqual(value) => write!(f, "!= {}", Text(value)),
            Self::Less(value) => write!(f, "< {}", Text(value)),
            Self::LessOrEqual(value) => write!(f, "<= {}", Text(value)),
            Self::Greater(value) => write!(f, "> {}", Text(value)),
            Self::GreaterOrEqual(value) => write!(f, ">= {}", Text(value)),
            Self::Between(from, to) => write!(f, "{} TO {}", Text(from), Text(to)),
            Self::In(values) => {
                f.write_str("IN [")?;
                for value in values {
                    write!(f, "{}, ", Text(value))?;
                }
                f.write_str("]")
            }
            Self::Exists => f.write_str("EXISTS"),
            Self::Null => f.write_str("IS NULL"),
            Self::Empty => f.write_str("IS EMPTY"),
            Self::Contains(value) => write!(f, "CONTAINS {}", Text(value)),
            Self::StartsWith(value) => write!(f, "STARTS WITH {}", Text(value)),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Radius { center: (lat, lng), metres } => write!(f, "_geoRadius({lat}, {lng}, {metres})"),
            Self::Box { top_right: (top, right), bottom_left: (bottom, left) } => {
                write!(f, "_geoBoundingBox([{top}, {right}], [{bottom}, {left}])")
            }
            Self::Polygon(points) => {
                f.write_str("_geoPolygon(")?;
                for (at, (lat, lng)) in points.iter().enumerate() {
                    write!(f, "{}[{lat}, {lng}]", if at == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}

/// A name or a value between quotes.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\\', "\\\\").replace('\'', "\\'"))
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
        assert_eq!(nested, parsed(&json!("(a = 1 OR b = 2) AND c = 3")).unwrap().unwrap());
        assert_eq!(nested.to_string(), "(('a' = '1') OR ('b' = '2')) AND ('c' = '3')");
    }

    #[test]
    fn a_filter_without_conditions_is_none() {
        for filter in [json!(null), json!(""), json!("  "), json!([]), json!([[], ""])] {
            assert_eq!(parsed(&filter).unwrap(), None, "{filter}");
        }
    }

    #[test]
    fn what_is_neither_text_nor_array_is_refused() {
        for (filter, part) in [
            (json!(true), "`expected String, Array, found: true`"),
            (json!({"a": 1}), "`expected String, Array, found: {\"a\":1}`"),
            (json!([1]), "`expected String, [String], found: 1`"),
            (json!([["a = 1", ["b = 2"]]]), "`expected String, found: [\"b = 2\"]`"),
        ] {
            let error = parsed(&filter).unwrap_err();
            assert_eq!(error.code, Code::InvalidSearchFilter);
            assert!(error.message.contains(part), "{}", error.message);
        }
    }

    #[test]
    fn conditions_and_values_are_counted_over_the_whole_filter() {
        let many: Vec<String> = (0..1001).map(|n| format!("a = {n}")).collect();
        assert!(parsed(&json!(many)).unwrap_err().message.contains("more than 1000 conditions"));
        assert!(parsed(&json!(many[..1000])).is_ok());
        let limits = Limits { filter_values: 3, ..Limits::default() };
        let parsed = |filter: Value| parse(&filter, &limits, Code::InvalidDocumentFilter);
        assert!(parsed(json!(["a IN [1, 2]", "b IN [3]"])).is_ok());
        let error = parsed(json!(["a IN [1, 2]", "b IN [3, 4]"])).unwrap_err();
        assert!(error.code == Code::InvalidDocumentFilter && error.message.contains("more than 3 values"), "{}", error.message);
        assert!(parsed(json!("_geoPolygon([0, 0], [1, 1], [2, 0], [1, -1])")).unwrap_err().message.contains("more than 3 values"));
    }

    #[test]
    fn a_long_filter_is_shown_around_the_place() {
        let error = parsed(&json!(format!("{} a = OR", "가 = 나 AND ".repeat(300)))).unwrap_err();
        assert!(error.message.contains("\n3006:3008 "), "{}", error.message);
        assert!(error.message.ends_with("가 = 나 AND  a = OR") && error.message.chars().count() < 500, "{}", error.message);
    }
}
