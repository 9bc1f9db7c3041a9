//! Batches: the tasks that were worked on together, in Meilisearch's shape.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    TaskUid,
    task::{Task, TaskDetails, iso_duration},
};

/// The tasks of a batch that a caller may see.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Its number: the lowest uid of its tasks.
    pub uid: TaskUid,
    /// Its tasks, by uid; at least one.
    pub tasks: Vec<Task>,
}

impl Batch {
    /// The batches of tasks that know theirs, newest first.
    pub fn group(tasks: Vec<Task>) -> Vec<Self> {
        let mut batches: BTreeMap<TaskUid, Vec<Task>> = BTreeMap::new();
        for task in tasks {
            if let Some(uid) = task.batch {
                batches.entry(uid).or_default().push(task);
            }
        }
        let sorted = |(uid, mut tasks): (TaskUid, Vec<Task>)| {
            tasks.sort_by_key(|task| task.uid);
            Self { uid, tasks }
        };
        batches.into_iter().rev().map(sorted).collect()
    }

    /// The batch object of the API. A batch is known when its tasks are at their end, so there is never progress to tell.
    pub fn view(&self) -> Value {
        let started = self.tasks.iter().filter_map(|task| task.started_at).min();
        let finished = self.tasks.iter().filter_map(|task| task.finished_at).max();
        let strategy = match &self.tasks[..] {
            [task] if task.seq.is_none() => "the task needs no generation",
            _ => "one generation of the index took in every task that was in its log",
        };
        json!({
            "uid": self.uid,
            "progress": null,
            "details": self.details(),
            "stats": {
                "totalNbTasks": self.tasks.len(),
                "status": self.count(|task| Some(task.status.as_str())),
                "types": self.count(|task| Some(task.kind.as_str())),
                "indexUids": self.count(|task| task.index_uid.as_ref().map(crate::IndexUid::as_str)),
            },
            "duration": started.zip(finished).map(|(start, end)| iso_duration(start, end)),
            "startedAt": started,
            "finishedAt": finished,
            "batchStrategy": strategy,
        })
    }

    fn count<'a>(&'a self, what: impl Fn(&'a Task) -> Option<&'a str>) -> BTreeMap<&'a str, u64> {
        let mut counts = BTreeMap::new();
        for name in self.tasks.iter().filter_map(what) {
            *counts.entry(name).or_default() += 1;
        }
        counts
    }

    /// The details of all tasks as one: numbers are added, filters joined, lists put together; of the rest the later counts.
    fn details(&self) -> TaskDetails {
        let mut all = TaskDetails::new();
        for (name, value) in self.tasks.iter().flat_map(|task| &task.details) {
            if value.is_null() {
                continue;
            }
            let merged = match (all.get(name), value) {
                (Some(Value::Number(a)), Value::Number(b)) => match (a.as_u64(), b.as_u64()) {
                    (Some(a), Some(b)) => json!(a.saturating_add(b)),
                    _ => value.clone(),
                },
                (Some(Value::String(a)), Value::String(b)) if name == "originalFilter" => json!(format!("{a}&{b}")),
                (Some(Value::Array(a)), Value::Array(b)) if name == "swaps" => a.iter().chain(b).cloned().collect(),
                _ => value.clone(),
            };
            all.insert(name.clone(), merged);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Seq, TenantId, Timestamp,
        task::{TaskKind, TaskStatus},
    };

    fn task(uid: u32, batch: u32, kind: TaskKind, details: Value) -> Task {
        let Value::Object(details) = details else { panic!("details are an object") };
        Task {
            tenant: TenantId(uuid::Uuid::nil()),
            uid: TaskUid(uid),
            index: None,
            index_uid: Some("films".parse().unwrap()),
            kind,
            status: TaskStatus::Succeeded,
            seq: Some(Seq(0)),
            batch: Some(TaskUid(batch)),
            canceled_by: None,
            custom_metadata: None,
            details,
            error: None,
            enqueued_at: Timestamp::UNIX_EPOCH,
            started_at: Some(Timestamp::from_second(i64::from(uid)).unwrap()),
            finished_at: Some(Timestamp::from_second(10).unwrap()),
        }
    }

    #[test]
    fn the_tasks_of_a_batch_are_counted_and_their_details_added() {
        let add = |uid, batch| task(uid, batch, TaskKind::DocumentAdditionOrUpdate, json!({"receivedDocuments": 2, "indexedDocuments": 1}));
        let delete = task(4, 3, TaskKind::DocumentDeletion, json!({"providedIds": 1, "deletedDocuments": 0, "originalFilter": null}));
        let batches = Batch::group(vec![delete, add(1, 1), add(5, 3), add(3, 3)]);
        assert_eq!(batches.iter().map(|batch| batch.uid.0).collect::<Vec<_>>(), [3, 1]);
        let view = batches[0].view();
        assert_eq!(view["details"], json!({"receivedDocuments": 4, "indexedDocuments": 2, "providedIds": 1, "deletedDocuments": 0}));
        assert_eq!(
            view["stats"],
            json!({
                "totalNbTasks": 3,
                "status": {"succeeded": 3},
                "types": {"documentAdditionOrUpdate": 2, "documentDeletion": 1},
                "indexUids": {"films": 3},
            })
        );
        assert_eq!((&view["duration"], &view["progress"]), (&json!("PT7.000000S"), &Value::Null));
    }
}
