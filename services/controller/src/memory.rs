//! What the controller has learnt about indexes that are awake or being folded. All of it may be lost: it is learnt again.

use std::{collections::HashMap, time::Duration};

use onggi_domain::{
    Generation, IndexId, Seq, Timestamp,
    generation::Manifest,
    worker::{Endpoint, WorkerStatus},
};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    autoscale::{Load, Scaler},
    decide::Serves,
};

/// What is known of each index that has or should have containers.
#[derive(Default)]
pub(crate) struct Memories {
    indexes: Mutex<HashMap<IndexId, Memory>>,
}

/// What is known of one index.
pub(crate) struct Memory {
    /// What is known of its searchers, by container.
    pub searchers: HashMap<String, Known>,
    /// The newest generation that a worker has spoken of.
    pub seen: Option<Generation>,
    /// The generations that searchers are loading, before they are recorded.
    pub publishing: Option<Publishing>,
    /// When the log was last known to be ahead.
    pub ahead: Option<Instant>,
    /// The indexer that was told last, and up to which entry.
    pub told: Option<(Endpoint, Seq)>,
    /// Who waits for the indexer's next generation.
    pub watcher: Option<(Endpoint, AbortOnDropHandle<()>)>,
    /// Searchers that the last pass wanted.
    pub wanted: u32,
    /// How many there should be, where the tenant selected a range.
    pub scaler: Option<Scaler>,
    /// How long the index may be idle.
    pub sleep_after: Option<Duration>,
    /// When it became awake.
    pub awake_since: Timestamp,
    /// The last search that any searcher spoke of.
    pub last_search: Option<Timestamp>,
    /// When the bucket may be cleaned again.
    pub collect_at: Option<Instant>,
}

/// What is known of a searcher.
pub(crate) struct Known {
    /// The process that it is known of: another address is another process.
    pub endpoint: Endpoint,
    /// How often its container had been restarted when it was started.
    pub restarts: u32,
    /// What it serves.
    pub serves: Serves,
    /// Since when it is behind.
    pub behind_since: Option<Instant>,
    /// Since when no request is meant for it.
    pub unrouted_since: Option<Instant>,
    /// The generation than which it has promised to answer by none that is older.
    pub held: Option<Generation>,
    /// What it had done when it was asked last.
    pub done: Option<Done>,
    /// Whether it is being asked to load, or rests after a failure.
    pub asked: bool,
    /// Loads that failed in a row.
    pub failures: u32,
}

impl Known {
    /// A process of which nothing is known yet.
    pub(crate) fn new(endpoint: Endpoint, restarts: u32) -> Self {
        Self {
            endpoint,
            restarts,
            serves: Serves::Unknown,
            behind_since: None,
            unrouted_since: None,
            held: None,
            done: None,
            asked: false,
            failures: 0,
        }
    }
}

/// What a searcher had done at some moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub at: Instant,
    pub search_seconds: f64,
    pub cpu_seconds: f64,
}

/// A publish that is not recorded yet.
pub(crate) struct Publishing {
    /// The manifests since the recorded generation, oldest first; never empty.
    pub manifests: Vec<Manifest>,
    /// When it was seen.
    pub since: Instant,
}

impl Publishing {
    /// The generation that will be recorded.
    pub(crate) fn newest(&self) -> &Manifest {
        self.manifests.last().expect("a publish has a manifest")
    }
}

impl Memory {
    fn new(now: Timestamp) -> Self {
        Self {
            searchers: HashMap::new(),
            seen: None,
            publishing: None,
            ahead: None,
            told: None,
            watcher: None,
            wanted: 0,
            scaler: None,
            sleep_after: None,
            awake_since: now,
            last_search: None,
            collect_at: None,
        }
    }

    /// Notes that a worker spoke of a generation; whether it is news.
    pub(crate) fn saw(&mut self, generation: Option<Generation>) -> bool {
        let news = generation > self.seen;
        self.seen = self.seen.max(generation);
        news
    }

    /// Notes what a searcher said of itself, unless it is another process by now. A process never goes back to an older generation,
    /// so an answer that says so is merely an old one.
    pub(crate) fn heard(&mut self, endpoint: &Endpoint, status: &WorkerStatus) {
        if let Some(known) = self.searchers.get_mut(&endpoint.name).filter(|known| known.endpoint == *endpoint) {
            known.serves = known.serves.max(Serves::Generation(status.generation));
        }
        self.last_search = self.last_search.max(status.last_search_at);
    }

    /// Notes what a searcher has done by now; what it did since it was asked last, unless it was not.
    pub(crate) fn measured(&mut self, endpoint: &Endpoint, status: &WorkerStatus, now: Instant) -> Option<Load> {
        let known = self.searchers.get_mut(&endpoint.name).filter(|known| known.endpoint == *endpoint)?;
        let done = Done { at: now, search_seconds: status.search_seconds, cpu_seconds: status.cpu_seconds.unwrap_or(0.0) };
        let before = known.done.replace(done)?;
        let seconds = (now - before.at).as_secs_f64();
        let rate = |before: f64, after: f64| if seconds > 0.0 { ((after - before) / seconds).max(0.0) } else { 0.0 };
        Some(Load { concurrency: rate(before.search_seconds, done.search_seconds), cpus: rate(before.cpu_seconds, done.cpu_seconds) })
    }

    /// Whether nobody has searched for as long as the index may be idle.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        let last = self.last_search.map_or(self.awake_since, |search| search.max(self.awake_since));
        let idle = Duration::try_from(now.duration_since(last)).unwrap_or_default();
        self.sleep_after.is_some_and(|limit| idle >= limit)
    }
}

impl Memories {
    /// Reads or changes what is known of an index, which is remembered from now on.
    pub(crate) fn with<T>(&self, index: IndexId, change: impl FnOnce(&mut Memory) -> T) -> T {
        change(self.indexes.lock().entry(index).or_insert_with(|| Memory::new(Timestamp::now())))
    }

    /// The same for an index that is remembered already.
    pub(crate) fn if_known<T>(&self, index: IndexId, change: impl FnOnce(&mut Memory) -> T) -> Option<T> {
        self.indexes.lock().get_mut(&index).map(change)
    }

    /// Forgets an index; whoever watches its indexer stops.
    pub(crate) fn forget(&self, index: IndexId) {
        self.indexes.lock().remove(&index);
    }

    /// Whether anything is known of an index.
    pub(crate) fn knows(&self, index: IndexId) -> bool {
        self.indexes.lock().contains_key(&index)
    }

    /// Every index of which something is known.
    pub(crate) fn all(&self) -> Vec<IndexId> {
        self.indexes.lock().keys().copied().collect()
    }

    /// Searchers selected, of all indexes that are awake.
    pub(crate) fn replicas_selected(&self) -> u64 {
        self.indexes.lock().values().map(|memory| u64::from(memory.wanted)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_idle_when_neither_a_search_nor_its_waking_is_recent() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut memory = Memory::new(at(1000));
        assert!(!memory.is_idle(at(9999)), "it never sleeps unless a time is selected");
        memory.sleep_after = Some(Duration::from_mins(1));
        assert!(!memory.is_idle(at(1059)));
        assert!(memory.is_idle(at(1060)));
        memory.last_search = Some(at(1050));
        assert!(!memory.is_idle(at(1109)));
        memory.awake_since = at(1100);
        assert!(!memory.is_idle(at(1159)));
        assert!(memory.is_idle(at(1160)));
        assert!(!memory.is_idle(at(0)), "a clock that went back puts nothing to sleep");
    }
}
