//! `.../documents/one?id=`: a document as JSON, to be changed or deleted.

use askama::Template;
use axum::{
    Form, Router,
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{Method, StatusCode, header};
use onggi_domain::document_id;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{TAB, pretty::pretty};
use crate::portal::{
    Portal,
    failure::{Failure, Result},
    indexes::{IndexPlace, index, title::title_of},
    page::{Page, Section, html},
    visit::{Member, done},
};

pub(super) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/i/{uid}/documents/one", get(show).post(save))
        .route("/portal/t/{tenant}/i/{uid}/documents/one/delete", post(delete))
}

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentPage {
    page: Page,
    index: IndexPlace,
    id: String,
    title: String,
    primary_key: String,
    text: String,
    task: String,
    wrong: Option<String>,
}

#[derive(Deserialize)]
struct Which {
    id: String,
    /// A task whose end the page waits for.
    task: Option<u32>,
}

#[derive(Deserialize)]
struct Change {
    id: String,
    document: String,
}

/// The path of a document in the tenant API. Without an id it would be that of all documents.
fn path(uid: &str, page: &Page, id: &str) -> Result<String> {
    if id.is_empty() { Err(Failure::NotFound) } else { Ok(format!("/indexes/{uid}/documents/{}", page.encoded(id))) }
}

async fn show(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Query(Which { id, task }): Query<Which>,
) -> Result<Response> {
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let page = Page::tenant(&member, Section::Overview);
    let text = match portal.text(&member, &path(&place.uid, &page, &id)?).await {
        Ok(text) => text,
        Err(Failure::Api(error)) if error.code.status() == 404 => return Err(Failure::NotFound),
        Err(other) => return Err(other),
    };
    let task = task.map_or_else(String::new, |task| task.to_string());
    let primary_key = index(&portal, &member, &uid).await?.primary_key.unwrap_or_default();
    let text = pretty(&text);
    html(&DocumentPage { title: title(&text, &id), page, index: place, id, primary_key, text, task, wrong: None })
}

/// What stands for a document; for what is none, its id.
fn title(text: &str, id: &str) -> String {
    serde_json::from_str::<Map<String, Value>>(text).map_or_else(|_| id.to_owned(), |document| title_of(&document).1)
}

/// Replaces a document with what was written, if it is still the same one.
async fn save(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Form(Change { id, document }): Form<Change>,
) -> Result<Response> {
    let index = index(&portal, &member, &uid).await?;
    let wrong = match check(&document, index.primary_key.as_deref().unwrap_or_default(), &id) {
        Ok(()) => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            match portal
                .send(&member, Method::POST, &format!("/indexes/{}/documents", index.uid), &json, Body::from(document.clone()))
                .await
            {
                Ok(task) => {
                    let page = Page::tenant(&member, Section::Overview);
                    let back = format!("/i/{}/documents/one?id={}&task={}", index.uid, page.encoded(&id), task["taskUid"]);
                    return Ok(done(&member.href(&back), "documents.notice_saving"));
                }
                Err(Failure::Api(error)) if error.code.status() < 500 => error.message,
                Err(other) => return Err(other),
            }
        }
        Err(Wrong::Json(why)) => member.visit.language.text_with("documents.json_wrong", &[&why]),
        Err(Wrong::Id) => member.visit.language.text("documents.id_wrong").to_owned(),
    };
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let page = Page::tenant(&member, Section::Overview);
    let primary_key = index.primary_key.unwrap_or_default();
    let title = title(&document, &id);
    let shown = DocumentPage { page, index: place, id, title, primary_key, text: document, task: String::new(), wrong: Some(wrong) };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&shown)?).into_response())
}

/// What is wrong with what was written.
#[derive(Debug, PartialEq)]
enum Wrong {
    Json(String),
    /// It would be another document.
    Id,
}

fn check(text: &str, primary_key: &str, id: &str) -> Result<(), Wrong> {
    let document: Map<String, Value> = serde_json::from_str(text).map_err(|error| Wrong::Json(error.to_string()))?;
    if document_id::of(&document, primary_key).as_deref() == Some(id) { Ok(()) } else { Err(Wrong::Id) }
}

#[derive(Deserialize)]
struct Only {
    id: String,
}

async fn delete(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Form(Only { id }): Form<Only>,
) -> Result<Response> {
    let index = index(&portal, &member, &uid).await?;
    let page = Page::tenant(&member, Section::Overview);
    let task = portal.call(&member, Method::DELETE, &path(index.uid.as_str(), &page, &id)?, None).await?;
    let back = format!("/i/{}/{TAB}?wake=1&task={}", index.uid, task["taskUid"]);
    Ok(done(&member.href(&back), "documents.notice_deleting"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_replaced_by_one_of_the_same_id_only() {
        assert_eq!(check(r#"{"id": 7, "a": 1}"#, "id", "7"), Ok(()));
        assert_eq!(check(r#"{"id": "7"}"#, "id", "7"), Ok(()));
        assert_eq!(check(r#"{"o": {"id": 7}}"#, "o.id", "7"), Ok(()));
        for text in [r#"{"id": 8}"#, r#"{"a": 7}"#, r#"{"id": [7]}"#] {
            assert_eq!(check(text, "id", "7"), Err(Wrong::Id), "{text}");
        }
        for text in ["", "[]", "{", r#"{"id": 7} x"#] {
            assert!(matches!(check(text, "id", "7"), Err(Wrong::Json(_))), "{text}");
        }
    }
}
