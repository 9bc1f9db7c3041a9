//! The search engine of one index: analysis, schema, indexing, queries and ranking. The only user of `tantivy` and `lindera`.
//!
//! [`Indexer`] turns records of the log into commits; [`Searcher`] opens a commit and answers. Both work on a local directory
//! and know nothing of buckets or HTTP.

use std::path::PathBuf;

use onggi_domain::{ApiError, generation::IndexState, limits::Limits, task::TaskDetails};

pub mod analysis;
pub mod dictionaries;
mod directory;
mod document;
mod indexer;
pub mod schema;
pub mod search;
mod searcher;
pub mod state;
mod stored;

pub use indexer::Indexer;
pub use searcher::Searcher;

/// A failure of the engine that is not the caller's fault.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory or a file in it.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Tantivy.
    #[error("{what}: {source}")]
    Tantivy {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: tantivy::TantivyError,
    },
    /// A stored document or state is not what it should be.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// Which.
        what: String,
        /// How.
        why: String,
    },
}

/// Says what was tried when Tantivy failed.
pub(crate) fn tantivy_error(what: &'static str) -> impl FnOnce(tantivy::TantivyError) -> Error {
    move |source| Error::Tantivy { what, source }
}

/// A result of the engine.
pub type Result<T> = std::result::Result<T, Error>;

/// What both sides need to know about the machine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory that may be used, in bytes.
    pub memory_bytes: u64,
    /// Where the unpacked dictionaries are; without: Korean by bigrams alone.
    pub dictionaries: Option<PathBuf>,
    /// Limits on documents and queries.
    pub limits: Limits,
}

/// What became of an operation: numbers for the task, or why it had no effect at all.
pub type Applied = std::result::Result<TaskDetails, ApiError>;

/// A commit: what a generation consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// Names of the files in the directory, without `meta.json`.
    pub files: Vec<String>,
    /// The content of `meta.json`.
    pub meta_json: Vec<u8>,
    /// Everything else that determines answers.
    pub state: IndexState,
}
