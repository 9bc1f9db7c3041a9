//! One pass over one index: load what is known, decide, apply, record.
//!
//! The order matters twice: routes are published before the runtime is told to end a container, and before a generation is recorded
//! and its tasks are settled. No two passes over an index run at the same time; a pass never waits for a worker to load.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use onggi_domain::{
    Generation, IndexId, Seq, Timestamp,
    container::{ContainerSet, Role},
    index::Index,
    tenant::TenantStatus,
    worker::Endpoint,
};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Inner, Result,
    autoscale::{Change, Scaler},
    decide::{Patience, Plan, Seen, Serves, Situation, decide},
    memory::{Known, Memory},
    runtime::Observed,
};

/// How long a searcher may take to promise something.
const HOLD_TIME: Duration = Duration::from_millis(500);
/// How long after a failure a worker is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// The longest rest between two questions to a searcher that fails to load.
const LONGEST_REST: Duration = Duration::from_secs(30);
/// How often an index whose containers are ending is looked at.
const ENDING: Duration = Duration::from_secs(1);

/// The unfinished, appended tasks of an index: first and last seq.
type Span = Option<(Seq, Seq)>;

impl Inner {
    /// One pass; returns when to look again at the latest, if anything is foreseen.
    #[tracing::instrument(level = "debug", skip_all, fields(%index))]
    pub(crate) async fn reconcile(self: &Arc<Self>, index: IndexId) -> Result<Option<Duration>> {
        let index = match self.deps.metadata.indexes.get_by_id(index).await {
            Err(onggi_metadata::Error::NotFound(_)) => return self.end_containers(index).await,
            found => found?,
        };
        if index.deleted_at.is_some() {
            return self.finish_deletion(&index).await;
        }
        let span = self.deps.metadata.tasks.unfinished_span(index.id).await?;
        let observed = self.deps.runtime.observe_index(index.id).await?;
        self.begin_publish(&index).await?;

        let situation = self.situation(&index, span, observed);
        let patience = Patience { load: self.config.load_time, stuck: self.config.stuck_after, route: self.deps.runtime.route_time() };
        let plan = decide(&situation, &patience);

        self.apply(&index, &situation, &plan).await?;
        let told = self.attend_indexer(&index, &situation, span).await;
        if plan.record {
            self.record(&index).await?;
            return Ok(Some(Duration::ZERO));
        }
        let held = self.hold_back(index.id, &situation, &plan).await;
        self.settle_what_was_recorded(&index, span).await?;
        Ok([plan.look_again, held, told, self.warm_left(&index)].into_iter().flatten().min())
    }

    /// Joins what the runtime observes with what is remembered.
    fn situation(&self, index: &Index, span: Span, observed: Vec<Observed>) -> Situation {
        let now = Instant::now();
        let routed = self.routes.get(index.id);
        let recorded = index.published.as_ref().map(|published| published.generation);
        let (situation, change) = self.memories.with(index.id, |memory| {
            if span.is_some() {
                memory.ahead = Some(now);
            }
            if memory.wanted == 0 && index.replicas_wanted() > 0 {
                memory.awake_since = Timestamp::now();
            }
            let change = self.select_replicas(memory, index, &observed, now);
            memory.sleep_after = index.selection.sleep_after_seconds.map(|seconds| Duration::from_secs(seconds.into()));
            memory.searchers.retain(|name, _| observed.iter().any(|container| container.name == *name));
            let publishing = memory.publishing.as_ref().map(|publishing| publishing.newest().generation);
            let target = publishing.max(recorded);
            let containers = observed.into_iter().map(|container| seen(memory, container, target, &routed, now)).collect();
            let situation = Situation {
                replicas: memory.wanted,
                size: index.selection.size.clone(),
                indexer: memory.ahead.is_some_and(|ahead| span.is_some() || now - ahead < self.config.indexer_warm),
                target,
                publishing: publishing.is_some(),
                containers,
            };
            (situation, change)
        });
        if let Some(change) = change {
            self.decided(index.id, change);
        }
        situation
    }

    /// How many searchers are wanted: the number that is selected, or, in a range, what the load has led to.
    fn select_replicas(&self, memory: &mut Memory, index: &Index, observed: &[Observed], now: Instant) -> Option<Change> {
        memory.wanted = index.replicas_wanted();
        let Some(range) = index.selection.autoscale.filter(|_| memory.wanted > 0) else {
            memory.scaler = None;
            return None;
        };
        let cpus = self.deps.sizes.get(&index.selection.size).map_or(1.0, |size| f64::from(size.cpu_millis) / 1000.0);
        let change = if let Some(scaler) = &mut memory.scaler {
            scaler.select(range, cpus, now)
        } else {
            // What ran under a controller before this one is what the load had led to.
            let running = observed.iter().filter(|container| container.role == Role::Searcher && !container.stopping).count();
            memory.scaler = Some(Scaler::new(range, cpus, u32::try_from(running).unwrap_or(range.max), now));
            None
        };
        memory.wanted = memory.scaler.as_ref().map_or(memory.wanted, Scaler::replicas);
        change
    }

