//! The searcher: one commit, opened for reading.

use std::path::Path;

use onggi_domain::{
    ApiError, Code,
    federation::{FederatedAnswer, FederatedRequest},
    generation::IndexState,
};
use serde_json::{Value, value::RawValue};
use tantivy::{
    Index, SegmentReader, Term,
    columnar::Column,
    query::{EmptyQuery, Query, TermSetQuery},
    schema::IndexRecordOption,
    store::StoreReader,
};

use crate::{
    Error, Options, Result,
    analysis::{Analyzer, Rule},
    directory::GenerationDirectory,
    schema::{ID, ORD_COLUMN},
    search::{
        AnalyzeRequest, AnalyzeResponse, DocumentsPage, DocumentsRequest, FacetSearchRequest, FacetSearchResponse, SearchRequest,
        SearchResponse, documents,
        filter::{self, Predicate},
        run::{self, Synonyms},
        variants::Remembered,
    },
    state::EngineState,
    stored,
};

/// Blocks of stored documents that each segment keeps unpacked.
const STORE_CACHE_BLOCKS: usize = 32;

/// Answers queries from one commit. Shared by all threads; blocking.
pub struct Searcher {
    state: IndexState,
    engine: EngineState,
    options: Options,
    analyzer: Analyzer,
    synonyms: Synonyms,
    segments: Vec<SegmentReader>,
    stores: Vec<StoreReader>,
    ords: Vec<Column<u64>>,
    remembered: Remembered,
}

impl std::fmt::Debug for Searcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Searcher").field("documents", &self.state.documents).field("segments", &self.segments.len()).finish_non_exhaustive()
    }
}

fn opening(source: tantivy::TantivyError) -> Error {
    Error::Tantivy { what: "opening the commit", source }
}

fn reading(source: tantivy::TantivyError) -> Error {
    Error::Tantivy { what: "reading documents", source }
}

impl Searcher {
    /// Opens the commit in `directory` as described by `state`. Takes no lock that another reader of the same files would need.
    pub fn open(directory: &Path, meta_json: &[u8], state: IndexState, options: Options) -> Result<Self> {
        let analyzer = Analyzer::new(&state.settings, options.dictionaries.as_deref());
        let engine = EngineState::of(&state)?.unwrap_or_else(|| EngineState::new(&state.settings, &analyzer));
        let analyzer = if engine.korean.is_some() { analyzer } else { analyzer.without_korean() };
        let index = Index::open(GenerationDirectory::open(directory, meta_json).map_err(opening)?).map_err(opening)?;
        let mut segments = Vec::new();
        for segment in index.searchable_segments().map_err(opening)? {
            segments.push(SegmentReader::open(&segment).map_err(opening)?);
        }
        let stores = segments
            .iter()
            .map(|segment| segment.get_store_reader(STORE_CACHE_BLOCKS))
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(|source| Error::Io { path: directory.display().to_string(), source })?;
        let ords =
            segments.iter().map(|segment| segment.fast_fields().u64(ORD_COLUMN)).collect::<tantivy::Result<Vec<_>>>().map_err(opening)?;
        let mut rules: Vec<Rule> = engine.attributes.iter().map(|attribute| analyzer.rule(attribute)).collect();
        rules.sort();
        rules.dedup();
        let synonyms = run::synonyms(&state.settings, &analyzer, &rules);
        Ok(Self { state, engine, options, analyzer, synonyms, segments, stores, ords, remembered: Remembered::default() })
    }

    /// The state of the generation.
    pub fn state(&self) -> &IndexState {
        &self.state
    }

    /// Answers a search. `rule` is a filter that a tenant token adds.
    pub fn search(&self, request: &SearchRequest, rule: Option<&Value>) -> Result<std::result::Result<SearchResponse, ApiError>> {
        self.with_index(|index| index.search(request, rule, &self.synonyms))
    }

