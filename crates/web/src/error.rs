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

/// The response of an error for the caller.
pub fn response(error: &ApiError) -> Response {
    let status = http::StatusCode::from_u16(error.code.status()).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(error)).into_response()
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Api(error) => response(&error),
            Self::Internal(error) => {
                let mut chain = error.to_string();
                let mut source = error.source();
                while let Some(cause) = source {
                    chain.push_str(": ");
                    chain.push_str(&cause.to_string());
                    source = cause.source();
                }
                tracing::error!(error = chain, "request failed");
                response(&ApiError::internal())
            }
        }
    }
}
