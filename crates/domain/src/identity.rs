//! A tenant's identity provider: whose tokens may search which of the tenant's indexes, and what of them. From claims to search rules: pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ApiError, Code, TenantId, Timestamp, filter, key::IndexPattern, limits::Limits};

/// Rules of one provider.
const RULES: usize = 50;
/// Characters of an issuer, an audience, an address, a filter.
const CHARS: usize = 2000;
/// Values of a claim that is a list.
const VALUES: usize = 1000;
/// What stands for a claim when a template is tried.
const SAMPLE: &str = "a";

/// An identity provider.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityProvider {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it says and how it is understood.
    pub settings: ProviderSettings,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// What tokens must be like, and what they allow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderSettings {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// What has to be in `aud`: who the tokens are for.
    pub audience: String,
    /// Where its public keys are.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// Its public keys, if they are not to be fetched.
    #[serde(default)]
    pub jwks: Option<Value>,
    /// What a token allows. For an index the first rule that holds and names it counts; without one it is closed.
    pub rules: Vec<ClaimRule>,
}

/// What tokens with certain claims may search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimRule {
    /// Only tokens with this claim; none: all.
    #[serde(default)]
    pub when: Option<When>,
    /// These indexes.
    pub indexes: Vec<IndexPattern>,
    /// What of them, as a filter in which `{claim}` stands for the value of a claim. A token without that claim is none for the rule.
    #[serde(default)]
    pub filter: Option<String>,
}

/// A claim that a token must have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct When {
    /// Its path: names with dots between them.
    pub claim: String,
    /// Its value, or one of its values if it is a list; none: it has to be there.
    #[serde(default)]
    pub equals: Option<Value>,
}

/// What a token allows: for an index the first of these that names it counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Granted {
    /// These indexes.
    pub indexes: Vec<IndexPattern>,
    /// What of them; none: all.
    pub filter: Option<String>,
}

/// Why a rule does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// The token lacks a claim, or it has no value that can be compared.
    #[error("the token has no claim `{0}`, or none that is a text, a number, true, false or a list of these")]
    NoClaim(String),
    /// The claim has another value.
    #[error("the claim `{0}` has another value")]
    OtherValue(String),
}

impl ProviderSettings {
    /// What is wrong, if anything.
    pub fn check(&self, limits: &Limits) -> Result<(), ApiError> {
        let invalid = |field: &str, why: &str| ApiError::new(Code::InvalidIdentityProvider, format!("Invalid value at `.{field}`: {why}"));
        for (field, text) in [("issuer", &self.issuer), ("audience", &self.audience)] {
            if text.trim().is_empty() || text.chars().count() > CHARS {
                return Err(invalid(field, &format!("expected 1 to {CHARS} characters")));
            }
        }
        match (&self.jwks_uri, &self.jwks) {
            (Some(_), None) | (None, Some(_)) => {}
            _ => return Err(invalid("jwksUri", "give either `jwksUri` or `jwks`")),
        }
        if self
            .jwks_uri
            .as_ref()
            .is_some_and(|uri| uri.chars().count() > CHARS || !uri.starts_with("https://") && !uri.starts_with("http://"))
        {
            return Err(invalid("jwksUri", "expected an address that begins with `https://`"));
        }
        if self.rules.is_empty() || self.rules.len() > RULES {
            return Err(invalid("rules", &format!("expected 1 to {RULES} rules")));
        }
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.indexes.is_empty() {
                return Err(invalid(&format!("rules[{at}].indexes"), "name at least one index, or `*`"));
            }
            if rule.when.as_ref().is_some_and(|when| when.claim.is_empty() || when.equals.as_ref().is_some_and(|value| !is_plain(value))) {
                return Err(invalid(&format!("rules[{at}].when"), "expected the path of a claim, and a text, a number, true or false"));
            }
            if let Some(template) = &rule.filter {
                check_template(template, limits).map_err(|why| invalid(&format!("rules[{at}].filter"), &why))?;
            }
        }
        Ok(())
    }

    /// What these claims allow.
    pub fn granted(&self, claims: &Value) -> Vec<Granted> {
        self.rules.iter().filter_map(|rule| rule.granted(claims).ok()).collect()
    }
}

