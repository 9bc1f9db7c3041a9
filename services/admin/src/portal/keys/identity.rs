//! The tenant's identity provider: whose tokens may search, and what of it by which claims; and a box that says what a token would open.

use askama::Template;
use axum::{extract::State, response::Response};
use http::Method;
use onggi_domain::{ApiError, Code, tenant::MemberRole};
use serde_json::{Value, json};

use crate::portal::{
    Portal,
    failure::{Failure, Result},
    form::{Pairs, listed, refused, unprocessable},
    page::{Page, Section, html},
    visit::{Member, done},
};

const PATH: &str = "/identity-provider";
/// Rows that are there without a script.
const ROWS: usize = 3;

/// Where usual providers have what is asked for: name, issuer, address of the keys, audience.
const KNOWN: [(&str, &str, &str, &str); 6] = [
    ("Auth0", "https://TENANT.auth0.com/", "https://TENANT.auth0.com/.well-known/jwks.json", "access.audience_api"),
    ("Clerk", "https://NAME.clerk.accounts.dev", "https://NAME.clerk.accounts.dev/.well-known/jwks.json", "access.audience_template"),
    (
        "Firebase",
        "https://securetoken.google.com/PROJECT",
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
        "access.audience_project",
    ),
    ("Keycloak", "https://HOST/realms/REALM", "https://HOST/realms/REALM/protocol/openid-connect/certs", "access.audience_client"),
    (
        "Microsoft Entra",
        "https://login.microsoftonline.com/TENANT-ID/v2.0",
        "https://login.microsoftonline.com/TENANT-ID/discovery/v2.0/keys",
        "access.audience_client",
    ),
    (
        "Supabase",
        "https://PROJECT.supabase.co/auth/v1",
        "https://PROJECT.supabase.co/auth/v1/.well-known/jwks.json",
        "access.audience_authenticated",
    ),
];

/// A rule as a row of the form.
#[derive(Debug, Default, Clone, PartialEq)]
struct Rule {
    indexes: String,
    filter: String,
    claim: String,
    equals: String,
}

impl Rule {
    /// Whether nothing was written into the row.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the form holds.
#[derive(Debug, Default, Clone, PartialEq)]
struct Draft {
    issuer: String,
    audience: String,
    /// Whether the keys are pasted rather than fetched.
    pasted: bool,
    jwks_uri: String,
    jwks: String,
    rules: Vec<Rule>,
}

impl Draft {
    fn of(form: &Pairs) -> Self {
        let columns =
            ["rule_indexes", "rule_filter", "rule_claim", "rule_equals"].map(|name| form.all(name).map(str::to_owned).collect::<Vec<_>>());
        let cell = |column: usize, row: usize| columns[column].get(row).cloned().unwrap_or_default();
        let rule = |row| Rule { indexes: cell(0, row), filter: cell(1, row), claim: cell(2, row), equals: cell(3, row) };
        Self {
            issuer: form.one("issuer").to_owned(),
            audience: form.one("audience").to_owned(),
            pasted: form.one("source") == "jwks",
            jwks_uri: form.one("jwks_uri").to_owned(),
            jwks: form.one("jwks").to_owned(),
            rules: (0..columns[0].len()).map(rule).filter(|rule| !rule.is_empty()).collect(),
        }
    }

    /// As the API tells of it.
    fn read(settings: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rule = |rule: &Value| Rule {
            indexes: rule["indexes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            filter: text(&rule["filter"]),
            claim: text(&rule["when"]["claim"]),
            equals: written(&rule["when"]["equals"]),
        };
        let jwks = &settings["jwks"];
        Self {
            issuer: text(&settings["issuer"]),
            audience: text(&settings["audience"]),
            pasted: !jwks.is_null(),
            jwks_uri: text(&settings["jwksUri"]),
            jwks: if jwks.is_null() { String::new() } else { serde_json::to_string_pretty(jwks).unwrap_or_default() },
            rules: settings["rules"].as_array().into_iter().flatten().map(rule).collect(),
        }
    }

    /// What is sent to the API.
    fn body(&self) -> Result<Value, ApiError> {
        let mut body = json!({"issuer": self.issuer, "audience": self.audience});
        if self.pasted {
            let wrong = |error: serde_json::Error| ApiError::new(Code::BadRequest, format!("The key set is no JSON: {error}."));
            body["jwks"] = serde_json::from_str(&self.jwks).map_err(wrong)?;
        } else {
            body["jwksUri"] = json!(self.jwks_uri);
        }
        let rule = |rule: &Rule| {
            let mut told = json!({"indexes": listed(&rule.indexes)});
            if !rule.filter.is_empty() {
                told["filter"] = json!(rule.filter);
            }
            if !rule.claim.is_empty() {
                told["when"] = json!({"claim": rule.claim});
                if !rule.equals.is_empty() {
                    told["when"]["equals"] = meant(&rule.equals);
                }
            }
            told
        };
        body["rules"] = self.rules.iter().map(rule).collect();
        Ok(body)
    }

    /// The rules, and empty rows to be filled.
    fn rows(&self) -> Vec<Rule> {
        let mut rows = self.rules.clone();
        rows.resize((rows.len() + 1).max(ROWS), Rule::default());
        rows
    }
}

/// The value that somebody means: a number, true or false as such, everything else a text; a text in quotes is one whatever it holds.
fn meant(text: &str) -> Value {
    serde_json::from_str::<Value>(text)
        .ok()
        .filter(|value| value.is_number() || value.is_boolean() || value.is_string())
        .unwrap_or_else(|| json!(text))
}

/// What somebody would write to mean a value.
fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if meant(text) == *value => text.clone(),
        other => other.to_string(),
    }
}

