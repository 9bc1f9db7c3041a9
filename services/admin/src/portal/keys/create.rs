//! A new key: what for, on which indexes, until when. Its secret is shown on the page that answers, and on no other.

use askama::Template;
use axum::{extract::State, response::Response};
use http::Method;
use jiff::SignedDuration;
use onggi_domain::{ApiError, Timestamp, key::IndexPattern, tenant::MemberRole};
use serde_json::{Value, json};

use super::KeyView;
use crate::portal::{
    Portal,
    failure::Result,
    form::{Pairs, listed, refused, unprocessable},
    page::{Page, Section, html},
    visit::Member,
};

/// Indexes that are offered by name; others can be written.
const OFFERED: u64 = 100;

/// What a key is for: the actions that go with it.
struct Preset {
    name: &'static str,
    text: &'static str,
    help: &'static str,
    icon: &'static str,
    actions: &'static [&'static str],
}

const CUSTOM: &str = "custom";

const PRESETS: [Preset; 4] = [
    Preset { name: "search", text: "keys.preset_search", help: "keys.preset_search_help", icon: "search", actions: &["search"] },
    Preset {
        name: "backend",
        text: "keys.preset_backend",
        help: "keys.preset_backend_help",
        icon: "box",
        actions: &["search", "documents.*", "indexes.get", "indexes.create", "settings.*", "tasks.*", "stats.get", "version"],
    },
    Preset { name: "read", text: "keys.preset_read", help: "keys.preset_read_help", icon: "file", actions: &["*.get"] },
    Preset { name: CUSTOM, text: "keys.preset_custom", help: "keys.preset_custom_help", icon: "gear", actions: &[] },
];

/// Actions that can be chosen one by one, under the text of their group.
const GROUPS: [(&str, &[&str]); 8] = [
    ("keys.group_search", &["search"]),
    ("keys.group_documents", &["documents.get", "documents.add", "documents.delete"]),
    ("keys.group_indexes", &["indexes.get", "indexes.create", "indexes.update", "indexes.delete", "indexes.swap", "settings.get", "settings.update"]),
    ("keys.group_tasks", &["tasks.get", "tasks.cancel", "tasks.delete"]),
    ("keys.group_containers", &["containers.get", "containers.update", "generations.get", "generations.rollback", "generations.fork"]),
    ("keys.group_figures", &["stats.get", "usage.get", "analytics.get", "version"]),
    ("keys.group_hooks", &["webhooks.get", "webhooks.create", "webhooks.update", "webhooks.delete", "dumps.create"]),
    ("keys.group_keys", &["keys.get", "keys.create", "keys.update", "keys.delete"]),
];

/// Days until a key ends, and the text that says so; no days: never.
const EXPIRIES: [(&str, &str); 5] =
    [("", "keys.expires_never"), ("30", "keys.expires_30"), ("90", "keys.expires_90"), ("365", "keys.expires_365"), ("date", "keys.expires_date")];

/// What the form holds.
#[derive(Debug, PartialEq)]
struct Draft {
    name: String,
    description: String,
    preset: String,
    actions: Vec<String>,
    for_all: bool,
    indexes: Vec<String>,
    patterns: String,
    expiry: String,
    until: String,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            preset: "search".to_owned(),
            actions: Vec::new(),
            for_all: true,
            indexes: Vec::new(),
            patterns: String::new(),
            expiry: String::new(),
            until: String::new(),
        }
    }
}

impl Draft {
    fn of(form: &Pairs) -> Self {
        let all = |name: &str| form.all(name).map(str::to_owned).collect();
        Self {
            name: form.one("name").to_owned(),
            description: form.one("description").to_owned(),
            preset: form.one("preset").to_owned(),
            actions: all("action"),
            for_all: form.one("scope") != "some",
            indexes: all("index"),
            patterns: form.one("patterns").to_owned(),
            expiry: form.one("expiry").to_owned(),
            until: form.one("until").to_owned(),
        }
    }

    fn has_action(&self, action: &str) -> bool {
        self.actions.iter().any(|chosen| chosen == action)
    }

    fn has_index(&self, uid: &str) -> bool {
        self.indexes.iter().any(|chosen| chosen == uid)
    }

    /// What is sent to the tenant API, or the text that says what is missing.
    fn body(&self, now: Timestamp) -> Result<Value, &'static str> {
        let preset = PRESETS.iter().find(|preset| preset.name == self.preset).ok_or("keys.wrong_actions")?;
        let actions: Vec<&str> =
            if preset.name == CUSTOM { self.actions.iter().map(String::as_str).collect() } else { preset.actions.to_vec() };
        if actions.is_empty() {
            return Err("keys.wrong_actions");
        }
        let mut indexes = if self.for_all { vec!["*".to_owned()] } else { self.indexes.clone() };
        if !self.for_all {
            indexes.extend(listed(&self.patterns));
        }
        if indexes.is_empty() {
            return Err("keys.wrong_indexes");
        }
        let optional = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Ok(json!({
            "name": optional(&self.name),
            "description": optional(&self.description),
            "actions": actions,
            "indexes": indexes,
            "expiresAt": self.expires_at(now)?,
        }))
    }

    fn expires_at(&self, now: Timestamp) -> Result<Option<String>, &'static str> {
        match self.expiry.as_str() {
            "" => Ok(None),
            "date" if self.until.is_empty() => Err("keys.wrong_expiry"),
            "date" => Ok(Some(self.until.clone())),
            days => {
                let days: u16 = days.parse().map_err(|_| "keys.wrong_expiry")?;
                let end = now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).map_err(|_| "keys.wrong_expiry")?;
                Ok(Some(Timestamp::from_second(end.as_second()).unwrap_or(end).to_string()))
            }
        }
    }
}

