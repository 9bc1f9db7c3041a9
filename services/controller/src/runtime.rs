//! What runs containers: the one interface between the controller and processes or Kubernetes.
//!
//! It speaks of sets, never of single processes: how a container is started, restarted and ended is the runtime's own affair.

use std::time::Duration;

use async_trait::async_trait;
use onggi_domain::{
    Generation, IndexId, TenantId, Timestamp,
    container::{ContainerSet, ContainerStatus, Decision, Role},
    worker::Endpoint,
};
use tokio::sync::broadcast;

/// A container as its runtime sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The index.
    pub index: IndexId,
    /// Its tenant.
    pub tenant: TenantId,
    /// A name that no other container ever has; it stays when the container is restarted.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// The name of its size class.
    pub size: String,
    /// `Created`, `Running` once it listens, or `Failed` while it waits to be restarted. A runtime knows no `Warming`.
    pub status: ContainerStatus,
    /// Whether the runtime is replacing it by a container of a newer version.
    pub outdated: bool,
    /// Whether it has been told to end.
    pub stopping: bool,
    /// Where it listens; `None` unless it is running.
    pub endpoint: Option<Endpoint>,
    /// How often it was restarted.
    pub restarts: u32,
    /// CPU seconds used since it was started last, where the runtime can tell.
    pub cpu_seconds: Option<f64>,
    /// Private memory in bytes, where the runtime can tell.
    pub memory_bytes: Option<u64>,
    /// When it was created.
    pub since: Timestamp,
    /// Why it failed, or how often it was restarted.
    pub note: Option<String>,
}

#[cfg(test)]
impl Observed {
    /// A searcher that was created at the beginning of time and does not listen yet.
    pub(crate) fn created(name: &str) -> Self {
        Self {
            index: IndexId(uuid::Uuid::nil()),
            tenant: TenantId(uuid::Uuid::nil()),
            name: name.to_owned(),
            role: Role::Searcher,
            size: "small".to_owned(),
            status: ContainerStatus::Created,
            outdated: false,
            stopping: false,
            endpoint: None,
            restarts: 0,
            cpu_seconds: None,
            memory_bytes: None,
            since: Timestamp::UNIX_EPOCH,
            note: None,
        }
    }
}

/// An error of a runtime; trying again may help.
#[derive(Debug, thiserror::Error)]
#[error("runtime: {what}: {source}")]
pub struct RuntimeError {
    /// What was tried, on what.
    pub what: String,
    /// Why it failed.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// A result of a runtime.
pub type Result<T> = std::result::Result<T, RuntimeError>;

/// Runs containers.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Makes it so that `set.searchers` searchers of its size run beside those named in `retire`, and an indexer if one is
    /// wanted; what is named in `retire` is ended, gracefully. A searcher beyond the number or of another size that is not
    /// named goes on: who routes requests decides which container goes, and stops routing to it first. An indexer that is no
    /// longer wanted is ended. Returns once that is under way; idempotent.
    async fn apply(&self, set: &ContainerSet, retire: &[String]) -> Result<()>;

    /// Whether the set is what it was told last, so far as it can tell: whatever runs by now, nothing has to be applied. A runtime that acts
    /// on what it is told at once has nothing that could differ.
    fn holds(&self, set: &ContainerSet) -> bool {
        let _ = set;
        true
    }

    /// Of the searchers of an index, those named in `out` are sent no more requests, and all others are again. Where the gateway learns of
    /// searchers from the controller itself, that is done already.
    async fn rotate(&self, index: IndexId, out: &[String]) -> Result<()> {
        let _ = (index, out);
        Ok(())
    }

    /// How long after [`Self::rotate`] somebody may still send requests by what was so before.
    fn route_time(&self) -> Duration {
        Duration::ZERO
    }

    /// Every index of which it holds anything, if only the note that nothing runs.
    async fn indexes(&self) -> Result<Vec<IndexId>>;

    /// Every container of every index, also those that are being ended.
    async fn observe(&self) -> Result<Vec<Observed>>;

    /// The containers of one index, by name.
    async fn observe_index(&self, index: IndexId) -> Result<Vec<Observed>>;

    /// Begins to end every container of an index. They are observed until they are gone.
    async fn remove(&self, index: IndexId) -> Result<()>;

    /// A generation of the index is served and recorded: for those who look at what runs. Told of every one; shows what it likes.
    fn recorded(&self, index: IndexId, generation: Generation) {
        let _ = (index, generation);
    }

    /// The number of searchers of an index was changed by what was asked of it: for those who look at what runs.
    fn decided(&self, index: IndexId, decision: &Decision) {
        let _ = (index, decision);
    }

    /// Removes what was made for a tenant as a whole, once it is deleted. Idempotent.
    async fn remove_tenant(&self, tenant: TenantId) -> Result<()> {
        let _ = tenant;
        Ok(())
    }

    /// Indexes with a container that changed. A receiver that lags looks at everything.
    fn changes(&self) -> broadcast::Receiver<IndexId>;
}
