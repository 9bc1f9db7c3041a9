//! What the gateway asks a searcher of one index of a federated multi-search, and what that answers: a list of hits a query, with what
//! is needed to merge them with the hits of other indexes.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{IndexUid, settings::FacetOrder};

/// The queries of a federated multi-search on one index. They are answered from one generation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FederatedRequest {
    /// The tenant's name for the index, which hits repeat.
    pub index_uid: IndexUid,
    /// In the order of the multi-search.
    pub queries: Vec<FederatedQuery>,
    /// The most hits that are wanted of each.
    pub limit: usize,
    /// The facets that are counted over everything that any of the queries finds.
    pub facets: Option<Vec<String>>,
    /// At most one hit for each value of this attribute.
    pub distinct: Option<String>,
}

/// One query.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FederatedQuery {
    /// Its place among all queries of the multi-search.
    pub position: usize,
    /// What its scores are multiplied with.
    pub weight: f64,
    /// The parameters of the search, as the caller sent them.
    pub search: Box<RawValue>,
}

/// What an index answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FederatedAnswer {
    /// For each query its hits.
    pub lists: Vec<FederatedList>,
    /// Documents that at least one of the queries finds.
    pub total: u64,
    /// If facets were asked for.
    pub facets: Option<FederatedFacets>,
    /// The attribute that holds the id of a document.
    pub primary_key: Option<String>,
    /// The answer may lack something.
    pub degraded: bool,
}

/// The hits of one query, best first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FederatedList {
    /// The query's place among all of the multi-search.
    pub position: usize,
    /// Its weight.
    pub weight: f64,
    /// What its hits are ordered by, in order.
    pub rules: Vec<OrderRule>,
    /// The hits.
    pub hits: Vec<FederatedHit>,
}

/// What hits are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OrderRule {
    /// How well they match, best first.
    Relevancy,
    /// A value, smallest first.
    Ascending,
    /// A value, largest first.
    Descending,
    /// A distance, nearest first.
    Nearest,
    /// A distance, farthest first.
    Farthest,
}

/// A hit, with what it is merged by.
#[derive(Debug, Serialize, Deserialize)]
pub struct FederatedHit {
    /// The same for the same document in all lists of an answer.
    pub document: u64,
    /// The value under each rule of its list: a number, a string, or null for a document that has none. Without the weight.
    pub values: Vec<Value>,
    /// Its values of the attribute that hits are told apart by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distinct: Vec<Value>,
    /// As the caller gets it.
    pub hit: Box<RawValue>,
}

/// Facets of an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FederatedFacets {
    /// For each facet, how many documents have which value.
    pub distribution: IndexMap<String, IndexMap<String, u64>>,
    /// The range of each facet with numbers.
    pub stats: IndexMap<String, FacetRange>,
    /// How the index orders the values of each facet.
    pub order: IndexMap<String, FacetOrder>,
}

/// The range of a numeric facet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FacetRange {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}
