//! Why the number of an index's searchers is what it is: the last decisions of each index, for its tenant and for who looks at what runs.
//! They are for reading only and are lost with the process.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use onggi_domain::{IndexId, Timestamp, container::Decision};
use parking_lot::Mutex;

use crate::{Inner, autoscale::Change};

/// Decisions of an index that are kept.
const KEPT: usize = 20;
/// How long they are kept.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// The last decisions, by index.
#[derive(Default)]
pub(crate) struct Decisions {
    indexes: Mutex<HashMap<IndexId, VecDeque<Decision>>>,
}

impl Decisions {
    /// The decisions about an index, newest first.
    pub(crate) fn of(&self, index: IndexId) -> Vec<Decision> {
        self.indexes.lock().get(&index).map(|decisions| decisions.iter().rev().cloned().collect()).unwrap_or_default()
    }

    /// Forgets a deleted index.
    pub(crate) fn forget(&self, index: IndexId) {
        self.indexes.lock().remove(&index);
    }

    /// Forgets what is old.
    pub(crate) fn trim(&self, now: Timestamp) {
        let oldest = now.checked_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        let mut indexes = self.indexes.lock();
        indexes.retain(|_, decisions| {
            decisions.retain(|decision| decision.at >= oldest);
            !decisions.is_empty()
        });
    }

    fn add(&self, index: IndexId, decision: Decision) {
        let mut indexes = self.indexes.lock();
        let decisions = indexes.entry(index).or_default();
        if decisions.len() == KEPT {
            decisions.pop_front();
        }
        decisions.push_back(decision);
    }
}

impl Inner {
    /// Notes a decision, and tells it to those who look at what runs.
    pub(crate) fn decided(&self, index: IndexId, change: Change) {
        let Change { from, to, why } = change;
        let direction = if to > from { "up" } else { "down" };
        metrics::counter!("onggi_controller_decisions_total", "direction" => direction).increment(1);
        tracing::info!(%index, from, to, why, "number of searchers changes");
        let decision = Decision { at: Timestamp::now(), from, to, why };
        self.deps.runtime.decided(index, &decision);
        self.decisions.add(index, decision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(second: i64) -> Decision {
        Decision { at: Timestamp::from_second(second).unwrap(), from: 1, to: 2, why: "busy".to_owned() }
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_are_dropped() {
        let (decisions, index) = (Decisions::default(), IndexId::generate());
        for second in 0..30 {
            decisions.add(index, decision(second));
        }
        let kept: Vec<i64> = decisions.of(index).iter().map(|decision| decision.at.as_second()).collect();
        assert_eq!((kept.len(), kept[0], kept[19]), (KEPT, 29, 10));
        decisions.trim(Timestamp::from_second(20 + 24 * 3600).unwrap());
        assert_eq!(decisions.of(index).len(), 10);
        decisions.trim(Timestamp::from_second(30 + 24 * 3600).unwrap());
        assert!(decisions.indexes.lock().is_empty());
    }
}
