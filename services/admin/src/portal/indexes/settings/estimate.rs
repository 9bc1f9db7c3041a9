//! How long indexing anew may take: from the documents of an index, and from how fast its last uploads were indexed. An estimate, and told as one.

use std::collections::BTreeMap;

use onggi_domain::{
    TaskUid, Timestamp,
    index::Index,
    key::IndexPattern,
    task::{Task, TaskFilter, TaskKind, TaskStatus},
};

use super::super::super::{Portal, failure::Result};

/// What is usual for a small container, where nothing was measured.
const USUAL: f64 = 8_000.0;
/// A batch of fewer documents tells how long publishing takes, and not how fast indexing is.
const TELLING: u64 = 2_000;
/// What each change takes besides: the log is read, a generation published, and searchers open it.
const BESIDES: f64 = 1.0;
/// Tasks that are looked at.
const LOOKED_AT: u64 = 100;

/// How fast documents are indexed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Speed {
    pub(super) documents_per_second: f64,
    /// At this index; otherwise it is what is usual.
    pub(super) measured: bool,
}

impl Speed {
    /// From the tasks that put documents into the index last.
    pub(super) async fn of(portal: &Portal, index: &Index) -> Result<Self> {
        let filter = TaskFilter {
            kinds: Some(vec![TaskKind::DocumentAdditionOrUpdate]),
            statuses: Some(vec![TaskStatus::Succeeded]),
            index_uids: Some(vec![index.uid.clone()]),
            ..TaskFilter::default()
        };
        let tasks = portal.admin.0.metadata.tasks.list(index.tenant, &filter, &[IndexPattern::all()], None, LOOKED_AT, false).await?;
        Ok(Self::measured(&tasks.items))
    }

    /// The median of the batches that tell something. Tasks of one batch were worked on together, so their times are one.
    fn measured(tasks: &[Task]) -> Self {
        let mut batches: BTreeMap<TaskUid, (u64, Timestamp, Timestamp)> = BTreeMap::new();
        for task in tasks {
            let received = task.details.get("receivedDocuments").and_then(serde_json::Value::as_u64);
            if let (Some(received), Some(batch), Some(started), Some(finished)) = (received, task.batch, task.started_at, task.finished_at)
            {
                let whole = batches.entry(batch).or_insert((0, started, finished));
                *whole = (whole.0 + received, whole.1.min(started), whole.2.max(finished));
            }
        }
        let speed = |(documents, started, finished): &(u64, Timestamp, Timestamp)| {
            *documents as f64 / finished.duration_since(*started).as_secs_f64().max(0.001)
        };
        let mut speeds: Vec<f64> = batches.values().filter(|(documents, ..)| *documents >= TELLING).map(speed).collect();
        speeds.sort_by(f64::total_cmp);
        match speeds.get(speeds.len() / 2) {
            Some(speed) => Self { documents_per_second: *speed, measured: true },
            None => Self { documents_per_second: USUAL, measured: false },
        }
    }

    /// Seconds until a change holds.
    pub(super) fn seconds(self, documents: u64, rebuilds: bool) -> f64 {
        let indexing = if rebuilds { documents as f64 / self.documents_per_second } else { 0.0 };
        indexing + BESIDES
    }
}

#[cfg(test)]
mod tests {
    use onggi_domain::TenantId;
    use serde_json::json;

    use super::*;

    fn task(batch: u32, documents: u64, started: i64, finished: i64) -> Task {
        let serde_json::Value::Object(details) = json!({"receivedDocuments": documents, "indexedDocuments": documents}) else {
            unreachable!("it is an object")
        };
        Task {
            tenant: TenantId::generate(),
            uid: TaskUid(batch),
            index: None,
            index_uid: None,
            kind: TaskKind::DocumentAdditionOrUpdate,
            status: TaskStatus::Succeeded,
            seq: None,
            batch: Some(TaskUid(batch)),
            canceled_by: None,
            custom_metadata: None,
            details,
            error: None,
            enqueued_at: Timestamp::UNIX_EPOCH,
            started_at: Timestamp::from_second(started).ok(),
            finished_at: Timestamp::from_second(finished).ok(),
        }
    }

    #[test]
    fn the_speed_is_that_of_whole_batches_with_many_documents() {
        let usual = Speed { documents_per_second: USUAL, measured: false };
        assert_eq!(Speed::measured(&[]), usual);
        assert_eq!(Speed::measured(&[task(1, 10, 0, 1)]), usual, "one upload of ten documents says nothing");
        let two = [task(1, 6_000, 0, 4), task(1, 6_000, 2, 4)];
        assert_eq!(Speed::measured(&two), Speed { documents_per_second: 3_000.0, measured: true });
        let many = [task(1, 4_000, 0, 4), task(2, 4_000, 0, 2), task(3, 4_000, 0, 1), task(4, 1, 0, 100)];
        assert_eq!(Speed::measured(&many), Speed { documents_per_second: 2_000.0, measured: true });
    }

    #[test]
    fn what_indexes_nothing_anew_takes_no_longer_with_more_documents() {
        let speed = Speed { documents_per_second: 1_000.0, measured: true };
        assert_eq!((speed.seconds(39_000, true), speed.seconds(39_000, false)), (40.0, 1.0));
    }
}
