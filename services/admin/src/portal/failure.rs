//! What goes wrong on the way to a page. Handlers return it; `protect` makes a page of it, in the visitor's language, or JSON for a script.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use onggi_domain::{ApiError, Code};

/// A handler's result.
pub(crate) type Result<T = Response, E = Failure> = std::result::Result<T, E>;

/// Why there is no page.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// There is nothing here, or nothing that this person may know of.
    NotFound,
    /// Nobody is signed in.
    SignIn,
    /// The person's role does not allow it.
    Forbidden,
    /// The form did not come from a page of the portal, or from one that is too old.
    Stale,
    /// Too many of these.
    TooMany,
    /// An error of the API, to be told as it is.
    Api(ApiError),
    /// Ours; logged when it is made.
    Internal,
}

impl Failure {
    /// An error that is not the visitor's: logged here, and told as such.
    pub(crate) fn internal(error: impl std::error::Error) -> Self {
        tracing::error!(error = onggi_web::upstream::chain(&error), "a page failed");
        Self::Internal
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Stale => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Api(error) => StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The text that says what happened: `errors.<this>_title` and `errors.<this>`.
    pub(crate) fn text(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => ("errors.not_found_title", "errors.not_found"),
            Self::SignIn => ("errors.sign_in_title", "errors.sign_in"),
            Self::Forbidden => ("errors.forbidden_title", "errors.forbidden"),
            Self::Stale => ("errors.stale_title", "errors.stale"),
            Self::TooMany => ("errors.too_many_title", "errors.too_many"),
            Self::Api(_) => ("errors.refused_title", "errors.refused"),
            Self::Internal => ("errors.internal_title", "errors.internal"),
        }
    }

    /// The same for a program.
    pub(crate) fn api_error(&self) -> ApiError {
        match self {
            Self::NotFound => ApiError::new(Code::NotFound, "There is no such thing."),
            Self::SignIn => ApiError::new(Code::InvalidSession, "Nobody is signed in. Sign in at the portal."),
            Self::Forbidden => ApiError::new(Code::RoleNotSufficient, "Your role in this tenant does not allow this."),
            Self::Stale => ApiError::new(Code::InvalidCsrfToken, "The header `x-onggi-csrf` is missing or not that of this session."),
            Self::TooMany => ApiError::new(Code::TooManyRequests, "Too many attempts. Wait a minute, and try again."),
            Self::Api(error) => error.clone(),
            Self::Internal => ApiError::internal(),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<onggi_web::Error> for Failure {
    fn from(error: onggi_web::Error) -> Self {
        match error {
            onggi_web::Error::Api(error) => Self::Api(error),
            onggi_web::Error::Internal(error) => Self::internal(&*error),
        }
    }
}

/// What the database does not have is not there for the visitor either.
impl From<onggi_metadata::Error> for Failure {
    fn from(error: onggi_metadata::Error) -> Self {
        match error {
            onggi_metadata::Error::NotFound(_) => Self::NotFound,
            other => Self::internal(other),
        }
    }
}

/// A failure on its way to where it becomes a page.
#[derive(Clone)]
pub(crate) struct Failed(pub(crate) Arc<Failure>);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}
