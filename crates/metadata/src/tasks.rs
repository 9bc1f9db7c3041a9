//! Tasks: allocated before the append, ended by what a generation records.

use async_trait::async_trait;
use onggi_domain::{
    ApiError, IndexId, IndexUid, Seq, TaskUid, TenantId, Timestamp,
    generation::{TaskOutcome, TaskResult},
    index::Index,
    key::IndexPattern,
    log::Record,
    task::{Task, TaskDetails, TaskFilter, TaskKind, TaskStatus},
};
use uuid::Uuid;

use crate::{
    Backlog, Error, NewTask, Page, Result, Tasks,
    columns::{corrupt, from_json, optional_time, restricting, seq, stored_time, task_uid, time, to_json, unsigned},
    database::{Database, Sql, Transaction, Value, sql, transaction, values},
};

#[derive(sqlx::FromRow)]
struct TaskRow {
    tenant: Uuid,
    uid: i64,
    index_id: Option<Uuid>,
    index_uid: Option<String>,
    kind: String,
    status: String,
    seq: Option<i64>,
    canceled_by: Option<i64>,
    details: String,
    error: Option<String>,
    enqueued_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    batch_uid: Option<i64>,
    custom_metadata: Option<String>,
}

/// What is known of an unfinished task.
#[derive(sqlx::FromRow)]
struct KnownRow {
    details: String,
    targets: Option<String>,
}

impl TryFrom<TaskRow> for Task {
    type Error = Error;

    fn try_from(row: TaskRow) -> Result<Self> {
        Ok(Self {
            tenant: TenantId(row.tenant),
            uid: task_uid(row.uid)?,
            index: row.index_id.map(IndexId),
            index_uid: row.index_uid.map(|uid| uid.parse().map_err(|error| corrupt("index uid of a task", &error))).transpose()?,
            kind: TaskKind::from_name(&row.kind).ok_or_else(|| corrupt("task kind", &row.kind))?,
            status: TaskStatus::from_name(&row.status).ok_or_else(|| corrupt("task status", &row.status))?,
            seq: seq(row.seq)?,
            batch: row.batch_uid.map(task_uid).transpose()?,
            canceled_by: row.canceled_by.map(task_uid).transpose()?,
            custom_metadata: row.custom_metadata,
            details: from_json("details of a task", &row.details)?,
            error: row.error.map(|error| from_json("error of a task", &error)).transpose()?,
            enqueued_at: time(row.enqueued_at)?,
            started_at: optional_time(row.started_at)?,
            finished_at: optional_time(row.finished_at)?,
        })
    }
}

/// A task in the order of the columns.
fn row(task: &Task) -> Vec<Value> {
    values![
        task.tenant,
        task.uid,
        task.index,
        task.index_uid.as_ref().map(IndexUid::as_str),
        task.kind.as_str(),
        task.status.as_str(),
        task.seq,
        task.canceled_by,
        to_json(&task.details),
        task.error.as_ref().map(to_json),
        task.enqueued_at,
        task.started_at,
        task.finished_at,
        task.batch,
        task.custom_metadata.as_deref(),
    ]
}

/// A new task with what only its row knows.
fn new_row(task: &Task, new: &NewTask) -> Vec<Value> {
    let mut row = row(task);
    row.extend(values![new.targets.as_ref().map(to_json)]);
    row
}

/// The parameters `$1` to `$14` of `tasks/*/matching.sql`.
fn matching(tenant: TenantId, filter: &TaskFilter, patterns: &[IndexPattern]) -> Vec<Value> {
    values![
        tenant,
        filter.uids.as_ref().map(to_json),
        filter.statuses.as_ref().map(to_json),
        filter.kinds.as_ref().map(to_json),
        filter.index_uids.as_ref().map(to_json),
        filter.canceled_by.as_ref().map(to_json),
        filter.before_enqueued_at,
        filter.after_enqueued_at,
        filter.before_started_at,
        filter.after_started_at,
        filter.before_finished_at,
        filter.after_finished_at,
        restricting(patterns),
        filter.batch_uids.as_ref().map(to_json),
    ]
}

/// Notes that the tenant's webhooks are to be told of the end of a task, in the transaction that ends it.
async fn announce(tx: &mut Transaction, tenant: TenantId, uid: TaskUid, now: Timestamp) -> Result<()> {
    tx.execute(sql!("webhooks/enqueue"), values![tenant, uid, now]).await.map(drop)
}

