//! What a worker says of itself: `GET /status`, with a long poll for the next generation.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use onggi_domain::{
    Generation, IndexId, Seq, Timestamp,
    container::Role,
    worker::{WorkerConfig, WorkerStatus},
};
use serde::Deserialize;
use tokio::sync::watch;

use crate::server::Gate;

/// The longest that a long poll is held.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How far the work is. Each change wakes those who wait.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// Whether the worker does its work: a searcher answers, an indexer has opened its base.
    pub(crate) ready: bool,
    /// Served, or published last.
    pub(crate) generation: Option<Generation>,
    /// The last log entry in it.
    pub(crate) committed_seq: Option<Seq>,
    /// The last log entry that an indexer has seen.
    pub(crate) head: Option<Seq>,
    /// What failed last and has not succeeded since.
    pub(crate) error: Option<String>,
}

pub(crate) struct Status {
    index: IndexId,
    role: Role,
    progress: watch::Sender<Progress>,
    searches: AtomicU64,
    /// Microseconds since the epoch; 0: never.
    last_search: AtomicI64,
    gate: Gate,
}

impl Status {
    pub(crate) fn new(config: &WorkerConfig, gate: Gate) -> Self {
        Self {
            index: config.index,
            role: config.role,
            progress: watch::Sender::default(),
            searches: AtomicU64::new(0),
            last_search: AtomicI64::new(0),
            gate,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
    }

    pub(crate) fn searched(&self) {
        self.searches.fetch_add(1, Ordering::Relaxed);
        self.last_search.store(Timestamp::now().as_microsecond(), Ordering::Relaxed);
    }

    pub(crate) fn view(&self) -> WorkerStatus {
        let progress = self.progress();
        let last_search = self.last_search.load(Ordering::Relaxed);
        WorkerStatus {
            index: self.index,
            role: self.role,
            generation: progress.generation,
            committed_seq: progress.committed_seq,
            head: progress.head,
            last_search_at: if last_search == 0 { None } else { Timestamp::from_microsecond(last_search).ok() },
            searches: self.searches.load(Ordering::Relaxed),
            in_flight: self.gate.in_flight(),
            error: progress.error,
        }
    }

    /// Returns once the generation is above `after`, the time is over or the worker drains.
    async fn wait_above(&self, after: Generation, wait: Duration) {
        let mut progress = self.progress.subscribe();
        tokio::select! {
            _ = progress.wait_for(|now| now.generation.is_some_and(|generation| generation > after)) => {}
            () = tokio::time::sleep(wait.min(LONGEST_WAIT)) => {}
            () = self.gate.draining() => {}
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusQuery {
    after: Option<Generation>,
    #[serde(default)]
    wait_ms: u64,
}

pub(crate) fn router(status: Arc<Status>) -> Router {
    Router::new().route("/status", get(show)).with_state(status)
}

async fn show(State(status): State<Arc<Status>>, Query(query): Query<StatusQuery>) -> Json<WorkerStatus> {
    if let Some(after) = query.after {
        status.wait_above(after, Duration::from_millis(query.wait_ms)).await;
    }
    Json(status.view())
}
