//! A request to a searcher of an index: sent to the least busy one, once more to another when one fails, and held while the index wakes.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header::AUTHORIZATION};
use onggi_domain::{
    Code, IndexUid,
    limits::Limits,
    worker::{Endpoint, TIMING},
};
use onggi_web::{
    Error, Result,
    trace::{Call, KeyValue},
    upstream::{HttpClient, chain, http_client},
};

use crate::{
    Discovery,
    body::holding,
    headers::DRAINING,
    indexes::Found,
    replicas::{Replicas, UnderWay},
    waking::Waking,
};

/// How long a connection to a searcher may take to come about. They are near: what takes longer is lost, and the system would wait for a
/// second before it sends that again.
const CONNECT_TIME: Duration = Duration::from_millis(250);

/// The searchers of all indexes.
pub(crate) struct Searchers {
    discovery: Arc<dyn Discovery>,
    client: HttpClient,
    replicas: Arc<Replicas>,
    waking: Arc<Waking>,
}

/// A request for a searcher, read whole so that it can be sent again. Nothing that searchers are asked changes anything.
pub(crate) struct Question {
    pub(crate) method: Method,
    /// The searcher's own path, and the query string.
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A searcher did not answer.
struct Silence {
    why: String,
    /// It went away with the question. Otherwise it took nothing on, and asking another costs nothing.
    lost: bool,
}

impl Silence {
    fn refused(why: impl Into<String>) -> Self {
        Self { why: why.into(), lost: false }
    }
}

impl Searchers {
    pub(crate) fn new(discovery: Arc<dyn Discovery>, limits: &Limits) -> Self {
        let waking = Arc::new(Waking::new(discovery.clone(), limits));
        Self { discovery, client: http_client(CONNECT_TIME), replicas: Arc::default(), waking }
    }

    /// The answer of one of the index's searchers.
    pub(crate) async fn ask(&self, uid: &IndexUid, index: Found, question: &Question) -> Result<Response> {
        let (mut tried, mut lost, mut place) = (Vec::new(), false, None);
        loop {
            let (endpoints, zone) = (self.discovery.endpoints(index.id), self.discovery.zone());
            if let Some((endpoint, under_way)) = self.replicas.choose(&endpoints, &tried, zone.as_deref()) {
                let silence = match self.send(endpoint, question, under_way).await {
                    Ok(response) => return Ok(response),
                    Err(silence) => silence,
                };
                let why = silence.why;
                self.replicas.avoid(&endpoint.name);
                // Lost twice, the question itself may be what ends searchers: it must not end them all.
                if silence.lost && std::mem::replace(&mut lost, true) {
                    tracing::error!(container = endpoint.name, why, "two searchers did not answer the same request");
                    let message = "The searchers of this index could not answer. Try again in a moment.";
                    return Err(Error::api(Code::Unavailable, message));
                }
                tracing::warn!(container = endpoint.name, why, "searcher did not answer, asking another");
                metrics::counter!("onggi_gateway_retries_total").increment(1);
                tried.push(endpoint.name.clone());
            } else {
                if place.is_none() {
                    place = Some(self.waking.enter(uid, index)?);
                }
                if let Some(place) = &mut place {
                    place.wait(!tried.is_empty()).await?;
                }
                tried.clear();
            }
        }
    }

    async fn send(&self, endpoint: &Endpoint, question: &Question, under_way: UnderWay) -> Result<Response, Silence> {
        let mut request = request(endpoint, question).map_err(|error| Silence::refused(error.to_string()))?;
        let call = Call::begin("ask a searcher", [KeyValue::new("onggi.container", endpoint.name.clone())]);
        if let Some(call) = &call {
            call.inject(request.headers_mut());
        }
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => {
                let why = chain(&error);
                if let Some(call) = call {
                    call.failed(&why);
                }
                return Err(Silence { why, lost: !error.is_connect() });
            }
        };
        if let Some(call) = call {
            let timings = response.headers().get(TIMING).and_then(|value| value.to_str().ok()?.parse().ok());
            if let Some(timings) = timings {
                call.timed(timings);
            }
            call.answered(response.status());
        }
        match response.status() {
            StatusCode::SERVICE_UNAVAILABLE if response.headers().contains_key(DRAINING) => Err(Silence::refused("draining")),
            // Another container listens at its address by now.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Silence::refused("does not know its secret")),
            _ => Ok(response.map(|body| holding(Body::new(body), under_way))),
        }
    }
}

fn request(endpoint: &Endpoint, question: &Question) -> Result<Request<Body>, http::Error> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", endpoint.secret))?;
    bearer.set_sensitive(true);
    let mut request = Request::builder()
        .method(question.method.clone())
        .uri(format!("http://{}{}", endpoint.address, question.path_and_query))
        .body(Body::from(question.body.clone()))?;
    *request.headers_mut() = question.headers.clone();
    request.headers_mut().insert(AUTHORIZATION, bearer);
    Ok(request)
}
