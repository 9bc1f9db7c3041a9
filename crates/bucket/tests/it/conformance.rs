//! What the protocol promises on every store: memory, a directory, and one whose puts in the log and of manifests fail all the time.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, join_all},
};
use object_store::{ObjectStoreExt, path::Path};
use onggi_bucket::{
    Appender, Error, IndexBucket, Retention, Store,
    testing::{Fault, Faults, Operation as StoreOperation},
};
use onggi_domain::{
    Generation, IndexId, Seq, Timestamp,
    generation::Cause,
    log::{Operation, Payload},
};

use crate::support::*;

/// Every other put if absent that the protocol must get over goes wrong, each time in another way.
#[derive(Debug, Default)]
struct Often(AtomicUsize);

impl Faults for Often {
    fn before<'a>(&'a self, operation: StoreOperation, object: &'a Path) -> BoxFuture<'a, Fault> {
        let name = object.as_ref();
        let applies = operation == StoreOperation::Create && (name.contains("/log/") || name.contains("/generations/"));
        let fault = if applies {
            [Fault::Before, Fault::None, Fault::After, Fault::Twice, Fault::None][self.0.fetch_add(1, Ordering::Relaxed) % 5]
        } else {
            Fault::None
        };
        futures::future::ready(fault).boxed()
    }
}

macro_rules! conformance {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(crate::support::memory()).await; })*
        }
        mod directory {
            $(#[tokio::test] async fn $name() {
                let (_kept, store) = crate::support::directory(true);
                super::$name(store).await;
            })*
        }
        mod faulty {
            $(#[tokio::test] async fn $name() {
                let (_, store) = crate::support::faulty(std::sync::Arc::new(super::Often::default()));
                super::$name(store).await;
            })*
        }
    };
}

conformance!(
    entries_are_read_in_the_order_of_their_appends,
    appends_that_race_share_no_seq_and_leave_no_gap,
    an_appender_keeps_the_order_of_arrival_and_groups_what_arrives_together,
    an_append_ends_though_its_caller_went_away,
    the_head_is_found_from_anywhere,
    inline_documents_come_back,
    documents_of_an_object_come_back_in_blocks_of_whole_lines,
    a_payload_that_is_not_what_its_reference_says_is_an_error_that_names_it,
    a_torn_entry_is_an_error_that_names_it_and_nothing_is_appended_after_it,
    a_published_generation_is_fetched_as_it_was,
    of_two_publishes_of_a_number_one_is_lost,
    a_publish_after_its_lease_is_refused,
    a_generation_of_files_that_nobody_put_is_refused,
    a_torn_or_missing_file_is_an_error_that_names_it_and_gets_no_name,
    a_name_with_another_content_is_replaced,
    forgetting_removes_what_no_manifest_names,
    a_fork_has_the_files_of_its_source_and_outlives_it,
    collection_keeps_what_is_retained_and_removes_the_rest,
    a_generation_that_a_rollback_names_stays_until_it_is_folded,
    removing_everything_leaves_other_indexes_alone,
);

async fn entries_are_read_in_the_order_of_their_appends(store: Store) {
    let bucket = bucket(&store);
    assert_eq!(bucket.read(Seq(0), 10).await.unwrap(), []);
    assert_eq!(bucket.append(&[clear(0), clear(1)]).await.unwrap(), Seq(0));
    assert_eq!(bucket.append(&[clear(2)]).await.unwrap(), Seq(1));
    for task in 3..20 {
        bucket.append(&[clear(task)]).await.unwrap();
    }
    assert_eq!(tasks(&bucket).await, (0..20).collect::<Vec<_>>());
    let middle = bucket.read(Seq(5), 3).await.unwrap();
    assert_eq!(middle.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [Seq(5), Seq(6), Seq(7)]);
    assert_eq!(middle[0].records, [clear(6)]);
    assert_eq!(bucket.read(Seq(19), 3).await.unwrap(), []);
}