impl ClaimRule {
    /// What the rule allows to who has these claims.
    pub fn granted(&self, claims: &Value) -> Result<Granted, Unmet> {
        if let Some(When { claim, equals }) = &self.when {
            let found = claim_at(claims, claim).ok_or_else(|| Unmet::NoClaim(claim.clone()))?;
            let is_it = |wanted: &Value| found == wanted || found.as_array().is_some_and(|values| values.contains(wanted));
            if !equals.as_ref().is_none_or(is_it) {
                return Err(Unmet::OtherValue(claim.clone()));
            }
        }
        let filter = self.filter.as_ref().map(|template| fill(template, &|claim| literal(claim_at(claims, claim)?))).transpose()?;
        Ok(Granted { indexes: self.indexes.clone(), filter })
    }
}

/// The value at a path. A name that has dots itself is found as a whole.
fn claim_at<'a>(claims: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    path.match_indices('.').find_map(|(at, _)| claim_at(claims.get(&path[..at])?, &path[at + 1..]))
}

fn is_plain(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_boolean()
}

/// A value as the language of filters writes it: always between quotes, so that nothing in it is taken for anything but a value.
fn literal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(quoted(text)),
        Value::Number(number) => Some(quoted(&number.to_string())),
        Value::Bool(flag) => Some(quoted(&flag.to_string())),
        Value::Array(values) if values.len() <= VALUES && values.iter().all(is_plain) => {
            let literals: Option<Vec<String>> = values.iter().map(literal).collect();
            Some(format!("[{}]", literals?.join(", ")))
        }
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A template with its claims filled in.
fn fill(template: &str, value_of: &dyn Fn(&str) -> Option<String>) -> Result<String, Unmet> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (claim, behind) = after.split_once('}').ok_or_else(|| Unmet::NoClaim(after.to_owned()))?;
        filled.push_str(before);
        filled.push_str(&value_of(claim).ok_or_else(|| Unmet::NoClaim(claim.to_owned()))?);
        rest = behind;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn check_template(template: &str, limits: &Limits) -> Result<(), String> {
    if template.chars().count() > CHARS {
        return Err(format!("more than {CHARS} characters"));
    }
    let mut quote = None;
    for c in template.chars() {
        match (c, quote) {
            ('\\', _) => return Err("a backslash has no place in a template".to_owned()),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('{' | '}', Some(_)) => return Err("`{claim}` stands without quotes: they are added with the value".to_owned()),
            _ => {}
        }
    }
    // A claim may be one value or, where the filter has `IN`, a list of them.
    let tried = |sample: String| {
        let filled = fill(template, &|claim| (!claim.is_empty()).then(|| sample.clone())).map_err(|unmet| unmet.to_string())?;
        match filter::parse(&Value::String(filled), limits, Code::InvalidIdentityProvider) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err("it is empty".to_owned()),
            Err(error) => Err(error.message),
        }
    };
    tried(quoted(SAMPLE)).or_else(|why| tried(format!("[{}]", quoted(SAMPLE))).map_err(|_| why))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(rules: &Value) -> ProviderSettings {
        let settings = json!({"issuer": "https://id.example", "audience": "app", "jwks": {"keys": []}, "rules": rules});
        serde_json::from_value(settings).unwrap()
    }

    #[test]
    fn claims_become_filters_and_nothing_but_a_value() {
        let settings = settings(&json!([{"indexes": ["*"], "filter": "tenant = {org.id} AND group IN {groups}"}]));
        let claims = json!({"org": {"id": "a\" OR \"1\" = \"1"}, "groups": ["x", 7, true]});
        let granted = settings.granted(&claims);
        assert_eq!(granted[0].filter.as_deref(), Some(r#"tenant = "a\" OR \"1\" = \"1" AND group IN ["x", "7", "true"]"#));
        let parsed = filter::parse(&json!(granted[0].filter), &Limits::default(), Code::BadRequest).unwrap();
        let Some(filter::Filter::And(both)) = parsed else { panic!("{parsed:?}") };
        let filter::Filter::Is(_, condition) = &both[0] else { panic!("{both:?}") };
        assert_eq!(*condition, filter::Condition::Equal("a\" OR \"1\" = \"1".to_owned()));
    }

    #[test]
    fn whatever_a_claim_holds_comes_out_of_the_filter_as_it_went_in() {
        for text in ["", "\\", "a\\\"b", "'", "\u{0}\n\t\u{85}", "{org}", "한국 🦀", "a] OR x = [b", "\\u{41}"] {
            let granted = settings(&json!([{"indexes": ["*"], "filter": "a = {c}"}])).granted(&json!({"c": text}));
            let parsed = filter::parse(&json!(granted[0].filter), &Limits::default(), Code::BadRequest).unwrap();
            let Some(filter::Filter::Is(_, condition)) = parsed else { panic!("{text:?}: {parsed:?}") };
            assert_eq!(condition, filter::Condition::Equal(text.to_owned()));
        }
    }

    #[test]
    fn a_rule_holds_for_who_has_its_claims_only() {
        let settings = settings(&json!([
            {"indexes": ["internal"], "when": {"claim": "roles", "equals": "staff"}},
            {"indexes": ["shop_*"], "filter": "org = {https://app.example/org}"},
            {"indexes": ["public"], "when": {"claim": "sub"}},
        ]));
        let indexes = |claims: Value| {
            let granted = settings.granted(&claims);
            granted.iter().map(|granted| granted.indexes[0].as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(indexes(json!({"roles": ["staff", "x"], "sub": "1"})), ["internal", "public"]);
        assert_eq!(indexes(json!({"roles": "staff", "https://app.example/org": 5})), ["internal", "shop_*"]);
        assert_eq!(indexes(json!({"roles": ["staffx"], "https://app.example/org": {"id": 1}})), [""; 0]);
        assert_eq!(indexes(json!({"https://app.example/org": null})), [""; 0]);
        let unmet = settings.rules[0].granted(&json!({"roles": "guest"})).unwrap_err();
        assert_eq!(unmet, Unmet::OtherValue("roles".to_owned()));
    }

    #[test]
    fn settings_that_could_open_more_than_is_meant_are_refused() {
        let limits = Limits::default();
        assert_eq!(settings(&json!([{"indexes": ["*"], "filter": "a IN {b} OR c EXISTS"}])).check(&limits), Ok(()));
        for (rules, part) in [
            (json!([]), "rules"),
            (json!([{"indexes": []}]), "indexes"),
            (json!([{"indexes": ["*"], "filter": "a = \"{b}\""}]), "without quotes"),
            (json!([{"indexes": ["*"], "filter": "a = {b"}]), "filter"),
            (json!([{"indexes": ["*"], "filter": "a = {}"}]), "filter"),
            (json!([{"indexes": ["*"], "filter": "a ="}]), "filter"),
            (json!([{"indexes": ["*"], "filter": ""}]), "empty"),
            (json!([{"indexes": ["*"], "filter": "a = \"\\\\\" AND b = {c}"}]), "backslash"),
            (json!([{"indexes": ["*"], "when": {"claim": "a", "equals": {"b": 1}}}]), "when"),
        ] {
            let error = settings(&rules).check(&limits).unwrap_err();
            assert_eq!(error.code, Code::InvalidIdentityProvider);
            assert!(error.message.contains(part), "{rules}: {error}");
        }
        let good = settings(&json!([{"indexes": ["*"]}]));
        for broken in [
            ProviderSettings { issuer: " ".to_owned(), ..good.clone() },
            ProviderSettings { jwks: None, ..good.clone() },
            ProviderSettings { jwks_uri: Some("https://a".to_owned()), ..good.clone() },
            ProviderSettings { jwks: None, jwks_uri: Some("file:///etc/passwd".to_owned()), ..good },
        ] {
            assert!(broken.check(&limits).is_err(), "{broken:?}");
        }
    }
}
