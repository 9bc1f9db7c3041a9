//! The routes of a searcher: requests are checked here, answered by the engine on the pool, and counted.

use std::{sync::Arc, time::Instant};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode, header};
use onggi_domain::{
    ApiError, Code,
    federation::FederatedRequest,
    worker::{self, LoadRequest},
};
use onggi_engine::search::{DocumentRequest, DocumentsRequest, FacetSearchRequest, SearchRequest};
use onggi_web::{Error, body};
use serde_json::Value;
use url::form_urlencoded;

use super::{
    Loaded, Searcher,
    analyze::analyze,
    answer,
    metadata::{Metadata, Told},
    pool::{Refused, busy},
    timing::{self, Timing},
};
use crate::server::{elsewhere, unavailable};

/// A filter that the caller's token adds to every search: URL-encoded JSON.
const RULE: HeaderName = HeaderName::from_static(worker::FILTER);

pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

pub(crate) fn router(searcher: Arc<Searcher>) -> Router {
    Router::new()
        .route("/load", post(load))
        .route("/hold", post(hold))
        .route("/search", get(search_by_query).post(search_by_body))
        .route("/facet-search", post(facet_search))
        .route("/federated-search", post(federated_search))
        .route("/documents", get(documents_by_query))
        .route("/documents/fetch", post(documents_by_body))
        .route("/documents/{id}", get(document))
        .route("/analyze", post(analyze))
        .route("/stats", get(stats))
        .layer(from_fn(timing::tell))
        .with_state(searcher)
}

async fn load(State(searcher): State<Arc<Searcher>>, body: Body) -> Result<Response> {
    let bytes = read(&searcher, body).await?;
    let request: LoadRequest = body::parse(&bytes, |_| Code::BadRequest)?;
    match searcher.load(request.generation).await {
        Ok(()) => Ok(Json(searcher.status.view()).into_response()),
        // Only the control plane asks: it is told the cause, which names the file.
        Err(why) => Err(ApiError::new(Code::Internal, format!("generation {} could not be loaded: {why}", request.generation)).into()),
    }
}

async fn hold(State(searcher): State<Arc<Searcher>>, body: Body) -> Result<StatusCode> {
    let bytes = read(&searcher, body).await?;
    let request: LoadRequest = body::parse(&bytes, |_| Code::BadRequest)?;
    searcher.status.hold(request.generation);
    Ok(StatusCode::NO_CONTENT)
}

