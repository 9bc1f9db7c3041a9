//! The durable protocol of an index over an object store: log, payloads, segments, generations, leases, retention.
//!
//! Layout below an index's prefix (`indexes/<tenant>/<index>/`):
//!
//! | object | what |
//! | --- | --- |
//! | `log/<seq, 20 digits>` | an entry: put-if-absent, contiguous from 0, with a nonce |
//! | `payloads/<uuid>` | the documents of a large upload: zstd NDJSON, written before the entry that names it |
//! | `segments/<name>` | an immutable file of one or more generations |
//! | `generations/<number, 20 digits>` | a manifest: put-if-absent |
//! | `leases/<worker>` | an indexer's promise to publish by a time or not at all |

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::ObjectStore;
use onggi_domain::{
    Generation, IndexId, Seq, TenantId, Timestamp,
    generation::{FileRef, Manifest},
    log::{Entry, Payload, Record},
};

/// An error of the bucket.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object store failed; trying again may help.
    #[error("{what} {object}: {source}")]
    Store {
        /// What was tried.
        what: &'static str,
        /// On which object.
        object: String,
        /// Why it failed.
        source: object_store::Error,
    },
    /// An object or local file is torn, missing or not what its reference says.
    #[error("{object} is damaged: {why}")]
    Damaged {
        /// Which.
        object: String,
        /// How.
        why: String,
    },
    /// Written by a newer version in a format that this one does not know.
    #[error("{object} has format {found}; this version reads up to {known}")]
    Format {
        /// Which.
        object: String,
        /// Its format.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// Another indexer published this generation first.
    #[error("generation {0} was published by another indexer")]
    Lost(Generation),
    /// A publish took longer than its lease: what it uploaded may be gone.
    #[error("the lease of the publish ran out")]
    LeaseExpired,
    /// There is no such generation (any more).
    #[error("generation {0} does not exist")]
    NoGeneration(Generation),
    /// The local disk failed.
    #[error("{path}: {source}")]
    Local {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// A result of the bucket.
pub type Result<T> = std::result::Result<T, Error>;

/// Opens the object store at a URL: `file:///dir`, `memory:///`, `s3://bucket/path`. Credentials of S3 come with `options`
/// (`object_store`'s names, such as `aws_access_key_id`).
pub fn open_store(url: &str, options: &[(String, String)]) -> Result<Store> {
    let _ = (url, options);
    todo!("open_store")
}

/// An object store and, when it is a directory, where: so that files can be hard-linked.
#[derive(Clone)]
pub struct Store {
    /// The store.
    pub objects: Arc<dyn ObjectStore>,
    /// Its root directory, when it has one.
    pub directory: Option<std::path::PathBuf>,
}

/// How long things are kept. `min_age` is at least twice `publish_time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The newest generations that are kept whatever their age.
    pub generations: usize,
    /// Generations younger than this are kept whatever their number.
    pub min_age: Duration,
    /// The longest that a publish may take, from its first upload to its manifest.
    pub publish_time: Duration,
}

/// What garbage collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Manifests of generations that are no longer retained.
    pub generations: usize,
    /// Segment files, payloads and log entries.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// The objects of one index.
#[derive(Clone)]
pub struct IndexBucket {
    store: Store,
    prefix: object_store::path::Path,
}

impl IndexBucket {
    /// The prefix of an index.
    pub fn prefix(tenant: TenantId, index: IndexId) -> String {
        format!("indexes/{tenant}/{index}")
    }

    /// The index below `prefix` of `store`.
    pub fn new(store: Store, prefix: &str) -> Self {
        Self { store, prefix: prefix.into() }
    }

    /// Appends one entry with these records at the next free seq, put-if-absent, and returns it once the entry is durable. After an
    /// ambiguous put the object is read back and its nonce compared. Upper layers use [`Appender`].
    pub async fn append(&self, records: &[Record]) -> Result<Seq> {
        let _ = (&self.store, &self.prefix, records);
        todo!("append")
    }

    /// The last seq of the log; `None`: it is empty. Cheap when `known` (a seq known to exist) is near the end.
    pub async fn head(&self, known: Option<Seq>) -> Result<Option<Seq>> {
        let _ = known;
        todo!("head")
    }

    /// Up to `limit` entries from `from` on, in order, without a gap; fewer or none at the end of the log.
    pub async fn read(&self, from: Seq, limit: usize) -> Result<Vec<Entry>> {
        let _ = (from, limit);
        todo!("read")
    }

    /// Stores compressed documents as an object of their own, streamed; returns its name, size and checksum.
    pub async fn put_payload(&self, bytes: BoxStream<'_, std::io::Result<Bytes>>) -> Result<(String, u64, String)> {
        let _ = bytes;
        todo!("put_payload")
    }

    /// The raw NDJSON of a payload in blocks of whole lines, decompressed as it is read and checked against its checksum.
    pub async fn documents(&self, payload: &Payload) -> Result<BoxStream<'static, Result<Bytes>>> {
        let _ = payload;
        todo!("documents")
    }

    /// The newest generation's manifest.
    pub async fn latest(&self) -> Result<Option<Manifest>> {
        todo!("latest")
    }

    /// The manifest of a generation.
    pub async fn manifest(&self, generation: Generation) -> Result<Manifest> {
        let _ = generation;
        todo!("manifest")
    }

    /// The numbers of all retained generations, ascending.
    pub async fn generations(&self) -> Result<Vec<Generation>> {
        todo!("generations")
    }

    /// Begins to publish: takes a lease of `publish_time` in the name of `worker`.
    pub async fn begin_publish(&self, worker: &str, publish_time: Duration) -> Result<Publish> {
        let _ = (worker, publish_time);
        todo!("begin_publish")
    }

    /// Makes a generation's files present in `directory` (hard links when the bucket is a directory, downloads otherwise), each
    /// checked for size and checksum before it gets its name there; files that are there and were checked before are kept. Files
    /// in `directory` that the manifest does not name are left alone: see [`Self::forget`].
    pub async fn fetch(&self, manifest: &Manifest, directory: &Path) -> Result<()> {
        let _ = (manifest, directory);
        todo!("fetch")
    }

    /// Removes the files from `directory` that none of the manifests names.
    pub fn forget(directory: &Path, keep: &[&Manifest]) -> Result<()> {
        let _ = (directory, keep);
        todo!("forget")
    }

    /// Copies a generation into this (empty) index's prefix inside the store and publishes it as this index's first one.
    pub async fn fork_from(&self, source: &IndexBucket, source_index: IndexId, generation: Generation) -> Result<Manifest> {
        let _ = (source, source_index, generation);
        todo!("fork_from")
    }

    /// Removes generations that `retention` lets go (never one above `recorded`, the newest that the control plane has recorded) and
    /// then what nothing refers to any more.
    pub async fn collect(&self, retention: Retention, recorded: Generation, now: Timestamp) -> Result<Collected> {
        let _ = (retention, recorded, now);
        todo!("collect")
    }

    /// Removes everything of a deleted index.
    pub async fn remove_all(&self) -> Result<u64> {
        todo!("remove_all")
    }
}

