//! Tenant tokens to try search rules with. They are signed here: no page holds the secret of a key for it.

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use onggi_domain::{
    ApiError, Code, KeyId, Timestamp, filter,
    key::{Action, IndexPattern, Key},
    tenant::MemberRole,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::portal::{
    Portal,
    failure::{Failure, Result},
    form::{Pairs, refused, unprocessable},
    page::{Page, Section, html},
    visit::Member,
};

/// Keys and indexes that are offered.
const OFFERED: u64 = 200;
/// Rules of one token.
const RULES: usize = 50;
/// Rows that are there without a script.
const ROWS: usize = 3;

/// Seconds until a token ends, and the text that says so; none: never.
const EXPIRIES: [(&str, &str); 4] =
    [("3600", "access.token_hour"), ("86400", "access.token_day"), ("2592000", "access.token_month"), ("", "access.token_never")];

/// A token that is wanted.
pub(crate) struct NewToken {
    /// The key that signs it.
    pub(crate) key: KeyId,
    /// What it opens: a list of indexes, or a map from indexes to rules.
    pub(crate) search_rules: Value,
    /// When it ends; none: with its key.
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    api_key_uid: KeyId,
    search_rules: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

impl Portal {
    /// Signs a token with a key of the tenant. It opens no more than its key does, and only to searches, which a developer may make anyway.
    pub(crate) async fn sign_token(&self, member: &Member, new: &NewToken) -> Result<String> {
        member.require(MemberRole::Developer)?;
        let now = Timestamp::now();
        let key = match self.admin.0.metadata.keys.get(member.tenant.id, new.key).await {
            Ok(key) if !key.root => key,
            Ok(_) | Err(onggi_metadata::Error::NotFound(_)) => {
                return Err(ApiError::new(Code::ApiKeyNotFound, format!("API key `{}` not found.", new.key)).into());
            }
            Err(error) => return Err(Failure::internal(error)),
        };
        if !signs(&key, now) {
            return Err(ApiError::new(
                Code::InvalidApiKeyActions,
                "The key is expired, or it may not search: its tokens would open nothing.",
            )
            .into());
        }
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(ApiError::new(Code::InvalidApiKeyExpiresAt, "`.expiresAt` is over already.").into());
        }
        check_rules(&new.search_rules, &self.admin.0.limits)?;
        let claims = Claims { api_key_uid: key.uid, search_rules: &new.search_rules, exp: new.expires_at.map(Timestamp::as_second) };
        let secret = self.admin.0.secrets.of(&key);
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.as_bytes()))
            .map_err(Failure::internal)
    }
}

fn signs(key: &Key, now: Timestamp) -> bool {
    !key.root && !key.is_expired(now) && key.allows(Action::Search, None)
}

/// Refuses rules that the gateway would not understand, and filters that would fail every search.
fn check_rules(rules: &Value, limits: &onggi_domain::limits::Limits) -> Result<(), ApiError> {
    let pattern = |text: &str| IndexPattern::try_from(text.to_owned()).map(drop);
    let wrong = |message: &str| ApiError::new(Code::InvalidApiKeyIndexes, message);
    match rules {
        Value::Array(names) if !names.is_empty() && names.len() <= RULES => names.iter().try_for_each(|name| {
            pattern(name.as_str().ok_or_else(|| wrong("Invalid value at `.searchRules`: expected names of indexes."))?)
        }),
        Value::Object(map) if !map.is_empty() && map.len() <= RULES => map.iter().try_for_each(|(name, rule)| {
            pattern(name)?;
            match rule {
                Value::Null => Ok(()),
                Value::Object(fields) if fields.keys().all(|field| field == "filter") => {
                    filter::parse(fields.get("filter").unwrap_or(&Value::Null), limits, Code::InvalidSearchFilter).map(drop)
                }
                _ => Err(wrong(&format!("Invalid value at `.searchRules`: the rule of `{name}` is an object with a `filter`, or null."))),
            }
        }),
        _ => Err(wrong(&format!("Invalid value at `.searchRules`: expected a list of 1 to {RULES} indexes, or an object of rules."))),
    }
}

/// A row of the form.
#[derive(Debug, Default, Clone, PartialEq)]
struct Rule {
    index: String,
    filter: String,
}

impl Rule {
    /// Whether nothing was written into the row.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the form holds.
struct Draft {
    key: String,
    rules: Vec<Rule>,
    expiry: String,
}

impl Draft {
    fn of(form: &Pairs) -> Self {
        let filters: Vec<&str> = form.all("filter").collect();
        let rule =
            |(at, index): (usize, &str)| Rule { index: index.to_owned(), filter: filters.get(at).copied().unwrap_or_default().to_owned() };
        let rules = form.all("index").enumerate().map(rule).filter(|rule| !rule.is_empty()).collect();
        Self { key: form.one("key").to_owned(), rules, expiry: form.one("expiry").to_owned() }
    }

    fn search_rules(&self) -> Value {
        let rule = |rule: &Rule| (rule.index.clone(), if rule.filter.is_empty() { json!({}) } else { json!({"filter": rule.filter}) });
        Value::Object(self.rules.iter().map(rule).collect::<Map<_, _>>())
    }

