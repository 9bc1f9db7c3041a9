//! Requests for the services behind: body and answer are streamed through, nothing is read.

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use onggi_domain::{ApiError, Code, auth::Identity};
use onggi_web::{Result, Upstream, identity};

use crate::{body::Limit, headers::clean_request};

/// Sends a request to a service in the name of the caller. The body may have `limit` bytes.
pub(crate) async fn forward(service: &Upstream, caller: &Identity, request: Request, limit: u64) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let (body, limit) = Limit::set(&parts.headers, body, limit)?;
    clean_request(&mut parts.headers);
    parts.headers.insert(identity::IDENTITY, identity::header(caller));
    let answer = service.send(Request::from_parts(parts, Body::new(body))).await;
    limit.check()?;
    Ok(answer.unwrap_or_else(|error| {
        tracing::error!(error = %error, "request failed");
        onggi_web::Error::from(ApiError::new(Code::Unavailable, "The service is not available. Try again in a moment.")).into_response()
    }))
}