/// A new task with the next uid of its tenant. The counter stays locked until the end of the transaction, so uids are contiguous.
async fn with_next_uid(tx: &mut Transaction, new: &NewTask) -> Result<Task> {
    let (uid,): (i64,) = tx.one("tenant", sql!("tasks/next_uid"), values![new.tenant]).await?;
    Ok(Task {
        tenant: new.tenant,
        uid: task_uid(uid)?,
        index: new.index,
        index_uid: new.index_uid.clone(),
        kind: new.kind,
        status: TaskStatus::Enqueued,
        seq: None,
        batch: None,
        canceled_by: None,
        custom_metadata: new.custom_metadata.clone(),
        details: new.details.clone(),
        error: None,
        enqueued_at: stored_time(new.enqueued_at),
        started_at: None,
        finished_at: None,
    })
}

/// The task that an outcome tells of. `known`: the details that its row has, if there is one.
fn settled(index: &Index, outcome: &TaskOutcome, batch: TaskUid, known: Option<TaskDetails>, now: Timestamp) -> Task {
    let (status, error, canceled_by) = match &outcome.result {
        TaskResult::Succeeded => (TaskStatus::Succeeded, None, None),
        TaskResult::Failed { error } => (TaskStatus::Failed, Some(error.clone()), None),
        TaskResult::Canceled { by } => (TaskStatus::Canceled, None, Some(*by)),
    };
    Task {
        tenant: index.tenant,
        uid: outcome.task,
        index: Some(index.id),
        index_uid: Some(index.uid.clone()),
        kind: outcome.kind,
        status,
        seq: Some(outcome.seq),
        batch: Some(batch),
        canceled_by,
        custom_metadata: None,
        details: completed(known.unwrap_or_default(), &outcome.details),
        error,
        enqueued_at: outcome.enqueued_at,
        started_at: Some(outcome.started_at),
        finished_at: Some(now),
    }
}

/// What was known when the task was accepted stays; what was absent or null then comes from the outcome.
fn completed(mut details: TaskDetails, outcome: &TaskDetails) -> TaskDetails {
    for (name, value) in outcome {
        let known = details.entry(name.clone()).or_insert(serde_json::Value::Null);
        if known.is_null() {
            known.clone_from(value);
        }
    }
    details
}

impl Database {
    async fn tasks(&self, sql: Sql, values: Vec<Value>) -> Result<Vec<Task>> {
        self.all::<TaskRow>(sql, values).await?.into_iter().map(Task::try_from).collect()
    }

    async fn task(&self, tenant: TenantId, uid: TaskUid) -> Result<Task> {
        self.one::<TaskRow>("task", sql!("tasks/get"), values![tenant, uid]).await?.try_into()
    }
}

#[async_trait]
impl Tasks for Database {
    async fn allocate(&self, new: &NewTask) -> Result<Task> {
        transaction!(self, |tx| {
            let task = with_next_uid(tx, new).await?;
            tx.execute(sql!("tasks/insert"), new_row(&task, new)).await?;
            Ok(task)
        })
    }

    async fn complete_at_once(&self, new: &NewTask, error: Option<&ApiError>) -> Result<Task> {
        transaction!(self, |tx| {
            let mut task = with_next_uid(tx, new).await?;
            task.status = if error.is_some() { TaskStatus::Failed } else { TaskStatus::Succeeded };
            task.error = error.cloned();
            task.started_at = Some(task.enqueued_at);
            task.finished_at = Some(task.enqueued_at);
            task.batch = Some(task.uid);
            tx.execute(sql!("tasks/insert"), new_row(&task, new)).await?;
            announce(tx, task.tenant, task.uid, task.enqueued_at).await?;
            Ok(task)
        })
    }

    async fn appended(&self, tenant: TenantId, uid: TaskUid, seq: Seq) -> Result<()> {
        match self.execute(sql!("tasks/appended"), values![tenant, uid, seq]).await? {
            0 => Err(Error::NotFound("task")),
            _ => Ok(()),
        }
    }

