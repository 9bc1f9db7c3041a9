//! An index as the control plane knows it: whose it is, what the tenant selected, what was last observed.

use serde::{Deserialize, Serialize};

use crate::{Generation, IndexId, IndexUid, Seq, TenantId, Timestamp, container::Selection, generation::Manifest, settings::Settings};

/// One index.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    /// Never reused.
    pub id: IndexId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The tenant's name for it.
    pub uid: IndexUid,
    /// The attribute that holds each document's id, once known.
    pub primary_key: Option<String>,
    /// What the tenant selected.
    pub selection: Selection,
    /// Whether searchers should run now: false while the index sleeps.
    pub awake: bool,
    /// The last generation that the controller has recorded.
    pub published: Option<Published>,
    /// The settings of that generation, or the defaults.
    pub settings: Settings,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its documents or settings last changed.
    pub updated_at: Timestamp,
    /// Set when the tenant deleted it: nothing of it is visible, its containers and objects are being removed.
    pub deleted_at: Option<Timestamp>,
    /// Grows with each change of what should run; the controller reads what is newer than it has seen.
    pub revision: i64,
}

impl Index {
    /// A new index, awake and without documents.
    pub fn new(tenant: TenantId, uid: IndexUid, primary_key: Option<String>, selection: Selection, now: Timestamp) -> Self {
        Self {
            id: IndexId::generate(),
            tenant,
            uid,
            primary_key,
            awake: selection.replicas > 0,
            selection,
            published: None,
            settings: Settings::default(),
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: 0,
        }
    }

    /// Searchers that should run now. Selecting 0 replicas sends an index to sleep; when it is woken after all, one runs.
    pub fn replicas_wanted(&self) -> u32 {
        if self.awake && self.deleted_at.is_none() { self.selection.replicas.max(1) } else { 0 }
    }
}

/// An exchange of the names of two indexes, or a change of one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// One index.
    pub from: IndexUid,
    /// The other index, or the new name.
    pub to: IndexUid,
    /// Whether `to` is a name that no index has.
    pub rename: bool,
}

/// What is known of a published generation without reading its manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Published {
    /// Its number.
    pub generation: Generation,
    /// The last log entry in it.
    pub committed_seq: Option<Seq>,
    /// Number of documents.
    pub documents: u64,
    /// Bytes of its segments.
    pub stored_bytes: u64,
    /// Bytes of the documents as they came.
    pub raw_bytes: u64,
    /// Each attribute with the number of documents that have it.
    pub fields: indexmap::IndexMap<String, u64>,
}

impl From<&Manifest> for Published {
    fn from(manifest: &Manifest) -> Self {
        Self {
            generation: manifest.generation,
            committed_seq: manifest.committed_seq,
            documents: manifest.state.documents,
            stored_bytes: manifest.files.iter().map(|file| file.size).sum(),
            raw_bytes: manifest.state.raw_bytes,
            fields: manifest.state.fields.clone(),
        }
    }
}
