//! What can go wrong in the bucket, as a closed set of kinds.

use object_store::path::Path;
use onggi_domain::Generation;

/// An error of the bucket.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object store failed; trying again may help.
    #[error("{what} {object}: {source}")]
    Store {
        /// What was tried.
        what: &'static str,
        /// On which object.
        object: String,
        /// Why it failed.
        source: object_store::Error,
    },
    /// An object or local file is torn, missing or not what its reference says.
    #[error("{object} is damaged: {why}")]
    Damaged {
        /// Which.
        object: String,
        /// How.
        why: String,
    },
    /// Written by a newer version in a format that this one does not know.
    #[error("{object} has format {found}; this version reads up to {known}")]
    Format {
        /// Which.
        object: String,
        /// Its format.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// Another indexer published this generation first.
    #[error("generation {0} was published by another indexer")]
    Lost(Generation),
    /// A publish took longer than its lease: what it uploaded may be gone.
    #[error("the lease of the publish ran out")]
    LeaseExpired,
    /// There is no such generation (any more).
    #[error("generation {0} does not exist")]
    NoGeneration(Generation),
    /// The process is ending: whether the append happened is not known.
    #[error("the append was interrupted by the end of the process")]
    Interrupted,
    /// The local disk failed.
    #[error("{path}: {source}")]
    Local {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// A result of the bucket.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// For `map_err` on a call of the object store.
    pub(crate) fn store(what: &'static str, object: &Path) -> impl FnOnce(object_store::Error) -> Self + use<> {
        let object = object.to_string();
        move |source| Self::Store { what, object, source }
    }

    /// For `map_err` on a stream of the object store.
    pub(crate) fn store_each(what: &'static str, object: &Path) -> impl Fn(object_store::Error) -> Self + use<> {
        let object = object.to_string();
        move |source| Self::Store { what, object: object.clone(), source }
    }

    /// For `map_err` on a call of the local file system.
    pub(crate) fn local(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.display().to_string();
        move |source| Self::Local { path, source }
    }

    pub(crate) fn damaged(object: &Path, why: impl Into<String>) -> Self {
        Self::Damaged { object: object.to_string(), why: why.into() }
    }
}