#[derive(Template)]
#[template(path = "key_new.html")]
struct NewKeyPage {
    page: Page,
    draft: Draft,
    presets: &'static [Preset],
    groups: &'static [(&'static str, &'static [&'static str])],
    expiries: &'static [(&'static str, &'static str)],
    offered: Vec<String>,
    /// What is wrong: in the visitor's language, or as the API tells it.
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "key_made.html")]
struct KeyMadePage {
    page: Page,
    key: KeyView,
    secret: String,
    url: String,
    /// An index that the key may search, for the example.
    example: String,
}

async fn page(portal: &Portal, member: &Member, draft: Draft, wrong: Option<String>) -> Result<Response> {
    let indexes = portal.admin.0.metadata.indexes.list(member.tenant.id, &[IndexPattern::all()], 0, OFFERED).await?.items;
    html(&NewKeyPage {
        page: Page::tenant(member, Section::Keys),
        draft,
        presets: &PRESETS,
        groups: &GROUPS,
        expiries: &EXPIRIES,
        offered: indexes.into_iter().map(|index| index.uid.to_string()).collect(),
        wrong,
    })
}

pub(super) async fn show(State(portal): State<Portal>, member: Member) -> Result<Response> {
    member.require(MemberRole::Owner)?;
    page(&portal, &member, Draft::default(), None).await
}

pub(super) async fn create(State(portal): State<Portal>, member: Member, form: Pairs) -> Result<Response> {
    member.require(MemberRole::Owner)?;
    let draft = Draft::of(&form);
    let wrong = match draft.body(Timestamp::now()) {
        Err(text) => member.visit.language.text(text).to_owned(),
        Ok(body) => match portal.call(&member, Method::POST, "/keys", Some(&body)).await {
            Ok(made) => return made_page(&portal, &member, KeyView::read(made)?).await,
            Err(failure) => {
                let ApiError { message, .. } = refused(failure)?;
                message
            }
        },
    };
    Ok(unprocessable(page(&portal, &member, draft, Some(wrong)).await?))
}

async fn made_page(portal: &Portal, member: &Member, mut key: KeyView) -> Result<Response> {
    let indexes = portal.admin.0.metadata.indexes.list(member.tenant.id, &[IndexPattern::all()], 0, OFFERED).await?.items;
    let matches = |uid: &str| key.indexes.iter().any(|pattern| IndexPattern::try_from(pattern.clone()).is_ok_and(|pattern| pattern.matches(uid)));
    let example = indexes.iter().map(|index| index.uid.to_string()).find(|uid| matches(uid)).unwrap_or_else(|| "INDEX".to_owned());
    let secret = key.key.take().unwrap_or_default();
    html(&KeyMadePage { page: Page::tenant(member, Section::Keys), key, secret, url: portal.public_url(member), example })
}

#[cfg(test)]
mod tests {
    use onggi_domain::key::Action;

    use super::*;

    #[test]
    fn a_preset_says_the_actions() {
        let now = Timestamp::from_second(0).unwrap();
        let body = Draft::default().body(now).unwrap();
        let expected = json!({"name": null, "description": null, "actions": ["search"], "indexes": ["*"], "expiresAt": null});
        assert_eq!(body, expected);
        // What was checked before another preset was chosen does not count.
        let draft = Draft { actions: vec!["keys.create".to_owned()], preset: "read".to_owned(), ..Draft::default() };
        assert_eq!(draft.body(now).unwrap()["actions"], json!(["*.get"]));
    }

    #[test]
    fn what_is_chosen_one_by_one_is_sent_so() {
        let now = Timestamp::from_second(0).unwrap();
        let draft = Draft {
            preset: CUSTOM.to_owned(),
            actions: vec!["documents.get".to_owned()],
            for_all: false,
            indexes: vec!["jars".to_owned()],
            patterns: "prod_*, pots".to_owned(),
            expiry: "30".to_owned(),
            ..Draft::default()
        };
        let body = draft.body(now).unwrap();
        assert_eq!((&body["actions"], &body["indexes"]), (&json!(["documents.get"]), &json!(["jars", "prod_*", "pots"])));
        assert_eq!(body["expiresAt"], "1970-01-31T00:00:00Z");
    }

    #[test]
    fn what_is_missing_is_said() {
        let now = Timestamp::from_second(0).unwrap();
        for (draft, text) in [
            (Draft { preset: CUSTOM.to_owned(), ..Draft::default() }, "keys.wrong_actions"),
            (Draft { preset: "x".to_owned(), ..Draft::default() }, "keys.wrong_actions"),
            (Draft { for_all: false, ..Draft::default() }, "keys.wrong_indexes"),
            (Draft { expiry: "date".to_owned(), ..Draft::default() }, "keys.wrong_expiry"),
            (Draft { expiry: "-1".to_owned(), ..Draft::default() }, "keys.wrong_expiry"),
        ] {
            assert_eq!(draft.body(now), Err(text));
        }
    }

    #[test]
    fn every_action_that_is_offered_exists() {
        // Those of usage and analytics come with these features.
        let known = |action: &str| Action::from_name(action).is_ok() || action.starts_with("usage.") || action.starts_with("analytics.");
        for action in GROUPS.iter().flat_map(|(_, actions)| *actions).chain(PRESETS.iter().flat_map(|preset| preset.actions)) {
            assert!(known(action), "{action}");
        }
    }
}
