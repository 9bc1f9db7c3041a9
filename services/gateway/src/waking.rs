//! Searches that wait for a searcher: of one index only so many, and only so long. However many wait, the index is woken once.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use onggi_domain::{ApiError, Code, IndexId, IndexUid, container::WakePolicy, limits::Limits};
use onggi_web::{Error, Result};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Discovery, WakeError, indexes::Found};

/// The first pause before searchers that should be there are looked for again, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(320));

/// A wake under way, shared by everyone who waits for it.
type Wake = Shared<BoxFuture<'static, Result<(), WakeError>>>;

/// Who waits for which index.
pub(crate) struct Waking {
    discovery: Arc<dyn Discovery>,
    places: usize,
    wait: Duration,
    queues: Mutex<HashMap<IndexId, Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: usize,
    wake: Option<Wake>,
}

/// A place in the queue of an index, until it is dropped.
pub(crate) struct Place {
    waking: Arc<Waking>,
    uid: IndexUid,
    index: Found,
    deadline: Instant,
    pause: Duration,
}

impl Waking {
    pub(crate) fn new(discovery: Arc<dyn Discovery>, limits: &Limits) -> Self {
        Self { discovery, places: limits.waking_queue, wait: limits.waking_wait, queues: Mutex::default() }
    }

    /// Takes a place in the queue; an error when it is full.
    pub(crate) fn enter(self: &Arc<Self>, uid: &IndexUid, index: Found) -> Result<Place, ApiError> {
        let mut queues = self.queues.lock();
        let queue = queues.entry(index.id).or_default();
        if queue.waiting >= self.places {
            let message = format!("Index `{uid}` is waking up, and as many searches as may wait for it do. Try again in a moment.");
            return Err(ApiError::new(Code::IndexWaking, message));
        }
        queue.waiting += 1;
        Ok(Place { waking: self.clone(), uid: uid.clone(), index, deadline: Instant::now() + self.wait, pause: PAUSE.0 })
    }

    fn leave(&self, index: IndexId) {
        if let Entry::Occupied(mut queue) = self.queues.lock().entry(index) {
            queue.get_mut().waiting -= 1;
            if queue.get().waiting == 0 {
                queue.remove();
            }
        }
    }

    /// The wake of an index that is under way, or a new one.
    fn wake(&self, index: IndexId) -> Wake {
        let mut queues = self.queues.lock();
        let queue = queues.entry(index).or_default();
        match &queue.wake {
            Some(wake) if wake.peek().is_none() => wake.clone(),
            _ => {
                metrics::counter!("onggi_gateway_wakes_total").increment(1);
                let discovery = self.discovery.clone();
                let wake = async move { discovery.wake(index).await }.boxed().shared();
                queue.wake.insert(wake).clone()
            }
        }
    }
}

impl Place {
    /// Waits until it is worth looking for searchers again. `failed`: there were some and none of them answered.
    pub(crate) async fn wait(&mut self, failed: bool) -> Result<()> {
        let manual = self.index.wake == WakePolicy::Manual;
        if manual && !self.index.awake && !failed {
            let uid = &self.uid;
            let message = format!("Index `{uid}` is asleep and does not wake by a search. Wake it with `POST /indexes/{uid}/wake`.");
            return Err(Error::api(Code::IndexWaking, message));
        }
        let (id, pause) = (self.index.id, self.pause);
        // The first search to find the index asleep wakes it at once. Later it is only a matter of hearing of its searchers.
        let hurried = !failed && pause == PAUSE.0;
        self.pause = (pause * 2).min(PAUSE.1);
        let waited = async {
            if !hurried {
                sleep(pause).await;
            }
            if manual { Ok(()) } else { self.waking.wake(id).await }
        };
        match timeout_at(self.deadline, waited).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(WakeError::NotFound)) => Err(ApiError::index_not_found(self.uid.as_str()).into()),
            Ok(Err(WakeError::TooSlow)) | Err(_) => {
                let message = format!("Index `{}` is waking up and did not answer in time. Try again in a moment.", self.uid);
                Err(Error::api(Code::IndexWaking, message))
            }
            Ok(Err(WakeError::Failed(why))) => {
                tracing::error!(index = %id, error = why, "index cannot be woken");
                Err(Error::api(Code::Unavailable, format!("Index `{}` cannot answer now. Try again in a moment.", self.uid)))
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waking.leave(self.index.id);
    }
}
