//! Several searches in one request, each answered by a searcher of its index: side by side, or federated, as one list of hits.

mod request;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use axum::{
    Json,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use indexmap::IndexMap;
use onggi_domain::{
    ApiError, Code, IndexUid,
    federation::{FacetRange, FederatedAnswer, FederatedFacets, FederatedQuery, FederatedRequest},
    key::Action,
};
use onggi_web::{Error, Result, room::Held};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use self::request::{Federation, MultiSearch, Query, Window};
use crate::{
    Gateway,
    authenticate::Caller,
    body::holding,
    events::{Answered, Asker, hits},
    federation::{self, List, MergedFacets},
    headers::{REQUEST_ID, for_searcher},
    search::Question,
    tenants::Tenant,
};

/// Searches of one request that are under way together; sleeping indexes wake side by side.
const PARALLEL: usize = 16;
/// Asks for names of the request and its queries: `true` or `1`.
const INCLUDE_METADATA: HeaderName = HeaderName::from_static("meili-include-metadata");

/// What all searches of a request have in common.
struct Asking<'a> {
    caller: &'a Caller,
    tenant: &'a Tenant,
    /// The headers of the request that searchers are told.
    headers: HeaderMap,
    asker: Asker,
    /// Bytes that answers may still have.
    left: AtomicU64,
    /// The body and the answers so far.
    held: Mutex<Held>,
}

impl Gateway {
    pub(crate) async fn multi_search(&self, caller: &Caller, tenant: &Tenant, request: Request) -> Result<Response> {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let (body, held) = tenant.room().read(body, self.limits.body_bytes.as_u64()).await?;
        let MultiSearch { queries, federation } = MultiSearch::parse(&body, &self.limits)?;
        tenant.count(caller, queries.len().saturating_sub(1))?;
        // Rights come before everything else that is said of an index: who may not see one learns nothing of it.
        for (position, query) in queries.iter().enumerate() {
            caller.check(Action::Search, Some(query.uid.as_str())).map_err(|error| inside_query(position, error.into()))?;
        }
        let headers = [REQUEST_ID, INCLUDE_METADATA].into_iter().filter_map(|name| Some((name.clone(), parts.headers.get(name)?.clone())));
        let left = AtomicU64::new(self.limits.multi_search_bytes.as_u64());
        let asker = self.asker(caller, &parts.headers);
        let asking = Asking { caller, tenant, headers: headers.collect(), asker, left, held: Mutex::new(held) };
        let answer = match federation {
            None => self.side_by_side(&asking, queries).await,
            Some(federation) => self.federated(&asking, queries, federation, started).await,
        };
        let held = asking.held.into_inner();
        match answer.map(|answer| answer.map(|body| holding(body, held))) {
            // The index is not part of the path: the request is wrong, and not the place that it was sent to.
            Err(Error::Api(error)) if error.code == Code::IndexNotFound => Ok((StatusCode::BAD_REQUEST, Error::Api(error)).into_response()),
            answer => answer,
        }
    }

