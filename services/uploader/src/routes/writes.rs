//! Deletions, settings, rollback and cancelation: small bodies that become one record each.

use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Method};
use onggi_domain::{
    ApiError, Code, Generation, IndexUid,
    auth::Identity,
    limits::Limits,
    log::Operation,
    settings::SettingsPatch,
    task::{Task, TaskKind},
};
use onggi_metadata::NewTask;
use onggi_web::{
    Caller, Error, Result,
    body::parse,
    query::{Params, TASK_FILTERS, task_filter, unknown},
};
use serde_json::{Map, Value, json};

use super::{accepted, custom_metadata, index_uid};
use crate::{
    app::{Uploader, Write, details, new_task},
    documents::Decoded,
    settings,
};

/// `DELETE /indexes/{uid}/documents`
pub(super) async fn delete_all(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    delete(&uploader, &caller, &uid, query.as_deref(), (0, Value::Null), Operation::DeleteAllDocuments).await
}

/// `DELETE /indexes/{uid}/documents/{id}`
pub(super) async fn delete_one(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path((uid, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    delete(&uploader, &caller, &uid, query.as_deref(), (1, Value::Null), Operation::DeleteDocuments { ids: vec![id] }).await
}

/// `POST /indexes/{uid}/documents/delete-batch`
pub(super) async fn delete_batch(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let ids: Vec<Value> = parse(&whole(&uploader, &headers, body).await?, |_| Code::BadRequest)?;
    let ids = ids.iter().enumerate().map(|(at, id)| document_id(at, id)).collect::<Result<Vec<_>, _>>()?;
    delete(&uploader, &caller, &uid, query.as_deref(), (ids.len(), Value::Null), Operation::DeleteDocuments { ids }).await
}

/// `POST /indexes/{uid}/documents/delete`
pub(super) async fn delete_by_filter(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let filter = filter(parse(&whole(&uploader, &headers, body).await?, |_| Code::BadRequest)?, &uploader.deps.limits)?;
    let told = (0, Value::String(filter.to_string()));
    delete(&uploader, &caller, &uid, query.as_deref(), told, Operation::DeleteByFilter { filter }).await
}

/// `PATCH /indexes/{uid}/settings`
pub(super) async fn change_settings(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let patch = settings::parse_all(&whole(&uploader, &headers, body).await?)?;
    update_settings(&uploader, &caller, &uid, patch).await
}

/// `PUT` or `PATCH /indexes/{uid}/settings/{name}`, whichever is that setting's.
pub(super) async fn change_setting(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path((uid, name)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let patch = settings::parse_one(&name, method.as_str(), &whole(&uploader, &headers, body).await?)?;
    update_settings(&uploader, &caller, &uid, patch).await
}

/// `DELETE /indexes/{uid}/settings`
pub(super) async fn reset_settings(State(uploader): State<Uploader>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Response> {
    let write = settings_write(settings::reset_all()?);
    write_to_existing(&uploader, &caller, &uid, write).await
}

/// `DELETE /indexes/{uid}/settings/{name}`
pub(super) async fn reset_setting(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path((uid, name)): Path<(String, String)>,
) -> Result<Response> {
    let write = settings_write(settings::reset_one(&name)?);
    write_to_existing(&uploader, &caller, &uid, write).await
}

/// `POST /indexes/{uid}/generations/{generation}/rollback`
pub(super) async fn rollback(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path((uid, generation)): Path<(String, String)>,
) -> Result<Response> {
    let uid = index_uid(&uid)?;
    let generation: Generation = generation.parse().map_err(|_| {
        ApiError::new(Code::InvalidGeneration, format!("`{generation}` is not the number of a generation: expected 1 or more."))
    })?;
    let index = uploader.find(caller.tenant, &uid).await?.ok_or_else(|| ApiError::index_not_found(uid.as_str()))?;
    // The list leaves out what is about to be collected; a manifest may still be there then.
    let kept = uploader.bucket(index.tenant, index.id).generations().await.map_err(Error::internal)?;
    if !kept.contains(&generation) {
        let message = format!("Generation {generation} of index `{uid}` not found: it never was, or is no longer kept.");
        return Err(Error::api(Code::GenerationNotFound, message));
    }
    let details = details(json!({"generation": generation}));
    let write = Write { kind: TaskKind::IndexRollback, details, operation: Operation::Rollback { generation }, custom_metadata: None };
    Ok(accepted(&uploader.submit(&index, write).await?))
}

/// `POST /tasks/cancel`
pub(super) async fn cancel_tasks(State(uploader): State<Uploader>, Caller(caller): Caller, RawQuery(query): RawQuery) -> Result<Response> {
    let query = query.unwrap_or_default();
    let params = Params::parse(Some(&query), &TASK_FILTERS)?;
    let filter = task_filter(&params)?;
    if query.is_empty() {
        let names: Vec<String> = TASK_FILTERS.iter().map(|name| format!("`{name}`")).collect();
        let message =
            format!("Query parameters to filter the tasks to cancel are missing. Available query parameters are: {}.", names.join(", "));
        return Err(Error::api(Code::MissingTaskFilters, message));
    }
    Ok(accepted(&uploader.cancel(&caller, filter, &query).await?))
}

async fn delete(
    uploader: &Uploader,
    caller: &Identity,
    uid: &str,
    query: Option<&str>,
    (provided, filter): (usize, Value),
    operation: Operation,
) -> Result<Response> {
    let custom_metadata = custom_metadata(&Params::parse(query, &["customMetadata"])?)?;
    let details = details(json!({"providedIds": provided, "deletedDocuments": null, "originalFilter": filter}));
    write_to_existing(uploader, caller, uid, Write { kind: TaskKind::DocumentDeletion, details, operation, custom_metadata }).await
}

/// A write that does not create the index: without it, the task fails as it does in Meilisearch.
async fn write_to_existing(uploader: &Uploader, caller: &Identity, uid: &str, write: Write) -> Result<Response> {
    let uid = index_uid(uid)?;
    let task = match uploader.find(caller.tenant, &uid).await? {
        Some(index) => uploader.submit(&index, write).await?,
        None => refuse(uploader, caller, uid, write).await?,
    };
    Ok(accepted(&task))
}

async fn refuse(uploader: &Uploader, caller: &Identity, uid: IndexUid, mut write: Write) -> Result<Task> {
    // No indexer will tell how many there were.
    if let Some(deleted) = write.details.get_mut("deletedDocuments") {
        *deleted = 0.into();
    }
    let error = ApiError::index_not_found(uid.as_str());
    let task = new_task(caller.tenant, None, Some(uid), write.kind, write.details);
    uploader.complete(&NewTask { custom_metadata: write.custom_metadata, ..task }, Some(&error)).await
}

async fn update_settings(uploader: &Uploader, caller: &Identity, uid: &str, patch: SettingsPatch) -> Result<Response> {
    let uid = index_uid(uid)?;
    let index = match uploader.find_or_may_create(caller, &uid).await? {
        Some(index) => index,
        None => uploader.create(caller.tenant, &uid, None).await?,
    };
    Ok(accepted(&uploader.submit(&index, settings_write(patch)).await?))
}

fn settings_write(patch: SettingsPatch) -> Write {
    let details = details(serde_json::to_value(&patch).expect("settings are plain data"));
    Write {
        kind: TaskKind::SettingsUpdate,
        details,
        operation: Operation::UpdateSettings { patch: Box::new(patch) },
        custom_metadata: None,
    }
}

async fn whole(uploader: &Uploader, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let limits = &uploader.deps.limits;
    Decoded::new(headers, body, limits.body_bytes.as_u64(), limits)?.whole().await
}

fn document_id(at: usize, id: &Value) -> Result<String, ApiError> {
    match id {
        Value::String(id) => Ok(id.clone()),
        Value::Number(id) if id.is_i64() || id.is_u64() => Ok(id.to_string()),
        _ => Err(ApiError::new(
            Code::InvalidDocumentIds,
            format!("Invalid value at `[{at}]`: a document identifier is a string or an integer, but found `{id}`"),
        )),
    }
}

/// A filter that parses. Whether its attributes are filterable is known when its turn comes: settings before it in the log count.
fn filter(mut body: Map<String, Value>, limits: &Limits) -> Result<Value, ApiError> {
    if let Some(name) = body.keys().find(|name| *name != "filter") {
        return Err(unknown("field", name, &["filter"]));
    }
    let filter = body.shift_remove("filter").ok_or_else(|| ApiError::new(Code::MissingDocumentFilter, "Missing field `filter`"))?;
    match onggi_domain::filter::parse(&filter, limits, Code::InvalidDocumentFilter)? {
        Some(_) => Ok(filter),
        None => Err(ApiError::new(Code::InvalidDocumentFilter, "Sending an empty filter is forbidden.")),
    }
}