    async fn apply(self: &Arc<Self>, index: &Index, situation: &Situation, plan: &Plan) -> Result<()> {
        self.routes.publish(index.id, plan.routes.clone());
        self.deps.runtime.rotate(index.id, &plan.out).await?;
        for seen in situation.containers.iter().filter(|seen| plan.load.contains(&seen.observed.name)) {
            if let Some(endpoint) = &seen.observed.endpoint {
                self.ask_to_load(index.id, endpoint.clone(), situation.target);
            }
        }
        let size = match self.deps.sizes.get(&index.selection.size) {
            // What runs in a size that has left the configuration goes on.
            Err(_) if !plan.apply => return Ok(()),
            size => size?.clone(),
        };
        let set = ContainerSet {
            index: index.id,
            tenant: index.tenant,
            uid: index.uid.clone(),
            size,
            searchers: situation.replicas,
            indexer: situation.indexer,
        };
        if !plan.apply && self.deps.runtime.holds(&set) {
            return Ok(());
        }
        tracing::debug!(tenant = %index.tenant, searchers = set.searchers, indexer = set.indexer, retire = ?plan.retire, "applying");
        Ok(self.deps.runtime.apply(&set, &plan.retire).await?)
    }

    /// Has searchers that are out of the rotation promise to answer by no generation older than the target. Returns when to go on.
    async fn hold_back(&self, index: IndexId, situation: &Situation, plan: &Plan) -> Option<Duration> {
        let target = situation.target.filter(|_| !plan.hold.is_empty())?;
        let loose = situation.containers.iter().filter(|seen| plan.hold.contains(&seen.observed.name));
        let held = join_all(loose.filter_map(|seen| seen.observed.endpoint.clone()).map(|endpoint| async move {
            match self.workers.hold(&endpoint, target, HOLD_TIME).await {
                Ok(()) => self.known(index, &endpoint, |known| known.held = Some(target)).is_some(),
                Err(error) => {
                    tracing::warn!(%index, %error, "searcher does not promise to answer by no old generation");
                    false
                }
            }
        }));
        Some(if held.await.contains(&true) { Duration::ZERO } else { ASK_AGAIN })
    }

    /// Asks a searcher, beside the passes, to serve a generation, and looks at the index again when it has answered. After a failure
    /// it rests, twice as long each time.
    fn ask_to_load(self: &Arc<Self>, index: IndexId, endpoint: Endpoint, target: Option<Generation>) {
        self.known(index, &endpoint, |known| known.asked = true);
        let inner = self.clone();
        self.spawn(async move {
            let generation = target.unwrap_or(Generation(0));
            let failure = match inner.workers.load(&endpoint, generation, inner.config.load_time).await {
                Ok(status) => {
                    inner.memories.if_known(index, |memory| memory.heard(&endpoint, &status));
                    (status.generation < target).then(|| format!("serves {:?} still", status.generation))
                }
                Err(error) => Some(error.to_string()),
            };
            if let Some(why) = failure {
                tracing::warn!(%index, container = endpoint.name, %generation, error = why, "searcher did not load");
                let failures = inner.known(index, &endpoint, |known| {
                    known.failures += 1;
                    known.failures
                });
                tokio::time::sleep(ASK_AGAIN.saturating_mul(1 << (failures.unwrap_or(1) - 1).min(10)).min(LONGEST_REST)).await;
            } else {
                inner.known(index, &endpoint, |known| known.failures = 0);
            }
            inner.known(index, &endpoint, |known| known.asked = false);
            inner.queue.add(index);
        });
    }

    /// Reads or changes what is known of the process of a searcher, unless it is another by now.
    pub(crate) fn known<T>(&self, index: IndexId, endpoint: &Endpoint, change: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let of_this_process =
            |memory: &mut Memory| memory.searchers.get_mut(&endpoint.name).filter(|known| known.endpoint == *endpoint).map(change);
        self.memories.if_known(index, of_this_process).flatten()
    }

    /// Sees to it that somebody waits for the indexer's next generation, and tells it what it has not been told. Returns when to try
    /// again.
    async fn attend_indexer(self: &Arc<Self>, index: &Index, situation: &Situation, span: Span) -> Option<Duration> {
        let mut running = situation.containers.iter().filter(|seen| seen.observed.role == Role::Indexer && !seen.observed.stopping);
        let Some(endpoint) = running.find_map(|seen| seen.observed.endpoint.clone()) else {
            self.memories.with(index.id, |memory| memory.watcher = None);
            return None;
        };
        self.watch(index, &endpoint);
        let (_, last) = span?;
        let told = self.memories.with(index.id, |memory| memory.told.as_ref() == Some(&(endpoint.clone(), last)));
        if told {
            return None;
        }
        if let Err(error) = self.workers.advance(&endpoint, self.config.status_time).await {
            tracing::warn!(index = %index.id, %error, "indexer was not told of new entries");
            return Some(ASK_AGAIN);
        }
        self.memories.with(index.id, |memory| memory.told = Some((endpoint, last)));
        if let Err(error) = self.deps.metadata.tasks.start(index.id, last, Timestamp::now()).await {
            tracing::warn!(index = %index.id, %error, "tasks are not shown as processing");
        }
        None
    }

