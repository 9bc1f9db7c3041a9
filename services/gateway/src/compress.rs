//! Answers of the API are compressed for callers that take it. Not those of the portal: its pages hold secrets beside what an address says, and the
//! length of what is compressed together tells of both.

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, Predicate, predicate::SizeAbove},
};

/// Bytes of a body below which compressing costs more than it spares.
const SMALL: u64 = 1024;

/// The same routes, with answers compressed. Fast comes before small: searches are answered in milliseconds.
pub(crate) fn compressed(router: Router) -> Router {
    let layer = CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(SizeAbove::new(SMALL).and(is_text));
    router.layer(layer).layer(from_fn(negotiate))
}

/// Texts are, and JSON; an event has to arrive at once.
fn is_text(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("application/json") || (kind.starts_with("text/") && kind != "text/event-stream")
}

async fn negotiate(mut request: Request, next: Next) -> Response {
    if refuses_all(request.headers()) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // The bytes are other ones than those that the tag was made for, the content is the same.
    if headers.contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).filter(|tag| tag.starts_with('"'))
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        headers.insert(header::ETAG, weak);
    }
    response
}

/// Whether a caller takes nothing that there is, not even an answer as it came. It gets that all the same: a refusal afterwards would hide what
/// the request has done.
fn refuses_all(headers: &HeaderMap) -> bool {
    const KNOWN: [&str; 6] = ["identity", "*", "gzip", "deflate", "br", "zstd"];
    let mut codings =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    let taken = |coding: &str| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        KNOWN.iter().any(|known| name.trim().eq_ignore_ascii_case(known)) && weight.is_ok_and(|weight| weight > 0.0)
    };
    !codings.any(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_that_takes_nothing_is_found_out() {
        let accepting = |value: &'static str| HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
        for nothing in ["identity;q=0", "*;q=0", "gzip; q=0.0, identity;q=0", "x-own, identity;q=0", ""] {
            assert!(refuses_all(&accepting(nothing)), "{nothing}");
        }
        for something in ["gzip", "identity;q=0, BR;q=0.5", "*", "identity"] {
            assert!(!refuses_all(&accepting(something)), "{something}");
        }
    }

    #[test]
    fn only_text_is_compressed() {
        let of = |kind: &'static str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            is_text(StatusCode::OK, Version::HTTP_11, &headers, &Extensions::new())
        };
        assert!(of("application/json") && of("application/json; charset=utf-8") && of("text/html; charset=utf-8"));
        assert!(!of("text/event-stream") && !of("image/svg+xml") && !of("application/octet-stream"));
    }
}
