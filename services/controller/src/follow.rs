//! Where passes come from: the runtime's and the database's changes, and timers that make up for every signal that was lost.

use std::{collections::HashSet, future::Future, sync::Arc, time::Duration};

use onggi_domain::{IndexId, index::Index};
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError},
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use crate::{Inner, Result};

/// Indexes that are read from the database at once.
const PAGE: u64 = 500;
/// How long passes that are under way at the end may take.
const GRACE: Duration = Duration::from_secs(5);
/// Below every revision.
const NONE_SEEN: i64 = -1;
/// The rest between two looks at what runs.
const LOOKS_APART: Duration = Duration::from_secs(5);

/// Runs everything until `shutdown`.
pub(crate) async fn run(inner: &Arc<Inner>, shutdown: impl Future<Output = ()> + Send) {
    let mut background = JoinSet::new();
    background.spawn(follow_runtime(inner.clone()));
    background.spawn(follow_changes(inner.clone()));
    let config = &inner.config;
    background.spawn(every(inner, config.tasks_every, "unfinished tasks", |inner| async move { inner.look_at_tasks().await }));
    background.spawn(every(inner, config.resync_every, "resync", |inner| async move { inner.look_at_what_runs().await }));
    background.spawn(every(inner, config.status_every, "status", |inner| async move { inner.ask_searchers().await }));
    background.spawn(every(inner, config.repair_after, "repair", |inner| async move { inner.repair().await }));
    background.spawn(every(inner, config.meter_every, "metering", |inner| async move { inner.meter().await }));
    background.spawn(look_at_changes_of_runs(inner.clone()));
    background.spawn(every(inner, config.bill_every, "storage and alerts", |inner| async move { inner.note_storage().await }));
    background.spawn(every(inner, config.collect_every, "old usage", |inner| async move { inner.trim_usage().await }));
    background.spawn(every(inner, config.webhooks_every, "spending alerts", |inner| async move { inner.tell_alerts().await }));
    background.spawn(later(config.sweep_first(), every(inner, config.collect_every, "sweep", |inner| async move { inner.sweep().await })));
    let forks = every(inner, config.collect_forks_every, "unfinished forks", |inner| async move { inner.collect_forks().await });
    // It lists the folders of all tenants: not while a controller that has just begun has more urgent things to do.
    background.spawn(later(config.sweep_first().min(config.collect_forks_every), forks));
    background.spawn(every(inner, config.tasks_every, "backlog", |inner| async move { inner.measure_backlog().await }));
    background.spawn(every(inner, config.collect_every, "old tasks", |inner| async move { inner.trim_tasks().await }));
    background.spawn(every(inner, config.collect_every, "deleted tenants", |inner| async move { inner.purge_tenants().await }));
    background.spawn(every(inner, config.archives_every, "archives", |inner| async move { inner.write_archives().await }));
    background.spawn(every(
        inner,
        config.collect_every,
        "archives of deleted tenants",
        |inner| async move { inner.remove_archives().await },
    ));
    background.spawn(every(inner, config.webhooks_every, "webhooks", |inner| async move { inner.tell_webhooks().await }));
    let passes = tokio::spawn(passes(inner.clone()));

    shutdown.await;
    background.shutdown().await;
    inner.stop.cancel();
    inner.tasks.close();
    let ended = async {
        let _ = passes.await;
        inner.tasks.wait().await;
    };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        tracing::warn!("passes were still under way at the end");
    }
}