/// What a token would open.
struct Verdict {
    valid: bool,
    reason: String,
    claims: String,
    rules: Vec<RuleVerdict>,
}

struct RuleVerdict {
    holds: bool,
    indexes: String,
    filter: String,
    reason: String,
}

impl Verdict {
    fn read(answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rule = |rule: &Value| RuleVerdict {
            holds: rule["holds"].as_bool().unwrap_or(false),
            indexes: rule["indexes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            filter: text(&rule["filter"]),
            reason: text(&rule["reason"]),
        };
        Self {
            valid: answer["valid"].as_bool().unwrap_or(false),
            reason: text(&answer["reason"]),
            claims: if answer["claims"].is_object() {
                serde_json::to_string_pretty(&answer["claims"]).unwrap_or_default()
            } else {
                String::new()
            },
            rules: answer["rules"].as_array().into_iter().flatten().map(rule).collect(),
        }
    }

    fn opens(&self) -> bool {
        self.rules.iter().any(|rule| rule.holds)
    }
}

#[derive(Template)]
#[template(path = "key_identity.html")]
struct IdentityPage {
    page: Page,
    tab: &'static str,
    /// Whether there is one.
    set: bool,
    draft: Draft,
    rows: Vec<Rule>,
    known: &'static [(&'static str, &'static str, &'static str, &'static str)],
    tenant: String,
    url: String,
    token: String,
    verdict: Option<Verdict>,
    wrong: Option<ApiError>,
}

/// The provider's settings, if there is one.
async fn settings(portal: &Portal, member: &Member) -> Result<Option<Value>> {
    match portal.get(member, PATH).await {
        Ok(settings) => Ok(Some(settings)),
        Err(Failure::Api(error)) if error.code.status() == 404 => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn page(portal: &Portal, member: &Member, set: bool, draft: Draft) -> IdentityPage {
    IdentityPage {
        page: Page::tenant(member, Section::Keys),
        tab: "identity",
        set,
        rows: draft.rows(),
        draft,
        known: &KNOWN,
        tenant: member.tenant.id.to_string(),
        url: portal.public_url(member),
        token: String::new(),
        verdict: None,
        wrong: None,
    }
}

async fn stored(portal: &Portal, member: &Member) -> Result<IdentityPage> {
    let settings = settings(portal, member).await?;
    Ok(page(portal, member, settings.is_some(), settings.as_ref().map(Draft::read).unwrap_or_default()))
}

pub(super) async fn show(State(portal): State<Portal>, member: Member) -> Result<Response> {
    member.require(MemberRole::Developer)?;
    html(&stored(&portal, &member).await?)
}

pub(super) async fn save(State(portal): State<Portal>, member: Member, form: Pairs) -> Result<Response> {
    member.require(MemberRole::Owner)?;
    let draft = Draft::of(&form);
    let saved = match draft.body() {
        Ok(body) => portal.call(&member, Method::PUT, PATH, Some(&body)).await,
        Err(error) => Err(error.into()),
    };
    match saved {
        Ok(_) => Ok(done(&member.href("/keys/identity"), "access.notice_provider")),
        Err(failure) => {
            let wrong = refused(failure)?;
            let set = settings(&portal, &member).await?.is_some();
            Ok(unprocessable(html(&IdentityPage { wrong: Some(wrong), ..page(&portal, &member, set, draft) })?))
        }
    }
}

pub(super) async fn remove(State(portal): State<Portal>, member: Member) -> Result<Response> {
    member.require(MemberRole::Owner)?;
    portal.call(&member, Method::DELETE, PATH, None).await?;
    Ok(done(&member.href("/keys/identity"), "access.notice_provider_removed"))
}

pub(super) async fn test(State(portal): State<Portal>, member: Member, form: Pairs) -> Result<Response> {
    member.require(MemberRole::Developer)?;
    let token = form.one("token").to_owned();
    let answer = portal.call(&member, Method::POST, &format!("{PATH}/test"), Some(&json!({"token": token}))).await;
    let mut page = stored(&portal, &member).await?;
    match answer {
        Ok(answer) => page.verdict = Some(Verdict::read(&answer)),
        Err(failure) => page.wrong = Some(refused(failure)?),
    }
    html(&IdentityPage { token, ..page })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_shown_and_sent_back_as_it_was() {
        let settings = json!({
            "issuer": "https://id.example", "audience": "app", "jwksUri": "https://id.example/keys",
            "rules": [
                {"indexes": ["internal", "x_*"], "when": {"claim": "roles", "equals": "staff"}},
                {"indexes": ["a"], "when": {"claim": "level", "equals": 3}},
                {"indexes": ["b"], "when": {"claim": "level", "equals": "3"}},
                {"indexes": ["c"], "when": {"claim": "sub"}},
                {"indexes": ["*"], "filter": "org = {org.id}"},
            ],
        });
        assert_eq!(Draft::read(&settings).body().unwrap(), settings);
    }

    #[test]
    fn a_key_set_is_json() {
        let draft = Draft { pasted: true, jwks: "{\"keys\": []}".to_owned(), ..Draft::default() };
        assert_eq!(draft.body().unwrap()["jwks"], json!({"keys": []}));
        assert!(Draft { jwks: "{".to_owned(), ..draft }.body().is_err());
    }

    #[test]
    fn values_are_taken_for_what_they_look_like() {
        for (text, value) in [
            ("true", json!(true)),
            ("3", json!(3)),
            ("\"3\"", json!("3")),
            ("staff", json!("staff")),
            ("[1]", json!("[1]")),
            ("null", json!("null")),
        ] {
            assert_eq!(meant(text), value);
            assert_eq!(meant(&written(&value)), value, "{text}");
        }
    }
}
