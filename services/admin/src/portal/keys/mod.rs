//! `/portal/t/{tenant}/keys`: the keys of a tenant (this file), how one is made (`create`), tokens that a key signs (`tokens`), and whose users may
//! search with tokens that they have already (`identity`).

mod create;
mod identity;
mod tokens;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::{get, post},
};
use http::Method;
use onggi_domain::{ApiError, Timestamp, key::Action, tenant::MemberRole};
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
        let reads = |action: &String| {
            action.rsplit('.').next() == Some("get") || [Action::Search.as_str(), Action::Version.as_str()].contains(&action.as_str())
        };
        match () {
            () if self.actions.iter().any(|action| action == "*") => "access.kind_all",
            () if self.is_search_only() => "access.kind_search",
            () if self.actions.iter().all(reads) => "access.kind_read",
            () => "access.kind_some",
        }
    }

    /// The class of the badge that says so.
    fn tone(&self) -> &'static str {
        match self.kind() {
            "access.kind_all" => "warn",
            "access.kind_search" => "good",
            _ => "calm",
        }
    }

    fn may(&self, wanted: Action) -> bool {
        self.actions.iter().filter_map(|name| Action::from_name(name).ok()).any(|held| held.allows(wanted))
    }

    fn may_search(&self) -> bool {
        self.may(Action::Search)
    }

    /// Whether it does no harm in an app or on a page.
    fn is_search_only(&self) -> bool {
        self.actions == [Action::Search.as_str()]
    }

    fn actions_text(&self) -> String {
        self.actions.join(", ")
    }

    fn indexes_text(&self) -> String {
        self.indexes.join(", ")
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
        let mut breaks = vec!["access.breaks_users"];
        if self.may_search() {
            breaks.extend(["access.breaks_search", "access.breaks_tokens"]);
        }
        if [Action::DocumentsAdd, Action::DocumentsDelete, Action::SettingsUpdate, Action::IndexesCreate]
            .iter()
            .any(|action| self.may(*action))
        {
            breaks.push("access.breaks_writes");
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
struct Offset {
    #[serde(default)]
    from: u64,
}

async fn list(State(portal): State<Portal>, member: Member, Query(Offset { from }): Query<Offset>) -> Result<Response> {
    member.require(MemberRole::Developer)?;
    let found = portal.get(&member, &format!("/keys?offset={from}&limit={PAGE}")).await?;
    let results = found["results"].as_array().cloned().unwrap_or_default();
    html(&KeysPage {
        page: Page::tenant(&member, Section::Keys),
        tab: "",
        keys: results.into_iter().map(KeyView::read).collect::<Result<_>>()?,
        before: (from > 0).then(|| from.saturating_sub(PAGE)),
        after: Some(from.saturating_add(PAGE)).filter(|next| *next < found["total"].as_u64().unwrap_or(0)),
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

async fn show(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>) -> Result<Response> {
    member.require(MemberRole::Developer)?;
    let key = find(&portal, &member, &uid).await?;
    html(&KeyPage { page: Page::tenant(&member, Section::Keys), key, wrong: None })
}

async fn change(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>, form: Pairs) -> Result<Response> {
    member.require(MemberRole::Owner)?;
    let path = api_path(&uid)?;
    let body = json!({"name": form.optional("name"), "description": form.optional("description")});
    match portal.call(&member, Method::PATCH, &path, Some(&body)).await {
        Ok(_) => Ok(done(&member.href(&path), "access.notice_changed")),
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
        return Ok(done(&member.href(&path), "access.notice_not_sure"));
    }
    portal.call(&member, Method::DELETE, &path, None).await?;
    Ok(done(&member.href("/keys"), "access.notice_revoked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(actions: &[Action]) -> KeyView {
        KeyView {
            uid: "74c9c733-3368-4738-bbe5-1d18a5fecb37".to_owned(),
            name: None,
            description: None,
            key: None,
            actions: actions.iter().map(|action| action.as_str().to_owned()).collect(),
            indexes: vec!["*".to_owned()],
            expires_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            last_used_at: None,
        }
    }

    #[test]
    fn what_a_key_is_for_is_told_in_words() {
        for (actions, kind) in [
            (&[Action::Search][..], "access.kind_search"),
            (&[Action::AllGet], "access.kind_read"),
            (&[Action::Search, Action::DocumentsGet], "access.kind_read"),
            (&[Action::Search, Action::DocumentsAdd], "access.kind_some"),
            (&[Action::All], "access.kind_all"),
        ] {
            assert_eq!(key(actions).kind(), kind, "{actions:?}");
        }
    }

    #[test]
    fn what_breaks_depends_on_what_the_key_may_do() {
        assert_eq!(key(&[Action::Search]).breaks(), ["access.breaks_users", "access.breaks_search", "access.breaks_tokens"]);
        assert_eq!(key(&[Action::DocumentsAll]).breaks(), ["access.breaks_users", "access.breaks_writes"]);
        assert_eq!(key(&[Action::TasksGet]).breaks(), ["access.breaks_users"]);
        assert_eq!(key(&[Action::All]).breaks().len(), 4);
    }

    #[test]
    fn only_uids_become_part_of_a_path() {
        assert!(api_path("74c9c733-3368-4738-bbe5-1d18a5fecb37").is_ok());
        for bad in ["", "../indexes", "x?y", "secret"] {
            assert!(api_path(bad).is_err(), "{bad}");
        }
    }
}
