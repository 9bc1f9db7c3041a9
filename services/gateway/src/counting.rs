//! Counting searches, uploads and clicks by index, and when keys were used, in memory; told to the database every few seconds.
//!
//! Nothing here makes a search wait. Counts are atomic numbers; queries go through a bounded channel to a task of their own, and what does not
//! fit is not logged. What was counted is taken as batches with numbers, each of which is told until the database has it and counts once there. A
//! crash loses what was counted since the last ones.

mod counters;
mod queries;
mod uses;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use onggi_domain::{
    IndexId, KeyId, TenantId, Timestamp,
    limits::LOGGED_REQUEST_BYTES,
    usage::{Counts, hour_of},
};
use onggi_metadata::{CountBatch, Keys, Metadata, QueryCounts, Searches};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Mutex, mpsc},
    time::MissedTickBehavior,
};
use uuid::Uuid;

use self::{counters::Counters, queries::Tally, uses::Uses};
pub(crate) use queries::{Entry, Source, What};

/// Queries that wait to be looked at, and the bytes of the requests that they are in.
const WAITING: usize = 8192;
const WAITING_BYTES: usize = 8 << 20;
/// Rows of a batch, which is one transaction.
const ROWS: usize = 500;
/// How often counts are taken that then wait for a database that does not answer; the oldest of more are given up. What is told twice is known as
/// such for longer.
const TAKEN: usize = 60;

/// How counts are kept and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CountingConfig {
    /// How often counts are told: what a crash loses, and how old live figures are.
    #[serde(with = "humantime_serde")]
    pub tell_every: Duration,
    /// How often queries are told.
    #[serde(with = "humantime_serde")]
    pub tell_queries_every: Duration,
    /// Of so many searches one is in the log of queries, with the weight of all of them. A user's searches are in it all or none.
    pub log_one_in: u64,
    /// Different queries of an index that are told at a time; further ones are left out.
    pub queries_per_index: usize,
    /// The same for all indexes together.
    pub queries: usize,
}

impl Default for CountingConfig {
    fn default() -> Self {
        Self {
            tell_every: Duration::from_secs(5),
            tell_queries_every: Duration::from_mins(1),
            log_one_in: 1,
            queries_per_index: 500,
            queries: 50_000,
        }
    }
}

impl CountingConfig {
    /// What is wrong with the numbers, if anything.
    pub fn validate(&self) -> Result<(), String> {
        if self.tell_every.is_zero() || self.tell_every > Duration::from_secs(10) || self.tell_queries_every < self.tell_every {
            return Err("analytics.tell_every must be above zero and at most 10s, analytics.tell_queries_every at least as long".to_owned());
        }
        if self.log_one_in == 0 || self.queries_per_index == 0 {
            return Err("analytics.log_one_in and analytics.queries_per_index must be 1 or more".to_owned());
        }
        Ok(())
    }
}

/// What counts. Cheap to clone; [`Counting::run`] once.
#[derive(Clone)]
pub struct Counting(Arc<Inner>);

struct Inner {
    config: CountingConfig,
    searches: Arc<dyn Searches>,
    keys: Arc<dyn Keys>,
    counters: Counters,
    uses: Uses,
    entries: mpsc::Sender<Entry>,
    waiting_bytes: AtomicUsize,
    dropped: AtomicU64,
    teller: Mutex<Teller>,
}

/// What is not told yet.
struct Teller {
    source: Uuid,
    next: u64,
    entries: mpsc::Receiver<Entry>,
    tally: Tally,
    counted_since: Timestamp,
    queries_since: Timestamp,
    /// The batches of each time that counts were taken.
    taken: VecDeque<VecDeque<CountBatch>>,
}