async fn appends_that_race_share_no_seq_and_leave_no_gap(store: Store) {
    let uploaders = [bucket(&store), bucket(&store), bucket(&store)];
    let appends = (0..60).map(|task| {
        let uploader = &uploaders[task as usize % 3];
        async move { uploader.append(&[clear(task)]).await.unwrap().0 }
    });
    let seqs: BTreeSet<u64> = join_all(appends).await.into_iter().collect();
    assert_eq!(seqs, (0..60).collect());
    assert_eq!(tasks(&uploaders[0]).await.into_iter().collect::<BTreeSet<_>>(), (0..60).collect());
}

async fn an_appender_keeps_the_order_of_arrival_and_groups_what_arrives_together(store: Store) {
    let appender = Appender::new(bucket(&store));
    let seqs = join_all((0..100).map(|task| appender.append(clear(task)))).await;
    assert!(seqs.iter().all(Result::is_ok));
    assert_eq!(tasks(&bucket(&store)).await, (0..100).collect::<Vec<_>>());
    let entries = bucket(&store).read(Seq(0), 100).await.unwrap();
    assert!(entries.len() < 10, "{} entries", entries.len());
    for entry in entries {
        for record in entry.records {
            assert_eq!(*seqs[record.task.0 as usize].as_ref().unwrap(), entry.seq);
        }
    }
}

async fn an_append_ends_though_its_caller_went_away(store: Store) {
    let appender = Appender::new(bucket(&store));
    {
        let mut first = Box::pin(appender.append(clear(0)));
        assert!(futures::poll!(&mut first).is_pending());
    }
    appender.append(clear(1)).await.unwrap();
    assert_eq!(tasks(&bucket(&store)).await, [0, 1]);
}

async fn the_head_is_found_from_anywhere(store: Store) {
    let bucket = bucket(&store);
    assert_eq!(bucket.head(None).await.unwrap(), None);
    for task in 0..23 {
        bucket.append(&[clear(task)]).await.unwrap();
        assert_eq!(bucket.head(None).await.unwrap(), Some(Seq(task.into())));
    }
    for known in 0..23 {
        assert_eq!(bucket.head(Some(Seq(known))).await.unwrap(), Some(Seq(22)));
    }
}

async fn inline_documents_come_back(store: Store) {
    let bucket = bucket(&store);
    let texts = ["{\"id\":1}\n{\"id\":2}\n", "{\"id\":\"no newline at the end\"}", ""];
    let records: Vec<_> = texts.iter().zip(0..).map(|(text, task)| add(task, inline(text))).collect();
    bucket.append(&records).await.unwrap();
    let entry = bucket.read(Seq(0), 1).await.unwrap().remove(0);
    assert_eq!(entry.records, records);
    for (record, text) in entry.records.iter().zip(texts) {
        let Operation::AddDocuments { documents, .. } = &record.operation else { unreachable!("all are additions") };
        assert_eq!(text_of(&bucket, documents).await.unwrap(), text);
    }
}

async fn documents_of_an_object_come_back_in_blocks_of_whole_lines(store: Store) {
    let bucket = bucket(&store);
    let long = format!("{{\"id\":0,\"text\":\"{}\"}}\n", "x".repeat(700_000));
    let text = documents(1..60_000);
    let text = format!("{text}{long}{text}{{\"id\":\"last\"}}");
    let payload = put_payload(&bucket, &text).await.unwrap();
    let blocks: Vec<_> = bucket.documents(&payload).await.unwrap().map(Result::unwrap).collect().await;
    assert!(blocks.len() > 3);
    for block in &blocks[..blocks.len() - 1] {
        assert!(block.ends_with(b"\n"));
        assert!(block.len() < 2_000_000, "{} bytes at once", block.len());
    }
    assert_eq!(blocks.concat(), text.as_bytes());
}