    /// Answers the queries of a federated multi-search on this index. `rule` is a filter that a tenant token adds.
    pub fn federated_search(
        &self,
        request: &FederatedRequest,
        rule: Option<&Value>,
    ) -> Result<std::result::Result<FederatedAnswer, ApiError>> {
        self.with_index(|index| index.federated_search(request, rule, &self.synonyms))
    }

    /// Values of a facet that start with a query.
    pub fn facet_search(
        &self,
        request: &FacetSearchRequest,
        rule: Option<&Value>,
    ) -> Result<std::result::Result<FacetSearchResponse, ApiError>> {
        self.with_index(|index| index.facet_search(request, rule, &self.synonyms))
    }

    /// How a text becomes words, as things are and with the request's draft of settings.
    pub fn analyze(&self, request: &AnalyzeRequest) -> std::result::Result<AnalyzeResponse, ApiError> {
        let dictionaries = self.analyzer.korean().and(self.options.dictionaries.as_deref());
        request.answer(&self.state.settings, &self.analyzer, dictionaries, &self.options.limits)
    }

    /// One document, whole or with these fields only, as it came.
    pub fn document(&self, id: &str, fields: Option<&[String]>) -> Result<Option<Box<RawValue>>> {
        for (at, segment) in self.segments.iter().enumerate() {
            let index = segment.inverted_index(ID).map_err(reading)?;
            let postings = index.read_postings(&Term::from_field_text(ID, id), IndexRecordOption::Basic);
            let Some(mut postings) = postings.map_err(|source| reading(source.into()))? else { continue };
            while tantivy::DocSet::doc(&postings) != tantivy::TERMINATED {
                let doc = tantivy::DocSet::doc(&postings);
                if segment.alive_bitset().is_none_or(|alive| alive.is_alive(doc)) {
                    return documents::show(self.load(at as u32, doc)?, fields).map(Some);
                }
                tantivy::DocSet::advance(&mut postings);
            }
        }
        Ok(None)
    }

    /// Documents in order of insertion, or sorted.
    pub fn documents(&self, request: &DocumentsRequest) -> Result<std::result::Result<DocumentsPage, ApiError>> {
        let mut parts = Vec::new();
        if let Some(filter) = &request.filter {
            match filter::compiled(filter, &self.state.settings, &self.options.limits, Code::InvalidDocumentFilter) {
                Ok(part) => parts.extend(part),
                Err(error) => return Ok(Err(error)),
            }
        }
        if let Some(ids) = &request.ids {
            let terms: Vec<Term> = ids.iter().map(|id| Term::from_field_text(ID, &id_text(id))).collect();
            let query: Box<dyn Query> = if terms.is_empty() { Box::new(EmptyQuery) } else { Box::new(TermSetQuery::new(terms)) };
            parts.push(Predicate::Query(query));
        }
        let filter = Predicate::all_of(parts);
        self.with_index(|index| index.documents(request, filter.as_ref()))
    }

    fn with_index<T>(&self, work: impl FnOnce(&run::Index<'_>) -> T) -> T {
        work(&run::Index {
            segments: &self.segments,
            ords: &self.ords,
            state: &self.state,
            engine: &self.engine,
            analyzer: &self.analyzer,
            limits: &self.options.limits,
            remembered: &self.remembered,
            load: &|segment, doc| self.load(segment, doc),
        })
    }

    /// A stored document as it came.
    fn load(&self, segment: u32, doc: u32) -> Result<String> {
        let damaged = |why: String| Error::Damaged { what: format!("document {doc} of segment {segment}"), why };
        let document = self.stores[segment as usize].get_document_bytes(doc).map_err(reading)?;
        let content = stored::content(document).map_err(|error| damaged(error.to_string()))?;
        let content = content.ok_or_else(|| damaged("nothing is stored for it".to_owned()))?;
        std::str::from_utf8(&content).map(str::to_owned).map_err(|_| damaged("it is not UTF-8".to_owned()))
    }
}

fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
