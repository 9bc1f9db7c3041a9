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

/// Actions of a group: what they are about, and what they do, with spaces between.
type Of = (&'static str, &'static str);

/// What a key is for: the actions that go with it.
struct Preset {
    name: &'static str,
    text: &'static str,
    help: &'static str,
    icon: &'static str,
    of: &'static [Of],
}

/// Actions that can be chosen one by one.
struct Group {
    text: &'static str,
    of: &'static [Of],
}

const CUSTOM: &str = "custom";

const PRESETS: [Preset; 4] = [
    Preset { name: "search", text: "access.preset_search", help: "access.preset_search_help", icon: "search", of: &[("search", "")] },
    Preset {
        name: "backend",
        text: "access.preset_backend",
        help: "access.preset_backend_help",
        icon: "box",
        of: &[
            ("search", ""),
            ("documents", "*"),
            ("indexes", "get create"),
            ("settings", "*"),
            ("tasks", "*"),
            ("stats", "get"),
            ("version", ""),
        ],
    },
    Preset { name: "read", text: "access.preset_read", help: "access.preset_read_help", icon: "file", of: &[("*", "get")] },
    Preset { name: CUSTOM, text: "access.preset_custom", help: "access.preset_custom_help", icon: "gear", of: &[] },
];

const GROUPS: [Group; 8] = [
    Group { text: "access.group_search", of: &[("search", "")] },
    Group { text: "access.group_documents", of: &[("documents", "get add delete")] },
    Group { text: "access.group_indexes", of: &[("indexes", "get create update delete swap"), ("settings", "get update")] },
    Group { text: "access.group_tasks", of: &[("tasks", "get cancel delete")] },
    Group { text: "access.group_containers", of: &[("containers", "get update"), ("generations", "get rollback fork")] },
    Group { text: "access.group_figures", of: &[("stats", "get"), ("usage", "get"), ("analytics", "get"), ("version", "")] },
    Group { text: "access.group_hooks", of: &[("webhooks", "get create update delete"), ("dumps", "create")] },
    Group { text: "access.group_keys", of: &[("keys", "get create update delete")] },
];

fn names(of: &[Of]) -> Vec<String> {
    let each = |(about, verbs): &Of| -> Vec<String> {
        if verbs.is_empty() { vec![(*about).to_owned()] } else { verbs.split(' ').map(|verb| format!("{about}.{verb}")).collect() }
    };
    of.iter().flat_map(each).collect()
}

impl Preset {
    fn actions(&self) -> Vec<String> {
        names(self.of)
    }
}

impl Group {
    fn actions(&self) -> Vec<String> {
        names(self.of)
    }
}

/// Days until a key ends, and the text that says so; no days: never.
const EXPIRIES: [(&str, &str); 5] = [
    ("", "access.expires_never"),
    ("30", "access.expires_30"),
    ("90", "access.expires_90"),
    ("365", "access.expires_365"),
    ("date", "access.expires_date"),
];

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
        let preset = PRESETS.iter().find(|preset| preset.name == self.preset).ok_or("access.wrong_actions")?;
        let actions = if preset.name == CUSTOM { self.actions.clone() } else { preset.actions() };
        if actions.is_empty() {
            return Err("access.wrong_actions");
        }
        let mut indexes = if self.for_all { vec!["*".to_owned()] } else { self.indexes.clone() };
        if !self.for_all {
            indexes.extend(listed(&self.patterns));
        }
        if indexes.is_empty() {
            return Err("access.wrong_indexes");
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
            "date" if self.until.is_empty() => Err("access.wrong_expiry"),
            "date" => Ok(Some(self.until.clone())),
            days => {
                let days: u16 = days.parse().map_err(|_| "access.wrong_expiry")?;
                let end = now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).map_err(|_| "access.wrong_expiry")?;
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
    groups: &'static [Group],
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
    let matches =
        |uid: &str| key.indexes.iter().any(|pattern| IndexPattern::try_from(pattern.clone()).is_ok_and(|pattern| pattern.matches(uid)));
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
        let draft = Draft { actions: vec![Action::KeysCreate.as_str().to_owned()], preset: "read".to_owned(), ..Draft::default() };
        assert_eq!(draft.body(now).unwrap()["actions"], json!(["*.get"]));
    }

    #[test]
    fn what_is_chosen_one_by_one_is_sent_so() {
        let now = Timestamp::from_second(0).unwrap();
        let draft = Draft {
            preset: CUSTOM.to_owned(),
            actions: vec![Action::DocumentsGet.as_str().to_owned()],
            for_all: false,
            indexes: vec!["jars".to_owned()],
            patterns: "prod_*, pots".to_owned(),
            expiry: "30".to_owned(),
            ..Draft::default()
        };
        let body = draft.body(now).unwrap();
        assert_eq!((&body["actions"], &body["indexes"]), (&json!([Action::DocumentsGet]), &json!(["jars", "prod_*", "pots"])));
        assert_eq!(body["expiresAt"], "1970-01-31T00:00:00Z");
    }

    #[test]
    fn what_is_missing_is_said() {
        let now = Timestamp::from_second(0).unwrap();
        for (draft, text) in [
            (Draft { preset: CUSTOM.to_owned(), ..Draft::default() }, "access.wrong_actions"),
            (Draft { preset: "x".to_owned(), ..Draft::default() }, "access.wrong_actions"),
            (Draft { for_all: false, ..Draft::default() }, "access.wrong_indexes"),
            (Draft { expiry: "date".to_owned(), ..Draft::default() }, "access.wrong_expiry"),
            (Draft { expiry: "-1".to_owned(), ..Draft::default() }, "access.wrong_expiry"),
        ] {
            assert_eq!(draft.body(now), Err(text));
        }
    }

    #[test]
    fn every_action_that_is_offered_exists() {
        // Those of usage and analytics come with these features.
        let known = |action: &String| Action::from_name(action).is_ok() || action.starts_with("usage") || action.starts_with("analytics");
        let offered = GROUPS.iter().flat_map(Group::actions).chain(PRESETS.iter().flat_map(Preset::actions));
        let unknown: Vec<String> = offered.filter(|action| !known(action)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
