//! What the tests share: buckets of each kind, records, and a generation's files.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use onggi_bucket::{IndexBucket, Publish, Result, Store, open_store, testing::Faults, testing::FaultyStore};
use onggi_domain::{
    Generation, Seq, TaskUid, Timestamp,
    generation::{Cause, FileRef, IndexState, MANIFEST_FORMAT, Manifest},
    log::{DocumentMethod, Operation, Payload, Record},
    settings::Settings,
};
use tempfile::TempDir;

pub(crate) const PREFIX: &str = "indexes/t/i";
pub(crate) const PUBLISH_TIME: Duration = Duration::from_mins(10);

pub(crate) fn memory() -> Store {
    open_store("memory:///", &[]).unwrap()
}

/// A store in a directory, synced as in production when told to.
pub(crate) fn directory(fsync: bool) -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}/bucket?fsync={fsync}", directory.path().display());
    let store = open_store(&url, &[]).unwrap();
    (directory, store)
}

pub(crate) fn faulty(faults: Arc<dyn Faults>) -> (FaultyStore, Store) {
    let faulty = FaultyStore::new(Arc::new(InMemory::new()), faults);
    let store = Store { objects: Arc::new(faulty.clone()), directory: None, fsync: false };
    (faulty, store)
}

pub(crate) fn bucket(store: &Store) -> IndexBucket {
    IndexBucket::new(store.clone(), PREFIX)
}

pub(crate) fn record(task: u32, operation: Operation) -> Record {
    Record { task: TaskUid(task), enqueued_at: Timestamp::UNIX_EPOCH, operation }
}

/// A record without documents.
pub(crate) fn clear(task: u32) -> Record {
    record(task, Operation::DeleteAllDocuments)
}

pub(crate) fn add(task: u32, documents: Payload) -> Record {
    record(task, Operation::AddDocuments { method: DocumentMethod::Replace, primary_key: "id".to_owned(), documents })
}

pub(crate) fn compress(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

pub(crate) fn inline(text: &str) -> Payload {
    Payload::Inline { documents: text.lines().count() as u64, raw_bytes: text.len() as u64, bytes: compress(text) }
}

pub(crate) async fn put_payload(bucket: &IndexBucket, text: &str) -> Result<Payload> {
    let pieces: Vec<_> = compress(text).chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let (name, size, checksum) = bucket.put_payload(futures::stream::iter(pieces).boxed()).await?;
    Ok(Payload::Object { documents: text.lines().count() as u64, raw_bytes: text.len() as u64, name, size, checksum })
}

pub(crate) async fn text_of(bucket: &IndexBucket, payload: &Payload) -> Result<String> {
    let blocks: Vec<Bytes> = bucket.documents(payload).await?.try_collect().await?;
    Ok(String::from_utf8(blocks.concat()).unwrap())
}

/// The tasks of the whole log, in order.
pub(crate) async fn tasks(bucket: &IndexBucket) -> Vec<u32> {
    let entries = bucket.read(Seq(0), usize::MAX).await.unwrap();
    entries.iter().flat_map(|entry| &entry.records).map(|record| record.task.0).collect()
}

pub(crate) fn manifest(generation: u64, committed: Option<u64>, files: Vec<FileRef>) -> Manifest {
    Manifest {
        format: MANIFEST_FORMAT,
        generation: Generation(generation),
        committed_seq: committed.map(Seq),
        nonce: rand::random(),
        created_at: Timestamp::now(),
        cause: Cause::Fold,
        files,
        state: IndexState::empty(Settings::default(), None),
        outcomes: Vec::new(),
    }
}

pub(crate) async fn put_file(publish: &Publish, directory: &Path, name: &str, content: &str) -> Result<FileRef> {
    let path = directory.join(name);
    std::fs::write(&path, content).unwrap();
    let file = publish.put_file(&path, name).await;
    std::fs::remove_file(&path).unwrap();
    file
}

/// Publishes a generation with these new files, and others that it takes over.
pub(crate) async fn publish(
    bucket: &IndexBucket,
    generation: u64,
    committed: u64,
    new: &[(&str, &str)],
    old: &[FileRef],
) -> Result<Manifest> {
    let directory = tempfile::tempdir().unwrap();
    let publish = bucket.begin_publish(&format!("worker-{generation}"), PUBLISH_TIME).await?;
    let mut files = old.to_vec();
    for (name, content) in new {
        files.push(put_file(&publish, directory.path(), name, content).await?);
    }
    let manifest = manifest(generation, Some(committed), files);
    publish.commit(&manifest).await?;
    Ok(manifest)
}

/// Names and contents of the files of a directory, in order.
pub(crate) fn files(directory: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_file());
    let mut files: Vec<_> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())).collect();
    files.sort();
    files
}

pub(crate) fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
}

/// Lines, each with its end.
pub(crate) fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// Documents with these ids.
pub(crate) fn documents(ids: std::ops::Range<usize>) -> String {
    lines(ids.map(|id| format!("{{\"id\":{id}}}")))
}
