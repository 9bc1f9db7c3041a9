//! Tenant tokens: JWTs that a tenant's backend signs with one of its keys, so that an app may search what the rules in it allow.
//! The algorithm is one of the HMAC family whatever the token says, because the key is a secret.

use std::collections::HashMap;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous::insecure_decode_claims, decode};
use onggi_domain::{ApiError, Code, KeyId, Timestamp, identity::Granted, key::IndexPattern};
use serde::Deserialize;
use serde_json::Value;

/// Which indexes a token may search, and with which filter.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum SearchRules {
    /// These, whole.
    List(Vec<IndexPattern>),
    /// These, each with its rule.
    Map(HashMap<IndexPattern, Option<Rule>>),
    /// What the claims of a token of an identity provider allow; of an index the first one that names it.
    #[serde(skip)]
    Granted(Vec<(Vec<IndexPattern>, Option<Value>)>),
}

/// What of an index may be searched. An unknown field is refused: a misspelt filter must not open everything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    filter: Option<Value>,
}

impl SearchRules {
    /// Whether an index may be searched.
    pub(crate) fn allow(&self, uid: &str) -> bool {
        match self {
            Self::List(patterns) => patterns.iter().any(|pattern| pattern.matches(uid)),
            Self::Map(rules) => rules.keys().any(|pattern| pattern.matches(uid)),
            Self::Granted(granted) => granted.iter().any(|(patterns, _)| patterns.iter().any(|pattern| pattern.matches(uid))),
        }
    }

    /// The filter for an index: of the rule that names it most closely, its whole name before the longest prefix.
    pub(crate) fn filter(&self, uid: &str) -> Option<&Value> {
        match self {
            Self::List(_) => None,
            Self::Map(rules) => {
                let matching = rules.iter().filter(|(pattern, _)| pattern.matches(uid));
                let (_, rule) = matching.max_by_key(|(pattern, _)| (!pattern.as_str().ends_with('*'), pattern.as_str().len()))?;
                rule.as_ref()?.filter.as_ref()
            }
            Self::Granted(granted) => {
                let (_, filter) = granted.iter().find(|(patterns, _)| patterns.iter().any(|pattern| pattern.matches(uid)))?;
                filter.as_ref()
            }
        }
    }

    /// What an identity provider's token allows.
    pub(crate) fn granted(granted: Vec<Granted>) -> Self {
        Self::Granted(granted.into_iter().map(|granted| (granted.indexes, granted.filter.map(Value::String))).collect())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signer {
    api_key_uid: KeyId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    search_rules: SearchRules,
    /// Seconds since 1970, with or without a fraction.
    exp: Option<f64>,
}

/// The key that a token says it is signed with; nothing of it is believed yet. `None`: not a tenant token.
pub(crate) fn key_of(token: &str) -> Option<KeyId> {
    if token.bytes().filter(|byte| *byte == b'.').count() != 2 {
        return None;
    }
    insecure_decode_claims::<Signer>(token).ok().map(|signer| signer.api_key_uid)
}

/// The rules of a token that `secret` has signed and whose time is not over.
pub(crate) fn verify(token: &str, secret: &str, now: Timestamp) -> Result<SearchRules, ApiError> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    // `exp` may be absent, as in Meilisearch; when it is there it is checked below, without leeway.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &DecodingKey::from_secret(secret.as_bytes()), &validation)
        .map_err(|error| ApiError::new(Code::InvalidApiKey, format!("Could not decode tenant token, {error}.")))?
        .claims;
    let now = now.as_microsecond() as f64 / 1e6;
    match claims.exp {
        Some(exp) if exp <= now => {
            let message = format!("Tenant token expired. Was valid up to `{exp}` and we're now `{now:.0}`.");
            Err(ApiError::new(Code::InvalidApiKey, message))
        }
        _ => Ok(claims.search_rules),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(json: Value) -> SearchRules {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_list_opens_whole_indexes() {
        let rules = rules(json!(["movies", "prod_*"]));
        assert!(rules.allow("movies") && rules.allow("prod_books") && !rules.allow("books"));
        assert_eq!(rules.filter("movies"), None);
    }

    #[test]
    fn the_closest_rule_of_a_map_holds() {
        let rules = rules(json!({
            "*": {"filter": "user = 1"},
            "prod_*": {"filter": ["group = a", "group = b"]},
            "prod_open": null,
            "prod_wide": {},
        }));
        assert_eq!(rules.filter("books"), Some(&json!("user = 1")));
        assert_eq!(rules.filter("prod_books"), Some(&json!(["group = a", "group = b"])));
        assert!(rules.allow("prod_open") && rules.allow("prod_wide"));
        assert_eq!((rules.filter("prod_open"), rules.filter("prod_wide")), (None, None));
    }

    #[test]
    fn rules_that_cannot_be_understood_open_nothing() {
        for json in [
            json!({"movies": {"filters": "user = 1"}}),
            json!({"a b": {}}),
            json!(["a*b"]),
            json!("*"),
            json!({"movies": true}),
            json!(null),
        ] {
            assert!(serde_json::from_value::<SearchRules>(json.clone()).is_err(), "{json}");
        }
    }
}
