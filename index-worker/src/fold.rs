//! Folding: log entries become operations of the engine, and each of their tasks gets its outcome.
//!
//! A *window* is what one generation adds: the entries from the base's `committed_seq` to the last one folded. Blocking code, run
//! on a thread of its own.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures::StreamExt;
use onggi_domain::{
    ApiError, Code, Generation, Seq, TaskUid, Timestamp,
    generation::{Cause, TaskOutcome, TaskResult},
    log::{DocumentMethod, Entry, Operation, Payload, Record},
    task::{TaskDetails, TaskKind},
};
use onggi_engine::Applied;
use serde_json::json;
use tokio::runtime::Handle;

use crate::{
    error::{Error, Result},
    indexer::{Indexer, Workspace},
};

/// A window under work. Dropping it loses nothing but work: the entries are folded again.
pub(crate) struct Fold {
    pub(crate) workspace: Workspace,
    pub(crate) cause: Cause,
    /// The last entry folded, or the base's last one.
    pub(crate) last: Option<Seq>,
    /// Bytes of documents before compression, of the whole window.
    pub(crate) raw_bytes: u64,
    outcomes: Vec<TaskOutcome>,
    /// Which task cancels which of this window.
    canceled: HashMap<TaskUid, TaskUid>,
}

/// What folding needs besides the window.
pub(crate) struct Tools {
    pub(crate) indexer: Arc<Indexer>,
    pub(crate) runtime: Handle,
}

impl Fold {
    /// An empty window after the base's last entry.
    pub(crate) fn new(workspace: Workspace, last: Option<Seq>) -> Self {
        Self { workspace, cause: Cause::Fold, last, raw_bytes: 0, outcomes: Vec::new(), canceled: HashMap::new() }
    }

    /// The tasks that the window holds.
    pub(crate) fn tasks(&self) -> HashSet<TaskUid> {
        self.outcomes.iter().map(|outcome| outcome.task).collect()
    }

    /// Folds entries, which [`plan`] has chosen.
    pub(crate) fn apply(&mut self, entries: &[Entry], tools: &Tools) -> Result<()> {
        note_cancels(entries, &mut self.canceled);
        for entry in entries {
            for record in &entry.records {
                let started_at = Timestamp::now();
                let mut details = first_details(&record.operation);
                let result = self.record(record, &mut details, tools)?;
                self.outcomes.push(TaskOutcome {
                    task: record.task,
                    seq: entry.seq,
                    kind: record.operation.task_kind(),
                    result,
                    details,
                    enqueued_at: record.enqueued_at,
                    started_at,
                });
            }
            self.raw_bytes += raw_bytes(entry);
            self.last = Some(entry.seq);
        }
        Ok(())
    }

    /// What became of each task of the window.
    pub(crate) fn outcomes(&self) -> Vec<TaskOutcome> {
        let mut outcomes = self.outcomes.clone();
        for outcome in &mut outcomes {
            if outcome.kind == TaskKind::TaskCancelation {
                let canceled = self.outcomes.iter().filter(|other| other.result == TaskResult::Canceled { by: outcome.task }).count();
                outcome.details.insert("canceledTasks".to_owned(), canceled.into());
            }
        }
        outcomes
    }

    fn record(&mut self, record: &Record, details: &mut TaskDetails, tools: &Tools) -> Result<TaskResult> {
        let is_cancel = matches!(record.operation, Operation::Cancel { .. });
        if let Some(by) = self.canceled.get(&record.task).filter(|_| !is_cancel) {
            return Ok(TaskResult::Canceled { by: *by });
        }
        let applied = match &record.operation {
            Operation::AddDocuments { method, primary_key, documents } => self.add(*method, primary_key, documents, tools)?,
            Operation::Rollback { generation } => self.roll_back(*generation, tools)?,
            Operation::Cancel { .. } => Ok(TaskDetails::new()),
            operation => self.workspace.engine.apply(operation)?,
        };
        Ok(match applied {
            Ok(numbers) => {
                details.extend(numbers);
                TaskResult::Succeeded
            }
            Err(error) => TaskResult::Failed { error },
        })
    }

    fn add(&mut self, method: DocumentMethod, primary_key: &str, documents: &Payload, tools: &Tools) -> Result<Applied> {
        let engine = &mut self.workspace.engine;
        let mut blocks = tools.runtime.block_on(tools.indexer.bucket.documents(documents))?;
        engine.begin_documents(method, primary_key)?;
        while let Some(block) = tools.runtime.block_on(blocks.next()) {
            if tools.indexer.stop.is_cancelled() {
                return Err(Error::Stopping);
            }
            engine.add_documents(&block?)?;
        }
        Ok(engine.end_documents()?)
    }

    /// Goes on from an earlier generation's documents and settings. The window's entries so far have had their effect and lose it.
    fn roll_back(&mut self, to: Generation, tools: &Tools) -> Result<Applied> {
        let manifest = match tools.runtime.block_on(tools.indexer.bucket.manifest(to)) {
            Ok(manifest) => manifest,
            Err(onggi_bucket::Error::NoGeneration(_)) => {
                return Ok(Err(ApiError::new(Code::GenerationNotFound, format!("Generation `{to}` not found."))));
            }
            Err(error) => return Err(error.into()),
        };
        self.workspace = tools.runtime.block_on(tools.indexer.workspace(Some(&manifest)))?;
        self.cause = Cause::Rollback { to };
        Ok(Ok(TaskDetails::new()))
    }
}