    async fn abandon(&self, tenant: TenantId, uid: TaskUid) -> Result<()> {
        if self.execute(sql!("tasks/abandon"), values![tenant, uid]).await? > 0 {
            return Ok(());
        }
        self.task(tenant, uid).await.and(Err(Error::Conflict("task")))
    }

    async fn finish(&self, tenant: TenantId, uid: TaskUid, error: Option<&ApiError>, details: &TaskDetails, now: Timestamp) -> Result<()> {
        let status = if error.is_some() { TaskStatus::Failed } else { TaskStatus::Succeeded };
        let ended = transaction!(self, |tx| {
            let row = values![tenant, uid, status.as_str(), error.map(to_json), to_json(details), now];
            let rows = tx.execute(sql!("tasks/finish"), row).await?;
            if rows > 0 {
                announce(tx, tenant, uid, now).await?;
            }
            Ok(rows > 0)
        })?;
        if ended {
            return Ok(());
        }
        self.task(tenant, uid).await.map(drop)
    }

    async fn get(&self, tenant: TenantId, uid: TaskUid) -> Result<Task> {
        self.task(tenant, uid).await
    }

    async fn mark_started(&self, tenant: TenantId, uid: TaskUid, now: Timestamp) -> Result<()> {
        self.execute(sql!("tasks/started"), values![tenant, uid, now]).await.map(drop)
    }

    async fn list(
        &self,
        tenant: TenantId,
        filter: &TaskFilter,
        patterns: &[IndexPattern],
        from: Option<TaskUid>,
        limit: u64,
        reverse: bool,
    ) -> Result<Page<Task>> {
        const NEWEST_FIRST: Sql = sql!("tasks/select" + "tasks" / dialect / "matching" + "tasks/page_newest_first");
        const OLDEST_FIRST: Sql = sql!("tasks/select" + "tasks" / dialect / "matching" + "tasks/page_oldest_first");
        const COUNT: Sql = sql!("tasks/count_all" + "tasks" / dialect / "matching");
        let matching = matching(tenant, filter, patterns);
        let mut page = matching.clone();
        page.extend(values![from, limit]);
        Ok(Page {
            items: self.tasks(if reverse { OLDEST_FIRST } else { NEWEST_FIRST }, page).await?,
            total: self.count(COUNT, matching).await?,
        })
    }

    async fn batches(
        &self,
        tenant: TenantId,
        filter: &TaskFilter,
        patterns: &[IndexPattern],
        from: Option<TaskUid>,
        limit: u64,
        reverse: bool,
    ) -> Result<Page<TaskUid>> {
        const NEWEST_FIRST: Sql = sql!("tasks/select_batches" + "tasks" / dialect / "matching" + "tasks/batches_newest_first");
        const OLDEST_FIRST: Sql = sql!("tasks/select_batches" + "tasks" / dialect / "matching" + "tasks/batches_oldest_first");
        const COUNT: Sql = sql!("tasks/count_batches" + "tasks" / dialect / "matching");
        let matching = matching(tenant, filter, patterns);
        let mut page = matching.clone();
        page.extend(values![from, limit]);
        let rows: Vec<(i64,)> = self.all(if reverse { OLDEST_FIRST } else { NEWEST_FIRST }, page).await?;
        Ok(Page { items: rows.into_iter().map(|(uid,)| task_uid(uid)).collect::<Result<_>>()?, total: self.count(COUNT, matching).await? })
    }

    async fn trim(&self, tenant: TenantId, keep: u64) -> Result<u64> {
        self.execute(sql!("tasks/trim"), values![tenant, keep]).await
    }

    async fn unwritten_archives(&self) -> Result<Vec<Task>> {
        self.tasks(sql!("tasks/unwritten_archives"), values![]).await
    }

    async fn delete(&self, tenant: TenantId, filter: &TaskFilter, patterns: &[IndexPattern]) -> Result<u64> {
        const DELETE: Sql = sql!("tasks/delete_all" + "tasks" / dialect / "matching" + "tasks/and_finished");
        self.execute(DELETE, matching(tenant, filter, patterns)).await
    }

    async fn unfinished_indexes(&self) -> Result<Vec<IndexId>> {
        let rows: Vec<(Uuid,)> = self.all(sql!("tasks/unfinished_indexes"), values![]).await?;
        Ok(rows.into_iter().map(|(id,)| IndexId(id)).collect())
    }

