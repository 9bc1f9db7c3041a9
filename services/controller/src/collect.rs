//! Garbage collection of buckets: a while after a publish, now and then for everything that changed, and rarely for what no index has.

use std::{collections::HashSet, sync::Arc};

use onggi_domain::{Generation, IndexId, Timestamp, index::Index};
use tokio::time::Instant;

use crate::{Inner, Result};

/// Indexes that are read from the database at once.
const PAGE: u64 = 500;

impl Inner {
    /// Cleans an index's bucket after a publish, unless that was done a short while ago: the next publish or the sweep does it then.
    pub(crate) fn collect_soon(self: &Arc<Self>, index: &Index, recorded: Generation) {
        let now = Instant::now();
        let due = self.memories.with(index.id, |memory| {
            let due = memory.collect_at.is_none_or(|at| at <= now);
            if due {
                memory.collect_at = Some(now + self.config.collect_after_publish);
            }
            due
        });
        if due {
            let (inner, index) = (self.clone(), index.clone());
            self.spawn(async move { inner.collect(&index, recorded).await });
        }
    }

    /// Cleans the bucket of every index in which something can have become garbage since the sweep before the last, and looks for what
    /// the runtime holds of indexes that are not known.
    pub(crate) async fn sweep(self: &Arc<Self>) -> Result<()> {
        self.decisions.trim(Timestamp::now());
        let recent = (self.config.collect_every + self.config.keep_for + self.config.publish_time) * 2;
        let since = Timestamp::now().checked_sub(recent).unwrap_or(Timestamp::MIN);
        let mut strays = self.held().await?;
        let mut revision = -1;
        loop {
            let page = self.deps.metadata.indexes.changed_since(revision, PAGE).await?;
            let Some(last) = page.last() else { break };
            revision = last.revision;
            for index in page {
                strays.remove(&index.id);
                let changed = index.deleted_at.is_none() && index.updated_at >= since;
                if let Some(published) = index.published.as_ref().filter(|_| changed) {
                    self.collect(&index, published.generation).await;
                }
            }
        }
        self.look_at_strays(strays);
        Ok(())
    }

    /// Removes what forks have left that a crash has ended: below prefixes that no index has.
    pub(crate) async fn collect_forks(self: &Arc<Self>) -> Result<()> {
        let store = &self.deps.store;
        let now = Timestamp::now();
        let known = self.known_indexes().await?;
        for tenant in onggi_bucket::tenants(store).await? {
            for id in onggi_bucket::indexes_of(store, tenant).await? {
                // An index that was created meanwhile is younger.
                if known.contains(&id) || !onggi_bucket::fork_is_over(id, now) {
                    continue;
                }
                let removed = self.bucket(tenant, id).remove_unfinished_fork(now).await?;
                if removed > 0 {
                    tracing::info!(%tenant, index = %id, objects = removed, "what an unfinished fork has left is gone");
                }
            }
        }
        Ok(())
    }

    /// Every index that the database knows, deleted ones included.
    async fn known_indexes(&self) -> Result<HashSet<IndexId>> {
        let (mut known, mut revision) = (HashSet::new(), -1);
        loop {
            let page = self.deps.metadata.indexes.changed_since(revision, PAGE).await?;
            let Some(last) = page.last() else { return Ok(known) };
            revision = last.revision;
            known.extend(page.iter().map(|index| index.id));
        }
    }

    async fn collect(&self, index: &Index, recorded: Generation) {
        let _slot = self.collecting.acquire().await.expect("the semaphore is never closed");
        let bucket = self.bucket(index.tenant, index.id);
        match bucket.collect(self.config.retention(), recorded, Timestamp::now()).await {
            Ok(collected) if collected.objects + collected.generations == 0 => {}
            Ok(collected) => tracing::debug!(
                tenant = %index.tenant, index = %index.id, generations = collected.generations, objects = collected.objects,
                bytes = collected.bytes, "garbage removed"
            ),
            Err(error) => tracing::warn!(tenant = %index.tenant, index = %index.id, %error, "garbage was not removed"),
        }
    }
}
