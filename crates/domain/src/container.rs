//! Containers: what a tenant selects, the size classes, and what is observed of each container.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::{ApiError, Code, Generation, IndexId, IndexUid, Seq, TenantId, Timestamp};

/// What a tenant selected for an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    /// The size class of each container.
    pub size: String,
    /// Searchers to run while awake. Selecting 0 sends the index to sleep at once; woken all the same, it runs one.
    pub replicas: u32,
    /// Seconds without a search until the index sleeps; `None`: never.
    pub sleep_after_seconds: Option<u32>,
    /// What happens when a search finds the index asleep.
    pub wake: WakePolicy,
}

impl Selection {
    /// The most replicas that a tenant can select.
    pub const MAX_REPLICAS: u32 = 64;

    /// One small searcher that sleeps after five minutes.
    pub fn new(size: &str) -> Self {
        Self { size: size.to_owned(), replicas: 1, sleep_after_seconds: Some(300), wake: WakePolicy::OnSearch }
    }
}

/// What happens when a search finds an index asleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WakePolicy {
    /// It wakes and the search waits for it.
    OnSearch,
    /// The search is refused; only `POST .../wake` wakes it.
    Manual,
}

/// A change of a selection; absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of Selection")]
pub struct SelectionPatch {
    pub size: Option<String>,
    pub replicas: Option<u32>,
    pub sleep_after_seconds: crate::settings::Setting<u32>,
    pub wake: Option<WakePolicy>,
}

impl SelectionPatch {
    /// The selection after the change, or what is wrong with it.
    pub fn apply(&self, current: &Selection, sizes: &SizeTable) -> Result<Selection, ApiError> {
        let mut next = current.clone();
        if let Some(size) = &self.size {
            sizes.get(size)?;
            next.size.clone_from(size);
        }
        if let Some(replicas) = self.replicas {
            if replicas > Selection::MAX_REPLICAS {
                return Err(ApiError::new(
                    Code::InvalidContainers,
                    format!(
                        "Invalid value at `.replicas`: {replicas} is more than the {} that an index can have.",
                        Selection::MAX_REPLICAS
                    ),
                ));
            }
            next.replicas = replicas;
        }
        match self.sleep_after_seconds {
            crate::settings::Setting::Keep => {}
            crate::settings::Setting::Reset => next.sleep_after_seconds = None,
            crate::settings::Setting::Set(0) => {
                return Err(ApiError::new(
                    Code::InvalidContainers,
                    "Invalid value at `.sleepAfterSeconds`: 0 is no time at all; give 1 or more, or `null` for never.",
                ));
            }
            crate::settings::Setting::Set(seconds) => next.sleep_after_seconds = Some(seconds),
        }
        if let Some(wake) = self.wake {
            next.wake = wake;
        }
        Ok(next)
    }
}

/// A size class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Its name.
    pub name: String,
    /// Thousandths of a CPU that a container may use.
    pub cpu_millis: u32,
    /// Memory that a container may use.
    pub memory: ByteSize,
    /// Disk that a container may use.
    pub disk: ByteSize,
    /// Documents that an index of this size may hold.
    pub max_documents: u64,
}

/// The size classes, smallest first; the first one is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SizeTable(pub Vec<Size>);

impl Default for SizeTable {
    fn default() -> Self {
        let size = |name: &str, cpu_millis, memory_mib, disk_gib, max_documents| Size {
            name: name.to_owned(),
            cpu_millis,
            memory: ByteSize::mib(memory_mib),
            disk: ByteSize::gib(disk_gib),
            max_documents,
        };
        Self(vec![
            size("small", 500, 256, 2, 1_000_000),
            size("medium", 1000, 1024, 10, 10_000_000),
            size("large", 4000, 4096, 50, 100_000_000),
        ])
    }
}

impl SizeTable {
    /// The size of this name, or an error that names those there are.
    pub fn get(&self, name: &str) -> Result<&Size, ApiError> {
        self.0.iter().find(|size| size.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|size| size.name.as_str()).collect();
            ApiError::new(Code::InvalidContainers, format!("Invalid value at `.size`: `{name}` is not one of {}.", names.join(", ")))
        })
    }

    /// The size of a new index.
    pub fn default_size(&self) -> &str {
        self.0.first().map_or("small", |size| size.name.as_str())
    }
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Folds the log into segments.
    Indexer,
    /// Answers queries.
    Searcher,
}

impl Role {
    /// The name on the wire and in names of containers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Indexer => "indexer",
            Self::Searcher => "searcher",
        }
    }
}

/// How far a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerStatus {
    /// Asked for, not yet listening.
    Created,
    /// Listening, loading its generation.
    Warming,
    /// Doing its work.
    Running,
    /// Ended, or not able to do its work.
    Failed,
}

/// A container as observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// A name that no other container ever has.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// How far it is.
    pub status: ContainerStatus,
    /// The generation that it serves or has published last.
    pub generation: Option<Generation>,
    /// Log entries between that generation and the end of the log.
    pub lag: Option<u64>,
    /// CPU seconds used since it started.
    pub cpu_seconds: Option<f64>,
    /// Private memory in bytes.
    pub memory_bytes: Option<u64>,
    /// When it was created.
    pub since: Timestamp,
    /// Why it failed, or how often it was restarted.
    pub note: Option<String>,
}

/// What should run for an index: the input of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSet {
    /// The index.
    pub index: IndexId,
    /// Its tenant.
    pub tenant: TenantId,
    /// The tenant's name for it, for people who look at what runs.
    pub uid: IndexUid,
    /// Size class of each container.
    pub size: Size,
    /// Searchers to run.
    pub searchers: u32,
    /// Whether an indexer should run.
    pub indexer: bool,
}

/// Whether an index answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IndexPhase {
    /// No searcher.
    Asleep,
    /// The first searcher is starting.
    Waking,
    /// At least one searcher answers.
    Awake,
}

/// How far behind the log a generation is.
pub fn lag(committed: Option<Seq>, head: Option<Seq>) -> u64 {
    let after = |seq: Option<Seq>| seq.map_or(0, |seq| seq.0 + 1);
    after(head).saturating_sub(after(committed))
}
