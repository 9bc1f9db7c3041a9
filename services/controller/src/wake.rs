//! Waking an index, and sending it to sleep on demand.

use std::{future::Future, pin::Pin, sync::Arc};

use futures::{FutureExt, future::Shared};
use onggi_domain::{IndexId, Timestamp, container::IndexPhase, index::Index};
use tokio::time::Instant;

use crate::{Inner, Result, autoscale::Change};

/// Why an index did not wake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WakeError {
    /// There is no such index.
    #[error("there is no such index")]
    NotFound,
    /// No searcher answered in time; it goes on waking.
    #[error("the index is waking and did not answer in time")]
    TooSlow,
    /// This controller ends; the next one will wake it.
    #[error("the controller is stopping")]
    Stopping,
    /// Something else failed.
    #[error("{0}")]
    Failed(String),
}

/// A wake under way, shared by everyone who waits for it.
pub(crate) type Waking = Shared<Pin<Box<dyn Future<Output = Result<IndexPhase, WakeError>> + Send>>>;

impl Inner {
    /// Wakes an index and waits for its first searcher.
    pub(crate) async fn wake(self: &Arc<Self>, index: IndexId) -> Result<IndexPhase, WakeError> {
        if !self.routes.get(index).is_empty() {
            // It may be about to sleep: waking it counts as using it.
            self.memories.if_known(index, |memory| memory.awake_since = Timestamp::now());
        }
        let waking = self.waking.lock().entry(index).or_insert_with(|| self.start_waking(index)).clone();
        waking.await
    }

    /// The wake goes on when nobody waits for it any more.
    fn start_waking(self: &Arc<Self>, index: IndexId) -> Waking {
        let inner = self.clone();
        let (result, waiting) = tokio::sync::oneshot::channel();
        self.spawn(async move {
            let woken = tokio::time::timeout(inner.config.wake_time, inner.wake_and_wait(index)).await;
            inner.waking.lock().remove(&index);
            let _ = result.send(woken.unwrap_or(Err(WakeError::TooSlow)));
        });
        waiting.map(|woken| woken.unwrap_or(Err(WakeError::Stopping))).boxed().shared()
    }

    async fn wake_and_wait(self: &Arc<Self>, id: IndexId) -> Result<IndexPhase, WakeError> {
        let start = Instant::now();
        let failed = |error: onggi_metadata::Error| WakeError::Failed(error.to_string());
        let index = self.living(id).await.map_err(failed)?.ok_or(WakeError::NotFound)?;
        if self.deps.metadata.indexes.set_awake(id, true).await.map_err(failed)? {
            let to = Index { awake: true, ..index.clone() }.replicas_wanted();
            self.decided(id, Change { from: 0, to, why: "it was woken by a search or by its tenant".to_owned() });
            metrics::counter!("onggi_controller_wakes_total").increment(1);
            tracing::info!(tenant = %index.tenant, index = %id, "waking");
        }
        self.memories.with(id, |memory| memory.awake_since = Timestamp::now());
        self.queue.add(id);
        self.routes.ready(id).await;
        metrics::histogram!("onggi_controller_wake_seconds").record(start.elapsed().as_secs_f64());
        Ok(IndexPhase::Awake)
    }

    /// Sends an index to sleep; whether there is such an index. `why` is for its tenant.
    pub(crate) async fn sleep(&self, id: IndexId, why: &str) -> Result<bool, onggi_metadata::Error> {
        let Some(index) = self.living(id).await? else { return Ok(false) };
        if self.deps.metadata.indexes.set_awake(id, false).await? {
            let from = self.memories.if_known(id, |memory| memory.wanted).unwrap_or_else(|| index.replicas_wanted());
            self.decided(id, Change { from, to: 0, why: why.to_owned() });
            tracing::info!(tenant = %index.tenant, index = %id, "going to sleep");
        }
        self.queue.add(id);
        Ok(true)
    }

    /// An index that is not deleted.
    pub(crate) async fn living(&self, id: IndexId) -> Result<Option<Index>, onggi_metadata::Error> {
        match self.deps.metadata.indexes.get_by_id(id).await {
            Ok(index) => Ok(Some(index).filter(|index| index.deleted_at.is_none())),
            Err(onggi_metadata::Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
