//! `/portal/t/{tenant}/i/{uid}/search`: a playground that shows results as a site would, says why a hit is where it is, and how an app asks the
//! same. The page knows what the settings allow; its script searches. Without a script, a form does.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use http::Method;
use onggi_domain::index::Index;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{IndexPlace, index, title::title_of};
use crate::portal::{
    Portal,
    failure::{Failure, Result},
    page::{Page, Section, html},
    start::search_key,
    visit::Member,
};

/// The tab's name in paths.
pub(super) const TAB: &str = "search";

/// Hits that are shown without a script.
const HITS: u32 = 20;
/// The locales that are offered, as ISO 639-3 codes: those whose words are analysed in a way of their own come first.
const LOCALES: [(&str, &str); 12] = [
    ("kor", "한국어"),
    ("jpn", "日本語"),
    ("eng", "English"),
    ("cmn", "中文"),
    ("deu", "Deutsch"),
    ("fra", "français"),
    ("spa", "español"),
    ("ita", "italiano"),
    ("por", "português"),
    ("nld", "Nederlands"),
    ("rus", "русский"),
    ("vie", "Tiếng Việt"),
];

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal/t/{tenant}/i/{uid}/search", get(show))
}

/// A hit, where there is no script.
struct Plain {
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "playground.html")]
struct PlaygroundPage {
    page: Page,
    index: IndexPlace,
    /// The address of the API.
    url: String,
    /// A key that may search, for who may see it.
    key: Option<String>,
    asleep: bool,
    primary_key: String,
    /// JSON: attributes in the order of their importance.
    attributes: String,
    filterable: bool,
    sortable: Vec<String>,
    locales: &'static [(&'static str, &'static str)],
    /// The most that totals count to.
    most: usize,
    query: String,
    hits: Vec<Plain>,
    wrong: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    q: Option<String>,
}

async fn show(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Query(Asked { q }): Query<Asked>,
) -> Result<Response> {
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let index = index(&portal, &member, &uid).await?;
    let (hits, wrong) = match &q {
        Some(query) => search(&portal, &member, &index, query).await?,
        None => (Vec::new(), None),
    };
    let settings = &index.settings;
    html(&PlaygroundPage {
        url: portal.public_url(&member),
        key: search_key(&portal, &member).await?,
        asleep: !index.awake,
        primary_key: index.primary_key.clone().unwrap_or_default(),
        attributes: json!(attributes(&index)).to_string(),
        filterable: !settings.filterable_attributes.is_empty(),
        sortable: settings.sortable_attributes.iter().cloned().collect(),
        locales: &LOCALES,
        most: settings.pagination.max_total_hits,
        query: q.unwrap_or_default(),
        hits,
        wrong,
        index: place,
        page: Page::tenant(&member, Section::Overview),
    })
}

/// The attributes of an index: those that are searched first, in their order, then the rest.
pub(super) fn attributes(index: &Index) -> Vec<String> {
    let seen = index.published.as_ref().map(|published| published.fields.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let important = index.settings.searchable_attributes.iter().filter(|name| seen.contains(name)).cloned();
    let mut names: Vec<String> = important.collect();
    for name in seen {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Hits as plain text, or why there are none.
async fn search(portal: &Portal, member: &Member, index: &Index, query: &str) -> Result<(Vec<Plain>, Option<String>)> {
    let request = json!({"q": query, "limit": HITS, "attributesToCrop": ["*"], "cropLength": 30});
    match portal.call(member, Method::POST, &format!("/indexes/{}/search", index.uid), Some(&request)).await {
        Ok(answer) => {
            let hits = answer["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
            Ok((hits.iter().map(|hit| plain(&hit["_formatted"])).collect(), None))
        }
        Err(Failure::Api(error)) => Ok((Vec::new(), Some(error.message))),
        Err(other) => Err(other),
    }
}

fn plain(hit: &Value) -> Plain {
    let empty = serde_json::Map::new();
    let hit = hit.as_object().unwrap_or(&empty);
    let (name, title) = title_of(hit);
    let texts = hit.iter().filter(|(other, _)| Some(other.as_str()) != name).filter_map(|(_, value)| value.as_str());
    Plain { title, text: texts.max_by_key(|text| text.len()).unwrap_or_default().to_owned() }
}