    /// An answer for each query, in their order.
    async fn side_by_side(&self, asking: &Asking<'_>, queries: Vec<Query>) -> Result<Response> {
        let searches = queries.into_iter().enumerate().map(|(position, Query { uid, search, .. })| async move {
            let body = serde_json::to_vec(&search).map_err(Error::internal)?;
            let answer = self.ask(asking, &uid, "/search", body.into()).await.map_err(|error| inside_query(position, error))?;
            Ok::<_, Error>((uid, answer))
        });
        // In order, so that of several errors the first query's is told.
        let answers: Vec<(IndexUid, Bytes)> = stream::iter(searches).buffered(PARALLEL).try_collect().await?;
        // Sent one after the other as they are: answers may be large, and are in memory already.
        let mut pieces = vec![Bytes::from_static(b"{\"results\":[")];
        for (at, (uid, answer)) in answers.into_iter().enumerate() {
            if !answer.starts_with(b"{") {
                return Err(Error::internal("a searcher's answer is not an object"));
            }
            let separator = if at == 0 { "" } else { "," };
            pieces.push(format!("{separator}{{\"indexUid\":\"{uid}\",").into());
            pieces.push(answer.slice(1..));
        }
        pieces.push(Bytes::from_static(b"]}"));
        let length = pieces.iter().map(Bytes::len).sum::<usize>();
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (header::CONTENT_LENGTH, length.into())];
        Ok((headers, Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))).into_response())
    }

    /// One list of hits.
    async fn federated(&self, asking: &Asking<'_>, queries: Vec<Query>, federation: Federation, started: Instant) -> Result<Response> {
        let uids: Vec<IndexUid> = queries.iter().map(|query| query.uid.clone()).collect();
        let (skip, take) = federation.window().skip_and_take();
        let mut parts: IndexMap<IndexUid, FederatedRequest> = IndexMap::new();
        let part = |index_uid| FederatedRequest {
            index_uid,
            queries: Vec::new(),
            limit: skip.saturating_add(take),
            facets: None,
            distinct: federation.distinct.clone(),
        };
        for (position, Query { uid, weight, search }) in queries.into_iter().enumerate() {
            let search = to_raw_value(&search).map_err(Error::internal)?;
            parts.entry(uid.clone()).or_insert_with(|| part(uid)).queries.push(FederatedQuery { position, weight, search });
        }
        for (uid, facets) in &federation.facets_by_index {
            let place = format!(".federation.facetsByIndex.{uid}");
            asking.caller.check(Action::Search, Some(uid.as_str())).map_err(|error| inside(&place, error.into()))?;
            parts.entry(uid.clone()).or_insert_with(|| part(uid.clone())).facets = Some(facets.clone());
        }
        let searches = parts.into_iter().map(|(uid, part)| async move {
            let place = match part.queries.first() {
                Some(query) => format!(".queries[{}]", query.position),
                None => format!(".federation.facetsByIndex.{uid}"),
            };
            let body = serde_json::to_vec(&part).map_err(Error::internal)?;
            let started = Instant::now();
            let answer = self.ask(asking, &uid, "/federated-search", body.into()).await.map_err(|error| inside(&place, error))?;
            let answer: FederatedAnswer = serde_json::from_slice(&answer).map_err(Error::internal)?;
            self.count_federated(asking, &uid, &part, &answer, started.elapsed()).await;
            Ok::<_, Error>((uid, answer))
        });
        let answers: Vec<(IndexUid, FederatedAnswer)> = stream::iter(searches).buffered(PARALLEL).try_collect().await?;
        let answer = Answer::new(asking, &uids, answers, &federation, started)?;
        Ok(Json(answer).into_response())
    }

    /// The whole answer of a searcher; an error if it is one.
    async fn ask(&self, asking: &Asking<'_>, uid: &IndexUid, path: &str, body: Bytes) -> Result<Bytes> {
        let index = self.indexes.find(asking.caller.tenant(), asking.tenant.epoch(), uid).await?;
        let mut headers = asking.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for_searcher(&mut headers, uid, asking.caller.filter(uid.as_str()));
        let question = Question { method: Method::POST, path_and_query: path.to_owned(), headers, body };
        let started = Instant::now();
        let response = self.search.ask(uid, index, &question).await?;
        let status = response.status();
        if path == "/search" && status.is_success() {
            self.counting.searched(&Answered {
                tenant: asking.caller.tenant(),
                index: index.id,
                asker: asking.asker,
                path_and_query: path,
                body: &question.body,
                hits: hits(response.headers()),
                taken: started.elapsed(),
            });
        }
        let answer = asking.collect(response.into_body()).await?;
        if status.is_success() {
            return Ok(answer);
        }
        let error = serde_json::from_slice::<ApiError>(&answer);
        Err(error.map_or_else(|_| Error::internal(format!("a searcher answered {status} without an error")), Error::Api))
    }
}

impl Gateway {
    /// Each query of a federated search is a search of its index.
    async fn count_federated(
        &self,
        asking: &Asking<'_>,
        uid: &IndexUid,
        part: &FederatedRequest,
        answer: &FederatedAnswer,
        taken: Duration,
    ) {
        let tenant = asking.caller.tenant();
        // It was found to be asked; that it is gone meanwhile means that nobody wants to know.
        let Ok(index) = self.indexes.find(tenant, asking.tenant.epoch(), uid).await else { return };
        for query in &part.queries {
            let list = answer.lists.iter().find(|list| list.position == query.position);
            self.counting.searched(&Answered {
                tenant,
                index: index.id,
                asker: asking.asker,
                path_and_query: "",
                body: &Bytes::copy_from_slice(query.search.get().as_bytes()),
                // Who wants no hits learns nothing of whether there are any.
                hits: list.filter(|_| part.limit > 0).map(|list| list.hits.len() as u64),
                taken,
            });
        }
    }
}

