//! Tasks, of a tenant and as a tab of an index: filters, pages, how far each is (live), what it did or why not, and canceling and deleting them.

mod list;
mod one;
pub(crate) mod words;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    response::Response,
    routing::{get, post},
};
use http::Method;
use onggi_domain::{TaskUid, Timestamp};
use serde::Deserialize;
use url::form_urlencoded;

use self::list::{Asked, ListView, Place, Row};
use super::{
    Portal,
    failure::{Failure, Result},
    indexes::IndexPlace,
    live,
    page::{Page, Section, html, piece},
    visit::{Member, done},
};

/// The name of the tab in paths.
const TAB: &str = "tasks";
const DAY: i64 = 86_400;

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/tasks", get(show))
        .route("/portal/t/{tenant}/tasks/events", get(events))
        .route("/portal/t/{tenant}/tasks/cancel", post(cancel))
        .route("/portal/t/{tenant}/tasks/delete", post(delete))
        .route("/portal/t/{tenant}/tasks/{task}", get(one::show))
        .route("/portal/t/{tenant}/tasks/{task}/events", get(one::events))
        .route("/portal/t/{tenant}/i/{uid}/tasks", get(show_of_index))
        .route("/portal/t/{tenant}/i/{uid}/tasks/events", get(events_of_index))
        .route("/portal/t/{tenant}/i/{uid}/tasks/cancel", post(cancel_of_index))
        .route("/portal/t/{tenant}/i/{uid}/tasks/delete", post(delete_of_index))
}

#[derive(Template)]
#[template(path = "tasks.html")]
struct TasksPage {
    page: Page,
    list: ListView,
}

#[derive(Template)]
#[template(path = "index_tasks.html")]
struct IndexTasksPage {
    page: Page,
    index: IndexPlace,
    list: ListView,
}

#[derive(Template)]
#[template(path = "tasks_rows.html")]
struct Rows<'a> {
    page: &'a Page,
    list: &'a ListView,
}

async fn show(State(portal): State<Portal>, member: Member, Query(asked): Query<Asked>) -> Result<Response> {
    let list = ListView::of(&portal, &member, &asked, Place::tenant(&member)).await?;
    html(&TasksPage { page: Page::tenant(&member, Section::Tasks), list })
}

async fn show_of_index(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let index = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let list = ListView::of(&portal, &member, &asked, Place::index(&member, &index.uid)).await?;
    html(&IndexTasksPage { page: Page::tenant(&member, Section::Overview), index, list })
}

async fn events(State(portal): State<Portal>, member: Member, Query(asked): Query<Asked>) -> Result<Response> {
    let place = Place::tenant(&member);
    changes(&portal, member, asked, place)
}

async fn events_of_index(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let index = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let place = Place::index(&member, &index.uid);
    changes(&portal, member, asked, place)
}

fn changes(portal: &Portal, member: Member, asked: Asked, place: Place) -> Result<Response> {
    let ours = portal.clone();
    live::changes(portal, member.user.id, move || {
        let (portal, member, asked, place) = (ours.clone(), member.clone(), asked.clone(), place.clone());
        async move {
            let list = ListView::of(&portal, &member, &asked, place).await?;
            let page = Page::tenant(&member, Section::Tasks);
            let count = page.t1("tasks.count", page.number(&list.total));
            Ok(vec![("count".to_owned(), count), ("rows".to_owned(), piece(&Rows { page: &page, list: &list })?)])
        }
    })
}

#[derive(Deserialize)]
struct Canceled {
    /// The task; without: all that wait.
    task: Option<TaskUid>,
}

async fn cancel(State(portal): State<Portal>, member: Member, Form(form): Form<Canceled>) -> Result<Response> {
    let place = Place::tenant(&member);
    cancel_in(&portal, &member, place, &form).await
}

async fn cancel_of_index(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Form(form): Form<Canceled>,
) -> Result<Response> {
    let index = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    cancel_in(&portal, &member, Place::index(&member, &index.uid), &form).await
}

async fn cancel_in(portal: &Portal, member: &Member, place: Place, form: &Canceled) -> Result<Response> {
    let which = form.task.map_or_else(|| ("statuses", "enqueued".to_owned()), |task| ("uids", task.to_string()));
    let query = query([Some(which), place.index.clone().map(|uid| ("indexUids", uid))]);
    portal.call(member, Method::POST, &format!("/tasks/cancel?{query}"), None).await?;
    Ok(done(&place.path, "tasks.notice_canceled"))
}

#[derive(Deserialize)]
struct Deleted {
    /// `day`, `week`: only what has been at its end for longer.
    older: String,
}

async fn delete(State(portal): State<Portal>, member: Member, Form(form): Form<Deleted>) -> Result<Response> {
    let place = Place::tenant(&member);
    delete_in(&portal, &member, place, &form).await
}

async fn delete_of_index(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Form(form): Form<Deleted>,
) -> Result<Response> {
    let index = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    delete_in(&portal, &member, Place::index(&member, &index.uid), &form).await
}

async fn delete_in(portal: &Portal, member: &Member, place: Place, form: &Deleted) -> Result<Response> {
    let age = match form.older.as_str() {
        "all" => None,
        "day" => Some(DAY),
        "week" => Some(7 * DAY),
        _ => return Err(Failure::NotFound),
    };
    let before = age.and_then(ago).map(|before| ("beforeFinishedAt", before.to_string()));
    let index = place.index.clone().map(|uid| ("indexUids", uid));
    let query = query([Some(("statuses", "succeeded,failed,canceled".to_owned())), before, index]);
    portal.call(member, Method::DELETE, &format!("/tasks?{query}"), None).await?;
    Ok(done(&place.path, "tasks.notice_deleted"))
}

/// A query string of those parameters that there are.
fn query<const N: usize>(parameters: [Option<(&str, String)>; N]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters.into_iter().flatten()).finish()
}

/// The second so many seconds ago.
fn ago(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(Timestamp::now().as_second() - seconds).ok()
}
