//! `/portal/t/{tenant}/keys`: the keys of a tenant (this file), how one is made (`create`), tokens that a key signs (`tokens`), and whose users may
//! search with tokens that they have already (`identity`).

mod create;
mod identity;
mod tokens;

use std::collections::HashMap;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::{get, post},
};
use http::Method;
use onggi_domain::{ApiError, Timestamp, tenant::MemberRole};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Portal,
    failure::{Failure, Result},
    form::{Pairs, refused, unprocessable},
    page::{Page, Section, html},
    visit::{Member, done},
};

pub(crate) use tokens::NewToken;

/// Keys on a page.
const PAGE: u64 = 50;
/// A key that ends within so many days is said to.
const SOON_DAYS: i64 = 14;

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/keys", get(list).post(create::create))
        .route("/portal/t/{tenant}/keys/new", get(create::show))
        .route("/portal/t/{tenant}/keys/tokens", get(tokens::show).post(tokens::make))
        .route("/portal/t/{tenant}/keys/identity", get(identity::show).post(identity::save))
        .route("/portal/t/{tenant}/keys/identity/test", post(identity::test))
        .route("/portal/t/{tenant}/keys/identity/remove", post(identity::remove))
        .route("/portal/t/{tenant}/keys/{key}", get(show).post(change))
        .route("/portal/t/{tenant}/keys/{key}/revoke", post(revoke))
}

/// A key as the tenant API tells of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    uid: String,
    name: Option<String>,
    description: Option<String>,
    /// The secret, for who may see it.
    key: Option<String>,
    actions: Vec<String>,
    indexes: Vec<String>,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    #[serde(default)]
    last_used_at: Option<Timestamp>,
}

impl KeyView {
    fn read(value: Value) -> Result<Self> {
        serde_json::from_value(value).map_err(Failure::internal)
    }

    /// What it is called, or its uid.
    fn shown(&self) -> &str {
        self.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.uid)
    }

    /// What it is for, in words.
    fn kind(&self) -> &'static str {
        let reads = |action: &String| action == "search" || action == "version" || action.ends_with(".get");
        match () {
            () if self.actions.iter().any(|action| action == "*") => "keys.kind_all",
            () if self.actions == ["search"] => "keys.kind_search",
            () if self.actions.iter().all(reads) => "keys.kind_read",
            () => "keys.kind_some",
        }
    }

    /// The class of the badge that says so.
    fn tone(&self) -> &'static str {
        match self.kind() {
            "keys.kind_all" => "warn",
            "keys.kind_search" => "good",
            _ => "calm",
        }
    }

    fn may(&self, wanted: &str) -> bool {
        self.actions.iter().any(|held| {
            held == wanted || held == "*" || held == "*.get" && wanted == "search" || held.strip_suffix('*').is_some_and(|group| wanted.starts_with(group))
        })
    }

    fn is_for_all(&self) -> bool {
        self.indexes.iter().any(|pattern| pattern == "*")
    }

    fn is_expired(&self) -> bool {
        self.expires_at.is_some_and(|end| end <= Timestamp::now())
    }

    fn ends_soon(&self) -> bool {
        let soon = Timestamp::now() + jiff::SignedDuration::from_hours(SOON_DAYS * 24);
        !self.is_expired() && self.expires_at.is_some_and(|end| end <= soon)
    }

    /// What no longer works when it is revoked: texts.
    fn breaks(&self) -> Vec<&'static str> {
        let mut breaks = vec!["keys.breaks_users"];
        if self.may("search") {
            breaks.extend(["keys.breaks_search", "keys.breaks_tokens"]);
        }
        if ["documents.add", "documents.delete", "settings.update", "indexes.create"].iter().any(|action| self.may(action)) {
            breaks.push("keys.breaks_writes");
        }
        breaks
    }
}

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    page: Page,
    tab: &'static str,
    keys: Vec<KeyView>,
    before: Option<u64>,
    after: Option<u64>,
}

#[derive(Deserialize)]
struct From {
    #[serde(default)]
    from: u64,
}

