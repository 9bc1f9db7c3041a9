//! Kill things while documents and queries arrive: nothing accepted is lost, and with two replicas no search fails.

use std::{collections::BTreeSet, time::Duration};

use onggi_testkit::{Api, Load, Onggi};
use serde_json::{Value, json};

use crate::{configured, documents, index_with_documents, onggi, ready};

/// Uploads batches of ten until told to stop; returns the ids that were accepted.
pub(crate) struct Uploads {
    stop: tokio::sync::watch::Sender<bool>,
    task: tokio::task::JoinHandle<BTreeSet<u64>>,
}

impl Uploads {
    pub(crate) fn start(api: Api, first: usize) -> Self {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(async move {
            let mut accepted = BTreeSet::new();
            let mut next = first;
            // Paces the load.
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            while !*stopped.borrow() {
                ticks.tick().await;
                let request = api.request(reqwest::Method::POST, "/indexes/jars/documents").json(&documents(next, 10));
                match api.send(request).await {
                    Ok(answer) if answer.status == 202 => accepted.extend((next..next + 10).map(|id| id as u64)),
                    // Not accepted, or nobody knows: not counted on.
                    _ => {}
                }
                next += 10;
            }
            accepted
        });
        Self { stop, task }
    }

    pub(crate) async fn finish(self) -> BTreeSet<u64> {
        let _ = self.stop.send(true);
        self.task.await.expect("the uploads")
    }
}

/// Every document of the index by paging; panics when one is there twice.
pub(crate) async fn all_ids(api: &Api) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    loop {
        let page = api.get(&format!("/indexes/jars/documents?limit=1000&offset={}&fields=id", ids.len())).await;
        let results = page["results"].as_array().expect("results").clone();
        for document in &results {
            let id = document["id"].as_u64().expect("an id");
            assert!(ids.insert(id), "document {id} is there twice");
        }
        if results.is_empty() {
            assert_eq!(page["total"].as_u64(), Some(ids.len() as u64));
            return ids;
        }
    }
}

pub(crate) async fn settled(api: &Api) {
    api.until("/tasks?statuses=enqueued,processing", |tasks| tasks["total"] == 0).await;
}

pub(crate) fn missing(accepted: &BTreeSet<u64>, there: &BTreeSet<u64>) -> Vec<u64> {
    accepted.difference(there).copied().collect()
}

#[tokio::test]
async fn a_killed_searcher_costs_no_search_when_there_are_two() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 100, 2).await;
    let load = Load::start(&api, "jars", "jar", 4);
    for _ in 0..2 {
        let victim = onggi.workers_of_role("searcher", 2).await.remove(0);
        load.more(50).await;
        victim.kill();
        load.more(100).await;
        api.until("/indexes/jars/containers", |_| !victim.is_alive()).await;
        ready(&api, "jars", 2).await;
    }
    let report = load.finish().await;
    assert!(report.failures.is_empty(), "{} of {} failed, first: {:?}", report.failures.len(), report.answered, report.failures.first());
}

#[tokio::test]
async fn a_killed_indexer_loses_and_doubles_nothing() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 10, 1).await;
    let uploads = Uploads::start(api.clone(), 1000);
    for _ in 0..4 {
        // Whatever it is doing just then: with uploads all the time it is folding, committing or publishing.
        let indexer = onggi.workers_of_role("indexer", 1).await.remove(0);
        let before = generation(&api).await;
        api.until("/indexes/jars/generations", |answer| newest(answer) > before).await;
        indexer.kill();
        api.until("/indexes/jars/containers", |_| !indexer.is_alive()).await;
    }
    let mut accepted = uploads.finish().await;
    settled(&api).await;
    accepted.extend(0..10);
    let there = all_ids(&api).await;
    assert_eq!(missing(&accepted, &there), Vec::<u64>::new());
}

#[tokio::test]
async fn a_killed_onggi_comes_back_with_everything_that_was_accepted() {
    // An upload that was not accepted when it ended may have left a task without an entry in the log: after this long it is given up.
    let (mut onggi, _config) = configured("[controller]\nabandon_after = \"20s\"\n").await;
    index_with_documents(&onggi.api(), "jars", 10, 2).await;
    let mut accepted: BTreeSet<u64> = (0..10).collect();
    for round in 1..=2 {
        let uploads = Uploads::start(onggi.api(), round * 100_000);
        let load = Load::start(&onggi.api(), "jars", "jar", 2);
        load.more(50).await;
        let orphans = onggi.workers();
        assert!(orphans.len() >= 2, "{orphans:?}");
        onggi.kill().await;
        drop(load);
        accepted.extend(uploads.finish().await);
        onggi.restart().await;
        ready(&onggi.api(), "jars", 2).await;
        gone(&onggi, &orphans).await;
    }
    let api = onggi.api();
    settled(&api).await;
    let there = all_ids(&api).await;
    assert_eq!(missing(&accepted, &there), Vec::<u64>::new());
}

async fn gone(onggi: &Onggi, orphans: &[onggi_testkit::Worker]) {
    onggi.api().until("/health", |_| orphans.iter().all(|orphan| !orphan.is_alive())).await;
}

async fn generation(api: &Api) -> u64 {
    newest(&api.get("/indexes/jars/generations").await)
}

fn newest(answer: &Value) -> u64 {
    answer["results"].as_array().into_iter().flatten().filter_map(|row| row["generation"].as_u64()).max().unwrap_or(0)
}

#[tokio::test]
async fn documents_survive_a_restart_in_order() {
    let mut onggi = onggi().await;
    index_with_documents(&onggi.api(), "jars", 30, 1).await;
    onggi.api().done("PATCH", "/indexes/jars/settings", &json!({"filterableAttributes": ["group"]})).await;
    let before = onggi.api().get("/indexes/jars/documents?limit=100").await;
    onggi.stop().await;
    onggi.restart().await;
    assert_eq!(onggi.api().get("/indexes/jars/documents?limit=100").await, before);
    assert_eq!(onggi.api().get("/indexes/jars/settings/filterable-attributes").await, json!(["group"]));
}
