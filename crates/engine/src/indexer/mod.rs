//! Folds operations into a local Tantivy index.
//!
//! One thread of Tantivy indexes; the caller's thread parses documents and looks up what they replace. What a task would do wrong is found
//! before it changes anything, or undone by going back to the local commit before it ([`tasks`]).

mod by_id;
mod files;
mod known;
mod rebuild;
mod record;
mod tasks;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use onggi_domain::{ApiError, Code, generation::IndexState, log::Operation, task::TaskDetails};
use serde_json::json;
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher,
    index::IndexMeta,
    indexer::{IndexWriterOptions, LogMergePolicy},
    store::{Compressor, ZstdCompressor},
};

use self::{
    by_id::ById,
    known::{Batch, Known},
    record::{InFlight, Record},
    tasks::Task,
};
use crate::{
    Applied, Commit, Error, Options, Result,
    analysis::{self, Analyzer},
    document::{DocumentReader, Parsed},
    schema,
    state::{ENGINE_VERSION, EngineState},
    tantivy_error,
};

/// The least that Tantivy wants for its arena.
const LEAST_ARENA_BYTES: u64 = 15_000_000;
/// The most that is useful: larger segments come from merging.
const MOST_ARENA_BYTES: u64 = 512_000_000;
/// Segments with more than this part deleted are merged.
const DELETED_RATIO: f32 = 0.25;
/// Uncompressed bytes of a block of stored documents: a hit costs the decompression of one.
const STORE_BLOCK_BYTES: usize = 4 * 1024;

/// Folds operations into a local Tantivy index. Not published until the caller publishes what [`Indexer::commit`] returns.
pub struct Indexer {
    directory: PathBuf,
    options: Options,
    open: Open,
    /// The settings and numbers; `fields` and `engine` are kept in `reader` and joined in a commit.
    state: IndexState,
    reader: DocumentReader,
    parsed: Parsed,
    batch: Batch,
    task: Option<Task>,
    /// Text was analysed in another way than it would be now.
    outdated: bool,
    /// Something was written since the last local commit.
    dirty: bool,
    /// Keeps the files of the last commit while the caller publishes them.
    published: Option<IndexMeta>,
}

/// What is open of Tantivy.
struct Open {
    index: Index,
    /// Absent only between two writers.
    writer: Option<IndexWriter<Record>>,
    reader: IndexReader,
    in_flight: Arc<InFlight>,
}

impl Open {
    fn new(directory: &Path, analyzer: &Analyzer, options: &Options) -> Result<Self> {
        let settings = IndexSettings {
            docstore_compression: Compressor::Zstd(ZstdCompressor::default()),
            docstore_blocksize: STORE_BLOCK_BYTES,
            ..IndexSettings::default()
        };
        let mut index = files::open_index(directory, Index::builder().schema(schema::schema()).settings(settings))?;
        analysis::register(&mut index, analyzer);
        let arena = (options.memory_bytes / 2).clamp(LEAST_ARENA_BYTES, MOST_ARENA_BYTES);
        let writing =
            IndexWriterOptions::builder().memory_budget_per_thread(arena as usize).num_worker_threads(1).num_merge_threads(1).build();
        let writer = index.writer_with_options(writing).map_err(tantivy_error("open the writer"))?;
        let mut merging = LogMergePolicy::default();
        merging.set_del_docs_ratio_before_merge(DELETED_RATIO);
        writer.set_merge_policy(Box::new(merging));
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(16)
            .try_into()
            .map_err(tantivy_error("open the reader"))?;
        Ok(Self { index, writer: Some(writer), reader, in_flight: InFlight::new((options.memory_bytes / 8) as usize) })
    }

    fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    fn writer(&mut self) -> Result<&mut IndexWriter<Record>> {
        self.writer.as_mut().ok_or_else(|| Error::Damaged { what: "the index".to_owned(), why: "it could not be opened again".to_owned() })
    }
}

impl Indexer {
    /// Opens the commit in `directory` (its files and `meta.json`), or begins an empty index there. A rebuild that the engine's version
    /// or the state demands happens with the next commit.
    pub fn open(directory: &Path, mut state: IndexState, options: Options) -> Result<Self> {
        let analyzer = Analyzer::new(&state.settings, options.dictionaries.as_deref());
        let open = Open::new(directory, &analyzer, &options)?;
        let engine = EngineState::of(&state)?;
        let outdated = engine.as_ref().is_some_and(|engine| {
            engine.version != ENGINE_VERSION
                || engine.analysis != analyzer.fingerprint()
                || engine.hangul && engine.korean.as_deref() != analyzer.korean()
        });
        let mut engine = engine.unwrap_or_else(|| EngineState::new(&state.settings, &analyzer));
        if !engine.hangul {
            engine.korean = analyzer.korean().map(str::to_owned);
        }
        let fields = std::mem::take(&mut state.fields);
        let reader = DocumentReader::new(&state.settings, analyzer, engine, fields, options.limits.fields);
        Ok(Self {
            directory: directory.to_owned(),
            options,
            open,
            state,
            reader,
            parsed: Parsed::default(),
            batch: Batch::default(),
            task: None,
            outdated,
            dirty: false,
            published: None,
        })
    }

