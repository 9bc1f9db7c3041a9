//! The answers of a search, of a facet search and of a page of documents, in Meilisearch's shapes.

use indexmap::IndexMap;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

/// A document of a search answer, as a JSON object. It is made of JSON that was checked when it came, and is not checked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitJson(pub(super) String);

impl HitJson {
    /// The JSON.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl Serialize for HitJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A search answer. Field order is the order on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are those of Meilisearch's search answer")]
pub struct SearchResponse {
    pub hits: Vec<HitJson>,
    pub query: String,
    pub processing_time_ms: u64,
    #[serde(flatten)]
    pub paging: Paging,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facet_distribution: Option<IndexMap<String, IndexMap<String, u64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facet_stats: Option<IndexMap<String, FacetStats>>,
    /// The steps of the search and the time of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_details: Option<IndexMap<String, String>>,
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

impl Paging {
    /// How many documents match, or about how many.
    pub fn total(&self) -> usize {
        match self {
            Self::Offset { estimated_total_hits, .. } => *estimated_total_hits,
            Self::Pages { total_hits, .. } => *total_hits,
        }
    }
}

/// The range of a numeric facet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FacetStats {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
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
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the fields are those of Meilisearch's documents answer")]
pub struct DocumentsPage {
    pub results: Vec<Box<RawValue>>,
    pub offset: usize,
    pub limit: usize,
    pub total: usize,
}
