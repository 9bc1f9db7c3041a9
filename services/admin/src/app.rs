//! What the resources share: finding an index, its bucket, tasks that are at their end at once, calls to the controller.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{Method, Request, StatusCode};
use onggi_bucket::IndexBucket;
use onggi_domain::{
    ApiError, Code, IndexId, IndexUid, TenantId, Timestamp,
    auth::Identity,
    index::Index,
    key::Action,
    task::{Task, TaskDetails, TaskKind},
};
use onggi_metadata::NewTask;
use onggi_web::{Error, Result, body};
use serde_json::Value;

use crate::Deps;

/// The application behind the routes.
#[derive(Clone)]
pub(crate) struct Admin(pub(crate) Arc<Deps>);

impl Admin {
    /// The caller's index of this name, if there is one.
    pub(crate) async fn find(&self, caller: &Identity, uid: &IndexUid) -> Result<Option<Index>> {
        match self.0.metadata.indexes.get(caller.tenant, uid).await {
            Ok(index) => Ok(Some(index)),
            Err(onggi_metadata::Error::NotFound(_)) => Ok(None),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// The caller's index that a path names.
    pub(crate) async fn index(&self, caller: &Identity, uid: &str) -> Result<Index> {
        let uid: IndexUid = uid.parse()?;
        self.find(caller, &uid).await?.ok_or_else(|| ApiError::index_not_found(uid.as_str()).into())
    }

    /// The objects of an index.
    pub(crate) fn bucket(&self, tenant: TenantId, index: IndexId) -> IndexBucket {
        IndexBucket::new(self.0.store.clone(), &IndexBucket::prefix(tenant, index))
    }

    /// A task that is at its end already: failed when there is an error.
    pub(crate) async fn complete(&self, task: &NewTask, error: Option<&ApiError>) -> Result<Task> {
        self.0.metadata.tasks.complete_at_once(task, error).await.map_err(Error::internal)
    }

    /// Reads a small body.
    pub(crate) async fn body(&self, body: Body) -> Result<axum::body::Bytes, ApiError> {
        body::read(body, self.0.limits.body_bytes.as_u64()).await
    }

    /// Calls the controller about an index.
    pub(crate) async fn controller(&self, method: Method, index: IndexId, what: &str) -> Result<Response> {
        let request = Request::builder().method(method).uri(format!("/internal/indexes/{index}/{what}")).body(Body::empty());
        let request = request.expect("the path is plain ASCII");
        self.0.controller.send(request).await.map_err(|error| {
            tracing::warn!(%index, what, error = %error, "controller could not be reached");
            Error::api(Code::Unavailable, "The containers of the index cannot be reached right now. Try again.")
        })
    }

    /// Tells the controller to look at an index now; it also looks on its own.
    pub(crate) fn notify(&self, index: IndexId) {
        let admin = self.clone();
        tokio::spawn(async move {
            if let Ok(response) = admin.controller(Method::POST, index, "changed").await
                && !response.status().is_success()
            {
                tracing::debug!(%index, status = response.status().as_u16(), "controller did not take the notice");
            }
        });
    }
}

/// A task that is accepted now.
pub(crate) fn new_task(caller: &Identity, index: Option<IndexId>, index_uid: Option<IndexUid>, kind: TaskKind, details: Value) -> NewTask {
    let details = match details {
        Value::Object(details) => details,
        _ => TaskDetails::new(),
    };
    let tenant = caller.tenant;
    NewTask { tenant, index, index_uid, kind, details, custom_metadata: None, targets: None, enqueued_at: Timestamp::now() }
}

/// 202 and the task.
pub(crate) fn accepted(task: &Task) -> Response {
    (StatusCode::ACCEPTED, Json(task.accepted())).into_response()
}

/// Refuses an index of the body that the caller's key does not cover, as the gateway refuses one of the path.
pub(crate) fn require(caller: &Identity, action: Action, uid: &IndexUid) -> Result<(), ApiError> {
    if caller.allows(action, Some(uid.as_str())) {
        return Ok(());
    }
    Err(ApiError::new(Code::InvalidApiKey, "The provided API key is invalid."))
}
