//! What a log entry holds: the accepted writes of an index, in order.

use serde::{Deserialize, Serialize};

use crate::{Generation, Seq, TaskUid, Timestamp, settings::SettingsPatch, task::TaskKind};

/// One accepted write. Several records that arrive together share a log entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The task that the tenant waits for; allocated before the append.
    pub task: TaskUid,
    /// When the write was accepted.
    pub enqueued_at: Timestamp,
    /// What it does.
    pub operation: Operation,
}

/// What a write does to an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Operation {
    /// Adds documents; one that exists is replaced, or merged field by field.
    AddDocuments {
        /// Replace or merge.
        method: DocumentMethod,
        /// The attribute that holds each document's id; checked by the uploader in every document.
        primary_key: String,
        /// The documents.
        documents: Payload,
    },
    /// Deletes the documents of these ids; an unknown id is not an error.
    DeleteDocuments {
        /// The ids as text.
        ids: Vec<String>,
    },
    /// Deletes the documents that match a filter (a string or nested arrays, as in a search).
    DeleteByFilter {
        /// The filter as it came.
        filter: serde_json::Value,
    },
    /// Deletes every document and keeps the settings.
    DeleteAllDocuments,
    /// Changes settings.
    UpdateSettings {
        /// What changes.
        patch: Box<SettingsPatch>,
    },
    /// Names the primary key of an index that has no documents yet.
    SetPrimaryKey {
        /// The attribute.
        primary_key: String,
    },
    /// Goes back to the documents and settings of an earlier generation.
    Rollback {
        /// The generation, retained until no retained fold can meet this record again.
        generation: Generation,
    },
    /// Cancels earlier tasks that no generation holds yet; the others are left as they are.
    Cancel {
        /// The tasks.
        tasks: Vec<TaskUid>,
    },
}

impl Operation {
    /// The kind of its task.
    pub fn task_kind(&self) -> TaskKind {
        match self {
            Self::AddDocuments { .. } => TaskKind::DocumentAdditionOrUpdate,
            Self::DeleteDocuments { .. } | Self::DeleteByFilter { .. } | Self::DeleteAllDocuments => TaskKind::DocumentDeletion,
            Self::UpdateSettings { .. } => TaskKind::SettingsUpdate,
            Self::SetPrimaryKey { .. } => TaskKind::IndexUpdate,
            Self::Rollback { .. } => TaskKind::IndexRollback,
            Self::Cancel { .. } => TaskKind::TaskCancelation,
        }
    }
}

/// What happens to a document that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DocumentMethod {
    /// The new one replaces it.
    Replace,
    /// The new one's top-level fields replace those of the old one.
    Update,
    /// As [`Self::Replace`]; what does not exist is left out.
    ReplaceExisting,
    /// As [`Self::Update`]; what does not exist is left out.
    UpdateExisting,
}

impl DocumentMethod {
    /// Whether fields of an old document stay.
    pub fn merges(self) -> bool {
        matches!(self, Self::Update | Self::UpdateExisting)
    }

    /// Whether documents that do not exist are added.
    pub fn creates(self) -> bool {
        matches!(self, Self::Replace | Self::Update)
    }
}

/// Documents as NDJSON (one JSON object a line, each checked), compressed with zstd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Payload {
    /// In the entry itself: small uploads. Kept beside the record, not in its JSON.
    Inline {
        /// Number of documents.
        documents: u64,
        /// Bytes before compression.
        raw_bytes: u64,
        /// The compressed documents.
        #[serde(skip)]
        bytes: Vec<u8>,
    },
    /// In an object of its own below `payloads/`: large uploads, streamed there before the entry is appended.
    Object {
        /// Number of documents.
        documents: u64,
        /// Bytes before compression.
        raw_bytes: u64,
        /// The object's name below `payloads/`.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// Its XXH3-128 as 32 hex digits.
        checksum: String,
    },
}

impl Payload {
    /// Number of documents.
    pub fn documents(&self) -> u64 {
        match self {
            Self::Inline { documents, .. } | Self::Object { documents, .. } => *documents,
        }
    }

    /// Bytes of the documents before compression.
    pub fn raw_bytes(&self) -> u64 {
        match self {
            Self::Inline { raw_bytes, .. } | Self::Object { raw_bytes, .. } => *raw_bytes,
        }
    }
}

/// One object of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// What it holds, in order.
    pub records: Vec<Record>,
}
