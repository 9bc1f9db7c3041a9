//! A generation: an immutable, complete, numbered state of an index, described by its manifest.

use serde::{Deserialize, Serialize};

use crate::{Generation, Seq, TaskUid, Timestamp, error::ApiError, settings::Settings, task::TaskDetails, task::TaskKind};

/// The manifest format that this version writes and the newest that it reads.
pub const MANIFEST_FORMAT: u32 = 1;

/// What a generation consists of. Written put-if-absent, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The version of this format.
    pub format: u32,
    /// The generation's number.
    pub generation: Generation,
    /// The last log entry that is folded in; `None`: none yet (a fork's first generation).
    pub committed_seq: Option<Seq>,
    /// Tells one writer's manifest from another's after an ambiguous put.
    pub nonce: u128,
    /// When it was published.
    pub created_at: Timestamp,
    /// Why it exists.
    pub cause: Cause,
    /// The files of its segments, and `meta.json`.
    pub files: Vec<FileRef>,
    /// Everything else that determines answers.
    pub state: IndexState,
    /// What became of the tasks since the generation before.
    pub outcomes: Vec<TaskOutcome>,
}

impl Manifest {
    /// The batch of the tasks that the generation ended: the lowest of their uids, which is in no other batch.
    pub fn batch(&self) -> Option<TaskUid> {
        self.outcomes.iter().map(|outcome| outcome.task).min()
    }
}

/// Why a generation exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Cause {
    /// The log was folded.
    Fold,
    /// A rollback to an earlier generation was met in the log.
    Rollback {
        /// The generation gone back to.
        to: Generation,
    },
    /// Copied from another index.
    Fork {
        /// The source index.
        from: crate::IndexId,
        /// Its generation.
        generation: Generation,
    },
}

/// One immutable file of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileRef {
    /// Its name as Tantivy wants it in the directory.
    pub name: String,
    /// Its object's name below `segments/`; differs from `name` for `meta.json`, which each generation has its own of.
    pub object: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its XXH3-128 as 32 hex digits.
    pub checksum: String,
}

/// What determines an index's answers besides its segments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexState {
    /// The settings.
    pub settings: Settings,
    /// The attribute that holds the id of a document, once known.
    pub primary_key: Option<String>,
    /// Every attribute seen, in order of appearance, with the number of documents that have it.
    pub fields: indexmap::IndexMap<String, u64>,
    /// Number of documents.
    pub documents: u64,
    /// Bytes of the documents as they came.
    pub raw_bytes: u64,
    /// The next value of the insertion-order field.
    pub next_ord: u64,
    /// The engine's own persistent data, such as the attribute of each text slot; opaque to everything else.
    pub engine: serde_json::Value,
}

impl IndexState {
    /// The state of an index without documents.
    pub fn empty(settings: Settings, primary_key: Option<String>) -> Self {
        Self {
            settings,
            primary_key,
            fields: indexmap::IndexMap::new(),
            documents: 0,
            raw_bytes: 0,
            next_ord: 0,
            engine: serde_json::Value::Null,
        }
    }
}

/// What became of one task, recorded in the generation that holds its effect: from it the task itself can be restored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskOutcome {
    /// The task.
    pub task: TaskUid,
    /// The entry that carries it.
    pub seq: Seq,
    /// What kind of task it is.
    pub kind: TaskKind,
    /// Its end.
    pub result: TaskResult,
    /// Numbers for the tenant.
    pub details: TaskDetails,
    /// When it was accepted.
    pub enqueued_at: Timestamp,
    /// When the fold reached it.
    pub started_at: Timestamp,
}

/// How a task ended in the fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TaskResult {
    /// It took effect.
    Succeeded,
    /// It had no effect, for this reason.
    Failed {
        /// The reason.
        error: ApiError,
    },
    /// A later task canceled it before a generation held it.
    Canceled {
        /// The canceling task.
        by: TaskUid,
    },
}
