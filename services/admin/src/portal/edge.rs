//! The tenant API as a page's server side calls it: through the gateway, in the name of whoever looks at the page, so that rights are checked
//! where they are for everybody.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderName, Method, Request, header};
use onggi_domain::{ApiError, Code};
use onggi_web::portal::CSRF;
use serde_json::Value;

use super::{
    Portal,
    failure::{Failure, Result},
    visit::Member,
};

/// The most that an answer to a page may have.
const ANSWER_BYTES: usize = 16 << 20;

impl Portal {
    /// Asks the tenant API, such as `/indexes/movies/stats`.
    pub(crate) async fn get(&self, member: &Member, path: &str) -> Result<Value> {
        self.call(member, Method::GET, path, None).await
    }

    /// Calls the tenant API with JSON. A refusal is [`Failure::Api`] with what the API said.
    pub(crate) async fn call(&self, member: &Member, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let json = [(header::CONTENT_TYPE, "application/json")];
        match body {
            Some(body) => self.send(member, method, path, &json, Body::from(body.to_string())).await,
            None => self.send(member, method, path, &[], Body::empty()).await,
        }
    }

    /// Calls the tenant API with any body.
    pub(crate) async fn send(
        &self,
        member: &Member,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Body,
    ) -> Result<Value> {
        let bytes = self.exchange(member, method, path, headers, body).await?;
        if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes).map_err(Failure::internal) }
    }

    /// Asks the tenant API for JSON that is to stay as it came: its numbers, and the order of its attributes.
    pub(crate) async fn text(&self, member: &Member, path: &str) -> Result<String> {
        let bytes = self.exchange(member, Method::GET, path, &[], Body::empty()).await?;
        String::from_utf8(bytes.into()).map_err(Failure::internal)
    }

    async fn exchange(&self, member: &Member, method: Method, path: &str, headers: &[(HeaderName, &str)], body: Body) -> Result<Bytes> {
        let uri = format!("/portal/api/{}{path}", member.tenant.id);
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::COOKIE, format!("{}={}", self.rules.cookie(), member.token))
            .header(CSRF, &member.visit.csrf);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(body).map_err(Failure::internal)?;
        let response = self.edge.send(request).await.map_err(Failure::internal)?;
        let status = response.status();
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES).await.map_err(|error| Failure::internal(&*error.into_inner()))?;
        if status.is_success() {
            return Ok(bytes);
        }
        let answer: Value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).map_err(Failure::internal)? };
        let code = answer["code"].as_str().and_then(|name| Code::ALL.iter().copied().find(|code| code.as_str() == name));
        Err(Failure::Api(ApiError::new(code.unwrap_or(Code::Internal), answer["message"].as_str().unwrap_or_default())))
    }
}
