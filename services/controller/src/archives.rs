//! Writing the dumps and snapshots that tenants have asked for: copies inside the bucket, which neither wait for workers nor wake an index.

use std::{sync::Arc, time::Duration};

use onggi_bucket::archive::{Archive, ArchivedIndex};
use onggi_domain::{
    ApiError, Timestamp,
    index::Index,
    key::IndexPattern,
    task::{Task, TaskDetails, TaskKind},
};

use crate::{Inner, Result};

/// Indexes that are read from the database at once.
const PAGE: u64 = 500;
/// How long an archive that cannot be written is tried.
const PATIENCE: Duration = Duration::from_hours(1);

impl Inner {
    /// Writes what was asked for, one after the other. What fails is tried again in the next period, and given up after a while.
    pub(crate) async fn write_archives(self: &Arc<Self>) -> Result<()> {
        let tasks = &self.deps.metadata.tasks;
        for task in tasks.unwritten_archives().await? {
            tasks.mark_started(task.tenant, task.uid, Timestamp::now()).await?;
            let uid = name(&task);
            let failure = match self.write_archive(&task, &uid).await {
                Ok(()) => None,
                Err(error) if Timestamp::now().duration_since(task.enqueued_at).unsigned_abs() < PATIENCE => {
                    tracing::warn!(tenant = %task.tenant, archive = uid, %error, "archive was not written, trying again");
                    continue;
                }
                Err(error) => {
                    tracing::error!(tenant = %task.tenant, archive = uid, %error, "archive was not written, given up");
                    Some(ApiError::internal())
                }
            };
            let mut details = TaskDetails::new();
            if task.kind == TaskKind::DumpCreation {
                details.insert("dumpUid".to_owned(), failure.is_none().then_some(uid).into());
            }
            tasks.finish(task.tenant, task.uid, failure.as_ref(), &details, Timestamp::now()).await?;
        }
        Ok(())
    }

    async fn write_archive(&self, task: &Task, uid: &str) -> Result<()> {
        let mut indexes = Vec::new();
        loop {
            let all = [IndexPattern::all()];
            let page = self.deps.metadata.indexes.list(task.tenant, &all, indexes.len() as u64, PAGE).await?.items;
            let last = (page.len() as u64) < PAGE;
            indexes.extend(page.iter().map(|index| (self.bucket(index.tenant, index.id), archived(index))));
            if last {
                break;
            }
        }
        let store = &self.deps.store;
        Archive::new(store.clone(), task.tenant, uid).write(task.enqueued_at, indexes).await?;
        tracing::info!(tenant = %task.tenant, archive = uid, "archive is written");
        let names = Archive::list(store, task.tenant).await?;
        for old in names.iter().take(names.len().saturating_sub(self.config.keep_archives)) {
            Archive::new(store.clone(), task.tenant, old).remove().await?;
        }
        Ok(())
    }
}

/// The name of the archive of a task: names sort by time, and a task has the same one however often it is tried.
fn name(task: &Task) -> String {
    format!("{}-{:010}", task.enqueued_at.strftime("%Y%m%d-%H%M%S"), task.uid.0)
}

fn archived(index: &Index) -> ArchivedIndex {
    let published = index.published.as_ref();
    ArchivedIndex {
        uid: index.uid.clone(),
        id: index.id,
        generation: published.map(|published| published.generation),
        primary_key: index.primary_key.clone(),
        settings: index.settings.clone(),
        documents: published.map_or(0, |published| published.documents),
    }
}
