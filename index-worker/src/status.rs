//! What a worker says of itself: `GET /status`, with a long poll for the next generation.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
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
use onggi_web::process;
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
    /// The oldest generation by which questions may be answered: somebody was told that what is in it can be found.
    held: AtomicU64,
    /// Microseconds that searches have taken together.
    search_time: AtomicU64,
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
            held: AtomicU64::new(0),
            search_time: AtomicU64::new(0),
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

    /// Whether the worker does its work, for who asks it to.
    pub(crate) fn is_ready(&self) -> bool {
        let progress = self.progress.borrow();
        progress.ready && !self.is_held(progress.generation.unwrap_or(Generation(0)))
    }

    /// Answers nothing by a generation older than this from now on.
    pub(crate) fn hold(&self, generation: Generation) {
        self.held.fetch_max(generation.0, Ordering::SeqCst);
    }

    /// Whether a generation is too old to answer by.
    pub(crate) fn is_held(&self, generation: Generation) -> bool {
        generation.0 < self.held.load(Ordering::SeqCst)
    }

    /// A search begins; it is under way until what is returned is dropped.
    pub(crate) fn searching(self: &Arc<Self>) -> Searching {
        self.searches.fetch_add(1, Ordering::Relaxed);
        self.last_search.store(Timestamp::now().as_microsecond(), Ordering::Relaxed);
        Searching { status: Arc::clone(self), since: Instant::now() }
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
            search_seconds: Duration::from_micros(self.search_time.load(Ordering::Relaxed)).as_secs_f64(),
            in_flight: self.gate.in_flight(),
            cpu_seconds: process::cpu_seconds(std::process::id()),
            memory_bytes: process::private_memory(std::process::id()),
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

/// A search under way.
pub(crate) struct Searching {
    status: Arc<Status>,
    since: Instant,
}

impl Drop for Searching {
    fn drop(&mut self) {
        let micros = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.status.search_time.fetch_add(micros, Ordering::Relaxed);
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
