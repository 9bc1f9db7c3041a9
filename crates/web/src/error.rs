//! Errors become responses here and nowhere else.

use axum::response::{IntoResponse, Response};
use onggi_domain::{ApiError, Code};

/// What a handler fails with: an error for the caller, or one of our own, which is logged here once and told as `internal`.
#[derive(Debug)]
pub enum Error {
    /// The caller's to see.
    Api(ApiError),
    /// Ours; with its whole chain of causes.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

/// A handler's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl Error {
    /// An error that is not the caller's.
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// An error for the caller.
    pub fn api(code: Code, message: impl Into<String>) -> Self {
        Self::Api(ApiError::new(code, message))
    }
}

/// The response of an error for the caller. One that passes by itself says when to try again.
pub fn response(error: &ApiError) -> Response {
    let status = http::StatusCode::from_u16(error.code.status()).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(error)).into_response();
    if matches!(error.code, Code::TooManyRequests | Code::TooManySearchRequests | Code::IndexWaking | Code::Unavailable) {
        response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
    }
    response
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Api(error) => response(&error),
            Self::Internal(error) => {
                tracing::error!(error = crate::upstream::chain(&*error), "request failed");
                response(&ApiError::internal())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_answers_with_its_status_and_only_what_passes_says_when_to_try_again() {
        for code in Code::ALL {
            let response = response(&ApiError::new(*code, "no"));
            assert_eq!(response.status().as_u16(), code.status(), "{code:?}");
            let passes = matches!(code.status(), 429 | 503);
            assert_eq!(response.headers().contains_key(http::header::RETRY_AFTER), passes, "{code:?}");
        }
    }

    #[tokio::test]
    async fn a_cause_of_ours_is_not_told() {
        let response = Error::internal("the disk is full").into_response();
        assert_eq!(response.status(), 500);
        let body = crate::body::read(response.into_body(), 1 << 20).await.unwrap();
        assert!(!String::from_utf8_lossy(&body).contains("disk"));
    }
}
