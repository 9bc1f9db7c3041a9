//! A service behind this one: in the same process, or over HTTP. Callers do not see the difference.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, Request, Uri, Version, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower::ServiceExt;

use crate::identity::INTERNAL;

/// The header in which the uploader says what an upload brought, for the gateway to count: the index and the number of documents.
pub const UPLOADED: HeaderName = HeaderName::from_static("x-onggi-uploaded");

/// How long a connection may take to come about.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// How long an idle connection is kept.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// A service that requests can be sent to.
#[derive(Clone)]
pub struct Upstream {
    target: Target,
    secret: HeaderValue,
}

#[derive(Clone)]
enum Target {
    Local(axum::Router),
    Later(Arc<OnceLock<axum::Router>>),
    Remote(Box<(Uri, HttpClient)>),
}

/// A client that keeps connections alive, for bodies that are streamed.
pub type HttpClient = Client<HttpConnector, Body>;

/// A client for services nearby: connections that do not come about in `connect_time` are given up, others are kept alive and send at once
/// (`TCP_NODELAY`).
pub fn http_client(connect_time: Duration) -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(connect_time));
    Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_TIME).build(connector)
}

impl Upstream {
    /// A service in this process.
    pub fn local(router: axum::Router, internal_secret: &str) -> Self {
        Self { target: Target::Local(router), secret: secret(internal_secret) }
    }

    /// A service in this process that is made later: of two that call each other, one has to be. Until it is set it cannot be reached.
    pub fn later(router: Arc<OnceLock<axum::Router>>, internal_secret: &str) -> Self {
        Self { target: Target::Later(router), secret: secret(internal_secret) }
    }

    /// A service at `http://host:port`.
    pub fn remote(base: Uri, internal_secret: &str) -> Self {
        Self { target: Target::Remote(Box::new((base, http_client(CONNECT_TIME)))), secret: secret(internal_secret) }
    }

    /// Sends a request whose URI holds path and query only; bodies are streamed both ways.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response, Unreachable> {
        request.headers_mut().insert(INTERNAL, self.secret.clone());
        crate::trace::inject(request.headers_mut());
        match &self.target {
            Target::Local(router) => Ok(ask(router, request).await),
            Target::Later(cell) => {
                let router = cell.get().ok_or_else(|| Unreachable("it is not there yet".to_owned()))?;
                Ok(ask(router, request).await)
            }
            Target::Remote(remote) => {
                let (base, client) = remote.as_ref();
                let mut parts = base.clone().into_parts();
                parts.path_and_query = request.uri().path_and_query().cloned();
                *request.uri_mut() = Uri::from_parts(parts).map_err(|error| Unreachable(error.to_string()))?;
                // What the request came with is the affair of the connection that it came on.
                *request.version_mut() = Version::HTTP_11;
                request.headers_mut().remove(header::HOST);
                let response = client.request(request).await.map_err(|error| Unreachable(chain(&error)))?;
                Ok(response.map(Body::new))
            }
        }
    }
}

/// Asks a service in this process. What routing has noted here, such as parameters of the path, is not the other service's.
async fn ask(router: &axum::Router, mut request: Request<Body>) -> Response {
    request.extensions_mut().clear();
    router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// A service did not answer at all.
#[derive(Debug, thiserror::Error)]
#[error("service cannot be reached: {0}")]
pub struct Unreachable(String);

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn secret(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).expect("the internal secret is checked by the configuration to be ASCII");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        extract::{Path, RawQuery},
        middleware::from_fn_with_state,
        routing::post,
    };
    use http::StatusCode;
    use http_body_util::BodyExt;

    use super::*;
    use crate::identity::require_internal;

    fn service() -> Router {
        let echo = async |Path(id): Path<String>, RawQuery(query): RawQuery, body: bytes::Bytes| {
            let text = format!("{id} {query:?} {}", String::from_utf8_lossy(&body));
            (StatusCode::ACCEPTED, [("etag", "\"1\"")], text)
        };
        let secret: std::sync::Arc<str> = "internal".into();
        Router::new().route("/echo/{id}", post(echo)).layer(from_fn_with_state(secret, require_internal))
    }

    async fn remote(router: Router, internal_secret: &str) -> Upstream {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(crate::serve::serve(listener, router, std::future::pending(), Duration::ZERO));
        Upstream::remote(base, internal_secret)
    }

    async fn answer(upstream: &Upstream, path: &str) -> (u16, Option<HeaderValue>, bytes::Bytes) {
        let mut request = Request::post(path).header("host", "search.example").body(Body::from("body")).unwrap();
        *request.version_mut() = Version::HTTP_2;
        let response = upstream.send(request).await.unwrap();
        let (status, tag) = (response.status().as_u16(), response.headers().get(header::ETAG).cloned());
        (status, tag, response.into_body().collect().await.unwrap().to_bytes())
    }

    #[tokio::test]
    async fn a_service_answers_the_same_in_this_process_and_over_http() {
        let near = Upstream::local(service(), "internal");
        let far = remote(service(), "internal").await;
        for path in ["/echo/a%20b?q=%ED%95%9C", "/echo/1", "/absent"] {
            assert_eq!(answer(&near, path).await, answer(&far, path).await, "{path}");
        }
        let (status, tag, text) = answer(&far, "/echo/a%20b?q=1").await;
        assert_eq!((status, tag.unwrap(), &text[..]), (202, HeaderValue::from_static("\"1\""), &b"a b Some(\"q=1\") body"[..]));
    }

    #[tokio::test]
    async fn a_service_refuses_another_secret_in_this_process_and_over_http() {
        for upstream in [Upstream::local(service(), "other"), remote(service(), "other").await] {
            assert_eq!(answer(&upstream, "/echo/1").await.0, 403);
        }
    }

    #[tokio::test]
    async fn a_service_that_is_gone_is_an_error_that_says_why() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        drop(listener);
        let error = Upstream::remote(base, "s").send(Request::get("/").body(Body::empty()).unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
    }
}
