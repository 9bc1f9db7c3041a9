//! The way of one request through the gateway.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::{RawPathParams, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode};
use onggi_domain::{ApiError, Code, IndexId, IndexUid, key::Action, usage::Counts};
use onggi_web::{Error, Result, upstream::UPLOADED};
use tokio::time::timeout;
use tracing::Span;

use crate::{
    Destination, Gateway, Route,
    authenticate::Caller,
    body::holding,
    events::{Answered, Asker, hits},
    forward::forward,
    headers::{REQUEST_ID, clean_request, clean_response, for_searcher},
    openapi,
    portal::ThroughPortal,
    search::Question,
    tenants::Tenant,
};

impl Gateway {
    /// Answers a request for a route: who asks, may they, how much, and then whoever the table names.
    pub(crate) async fn handle(&self, route: &'static Route, params: &RawPathParams, request: Request) -> Result<Response> {
        let Some(action) = route.action else {
            let file = params.iter().find_map(|(name, value)| (name == "file").then_some(value));
            let described = openapi::answers(route, file);
            return Ok(described.unwrap_or_else(|| Json(serde_json::json!({"status": "available"})).into_response()));
        };
        let span = Span::current();
        let caller = match request.extensions().get::<ThroughPortal>() {
            Some(through) => self.portal.authenticate(*through, request.method(), request.headers()).await?,
            None => self.keys.authenticate(request.headers(), action).await?,
        };
        span.record("tenant", tracing::field::display(caller.tenant()));
        let tenant = self.tenants.get(caller.tenant(), caller.plan()).await;
        let slot = tenant.admit(&caller)?;
        if let Some(key) = caller.shown_key() {
            self.counting.used(caller.tenant(), key);
        }
        let uid = params.iter().find_map(|(name, value)| (name == "uid").then_some(value));
        caller.check(action, uid)?;
        let uid: Option<IndexUid> = uid.map(str::parse).transpose()?;
        if let Some(uid) = &uid {
            span.record("uid", uid.as_str());
        }
        let time = self.limits.request_time * if route.is_upload() { 10 } else { 1 };
        let begun = Instant::now();
        let answer = timeout(time, self.answer(route, &caller, &tenant, uid.as_ref(), request)).await;
        if action == Action::Search {
            metrics::histogram!("onggi_gateway_search_seconds", "tier" => tenant.tier()).record(begun.elapsed());
        }
        let mut response = answer.unwrap_or_else(|_| Err(too_slow(time)))?;
        clean_response(response.headers_mut());
        Ok(response.map(|body| holding(body, slot)))
    }

    async fn answer(&self, route: &Route, caller: &Caller, tenant: &Tenant, uid: Option<&IndexUid>, request: Request) -> Result<Response> {
        let limit = if route.is_upload() { self.limits.upload_bytes } else { self.limits.body_bytes }.as_u64();
        match (route.to, uid) {
            (Destination::Searcher, Some(uid)) => self.search(caller, tenant, uid, request, limit).await,
            (Destination::Uploader, _) => {
                let answer = forward(&self.uploader, &caller.identity(), request, limit).await?;
                if let Some((index, documents)) = uploaded(answer.headers()) {
                    self.counting.count(caller.tenant(), index, &Counts { documents, ..Counts::default() });
                }
                Ok(answer)
            }
            (Destination::Admin, _) => {
                let answer = forward(&self.admin, &caller.identity(), request, limit).await;
                if !route.is_read() {
                    tenant.indexes_changed();
                }
                answer
            }
            (Destination::Searchers, _) => self.multi_search(caller, tenant, request).await,
            (Destination::Here, Some(uid)) => self.report(caller, tenant, uid, request).await,
            (Destination::Here, None) => self.try_token(caller, request).await,
            (Destination::Portal, _) | (Destination::Searcher, None) => Err(Error::internal("the table of routes sends this nowhere")),
        }
    }

    async fn search(&self, caller: &Caller, tenant: &Tenant, uid: &IndexUid, request: Request, limit: u64) -> Result<Response> {
        let started = Instant::now();
        let index = self.indexes.find(caller.tenant(), tenant.epoch(), uid).await?;
        Span::current().record("index", tracing::field::display(index.id));
        let (mut parts, body) = request.into_parts();
        let (body, _held) = tenant.room().read(body, limit).await?;
        let asker = self.asker(caller, &parts.headers);
        clean_request(&mut parts.headers);
        for_searcher(&mut parts.headers, uid, caller.filter(uid.as_str()));
        let path_and_query = searchers_path(&parts.uri).to_owned();
        let question = Question { method: parts.method, path_and_query, headers: parts.headers, body };
        let answer = self.search.ask(uid, index, &question).await?;
        let is_search = ["/search", "/facet-search"].contains(&question.path_and_query.split('?').next().unwrap_or_default());
        if is_search && (answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED) {
            self.counting.searched(&Answered {
                tenant: caller.tenant(),
                index: index.id,
                asker,
                path_and_query: &question.path_and_query,
                body: &question.body,
                hits: hits(answer.headers()),
                taken: started.elapsed(),
            });
        }
        Ok(answer)
    }

    /// Whose search it is, in the log of queries.
    pub(crate) fn asker(&self, caller: &Caller, headers: &HeaderMap) -> Asker {
        let request_id = headers.get(REQUEST_ID).map_or(&[][..], HeaderValue::as_bytes);
        Asker::of(headers, request_id, caller.tenant(), &self.secrets, self.counting.log_one_in())
    }
}

/// What an upload wrote, and where: `<index>;<documents>`.
fn uploaded(headers: &HeaderMap) -> Option<(IndexId, u64)> {
    let (index, documents) = headers.get(UPLOADED)?.to_str().ok()?.split_once(';')?;
    Some((index.parse().ok()?, documents.parse().ok()?))
}

/// What follows `/indexes/{uid}`, as it came.
fn searchers_path(uri: &http::Uri) -> &str {
    let path = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    path.match_indices('/').nth(2).map_or("/", |(third, _)| &path[third..])
}

fn too_slow(time: Duration) -> Error {
    let message = format!("The request was not done within {} seconds. Ask for less at a time, or try again.", time.as_secs_f64());
    Error::Api(ApiError::new(Code::RequestTimeout, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_searchers_path_is_what_follows_the_index() {
        for (path, expected) in [
            ("/indexes/movies/search", "/search"),
            ("/indexes/movies/documents/a%2Fb?fields=id%2Ctitle", "/documents/a%2Fb?fields=id%2Ctitle"),
            ("http://search.example/indexes/movies/search?q=a/b", "/search?q=a/b"),
        ] {
            assert_eq!(searchers_path(&path.parse().unwrap()), expected);
        }
    }
}
