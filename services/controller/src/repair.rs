//! Mends what a crash left between a task and the log: a task that was allocated, and perhaps appended, but not marked so.

use std::{collections::HashMap, sync::Arc, time::Duration};

use onggi_domain::{
    IndexId, Seq, TaskUid, Timestamp,
    index::Index,
    task::{Task, TaskKind},
};

use crate::{Inner, Result};

/// Log entries that are read at once.
const PAGE: usize = 64;

impl Inner {
    /// Looks for the tasks that should have a log entry by now in the logs of their indexes.
    pub(crate) async fn repair(self: &Arc<Self>) -> Result<()> {
        let tasks = self.deps.metadata.tasks.unappended(before(self.config.repair_after)).await?;
        let mut lost: HashMap<IndexId, Vec<Task>> = HashMap::new();
        for task in tasks.into_iter().filter(|task| is_logged(task.kind)) {
            if let Some(index) = task.index {
                lost.entry(index).or_default().push(task);
            }
        }
        for (id, tasks) in lost {
            let Some(index) = self.living(id).await? else { continue };
            if let Err(error) = self.repair_index(&index, tasks).await {
                tracing::warn!(tenant = %index.tenant, index = %id, %error, "tasks without a log entry were not looked up");
            }
        }
        Ok(())
    }

    async fn repair_index(&self, index: &Index, tasks: Vec<Task>) -> Result<()> {
        self.settle_folded(index, &tasks).await?;
        let found = self.find_in_log(index, &tasks).await?;
        let too_old = before(self.config.abandon_after);
        for task in tasks {
            if let Some(seq) = found.get(&task.uid) {
                tracing::info!(tenant = %index.tenant, index = %index.id, task = %task.uid, %seq, "task found in the log");
                self.deps.metadata.tasks.appended(index.tenant, task.uid, *seq).await?;
            } else if task.enqueued_at < too_old {
                tracing::info!(tenant = %index.tenant, index = %index.id, task = %task.uid, "task never reached the log, given up");
                self.deps.metadata.tasks.abandon(index.tenant, task.uid).await?;
            }
        }
        self.queue.add(index.id);
        Ok(())
    }

    /// A task may have been folded and recorded before the crash: the recorded generation says what became of it.
    async fn settle_folded(&self, index: &Index, tasks: &[Task]) -> Result<()> {
        let Some(published) = &index.published else { return Ok(()) };
        let manifest = self.bucket(index.tenant, index.id).manifest(published.generation).await?;
        let Some(batch) = manifest.batch() else { return Ok(()) };
        let is_lost = |uid: TaskUid| tasks.iter().any(|task| task.uid == uid);
        let outcomes: Vec<_> = manifest.outcomes.into_iter().filter(|outcome| is_lost(outcome.task)).collect();
        Ok(self.deps.metadata.tasks.settle(index, batch, &outcomes, Timestamp::now()).await?)
    }

    /// The entries of these tasks in the part of the log that is not recorded as folded.
    async fn find_in_log(&self, index: &Index, tasks: &[Task]) -> Result<HashMap<TaskUid, Seq>> {
        let bucket = self.bucket(index.tenant, index.id);
        let committed = index.published.as_ref().and_then(|published| published.committed_seq);
        let mut next = committed.map_or(Seq(0), Seq::next);
        let mut found = HashMap::new();
        loop {
            let entries = bucket.read(next, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(found) };
            next = last.seq.next();
            for entry in &entries {
                let uids = entry.records.iter().map(|record| record.task);
                found.extend(uids.filter(|uid| tasks.iter().any(|task| task.uid == *uid)).map(|uid| (uid, entry.seq)));
            }
        }
    }
}

/// Whether tasks of this kind are carried by a log entry.
fn is_logged(kind: TaskKind) -> bool {
    match kind {
        TaskKind::DocumentAdditionOrUpdate
        | TaskKind::DocumentDeletion
        | TaskKind::SettingsUpdate
        | TaskKind::IndexUpdate
        | TaskKind::TaskCancelation
        | TaskKind::IndexRollback => true,
        TaskKind::IndexCreation
        | TaskKind::IndexDeletion
        | TaskKind::IndexSwap
        | TaskKind::IndexFork
        | TaskKind::IndexCompaction
        | TaskKind::TaskDeletion
        | TaskKind::DumpCreation
        | TaskKind::SnapshotCreation
        // No task of Onggi is one of these.
        | TaskKind::DocumentEdition
        | TaskKind::Export
        | TaskKind::UpgradeDatabase
        | TaskKind::NetworkTopologyChange => false,
    }
}

fn before(age: Duration) -> Timestamp {
    Timestamp::now().checked_sub(age).unwrap_or(Timestamp::MIN)
}
