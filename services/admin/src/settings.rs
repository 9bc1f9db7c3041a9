//! `GET /indexes/{uid}/settings[/{name}]`: the settings of the newest generation. Changes are log entries: the uploader takes them.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use onggi_domain::{
    Code,
    settings::{SETTINGS, Settings},
};
use onggi_web::{Caller, Error, Result};
use serde_json::Value;

use crate::app::Admin;

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/indexes/{uid}/settings", get(all)).route("/indexes/{uid}/settings/{name}", get(one))
}

async fn all(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Settings>> {
    Ok(Json(admin.index(&caller, &uid).await?.settings))
}

async fn one(State(admin): State<Admin>, Caller(caller): Caller, Path((uid, segment)): Path<(String, String)>) -> Result<Json<Value>> {
    let Some((name, ..)) = SETTINGS.iter().find(|(_, found, ..)| *found == segment) else {
        return Err(Error::api(Code::NotFound, format!("There is no setting `{segment}`.")));
    };
    let settings = admin.index(&caller, &uid).await?.settings;
    let mut settings = serde_json::to_value(settings).expect("settings are plain data");
    Ok(Json(settings[*name].take()))
}