async fn list(State(portal): State<Portal>, member: Member, Query(From { from }): Query<From>) -> Result<Response> {
    member.require(MemberRole::Developer)?;
    let found = portal.get(&member, &format!("/keys?offset={from}&limit={PAGE}")).await?;
    let results = found["results"].as_array().cloned().unwrap_or_default();
    html(&KeysPage {
        page: Page::tenant(&member, Section::Keys),
        tab: "",
        keys: results.into_iter().map(KeyView::read).collect::<Result<_>>()?,
        before: (from > 0).then(|| from.saturating_sub(PAGE)),
        after: Some(from + PAGE).filter(|next| *next < found["total"].as_u64().unwrap_or(0)),
    })
}

#[derive(Template)]
#[template(path = "key.html")]
struct KeyPage {
    page: Page,
    key: KeyView,
    wrong: Option<ApiError>,
}

/// The path of a key in the tenant API. The uid of the path is looked at: nothing else may be put into another path.
fn api_path(uid: &str) -> Result<String> {
    let uid: onggi_domain::KeyId = uid.parse().map_err(|_| Failure::NotFound)?;
    Ok(format!("/keys/{uid}"))
}

async fn find(portal: &Portal, member: &Member, uid: &str) -> Result<KeyView> {
    match portal.get(member, &api_path(uid)?).await {
        Err(Failure::Api(error)) if error.code.status() == 404 => Err(Failure::NotFound),
        found => KeyView::read(found?),
    }
}

async fn show(State(portal): State<Portal>, member: Member, Path(path): Path<HashMap<String, String>>) -> Result<Response> {
    member.require(MemberRole::Developer)?;
    let key = find(&portal, &member, path.get("key").map_or("", String::as_str)).await?;
    html(&KeyPage { page: Page::tenant(&member, Section::Keys), key, wrong: None })
}

async fn change(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>, form: Pairs) -> Result<Response> {
    member.require(MemberRole::Owner)?;
    let path = api_path(&uid)?;
    let body = json!({"name": form.optional("name"), "description": form.optional("description")});
    match portal.call(&member, Method::PATCH, &path, Some(&body)).await {
        Ok(_) => Ok(done(&member.href(&path), "keys.notice_changed")),
        Err(failure) => {
            let wrong = refused(failure)?;
            let key = find(&portal, &member, &uid).await?;
            Ok(unprocessable(html(&KeyPage { page: Page::tenant(&member, Section::Keys), key, wrong: Some(wrong) })?))
        }
    }
}

async fn revoke(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>, form: Pairs) -> Result<Response> {
    member.require(MemberRole::Owner)?;
    let path = api_path(&uid)?;
    if form.one("sure") != "yes" {
        return Ok(done(&member.href(&path), "keys.notice_not_sure"));
    }
    portal.call(&member, Method::DELETE, &path, None).await?;
    Ok(done(&member.href("/keys"), "keys.notice_revoked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(actions: &[&str]) -> KeyView {
        KeyView {
            uid: "74c9c733-3368-4738-bbe5-1d18a5fecb37".to_owned(),
            name: None,
            description: None,
            key: None,
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            indexes: vec!["*".to_owned()],
            expires_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            last_used_at: None,
        }
    }

    #[test]
    fn what_a_key_is_for_is_told_in_words() {
        for (actions, kind) in [
            (&["search"][..], "keys.kind_search"),
            (&["*.get"], "keys.kind_read"),
            (&["search", "documents.get"], "keys.kind_read"),
            (&["search", "documents.add"], "keys.kind_some"),
            (&["*"], "keys.kind_all"),
        ] {
            assert_eq!(key(actions).kind(), kind, "{actions:?}");
        }
    }

    #[test]
    fn what_breaks_depends_on_what_the_key_may_do() {
        assert_eq!(key(&["search"]).breaks(), ["keys.breaks_users", "keys.breaks_search", "keys.breaks_tokens"]);
        assert_eq!(key(&["documents.*"]).breaks(), ["keys.breaks_users", "keys.breaks_writes"]);
        assert_eq!(key(&["tasks.get"]).breaks(), ["keys.breaks_users"]);
        assert_eq!(key(&["*"]).breaks().len(), 4);
    }

    #[test]
    fn only_uids_become_part_of_a_path() {
        assert!(api_path("74c9c733-3368-4738-bbe5-1d18a5fecb37").is_ok());
        for bad in ["", "../indexes", "x?y", "secret"] {
            assert!(api_path(bad).is_err(), "{bad}");
        }
    }
}
