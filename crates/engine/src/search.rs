//! The requests and answers of a search, in Meilisearch's shapes.

use indexmap::IndexMap;
use onggi_domain::{ApiError, Code};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

/// A search. Defaults as in Meilisearch; a field that is not known is an error.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the parameters of POST /indexes/{uid}/search")]
pub struct SearchRequest {
    pub q: Option<String>,
    pub offset: usize,
    pub limit: usize,
    pub page: Option<usize>,
    pub hits_per_page: Option<usize>,
    pub attributes_to_retrieve: Option<Vec<String>>,
    pub attributes_to_crop: Option<Vec<String>>,
    pub crop_length: usize,
    pub crop_marker: String,
    pub attributes_to_highlight: Option<Vec<String>>,
    pub highlight_pre_tag: String,
    pub highlight_post_tag: String,
    pub show_matches_position: bool,
    pub show_ranking_score: bool,
    pub show_ranking_score_details: bool,
    pub ranking_score_threshold: Option<f64>,
    pub filter: Option<Value>,
    pub sort: Option<Vec<String>>,
    pub distinct: Option<String>,
    pub facets: Option<Vec<String>>,
    pub matching_strategy: MatchingStrategy,
    pub attributes_to_search_on: Option<Vec<String>>,
    pub locales: Option<Vec<String>>,
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self {
            q: None,
            offset: 0,
            limit: 20,
            page: None,
            hits_per_page: None,
            attributes_to_retrieve: None,
            attributes_to_crop: None,
            crop_length: 10,
            crop_marker: "…".to_owned(),
            attributes_to_highlight: None,
            highlight_pre_tag: "<em>".to_owned(),
            highlight_post_tag: "</em>".to_owned(),
            show_matches_position: false,
            show_ranking_score: false,
            show_ranking_score_details: false,
            ranking_score_threshold: None,
            filter: None,
            sort: None,
            distinct: None,
            facets: None,
            matching_strategy: MatchingStrategy::Last,
            attributes_to_search_on: None,
            locales: None,
        }
    }
}

/// Which words of a query may be left out when few documents hold all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MatchingStrategy {
    /// The last ones first.
    Last,
    /// None.
    All,
    /// The most frequent ones first.
    Frequency,
}

impl SearchRequest {
    /// From the JSON body of a POST; an error names the field and what would be right.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let _ = (body, Code::BadRequest);
        todo!("from_json")
    }

    /// From the query string of a GET; lists are comma-separated, `filter` is a string or JSON array.
    pub fn from_query(query: &str) -> Result<Self, ApiError> {
        let _ = query;
        todo!("from_query")
    }
}

/// A search answer. Field order is the order on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of Meilisearch's search answer")]
pub struct SearchResponse {
    pub hits: Vec<Box<RawValue>>,
    pub query: String,
    pub processing_time_ms: u64,
    #[serde(flatten)]
    pub paging: Paging,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facet_distribution: Option<IndexMap<String, IndexMap<String, u64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facet_stats: Option<IndexMap<String, FacetStats>>,
    /// The expansion or time budget ran out: the answer may lack something.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
}

/// How a search was paged.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of Meilisearch's search answer")]
pub enum Paging {
    Offset { limit: usize, offset: usize, estimated_total_hits: usize },
    Pages { hits_per_page: usize, page: usize, total_pages: usize, total_hits: usize },
}

/// The range of a numeric facet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FacetStats {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

/// A search among the values of a facet.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the parameters of POST /indexes/{uid}/facet-search")]
pub struct FacetSearchRequest {
    pub facet_name: String,
    #[serde(default)]
    pub facet_query: Option<String>,
    #[serde(default)]
    pub q: Option<String>,
    #[serde(default)]
    pub filter: Option<Value>,
    #[serde(default)]
    pub matching_strategy: Option<MatchingStrategy>,
    #[serde(default)]
    pub attributes_to_search_on: Option<Vec<String>>,
    #[serde(default)]
    pub exhaustive_facet_count: bool,
}

/// Values of a facet.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of Meilisearch's facet-search answer")]
pub struct FacetSearchResponse {
    pub facet_hits: Vec<FacetHit>,
    pub facet_query: Option<String>,
    pub processing_time_ms: u64,
}

/// One value of a facet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FacetHit {
    /// The value.
    pub value: String,
    /// Documents that have it.
    pub count: u64,
}

/// A page of documents.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are the parameters of POST /indexes/{uid}/documents/fetch")]
pub struct DocumentsRequest {
    pub offset: usize,
    pub limit: usize,
    pub fields: Option<Vec<String>>,
    pub filter: Option<Value>,
    pub ids: Option<Vec<Value>>,
    pub sort: Option<Vec<String>>,
    pub retrieve_vectors: bool,
}

impl Default for DocumentsRequest {
    fn default() -> Self {
        Self { offset: 0, limit: 20, fields: None, filter: None, ids: None, sort: None, retrieve_vectors: false }
    }
}

impl DocumentsRequest {
    /// From the JSON body of `POST .../documents/fetch`.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let _ = body;
        todo!("from_json")
    }

    /// From the query string of `GET .../documents`.
    pub fn from_query(query: &str) -> Result<Self, ApiError> {
        let _ = query;
        todo!("from_query")
    }
}

/// A page of documents.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of Meilisearch's documents answer")]
pub struct DocumentsPage {
    pub results: Vec<Box<RawValue>>,
    pub offset: usize,
    pub limit: usize,
    pub total: usize,
}