async fn a_payload_that_is_not_what_its_reference_says_is_an_error_that_names_it(store: Store) {
    let bucket = bucket(&store);
    let text = documents(0..1000);
    let good = put_payload(&bucket, &text).await.unwrap();
    let Payload::Object { documents, raw_bytes, name, size, checksum } = good else { unreachable!("it is an object") };
    let object = |raw_bytes, name: &str, size, checksum: &str| Payload::Object {
        documents,
        raw_bytes,
        name: name.to_owned(),
        size,
        checksum: checksum.to_owned(),
    };
    let wrong = [
        object(raw_bytes, &name, size, "0123456789abcdef0123456789abcdef"),
        object(raw_bytes, &name, size + 1, &checksum),
        object(raw_bytes - 1, &name, size, &checksum),
        object(raw_bytes + 1, &name, size, &checksum),
        object(raw_bytes, "missing", size, &checksum),
    ];
    for payload in wrong {
        let Payload::Object { name, .. } = &payload else { unreachable!("all are objects") };
        let error = text_of(&bucket, &payload).await.unwrap_err();
        assert!(matches!(&error, Error::Damaged { object, .. } if object.ends_with(name)), "{payload:?}: {error}");
    }
    let torn = Payload::Inline { documents: 1, raw_bytes, bytes: compress(&text)[..40].to_vec() };
    assert!(matches!(text_of(&bucket, &torn).await, Err(Error::Damaged { .. })));
}

async fn a_torn_entry_is_an_error_that_names_it_and_nothing_is_appended_after_it(store: Store) {
    let bucket = bucket(&store);
    bucket.append(&[add(0, inline("{\"id\":1}\n"))]).await.unwrap();
    bucket.append(&[add(1, inline("{\"id\":2}\n"))]).await.unwrap();
    let object = Path::from(format!("{PREFIX}/log/{:020}", 1));
    let whole = store.objects.get(&object).await.unwrap().bytes().await.unwrap();
    store.objects.put(&object, whole.slice(..whole.len() - 1).into()).await.unwrap();
    let error = bucket.read(Seq(0), 9).await.unwrap_err();
    assert!(matches!(&error, Error::Damaged { object: named, .. } if *named == object.to_string()), "{error}");
    // One that does not know the end of the log yet meets it on the way.
    let slow = IndexBucket::new(store.clone(), PREFIX).with_clock(Arc::new(|| Timestamp::UNIX_EPOCH));
    store.objects.delete(&object).await.unwrap();
    slow.append(&[clear(1)]).await.unwrap();
    let object = Path::from(format!("{PREFIX}/log/{:020}", 2));
    store.objects.put(&object, whole.slice(..whole.len() - 1).into()).await.unwrap();
    assert!(matches!(slow.append(&[clear(2)]).await, Err(Error::Damaged { .. })));
}

async fn a_published_generation_is_fetched_as_it_was(store: Store) {
    let bucket = bucket(&store);
    assert_eq!(bucket.latest().await.unwrap(), None);
    assert!(matches!(bucket.manifest(Generation(1)).await, Err(Error::NoGeneration(Generation(1)))));
    let large = "0123456789".repeat(2_000_000);
    let first = publish(&bucket, 1, 0, &[("a.idx", "one"), ("b.store", &large), ("c.fast", "")], &[]).await.unwrap();
    let second = publish(&bucket, 2, 4, &[("d.idx", "two")], &first.files[..2]).await.unwrap();
    assert_eq!(bucket.latest().await.unwrap(), Some(second.clone()));
    assert_eq!(bucket.manifest(Generation(1)).await.unwrap(), first);
    assert_eq!(bucket.generations().await.unwrap(), [Generation(1), Generation(2)]);
    let directory = tempfile::tempdir().unwrap();
    bucket.fetch(&first, directory.path()).await.unwrap();
    assert_eq!(files(directory.path()), pairs(&[("a.idx", "one"), ("b.store", &large), ("c.fast", "")]));
    bucket.fetch(&second, directory.path()).await.unwrap();
    assert_eq!(files(directory.path()), pairs(&[("a.idx", "one"), ("b.store", &large), ("c.fast", ""), ("d.idx", "two")]));
}

