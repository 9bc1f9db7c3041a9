//! `/batches`: the tasks that were worked on together, listed by the same filters as tasks.

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    routing::get,
};
use onggi_domain::{ApiError, Code, TaskUid, auth::Identity, batch::Batch, task::TaskFilter};
use onggi_web::{Caller, Error, Result};
use serde_json::{Value, json};

use crate::{app::Admin, tasks::Listing};

/// More are not answered at once, because all tasks of each are read; `next` leads on.
const MAX_LIMIT: u64 = 100;

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/batches", get(list)).route("/batches/{uid}", get(show))
}

async fn list(State(admin): State<Admin>, Caller(caller): Caller, RawQuery(query): RawQuery) -> Result<Json<Value>> {
    let Listing { filter, limit, from, reverse } = Listing::parse(query.as_deref(), MAX_LIMIT)?;
    let tasks = &admin.0.metadata.tasks;
    // One more than asked for is the start of the next page.
    let page = tasks.batches(caller.tenant, &filter, &caller.patterns(), from, limit + 1, reverse).await.map_err(Error::internal)?;
    let (shown, rest) = page.items.split_at(page.items.len().min(limit as usize));
    let mut batches = admin.batches(&caller, shown).await?;
    if reverse {
        batches.reverse();
    }
    Ok(Json(json!({
        "results": batches.iter().map(Batch::view).collect::<Vec<_>>(),
        "total": page.total,
        "limit": limit,
        "from": shown.first(),
        "next": rest.first(),
    })))
}

async fn show(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    let number: TaskUid = uid.parse().map_err(|_| {
        let message = format!("Invalid value in the path: could not parse `{uid}` as a batch's uid, a positive integer");
        ApiError::new(Code::InvalidBatchUids, message)
    })?;
    match &admin.batches(&caller, &[number]).await?[..] {
        [batch, ..] => Ok(Json(batch.view())),
        [] => Err(Error::api(Code::BatchNotFound, format!("Batch `{uid}` not found."))),
    }
}

impl Admin {
    /// These batches, newest first, with those of their tasks that the caller may see.
    async fn batches(&self, caller: &Identity, uids: &[TaskUid]) -> Result<Vec<Batch>> {
        let filter = TaskFilter { batch_uids: Some(uids.to_vec()), ..TaskFilter::default() };
        let patterns = caller.patterns();
        let tasks = self.0.metadata.tasks.list(caller.tenant, &filter, &patterns, None, u64::MAX, false).await;
        Ok(Batch::group(tasks.map_err(Error::internal)?.items))
    }
}