    /// Applies any operation but `AddDocuments`, `Rollback` and `Cancel`, which are the caller's. An `Err` inside is the task's failure
    /// and changed nothing; settings that change analysis or schema rebuild from the stored documents.
    pub fn apply(&mut self, operation: &Operation) -> Result<Applied> {
        match operation {
            Operation::DeleteDocuments { ids } => {
                let mut deleted = 0_u64;
                for id in ids {
                    deleted += u64::from(self.delete(id)?);
                }
                Ok(Ok(details(&json!({"providedIds": ids.len(), "deletedDocuments": deleted, "originalFilter": null}))))
            }
            Operation::DeleteByFilter { filter } => self.delete_by_filter(filter),
            Operation::DeleteAllDocuments => {
                let deleted = self.delete_all()?;
                Ok(Ok(details(&json!({"providedIds": 0, "deletedDocuments": deleted, "originalFilter": null}))))
            }
            Operation::UpdateSettings { patch } => self.update_settings(patch),
            Operation::SetPrimaryKey { primary_key } => {
                Ok(self.name_primary_key(primary_key).map(|()| details(&json!({"primaryKey": primary_key}))))
            }
            Operation::AddDocuments { .. } | Operation::Rollback { .. } | Operation::Cancel { .. } => {
                Err(Error::Damaged { what: "an operation".to_owned(), why: "it is not the engine's to apply".to_owned() })
            }
        }
    }

    /// Commits, and says what a generation consists of. Merges go on in the background; their result is in a later commit. The files
    /// stay until the next call.
    pub fn commit(&mut self) -> Result<Commit> {
        if self.outdated {
            self.rebuild(None)?;
        }
        self.published = None;
        self.local_commit()?;
        self.open.writer()?.garbage_collect_files().wait().map_err(tantivy_error("remove old files"))?;
        let meta = self.open.index.load_metas().map_err(tantivy_error("read the commit"))?;
        let files = files::of_commit(&self.directory, &meta);
        let meta_json =
            serde_json::to_vec(&meta).map_err(|error| Error::Damaged { what: "meta.json".to_owned(), why: error.to_string() })?;
        self.published = Some(meta);
        Ok(Commit { files, meta_json, state: self.state()? })
    }

    /// Everything that determines answers besides the segments, as it is now.
    fn state(&self) -> Result<IndexState> {
        let engine = serde_json::to_value(&self.reader.engine)
            .map_err(|error| Error::Damaged { what: "the engine's part of the index state".to_owned(), why: error.to_string() })?;
        Ok(IndexState { fields: self.reader.fields.clone(), engine, ..self.state.clone() })
    }

    /// Makes everything written so far visible to look-ups, and the batch empty.
    fn local_commit(&mut self) -> Result<()> {
        if self.dirty {
            self.open.writer()?.commit().map_err(tantivy_error("commit"))?;
            self.open.reader.reload().map_err(tantivy_error("read the commit"))?;
        }
        self.dirty = false;
        self.batch.clear();
        Ok(())
    }

    /// Adds what was parsed out of `raw` in the place of `old`, which has its id.
    fn put(&mut self, raw: &[u8], old: Option<&Known>, keep_raw: bool) -> Result<()> {
        let ord = if let Some(old) = old {
            self.remove()?;
            self.uncount(old);
            old.ord
        } else {
            self.state.next_ord += 1;
            self.state.next_ord - 1
        };
        self.state.documents += 1;
        self.state.raw_bytes += raw.len() as u64;
        for &field in &self.parsed.fields {
            self.reader.fields[field as usize] += 1;
        }
        let known =
            Known { ord, fields: self.batch.share(&self.parsed.fields), bytes: raw.len() as u64, raw: keep_raw.then(|| raw.into()) };
        self.batch.set(&self.parsed.id, Some(known));
        self.add(raw, ord)?;
        self.commit_full_batch()
    }

