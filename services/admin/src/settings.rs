//! `GET /indexes/{uid}/settings[/{name}]`: the settings of the newest generation. Changes are log entries: the uploader takes them.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use onggi_domain::{
    Code,
    settings::{ABSENT_SETTINGS, SETTINGS, Settings},
};
use onggi_web::{Caller, Error, Result};
use serde_json::{Value, json};

use crate::app::Admin;

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/indexes/{uid}/settings", get(all)).route("/indexes/{uid}/settings/{name}", get(one))
}

/// As in Meilisearch, `embedders` are there whether or not there are any, and the settings of features that are switched off are not.
async fn all(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    let mut settings = plain(admin.index(&caller, &uid).await?.settings);
    settings["embedders"] = json!({});
    Ok(Json(settings))
}

async fn one(State(admin): State<Admin>, Caller(caller): Caller, Path((uid, segment)): Path<(String, String)>) -> Result<Json<Value>> {
    let name = SETTINGS.iter().find(|(_, found, ..)| *found == segment).map(|(name, ..)| *name);
    let absent = ABSENT_SETTINGS.iter().find(|setting| setting.segment == segment);
    if name.is_none() && absent.is_none() {
        return Err(Error::api(Code::NotFound, format!("There is no setting `{segment}`.")));
    }
    let index = admin.index(&caller, &uid).await?;
    Ok(Json(match (name, absent) {
        (Some(name), _) => plain(index.settings)[name].take(),
        (None, setting) => setting.and_then(|setting| serde_json::from_str(setting.default).ok()).unwrap_or_default(),
    }))
}

fn plain(settings: Settings) -> Value {
    serde_json::to_value(settings).expect("settings are plain data")
}