    fn watch(self: &Arc<Self>, index: &Index, endpoint: &Endpoint) {
        self.memories.with(index.id, |memory| {
            if memory.watcher.as_ref().is_some_and(|(watched, task)| watched == endpoint && !task.is_finished()) {
                return;
            }
            let recorded = index.published.as_ref().map(|published| published.generation);
            let task = self.spawn(self.clone().watch_indexer(index.id, endpoint.clone(), recorded));
            memory.watcher = Some((endpoint.clone(), AbortOnDropHandle::new(task)));
        });
    }

    /// How long the indexer stays warm yet. An index of which nothing is wanted any more is forgotten.
    fn warm_left(&self, index: &Index) -> Option<Duration> {
        let (left, idle) = self.memories.with(index.id, |memory| {
            let left = memory.ahead.map(|ahead| self.config.indexer_warm.saturating_sub(ahead.elapsed()));
            let left = left.filter(|left| !left.is_zero());
            let running = memory.watcher.is_some() || !memory.searchers.is_empty();
            (left, memory.wanted == 0 && left.is_none() && !running && memory.publishing.is_none())
        });
        if idle {
            self.memories.forget(index.id);
        }
        left
    }

    /// Ends what runs for an index that should not run at all.
    async fn end_containers(&self, index: IndexId) -> Result<Option<Duration>> {
        self.routes.publish(index, Vec::new());
        self.memories.forget(index);
        // Also when nothing is observed: a runtime may hold more of an index than its containers.
        self.deps.runtime.remove(index).await?;
        let ended = self.deps.runtime.observe_index(index).await?.is_empty();
        Ok((!ended).then_some(ENDING))
    }

    /// Removes a deleted index: containers, then tasks and objects, then, once no upload can be under way any more, the row. Each step
    /// may be repeated, by this controller or by the next.
    async fn finish_deletion(&self, index: &Index) -> Result<Option<Duration>> {
        if let Some(again) = self.end_containers(index.id).await? {
            return Ok(Some(again));
        }
        if self.deps.metadata.tenants.get(index.tenant).await?.status == TenantStatus::Deleted {
            self.deps.runtime.remove_tenant(index.tenant).await?;
        }
        let now = Timestamp::now();
        let deleted = index.deleted_at.unwrap_or(now);
        self.deps.metadata.tasks.cancel_all(index.id, None, now).await?;
        let objects = self.bucket(index.tenant, index.id).remove_all().await?;
        let age = Duration::try_from(now.duration_since(deleted)).unwrap_or_default();
        let left = self.config.purge_after.saturating_sub(age);
        if !left.is_zero() {
            return Ok(Some(left));
        }
        self.deps.metadata.indexes.purge(index.id).await?;
        self.decisions.forget(index.id);
        tracing::info!(tenant = %index.tenant, index = %index.id, objects, "deleted index is gone");
        self.purge_tenant(index.tenant).await?;
        Ok(None)
    }
}

/// A container with what is remembered of it.
fn seen(memory: &mut Memory, observed: Observed, target: Option<Generation>, routed: &[Endpoint], now: Instant) -> Seen {
    let mut seen = Seen::new(observed);
    let Some(endpoint) = seen.observed.endpoint.clone().filter(|_| seen.observed.role == Role::Searcher) else {
        memory.searchers.remove(&seen.observed.name);
        return seen;
    };
    seen.routed = routed.contains(&endpoint);
    let known = memory
        .searchers
        .entry(seen.observed.name.clone())
        .and_modify(|known| {
            // A process that was started again may have its address again.
            if known.endpoint != endpoint || known.restarts != seen.observed.restarts {
                *known = Known::new(endpoint.clone(), seen.observed.restarts);
            }
        })
        .or_insert_with(|| Known::new(endpoint.clone(), seen.observed.restarts));
    if known.serves >= Serves::Generation(target) {
        known.behind_since = None;
    } else {
        seen.behind = now - *known.behind_since.get_or_insert(now);
    }
    if seen.routed {
        known.unrouted_since = None;
    } else {
        seen.unrouted = now - *known.unrouted_since.get_or_insert(now);
    }
    seen.held = known.held >= target;
    seen.serves = known.serves;
    seen.asked = known.asked;
    seen
}
