//! Every request has an id, a span and a place in the metrics. Paths are told as patterns: a real one may hold a key.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue};
use onggi_web::trace;
use tracing::{Instrument, Span, field};
use uuid::Uuid;

use crate::headers::{GENERATION, REQUEST_ID};

/// The most characters of a request id that is taken over.
const REQUEST_ID_CHARS: usize = 128;

/// Middleware around every request.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        request_id = id.to_str().unwrap_or_default(),
        method = %request.method(),
        route,
        tenant = field::Empty,
        uid = field::Empty,
        index = field::Empty,
        generation = field::Empty,
        trace = field::Empty,
    );
    if let Some(trace) = trace::id() {
        span.record("trace", trace);
    }
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(REQUEST_ID, id);
    record(&span, route, &response, started);
    response
}

fn record(span: &Span, route: String, response: &Response, started: Instant) {
    let taken = started.elapsed();
    let class = match response.status().as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    metrics::counter!("onggi_gateway_requests_total", "route" => route.clone(), "status" => class).increment(1);
    metrics::histogram!("onggi_gateway_request_seconds", "route" => route, "status" => class).record(taken);
    if let Some(generation) = response.headers().get(GENERATION).and_then(|value| value.to_str().ok()) {
        span.record("generation", generation);
    }
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), micros = taken.as_micros() as u64, "answered"));
}

/// The caller's id for the request if it is one that can be logged, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let usable = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=REQUEST_ID_CHARS).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    headers
        .get(REQUEST_ID)
        .filter(usable)
        .cloned()
        .unwrap_or_else(|| HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a uuid is ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_request_id_is_kept_only_when_it_can_be_logged() {
        let id = |value: &str| request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(value).unwrap())]));
        assert_eq!(id("app-1.2_3"), "app-1.2_3");
        for bad in ["", "a b", "a\"b", "a=b;c", &"x".repeat(129)] {
            assert!(Uuid::parse_str(id(bad).to_str().unwrap()).is_ok(), "{bad}");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