/// A publish under way: uploads under a lease, then one manifest.
pub struct Publish {
    _private: (),
}

impl Publish {
    /// Uploads a local file as a segment file (a hard link when the bucket is a directory) unless `known` refers to it already;
    /// returns its reference. `object` is the name in the bucket.
    pub async fn put_file(&self, path: &Path, object: &str) -> Result<FileRef> {
        let _ = (path, object);
        todo!("put_file")
    }

    /// Puts the manifest if its number is free and the lease holds: [`Error::Lost`], [`Error::LeaseExpired`]. An ambiguous put is
    /// settled by reading back and comparing nonces. Ends the lease.
    pub async fn commit(self, manifest: &Manifest) -> Result<()> {
        let _ = manifest;
        todo!("commit")
    }

    /// Gives up; what was uploaded is left to garbage collection.
    pub async fn abandon(self) {}
}

/// Appends with group commit: records that arrive while an entry is being put share the next one, in order of arrival.
#[derive(Clone)]
pub struct Appender {
    _private: (),
}

impl Appender {
    /// For one index. Appends end in the background even when the caller goes away.
    pub fn new(bucket: IndexBucket) -> Self {
        let _ = bucket;
        todo!("Appender")
    }

    /// Appends a record; returns once its entry is durable.
    pub async fn append(&self, record: Record) -> std::result::Result<Seq, Arc<Error>> {
        let _ = record;
        todo!("append")
    }
}
