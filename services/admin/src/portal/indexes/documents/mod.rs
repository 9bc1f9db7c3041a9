//! `/portal/t/{tenant}/i/{uid}/documents`: browse what an index holds, delete some of it by a filter, add to it. Files are sent by the page's script to
//! the tenant API itself.

mod one;
mod pretty;
mod query;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{Method, StatusCode};
use onggi_domain::{Code, document_id, index::Index};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::query::{PAGE, Wanted};
use super::{IndexPlace, index, playground::attributes, title::shortened};
use crate::portal::{
    Portal,
    failure::{Failure, Result},
    page::{Page, Section, html},
    visit::{Member, done},
};

/// The tab's name in paths.
pub(super) const TAB: &str = "documents";

/// The most characters of a value in the list.
const CELL: usize = 120;

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/i/{uid}/documents", get(show))
        .route("/portal/t/{tenant}/i/{uid}/documents/delete", post(delete))
        .merge(one::router())
}

/// A document as a row of the list.
struct Row {
    id: String,
    cells: Vec<String>,
}

/// An attribute that can be a column.
struct Column {
    name: String,
    shown: bool,
}

/// An order that can be chosen.
struct Order {
    value: String,
    text: String,
}

/// What was found, or why nothing is shown.
enum Found {
    Documents {
        rows: Vec<Row>,
        total: u64,
    },
    /// The index sleeps, and looking would wake it.
    Asleep,
    /// The filter or the order is not right, or the index cannot be asked.
    Wrong {
        code: Code,
        message: String,
    },
}

#[derive(Template)]
#[template(path = "documents.html")]
struct DocumentsPage {
    page: Page,
    index: IndexPlace,
    wanted: Wanted,
    primary_key: String,
    columns: Vec<String>,
    all: Vec<Column>,
    orders: Vec<Order>,
    filterable: bool,
    rows: Vec<Row>,
    total: u64,
    asleep: bool,
    /// What is wrong with the filter.
    filter_wrong: Option<String>,
    wrong: Option<String>,
    /// The address of the API.
    url: String,
}

impl DocumentsPage {
    /// Which documents of all are shown, in words.
    fn range(&self) -> String {
        let first = (self.wanted.page - 1).saturating_mul(PAGE) + 1;
        let last = first + (self.rows.len() as u64).saturating_sub(1);
        self.page.t2("documents.range", self.page.number(&first), self.page.number(&last))
    }

    /// The address of the same page, woken if it sleeps.
    fn woken(&self) -> String {
        Wanted { wake: true, ..self.wanted.clone() }.at(self.wanted.page)
    }

    fn before(&self) -> Option<String> {
        (self.wanted.page > 1).then(|| self.wanted.at(self.wanted.page - 1))
    }

    fn after(&self) -> Option<String> {
        (self.wanted.page.saturating_mul(PAGE) < self.total).then(|| self.wanted.at(self.wanted.page + 1))
    }

    /// Where the document of a row is.
    fn href(&self, row: &Row) -> String {
        self.page.href(&format!("/i/{}/documents/one?id={}", self.index.uid, self.page.encoded(&row.id)))
    }

    /// The task that the page waits for, for its script.
    fn task(&self) -> String {
        self.wanted.task.map_or_else(String::new, |task| task.to_string())
    }
}

async fn show(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    render(&portal, &member, &uid, Wanted::parse(query.as_deref().unwrap_or_default()), None).await
}

async fn render(portal: &Portal, member: &Member, uid: &str, wanted: Wanted, wrong: Option<String>) -> Result<Response> {
    let place = IndexPlace::of(portal, member, uid, TAB).await?;
    let index = index(portal, member, uid).await?;
    let names = attributes(&index);
    let columns = wanted.columns(index.primary_key.as_deref(), &names);
    let mut shown = DocumentsPage {
        page: Page::tenant(member, Section::Overview),
        primary_key: index.primary_key.clone().unwrap_or_default(),
        all: names.into_iter().map(|name| Column { shown: columns.contains(&name), name }).collect(),
        orders: index.settings.sortable_attributes.iter().flat_map(|name| orders(name)).collect(),
        filterable: !index.settings.filterable_attributes.is_empty(),
        index: place,
        rows: Vec::new(),
        total: 0,
        asleep: false,
        filter_wrong: None,
        wrong,
        url: portal.public_url(member),
        columns,
        wanted,
    };
    match find(portal, member, &index, &shown.wanted, &shown.columns).await? {
        Found::Documents { rows, total } => (shown.rows, shown.total) = (rows, total),
        Found::Asleep => shown.asleep = true,
        Found::Wrong { code: Code::InvalidDocumentFilter, message } => shown.filter_wrong = Some(message),
        Found::Wrong { message, .. } => shown.wrong = shown.wrong.or(Some(message)),
    }
    html(&shown)
}

