//! The search engine of one index: analysis, schema, indexing, queries and ranking. The only user of `tantivy` and `lindera`.
//!
//! [`Indexer`] turns records of the log into commits; [`Searcher`] opens a commit and answers. Both work on a local directory
//! and know nothing of buckets or HTTP.

use std::path::{Path, PathBuf};

use onggi_domain::{
    ApiError,
    generation::IndexState,
    limits::Limits,
    log::{DocumentMethod, Operation},
    task::TaskDetails,
};

pub mod analysis;
pub mod schema;
pub mod search;
pub mod state;

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

/// Folds operations into a local Tantivy index. Not published until the caller publishes what [`Indexer::commit`] returns.
pub struct Indexer {
    _private: (),
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

impl Indexer {
    /// Opens the commit in `directory` (its files and `meta.json`), or begins an empty index there. A rebuild that the engine's version
    /// or the state demands happens with the next commit.
    pub fn open(directory: &Path, state: IndexState, options: Options) -> Result<Self> {
        let _ = (directory, state, options);
        todo!("Indexer::open")
    }

    /// Begins to add the documents of one task; feed it with [`Self::add_documents`] and close it with [`Self::end_documents`].
    pub fn begin_documents(&mut self, method: DocumentMethod, primary_key: &str) -> Result<()> {
        let _ = (method, primary_key);
        todo!("begin_documents")
    }

    /// Adds a block of whole NDJSON lines. May commit locally to stay in its memory.
    pub fn add_documents(&mut self, ndjson: &[u8]) -> Result<()> {
        let _ = ndjson;
        todo!("add_documents")
    }

    /// Ends the task.
    pub fn end_documents(&mut self) -> Result<Applied> {
        todo!("end_documents")
    }

    /// Applies any operation but `AddDocuments`, `Rollback` and `Cancel`, which are the caller's. An `Err` inside is the task's failure
    /// and changed nothing; settings that change analysis or schema rebuild from the stored documents.
    pub fn apply(&mut self, operation: &Operation) -> Result<Applied> {
        let _ = operation;
        todo!("apply")
    }

    /// Commits, waits for merges that are due, and says what a generation consists of.
    pub fn commit(&mut self) -> Result<Commit> {
        todo!("commit")
    }
}

/// Answers queries from one commit. Shared by all threads; blocking.
pub struct Searcher {
    _private: (),
}

impl Searcher {
    /// Opens the commit in `directory` as described by `state`. Takes no lock that another reader of the same files would need.
    pub fn open(directory: &Path, meta_json: &[u8], state: IndexState, options: Options) -> Result<Self> {
        let _ = (directory, meta_json, state, options);
        todo!("Searcher::open")
    }

    /// The state of the generation.
    pub fn state(&self) -> &IndexState {
        todo!("state")
    }

    /// Answers a search. `rule` is a filter that a tenant token adds.
    pub fn search(
        &self,
        request: &search::SearchRequest,
        rule: Option<&serde_json::Value>,
    ) -> Result<std::result::Result<search::SearchResponse, ApiError>> {
        let _ = (request, rule);
        todo!("search")
    }

    /// Values of a facet that start with a query.
    pub fn facet_search(
        &self,
        request: &search::FacetSearchRequest,
        rule: Option<&serde_json::Value>,
    ) -> Result<std::result::Result<search::FacetSearchResponse, ApiError>> {
        let _ = (request, rule);
        todo!("facet_search")
    }

    /// One document, whole or with these fields only, as it came.
    pub fn document(&self, id: &str, fields: Option<&[String]>) -> Result<Option<Box<serde_json::value::RawValue>>> {
        let _ = (id, fields);
        todo!("document")
    }

    /// Documents in order of insertion, or sorted.
    pub fn documents(&self, request: &search::DocumentsRequest) -> Result<std::result::Result<search::DocumentsPage, ApiError>> {
        let _ = request;
        todo!("documents")
    }
}
