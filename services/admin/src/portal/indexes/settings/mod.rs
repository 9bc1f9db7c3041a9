//! *Settings* of an index: a form for each, what a change costs before it is made, and all of them as JSON. Without its scripts the page shows the
//! settings, and takes changes as JSON.

mod effect;
mod estimate;
mod shown;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use http::Method;
use onggi_domain::{
    index::Index,
    key::Action,
    settings::{SETTINGS, Settings},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use self::{
    estimate::Speed,
    shown::{Group, GroupView, SettingView},
};
use super::{
    super::{
        Portal,
        failure::{Failure, Result},
        page::{Page, Section, html},
        texts::Language,
        visit::{Member, done},
    },
    IndexPlace, index,
};

pub(super) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/i/{uid}/settings", get(show).post(save))
        .route("/portal/api/tenants/{tenant}/indexes/{uid}/settings/effect", post(effect::effect))
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    page: Page,
    index: IndexPlace,
    groups: Vec<GroupView>,
    /// The settings as text to be edited: as they are, or as somebody tried to make them.
    json: String,
    /// Why that was refused.
    wrong: Option<String>,
    settings: String,
    defaults: String,
    /// The attributes that were seen, as a list.
    fields: String,
    /// What the script says.
    texts: String,
    /// How the estimate was made.
    estimate: String,
}

async fn show(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>) -> Result<Response> {
    page(&portal, &member, &uid, None).await
}

async fn page(portal: &Portal, member: &Member, uid: &str, tried: Option<(String, String)>) -> Result<Response> {
    if !member.may(Action::SettingsGet) {
        return Err(Failure::Forbidden);
    }
    let place = IndexPlace::of(portal, member, uid, "settings").await?;
    let index = index(portal, member, uid).await?;
    let page = Page::tenant(member, Section::Overview);
    let speed = Speed::of(portal, &index).await?;
    let (json, wrong) = match tried {
        Some((json, wrong)) => (json, Some(wrong)),
        None => (pretty(&index.settings), None),
    };
    html(&SettingsPage {
        groups: groups(page.language(), &index, speed),
        json,
        wrong,
        settings: plain(&index.settings).to_string(),
        defaults: plain(&Settings::default()).to_string(),
        fields: fields(&index).to_string(),
        texts: page.language().texts_of("editor"),
        estimate: told(page.language(), &index, speed),
        index: place,
        page,
    })
}

fn plain(settings: &Settings) -> Value {
    serde_json::to_value(settings).unwrap_or_default()
}

fn pretty(settings: &Settings) -> String {
    serde_json::to_string_pretty(settings).unwrap_or_default()
}

fn documents(index: &Index) -> u64 {
    index.published.as_ref().map_or(0, |published| published.documents)
}

fn fields(index: &Index) -> Value {
    index.published.iter().flat_map(|published| published.fields.keys()).map(String::as_str).collect()
}

fn groups(language: Language, index: &Index, speed: Speed) -> Vec<GroupView> {
    let mut values = plain(&index.settings);
    let rebuild = duration(language, speed.seconds(documents(index), true));
    let mut view = |name: &'static str| SettingView::new(language, name, &values[name].take(), &rebuild);
    Group::ALL.iter().map(|group| GroupView::new(language, group, group.settings.iter().map(|name| view(name)).collect())).collect()
}

/// How the estimate comes about.
fn told(language: Language, index: &Index, speed: Speed) -> String {
    let key = if speed.measured { "settings.estimate_measured" } else { "settings.estimate_usual" };
    let rate = language.number(speed.documents_per_second as u64);
    language.text_with(key, &[&language.number(documents(index)), &rate])
}

/// A time that is not known exactly.
fn duration(language: Language, seconds: f64) -> String {
    let (key, number) = match seconds {
        ..90.0 => ("settings.seconds", seconds),
        ..5400.0 => ("settings.minutes", seconds / 60.0),
        _ => ("settings.hours", seconds / 3600.0),
    };
    language.text_with(key, &[&(number.ceil() as u64)])
}

#[derive(Deserialize)]
struct Edited {
    json: String,
}

/// The whole settings as JSON, from the form that needs no script. What is left out goes back to its default, since all of it was there to be edited.
async fn save(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Form(Edited { json }): Form<Edited>,
) -> Result<Response> {
    let mut patch: Map<String, Value> = match serde_json::from_str(&json) {
        Ok(patch) => patch,
        Err(error) => return page(&portal, &member, &uid, Some((json, error.to_string()))).await,
    };
    for (name, ..) in SETTINGS {
        patch.entry(*name).or_insert(Value::Null);
    }
    let index = index(&portal, &member, &uid).await?;
    let path = format!("/indexes/{}/settings", index.uid);
    match portal.call(&member, Method::PATCH, &path, Some(&Value::Object(patch))).await {
        Ok(_) => Ok(done(&member.href(&format!("/i/{}/settings", index.uid)), "settings.notice_accepted")),
        Err(Failure::Api(error)) => page(&portal, &member, &uid, Some((json, error.message))).await,
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_whole_units_and_never_as_nothing() {
        for (seconds, text) in [(0.2, "1 s"), (40.0, "40 s"), (100.0, "2 min"), (7000.0, "2 h")] {
            assert_eq!(duration(Language::En, seconds), text);
        }
    }
}