impl Counting {
    /// Counts that are told to this database.
    pub fn new(config: CountingConfig, metadata: &Metadata) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let now = Timestamp::now();
        let teller = Teller {
            source: Uuid::new_v4(),
            next: 0,
            entries: receiver,
            tally: Tally::new(config.queries_per_index, config.queries),
            counted_since: now,
            queries_since: now,
            taken: VecDeque::new(),
        };
        Self(Arc::new(Inner {
            config,
            searches: metadata.searches.clone(),
            keys: metadata.keys.clone(),
            counters: Counters::default(),
            uses: Uses::default(),
            entries: sender,
            waiting_bytes: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            teller: Mutex::new(teller),
        }))
    }

    /// Tells the database every few seconds until `shutdown`, and then once more.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let mut ticks = tokio::time::interval(self.0.config.tell_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(shutdown);
        loop {
            let mut teller = self.0.teller.lock().await;
            tokio::select! {
                entry = teller.entries.recv() => {
                    if let Some(entry) = entry {
                        self.0.look_at(&mut teller, &entry);
                    }
                }
                _ = ticks.tick() => self.0.tell(&mut teller, false).await,
                () = &mut shutdown => {
                    self.0.tell(&mut teller, true).await;
                    return;
                }
            }
        }
    }

    /// Tells everything that was counted so far.
    pub async fn tell(&self) {
        self.0.tell(&mut *self.0.teller.lock().await, true).await;
    }

    /// Of how many searches one is logged.
    pub(crate) fn log_one_in(&self) -> u64 {
        self.0.config.log_one_in
    }

    /// Counts something of an index.
    pub(crate) fn count(&self, tenant: TenantId, index: IndexId, counts: &Counts) {
        self.0.counters.add(tenant, index, counts);
    }

    /// Notes that a key was used.
    pub(crate) fn used(&self, tenant: TenantId, key: KeyId) {
        self.0.uses.note(tenant, key, Timestamp::now());
    }

    /// Logs what was asked, if there is room.
    pub(crate) fn log(&self, entry: Entry) {
        let bytes = entry.source.bytes();
        // Before it waits, so that what is taken out again was always put in.
        let waiting = self.0.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if waiting > WAITING_BYTES || self.0.entries.try_send(entry).is_err() {
            self.0.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Inner {
    /// Adds what has waited to what is told.
    fn look_at(&self, teller: &mut Teller, entry: &Entry) {
        self.waiting_bytes.fetch_sub(entry.source.bytes(), Ordering::Relaxed);
        teller.tally.add(entry);
    }

    async fn tell(&self, teller: &mut Teller, everything: bool) {
        while let Ok(entry) = teller.entries.try_recv() {
            self.look_at(teller, &entry);
        }
        self.take(teller, Timestamp::now(), everything);
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            metrics::counter!("onggi_gateway_unlogged_queries_total").increment(dropped);
            tracing::debug!(dropped, "queries were not logged: too many at a time");
        }
        self.tell_uses().await;
        while let Some(batches) = teller.taken.front_mut() {
            while let Some(batch) = batches.front() {
                if let Err(error) = self.searches.add(batch).await {
                    tracing::warn!(%error, waiting = teller.taken.len(), "counts could not be told, trying again");
                    return;
                }
                batches.pop_front();
            }
            teller.taken.pop_front();
        }
    }

    async fn tell_uses(&self) {
        let uses = self.uses.take(Timestamp::now());
        if uses.is_empty() {
            return;
        }
        if let Err(error) = self.keys.used(&uses).await {
            tracing::warn!(%error, "the use of keys could not be told, trying again");
            self.uses.put_back(uses);
        }
    }

    /// Makes a batch of what was counted, if anything was.
    fn take(&self, teller: &mut Teller, now: Timestamp, everything: bool) {
        let indexes = self.counters.take();
        let due = teller.queries_since.checked_add(self.config.tell_queries_every).is_ok_and(|due| due <= now);
        let queries = if everything || due {
            teller.queries_since = now;
            teller.tally.take()
        } else {
            Vec::new()
        };
        if !indexes.is_empty() || !queries.is_empty() {
            let hour = hour_of(teller.counted_since);
            teller.taken.push_back(batches(teller.source, &mut teller.next, now, hour, indexes, queries));
            if teller.taken.len() > TAKEN {
                teller.taken.pop_front();
                tracing::error!("counts were given up: the database did not take them for too long");
            }
        }
        teller.counted_since = now;
    }
}

/// What was counted until a time, as batches that are told one by one; `next` is the number of the next batch.
fn batches(
    source: Uuid,
    next: &mut u64,
    until: Timestamp,
    hour: Timestamp,
    indexes: Vec<(TenantId, IndexId, Counts)>,
    queries: Vec<QueryCounts>,
) -> VecDeque<CountBatch> {
    let (mut all_indexes, mut all_queries) = (indexes.into_iter().peekable(), queries.into_iter().peekable());
    let mut batches = VecDeque::new();
    while all_indexes.peek().is_some() || all_queries.peek().is_some() {
        let indexes: Vec<_> = all_indexes.by_ref().take(ROWS).collect();
        let queries = all_queries.by_ref().take(ROWS - indexes.len()).collect();
        batches.push_back(CountBatch { source, seq: *next, until, hour, indexes, queries });
        *next += 1;
    }
    batches
}

/// Where the query of a request is.
pub(crate) fn source(path_and_query: &str, body: &Bytes) -> Option<Source> {
    if !body.is_empty() {
        // A copy: a body is a part of what was read from the connection, which would be kept whole.
        return (body.len() <= LOGGED_REQUEST_BYTES).then(|| Source::Body(Bytes::copy_from_slice(body)));
    }
    let (_, query) = path_and_query.split_once('?')?;
    (query.len() <= LOGGED_REQUEST_BYTES).then(|| Source::Query(query.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_that_was_counted_is_told_in_several_batches_of_which_each_has_its_number() {
        let (source, tenant, time) = (Uuid::nil(), TenantId::generate(), Timestamp::UNIX_EPOCH);
        let counts = Counts { searches: 1, ..Counts::default() };
        let indexes: Vec<_> = (0..ROWS + 3).map(|_| (tenant, IndexId::generate(), counts)).collect();
        let index = indexes[0].1;
        let query = |number: usize| QueryCounts { tenant, index, query: number.to_string(), counts };
        let queries: Vec<_> = (0..2 * ROWS).map(query).collect();
        let mut next = 7;
        let told = batches(source, &mut next, time, time, indexes.clone(), queries.clone());
        assert_eq!(told.iter().map(|batch| batch.seq).collect::<Vec<_>>(), [7, 8, 9, 10]);
        assert_eq!(next, 11);
        assert!(told.iter().all(|batch| batch.indexes.len() + batch.queries.len() <= ROWS));
        // All of it once, in its order.
        assert_eq!(told.iter().flat_map(|batch| batch.indexes.clone()).collect::<Vec<_>>(), indexes);
        assert_eq!(told.iter().flat_map(|batch| batch.queries.clone()).collect::<Vec<_>>(), queries);
        assert!(batches(source, &mut next, time, time, Vec::new(), Vec::new()).is_empty());
    }
}
