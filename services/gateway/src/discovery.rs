//! Where searchers are: what the gateway needs of whoever runs them.

use std::sync::Arc;

use async_trait::async_trait;
use onggi_domain::{IndexId, worker::Endpoint};

/// Finds the searchers of an index, and wakes it.
#[async_trait]
pub trait Discovery: Send + Sync {
    /// The searchers that answer; none while the index is asleep or waking. Asked for each request: cheap, without waiting.
    fn endpoints(&self, index: IndexId) -> Arc<[Endpoint]>;
    /// The zone that this process runs in, where that is known. Asked for each request too.
    fn zone(&self) -> Option<Arc<str>> {
        None
    }
    /// Wakes the index; returns once a searcher answers. Waking one that is awake does nothing.
    async fn wake(&self, index: IndexId) -> Result<(), WakeError>;
}

/// Why an index did not wake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WakeError {
    /// There is no such index.
    #[error("there is no such index")]
    NotFound,
    /// No searcher answered in time; it goes on waking.
    #[error("the index did not answer in time")]
    TooSlow,
    /// Something else failed.
    #[error("{0}")]
    Failed(String),
}
