//! Asks searchers how they are: one that does not answer leaves the rotation, an index that nobody searches goes to sleep, and one whose
//! replicas are in a range gets more or fewer of them.

use std::sync::Arc;

use futures::{StreamExt, future::join_all, stream};
use onggi_domain::{
    IndexId, Timestamp,
    worker::{Endpoint, WorkerStatus},
};
use tokio::time::Instant;

use crate::{Inner, Result, autoscale::Load, decide::Serves, memory::Memory, workers};

/// Indexes that are asked at the same time.
const PARALLEL: usize = 32;

/// What a searcher answered.
type Answer = (Endpoint, Result<WorkerStatus, workers::Error>);

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
        let asked = endpoints.iter().cloned().map(|endpoint| async move {
            let answer = self.workers.status(&endpoint, self.config.status_time).await;
            (endpoint, answer)
        });
        let answers: Vec<Answer> = join_all(asked).await;
        let (mut all_answered, mut busy) = (!endpoints.is_empty(), false);
        for (endpoint, answer) in &answers {
            match answer {
                Ok(status) => {
                    busy |= status.in_flight > 0;
                    let news = self.memories.if_known(index, |memory| {
                        memory.heard(endpoint, status);
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
        self.scale_by(index, &answers);
        // What an unanswered searcher was asked last is not known, so the index stays awake.
        let idle = self.memories.if_known(index, |memory| memory.is_idle(Timestamp::now()));
        if all_answered
            && !busy
            && idle == Some(true)
            && let Err(error) = self.sleep(index, "nobody has searched for as long as it may be idle").await
        {
            tracing::warn!(%index, %error, "idle index was not sent to sleep");
        }
    }

    /// Has the number of searchers follow what they did since they were asked last.
    fn scale_by(&self, index: IndexId, answers: &[Answer]) {
        let change = self.memories.if_known(index, |memory| {
            let load = load(memory, answers, Instant::now())?;
            memory.scaler.as_mut()?.weigh(load, self.config.windows(), Instant::now())
        });
        if let Some(Some(change)) = change {
            self.decided(index, change);
            self.queue.add(index);
        }
    }
}

/// What searchers did together. Those that did not say are taken to have done as much as the others: too busy to answer, they would otherwise
/// count as idle. `None`: nobody said anything.
fn load(memory: &mut Memory, answers: &[Answer], now: Instant) -> Option<Load> {
    let said = answers.iter().filter_map(|(endpoint, answer)| memory.measured(endpoint, answer.as_ref().ok()?, now));
    let said: Vec<Load> = said.collect();
    let share = answers.len() as f64 / said.len() as f64;
    let sum = |of: fn(&Load) -> f64| said.iter().map(of).sum::<f64>() * share;
    (!said.is_empty()).then(|| Load { concurrency: sum(|load| load.concurrency), cpus: sum(|load| load.cpus) })
}
