//! Who calls a service behind the gateway.

use axum::{extract::FromRequestParts, response::Response};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderName, HeaderValue, request::Parts};
use onggi_domain::{ApiError, Code, IndexId, auth::Identity};
use sha2::Sha256;

/// The header in which the gateway passes the [`Identity`], as JSON.
pub const IDENTITY: HeaderName = HeaderName::from_static("x-onggi-identity");
/// The header that proves that a request comes from inside: the internal secret.
pub const INTERNAL: HeaderName = HeaderName::from_static("x-onggi-internal");

/// The authenticated caller, as an extractor. The gateway has checked the action and the index of the path already; a handler checks
/// what only it knows (such as indexes named in a body).
#[derive(Debug, Clone)]
pub struct Caller(pub Identity);

/// The header value for an identity.
pub fn header(identity: &Identity) -> HeaderValue {
    let json = serde_json::to_string(identity).expect("an identity is plain data");
    HeaderValue::from_str(&json).expect("uuids, actions and index patterns are ASCII")
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        parts.headers.get(&IDENTITY).and_then(|value| serde_json::from_slice(value.as_bytes()).ok()).map(Self).ok_or_else(|| {
            crate::error::response(&ApiError::new(
                Code::MissingAuthorizationHeader,
                "The Authorization header is missing. It must use the bearer authorization method.",
            ))
        })
    }
}

/// Middleware for services that stand behind the gateway: refuses requests without the internal secret, compared in constant time.
pub async fn require_internal(
    axum::extract::State(secret): axum::extract::State<std::sync::Arc<str>>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let shown = request.headers().get(&INTERNAL).map_or(&[][..], HeaderValue::as_bytes);
    if same(shown, secret.as_bytes()) {
        return next.run(request).await;
    }
    crate::error::response(&ApiError::new(Code::InvalidApiKey, "The provided API key is invalid."))
}

/// What the workers of an index want to be shown: derived, so that whoever knows the internal secret can call a worker without being told of
/// it, and one index's secret says nothing about another's.
pub fn worker_secret(internal_secret: &str, index: IndexId) -> std::sync::Arc<str> {
    let mut mac = Hmac::<Sha256>::new_from_slice(internal_secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(b"worker:");
    mac.update(index.to_string().as_bytes());
    hex::encode(mac.finalize().into_bytes()).into()
}

/// Compares two secrets in a time that does not depend on where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |different, (x, y)| different | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware::from_fn_with_state, routing::get};
    use onggi_domain::{
        KeyId, TenantId,
        key::{Action, IndexPattern},
    };
    use tower::ServiceExt;

    use super::*;

    fn identity() -> Identity {
        Identity {
            tenant: TenantId::generate(),
            key: KeyId::generate(),
            member: false,
            root: false,
            actions: vec![Action::Search, Action::DocumentsAll],
            indexes: vec![IndexPattern::try_from("prod_*".to_owned()).unwrap()],
        }
    }

    async fn status(router: &Router, headers: &[(HeaderName, HeaderValue)]) -> u16 {
        let mut request = http::Request::get("/").body(Body::empty()).unwrap();
        request.headers_mut().extend(headers.iter().cloned());
        router.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn the_caller_arrives_as_the_gateway_sent_it_and_without_one_nothing_is_done() {
        let sent = identity();
        let expected = sent.clone();
        let router = Router::new().route(
            "/",
            get(move |Caller(arrived): Caller| async move {
                assert_eq!(arrived, expected);
            }),
        );
        assert_eq!(status(&router, &[(IDENTITY, header(&sent))]).await, 200);
        assert_eq!(status(&router, &[]).await, 401);
        assert_eq!(status(&router, &[(IDENTITY, HeaderValue::from_static("{}"))]).await, 401);
    }

    #[test]
    fn each_index_has_a_worker_secret_of_its_own() {
        let (a, b) = (IndexId::generate(), IndexId::generate());
        assert_eq!(worker_secret("internal", a), worker_secret("internal", a));
        assert_ne!(worker_secret("internal", a), worker_secret("internal", b));
        assert_ne!(worker_secret("internal", a), worker_secret("other", a));
    }

    #[tokio::test]
    async fn only_who_shows_the_internal_secret_gets_in() {
        let secret: std::sync::Arc<str> = "internal".into();
        let router = Router::new().route("/", get(|| async {})).layer(from_fn_with_state(secret, require_internal));
        assert_eq!(status(&router, &[(INTERNAL, HeaderValue::from_static("internal"))]).await, 200);
        for wrong in ["", "interna", "internal2", "Internal"] {
            assert_eq!(status(&router, &[(INTERNAL, HeaderValue::from_static(wrong))]).await, 403, "{wrong}");
        }
        assert_eq!(status(&router, &[]).await, 403);
    }
}