impl Asking<'_> {
    /// Reads an answer, as long as there is room for it.
    async fn collect(&self, mut body: Body) -> Result<Bytes> {
        let mut collected = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(Error::internal)?.into_data() else { continue };
            let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(data.len() as u64));
            taken.map_err(|_| {
                let message = "The answers to the queries of this multi-search are too large together. Ask for fewer hits or attributes.";
                Error::api(Code::BadRequest, message)
            })?;
            self.held.lock().more(data.len())?;
            collected.extend_from_slice(&data);
        }
        Ok(collected.freeze())
    }

    fn metadata(&self, uids: &[IndexUid], answers: &[(IndexUid, FederatedAnswer)]) -> Option<Metadata> {
        let text = |name: HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        text(INCLUDE_METADATA).filter(|value| value.eq_ignore_ascii_case("true") || *value == "1")?;
        let primary_key = |uid| answers.iter().find(|(known, _)| known == uid).and_then(|(_, answer)| answer.primary_key.clone());
        Some(Metadata {
            request_uid: text(REQUEST_ID).and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            metadata: uids
                .iter()
                .map(|uid| QueryMetadata { query_uid: Uuid::now_v7(), index_uid: uid.clone(), primary_key: primary_key(uid) })
                .collect(),
        })
    }
}

/// The answer to a federated search. Field order is the order on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    hits: Vec<Box<RawValue>>,
    processing_time_ms: u64,
    #[serde(flatten)]
    paging: Paging,
    #[serde(skip_serializing_if = "Option::is_none")]
    facet_distribution: Option<BTreeMap<String, IndexMap<String, u64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facet_stats: Option<BTreeMap<String, FacetRange>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    facets_by_index: BTreeMap<IndexUid, Facets>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    degraded: bool,
    #[serde(flatten)]
    metadata: Option<Metadata>,
}

#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Paging {
    Offset { limit: usize, offset: usize, estimated_total_hits: u64 },
    Pages { hits_per_page: usize, page: usize, total_pages: u64, total_hits: u64 },
}

#[derive(Serialize)]
struct Facets {
    distribution: IndexMap<String, IndexMap<String, u64>>,
    stats: IndexMap<String, FacetRange>,
}

/// Names for callers that report afterwards what became of the hits.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    request_uid: Uuid,
    metadata: Vec<QueryMetadata>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueryMetadata {
    query_uid: Uuid,
    index_uid: IndexUid,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_key: Option<String>,
}

impl Answer {
    fn new(
        asking: &Asking<'_>,
        uids: &[IndexUid],
        answers: Vec<(IndexUid, FederatedAnswer)>,
        federation: &Federation,
        started: Instant,
    ) -> Result<Self, ApiError> {
        let metadata = asking.metadata(uids, &answers);
        let (mut lists, mut facets, mut total, mut degraded) = (Vec::new(), Vec::new(), 0, false);
        for (index, (uid, answer)) in answers.into_iter().enumerate() {
            lists.extend(answer.lists.into_iter().map(|list| List { index, list }));
            facets.extend(answer.facets.map(|facets| (uid, facets)));
            total += answer.total;
            degraded |= answer.degraded;
        }
        lists.sort_by_key(|list| list.list.position);
        federation::check_comparable(&lists)?;
        let window = federation.window();
        let (skip, take) = window.skip_and_take();
        let merged = federation::merge(lists, skip, take, federation.distinct.is_some());
        let total = total.saturating_sub(merged.rejected);
        let (mut facet_distribution, mut facet_stats, mut facets_by_index) = (None, None, BTreeMap::new());
        match federation.merge_facets {
            Some(how) if !facets.is_empty() => {
                let indexes = facets.iter().map(|(uid, facets)| (uid.as_str(), facets.clone())).collect();
                let MergedFacets { distribution, stats } = federation::merge_facets(indexes, how.max_values_per_facet)?;
                (facet_distribution, facet_stats) = (Some(distribution), Some(stats));
            }
            _ => {
                let shown =
                    facets.into_iter().map(|(uid, FederatedFacets { distribution, stats, .. })| (uid, Facets { distribution, stats }));
                facets_by_index = shown.collect();
            }
        }
        let processing_time_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let paging = Paging::new(window, total);
        Ok(Self { hits: merged.hits, processing_time_ms, paging, facet_distribution, facet_stats, facets_by_index, degraded, metadata })
    }
}

impl Paging {
    fn new(window: Window, total: u64) -> Self {
        match window {
            Window::Offset { limit, offset } => Self::Offset { limit, offset, estimated_total_hits: total },
            Window::Page { page, hits_per_page } => {
                let total_pages = if hits_per_page == 0 { 0 } else { total.div_ceil(hits_per_page as u64) };
                Self::Pages { hits_per_page, page, total_pages, total_hits: total }
            }
        }
    }
}

fn inside_query(position: usize, error: Error) -> Error {
    inside(&format!(".queries[{position}]"), error)
}

/// An error that says in which part of the request it is. A searcher that was asked several queries has said so itself.
fn inside(place: &str, error: Error) -> Error {
    match error {
        Error::Api(error) if !error.message.starts_with("Inside `.") => {
            Error::Api(ApiError::new(error.code, format!("Inside `{place}`: {}", error.message)))
        }
        error => error,
    }
}
