//! `/indexes`, `/indexes/{uid}`, `/indexes/{uid}/compact` and `/swap-indexes`.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    response::Response,
    routing::{get, post},
};
use onggi_domain::{
    ApiError, Code, IndexUid,
    index::{Index, Swap},
};
use onggi_web::{Caller, Error, Result, body::parse, query::Params};
use serde_json::{Map, Value, json};

use super::{app::Change, attributes};
use crate::{
    app::{Admin, accepted},
    fields::{Fields, given, invalid, missing, wrong_type},
};

const LIMIT: u64 = 20;

pub(crate) fn router() -> Router<Admin> {
    Router::new()
        .route("/indexes", get(list).post(create))
        .route("/indexes/{uid}", get(show).patch(update).delete(remove))
        .route("/indexes/{uid}/fields", post(attributes::list))
        .route("/indexes/{uid}/compact", post(compact))
        .route("/swap-indexes", post(swap))
}

fn view(index: &Index) -> Value {
    json!({"uid": index.uid, "createdAt": index.created_at, "updatedAt": index.updated_at, "primaryKey": index.primary_key})
}

async fn list(State(admin): State<Admin>, Caller(caller): Caller, RawQuery(query): RawQuery) -> Result<Json<Value>> {
    let params = Params::parse(query.as_deref(), &["offset", "limit"])?;
    let offset = params.number("offset", Code::InvalidIndexOffset)?.unwrap_or(0);
    let limit = params.number("limit", Code::InvalidIndexLimit)?.unwrap_or(LIMIT);
    let indexes = &admin.0.metadata.indexes;
    let page = indexes.list(caller.tenant, &caller.patterns(), offset, limit).await.map_err(Error::internal)?;
    let results: Vec<Value> = page.items.iter().map(view).collect();
    Ok(Json(json!({"results": results, "offset": offset, "limit": limit, "total": page.total})))
}

async fn show(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    Ok(Json(view(&admin.index(&caller, &uid).await?)))
}

async fn create(State(admin): State<Admin>, Caller(caller): Caller, body: Body) -> Result<Response> {
    let fields = Fields::parse(&admin.body(body).await?, &["uid", "primaryKey"])?;
    let uid = uid(&fields)?.ok_or_else(|| missing("uid", Code::MissingIndexUid))?;
    Ok(accepted(&admin.create_index(&caller, uid, primary_key(&fields)?).await?))
}

async fn update(State(admin): State<Admin>, Caller(caller): Caller, Path(path): Path<String>, body: Body) -> Result<Response> {
    let immutable = [("createdAt", Code::ImmutableIndexCreatedAt), ("updatedAt", Code::ImmutableIndexUpdatedAt)];
    let fields = Fields::parse_change(&admin.body(body).await?, &["uid", "primaryKey"], &immutable)?;
    let change = Change { uid: uid(&fields)?, primary_key: primary_key(&fields)? };
    Ok(accepted(&admin.update_index(&caller, path.parse()?, change).await?))
}

async fn remove(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Response> {
    Ok(accepted(&admin.delete_index(&caller, uid.parse()?).await?))
}

async fn compact(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Response> {
    Ok(accepted(&admin.compact_index(&caller, uid.parse()?).await?))
}

async fn swap(State(admin): State<Admin>, Caller(caller): Caller, body: Body) -> Result<Response> {
    let swaps: Vec<Map<String, Value>> = parse(&admin.body(body).await?, |_| Code::BadRequest)?;
    let swaps = swaps.iter().enumerate().map(|(at, swap)| read_swap(at, swap)).collect::<Result<_, _>>()?;
    Ok(accepted(&admin.swap_indexes(&caller, swaps).await?))
}

fn read_swap(at: usize, swap: &Map<String, Value>) -> Result<Swap, ApiError> {
    if let Some(name) = swap.keys().find(|name| !["indexes", "rename"].contains(&name.as_str())) {
        return Err(onggi_web::query::unknown("field", name, &["indexes", "rename"]));
    }
    let rename = match swap.get("rename") {
        None => false,
        Some(Value::Bool(rename)) => *rename,
        Some(found) => return Err(wrong_type(&format!("[{at}].rename"), "a boolean", found, Code::InvalidSwapRename)),
    };
    let Some(indexes) = swap.get("indexes") else {
        return Err(ApiError::new(Code::MissingSwapIndexes, format!("Missing field `indexes` inside `.[{at}]`")));
    };
    let place = format!("[{at}].indexes");
    let uids: Vec<String> =
        serde_json::from_value(indexes.clone()).map_err(|error| invalid(&place, &error.to_string(), Code::InvalidSwapIndexes))?;
    let [a, b] = &uids[..] else {
        let shown: Vec<String> = uids.iter().map(|uid| format!("{uid:?}")).collect();
        let count = uids.len();
        let message = format!("Two indexes must be given for each swap. The list `[{}]` contains {count} indexes.", shown.join(", "));
        return Err(ApiError::new(Code::InvalidSwapIndexes, message));
    };
    let read = |uid: &str| uid.parse().map_err(|error: ApiError| invalid(&place, &error.message, Code::InvalidIndexUid));
    Ok(Swap { from: read(a)?, to: read(b)?, rename })
}

fn uid(fields: &Fields) -> Result<Option<IndexUid>, ApiError> {
    let Some(text) = given(fields.text("uid", Code::InvalidIndexUid)?) else { return Ok(None) };
    text.parse().map(Some).map_err(|error: ApiError| invalid("uid", &error.message, Code::InvalidIndexUid))
}

fn primary_key(fields: &Fields) -> Result<Option<String>, ApiError> {
    let found = given(fields.text("primaryKey", Code::InvalidIndexPrimaryKey)?);
    if found.as_deref() == Some("") {
        return Err(invalid("primaryKey", "an attribute's name is not empty", Code::InvalidIndexPrimaryKey));
    }
    Ok(found)
}
