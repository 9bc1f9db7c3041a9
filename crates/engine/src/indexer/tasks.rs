//! The addition of documents: a task takes effect as a whole or not at all.
//!
//! The first block is held back. If it is the only one, it is read once to see whether every document can be taken, and then again to take
//! them. If more follow, the index is committed locally first, and the task writes as it reads; a document that cannot be taken
//! brings that commit back.

use onggi_domain::{ApiError, generation::IndexState, log::DocumentMethod};
use serde_json::json;
use tantivy::index::IndexMeta;

use super::{Applied, Indexer, Open, details, files};
use crate::{
    Error, Result,
    document::{DocumentReader, Refusal, merge},
    state::EngineState,
    tantivy_error,
};

/// An addition under way.
pub(super) struct Task {
    method: DocumentMethod,
    primary_key: String,
    received: u64,
    /// The first block, until there is a second one.
    held: Vec<u8>,
    savepoint: Option<Savepoint>,
    refused: Option<ApiError>,
}

/// What to go back to.
struct Savepoint {
    meta_json: Vec<u8>,
    /// Keeps the files.
    meta: IndexMeta,
    state: IndexState,
}

impl Indexer {
    /// Begins to add the documents of one task; feed it with [`Self::add_documents`] and close it with [`Self::end_documents`].
    pub fn begin_documents(&mut self, method: DocumentMethod, primary_key: &str) -> Result<()> {
        if self.outdated {
            self.rebuild(None)?;
        }
        let refused = self.check_primary_key(primary_key).err();
        let primary_key = primary_key.to_owned();
        self.task = Some(Task { method, primary_key, received: 0, held: Vec::new(), savepoint: None, refused });
        Ok(())
    }

    /// Adds a block of whole NDJSON lines. May commit locally to stay in its memory.
    pub fn add_documents(&mut self, ndjson: &[u8]) -> Result<()> {
        let mut task = self.task.take().ok_or_else(no_task)?;
        if task.refused.is_some() {
            task.received += lines(as_text(ndjson)?).count() as u64;
        } else if task.savepoint.is_none() && task.held.is_empty() {
            task.held.extend_from_slice(ndjson);
        } else {
            if task.savepoint.is_none() {
                task.savepoint = Some(self.savepoint()?);
                let held = std::mem::take(&mut task.held);
                self.write_block(&mut task, &held)?;
            }
            self.write_block(&mut task, ndjson)?;
        }
        self.task = Some(task);
        Ok(())
    }

    /// Ends the task.
    pub fn end_documents(&mut self) -> Result<Applied> {
        let mut task = self.task.take().ok_or_else(no_task)?;
        if task.savepoint.is_none() && task.refused.is_none() {
            let held = std::mem::take(&mut task.held);
            self.check_block(&mut task, &held)?;
            self.write_block(&mut task, &held)?;
        }
        if let Some(error) = task.refused {
            return Ok(Err(error));
        }
        self.state.primary_key = Some(task.primary_key);
        Ok(Ok(details(&json!({"receivedDocuments": task.received, "indexedDocuments": task.received}))))
    }

    /// Reads a block only to see whether it can be taken.
    fn check_block(&mut self, task: &mut Task, block: &[u8]) -> Result<()> {
        let (fields, attributes) = (self.reader.fields.len(), self.reader.engine.attributes.len());
        for line in lines(as_text(block)?) {
            match self.reader.read(line, &task.primary_key, &mut self.parsed) {
                Ok(()) => {}
                Err(Refusal::Damaged(why)) => return Err(damaged(why)),
                Err(Refusal::Task(error)) => {
                    task.received = lines(as_text(block)?).count() as u64;
                    task.refused = Some(error);
                    break;
                }
            }
        }
        // Those that are taken are seen again; those that are left out leave nothing.
        self.reader.forget_fields_after(fields, attributes);
        Ok(())
    }

    /// Takes the documents of a block, or goes back to before the task at the first that cannot be taken.
    fn write_block(&mut self, task: &mut Task, block: &[u8]) -> Result<()> {
        for line in lines(as_text(block)?) {
            task.received += 1;
            if task.refused.is_some() {
                continue;
            }
            let (fields, attributes) = (self.reader.fields.len(), self.reader.engine.attributes.len());
            match self.reader.read(line, &task.primary_key, &mut self.parsed) {
                Ok(()) => {
                    if !self.take(task.method, line, &task.primary_key)? {
                        self.reader.forget_fields_after(fields, attributes);
                    }
                }
                Err(Refusal::Damaged(why)) => return Err(damaged(why)),
                Err(Refusal::Task(error)) => {
                    task.refused = Some(error);
                    if let Some(savepoint) = task.savepoint.take() {
                        self.restore(savepoint)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes the document that was just parsed; whether it did.
    fn take(&mut self, method: DocumentMethod, line: &str, primary_key: &str) -> Result<bool> {
        let update = method.merges();
        let old = self.known(update)?;
        if old.is_none() && !method.creates() {
            return Ok(false);
        }
        let Some(raw) = old.as_ref().filter(|_| update).and_then(|old| old.raw.as_deref()) else {
            return self.put(line.as_bytes(), old.as_ref(), update).map(|()| true);
        };
        let merged = merge(raw, line.as_bytes())?;
        match self.reader.read(&merged, primary_key, &mut self.parsed) {
            // The line alone was taken. What is refused is an old `_geo`, accepted when nothing used it: as in a rebuild, the document has no point.
            Ok(()) | Err(Refusal::Task(_)) => self.put(merged.as_bytes(), old.as_ref(), true).map(|()| true),
            Err(Refusal::Damaged(why)) => Err(damaged(why)),
        }
    }

    fn savepoint(&mut self) -> Result<Savepoint> {
        self.local_commit()?;
        let meta = self.open.index.load_metas().map_err(tantivy_error("read the commit"))?;
        let meta_json = serde_json::to_vec(&meta).map_err(|error| damaged(error.to_string()))?;
        Ok(Savepoint { meta_json, meta, state: self.state()? })
    }

    /// Goes back. The files of the savepoint are still there, so all it takes is that its `meta.json` is the current one again.
    fn restore(&mut self, savepoint: Savepoint) -> Result<()> {
        let Savepoint { meta_json, meta, mut state } = savepoint;
        let engine = EngineState::of(&state)?.ok_or_else(|| damaged("a savepoint without state".to_owned()))?;
        let analyzer = self.reader.analyzer().clone();
        drop(self.open.writer.take());
        files::restore(&self.directory, &meta_json)?;
        self.open = Open::new(&self.directory, &analyzer, &self.options)?;
        drop(meta);
        let fields = std::mem::take(&mut state.fields);
        self.reader = DocumentReader::new(&state.settings, analyzer, engine, fields, self.options.limits.fields);
        self.state = state;
        self.batch.clear();
        self.dirty = false;
        Ok(())
    }
}

fn lines(block: &str) -> impl Iterator<Item = &str> {
    block.lines().filter(|line| !line.trim().is_empty())
}

fn as_text(block: &[u8]) -> Result<&str> {
    std::str::from_utf8(block).map_err(|error| damaged(error.to_string()))
}

fn no_task() -> Error {
    Error::Damaged { what: "a call".to_owned(), why: "documents outside of begin and end".to_owned() }
}

fn damaged(why: String) -> Error {
    Error::Damaged { what: "a document of the log".to_owned(), why }
}