async fn search_by_query(State(searcher): State<Arc<Searcher>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response> {
    search(&searcher, &headers, SearchRequest::from_query(&query.unwrap_or_default())?).await
}

async fn search_by_body(State(searcher): State<Arc<Searcher>>, headers: HeaderMap, body: Body) -> Result<Response> {
    let bytes = read(&searcher, body).await?;
    search(&searcher, &headers, SearchRequest::from_json(&bytes)?).await
}

async fn search(searcher: &Searcher, headers: &HeaderMap, request: SearchRequest) -> Result<Response> {
    let _under_way = searcher.status.searching();
    let rule = rule(headers)?;
    let loaded = loaded(searcher)?;
    let generation = loaded.generation();
    let metadata = Metadata::wanted(headers, &loaded);
    let named = metadata.is_some();
    let tag = answer::entity_tag(searcher.index, generation, &request, rule.as_ref());
    if !named && answer::is_known(headers, &tag) {
        return Ok(answer::not_modified(generation, tag));
    }
    let ((bytes, hits, degraded), timing) = on_pool(searcher, loaded, move |loaded| {
        let mut response = loaded.engine.search(&request, rule.as_ref()).map_err(Error::internal)??;
        let hits = std::mem::take(&mut response.hits);
        let bytes = answer::search_to_bytes(&hits, &Told { response: &response, metadata }).map_err(Error::internal)?;
        Ok((bytes, response.paging.total(), response.degraded))
    })
    .await?;
    let mut response = timing.on(answer::json(generation, bytes));
    response.headers_mut().insert(answer::HITS, hits.into());
    // A degraded answer may be better next time, and one that has a name is for who asked: nobody should keep them.
    if !degraded && !named {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

async fn facet_search(State(searcher): State<Arc<Searcher>>, headers: HeaderMap, body: Body) -> Result<Response> {
    let bytes = read(&searcher, body).await?;
    let request = FacetSearchRequest::from_json(&bytes)?;
    let _under_way = searcher.status.searching();
    let rule = rule(&headers)?;
    answered(&searcher, move |loaded| {
        let response = loaded.engine.facet_search(&request, rule.as_ref()).map_err(Error::internal)??;
        answer::to_bytes(&response).map_err(Error::internal)
    })
    .await
}

/// The gateway asks this and nobody else can: the path is not a public one.
async fn federated_search(State(searcher): State<Arc<Searcher>>, headers: HeaderMap, body: Body) -> Result<Response> {
    let bytes = read(&searcher, body).await?;
    let request: FederatedRequest = serde_json::from_slice(&bytes).map_err(Error::internal)?;
    let _under_way = searcher.status.searching();
    let rule = rule(&headers)?;
    answered(&searcher, move |loaded| {
        let answer = loaded.engine.federated_search(&request, rule.as_ref()).map_err(Error::internal)??;
        answer::to_bytes(&answer).map_err(Error::internal)
    })
    .await
}

async fn documents_by_query(State(searcher): State<Arc<Searcher>>, RawQuery(query): RawQuery) -> Result<Response> {
    documents(&searcher, DocumentsRequest::from_query(&query.unwrap_or_default())?).await
}

async fn documents_by_body(State(searcher): State<Arc<Searcher>>, body: Body) -> Result<Response> {
    let bytes = read(&searcher, body).await?;
    documents(&searcher, DocumentsRequest::from_json(&bytes)?).await
}

async fn documents(searcher: &Searcher, request: DocumentsRequest) -> Result<Response> {
    answered(searcher, move |loaded| {
        let page = loaded.engine.documents(&request).map_err(Error::internal)??;
        answer::to_bytes(&page).map_err(Error::internal)
    })
    .await
}

async fn document(State(searcher): State<Arc<Searcher>>, Path(id): Path<String>, RawQuery(query): RawQuery) -> Result<Response> {
    let request = DocumentRequest::from_query(&query.unwrap_or_default())?;
    answered(&searcher, move |loaded| {
        let found = loaded.engine.document(&id, request.fields.as_deref()).map_err(Error::internal)?;
        let document = found.ok_or_else(|| ApiError::new(Code::DocumentNotFound, format!("Document `{id}` not found.")))?;
        Ok(Bytes::from(String::from(Box::<str>::from(document))))
    })
    .await
}

async fn stats(State(searcher): State<Arc<Searcher>>) -> Result<Response> {
    let loaded = loaded(&searcher)?;
    let state = loaded.engine.state();
    let stats = serde_json::json!({"numberOfDocuments": state.documents, "fieldDistribution": state.fields});
    Ok(answer::json(loaded.generation(), answer::to_bytes(&stats).map_err(Error::internal)?))
}

/// An answer of the engine about the generation that is served now.
pub(super) async fn answered(
    searcher: &Searcher,
    work: impl FnOnce(&Loaded) -> onggi_web::Result<Bytes> + Send + 'static,
) -> Result<Response> {
    let loaded = loaded(searcher)?;
    let generation = loaded.generation();
    let (bytes, timing) = on_pool(searcher, loaded, work).await?;
    Ok(timing.on(answer::json(generation, bytes)))
}

async fn on_pool<T: Send + 'static>(
    searcher: &Searcher,
    loaded: Arc<Loaded>,
    work: impl FnOnce(&Loaded) -> onggi_web::Result<T> + Send + 'static,
) -> Result<(T, Timing)> {
    let asked = Instant::now();
    let timed = move || {
        let begun = Instant::now();
        let done = work(&loaded);
        (done, Timing { waited: begun - asked, worked: begun.elapsed() })
    };
    match searcher.pool.run(timed).await {
        Ok((done, timing)) => Ok((done?, timing)),
        Err(Refused::Busy) => Err(Failure::Later(busy())),
        Err(Refused::Panicked(error)) => Err(Error::internal(error).into()),
    }
}

fn loaded(searcher: &Searcher) -> Result<Arc<Loaded>> {
    let waking = || Failure::Later(ApiError::new(Code::IndexWaking, "The index is waking up. Try again in a moment."));
    let loaded = searcher.serving().ok_or_else(waking)?;
    if searcher.status.is_held(loaded.generation()) { Err(Failure::Elsewhere) } else { Ok(loaded) }
}

pub(super) async fn read(searcher: &Searcher, body: Body) -> Result<Bytes> {
    Ok(body::read(body, searcher.limits.body_bytes.as_u64()).await?)
}

/// The token's rule. One that cannot be read is an error and never no rule.
fn rule(headers: &HeaderMap) -> Result<Option<Value>> {
    let Some(value) = headers.get(RULE) else { return Ok(None) };
    let decoded = form_urlencoded::parse(value.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default();
    serde_json::from_str(&decoded).map(Some).map_err(|error| Error::internal(format!("{RULE} is not URL-encoded JSON: {error}")).into())
}

/// Why a request was not answered.
#[derive(Debug)]
pub(super) enum Failure {
    /// For this request.
    Request(Error),
    /// For now.
    Later(ApiError),
    /// By this searcher, which serves an older generation than callers know of.
    Elsewhere,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Request(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Request(error) => error.into_response(),
            Self::Later(error) => unavailable(&error),
            Self::Elsewhere => elsewhere("This searcher serves an older generation than it should. Another one will answer."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_a_token_is_url_encoded_json_and_a_broken_one_is_an_error() {
        let with = |value: &'static str| HeaderMap::from_iter([(RULE, http::HeaderValue::from_static(value))]);
        assert_eq!(rule(&HeaderMap::new()).unwrap(), None);
        assert_eq!(rule(&with("%22user%20%3D%201%20%26%20a%2Bb%22")).unwrap(), Some("user = 1 & a+b".into()));
        assert_eq!(rule(&with("%5B%22a+%3D+1%22%5D")).unwrap(), Some(serde_json::json!(["a = 1"])));
        assert!(rule(&with("user = 1")).is_err());
        assert!(rule(&with("")).is_err());
    }
}
