//! `POST .../settings/effect`: what a change of settings would do, without making it: what is wrong with it, and whether and for about how long documents
//! would be indexed anew.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
};
use onggi_domain::{Code, key::Action};
use onggi_web::{body, settings::patch};
use serde::Serialize;

use super::{
    super::super::{
        Portal,
        failure::{Failure, Result},
        visit::Member,
    },
    documents,
    estimate::Speed,
    index,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Effect {
    changed: Vec<&'static str>,
    rebuilding: Vec<&'static str>,
    documents: u64,
    documents_per_second: f64,
    measured: bool,
    seconds: f64,
}

pub(super) async fn effect(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    body: Body,
) -> Result<Json<Effect>> {
    if !member.may(Action::SettingsGet) {
        return Err(Failure::Forbidden);
    }
    let index = index(&portal, &member, &uid).await?;
    let patch = patch(body::parse(&portal.admin.body(body).await?, |_| Code::BadRequest)?)?;
    let next = index.settings.patched(&patch)?;
    let rebuilding = index.settings.rebuilding(&next);
    let speed = Speed::of(&portal, &index).await?;
    let documents = documents(&index);
    Ok(Json(Effect {
        changed: index.settings.changed(&next),
        seconds: speed.seconds(documents, !rebuilding.is_empty()),
        rebuilding,
        documents,
        documents_per_second: speed.documents_per_second,
        measured: speed.measured,
    }))
}