    /// Has Tantivy delete the document with the id at hand.
    fn remove(&mut self) -> Result<()> {
        let id = &self.parsed.id;
        self.batch.deletes(id);
        self.dirty = true;
        self.open.writer()?.delete_query(Box::new(ById::new(id))).map_err(tantivy_error("delete a document"))?;
        Ok(())
    }

    fn commit_full_batch(&mut self) -> Result<()> {
        if self.batch.bytes() as u64 > self.options.memory_bytes / 8 { self.local_commit() } else { Ok(()) }
    }

    /// Gives Tantivy what was parsed out of `raw`.
    fn add(&mut self, raw: &[u8], ord: u64) -> Result<()> {
        self.reader.engine.hangul |= !self.parsed.hangul.is_empty();
        let record = Record::new(raw, ord, &mut self.parsed, &self.open.in_flight);
        self.dirty = true;
        self.open.writer()?.add_document(record).map_err(tantivy_error("add a document"))?;
        Ok(())
    }

    /// What the index holds under the id of the parsed document. With `raw`, its JSON too.
    fn known(&mut self, raw: bool) -> Result<Option<Known>> {
        let id = self.parsed.id.as_str();
        if let Some(known) = self.batch.get(id) {
            if !raw || known.as_ref().is_none_or(|known| known.raw.is_some()) {
                return Ok(known.clone());
            }
            self.local_commit()?;
        }
        let searcher = self.open.searcher();
        match known::find(&searcher, &self.parsed.id)? {
            Some(address) => known::load(&searcher, address, &self.reader.fields).map(Some),
            None => Ok(None),
        }
    }

    /// Deletes a document; whether there was one.
    fn delete(&mut self, id: &str) -> Result<bool> {
        id.clone_into(&mut self.parsed.id);
        let Some(known) = self.known(false)? else { return Ok(false) };
        self.remove()?;
        self.uncount(&known);
        self.batch.set(id, None);
        self.commit_full_batch()?;
        Ok(true)
    }

    fn delete_all(&mut self) -> Result<u64> {
        let deleted = std::mem::take(&mut self.state.documents);
        self.state.raw_bytes = 0;
        self.reader.fields.values_mut().for_each(|count| *count = 0);
        self.clear()?;
        self.reader.engine.hangul = false;
        Ok(deleted)
    }

    /// Removes every document from Tantivy, those on their way too.
    fn clear(&mut self) -> Result<()> {
        self.open.writer()?.rollback().map_err(tantivy_error("drop what was not committed"))?;
        self.open.writer()?.delete_all_documents().map_err(tantivy_error("delete all documents"))?;
        self.dirty = true;
        self.local_commit()
    }

    fn delete_by_filter(&mut self, filter: &serde_json::Value) -> Result<Applied> {
        let query = match crate::search::filter::to_query(filter, &self.state.settings, &self.options.limits, Code::InvalidDocumentFilter) {
            Ok(Some(query)) => query,
            Ok(None) => return Ok(Err(ApiError::new(Code::InvalidDocumentFilter, "Sending an empty filter is forbidden."))),
            Err(error) => return Ok(Err(error)),
        };
        self.local_commit()?;
        let searcher = self.open.searcher();
        let found = searcher.search(&query, &tantivy::collector::DocSetCollector).map_err(tantivy_error("find the documents to delete"))?;
        for &address in &found {
            let id = known::id(&searcher, address)?;
            self.delete(&id)?;
        }
        Ok(Ok(details(&json!({"providedIds": 0, "deletedDocuments": found.len(), "originalFilter": filter.to_string()}))))
    }

    fn uncount(&mut self, known: &Known) {
        self.state.documents -= 1;
        self.state.raw_bytes -= known.bytes;
        for &field in &*known.fields {
            self.reader.fields[field as usize] -= 1;
        }
    }

    /// Sets the primary key.
    fn name_primary_key(&mut self, primary_key: &str) -> std::result::Result<(), ApiError> {
        self.check_primary_key(primary_key)?;
        self.state.primary_key = Some(primary_key.to_owned());
        Ok(())
    }

    /// The primary key cannot change once there are documents.
    fn check_primary_key(&self, primary_key: &str) -> std::result::Result<(), ApiError> {
        match &self.state.primary_key {
            Some(old) if old != primary_key && self.state.documents > 0 => {
                Err(ApiError::new(Code::IndexPrimaryKeyAlreadyExists, format!("Index already has a primary key: `{old}`.")))
            }
            _ => Ok(()),
        }
    }
}

/// A JSON object as the numbers of a task.
fn details(object: &serde_json::Value) -> TaskDetails {
    object.as_object().cloned().unwrap_or_default()
}
