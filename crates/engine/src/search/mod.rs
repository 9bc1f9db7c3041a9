//! Searching: requests, filters, the two phases of ranking, facets, and hits as they are answered.
//!
//! A search goes through these in order: [`SearchRequest`] (`requests`, `parse`), `filter`, `query` (words and phrases), `expand` (posting lists of words, prefixes
//! and typos), `plan`, `collect` (first phase: all that match), `rerank` (second phase: the best, with positions), `facets`, `format`. `run` holds them together.
//! `hangul` is what is special to Korean as it is typed; `analyze` shows how a text becomes words.

mod analyze;
mod collect;
mod distinct;
mod expand;
mod facets;
mod federated;
pub mod filter;
mod format;
mod hangul;
mod highlight;
mod parse;
mod phrase;
mod plan;
mod query;
mod requests;
mod rerank;
mod responses;
pub(crate) mod run;
mod sort;
mod weights;

pub use analyze::{AnalyzeChanges, AnalyzeRequest, AnalyzeResponse, AnalyzedText, AnalyzedToken, DroppedToken};
pub use requests::{DocumentsRequest, FacetSearchRequest, MatchingStrategy, SearchRequest, parameters};
pub use responses::{DocumentsPage, FacetHit, FacetSearchResponse, FacetStats, Paging, SearchResponse};
