//! Group commit: what arrives while an entry is being put shares the next one.

use std::{collections::VecDeque, sync::Arc};

use onggi_domain::{Seq, log::Record};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{Error, IndexBucket, entry};

/// Records that share an entry at most.
const GROUP_RECORDS: usize = 1000;

/// Bytes in memory that share an entry at most; a single larger one has an entry of its own.
const GROUP_BYTES: u64 = 32 << 20;

type Outcome = std::result::Result<Seq, Arc<Error>>;

/// Appends with group commit: records that arrive while an entry is being put share the next one, in order of arrival.
#[derive(Clone)]
pub struct Appender {
    shared: Arc<Shared>,
}

struct Shared {
    bucket: IndexBucket,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether a task works on the queue. It ends when the queue is empty: an index that nobody writes to costs nothing.
    running: bool,
}

struct Waiting {
    record: Record,
    /// Bytes of memory that it takes when its entry is read.
    memory: u64,
    answer: oneshot::Sender<Outcome>,
}

impl Appender {
    /// For one index. Appends end in the background even when the caller goes away.
    pub fn new(bucket: IndexBucket) -> Self {
        Self { shared: Arc::new(Shared { bucket, queue: Mutex::default() }) }
    }

    /// Appends a record; returns once its entry is durable. All records of an entry that failed get the same error.
    pub async fn append(&self, record: Record) -> Outcome {
        let (answer, outcome) = oneshot::channel();
        if self.shared.push(Waiting { memory: entry::memory_of(&record), record, answer }) {
            tokio::spawn(work(Arc::clone(&self.shared)));
        }
        outcome.await.unwrap_or_else(|_| Err(Arc::new(Error::Interrupted)))
    }
}

impl Shared {
    /// Queues a record; true: somebody must begin to work.
    fn push(&self, waiting: Waiting) -> bool {
        let mut queue = self.queue.lock();
        queue.waiting.push_back(waiting);
        !std::mem::replace(&mut queue.running, true)
    }

    /// The next group in order of arrival; none: the work is done.
    fn take_group(&self) -> Option<(Vec<Record>, Vec<oneshot::Sender<Outcome>>)> {
        let mut queue = self.queue.lock();
        let mut bytes = 0;
        let fits = |waiting: &Waiting| {
            let fits = bytes == 0 || bytes + waiting.memory <= GROUP_BYTES;
            bytes += waiting.memory;
            fits
        };
        let count = queue.waiting.iter().take(GROUP_RECORDS).map(fits).take_while(|fits| *fits).count();
        if count == 0 {
            queue.running = false;
            return None;
        }
        Some(queue.waiting.drain(..count).map(|waiting| (waiting.record, waiting.answer)).unzip())
    }
}

async fn work(shared: Arc<Shared>) {
    // If the task is dropped with its runtime, the next append must not wait for it.
    let ended = Ended(&shared);
    while let Some((records, answers)) = shared.take_group() {
        let outcome = shared.bucket.append(&records).await.map_err(Arc::new);
        for answer in answers {
            // Whoever asked may have gone away; the append stands all the same.
            let _ = answer.send(outcome.clone());
        }
    }
    std::mem::forget(ended);
}

struct Ended<'a>(&'a Shared);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock();
        queue.running = false;
        queue.waiting.clear();
    }
}
