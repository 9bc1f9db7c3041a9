//! Tasks: what a tenant waits for after a write, in Meilisearch's shape.

use serde::{Deserialize, Serialize};

use crate::{ApiError, IndexId, IndexUid, Seq, TaskUid, TenantId, Timestamp};

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(missing_docs, reason = "each is documented by its name on the wire")]
        pub enum $name { $($variant),* }

        impl $name {
            /// Every variant.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The name on the wire and in the database.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }

            /// The variant of this name, in whatever case.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str().eq_ignore_ascii_case(name))
            }
        }
    };
}

names!(
    /// What a task does. `documentEdition`, `export`, `upgradeDatabase` and `networkTopologyChange` are Meilisearch's: filters may name
    /// them, and no task of Onggi is one.
    TaskKind {
        DocumentAdditionOrUpdate "documentAdditionOrUpdate",
        DocumentEdition "documentEdition",
        DocumentDeletion "documentDeletion",
        SettingsUpdate "settingsUpdate",
        IndexCreation "indexCreation",
        IndexUpdate "indexUpdate",
        IndexDeletion "indexDeletion",
        IndexSwap "indexSwap",
        TaskCancelation "taskCancelation",
        TaskDeletion "taskDeletion",
        DumpCreation "dumpCreation",
        SnapshotCreation "snapshotCreation",
        Export "export",
        UpgradeDatabase "upgradeDatabase",
        IndexCompaction "indexCompaction",
        NetworkTopologyChange "networkTopologyChange",
        IndexRollback "indexRollback",
        IndexFork "indexFork",
    }
);

names!(
    /// How far a task is.
    TaskStatus {
        Enqueued "enqueued",
        Processing "processing",
        Succeeded "succeeded",
        Failed "failed",
        Canceled "canceled",
    }
);

impl TaskStatus {
    /// Whether nothing more will happen to the task.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Canceled)
    }
}

/// The numbers of a task; which are present depends on its kind.
pub type TaskDetails = serde_json::Map<String, serde_json::Value>;

/// A task as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its number for the tenant.
    pub uid: TaskUid,
    /// The index it is about, if one.
    pub index: Option<IndexId>,
    /// That index's name when the task was accepted.
    pub index_uid: Option<IndexUid>,
    /// What it does.
    pub kind: TaskKind,
    /// How far it is.
    pub status: TaskStatus,
    /// The log entry that carries it; `None` until appended, or when it has none.
    pub seq: Option<Seq>,
    /// The batch in which it was worked on: the lowest uid of the tasks of one generation, or its own when it needed none. `None` until
    /// that is known.
    pub batch: Option<TaskUid>,
    /// The task that canceled it.
    pub canceled_by: Option<TaskUid>,
    /// What the caller gave along with it.
    pub custom_metadata: Option<String>,
    /// Numbers for the tenant.
    pub details: TaskDetails,
    /// Why it failed.
    pub error: Option<ApiError>,
    /// When it was accepted.
    pub enqueued_at: Timestamp,
    /// When work on it began.
    pub started_at: Option<Timestamp>,
    /// When it reached its end.
    pub finished_at: Option<Timestamp>,
}

impl Task {
    /// The task object of the API.
    pub fn view(&self) -> serde_json::Value {
        let duration = self.started_at.zip(self.finished_at).map(|(start, end)| iso_duration(start, end));
        let view = serde_json::json!({
            "uid": self.uid,
            "batchUid": self.batch,
            "indexUid": self.index_uid,
            "status": self.status,
            "type": self.kind,
            "canceledBy": self.canceled_by,
            "details": if self.details.is_empty() { serde_json::Value::Null } else { self.details.clone().into() },
            "error": self.error,
            "duration": duration,
            "enqueuedAt": self.enqueued_at,
            "startedAt": self.started_at,
            "finishedAt": self.finished_at,
        });
        self.with_custom_metadata(view)
    }

    /// The short answer to an accepted write: `{taskUid, indexUid, status, type, enqueuedAt}`.
    pub fn accepted(&self) -> serde_json::Value {
        let view = serde_json::json!({
            "taskUid": self.uid,
            "indexUid": self.index_uid,
            "status": TaskStatus::Enqueued,
            "type": self.kind,
            "enqueuedAt": self.enqueued_at,
        });
        self.with_custom_metadata(view)
    }

    fn with_custom_metadata(&self, mut view: serde_json::Value) -> serde_json::Value {
        if let Some(text) = &self.custom_metadata {
            view["customMetadata"] = text.as_str().into();
        }
        view
    }
}

/// The time between two moments as ISO 8601 has it.
pub(crate) fn iso_duration(start: Timestamp, end: Timestamp) -> String {
    format!("PT{:.6}S", end.duration_since(start).as_secs_f64().max(0.0))
}

/// Which tasks a list, a cancelation or a deletion is about. Absent: all.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are the query parameters of GET /tasks")]
pub struct TaskFilter {
    pub uids: Option<Vec<TaskUid>>,
    pub batch_uids: Option<Vec<TaskUid>>,
    pub statuses: Option<Vec<TaskStatus>>,
    pub kinds: Option<Vec<TaskKind>>,
    pub index_uids: Option<Vec<IndexUid>>,
    pub canceled_by: Option<Vec<TaskUid>>,
    pub before_enqueued_at: Option<Timestamp>,
    pub after_enqueued_at: Option<Timestamp>,
    pub before_started_at: Option<Timestamp>,
    pub after_started_at: Option<Timestamp>,
    pub before_finished_at: Option<Timestamp>,
    pub after_finished_at: Option<Timestamp>,
}
