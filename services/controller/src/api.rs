//! The internal API: what gateway, uploader and admin ask of the controller.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use futures::future::join_all;
use onggi_domain::{
    ApiError, Code, IndexId, Seq, TenantId, Timestamp,
    container::{Container, ContainerStatus, Decision, IndexPhase, Role, lag},
    worker::{Endpoint, WorkerStatus},
};
use onggi_web::{Error, Result, identity::require_internal};
use serde::{Deserialize, Serialize};

use crate::{Inner, WakeError, autoscale::Scaler, runtime::Observed};

/// The containers of an index, and whether it answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexContainers {
    /// Whether it answers.
    pub phase: IndexPhase,
    /// Searchers that should run now.
    pub wanted: u32,
    /// Each container, by role and name.
    pub containers: Vec<Container>,
    /// Why their number is what it is, newest first.
    pub decisions: Vec<Decision>,
}

/// An index that was woken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Woken {
    /// Whether it answers.
    pub phase: IndexPhase,
    /// Who does, so that nobody has to wait until that is heard of elsewhere.
    pub searchers: Vec<Searcher>,
}

/// Where a searcher is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searcher {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
}

pub(crate) fn router(inner: Arc<Inner>) -> Router {
    let secret = inner.deps.internal_secret.clone();
    Router::new()
        .route("/internal/indexes/{id}/changed", post(changed))
        .route("/internal/indexes/{id}/wake", post(wake))
        .route("/internal/indexes/{id}/sleep", post(sleep))
        .route("/internal/indexes/{id}/containers", get(containers))
        .route("/internal/containers", get(everything))
        .layer(axum::middleware::from_fn_with_state(secret, require_internal))
        .with_state(inner)
}

async fn changed(State(inner): State<Arc<Inner>>, Path(index): Path<IndexId>) -> StatusCode {
    inner.queue.add(index);
    StatusCode::NO_CONTENT
}

async fn wake(State(inner): State<Arc<Inner>>, Path(index): Path<IndexId>) -> Result<Json<Woken>> {
    match inner.wake(index).await {
        Ok(phase) => {
            let routed = inner.routes.get(index);
            let searchers = routed.iter().map(|endpoint| Searcher { name: endpoint.name.clone(), address: endpoint.address });
            Ok(Json(Woken { phase, searchers: searchers.collect() }))
        }
        Err(WakeError::NotFound) => Err(not_found(index)),
        Err(WakeError::TooSlow) => Err(Error::api(Code::IndexWaking, "The index is waking and does not answer yet. Try again shortly.")),
        Err(WakeError::Stopping) => Err(Error::api(Code::Unavailable, "This controller is stopping. Another one takes over.")),
        Err(error @ WakeError::Failed(_)) => Err(Error::internal(error)),
    }
}

async fn sleep(State(inner): State<Arc<Inner>>, Path(index): Path<IndexId>) -> Result<StatusCode> {
    if inner.sleep(index, "its tenant sent it to sleep").await.map_err(Error::internal)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found(index))
    }
}

async fn containers(State(inner): State<Arc<Inner>>, Path(id): Path<IndexId>) -> Result<Json<IndexContainers>> {
    let index = inner.living(id).await.map_err(Error::internal)?.ok_or_else(|| not_found(id))?;
    let observed = inner.deps.runtime.observe_index(id).await.map_err(Error::internal)?;
    let unfinished = inner.deps.metadata.tasks.unfinished_span(id).await.map_err(Error::internal)?;
    let statuses = join_all(observed.iter().map(|container| async {
        let endpoint = container.endpoint.as_ref()?;
        inner.workers.status(endpoint, inner.config.status_time).await.ok()
    }))
    .await;
    let routed = inner.routes.get(id);
    let wanted = match index.replicas_wanted() {
        0 => 0,
        selected => inner.memories.if_known(id, |memory| memory.scaler.as_ref().map(Scaler::replicas)).flatten().unwrap_or(selected),
    };
    let phase = match (routed.is_empty(), wanted) {
        (false, _) => IndexPhase::Awake,
        (true, 0) => IndexPhase::Asleep,
        (true, _) => IndexPhase::Waking,
    };
    let committed = index.published.as_ref().and_then(|published| published.committed_seq);
    let head = unfinished.map(|(_, last)| last).max(committed);
    let mut containers: Vec<Container> = observed
        .into_iter()
        .zip(statuses)
        .filter(|(container, _)| !container.stopping)
        .map(|(container, status)| view(container, status.as_ref(), &routed, head))
        .collect();
    containers.sort_by(|a, b| (a.role, &a.name).cmp(&(b.role, &b.name)));
    Ok(Json(IndexContainers { phase, wanted, containers, decisions: inner.decisions.of(id) }))
}

/// A container, and whose it is: for the operator.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Anywhere {
    /// Its tenant.
    tenant: TenantId,
    /// Its index.
    index: IndexId,
    /// The name of its size class.
    size: String,
    /// Its name.
    name: String,
    /// What it does.
    role: Role,
    /// How far it is.
    status: ContainerStatus,
    /// CPU seconds used since it was started last.
    cpu_seconds: Option<f64>,
    /// Private memory in bytes.
    memory_bytes: Option<u64>,
    /// When it was created.
    since: Timestamp,
    /// Why it failed, or how often it was restarted.
    note: Option<String>,
}

/// Every container, as the runtime sees it: no worker is asked.
async fn everything(State(inner): State<Arc<Inner>>) -> Result<Json<Vec<Anywhere>>> {
    let observed = inner.deps.runtime.observe().await.map_err(Error::internal)?;
    let told = observed.into_iter().filter(|container| !container.stopping).map(|container| Anywhere {
        tenant: container.tenant,
        index: container.index,
        size: container.size,
        name: container.name,
        role: container.role,
        status: container.status,
        cpu_seconds: container.cpu_seconds,
        memory_bytes: container.memory_bytes,
        since: container.since,
        note: container.note,
    });
    Ok(Json(told.collect()))
}

/// A container as a tenant sees it: a searcher that listens and is not routed to yet is warming.
fn view(observed: Observed, status: Option<&WorkerStatus>, routed: &[Endpoint], head: Option<Seq>) -> Container {
    let is_routed = observed.endpoint.as_ref().is_some_and(|endpoint| routed.contains(endpoint));
    let warming = observed.role == Role::Searcher && observed.status == ContainerStatus::Running && !is_routed;
    let head = head.max(status.and_then(|status| status.head.max(status.committed_seq)));
    let error = status.and_then(|status| status.error.clone());
    Container {
        name: observed.name,
        role: observed.role,
        status: if warming { ContainerStatus::Warming } else { observed.status },
        generation: status.and_then(|status| status.generation),
        lag: status.map(|status| lag(status.committed_seq, head)),
        cpu_seconds: observed.cpu_seconds.or(status.and_then(|status| status.cpu_seconds)),
        memory_bytes: observed.memory_bytes.or(status.and_then(|status| status.memory_bytes)),
        since: observed.since,
        note: error.or(observed.note),
    }
}

fn not_found(index: IndexId) -> Error {
    ApiError::index_not_found(&index.to_string()).into()
}
