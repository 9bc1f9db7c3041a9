//! One fault at any operation: whoever tries again what failed ends where nobody failed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use object_store::path::Path;
use onggi_bucket::{
    Appender, Error, IndexBucket, Result, Retention, Store,
    testing::{Fault, Faults, Operation, Script},
};
use onggi_domain::{Generation, IndexId, Seq, Timestamp, generation::Manifest, log::Payload};

use crate::support::*;

/// A fault at one operation, counted from the beginning.
#[derive(Debug)]
struct At {
    operation: usize,
    fault: Fault,
    counted: AtomicUsize,
}

impl Faults for At {
    fn before<'a>(&'a self, operation: Operation, object: &'a Path) -> BoxFuture<'a, Fault> {
        let now = self.counted.fetch_add(1, Ordering::Relaxed) == self.operation;
        // Puts of entries and manifests are atomic: the store's contract, without which no log can be kept. That torn ones are found is tested
        // elsewhere.
        let atomic = operation == Operation::Create && ["/log/", "/generations/"].iter().any(|folder| object.as_ref().contains(folder));
        let possible = !(self.fault == Fault::Torn && atomic);
        futures::future::ready(if now && possible { self.fault } else { Fault::None }).boxed()
    }
}

/// Tries until it works, which it must soon.
async fn insist<T>(mut work: impl AsyncFnMut() -> Result<T>) -> T {
    let mut last = None;
    for _ in 0..4 {
        match work().await {
            Ok(value) => return value,
            Err(error) => last = Some(error),
        }
    }
    panic!("still failing: {:?}", last.unwrap());
}

/// Publishes a number that may have been published by an attempt that seemed to fail.
async fn insist_on_publishing(bucket: &IndexBucket, number: u64, files: &[(&str, &str)], old: usize) -> Manifest {
    insist(async || {
        let latest = bucket.latest().await?;
        let taken = latest.map_or(Vec::new(), |manifest| manifest.files.into_iter().take(old).collect());
        match publish(bucket, number, number, files, &taken).await {
            Err(Error::Lost(_)) => bucket.manifest(Generation(number)).await,
            outcome => outcome,
        }
    })
    .await
}

/// What is acknowledged: each task with its seq.
async fn work(store: &Store) -> Vec<(u32, Seq)> {
    let bucket = bucket(store);
    let mut acknowledged = Vec::new();
    for task in 0..3 {
        let payload = insist(async || put_payload(&bucket, &format!("{{\"id\":{task}}}\n")).await).await;
        acknowledged.push((task, insist(async || bucket.append(&[add(task, payload.clone())]).await).await));
    }
    insist_on_publishing(&bucket, 1, &[("a.idx", "a"), ("1.idx", "1")], 0).await;
    insist_on_publishing(&bucket, 2, &[("2.idx", "2")], 1).await;
    insist_on_publishing(&bucket, 3, &[("3.idx", "3")], 1).await;
    let fork = IndexBucket::new(store.clone(), "indexes/t/fork");
    insist(async || fork.fork_from(&bucket, IndexId(uuid::Uuid::nil()), Generation(2)).await).await;
    let retention = Retention { generations: 1, min_age: Duration::from_hours(1), publish_time: PUBLISH_TIME };
    let later = Timestamp::now() + Duration::from_hours(9);
    for _ in 0..2 {
        insist(async || bucket.collect(retention, Generation(3), later).await).await;
    }
    acknowledged
}

/// Nothing acknowledged is lost, and what is retained is whole.
async fn check(store: &Store, acknowledged: &[(u32, Seq)]) {
    let bucket = bucket(store);
    let latest = bucket.latest().await.unwrap().unwrap();
    assert_eq!(latest.generation, Generation(3));
    assert_eq!(bucket.generations().await.unwrap(), [Generation(3)]);
    let fork = IndexBucket::new(store.clone(), "indexes/t/fork").latest().await.unwrap().unwrap();
    for (bucket, manifest, expected) in [
        (&bucket, &latest, pairs(&[("3.idx", "3"), ("a.idx", "a")])),
        (&IndexBucket::new(store.clone(), "indexes/t/fork"), &fork, pairs(&[("2.idx", "2"), ("a.idx", "a")])),
    ] {
        let directory = tempfile::tempdir().unwrap();
        bucket.fetch(manifest, directory.path()).await.unwrap();
        assert_eq!(files(directory.path()), expected);
    }
    let folded = latest.committed_seq.unwrap();
    for (task, seq) in acknowledged.iter().filter(|(_, seq)| *seq > folded) {
        let entry = bucket.read(*seq, 1).await.unwrap().remove(0);
        assert_eq!(entry.records[0].task.0, *task);
        let onggi_domain::log::Operation::AddDocuments { documents, .. } = &entry.records[0].operation else {
            unreachable!("all are additions")
        };
        assert_eq!(text_of(&bucket, documents).await.unwrap(), format!("{{\"id\":{task}}}\n"));
    }
    let mut seqs: Vec<Seq> = acknowledged.iter().map(|(_, seq)| *seq).collect();
    seqs.dedup();
    assert_eq!(seqs.len(), acknowledged.len());
}

