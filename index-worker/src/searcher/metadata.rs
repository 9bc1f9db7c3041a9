//! The name of a search, for callers that report afterwards what became of its hits: asked for by a header, as in Meilisearch.

use http::{HeaderMap, HeaderName};
use onggi_domain::worker;
use onggi_engine::search::SearchResponse;
use serde::Serialize;
use uuid::Uuid;

use super::Loaded;

/// Asks for it: `true` or `1`.
const INCLUDE: HeaderName = HeaderName::from_static("meili-include-metadata");
/// The gateway's name for the request. Several searches of one request have it in common.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The tenant's name for the index.
const INDEX_UID: HeaderName = HeaderName::from_static(worker::INDEX_UID);

/// What is told of a search besides its answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    request_uid: Uuid,
    metadata: Named,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    query_uid: Uuid,
    index_uid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_key: Option<String>,
}

/// An answer with its metadata, if they are wanted.
#[derive(Debug, Serialize)]
pub(crate) struct Told<'a> {
    #[serde(flatten)]
    pub(crate) response: &'a SearchResponse,
    #[serde(flatten)]
    pub(crate) metadata: Option<Metadata>,
}

impl Metadata {
    /// The metadata of a new search, if the caller wants them.
    pub(crate) fn wanted(headers: &HeaderMap, loaded: &Loaded) -> Option<Self> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        text(INCLUDE).filter(|value| value.eq_ignore_ascii_case("true") || *value == "1")?;
        let request_uid = text(REQUEST_ID).and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7);
        let index_uid = text(INDEX_UID).unwrap_or_default().to_owned();
        let primary_key = loaded.engine.state().primary_key.clone();
        Some(Self { request_uid, metadata: Named { query_uid: Uuid::now_v7(), index_uid, primary_key } })
    }
}
