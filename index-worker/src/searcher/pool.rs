//! Threads for the engine: as many searches at a time as there are cores, a bounded queue, and a refusal beyond it.

use std::{num::NonZero, sync::Arc};

use onggi_domain::{ApiError, Code};
use tokio::{runtime::Runtime, sync::Semaphore};

/// Searches that may wait for each one that runs: at a millisecond each, the last one waits for about 64 ms.
const QUEUE: usize = 64;

pub(crate) struct Pool {
    /// Running or waiting.
    places: Arc<Semaphore>,
    /// Running.
    cores: Arc<Semaphore>,
    /// As many threads as there are cores, and no others: each remembers what it did last, such as the stems of words. Idle ones end.
    threads: Option<Runtime>,
}

/// Why the pool did not do it.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The queue is full.
    Busy,
    /// The work panicked.
    Panicked(tokio::task::JoinError),
}

impl Pool {
    pub(crate) fn new() -> std::io::Result<Self> {
        Self::with_cores(std::thread::available_parallelism().map_or(1, NonZero::get))
    }

    fn with_cores(cores: usize) -> std::io::Result<Self> {
        let threads = tokio::runtime::Builder::new_current_thread().max_blocking_threads(cores).thread_name("search").build()?;
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Ok(Self { places: semaphore(cores * (1 + QUEUE)), cores: semaphore(cores), threads: Some(threads) })
    }

    /// Runs blocking work when a core is free. Work that has begun is finished and counted even when the caller goes away.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refused::Busy)?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(|_| Refused::Busy)?;
        let work = move || {
            let _held = (place, core);
            work()
        };
        let threads = self.threads.as_ref().ok_or(Refused::Busy)?;
        threads.spawn_blocking(work).await.map_err(Refused::Panicked)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // A runtime must not be waited for where others run.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// The refusal of a full queue.
pub(crate) fn busy() -> ApiError {
    ApiError::new(Code::TooManySearchRequests, "This searcher has too many searches under way. Try again in a moment.")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_takes_again_when_it_has_room() {
        let pool = Arc::new(Pool::with_cores(1).unwrap());
        let (release, gate) = mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..=QUEUE {
            let (pool, gate) = (Arc::clone(&pool), Arc::clone(&gate));
            waiting.spawn(async move { pool.run(move || gate.lock().unwrap().recv()).await });
        }
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.run(|| ()).await, Err(Refused::Busy)));
        for _ in 0..=QUEUE {
            release.send(()).unwrap();
        }
        while let Some(done) = waiting.join_next().await {
            assert!(done.unwrap().is_ok());
        }
        assert!(pool.run(|| ()).await.is_ok());
    }
}
