//! Atomic numbers by index, in shards that are locked for reading only, but when an index is counted for the first time in a while.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use onggi_domain::{
    IndexId, TenantId,
    latency::{BUCKETS, Latencies},
    usage::Counts,
};
use parking_lot::RwLock;

const SHARDS: usize = 16;

/// The counts of all indexes since they were taken last.
#[derive(Default)]
pub(crate) struct Counters {
    shards: [RwLock<HashMap<IndexId, Arc<Counter>>>; SHARDS],
}

struct Counter {
    tenant: TenantId,
    searches: AtomicU64,
    no_hits: AtomicU64,
    clicks: AtomicU64,
    positions: AtomicU64,
    conversions: AtomicU64,
    documents: AtomicU64,
    latencies: [AtomicU64; BUCKETS],
}

impl Counter {
    fn new(tenant: TenantId) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            tenant,
            searches: zero(),
            no_hits: zero(),
            clicks: zero(),
            positions: zero(),
            conversions: zero(),
            documents: zero(),
            latencies: std::array::from_fn(|_| zero()),
        }
    }

    fn pairs<'a>(&'a self, counts: &'a Counts) -> [(&'a AtomicU64, u64); 6] {
        [
            (&self.searches, counts.searches),
            (&self.no_hits, counts.no_hits),
            (&self.clicks, counts.clicks),
            (&self.positions, counts.positions),
            (&self.conversions, counts.conversions),
            (&self.documents, counts.documents),
        ]
    }

    fn add(&self, counts: &Counts) {
        let latencies = self.latencies.iter().zip(counts.latencies.0);
        for (number, more) in self.pairs(counts).into_iter().chain(latencies).filter(|(_, more)| *more > 0) {
            number.fetch_add(more, Relaxed);
        }
    }

    /// Whether nothing was counted. An addition may have been taken but for its latencies, so all of them are looked at.
    fn is_zero(&self) -> bool {
        let counts = Counts::default();
        let numbers = self.pairs(&counts).map(|(number, _)| number);
        numbers.into_iter().chain(&self.latencies).all(|number| number.load(Relaxed) == 0)
    }

    /// What was counted; from now on it counts from zero. What is added meanwhile is in this batch or in the next.
    fn take(&self) -> Counts {
        let take = |number: &AtomicU64| number.swap(0, Relaxed);
        Counts {
            searches: take(&self.searches),
            no_hits: take(&self.no_hits),
            clicks: take(&self.clicks),
            positions: take(&self.positions),
            conversions: take(&self.conversions),
            documents: take(&self.documents),
            latencies: Latencies(std::array::from_fn(|at| take(&self.latencies[at]))),
        }
    }
}

impl Counters {
    pub(crate) fn add(&self, tenant: TenantId, index: IndexId, counts: &Counts) {
        let shard = &self.shards[index.0.as_bytes()[15] as usize % SHARDS];
        if let Some(counter) = shard.read().get(&index) {
            counter.add(counts);
            return;
        }
        shard.write().entry(index).or_insert_with(|| Arc::new(Counter::new(tenant))).add(counts);
    }

    /// What was counted of each index, in the order of their ids. An index of which nothing was counted since the last time is forgotten.
    pub(crate) fn take(&self) -> Vec<(TenantId, IndexId, Counts)> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            let counters: Vec<(IndexId, Arc<Counter>)> = shard.read().iter().map(|(index, counter)| (*index, counter.clone())).collect();
            let mut idle = Vec::new();
            for (index, counter) in counters {
                let counts = counter.take();
                if counts == Counts::default() {
                    idle.push(index);
                } else {
                    taken.push((counter.tenant, index, counts));
                }
            }
            if !idle.is_empty() {
                let mut shard = shard.write();
                for index in idle {
                    // Whoever adds holds the shard for reading, so nothing is added between the look and the removal.
                    if let Some(counter) = shard.get(&index)
                        && counter.is_zero()
                    {
                        shard.remove(&index);
                    }
                }
            }
        }
        taken.sort_unstable_by_key(|(_, index, _)| *index);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_is_taken_once() {
        let counters = Arc::new(Counters::default());
        let (tenant, indexes) = (TenantId::generate(), [IndexId::generate(), IndexId::generate()]);
        let counting = |counters: Arc<Counters>| {
            move || {
                for round in 0..2000 {
                    let counts = Counts { searches: 1, latencies: Latencies(std::array::from_fn(|_| 1)), ..Counts::default() };
                    counters.add(tenant, indexes[round % 2], &counts);
                }
            }
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(counting(counters.clone()))).collect();
        let mut total = Counts::default();
        loop {
            let running = threads.iter().any(|thread| !thread.is_finished());
            counters.take().iter().for_each(|(_, _, counts)| total.add(counts));
            if !running {
                break;
            }
        }
        counters.take().iter().for_each(|(_, _, counts)| total.add(counts));
        assert_eq!((total.searches, total.latencies.total()), (8000, 8000 * BUCKETS as u64));
        assert!(counters.take().is_empty());
        assert!(counters.shards.iter().all(|shard| shard.read().is_empty()), "what is idle takes no room");
    }
}