async fn run(operation: usize, fault: Fault) -> usize {
    let at = Arc::new(At { operation, fault, counted: AtomicUsize::new(0) });
    let (faulty, store) = faulty(Arc::clone(&at) as Arc<dyn Faults>);
    let acknowledged = work(&store).await;
    let operations = at.counted.load(Ordering::Relaxed);
    faulty.land().await;
    check(&store, &acknowledged).await;
    operations
}

#[tokio::test]
async fn one_fault_at_any_operation_changes_nothing() {
    let operations = run(usize::MAX, Fault::None).await;
    assert!(operations > 50, "{operations}");
    for fault in [Fault::Before, Fault::After, Fault::Late, Fault::Torn, Fault::Twice] {
        for operation in 0..operations {
            run(operation, fault).await;
        }
    }
}

#[tokio::test]
async fn a_put_that_lands_long_after_it_failed_does_not_become_a_second_entry() {
    let script = Arc::new(Script::default());
    let (faulty, store) = faulty(Arc::clone(&script) as Arc<dyn Faults>);
    let bucket = bucket(&store);
    script.push(Operation::Create, "/log/", Fault::Late);
    assert_eq!(bucket.append(&[clear(0)]).await.unwrap(), Seq(0));
    assert!(script.is_done());
    assert_eq!(faulty.land().await, 1);
    bucket.append(&[clear(1)]).await.unwrap();
    assert_eq!(tasks(&bucket).await, [0, 1]);
}

#[tokio::test]
async fn an_append_that_cannot_be_settled_fails_for_all_that_share_the_entry_and_the_next_one_works() {
    let script = Arc::new(Script::default());
    let (_, store) = faulty(Arc::clone(&script) as Arc<dyn Faults>);
    for _ in 0..5 {
        script.push(Operation::Create, "/log/", Fault::Before);
    }
    let appender = Appender::new(bucket(&store));
    let outcomes = join_all((0..3).map(|task| appender.append(clear(task)))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome.as_ref().map_err(AsRef::as_ref), Err(Error::Store { .. }))), "{outcomes:?}");
    assert!(script.is_done());
    assert_eq!(appender.append(clear(3)).await.unwrap(), Seq(0));
}

#[tokio::test]
async fn a_torn_read_of_documents_is_an_error() {
    let script = Arc::new(Script::default());
    let (_, store) = faulty(Arc::clone(&script) as Arc<dyn Faults>);
    let bucket = bucket(&store);
    let text = documents(0..10_000);
    let payload = put_payload(&bucket, &text).await.unwrap();
    script.push(Operation::Get, "/payloads/", Fault::Torn);
    assert!(text_of(&bucket, &payload).await.is_err());
    assert_eq!(text_of(&bucket, &payload).await.unwrap(), text);
    let Payload::Object { name, .. } = payload else { unreachable!("it is an object") };
    assert!(!name.is_empty());
}

/// An uploader that slept for long must not take the seq of an entry that was folded and collected meanwhile.
#[tokio::test]
async fn an_uploader_that_slept_does_not_use_a_collected_seq_again() {
    let (_, store) = faulty(Arc::new(Script::default()));
    let now = Arc::new(parking_lot::Mutex::new(Timestamp::now()));
    let clock = Arc::clone(&now);
    let slept = bucket(&store).with_clock(Arc::new(move || *clock.lock()));
    assert_eq!(slept.append(&[clear(0)]).await.unwrap(), Seq(0));
    let awake = bucket(&store);
    for task in 1..5 {
        awake.append(&[clear(task)]).await.unwrap();
    }
    publish(&awake, 1, 4, &[("a", "a")], &[]).await.unwrap();
    let retention = Retention { generations: 1, min_age: Duration::from_hours(1), publish_time: PUBLISH_TIME };
    let later = Timestamp::now() + Duration::from_hours(9);
    awake.collect(retention, Generation(1), later).await.unwrap();
    assert_eq!(awake.read(Seq(0), 9).await.unwrap(), []);
    *now.lock() = later;
    assert_eq!(slept.append(&[clear(5)]).await.unwrap(), Seq(5));
}
