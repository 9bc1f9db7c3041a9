//! Going back to a generation, and copying one to a new index: each with a page that says what will happen before it does.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::Response,
};
use http::Method;
use onggi_domain::{Generation, Timestamp, key::Action};
use serde::Deserialize;
use serde_json::json;

use super::{
    super::{
        super::{
            Portal,
            failure::{Failure, Result},
            page::{Page, Section, html},
            visit::{Member, done, see_other},
        },
        IndexPlace, index,
    },
    TAB, require,
};

/// Characters of a proposed name that come from the index itself.
const NAME_CHARS: usize = 380;

#[derive(Template)]
#[template(path = "generations_rollback.html")]
struct RollbackPage {
    page: Page,
    index: IndexPlace,
    number: u64,
    created_at: Timestamp,
    documents: u64,
    /// The newest generation now, and what it holds.
    newest: u64,
    documents_now: u64,
    /// Generations after the one gone back to.
    undone: u64,
    settings: Vec<&'static str>,
    /// Tasks that are not at their end.
    pending: u64,
    is_current: bool,
}

pub(super) async fn ask_rollback(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid, number)): Path<(String, String, u64)>,
) -> Result<Response> {
    require(&member)?;
    if !member.may(Action::GenerationsRollback) {
        return Err(Failure::Forbidden);
    }
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let index = index(&portal, &member, &uid).await?;
    let kept = portal.admin.generations(&index).await?;
    let number = kept.iter().copied().find(|kept| kept.0 == number).ok_or(Failure::NotFound)?;
    let target = portal.admin.manifest(&index, number).await?;
    let newest = kept.first().copied().unwrap_or(number);
    let pending = portal.admin.0.metadata.tasks.pending(index.id).await?;
    html(&RollbackPage {
        page: Page::tenant(&member, Section::Overview),
        number: number.0,
        created_at: target.created_at,
        documents: target.state.documents,
        newest: newest.0,
        documents_now: place.documents,
        undone: newest.0 - number.0,
        settings: index.settings.changed(&target.state.settings),
        pending,
        is_current: newest == number && pending == 0,
        index: place,
    })
}

pub(super) async fn rollback(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid, number)): Path<(String, String, u64)>,
) -> Result<Response> {
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    portal.call(&member, Method::POST, &format!("/indexes/{}/generations/{number}/rollback", place.uid), None).await?;
    Ok(done(&member.href(&format!("/i/{}/generations", place.uid)), "generations.notice_rollback"))
}

#[derive(Deserialize)]
pub(super) struct Reason {
    /// `compare`: the copy is to be searched beside the index.
    #[serde(default)]
    then: String,
}

#[derive(Template)]
#[template(path = "generations_fork.html")]
struct ForkPage {
    page: Page,
    index: IndexPlace,
    number: u64,
    created_at: Timestamp,
    documents: u64,
    /// The name of the new index.
    name: String,
    then: String,
    wrong: Option<String>,
}

pub(super) async fn ask_fork(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid, number)): Path<(String, String, u64)>,
    Query(Reason { then }): Query<Reason>,
) -> Result<Response> {
    fork_page(&portal, &member, &uid, number, NewFork { name: String::new(), then }, None).await
}

async fn fork_page(portal: &Portal, member: &Member, uid: &str, number: u64, form: NewFork, wrong: Option<String>) -> Result<Response> {
    require(member)?;
    if !member.may(Action::GenerationsFork) {
        return Err(Failure::Forbidden);
    }
    let place = IndexPlace::of(portal, member, uid, TAB).await?;
    let index = index(portal, member, uid).await?;
    let manifest = portal.admin.manifest(&index, Generation(number)).await?;
    let short: String = place.uid.chars().take(NAME_CHARS).collect();
    html(&ForkPage {
        page: Page::tenant(member, Section::Overview),
        number,
        created_at: manifest.created_at,
        documents: manifest.state.documents,
        name: if form.name.is_empty() { format!("{short}-g{number}") } else { form.name },
        then: form.then,
        wrong,
        index: place,
    })
}

#[derive(Deserialize)]
pub(super) struct NewFork {
    #[serde(default)]
    name: String,
    #[serde(default)]
    then: String,
}

/// Answers when the copy is there.
pub(super) async fn fork(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid, number)): Path<(String, String, u64)>,
    Form(form): Form<NewFork>,
) -> Result<Response> {
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let name = form.name.trim().to_owned();
    let body = json!({"uid": name});
    match portal.call(&member, Method::POST, &format!("/indexes/{}/generations/{number}/fork", place.uid), Some(&body)).await {
        // The name is one that an index has now, so it may stand in a path.
        Ok(_) if form.then == "compare" => {
            let path = format!("/i/{}/generations/compare?a={number}&with={name}&notice=generations.notice_fork#results", place.uid);
            Ok(see_other(&member.href(&path)))
        }
        Ok(_) => Ok(done(&member.href(&format!("/i/{name}/generations")), "generations.notice_fork")),
        Err(Failure::Api(error)) => fork_page(&portal, &member, &uid, number, NewFork { name, then: form.then }, Some(error.message)).await,
        Err(failure) => Err(failure),
    }
}
