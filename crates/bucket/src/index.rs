//! The objects of one index and their names.

use std::sync::Arc;

use object_store::path::Path;
use onggi_domain::{Generation, IndexId, Seq, TenantId, Timestamp};
use parking_lot::Mutex;

use crate::{Store, log::Head};

/// What tells the time; tests have their own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The objects of one index. Cheap to clone.
#[derive(Clone)]
pub struct IndexBucket {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// Where the log ended when it was last looked at.
    pub(crate) head: Arc<Mutex<Option<Head>>>,
    prefix: Path,
}

impl IndexBucket {
    /// The prefix of an index.
    pub fn prefix(tenant: TenantId, index: IndexId) -> String {
        format!("indexes/{tenant}/{index}")
    }

    /// The index below `prefix` of `store`.
    pub fn new(store: Store, prefix: &str) -> Self {
        Self { store, clock: Arc::new(Timestamp::now), head: Arc::default(), prefix: prefix.into() }
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn root(&self) -> &Path {
        &self.prefix
    }

    pub(crate) fn folder(&self, folder: Folder) -> Path {
        self.prefix.clone().join(folder.name())
    }

    pub(crate) fn object(&self, folder: Folder, name: &str) -> Path {
        self.folder(folder).join(name)
    }

    pub(crate) fn entry_object(&self, seq: Seq) -> Path {
        self.object(Folder::Log, &numbered(seq.0))
    }

    pub(crate) fn manifest_object(&self, generation: Generation) -> Path {
        self.object(Folder::Generations, &numbered(generation.0))
    }

    pub(crate) fn floor_object(&self, generation: Generation) -> Path {
        self.object(Folder::Floors, &numbered(generation.0))
    }
}

/// The folders below an index's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    Log,
    Payloads,
    Segments,
    Generations,
    Floors,
    Leases,
}

impl Folder {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Payloads => "payloads",
            Self::Segments => "segments",
            Self::Generations => "generations",
            Self::Floors => "floors",
            Self::Leases => "leases",
        }
    }
}

/// A number as a name that sorts as numbers do.
fn numbered(number: u64) -> String {
    format!("{number:020}")
}

/// The number of an object that is named by one.
pub(crate) fn number(object: &Path) -> Option<u64> {
    object.filename()?.parse().ok()
}
