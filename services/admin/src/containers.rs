//! `/indexes/{uid}/containers`, `/wake` and `/sleep`: what the tenant selected, what runs.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::Method;
use onggi_domain::{
    ApiError, Code,
    container::{Container, IndexPhase, SelectionPatch},
    index::Index,
};
use onggi_web::{Caller, Error, Result, body::parse};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::Admin;

/// The most that the controller answers about one index.
const ANSWER_BYTES: usize = 4 << 20;

pub(crate) fn router() -> Router<Admin> {
    Router::new()
        .route("/indexes/{uid}/containers", get(show).patch(change))
        .route("/indexes/{uid}/wake", post(wake))
        .route("/indexes/{uid}/sleep", post(sleep))
}

/// What the controller observes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Observed {
    pub(crate) phase: IndexPhase,
    pub(crate) containers: Vec<Container>,
}

async fn show(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    view(&admin, &admin.index(&caller, &uid).await?).await
}

async fn change(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>, body: Body) -> Result<Json<Value>> {
    let patch: SelectionPatch = parse(&admin.body(body).await?, |_| Code::InvalidContainers)?;
    let index = admin.select(admin.index(&caller, &uid).await?, &patch).await?;
    view(&admin, &index).await
}

async fn wake(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Response> {
    let index = admin.index(&caller, &uid).await?;
    let response = admin.controller(Method::POST, index.id, "wake").await?;
    // Where the searchers are is for insiders; that the index did not wake in time is for the tenant.
    if response.status().is_success() { Ok(phase(IndexPhase::Awake).into_response()) } else { Ok(response) }
}

async fn sleep(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    let index = admin.index(&caller, &uid).await?;
    let response = admin.controller(Method::POST, index.id, "sleep").await?;
    if response.status().is_success() { Ok(phase(IndexPhase::Asleep)) } else { Err(unavailable(&index, &response)) }
}

fn phase(phase: IndexPhase) -> Json<Value> {
    Json(json!({"phase": phase}))
}

impl Admin {
    /// Changes what the tenant selected. Selecting no replica sends the index to sleep, selecting some again wakes it.
    async fn select(&self, mut index: Index, patch: &SelectionPatch) -> Result<Index> {
        let selection = patch.apply(&index.selection, &self.0.sizes)?;
        let size = self.0.sizes.get(&selection.size)?;
        let documents = index.published.as_ref().map_or(0, |published| published.documents);
        if documents > size.max_documents {
            let (name, max) = (&size.name, size.max_documents);
            let message = format!("Index `{}` has {documents} documents, but the size `{name}` holds at most {max}.", index.uid);
            return Err(Error::api(Code::QuotaExceeded, message));
        }
        self.0.metadata.indexes.set_selection(index.id, &selection).await.map_err(Error::internal)?;
        index.selection = selection;
        self.notify(index.id);
        Ok(index)
    }
}

/// What the controller observes of an index.
pub(crate) async fn observe(admin: &Admin, index: &Index) -> Result<Observed> {
    let response = admin.controller(Method::GET, index.id, "containers").await?;
    if !response.status().is_success() {
        return Err(unavailable(index, &response));
    }
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES).await.map_err(Error::internal)?;
    serde_json::from_slice(&bytes).map_err(Error::internal)
}

async fn view(admin: &Admin, index: &Index) -> Result<Json<Value>> {
    let observed = observe(admin, index).await?;
    let selection = &index.selection;
    Ok(Json(json!({
        "uid": index.uid,
        "size": selection.size,
        "replicas": selection.replicas,
        "sleepAfterSeconds": selection.sleep_after_seconds,
        "wake": selection.wake,
        "phase": observed.phase,
        "containers": observed.containers,
    })))
}

fn unavailable(index: &Index, response: &Response) -> Error {
    tracing::warn!(index = %index.id, status = response.status().as_u16(), "controller refused");
    ApiError::new(Code::Unavailable, "The containers of the index cannot be reached right now. Try again.").into()
}