/// By an attribute, up and down.
fn orders(name: &str) -> [Order; 2] {
    [("asc", '↑'), ("desc", '↓')].map(|(way, sign)| Order { value: format!("{name}:{way}"), text: format!("{name} {sign}") })
}

async fn find(portal: &Portal, member: &Member, index: &Index, wanted: &Wanted, columns: &[String]) -> Result<Found> {
    let documents = index.published.as_ref().map_or(0, |published| published.documents);
    if documents == 0 && wanted.filter.is_empty() {
        return Ok(Found::Documents { rows: Vec::new(), total: 0 });
    }
    if !index.awake && !wanted.wake {
        return Ok(Found::Asleep);
    }
    match fetch(portal, member, index, &wanted.request(columns)).await {
        Ok(answer) => {
            let results = answer["results"].as_array().map(Vec::as_slice).unwrap_or_default();
            let rows =
                results.iter().filter_map(Value::as_object).map(|document| row(document, columns, index.primary_key.as_deref())).collect();
            Ok(Found::Documents { rows, total: answer["total"].as_u64().unwrap_or(0) })
        }
        Err(Failure::Api(error)) => Ok(Found::Wrong { code: error.code, message: error.message }),
        Err(other) => Err(other),
    }
}

async fn fetch(portal: &Portal, member: &Member, index: &Index, request: &Value) -> Result<Value> {
    portal.call(member, Method::POST, &format!("/indexes/{}/documents/fetch", index.uid), Some(request)).await
}

fn row(document: &Map<String, Value>, columns: &[String], primary_key: Option<&str>) -> Row {
    let text = |name: &str| document.get(name).map_or_else(String::new, plain);
    let others = columns.iter().map(String::as_str).filter(|name| Some(*name) != primary_key);
    let id = primary_key.and_then(|primary_key| document_id::of(document, primary_key)).unwrap_or_default();
    Row { id, cells: others.map(|name| shortened(&text(name), CELL)).collect() }
}

/// A value as text, not shortened.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[derive(Deserialize)]
struct Deletion {
    #[serde(default)]
    filter: String,
    /// How many documents the person was told of.
    expected: u64,
    /// The name of the index, where everything goes.
    #[serde(default)]
    confirm: String,
}

/// Deletes what fits a filter, if it is as much as the person was told; or everything, if its name was written.
async fn delete(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Form(Deletion { filter, expected, confirm }): Form<Deletion>,
) -> Result<Response> {
    let index = index(&portal, &member, &uid).await?;
    let path = format!("/indexes/{}/documents", index.uid);
    let language = member.visit.language;
    let refused = if filter.trim().is_empty() {
        (confirm.trim() != index.uid.as_str()).then(|| language.text("documents.confirm_wrong").to_owned())
    } else {
        let counted = fetch(&portal, &member, &index, &json!({"filter": filter, "limit": 1})).await?;
        let now = counted["total"].as_u64().unwrap_or(0);
        (now != expected).then(|| language.text_with("documents.count_changed", &[&language.number(now)]))
    };
    if let Some(why) = refused {
        let wanted = Wanted { filter, page: 1, wake: true, ..Wanted::default() };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&portal, &member, &uid, wanted, Some(why)).await?).into_response());
    }
    let task = if filter.trim().is_empty() {
        portal.call(&member, Method::DELETE, &path, None).await?
    } else {
        portal.call(&member, Method::POST, &format!("{path}/delete"), Some(&json!({"filter": filter}))).await?
    };
    let back = format!("/i/{}/{TAB}?wake=1&task={}", index.uid, task["taskUid"]);
    Ok(done(&member.href(&back), "documents.notice_deleting"))
}
