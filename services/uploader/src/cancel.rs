//! Canceling tasks: a record in the log of each index that has one to cancel, all in the name of one task.
//!
//! The fold of each index decides which of its tasks are still ahead of it. A cancelation that spans several indexes is one task; its row
//! carries the entry in the last of these logs and the tasks that it names, and it ends when all of these are at their end.

use std::collections::BTreeMap;

use onggi_domain::{
    IndexId, TaskUid,
    auth::Identity,
    log::Operation,
    task::{Task, TaskFilter, TaskKind, TaskStatus},
};
use onggi_metadata::NewTask;
use onggi_web::{Error, Result};
use serde_json::json;

use crate::app::{Uploader, details, new_task};

/// Tasks read at once.
const PAGE: u64 = 1000;

impl Uploader {
    /// Cancels the caller's unfinished tasks that match. `query` is told back in the task's details.
    pub(crate) async fn cancel(&self, caller: &Identity, filter: TaskFilter, query: &str) -> Result<Task> {
        let (matched, by_index) = self.cancelable(caller, filter).await?;
        let original = format!("?{query}");
        if by_index.is_empty() {
            let details = details(json!({"matchedTasks": matched, "canceledTasks": 0, "originalFilter": original}));
            return self.complete(&new_task(caller.tenant, None, None, TaskKind::TaskCancelation, details), None).await;
        }
        let details = details(json!({"matchedTasks": matched, "canceledTasks": null, "originalFilter": original}));
        let last = by_index.keys().last().copied();
        let targets = (by_index.len() > 1).then(|| by_index.values().flatten().copied().collect());
        let task = NewTask { targets, ..new_task(caller.tenant, last, None, TaskKind::TaskCancelation, details) };
        let writes: Vec<_> = by_index.into_iter().map(|(index, tasks)| (index, Operation::Cancel { tasks })).collect();
        let uploader = self.clone();
        tokio::spawn(async move { uploader.submit_to(&task, &writes).await }).await.map_err(Error::internal)?
    }

    /// How many tasks match in whatever status, and those of them that are in a log and not at their end.
    async fn cancelable(&self, caller: &Identity, filter: TaskFilter) -> Result<(u64, BTreeMap<IndexId, Vec<TaskUid>>)> {
        let tasks = &self.deps.metadata.tasks;
        let list = async |filter: &TaskFilter, from, limit| {
            tasks.list(caller.tenant, filter, &caller.patterns(), from, limit, false).await.map_err(Error::internal)
        };
        let matched = list(&filter, None, 1).await?.total;
        let unfinished = [TaskStatus::Enqueued, TaskStatus::Processing];
        let statuses = match filter.statuses.clone() {
            Some(wanted) => wanted.into_iter().filter(|status| unfinished.contains(status)).collect(),
            None => unfinished.to_vec(),
        };
        let mut by_index: BTreeMap<IndexId, Vec<TaskUid>> = BTreeMap::new();
        if statuses.is_empty() {
            return Ok((matched, by_index));
        }
        let filter = TaskFilter { statuses: Some(statuses), ..filter };
        let mut from = None;
        loop {
            let page = list(&filter, from, PAGE).await?.items;
            for task in &page {
                if let (Some(index), Some(_)) = (task.index, task.seq) {
                    by_index.entry(index).or_default().push(task.uid);
                }
            }
            match page.last() {
                Some(Task { uid: TaskUid(last @ 1..), .. }) if page.len() as u64 == PAGE => from = Some(TaskUid(last - 1)),
                _ => return Ok((matched, by_index)),
            }
        }
    }
}
