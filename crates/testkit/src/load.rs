//! A steady load of searches, to see that none fails while things change.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Api;

/// Searches under way until stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: JoinSet<Vec<Failure>>,
}

/// What a load saw.
#[derive(Debug)]
pub struct LoadReport {
    /// Searches that were answered with hits.
    pub answered: u64,
    /// What went wrong.
    pub failures: Vec<Failure>,
}

/// A search that failed.
#[derive(Debug)]
pub enum Failure {
    /// The answer was an error, or had no hits.
    Answer(String),
    /// The connection ended without an answer.
    Connection {
        /// Why.
        error: String,
        /// How long it took, asking again and again, until there was one; `None`: the load was stopped before.
        answered_after: Option<Duration>,
    },
}

impl Load {
    /// `clients` clients that each search `index` for `query` again and again, a hundred times a second at most.
    pub fn start(api: &Api, index: &str, query: &str, clients: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let mut set = JoinSet::new();
        for _ in 0..clients {
            let (api, stop, answered) = (api.clone(), stop.clone(), answered.clone());
            let (path, body) = (format!("/indexes/{index}/search"), json!({"q": query, "limit": 1}));
            set.spawn(async move { client(&api, &path, &body, &stop, &answered).await });
        }
        Self { stop, answered, clients: set }
    }

    /// Waits until this many more searches were answered, so that a change is seen to be under load.
    pub async fn more(&self, searches: u64) {
        let goal = self.answered.load(Ordering::Relaxed) + searches;
        let begin = Instant::now();
        while self.answered.load(Ordering::Relaxed) < goal {
            assert!(begin.elapsed() < crate::api::PATIENCE, "searches are no longer answered");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops and reports.
    pub async fn finish(mut self) -> LoadReport {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        while let Some(client) = self.clients.join_next().await {
            failures.extend(client.expect("a client of the load"));
        }
        LoadReport { answered: self.answered.load(Ordering::Relaxed), failures }
    }
}

async fn client(api: &Api, path: &str, body: &Value, stop: &AtomicBool, answered: &AtomicU64) -> Vec<Failure> {
    let mut failures = Vec::new();
    // Those failures whose connection ended, and when, until there is an answer again.
    let mut unanswered: Vec<(usize, Instant)> = Vec::new();
    // Paces the load.
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        match api.send(api.request(reqwest::Method::POST, path).json(body)).await {
            Ok(answer) if answer.status == 200 && answer.json()["hits"].as_array().is_some_and(|hits| !hits.is_empty()) => {
                answered.fetch_add(1, Ordering::Relaxed);
                for (at, since) in unanswered.drain(..) {
                    if let Failure::Connection { answered_after, .. } = &mut failures[at] {
                        *answered_after = Some(since.elapsed());
                    }
                }
            }
            Ok(answer) => failures.push(Failure::Answer(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.bytes)))),
            Err(error) => {
                unanswered.push((failures.len(), Instant::now()));
                failures.push(Failure::Connection { error: format!("{error:?}"), answered_after: None });
            }
        }
    }
    failures
}