    async fn unfinished_span(&self, index: IndexId) -> Result<Option<(Seq, Seq)>> {
        let (first, last): (Option<i64>, Option<i64>) = self.one("span of tasks", sql!("tasks/unfinished_span"), values![index]).await?;
        Ok(seq(first)?.zip(seq(last)?))
    }

    async fn unappended(&self, before: Timestamp) -> Result<Vec<Task>> {
        self.tasks(sql!("tasks/unappended"), values![before]).await
    }

    async fn start(&self, index: IndexId, up_to: Seq, now: Timestamp) -> Result<()> {
        self.execute(sql!("tasks/start"), values![index, up_to, now]).await?;
        Ok(())
    }

    async fn settle(&self, index: &Index, batch: TaskUid, outcomes: &[TaskOutcome], now: Timestamp) -> Result<()> {
        let Some(newest) = outcomes.iter().map(|outcome| outcome.task).max() else { return Ok(()) };
        let tenant = index.tenant;
        transaction!(self, |tx| {
            tx.execute(sql!("tasks/skip_uids"), values![tenant, newest]).await?;
            for outcome in outcomes {
                let known: Vec<KnownRow> = tx.all(sql!("tasks/details"), values![tenant, outcome.task]).await?;
                let (known, targets) = match known.into_iter().next() {
                    Some(known) => (Some(from_json("details of a task", &known.details)?), known.targets),
                    None => (None, None),
                };
                let mut task = settled(index, outcome, batch, known, now);
                if let Some(targets) = targets.filter(|_| outcome.kind == TaskKind::TaskCancelation) {
                    const WAITING_FOR: Sql = sql!("tasks" / dialect / "waiting_for");
                    // It is one task over several logs: at its end when all that it names are.
                    if tx.count(WAITING_FOR, values![tenant, targets]).await? > 0 {
                        continue;
                    }
                    let canceled = tx.count(sql!("tasks/canceled_by"), values![tenant, outcome.task]).await?;
                    task.details.insert("canceledTasks".to_owned(), canceled.into());
                }
                if tx.execute(sql!("tasks/settle"), row(&task)).await.map_err(|error| error.of_writing("task"))? > 0 {
                    announce(tx, tenant, task.uid, now).await?;
                }
            }
            Ok(())
        })
    }

    async fn cancel_all(&self, index: IndexId, by: Option<TaskUid>, now: Timestamp) -> Result<u64> {
        transaction!(self, |tx| {
            tx.execute(sql!("webhooks/enqueue_canceled"), values![index, now]).await?;
            tx.execute(sql!("tasks/cancel_all"), values![index, by, now]).await
        })
    }

    async fn restore(&self, index: &Index, seq: Seq, records: &[Record]) -> Result<u64> {
        let Some(newest) = records.iter().map(|record| record.task).max() else { return Ok(0) };
        transaction!(self, |tx| {
            tx.execute(sql!("tasks/skip_uids"), values![index.tenant, newest]).await?;
            let mut restored = 0;
            for record in records {
                let task = Task {
                    tenant: index.tenant,
                    uid: record.task,
                    index: Some(index.id),
                    index_uid: Some(index.uid.clone()),
                    kind: record.operation.task_kind(),
                    status: TaskStatus::Enqueued,
                    seq: Some(seq),
                    batch: None,
                    canceled_by: None,
                    custom_metadata: None,
                    // The outcome brings them.
                    details: TaskDetails::new(),
                    error: None,
                    enqueued_at: record.enqueued_at,
                    started_at: None,
                    finished_at: None,
                };
                restored += tx.execute(sql!("tasks/restore"), row(&task)).await.map_err(|error| error.of_writing("task"))?;
            }
            Ok(restored)
        })
    }

    async fn backlog(&self) -> Result<Backlog> {
        let (tasks, oldest, entries): (i64, Option<i64>, i64) = self.one("backlog of tasks", sql!("tasks/backlog"), values![]).await?;
        Ok(Backlog {
            tasks: unsigned("number of tasks", tasks)?,
            oldest: optional_time(oldest)?,
            entries: unsigned("number of entries", entries)?,
        })
    }

    async fn pending(&self, index: IndexId) -> Result<u64> {
        self.count(sql!("tasks/pending"), values![index]).await
    }
}
