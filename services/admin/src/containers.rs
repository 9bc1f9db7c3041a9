//! `/indexes/{uid}/containers`, `/wake` and `/sleep`: what the tenant selected, what runs.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::Method;
use onggi_domain::{
    ApiError, Code,
    container::{Container, Decision, IndexPhase, Selection, SelectionPatch},
    index::Index,
    plan::Selected,
};
use onggi_web::{Caller, Error, Result, body::parse, query::Params};
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
    /// From a controller of an earlier version: what is selected.
    #[serde(default)]
    pub(crate) wanted: Option<u32>,
    pub(crate) containers: Vec<Container>,
    #[serde(default)]
    pub(crate) decisions: Vec<Decision>,
}

async fn show(
    State(admin): State<Admin>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>> {
    let params = Params::parse(query.as_deref(), &["size", "replicas"])?;
    let patch = SelectionPatch {
        size: params.text("size").map(str::to_owned),
        replicas: params.number("replicas", Code::InvalidContainers)?,
        ..SelectionPatch::default()
    };
    let index = admin.index(&caller, &uid).await?;
    let mut shown = view(&admin, &index).await?;
    if patch != SelectionPatch::default() {
        shown.0["draft"] = admin.draft(&index, &patch).await?;
    }
    Ok(shown)
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
        self.check_documents(&index, &selection)?;
        let plan = self.plan_of(index.tenant).await?;
        let check = |before: &[Selected], after: &[Selected]| plan.check_selections(before, after, &self.0.sizes);
        match self.0.metadata.indexes.set_selection_within(index.id, &selection, &check).await {
            Ok(()) => {}
            Err(onggi_metadata::Error::Refused(error)) => return Err(error.into()),
            Err(error) => return Err(Error::internal(error)),
        }
        index.selection = selection;
        self.notify(index.id);
        Ok(index)
    }

    /// Whether the documents that there are fit into a selection's size.
    fn check_documents(&self, index: &Index, selection: &Selection) -> Result<(), ApiError> {
        let size = self.0.sizes.get(&selection.size)?;
        let documents = index.published.as_ref().map_or(0, |published| published.documents);
        if documents > size.max_documents {
            let (name, max) = (&size.name, size.max_documents);
            let message = format!("Index `{}` has {documents} documents, but the size `{name}` holds at most {max}.", index.uid);
            return Err(ApiError::new(Code::QuotaExceeded, message));
        }
        Ok(())
    }

    /// What a selection would cost, and why it would be refused.
    async fn draft(&self, index: &Index, patch: &SelectionPatch) -> Result<Value> {
        let plan = self.plan_of(index.tenant).await?;
        let selection = match patch.apply(&index.selection, &self.0.sizes) {
            Ok(selection) => selection,
            Err(error) => return Err(error.into()),
        };
        let before = self.0.metadata.indexes.selections(index.tenant).await.map_err(Error::internal)?;
        let mut after = before.clone();
        for (_, known) in after.iter_mut().filter(|(id, _)| *id == index.id) {
            known.clone_from(&selection);
        }
        let refused = self.check_documents(index, &selection).and_then(|()| plan.check_selections(&before, &after, &self.0.sizes)).err();
        let refused = refused.map(|error| error.message);
        let price = plan.price(&selection);
        Ok(json!({"size": selection.size, "replicas": selection.replicas, "price": price, "refused": refused}))
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
    let price = admin.plan_of(index.tenant).await?.price(selection);
    Ok(Json(json!({
        "uid": index.uid,
        "size": selection.size,
        "replicas": selection.replicas,
        "autoscale": selection.autoscale,
        "sleepAfterSeconds": selection.sleep_after_seconds,
        "wake": selection.wake,
        "price": price,
        "phase": observed.phase,
        "wanted": observed.wanted.unwrap_or_else(|| index.replicas_wanted()),
        "containers": observed.containers,
        "decisions": observed.decisions,
    })))
}

fn unavailable(index: &Index, response: &Response) -> Error {
    tracing::warn!(index = %index.id, status = response.status().as_u16(), "controller refused");
    ApiError::new(Code::Unavailable, "The containers of the index cannot be reached right now. Try again.").into()
}