async fn of_two_publishes_of_a_number_one_is_lost(store: Store) {
    let bucket = bucket(&store);
    let directory = tempfile::tempdir().unwrap();
    let one = bucket.begin_publish("one", PUBLISH_TIME).await.unwrap();
    let two = bucket.begin_publish("two", PUBLISH_TIME).await.unwrap();
    let of_one = put_file(&one, directory.path(), "same.name", "one").await.unwrap();
    let of_two = put_file(&two, directory.path(), "same.name", "two").await.unwrap();
    let won = manifest(1, Some(0), vec![of_two]);
    two.commit(&won).await.unwrap();
    let lost = one.commit(&manifest(1, Some(0), vec![of_one])).await;
    assert!(matches!(lost, Err(Error::Lost(Generation(1)))), "{lost:?}");
    bucket.fetch(&won, directory.path()).await.unwrap();
    assert_eq!(files(directory.path()), pairs(&[("same.name", "two")]));
    // One that builds on what was never published does not open a gap either.
    let ahead = publish(&bucket, 3, 0, &[], &[]).await;
    assert!(matches!(ahead, Err(Error::NoGeneration(Generation(2)))), "{ahead:?}");
}

async fn a_publish_after_its_lease_is_refused(store: Store) {
    let bucket = bucket(&store);
    let late = bucket.begin_publish("late", Duration::ZERO).await.unwrap();
    let refused = late.commit(&manifest(1, Some(0), Vec::new())).await;
    assert!(matches!(refused, Err(Error::LeaseExpired)), "{refused:?}");
    assert_eq!(bucket.latest().await.unwrap(), None);
}

async fn a_generation_of_files_that_nobody_put_is_refused(store: Store) {
    let bucket = bucket(&store);
    let first = publish(&bucket, 1, 0, &[("a", "1")], &[]).await.unwrap();
    publish(&bucket, 2, 1, &[("b", "2")], &[]).await.unwrap();
    // The file is generation 1's, which may be about to go.
    let refused = publish(&bucket, 3, 2, &[], &first.files).await;
    assert!(matches!(&refused, Err(Error::Damaged { object, .. }) if object.contains("segments/a")), "{refused:?}");
    // As the target of a rollback it may not.
    let publish = bucket.begin_publish("worker", PUBLISH_TIME).await.unwrap();
    let mut rolled_back = manifest(3, Some(2), first.files);
    rolled_back.cause = Cause::Rollback { to: Generation(1) };
    publish.commit(&rolled_back).await.unwrap();
}

