//! `/tasks`: list, show, delete. Canceling is a log entry: the uploader takes it.

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    response::Response,
    routing::get,
};
use onggi_domain::{
    ApiError, Code, TaskUid,
    auth::Identity,
    key::IndexPattern,
    task::{Task, TaskFilter, TaskKind},
};
use onggi_web::{
    Caller, Error, Result,
    query::{Params, TASK_FILTERS, task_filter},
};
use serde_json::{Value, json};

use crate::app::{Admin, accepted, new_task};

const LIMIT: u64 = 20;
/// More are not answered at once; `next` leads on.
const MAX_LIMIT: u64 = 1000;

/// Which tasks or batches a caller wants to see, and which part of the list.
pub(crate) struct Listing {
    pub(crate) filter: TaskFilter,
    pub(crate) limit: u64,
    pub(crate) from: Option<TaskUid>,
    /// Oldest first.
    pub(crate) reverse: bool,
}

impl Listing {
    /// From a query string; more than `max_limit` are not answered at once.
    pub(crate) fn parse(query: Option<&str>, max_limit: u64) -> Result<Self, ApiError> {
        let known: Vec<&str> = ["limit", "from", "reverse"].into_iter().chain(TASK_FILTERS).collect();
        let params = Params::parse(query, &known)?;
        Ok(Self {
            limit: params.number("limit", Code::InvalidTaskLimit)?.unwrap_or(LIMIT).min(max_limit),
            from: params.number("from", Code::InvalidTaskFrom)?.map(TaskUid),
            reverse: params.boolean("reverse", Code::InvalidTaskReverse)?.unwrap_or(false),
            filter: task_filter(&params)?,
        })
    }
}

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/tasks", get(list).delete(remove)).route("/tasks/{uid}", get(show))
}

async fn list(State(admin): State<Admin>, Caller(caller): Caller, RawQuery(query): RawQuery) -> Result<Json<Value>> {
    let Listing { filter, limit, from, reverse } = Listing::parse(query.as_deref(), MAX_LIMIT)?;
    let tasks = &admin.0.metadata.tasks;
    // One more than asked for is the start of the next page.
    let page = tasks.list(caller.tenant, &filter, &caller.patterns(), from, limit + 1, reverse).await.map_err(Error::internal)?;
    let (shown, rest) = page.items.split_at(page.items.len().min(limit as usize));
    let results: Vec<Value> = shown.iter().map(Task::view).collect();
    Ok(Json(json!({
        "results": results,
        "total": page.total,
        "limit": limit,
        "from": shown.first().map(|task| task.uid),
        "next": rest.first().map(|task| task.uid),
    })))
}

async fn show(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    let number: TaskUid = uid.parse().map_err(|_| {
        let message = format!("Invalid value in the path: could not parse `{uid}` as a task's uid, a positive integer");
        ApiError::new(Code::InvalidTaskUids, message)
    })?;
    match admin.0.metadata.tasks.get(caller.tenant, number).await {
        Ok(task) if may_see(&caller, &task) => Ok(Json(task.view())),
        Ok(_) | Err(onggi_metadata::Error::NotFound(_)) => Err(Error::api(Code::TaskNotFound, format!("Task `{uid}` not found."))),
        Err(error) => Err(Error::internal(error)),
    }
}

async fn remove(State(admin): State<Admin>, Caller(caller): Caller, RawQuery(query): RawQuery) -> Result<Response> {
    let query = query.unwrap_or_default();
    let filter = task_filter(&Params::parse(Some(&query), &TASK_FILTERS)?)?;
    if query.is_empty() {
        let names: Vec<String> = TASK_FILTERS.iter().map(|name| format!("`{name}`")).collect();
        let message =
            format!("Query parameters to filter the tasks to delete are missing. Available query parameters are: {}.", names.join(", "));
        return Err(Error::api(Code::MissingTaskFilters, message));
    }
    let (tasks, patterns) = (&admin.0.metadata.tasks, caller.patterns());
    let matched = tasks.list(caller.tenant, &filter, &patterns, None, 1, false).await.map_err(Error::internal)?.total;
    let deleted = tasks.delete(caller.tenant, &filter, &patterns).await.map_err(Error::internal)?;
    let details = json!({"matchedTasks": matched, "deletedTasks": deleted, "originalFilter": format!("?{query}")});
    Ok(accepted(&admin.complete(&new_task(&caller, None, None, TaskKind::TaskDeletion, details), None).await?))
}

/// The same rule as for lists: tasks without an index are for keys of all indexes.
fn may_see(caller: &Identity, task: &Task) -> bool {
    match &task.index_uid {
        Some(uid) => caller.allows_index(uid.as_str()),
        None => caller.patterns().contains(&IndexPattern::all()),
    }
}
