//! Searching: requests, filters, the two phases of ranking, facets, and hits as they are answered.
//!
//! A search goes through these in order: [`SearchRequest`] (`requests`, `parse`), `filter`, `query` (words and phrases), `expand` (posting lists of words and
//! of their `variants`: prefixes and typos), `plan`, `collect` (first phase: all that match), `narrow` (which of it is in the attributes asked for, where the index
//! cannot tell), `rerank` (second phase: the best, with positions), `facets`, `format`. `run` holds them together; `facet_search` and `documents` are the other two
//! things that can be asked.
//! `hangul` is what is special to Korean as it is typed; `analyze` shows how a text becomes words.

mod analyze;
pub(crate) mod clock;
mod collect;
mod details;
mod distinct;
pub(crate) mod documents;
mod expand;
mod facet_search;
mod facets;
mod federated;
pub(crate) mod filter;
mod format;
mod hangul;
mod highlight;
mod members;
mod names;
mod narrow;
mod parse;
mod phrase;
mod plan;
mod query;
mod requests;
mod rerank;
mod resolve;
mod responses;
pub(crate) mod run;
mod sort;
pub(crate) mod variants;
mod weights;
mod window;

pub use analyze::{AnalyzeChanges, AnalyzeRequest, AnalyzeResponse, AnalyzedText, AnalyzedToken, DroppedToken};
pub use requests::{DocumentRequest, DocumentsRequest, FacetSearchRequest, MatchingStrategy, SearchRequest, parameters};
pub use responses::{DocumentsPage, FacetHit, FacetSearchResponse, FacetStats, HitJson, Paging, SearchResponse};
