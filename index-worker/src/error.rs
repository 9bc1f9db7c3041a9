//! What can go wrong in a worker besides a caller's mistake. Each names the object or file that it is about.

use std::{io, path::Path};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Bucket(#[from] onggi_bucket::Error),
    #[error(transparent)]
    Engine(#[from] onggi_engine::Error),
    #[error("{path}: {source}")]
    Local { path: String, source: io::Error },
    #[error("generation {generation} needs {needed} of local disk beside the one that is served; the container has {limit}")]
    DiskFull { generation: onggi_domain::Generation, needed: bytesize::ByteSize, limit: bytesize::ByteSize },
    #[error("the manifest of generation {0} names no meta.json")]
    NoMeta(onggi_domain::Generation),
    #[error("the engine panicked; the log has the place")]
    Panicked,
    /// Not a failure: the worker was told to stop in the middle of something that can be done again.
    #[error("the worker is stopping")]
    Stopping,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the same publish may well work a moment later.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::Bucket(onggi_bucket::Error::Store { .. } | onggi_bucket::Error::LeaseExpired))
    }

    pub(crate) fn local(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Local { path, source }
    }
}

/// Runs blocking work of the engine or of the disk on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Panicked))
}
