//! HTTP: requests to calls of the application, its answers to responses.

mod documents;
mod writes;

use std::str::FromStr;

use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::{delete, patch, post},
};
use http::StatusCode;
use onggi_domain::{ApiError, Code, IndexUid, limits::CUSTOM_METADATA_BYTES, task::Task};
use onggi_web::{Error, Result, identity::require_internal, query::Params};

use crate::{Deps, app::Uploader};

/// Every route of the uploader, for callers that show the internal secret.
pub fn router(deps: Deps) -> Router {
    let secret = deps.internal_secret.clone();
    Router::new()
        .route("/indexes/{uid}/documents", post(documents::replace).put(documents::update).delete(writes::delete_all))
        .route("/indexes/{uid}/documents/{id}", delete(writes::delete_one))
        .route("/indexes/{uid}/documents/delete-batch", post(writes::delete_batch))
        .route("/indexes/{uid}/documents/delete", post(writes::delete_by_filter))
        .route("/indexes/{uid}/settings", patch(writes::change_settings).delete(writes::reset_settings))
        .route("/indexes/{uid}/settings/{name}", patch(writes::change_setting).put(writes::change_setting).delete(writes::reset_setting))
        .route("/indexes/{uid}/generations/{generation}/rollback", post(writes::rollback))
        .route("/tasks/cancel", post(writes::cancel_tasks))
        .fallback(async || Error::api(Code::NotFound, "There is no such route."))
        .method_not_allowed_fallback(async || Error::api(Code::MethodNotAllowed, "This route does not take this method."))
        .with_state(Uploader::new(deps))
        .layer(axum::middleware::from_fn_with_state(secret, require_internal))
}

/// 202 and the task.
fn accepted(task: &Task) -> Response {
    (StatusCode::ACCEPTED, Json(task.accepted())).into_response()
}

/// What a caller gives along with a write, to find its task again.
fn custom_metadata(params: &Params) -> Result<Option<String>, ApiError> {
    match params.text("customMetadata") {
        Some(text) if text.len() > CUSTOM_METADATA_BYTES => {
            let message = format!(
                "Invalid value in parameter `customMetadata`: {} bytes are more than the {CUSTOM_METADATA_BYTES} that are kept with a task",
                text.len()
            );
            Err(ApiError::new(Code::InvalidIndexCustomMetadata, message))
        }
        text => Ok(text.map(str::to_owned)),
    }
}

fn index_uid(text: &str) -> Result<IndexUid, ApiError> {
    IndexUid::from_str(text)
}
