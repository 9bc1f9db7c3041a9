//! `/portal/t/{tenant}/start`: from nothing to the first search result: create an index, drop a file or take the sample, search, copy code. The
//! steps are one page and its script; the server sends the sample on, which is compiled in.

use askama::Template;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use http::{Method, header};
use onggi_domain::{
    Timestamp,
    key::{Action, IndexPattern},
    tenant::MemberRole,
};
use serde_json::{Value, json};

use super::{
    Portal,
    failure::{Failure, Result},
    page::{Page, Section, html},
    visit::Member,
};

/// Documents to try with: the descriptions of 6000 packages of Debian, which are free to use.
pub struct Sample {
    /// The language.
    pub language: &'static str,
    /// The uid of the index that it goes into.
    pub uid: &'static str,
    /// A query that finds something.
    pub query: &'static str,
    /// The documents: zstd of NDJSON.
    pub documents: &'static [u8],
}

/// The samples, one a language.
pub const SAMPLES: [Sample; 3] = [
    Sample {
        language: "en",
        uid: "packages-en",
        query: "real-time strategy game",
        documents: include_bytes!("../../samples/packages.en.ndjson.zst"),
    },
    Sample {
        language: "ko",
        uid: "packages-ko",
        query: "실시간 전략 게임",
        documents: include_bytes!("../../samples/packages.ko.ndjson.zst"),
    },
    Sample {
        language: "ja",
        uid: "packages-ja",
        query: "リアルタイム戦略ゲーム",
        documents: include_bytes!("../../samples/packages.ja.ndjson.zst"),
    },
];

/// The settings that suit the samples.
pub fn sample_settings() -> Value {
    json!({
        "searchableAttributes": ["name", "title", "description"],
        "filterableAttributes": ["section", "priority", "installed_size_kb", "tags"],
        "sortableAttributes": ["name", "installed_size_kb"],
    })
}

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal/t/{tenant}/start", get(show)).route("/portal/t/{tenant}/start/sample/{language}", post(sample))
}

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage {
    page: Page,
    /// The index that is there already, with documents.
    index: Option<String>,
    /// The address of the API.
    url: String,
    /// A key that may search, for who may see it.
    key: Option<String>,
    samples: Vec<&'static Sample>,
}

async fn show(State(portal): State<Portal>, member: Member) -> Result<Response> {
    let indexes = portal.admin.0.metadata.indexes.list(member.tenant.id, &[IndexPattern::all()], 0, 20).await?.items;
    let filled = indexes.iter().filter(|index| index.published.as_ref().is_some_and(|published| published.documents > 0));
    let language = member.visit.language.code();
    let mut samples: Vec<&Sample> = SAMPLES.iter().collect();
    samples.sort_by_key(|sample| sample.language != language);
    html(&StartPage {
        index: filled.max_by_key(|index| index.updated_at).map(|index| index.uid.to_string()),
        url: portal.public_url(&member),
        key: search_key(&portal, &member).await?,
        samples,
        page: Page::tenant(&member, Section::Start),
    })
}

impl Portal {
    /// How the API is reached from outside.
    pub(crate) fn public_url(&self, member: &Member) -> String {
        self.config
            .public_url
            .as_ref()
            .map_or_else(|| format!("http://{}", member.visit.host), |url| url.as_str().trim_end_matches('/').to_owned())
    }
}

/// The secret of a key that may search everything and no more, for who may change things.
pub(crate) async fn search_key(portal: &Portal, member: &Member) -> Result<Option<String>> {
    if member.role < MemberRole::Developer {
        return Ok(None);
    }
    let keys = portal.admin.0.metadata.keys.list(member.tenant.id, 0, 100).await?.items;
    let now = Timestamp::now();
    let fits =
        |key: &&onggi_domain::key::Key| key.actions == [Action::Search] && key.indexes == [IndexPattern::all()] && !key.is_expired(now);
    Ok(keys.iter().find(fits).map(|key| portal.admin.0.secrets.of(key)))
}

/// Creates the sample's index and sends its documents; answers with the task that ends when they are searchable.
async fn sample(State(portal): State<Portal>, member: Member, Path((_, language)): Path<(String, String)>) -> Result<Json<Value>> {
    let sample = SAMPLES.iter().find(|sample| sample.language == language).ok_or(Failure::NotFound)?;
    portal.call(&member, Method::POST, "/indexes", Some(&json!({"uid": sample.uid, "primaryKey": "id"}))).await?;
    portal.call(&member, Method::PATCH, &format!("/indexes/{}/settings", sample.uid), Some(&sample_settings())).await?;
    let path = format!("/indexes/{}/documents", sample.uid);
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CONTENT_ENCODING, "zstd")];
    let task = portal.send(&member, Method::POST, &path, &headers, Body::from(sample.documents)).await?;
    Ok(Json(json!({"uid": sample.uid, "query": sample.query, "taskUid": task["taskUid"]})))
}