async fn a_torn_or_missing_file_is_an_error_that_names_it_and_gets_no_name(store: Store) {
    let bucket = bucket(&store);
    let manifest = publish(&bucket, 1, 0, &[("a.idx", "abc"), ("b.idx", "0123456789")], &[]).await.unwrap();
    let object = Path::from(format!("{PREFIX}/segments/{}", manifest.files[1].object));
    for content in [Some("012345678"), Some("0123456780"), None] {
        store.objects.delete(&object).await.unwrap();
        if let Some(content) = content {
            store.objects.put(&object, content.into()).await.unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let error = bucket.fetch(&manifest, directory.path()).await.unwrap_err();
        assert!(matches!(&error, Error::Damaged { object: named, .. } if *named == object.to_string()), "{content:?}: {error}");
        assert!(!directory.path().join("b.idx").exists());
    }
}

async fn a_name_with_another_content_is_replaced(store: Store) {
    let bucket = bucket(&store);
    let first = publish(&bucket, 1, 0, &[("meta.json", "one"), ("a.idx", "a")], &[]).await.unwrap();
    let second = publish(&bucket, 2, 1, &[("meta.json", "two")], &first.files[1..]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (manifest, content) in [(&first, "one"), (&second, "two"), (&first, "one")] {
        bucket.fetch(manifest, directory.path()).await.unwrap();
        assert_eq!(files(directory.path()), pairs(&[("a.idx", "a"), ("meta.json", content)]));
    }
    std::fs::remove_file(directory.path().join("a.idx")).unwrap();
    std::fs::write(directory.path().join("a.idx"), "b").unwrap();
    bucket.fetch(&first, directory.path()).await.unwrap();
    assert_eq!(files(directory.path()), pairs(&[("a.idx", "a"), ("meta.json", "one")]));
}

async fn forgetting_removes_what_no_manifest_names(store: Store) {
    let bucket = bucket(&store);
    let first = publish(&bucket, 1, 0, &[("a.idx", "a"), ("b.idx", "b")], &[]).await.unwrap();
    let second = publish(&bucket, 2, 1, &[("c.idx", "c")], &first.files[1..]).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    bucket.fetch(&first, directory.path()).await.unwrap();
    bucket.fetch(&second, directory.path()).await.unwrap();
    IndexBucket::forget(directory.path(), &[&second]).unwrap();
    assert_eq!(files(directory.path()), pairs(&[("b.idx", "b"), ("c.idx", "c")]));
    IndexBucket::forget(directory.path(), &[]).unwrap();
    assert_eq!(files(directory.path()), []);
    bucket.fetch(&first, directory.path()).await.unwrap();
    assert_eq!(files(directory.path()), pairs(&[("a.idx", "a"), ("b.idx", "b")]));
}

async fn a_fork_has_the_files_of_its_source_and_outlives_it(store: Store) {
    let source = bucket(&store);
    let original = publish(&source, 1, 7, &[("a.idx", "a"), ("b.idx", "b")], &[]).await.unwrap();
    let fork = IndexBucket::new(store.clone(), "indexes/t/fork");
    let index = IndexId::generate();
    let manifest = fork.fork_from(&source, index, Generation(1)).await.unwrap();
    assert_eq!(fork.fork_from(&source, index, Generation(1)).await.unwrap(), manifest, "again");
    assert_eq!(manifest.generation, Generation(1));
    assert_eq!(manifest.committed_seq, None);
    assert_eq!(manifest.cause, Cause::Fork { from: index, generation: Generation(1) });
    assert_eq!(manifest.state, original.state);
    let missing = fork.fork_from(&source, index, Generation(2)).await;
    assert!(matches!(missing, Err(Error::NoGeneration(Generation(2)))), "{missing:?}");
    source.remove_all().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    fork.fetch(&fork.latest().await.unwrap().unwrap(), directory.path()).await.unwrap();
    assert_eq!(files(directory.path()), pairs(&[("a.idx", "a"), ("b.idx", "b")]));
    assert_eq!(fork.append(&[clear(0)]).await.unwrap(), Seq(0));
}

const RETENTION: Retention = Retention { generations: 2, min_age: Duration::from_hours(1), publish_time: PUBLISH_TIME };

/// So long from now that everything is old.
fn much_later() -> Timestamp {
    Timestamp::now() + Duration::from_hours(100)
}

/// Collects until the announced floor has counted.
async fn collect_twice(bucket: &IndexBucket, recorded: u64) -> usize {
    let mut removed = 0;
    for _ in 0..2 {
        removed += bucket.collect(RETENTION, Generation(recorded), much_later()).await.unwrap().generations;
    }
    removed
}

async fn collection_keeps_what_is_retained_and_removes_the_rest(store: Store) {
    let bucket = bucket(&store);
    let text = "{\"id\":1}\n";
    let mut payloads = Vec::new();
    for task in 0..5 {
        payloads.push(put_payload(&bucket, text).await.unwrap());
        bucket.append(&[add(task, payloads[task as usize].clone())]).await.unwrap();
    }
    let mut manifests = vec![publish(&bucket, 1, 0, &[("1", "1"), ("all", "all")], &[]).await.unwrap()];
    for number in 2..=4 {
        let shared = &manifests[number - 2].files[1..];
        let name = number.to_string();
        manifests.push(publish(&bucket, number as u64, number as u64 - 1, &[(&name, &name)], shared).await.unwrap());
        manifests[number - 1].files.reverse();
    }
    let orphan = bucket.begin_publish("gone", PUBLISH_TIME).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    put_file(&orphan, directory.path(), "orphan", "orphan").await.unwrap();
    let unnamed = put_payload(&bucket, text).await.unwrap();

    assert_eq!(bucket.collect(RETENTION, Generation(4), Timestamp::now()).await.unwrap(), onggi_bucket::Collected::default(), "all young");
    assert_eq!(collect_twice(&bucket, 0).await, 0, "nothing recorded");
    assert_eq!(collect_twice(&bucket, 4).await, 2);
    assert_eq!(bucket.generations().await.unwrap(), [Generation(3), Generation(4)]);
    for manifest in &manifests[2..] {
        let directory = tempfile::tempdir().unwrap();
        bucket.fetch(manifest, directory.path()).await.unwrap();
    }
    // An indexer that slept meanwhile does not get a number that is free again.
    let slept = publish(&bucket, 2, 1, &[], &[]).await;
    assert!(matches!(slept, Err(Error::Lost(Generation(2)))), "{slept:?}");
    // A control plane that was set back to an older state costs nothing.
    assert_eq!(collect_twice(&bucket, 1).await, 0);
    // What generation 3 has folded, and what nobody names, is gone; the rest of the log is there and goes on.
    assert_eq!(bucket.read(Seq(0), 9).await.unwrap(), []);
    assert_eq!(bucket.read(Seq(3), 9).await.unwrap().len(), 2);
    assert!(text_of(&bucket, &payloads[0]).await.is_err());
    assert!(text_of(&bucket, &unnamed).await.is_err());
    assert_eq!(text_of(&bucket, &payloads[3]).await.unwrap(), text);
    assert_eq!(IndexBucket::new(store.clone(), PREFIX).append(&[clear(9)]).await.unwrap(), Seq(5));
    let left: Vec<_> = store.objects.list(Some(&PREFIX.into())).map(|object| object.unwrap().location.to_string()).collect().await;
    assert!(!left.iter().any(|name| name.contains("orphan") || name.contains("leases")), "{left:?}");
}

async fn a_generation_that_a_rollback_names_stays_until_it_is_folded(store: Store) {
    let bucket = bucket(&store);
    bucket.append(&[clear(0)]).await.unwrap();
    let first = publish(&bucket, 1, 0, &[("1", "1")], &[]).await.unwrap();
    for number in 2..=5 {
        let name = number.to_string();
        publish(&bucket, number, 0, &[(&name, &name)], &[]).await.unwrap();
    }
    bucket.append(&[clear(1)]).await.unwrap();
    bucket.append(&[record(2, Operation::Rollback { generation: Generation(1) })]).await.unwrap();
    assert_eq!(collect_twice(&bucket, 5).await, 2);
    assert_eq!(bucket.generations().await.unwrap(), [Generation(4), Generation(5)]);
    let directory = tempfile::tempdir().unwrap();
    bucket.fetch(&bucket.manifest(Generation(1)).await.unwrap(), directory.path()).await.unwrap();

    let publishing = bucket.begin_publish("worker", PUBLISH_TIME).await.unwrap();
    let mut rolled_back = manifest(6, Some(2), first.files.clone());
    rolled_back.cause = Cause::Rollback { to: Generation(1) };
    publishing.commit(&rolled_back).await.unwrap();
    publish(&bucket, 7, 2, &[], &first.files).await.unwrap();
    collect_twice(&bucket, 7).await;
    assert!(matches!(bucket.manifest(Generation(1)).await, Err(Error::NoGeneration(_))));
    let directory = tempfile::tempdir().unwrap();
    bucket.fetch(&bucket.latest().await.unwrap().unwrap(), directory.path()).await.unwrap();
}

async fn removing_everything_leaves_other_indexes_alone(store: Store) {
    let [one, other] = ["indexes/t/1", "indexes/t/10"].map(|prefix| IndexBucket::new(store.clone(), prefix));
    for bucket in [&one, &other] {
        bucket.append(&[clear(0)]).await.unwrap();
        publish(bucket, 1, 0, &[("a", "a")], &[]).await.unwrap();
    }
    assert_eq!(one.remove_all().await.unwrap(), 3);
    assert_eq!(one.remove_all().await.unwrap(), 0);
    assert_eq!(one.latest().await.unwrap(), None);
    assert_eq!(other.latest().await.unwrap().unwrap().generation, Generation(1));
}
