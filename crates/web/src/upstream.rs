//! A service behind this one: in the same process, or over HTTP. Callers do not see the difference.

use axum::{body::Body, response::Response};
use http::{HeaderValue, Request, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use tower::ServiceExt;

use crate::identity::INTERNAL;

/// A service that requests can be sent to.
#[derive(Clone)]
pub struct Upstream {
    target: Target,
    secret: HeaderValue,
}

#[derive(Clone)]
enum Target {
    Local(axum::Router),
    Remote { base: Uri, client: Client<HttpConnector, Body> },
}

impl Upstream {
    /// A service in this process.
    pub fn local(router: axum::Router, internal_secret: &str) -> Self {
        Self { target: Target::Local(router), secret: secret(internal_secret) }
    }

    /// A service at `http://host:port`.
    pub fn remote(base: Uri, internal_secret: &str) -> Self {
        let client = Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
        Self { target: Target::Remote { base, client }, secret: secret(internal_secret) }
    }

    /// Sends a request whose URI holds path and query only; bodies are streamed both ways.
    pub async fn send(&self, mut request: Request<Body>) -> Result<Response, Unreachable> {
        request.headers_mut().insert(INTERNAL, self.secret.clone());
        match &self.target {
            Target::Local(router) => Ok(router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})),
            Target::Remote { base, client } => {
                let mut parts = base.clone().into_parts();
                parts.path_and_query = request.uri().path_and_query().cloned();
                *request.uri_mut() = Uri::from_parts(parts).map_err(|error| Unreachable(error.to_string()))?;
                let response = client.request(request).await.map_err(|error| Unreachable(error.to_string()))?;
                Ok(response.map(Body::new))
            }
        }
    }
}

/// A service did not answer at all.
#[derive(Debug, thiserror::Error)]
#[error("service cannot be reached: {0}")]
pub struct Unreachable(String);

fn secret(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).expect("the internal secret is checked by the configuration to be ASCII");
    value.set_sensitive(true);
    value
}
