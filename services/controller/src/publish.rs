//! From a published generation to finished tasks: see it, have it loaded, record it, settle the tasks that it ends.

use std::{sync::Arc, time::Duration};

use onggi_bucket::IndexBucket;
use onggi_domain::{
    Generation, IndexId, Seq, Timestamp,
    generation::Manifest,
    index::{Index, Published},
    worker::Endpoint,
};
use tokio::time::Instant;

use crate::{Inner, Result, memory::Publishing};

/// How long one question for the next generation waits.
const LONG_POLL: Duration = Duration::from_secs(20);
/// How long to rest after an indexer did not answer.
const REST: Duration = Duration::from_millis(200);

impl Inner {
    /// Waits for an indexer's generations, one after another, and has the index looked at for each.
    pub(crate) async fn watch_indexer(self: Arc<Self>, index: IndexId, indexer: Endpoint, recorded: Option<Generation>) {
        let mut after = recorded;
        loop {
            match self.workers.status_after(&indexer, after, LONG_POLL).await {
                Ok(status) if status.generation > after => {
                    after = status.generation;
                    self.memories.if_known(index, |memory| memory.saw(after));
                    self.queue.add(index);
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%index, %error, "indexer does not tell its generation");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Reads the manifests between the recorded generation and the newest that a worker has spoken of, unless a publish is under way:
    /// what comes meanwhile is the next publish, so that searchers can keep up.
    pub(crate) async fn begin_publish(&self, index: &Index) -> Result<()> {
        let recorded = index.published.as_ref().map(|published| published.generation);
        let newest = self.memories.if_known(index.id, |memory| {
            memory.publishing.take_if(|publishing| Some(publishing.newest().generation) <= recorded);
            memory.seen.filter(|seen| memory.publishing.is_none() && Some(*seen) > recorded)
        });
        let Some(newest) = newest.flatten() else { return Ok(()) };
        let bucket = self.bucket(index.tenant, index.id);
        let manifests = manifests(&bucket, recorded.map_or(Generation(1), Generation::next), newest).await?;
        self.memories.with(index.id, |memory| {
            memory.publishing = Some(Publishing { manifests, since: Instant::now() });
        });
        Ok(())
    }

    /// Records the publish that everyone who is routed to has loaded, then settles its tasks: a task that is done must find its
    /// settings and numbers in place.
    pub(crate) async fn record(self: &Arc<Self>, index: &Index) -> Result<()> {
        let publishing = self.memories.if_known(index.id, |memory| memory.publishing.take()).flatten();
        let Some(publishing) = publishing else { return Ok(()) };
        let newest = publishing.newest();
        let (published, state) = (Published::from(newest), &newest.state);
        self.deps.metadata.indexes.record_generation(index.id, &published, &state.settings, state.primary_key.as_deref()).await?;
        self.deps.runtime.recorded(index.id, published.generation);
        self.settle(index, &publishing.manifests).await?;
        measure(&publishing);
        tracing::info!(
            tenant = %index.tenant, index = %index.id, generation = %published.generation, documents = published.documents,
            seconds = publishing.since.elapsed().as_secs_f64(), "generation is served"
        );
        self.collect_soon(index, published.generation);
        Ok(())
    }

    /// Settles tasks that a recorded generation has ended: the controller was stopped between the two.
    pub(crate) async fn settle_what_was_recorded(&self, index: &Index, span: Option<(Seq, Seq)>) -> Result<()> {
        let (Some((first, _)), Some(published)) = (span, &index.published) else { return Ok(()) };
        if published.committed_seq < Some(first) {
            return Ok(());
        }
        let bucket = self.bucket(index.tenant, index.id);
        let mut manifests = Vec::new();
        let mut generation = published.generation;
        loop {
            match bucket.manifest(generation).await {
                Ok(manifest) => manifests.push(manifest),
                Err(onggi_bucket::Error::NoGeneration(_)) => break,
                Err(error) => return Err(error.into()),
            }
            if manifests.last().is_some_and(|manifest| manifest.committed_seq < Some(first)) || generation.0 <= 1 {
                break;
            }
            generation = Generation(generation.0 - 1);
        }
        manifests.reverse();
        tracing::info!(tenant = %index.tenant, index = %index.id, seq = %first, "settling tasks that were recorded before");
        self.settle(index, &manifests).await
    }

    /// Each generation's tasks are a batch.
    async fn settle(&self, index: &Index, manifests: &[Manifest]) -> Result<()> {
        for manifest in manifests {
            if let Some(batch) = manifest.batch() {
                self.deps.metadata.tasks.settle(index, batch, &manifest.outcomes, Timestamp::now()).await?;
            }
        }
        Ok(())
    }
}

/// How long what is served now took: to be loaded, since it was published, and since each task of it was accepted.
fn measure(publishing: &Publishing) {
    let now = Timestamp::now();
    let since = |time: Timestamp| now.duration_since(time).as_secs_f64().max(0.0);
    metrics::counter!("onggi_controller_generations_total").increment(publishing.manifests.len() as u64);
    metrics::histogram!("onggi_controller_load_seconds").record(publishing.since.elapsed().as_secs_f64());
    metrics::histogram!("onggi_controller_generation_age_seconds").record(since(publishing.newest().created_at));
    for outcome in publishing.manifests.iter().flat_map(|manifest| &manifest.outcomes) {
        metrics::histogram!("onggi_controller_task_seconds").record(since(outcome.enqueued_at));
    }
}

/// The manifests of `first..=newest`. Those before the newest may be gone if nobody recorded them for as long as they are retained.
async fn manifests(bucket: &IndexBucket, first: Generation, newest: Generation) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for number in first.0..=newest.0 {
        match bucket.manifest(Generation(number)).await {
            Ok(manifest) => manifests.push(manifest),
            Err(onggi_bucket::Error::NoGeneration(gone)) if gone < newest => {
                tracing::warn!(generation = %gone, "generation is gone before it was recorded");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(manifests)
}
