//! Filters as sets of documents: the conditions that [`onggi_domain::filter`] parses, over columns and exact terms.
//!
//! Equality of strings ignores case; an array attribute matches if one of its elements does; `!=` and `NOT` also match documents
//! without the attribute. `<`, `<=`, `>`, `>=` and `TO` compare numbers as numbers and strings as strings: a value that is a number is compared
//! with both, as in Meilisearch.

mod compile;
mod geo;
mod predicate;

use onggi_domain::{ApiError, Code, filter, limits::Limits, settings::Settings};
use serde_json::Value;
use tantivy::query::Query;

pub(crate) use geo::distance;
pub(crate) use predicate::{Predicate, Stop, numbers};

/// The documents of a filter as it came (a string or nested arrays), checked against the settings. `None`: it holds no condition.
/// `code` is that of an error: `InvalidSearchFilter` or `InvalidDocumentFilter`.
pub(crate) fn compiled(filter: &Value, settings: &Settings, limits: &Limits, code: Code) -> Result<Option<Predicate>, ApiError> {
    filter::parse(filter, limits, code)?.map(|filter| compile::compile(filter, settings, code)).transpose()
}

/// The same as a query.
pub(crate) fn to_query(filter: &Value, settings: &Settings, limits: &Limits, code: Code) -> Result<Option<Box<dyn Query>>, ApiError> {
    Ok(compiled(filter, settings, limits, code)?.map(predicate::query))
}
