//! Which headers pass through, and which are ours to say.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use onggi_domain::{IndexUid, worker};
use onggi_web::{portal::CSRF, trace::TRACEPARENT};
use serde_json::Value;
use tower_http::cors::{AllowHeaders, AllowMethods, Any, CorsLayer};
use url::form_urlencoded;

/// Names a request in logs and answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The generation that answered.
pub(crate) const GENERATION: HeaderName = HeaderName::from_static(worker::GENERATION);
/// Set on the refusals of a worker that drains.
pub(crate) const DRAINING: HeaderName = HeaderName::from_static(worker::DRAINING);
/// How many hits a search has, said by the searcher.
pub(crate) const HITS: HeaderName = HeaderName::from_static(worker::HITS);
/// The tenant's name for the index, for the searcher to repeat.
const INDEX_UID: HeaderName = HeaderName::from_static(worker::INDEX_UID);
/// The filter of a tenant token, for the searcher to add.
const FILTER: HeaderName = HeaderName::from_static(worker::FILTER);

/// What only concerns one connection (RFC 9110, 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What is between the caller and the gateway only.
const CALLERS: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::EXPECT,
    header::HOST,
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-ms-user-id"),
    // The gateway begins traces: whoever calls decides over no recording.
    TRACEPARENT,
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

/// Removes from a request what the services behind must not see or believe.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    headers.remove(header::COOKIE);
    headers.remove(CSRF);
    clean_page_request(headers);
}

/// The same for the portal, which cookies are for, and what its pages show beside them.
pub(crate) fn clean_page_request(headers: &mut HeaderMap) {
    // With both, the length is not what frames the body; passing it on would let one request pose as two.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    remove_hop_by_hop(headers);
    for name in CALLERS {
        headers.remove(name);
    }
    remove_where(headers, |name| (name.starts_with("x-onggi-") && name != CSRF.as_str()) || name.starts_with("x-forwarded-"));
}

/// Removes from an answer what callers must not see, and what the gateway says itself.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    headers.remove(header::SET_COOKIE);
    clean_page_response(headers);
}

/// The same for the portal, which sets cookies.
pub(crate) fn clean_page_response(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    remove_where(headers, |name| {
        (name.starts_with("x-onggi-") && name != GENERATION.as_str()) || name.starts_with("access-control-") || name == REQUEST_ID.as_str()
    });
}

/// Tells a searcher what it needs beside the request.
pub(crate) fn for_searcher(headers: &mut HeaderMap, uid: &IndexUid, filter: Option<&Value>) {
    // The body was read whole: its length is known anew.
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(INDEX_UID, HeaderValue::from_str(uid.as_str()).expect("a uid is ASCII"));
    if let Some(filter) = filter {
        let encoded: String = form_urlencoded::byte_serialize(filter.to_string().as_bytes()).collect();
        headers.insert(FILTER, HeaderValue::from_str(&encoded).expect("URL encoding is ASCII"));
    }
}

/// Browsers may call from anywhere: keys, and not origins, are what protects a tenant. Requested headers are named one by one,
/// because `*` does not cover `Authorization`.
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([GENERATION, header::ETAG, REQUEST_ID, header::RETRY_AFTER])
        .max_age(Duration::from_hours(24))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let connection: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|names| names.split(',').map(|name| name.trim().to_ascii_lowercase()))
        .collect();
    remove_where(headers, |name| connection.iter().any(|named| named == name));
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn remove_where(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[(&'static str, &'static str)]) -> HeaderMap {
        names.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn a_request_keeps_what_is_about_the_content_only() {
        let mut request = headers(&[
            ("content-type", "application/json"),
            ("if-none-match", "\"1\""),
            ("connection", "close, X-Secret"),
            ("x-secret", "1"),
            ("authorization", "Bearer key"),
            ("cookie", "a=b"),
            ("x-onggi-identity", "{}"),
            ("x-onggi-internal", "guess"),
            ("x-onggi-csrf", "token"),
            ("x-forwarded-for", "10.0.0.1"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ("baggage", "a=b"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
        ]);
        clean_request(&mut request);
        assert_eq!(names(&request), ["content-type", "if-none-match"]);
    }

    #[test]
    fn a_page_is_asked_for_with_its_cookie_and_what_its_scripts_show() {
        let mut request = headers(&[("cookie", "a=b"), ("x-onggi-csrf", "token"), ("x-onggi-client", "guess"), ("x-onggi-identity", "{}")]);
        clean_page_request(&mut request);
        assert_eq!(names(&request), ["cookie", "x-onggi-csrf"]);
    }

    #[test]
    fn an_answer_keeps_its_tag_and_generation() {
        let mut response = headers(&[
            ("etag", "\"1\""),
            ("x-onggi-generation", "7"),
            ("x-onggi-draining", "1"),
            ("access-control-allow-origin", "https://other.example"),
            ("keep-alive", "timeout=5"),
        ]);
        clean_response(&mut response);
        assert_eq!(names(&response), ["etag", "x-onggi-generation"]);
    }

    #[test]
    fn a_filter_is_one_url_encoded_value() {
        let mut request = HeaderMap::new();
        for_searcher(&mut request, &"movies".parse().unwrap(), Some(&serde_json::json!(["a = 1 & b", "제목 = x+y"])));
        let parsed: Vec<_> = form_urlencoded::parse(request[FILTER].as_bytes()).into_owned().collect();
        assert_eq!(parsed, [("[\"a = 1 & b\",\"제목 = x+y\"]".to_owned(), String::new())]);
        assert_eq!(request[INDEX_UID], "movies");
    }
}
