//! Which indexes to look at: a set with delays. An index is never given out twice at the same time, and however often it is
//! added meanwhile, it comes once more.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use onggi_domain::IndexId;
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

/// The longest wait before an index that fails is tried again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    added: Notify,
}

#[derive(Default)]
struct Inner {
    ready: VecDeque<IndexId>,
    states: HashMap<IndexId, State>,
    due: BTreeSet<(Instant, IndexId)>,
    due_of: HashMap<IndexId, Instant>,
    failures: HashMap<IndexId, u32>,
}

#[derive(PartialEq)]
enum State {
    Queued,
    Running,
    /// Under way, and added again since.
    RunningAgain,
}

impl Queue {
    /// Asks for an index to be looked at now.
    pub(crate) fn add(&self, index: IndexId) {
        self.inner.lock().add(index);
        self.added.notify_one();
    }

    /// The next index; whoever takes it calls [`Self::done`].
    pub(crate) async fn next(&self) -> IndexId {
        loop {
            let wait = {
                let mut inner = self.inner.lock();
                inner.promote(Instant::now());
                if let Some(index) = inner.ready.pop_front() {
                    inner.states.insert(index, State::Running);
                    return index;
                }
                inner.due.first().map(|(at, _)| *at)
            };
            match wait {
                Some(at) => tokio::select! {
                    () = self.added.notified() => {}
                    () = tokio::time::sleep_until(at) => {}
                },
                None => self.added.notified().await,
            }
        }
    }

    /// An index was looked at; `again`: it should be after this time at the latest.
    pub(crate) fn done(&self, index: IndexId, again: Option<Duration>) {
        let mut inner = self.inner.lock();
        inner.failures.remove(&index);
        inner.finish(index, again);
        self.added.notify_one();
    }

    /// Looking at an index failed: it comes again after a while that doubles with each failure, or as soon as it is added.
    pub(crate) fn failed(&self, index: IndexId) {
        let mut inner = self.inner.lock();
        let failures = inner.failures.entry(index).or_default();
        let wait = Duration::from_millis(100).saturating_mul(1 << (*failures).min(16)).min(LONGEST_BACKOFF);
        *failures += 1;
        inner.finish(index, Some(wait));
        self.added.notify_one();
    }
}

impl Inner {
    fn add(&mut self, index: IndexId) {
        match self.states.get(&index) {
            Some(State::Queued | State::RunningAgain) => {}
            Some(State::Running) => {
                self.states.insert(index, State::RunningAgain);
            }
            None => {
                self.states.insert(index, State::Queued);
                self.ready.push_back(index);
            }
        }
    }

    fn promote(&mut self, now: Instant) {
        while let Some(&(at, index)) = self.due.first() {
            if at > now {
                return;
            }
            self.due.pop_first();
            self.due_of.remove(&index);
            self.add(index);
        }
    }

    fn finish(&mut self, index: IndexId, again: Option<Duration>) {
        if let Some(at) = self.due_of.remove(&index) {
            self.due.remove(&(at, index));
        }
        if let Some(after) = again {
            let at = Instant::now() + after;
            self.due_of.insert(index, at);
            self.due.insert((at, index));
        }
        if self.states.remove(&index) == Some(State::RunningAgain) {
            self.add(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_index_added_many_times_comes_once_and_once_more_if_added_while_it_is_looked_at() {
        let queue = Queue::default();
        let (a, b) = (IndexId::generate(), IndexId::generate());
        queue.add(a);
        queue.add(b);
        queue.add(a);
        assert_eq!((queue.next().await, queue.next().await), (a, b));
        assert!(queue.next().now_or_never().is_none());
        queue.add(a);
        queue.add(a);
        assert!(queue.next().now_or_never().is_none(), "given out twice at the same time");
        queue.done(a, None);
        assert_eq!(queue.next().await, a);
        queue.done(a, None);
        queue.done(b, None);
        assert!(queue.next().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_word_on_when_to_look_again_holds() {
        let queue = Queue::default();
        let index = IndexId::generate();
        queue.add(index);
        let start = Instant::now();
        queue.next().await;
        queue.done(index, Some(Duration::from_mins(1)));
        queue.add(index);
        queue.next().await;
        queue.done(index, Some(Duration::from_secs(5)));
        queue.next().await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn an_index_that_fails_waits_longer_each_time_until_it_succeeds() {
        let queue = Queue::default();
        let index = IndexId::generate();
        queue.add(index);
        let mut waits = Vec::new();
        for _ in 0..12 {
            queue.next().await;
            queue.failed(index);
            let start = Instant::now();
            queue.next().await;
            waits.push(start.elapsed());
            queue.failed(index);
        }
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(*waits.last().unwrap(), LONGEST_BACKOFF);
        queue.next().await;
        queue.done(index, None);
        queue.add(index);
        queue.next().await;
        queue.failed(index);
        let start = Instant::now();
        queue.next().await;
        assert_eq!(start.elapsed().as_millis(), 100);
    }
}
