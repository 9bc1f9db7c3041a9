//! Asks searchers how they are: one that does not answer leaves the rotation, and an index that nobody searches goes to sleep.

use std::sync::Arc;

use futures::{StreamExt, future::join_all, stream};
use onggi_domain::{IndexId, Timestamp};

use crate::{Inner, Result, decide::Serves};

/// Indexes that are asked at the same time.
const PARALLEL: usize = 32;

impl Inner {
    /// Asks the searchers of every index that is awake.
    pub(crate) async fn ask_searchers(self: &Arc<Self>) -> Result<()> {
        let indexes = self.memories.all();
        metrics::gauge!("onggi_controller_replicas_selected").set(self.memories.replicas_selected() as f64);
        let ready: usize = indexes.iter().map(|index| self.routes.get(*index).len()).sum();
        metrics::gauge!("onggi_controller_replicas_ready").set(ready as f64);
        let awake = indexes.iter().filter(|index| !self.routes.get(**index).is_empty()).count();
        metrics::gauge!("onggi_controller_indexes_awake").set(awake as f64);
        stream::iter(indexes).for_each_concurrent(PARALLEL, |index| self.ask_searchers_of(index)).await;
        Ok(())
    }

    /// What is accepted and not served yet, as metrics: of everything, because a series an index would be too many.
    pub(crate) async fn measure_backlog(self: &Arc<Self>) -> Result<()> {
        let backlog = self.deps.metadata.tasks.backlog().await?;
        let age = backlog.oldest.map_or(0.0, |oldest| Timestamp::now().duration_since(oldest).as_secs_f64().max(0.0));
        metrics::gauge!("onggi_controller_tasks_unfinished").set(backlog.tasks as f64);
        metrics::gauge!("onggi_controller_oldest_task_seconds").set(age);
        metrics::gauge!("onggi_controller_log_lag_entries").set(backlog.entries as f64);
        Ok(())
    }

    async fn ask_searchers_of(self: &Arc<Self>, index: IndexId) {
        let endpoints = self.routes.get(index);
        let answers = join_all(endpoints.iter().map(|endpoint| self.workers.status(endpoint, self.config.status_time))).await;
        let (mut all_answered, mut busy) = (!endpoints.is_empty(), false);
        for (endpoint, answer) in endpoints.iter().zip(answers) {
            match answer {
                Ok(status) => {
                    busy |= status.in_flight > 0;
                    let news = self.memories.if_known(index, |memory| {
                        memory.heard(endpoint, &status);
                        memory.saw(status.generation)
                    });
                    if news == Some(true) {
                        self.queue.add(index);
                    }
                }
                Err(error) => {
                    tracing::warn!(%index, %error, "searcher does not answer");
                    all_answered = false;
                    self.known(index, endpoint, |known| known.serves = Serves::Unknown);
                    self.queue.add(index);
                }
            }
        }
        // What an unanswered searcher was asked last is not known, so the index stays awake.
        let idle = self.memories.if_known(index, |memory| memory.is_idle(Timestamp::now()));
        if all_answered
            && !busy
            && idle == Some(true)
            && let Err(error) = self.sleep(index).await
        {
            tracing::warn!(%index, %error, "idle index was not sent to sleep");
        }
    }
}