    /// The rows, and empty ones to be filled.
    fn rows(mut self) -> Vec<Rule> {
        let rows = (self.rules.len() + 1).max(ROWS);
        self.rules.resize(rows, Rule::default());
        self.rules
    }
}

/// A key that may sign.
struct Signer {
    uid: String,
    shown: String,
    indexes: String,
}

/// A token that was made.
struct Made {
    token: String,
    claims: String,
}

#[derive(Template)]
#[template(path = "key_tokens.html")]
struct TokensPage {
    page: Page,
    tab: &'static str,
    signers: Vec<Signer>,
    indexes: Vec<String>,
    key: String,
    rules: Vec<Rule>,
    expiry: String,
    expiries: &'static [(&'static str, &'static str)],
    url: String,
    made: Option<Made>,
    wrong: Option<ApiError>,
}

async fn page(portal: &Portal, member: &Member, draft: Draft, made: Option<Made>, wrong: Option<ApiError>) -> Result<Response> {
    let metadata = &portal.admin.0.metadata;
    let now = Timestamp::now();
    let keys = metadata.keys.list(member.tenant.id, 0, OFFERED).await?.items;
    let signer = |key: &Key| Signer {
        uid: key.uid.to_string(),
        shown: key.name.clone().filter(|name| !name.trim().is_empty()).unwrap_or_else(|| key.uid.to_string()),
        indexes: key.indexes.iter().map(IndexPattern::as_str).collect::<Vec<_>>().join(", "),
    };
    // The one that allows least comes first: it is the one to sign with.
    let mut keys: Vec<&Key> = keys.iter().filter(|key| signs(key, now)).collect();
    keys.sort_by_key(|key| key.actions != [Action::Search]);
    let indexes = metadata.indexes.list(member.tenant.id, &[IndexPattern::all()], 0, OFFERED).await?.items;
    html(&TokensPage {
        page: Page::tenant(member, Section::Keys),
        tab: "tokens",
        signers: keys.into_iter().map(signer).collect(),
        indexes: indexes.into_iter().map(|index| index.uid.to_string()).collect(),
        key: draft.key.clone(),
        expiry: draft.expiry.clone(),
        rules: draft.rows(),
        expiries: &EXPIRIES,
        url: portal.public_url(member),
        made,
        wrong,
    })
}

pub(super) async fn show(State(portal): State<Portal>, member: Member) -> Result<Response> {
    member.require(MemberRole::Developer)?;
    let draft = Draft { key: String::new(), rules: Vec::new(), expiry: EXPIRIES[0].0.to_owned() };
    page(&portal, &member, draft, None, None).await
}

pub(super) async fn make(State(portal): State<Portal>, member: Member, form: Pairs) -> Result<Response> {
    member.require(MemberRole::Developer)?;
    let draft = Draft::of(&form);
    let seconds: Option<u32> = draft.expiry.parse().ok();
    let new = NewToken {
        key: draft.key.parse().map_err(|_| Failure::NotFound)?,
        search_rules: draft.search_rules(),
        expires_at: seconds.map(|seconds| Timestamp::now() + SignedDuration::from_secs(seconds.into())),
    };
    match portal.sign_token(&member, &new).await {
        Ok(token) => {
            let exp = new.expires_at.map(Timestamp::as_second);
            let claims = Claims { api_key_uid: new.key, search_rules: &new.search_rules, exp };
            let claims = serde_json::to_string_pretty(&claims).map_err(Failure::internal)?;
            page(&portal, &member, draft, Some(Made { token, claims }), None).await
        }
        Err(failure) => {
            let wrong = refused(failure)?;
            Ok(unprocessable(page(&portal, &member, draft, None, Some(wrong)).await?))
        }
    }
}

#[cfg(test)]
mod tests {
    use onggi_domain::limits::Limits;

    use super::*;

    #[test]
    fn rules_that_the_gateway_would_not_understand_are_refused() {
        let limits = Limits::default();
        for good in [
            json!(["*"]),
            json!({"jars": {}}),
            json!({"jars": null, "pots_*": {"filter": "a = 1"}}),
            json!({"a": {"filter": ["a = 1", "b = 2"]}}),
        ] {
            assert!(check_rules(&good, &limits).is_ok(), "{good}");
        }
        for bad in [
            json!([]),
            json!({}),
            json!("*"),
            json!([1]),
            json!({"a b": {}}),
            json!({"a": {"filters": "a = 1"}}),
            json!({"a": {"filter": "a ="}}),
            json!({"a": true}),
        ] {
            assert!(check_rules(&bad, &limits).is_err(), "{bad}");
        }
    }

    #[test]
    fn empty_rows_are_no_rules() {
        let rule = |index: &str, filter: &str| Rule { index: index.to_owned(), filter: filter.to_owned() };
        let draft = Draft { key: String::new(), rules: vec![rule("jars", "user = 1"), rule("pots", "")], expiry: String::new() };
        assert_eq!(draft.search_rules(), json!({"jars": {"filter": "user = 1"}, "pots": {}}));
        assert_eq!(draft.rows().len(), ROWS);
    }
}
