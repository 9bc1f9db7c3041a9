//! An index in a temporary directory.

use onggi_domain::{
    ApiError,
    generation::IndexState,
    limits::Limits,
    log::{DocumentMethod, Operation},
    settings::Settings,
    task::TaskDetails,
};
use onggi_engine::{
    Applied, Commit, Indexer, Options, Searcher,
    search::{DocumentsRequest, SearchRequest},
};
use serde_json::Value;
use tempfile::TempDir;

/// An indexer with its directory.
pub(crate) struct Fixture {
    pub(crate) directory: TempDir,
    pub(crate) indexer: Indexer,
    pub(crate) options: Options,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with_options(options())
    }

    pub(crate) fn with_options(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let state = IndexState::empty(Settings::default(), None);
        let indexer = Indexer::open(directory.path(), state, options.clone()).unwrap();
        Self { directory, indexer, options }
    }

    /// Adds documents as one task, in blocks of so many documents.
    pub(crate) fn add_in_blocks(&mut self, method: DocumentMethod, documents: &[Value], block: usize) -> Applied {
        self.indexer.begin_documents(method, "id").unwrap();
        for block in documents.chunks(block) {
            let lines: Vec<String> = block.iter().map(Value::to_string).collect();
            self.indexer.add_documents(lines.join("\n").as_bytes()).unwrap();
        }
        self.indexer.end_documents().unwrap()
    }

    pub(crate) fn add(&mut self, documents: &[Value]) -> TaskDetails {
        self.add_in_blocks(DocumentMethod::Replace, documents, usize::MAX).unwrap()
    }

    pub(crate) fn update(&mut self, documents: &[Value]) -> TaskDetails {
        self.add_in_blocks(DocumentMethod::Update, documents, usize::MAX).unwrap()
    }

    pub(crate) fn apply(&mut self, operation: &Operation) -> Result<TaskDetails, ApiError> {
        self.indexer.apply(operation).unwrap()
    }

    pub(crate) fn settings(&mut self, patch: Value) -> TaskDetails {
        self.apply(&Operation::UpdateSettings { patch: Box::new(serde_json::from_value(patch).unwrap()) }).unwrap()
    }

    pub(crate) fn commit(&mut self) -> Commit {
        self.indexer.commit().unwrap()
    }

    pub(crate) fn searcher(&mut self) -> Searcher {
        let commit = self.commit();
        Searcher::open(self.directory.path(), &commit.meta_json, commit.state, self.options.clone()).unwrap()
    }

    /// Every document, in order of insertion.
    pub(crate) fn documents(&mut self) -> Vec<Value> {
        documents(&self.searcher())
    }
}

/// Every document of a searcher, in order of insertion.
pub(crate) fn documents(searcher: &Searcher) -> Vec<Value> {
    let page = searcher.documents(&DocumentsRequest { limit: 10_000, ..DocumentsRequest::default() }).unwrap().unwrap();
    page.results.iter().map(|document| serde_json::from_str(document.get()).unwrap()).collect()
}

/// The answer to a search that is right.
pub(crate) fn ask(searcher: &Searcher, request: &Value) -> Value {
    let request = SearchRequest::from_json(request.to_string().as_bytes()).unwrap();
    serde_json::to_value(searcher.search(&request, None).unwrap().unwrap()).unwrap()
}

/// The numeric ids of an answer's hits.
pub(crate) fn hit_ids(answer: &Value) -> Vec<u64> {
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
}

/// Little memory, no dictionaries.
pub(crate) fn options() -> Options {
    Options { memory_bytes: 40_000_000, dictionaries: None, limits: Limits::default() }
}
