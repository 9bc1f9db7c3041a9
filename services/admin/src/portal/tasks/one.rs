//! One task: its times, what it did or why not, and all of it as JSON; live until its end.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use onggi_domain::{TaskUid, Timestamp, key::Action, task::Task};

use super::{
    super::{
        Portal,
        failure::{Failure, Result},
        live,
        page::{Page, Section, html, piece},
        visit::Member,
    },
    Row, words,
};

/// A task as its page shows it.
struct TaskView {
    row: Row,
    code: Option<&'static str>,
    batch: Option<TaskUid>,
    canceled_by: Option<TaskUid>,
    metadata: Option<String>,
    waited: String,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    raw: String,
}

#[derive(Template)]
#[template(path = "task.html")]
struct TaskPage {
    page: Page,
    task: TaskView,
}

#[derive(Template)]
#[template(path = "task_parts.html")]
struct Parts<'a> {
    page: &'a Page,
    task: &'a TaskView,
}

pub(super) async fn show(State(portal): State<Portal>, member: Member, Path((_, task)): Path<(String, String)>) -> Result<Response> {
    let task = look(&portal, &member, &task).await?;
    html(&TaskPage { page: Page::tenant(&member, Section::Tasks), task })
}

pub(super) async fn events(State(portal): State<Portal>, member: Member, Path((_, task)): Path<(String, String)>) -> Result<Response> {
    look(&portal, &member, &task).await?;
    let ours = portal.clone();
    live::changes(&portal, member.user.id, move || {
        let (portal, member, task) = (ours.clone(), member.clone(), task.clone());
        async move {
            let task = look(&portal, &member, &task).await?;
            let page = Page::tenant(&member, Section::Tasks);
            Ok(vec![("task".to_owned(), piece(&Parts { page: &page, task: &task })?)])
        }
    })
}

async fn look(portal: &Portal, member: &Member, uid: &str) -> Result<TaskView> {
    if !member.may(Action::TasksGet) {
        return Err(Failure::Forbidden);
    }
    let uid: TaskUid = uid.parse().map_err(|_| Failure::NotFound)?;
    Ok(view(member, &portal.admin.0.metadata.tasks.get(member.tenant.id, uid).await?))
}

fn view(member: &Member, task: &Task) -> TaskView {
    let language = member.visit.language;
    let waited = task.started_at.map(|start| start.duration_since(task.enqueued_at).as_secs_f64().max(0.0));
    TaskView {
        row: Row::new(language, task),
        code: task.error.as_ref().map(|error| error.code.as_str()),
        batch: task.batch,
        canceled_by: task.canceled_by,
        metadata: task.custom_metadata.clone(),
        waited: waited.map(|seconds| words::took(language, seconds)).unwrap_or_default(),
        started: task.started_at,
        finished: task.finished_at,
        raw: serde_json::to_string_pretty(&task.view()).unwrap_or_default(),
    }
}