/// Hands out passes, a bounded number at a time.
async fn passes(inner: Arc<Inner>) {
    let slots = Arc::new(Semaphore::new(inner.config.parallelism));
    let mut running = JoinSet::new();
    loop {
        let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        let Some(index) = inner.stop.run_until_cancelled(inner.queue.next()).await else { break };
        let inner = inner.clone();
        running.spawn(async move {
            inner.pass(index).await;
            drop(slot);
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

/// Does something now and then once a period; a failure is logged and the next period tries again.
fn every<F, W>(inner: &Arc<Inner>, period: Duration, what: &'static str, work: F) -> impl Future<Output = ()> + use<F, W>
where
    F: Fn(Arc<Inner>) -> W,
    W: Future<Output = Result<()>>,
{
    let inner = inner.clone();
    async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = work(inner.clone()).await {
                tracing::warn!(what, %error, "periodic work failed");
            }
        }
    }
}

/// Begins something after a while.
async fn later(wait: Duration, work: impl Future<Output = ()>) {
    tokio::time::sleep(wait).await;
    work.await;
}

async fn follow_runtime(inner: Arc<Inner>) {
    let mut changes = inner.deps.runtime.changes();
    loop {
        match changes.recv().await {
            Ok(index) => inner.queue.add(index),
            Err(RecvError::Lagged(_)) => {
                if let Err(error) = inner.look_at_what_runs().await {
                    tracing::warn!(%error, "missed changes of the runtime");
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Looks at what runs soon after it changed, so that little of a run is missed at its end.
async fn look_at_changes_of_runs(inner: Arc<Inner>) {
    let mut changes = inner.deps.runtime.changes();
    while !matches!(changes.recv().await, Err(RecvError::Closed)) {
        // All that has changed by now is seen by one look.
        changes = changes.resubscribe();
        if let Err(error) = inner.look_at_runs().await {
            tracing::warn!(%error, "what runs was not looked at");
        }
        tokio::time::sleep(LOOKS_APART).await;
    }
}

/// Reads the changes of the database from the first on: at the start that is every index, of which only those that need something
/// are looked at, and what the runtime holds besides.
async fn follow_changes(inner: Arc<Inner>) {
    let mut seen = NONE_SEEN;
    let mut ticks = tokio::time::interval(inner.config.changes_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match inner.look_at_changes(seen).await {
            Ok(newest) => seen = newest,
            Err(error) => tracing::warn!(%error, "changes of the database were not read"),
        }
    }
}

impl Inner {
    async fn pass(self: &Arc<Self>, index: IndexId) {
        let start = Instant::now();
        let outcome = match self.reconcile(index).await {
            Ok(again) => {
                self.queue.done(index, again);
                "ok"
            }
            Err(error) => {
                tracing::warn!(%index, %error, "index is not as it should be, trying again");
                self.queue.failed(index);
                "error"
            }
        };
        metrics::histogram!("onggi_controller_reconcile_seconds", "outcome" => outcome).record(start.elapsed().as_secs_f64());
    }

    /// Looks at the indexes with a revision above `seen`; returns the newest revision.
    async fn look_at_changes(&self, mut seen: i64) -> Result<i64> {
        // Before the database is read: what comes into being meanwhile is known there first.
        let mut strays = if seen == NONE_SEEN { self.held().await? } else { HashSet::new() };
        loop {
            let page = self.deps.metadata.indexes.changed_since(seen, PAGE).await?;
            let Some(last) = page.last() else { break };
            seen = last.revision;
            for index in &page {
                strays.remove(&index.id);
                if self.needs_a_look(index) {
                    self.queue.add(index.id);
                }
            }
        }
        self.look_at_strays(strays);
        Ok(seen)
    }

    /// Every index of which the runtime holds anything.
    pub(crate) async fn held(&self) -> Result<HashSet<IndexId>> {
        Ok(self.deps.runtime.indexes().await?.into_iter().collect())
    }

    /// Looks at what the runtime holds of indexes that are not in the database: it came from another hand, or the database is older.
    pub(crate) fn look_at_strays(&self, strays: HashSet<IndexId>) {
        for index in strays {
            tracing::warn!(%index, "something of an index that nobody knows is there");
            self.queue.add(index);
        }
    }

    /// Whether an index should run, or may be running. What else an index can need, its tasks tell.
    fn needs_a_look(&self, index: &Index) -> bool {
        index.replicas_wanted() > 0 || index.deleted_at.is_some() || self.memories.knows(index.id)
    }

    async fn look_at_tasks(&self) -> Result<()> {
        for index in self.deps.metadata.tasks.unfinished_indexes().await? {
            self.queue.add(index);
        }
        Ok(())
    }

    /// Looks at everything that runs or is remembered, whatever metadata says of it.
    async fn look_at_what_runs(&self) -> Result<()> {
        let observed = self.deps.runtime.observe().await?;
        let running: HashSet<IndexId> = observed.into_iter().map(|container| container.index).chain(self.memories.all()).collect();
        for index in running {
            self.queue.add(index);
        }
        Ok(())
    }
}
