//! Checking a token of an identity provider with one of its keys.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

/// How far clocks may be apart, in seconds.
const LEEWAY: u64 = 30;

/// A public key, and the one algorithm that it is for.
#[derive(Clone)]
pub(super) struct ProviderKey {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// The key that a token says it is signed with; nothing of it is believed yet.
pub(super) fn key_id(token: &str) -> Result<Option<String>, String> {
    decode_header(token).map(|header| header.kid).map_err(|error| format!("it is no token: {error}"))
}

/// The claims of a token that this key has signed, that is of this issuer and for this audience, and whose time has come and is not over.
pub(super) fn claims(token: &str, key: &ProviderKey, issuer: &str, audience: &str) -> Result<Value, String> {
    let mut validation = Validation::new(key.algorithm);
    validation.algorithms = vec![key.algorithm];
    validation.leeway = LEEWAY;
    validation.validate_exp = true;
    validation.validate_nbf = true;
    validation.validate_aud = true;
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let decoded = decode::<Value>(token, &key.key, &validation).map_err(|error| error.to_string())?;
    if decoded.claims.is_object() { Ok(decoded.claims) } else { Err("its claims are no object".to_owned()) }
}