/// How many of these entries the window takes: at least one when it is empty, no more than fit in `budget` bytes of documents, and none from a
/// cancel on that names a task whose effect the window holds already: that one is for the next generation, where it comes too late.
pub(crate) fn plan(entries: &[Entry], applied: &HashSet<TaskUid>, budget: u64) -> usize {
    let mut bytes = 0;
    let mut taken = 0;
    for entry in entries {
        let too_late = cancels(entry).any(|(target, _)| applied.contains(&target));
        if too_late || bytes >= budget {
            break;
        }
        bytes += raw_bytes(entry);
        taken += 1;
    }
    taken
}

/// Notes who cancels whom; of two cancels, the first counts.
fn note_cancels(entries: &[Entry], canceled: &mut HashMap<TaskUid, TaskUid>) {
    for (target, by) in entries.iter().flat_map(cancels) {
        canceled.entry(target).or_insert(by);
    }
}

/// The cancels of an entry: target and canceling task.
fn cancels(entry: &Entry) -> impl Iterator<Item = (TaskUid, TaskUid)> {
    entry.records.iter().flat_map(|record| {
        let targets = match &record.operation {
            Operation::Cancel { tasks } => tasks.as_slice(),
            _ => &[],
        };
        targets.iter().map(|target| (*target, record.task))
    })
}

fn raw_bytes(entry: &Entry) -> u64 {
    let of = |record: &Record| match &record.operation {
        Operation::AddDocuments { documents, .. } => documents.raw_bytes(),
        _ => 0,
    };
    entry.records.iter().map(of).sum()
}

/// The details of a task that had no effect; the engine's numbers replace them when it has.
fn first_details(operation: &Operation) -> TaskDetails {
    let details = match operation {
        Operation::AddDocuments { documents, .. } => json!({"receivedDocuments": documents.documents(), "indexedDocuments": 0}),
        Operation::DeleteDocuments { ids } => json!({"providedIds": ids.len(), "deletedDocuments": 0, "originalFilter": null}),
        Operation::DeleteByFilter { filter } => json!({"providedIds": 0, "deletedDocuments": 0, "originalFilter": filter.to_string()}),
        Operation::DeleteAllDocuments => json!({"providedIds": 0, "deletedDocuments": 0, "originalFilter": null}),
        Operation::UpdateSettings { patch } => json!(patch),
        Operation::SetPrimaryKey { primary_key } => json!({"primaryKey": primary_key}),
        Operation::Rollback { generation } => json!({"generation": generation}),
        Operation::Cancel { tasks } => json!({"matchedTasks": tasks.len()}),
    };
    match details {
        serde_json::Value::Object(details) => details,
        _ => TaskDetails::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, records: Vec<(u32, Operation)>) -> Entry {
        let record = |(task, operation)| Record { task: TaskUid(task), enqueued_at: Timestamp::UNIX_EPOCH, operation };
        Entry { seq: Seq(seq), records: records.into_iter().map(record).collect() }
    }

    fn add(raw_bytes: u64) -> Operation {
        let documents = Payload::Inline { documents: 1, raw_bytes, bytes: Vec::new() };
        Operation::AddDocuments { method: DocumentMethod::Replace, primary_key: "id".to_owned(), documents }
    }

    fn cancel(tasks: &[u32]) -> Operation {
        Operation::Cancel { tasks: tasks.iter().copied().map(TaskUid).collect() }
    }

    #[test]
    fn a_window_takes_what_fits_and_never_nothing() {
        let entries = [entry(0, vec![(0, add(100))]), entry(1, vec![(1, add(100))]), entry(2, vec![(2, add(100))])];
        let none = HashSet::new();
        assert_eq!(plan(&entries, &none, 1), 1);
        assert_eq!(plan(&entries, &none, 101), 2);
        assert_eq!(plan(&entries, &none, 1000), 3);
    }

    #[test]
    fn a_window_ends_before_a_cancel_that_comes_too_late() {
        let entries = [entry(4, vec![(4, add(1))]), entry(5, vec![(5, cancel(&[3]))]), entry(6, vec![(6, add(1))])];
        assert_eq!(plan(&entries, &HashSet::new(), 1000), 3);
        assert_eq!(plan(&entries, &HashSet::from([TaskUid(3)]), 1000), 1);
    }

    #[test]
    fn the_first_cancel_counts_wherever_it_is() {
        let entries = [entry(0, vec![(0, add(1)), (1, cancel(&[0, 4]))]), entry(1, vec![(2, cancel(&[0]))]), entry(2, vec![(4, add(1))])];
        let mut canceled = HashMap::new();
        note_cancels(&entries, &mut canceled);
        assert_eq!(canceled, HashMap::from([(TaskUid(0), TaskUid(1)), (TaskUid(4), TaskUid(1))]));
    }
}
