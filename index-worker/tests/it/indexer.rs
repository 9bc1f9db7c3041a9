//! The indexer: what is in the log is published, once, whatever happens in between.

use std::{future::Future, pin::pin, task::Poll};

use onggi_domain::{
    Code, Generation, Seq,
    container::Role,
    generation::{Cause, TaskResult},
    log::Operation,
    task::TaskKind,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::bed::{Bed, add};

#[tokio::test]
async fn a_write_is_published_with_its_outcome_and_the_next_one_builds_on_it() {
    for bed in [Bed::in_memory(), Bed::in_directory()] {
        let (task, _) = bed.add("a", "a clay jar").await;
        let indexer = bed.start(Role::Indexer).await;
        let status = indexer.until_published(Seq(0)).await;
        assert_eq!((status.generation, status.head, status.error), (Some(Generation(1)), Some(Seq(0)), None));

        let (_, seq) = bed.add("b", "a lid for the jar").await;
        indexer.advance().await;
        assert_eq!(indexer.until_published(seq).await.generation, Some(Generation(2)));

        let manifest = bed.latest().await;
        assert_eq!((manifest.cause, manifest.state.documents), (Cause::Fold, 2));
        assert_eq!(manifest.state.primary_key.as_deref(), Some("id"));
        let outcome = bed.outcome(task).await;
        assert_eq!((outcome.kind, &outcome.result), (TaskKind::DocumentAdditionOrUpdate, &TaskResult::Succeeded));
        assert_eq!(json!(outcome.details), json!({"receivedDocuments": 1, "indexedDocuments": 1}));
        assert_eq!(bed.ids().await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_backlog_becomes_one_generation() {
    let bed = Bed::in_memory();
    let mut last = Seq(0);
    for n in 0..300 {
        last = bed.add(&format!("d{n}"), "a jar").await.1;
    }
    let indexer = bed.start(Role::Indexer).await;
    let status = indexer.until_published(last).await;
    assert_eq!(status.generation, Some(Generation(1)));
    assert_eq!(bed.latest().await.state.documents, 300);
    assert_eq!(bed.outcomes().await.len(), 300);
}

#[tokio::test]
async fn a_task_that_fails_leaves_the_others_alone() {
    let bed = Bed::in_memory();
    bed.add("a", "jar").await;
    let (failed, _) = bed.write(Operation::DeleteByFilter { filter: json!("not_filterable = 1") }).await;
    let (gone, _) = bed.write(Operation::Rollback { generation: Generation(7) }).await;
    let (_, last) = bed.write(Operation::DeleteDocuments { ids: vec!["nobody".to_owned()] }).await;
    let indexer = bed.start(Role::Indexer).await;
    indexer.until_published(last).await;

    assert!(matches!(bed.outcome(failed).await.result, TaskResult::Failed { .. }));
    let TaskResult::Failed { error } = bed.outcome(gone).await.result else { panic!("went back to a generation that never was") };
    assert_eq!((error.code, error.message.as_str()), (Code::GenerationNotFound, "Generation `7` not found."));
    assert_eq!(bed.ids().await, ["a"]);
}

#[tokio::test]
async fn a_cancel_reaches_its_own_window_and_nothing_before_it() {
    let bed = Bed::in_memory();
    let (kept, _) = bed.add("kept", "jar").await;
    let (canceled, _) = bed.add("canceled", "jar").await;
    let (cancel, seq) = bed.write(Operation::Cancel { tasks: vec![canceled] }).await;
    let indexer = bed.start(Role::Indexer).await;
    indexer.until_published(seq).await;
    let (too_late, seq) = bed.write(Operation::Cancel { tasks: vec![kept] }).await;
    indexer.advance().await;
    indexer.until_published(seq).await;

    assert_eq!(bed.outcome(canceled).await.result, TaskResult::Canceled { by: cancel });
    assert_eq!(json!(bed.outcome(canceled).await.details), json!({"receivedDocuments": 1, "indexedDocuments": 0}));
    assert_eq!(json!(bed.outcome(cancel).await.details), json!({"matchedTasks": 1, "canceledTasks": 1}));
    assert_eq!(json!(bed.outcome(too_late).await.details), json!({"matchedTasks": 1, "canceledTasks": 0}));
    assert_eq!(bed.outcome(kept).await.result, TaskResult::Succeeded);
    assert_eq!(bed.ids().await, ["kept"]);
}

#[tokio::test]
async fn a_rollback_brings_back_documents_and_settings_and_the_log_goes_on_from_there() {
    for bed in [Bed::in_memory(), Bed::in_directory()] {
        bed.add("a", "jar").await;
        let patch = serde_json::from_value(json!({"stopWords": ["the"]})).unwrap();
        let (_, seq) = bed.write(Operation::UpdateSettings { patch: Box::new(patch) }).await;
        let indexer = bed.start(Role::Indexer).await;
        let good = indexer.until_published(seq).await.generation.unwrap();

        let patch = serde_json::from_value(json!({"stopWords": null})).unwrap();
        bed.write(Operation::UpdateSettings { patch: Box::new(patch) }).await;
        let (_, seq) = bed.write(add(&[json!({"id": "a", "title": "broken"}), json!({"id": "b"})])).await;
        indexer.advance().await;
        indexer.until_published(seq).await;

        let (back, _) = bed.write(Operation::Rollback { generation: good }).await;
        let (_, seq) = bed.add("c", "bowl").await;
        indexer.advance().await;
        indexer.until_published(seq).await;

        assert_eq!(bed.outcome(back).await.result, TaskResult::Succeeded);
        assert_eq!(bed.latest().await.state.settings.stop_words.len(), 1);
        let searcher = bed.searcher().await;
        assert_eq!(searcher.ids().await, ["a", "c"]);
        assert_eq!(searcher.get("/documents/a").await.json["title"], "jar");
    }
}

#[tokio::test]
async fn of_two_indexers_that_race_nothing_is_lost_or_done_twice() {
    let bed = Bed::in_memory();
    let (one, two) = (bed.start(Role::Indexer).await, bed.start(Role::Indexer).await);
    let mut last = Seq(0);
    for n in 0..20 {
        last = bed.add(&format!("d{n}"), "jar").await.1;
        tokio::join!(one.advance(), two.advance());
    }
    tokio::select! {
        _ = one.until_published(last) => {}
        _ = two.until_published(last) => {}
    }
    assert_eq!(bed.outcomes().await.len(), 20);
    let mut ids = bed.ids().await;
    ids.sort();
    let mut expected: Vec<String> = (0..20).map(|n| format!("d{n}")).collect();
    expected.sort();
    assert_eq!(ids, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_indexer_that_crashes_at_any_point_leaves_each_document_exactly_once() {
    let bed = Bed::in_memory();
    let mut survived = 0;
    let mut written = 0;
    // One more poll each time until three runs in a row came to the end of the log first: every await was a place to crash at.
    for polls in 1.. {
        let (_, last) = bed.add(&format!("d{written}"), "jar").await;
        written += 1;
        let config = bed.config(Role::Indexer);
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let run = onggi_worker::run_on(bed.bucket.clone(), config, listener, std::future::pending());
        let done = async {
            while bed.bucket.latest().await.unwrap().is_none_or(|manifest| manifest.committed_seq < Some(last)) {
                tokio::task::yield_now().await;
            }
        };
        // In a task of its own, so that only its own wake-ups poll it.
        let mut running = tokio::spawn(crash_after(polls, run));
        let finished = tokio::select! {
            crashed = &mut running => { crashed.unwrap(); false }
            () = done => true,
        };
        running.abort();
        survived = if finished { survived + 1 } else { 0 };
        if survived == 3 {
            break;
        }
    }
    assert_eq!(bed.outcomes().await.len(), written);
    let ids = bed.ids().await;
    let expected: Vec<String> = (0..written).map(|n| format!("d{n}")).collect();
    assert_eq!(ids, expected, "in the order of the log");
}

/// Polls a future that often and then drops it.
async fn crash_after<T>(polls: u32, future: impl Future<Output = T>) {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        let polled = future.as_mut().poll(cx);
        left -= 1;
        if left == 0 || polled.is_ready() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
