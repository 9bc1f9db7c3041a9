//! `/keys` and `/keys/{uid or key}`.

use std::collections::HashMap;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    routing::get,
};
use http::StatusCode;
use onggi_domain::{
    ApiError, Code, KeyId, Timestamp,
    auth::Identity,
    key::{Action, IndexPattern, Key},
    settings::Setting,
};
use onggi_web::{
    Caller, Error, Result,
    query::{Params, moment},
};
use serde_json::{Value, json};

use super::app::{KeyChange, NewKey};
use crate::{
    app::Admin,
    fields::{Fields, given, invalid, missing},
};

const LIMIT: u64 = 20;

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/keys", get(list).post(create)).route("/keys/{uid}", get(show).patch(update).delete(remove))
}

/// A key as its tenant sees it. A member of the tenant does not see the secret of one that allows more than the member's role does.
fn view(admin: &Admin, caller: &Identity, key: &Key) -> Value {
    let covered = !caller.member || key.actions.iter().all(|action| caller.allows(*action, None));
    json!({
        "name": key.name,
        "description": key.description,
        "key": covered.then(|| admin.0.secrets.of(key)),
        "uid": key.uid,
        "actions": key.actions,
        "indexes": key.indexes,
        "expiresAt": key.expires_at,
        "createdAt": key.created_at,
        "updatedAt": key.updated_at,
    })
}

/// A key with when it was used last.
fn with_use(mut view: Value, uses: &HashMap<KeyId, Timestamp>, uid: KeyId) -> Value {
    view["lastUsedAt"] = json!(uses.get(&uid));
    view
}

async fn list(State(admin): State<Admin>, Caller(caller): Caller, RawQuery(query): RawQuery) -> Result<Json<Value>> {
    let params = Params::parse(query.as_deref(), &["offset", "limit"])?;
    let offset = params.number("offset", Code::InvalidApiKeyOffset)?.unwrap_or(0);
    let limit = params.number("limit", Code::InvalidApiKeyLimit)?.unwrap_or(LIMIT);
    let page = admin.0.metadata.keys.list(caller.tenant, offset, limit).await.map_err(Error::internal)?;
    let uses = admin.last_uses(&caller).await?;
    let results: Vec<Value> = page.items.iter().map(|key| with_use(view(&admin, &caller, key), &uses, key.uid)).collect();
    Ok(Json(json!({"results": results, "offset": offset, "limit": limit, "total": page.total})))
}

async fn show(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    let key = admin.key(&caller, &uid).await?;
    Ok(Json(with_use(view(&admin, &caller, &key), &admin.last_uses(&caller).await?, key.uid)))
}

async fn create(State(admin): State<Admin>, Caller(caller): Caller, body: Body) -> Result<(StatusCode, Json<Value>)> {
    let new = new_key(&admin.body(body).await?, Timestamp::now())?;
    let key = admin.create_key(&caller, new).await?;
    Ok((StatusCode::CREATED, Json(with_use(view(&admin, &caller, &key), &HashMap::new(), key.uid))))
}

async fn update(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>, body: Body) -> Result<Json<Value>> {
    let change = key_change(&admin.body(body).await?)?;
    let key = admin.update_key(&caller, &uid, change).await?;
    Ok(Json(with_use(view(&admin, &caller, &key), &admin.last_uses(&caller).await?, key.uid)))
}

async fn remove(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<StatusCode> {
    admin.delete_key(&caller, &uid).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Wrong values are named before absent ones, each kind in the order of the fields.
fn new_key(bytes: &[u8], now: Timestamp) -> Result<NewKey, ApiError> {
    let fields = Fields::parse(bytes, &["description", "name", "uid", "actions", "indexes", "expiresAt"])?;
    let description = given(fields.text("description", Code::InvalidApiKeyDescription)?);
    let name = given(fields.text("name", Code::InvalidApiKeyName)?);
    let uid = match given(fields.text("uid", Code::InvalidApiKeyUid)?) {
        Some(text) => text.parse().map_err(|error: uuid::Error| invalid("uid", &error.to_string(), Code::InvalidApiKeyUid))?,
        None => KeyId(uuid::Uuid::new_v4()),
    };
    let actions = fields.list("actions", Code::InvalidApiKeyActions, |place, text| at_place(Action::from_name(text), ".actions", place))?;
    let indexes = fields
        .list("indexes", Code::InvalidApiKeyIndexes, |place, text| at_place(IndexPattern::try_from(text.to_owned()), ".indexes", place))?;
    let expires_at = match fields.text("expiresAt", Code::InvalidApiKeyExpiresAt)? {
        Setting::Set(text) => Setting::Set(expiry(&text, now)?),
        Setting::Reset => Setting::Reset,
        Setting::Keep => Setting::Keep,
    };
    Ok(NewKey {
        uid,
        name,
        description,
        actions: actions.ok_or_else(|| missing("actions", Code::MissingApiKeyActions))?,
        indexes: indexes.ok_or_else(|| missing("indexes", Code::MissingApiKeyIndexes))?,
        expires_at: if expires_at.is_keep() { return Err(missing("expiresAt", Code::MissingApiKeyExpiresAt)) } else { given(expires_at) },
    })
}

fn key_change(bytes: &[u8]) -> Result<KeyChange, ApiError> {
    let immutable = [
        ("uid", Code::ImmutableApiKeyUid),
        ("actions", Code::ImmutableApiKeyActions),
        ("indexes", Code::ImmutableApiKeyIndexes),
        ("expiresAt", Code::ImmutableApiKeyExpiresAt),
        ("createdAt", Code::ImmutableApiKeyCreatedAt),
        ("updatedAt", Code::ImmutableApiKeyUpdatedAt),
        ("key", Code::ImmutableApiKeyKey),
    ];
    let fields = Fields::parse_change(bytes, &["description", "name"], &immutable)?;
    Ok(KeyChange {
        description: fields.text("description", Code::InvalidApiKeyDescription)?,
        name: fields.text("name", Code::InvalidApiKeyName)?,
    })
}

/// The domain's errors name the field; the place in the list is known here only.
fn at_place<T>(result: Result<T, ApiError>, field: &str, place: &str) -> Result<T, ApiError> {
    result.map_err(|error| ApiError::new(error.code, error.message.replacen(&format!("`{field}`"), &format!("`.{place}`"), 1)))
}

fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    moment(text, false).filter(|time| *time > now).ok_or_else(|| {
        let why = format!(
            "`{text}` is not a valid date. It should follow the RFC 3339 format to represents a date or datetime in the future or \
             specified as a null value. e.g. 'YYYY-MM-DD' or 'YYYY-MM-DD HH:MM:SS'."
        );
        invalid("expiresAt", &why, Code::InvalidApiKeyExpiresAt)
    })
}
