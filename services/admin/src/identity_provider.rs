//! `/identity-provider`: whose tokens may search a tenant's indexes. The gateway checks them, and tries one.

use axum::{Json, Router, body::Body, extract::State, routing::get};
use http::StatusCode;
use onggi_domain::{
    ApiError, Code, Timestamp,
    identity::{IdentityProvider, ProviderSettings},
    key::IndexPattern,
};
use onggi_metadata::Error as Metadata;
use onggi_web::{Caller, Error, Result, body::parse};
use serde_json::{Value, json};

use crate::app::Admin;

/// The longest key set that is given in the settings, as JSON.
const SET_BYTES: usize = 64 * 1024;

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/identity-provider", get(show).put(set).delete(remove))
}

async fn show(State(admin): State<Admin>, Caller(caller): Caller) -> Result<Json<Value>> {
    match admin.0.metadata.identity_providers.get(caller.tenant).await {
        Ok((provider, _)) => Ok(Json(view(&provider))),
        Err(Metadata::NotFound(_)) => Err(not_found().into()),
        Err(error) => Err(Error::internal(error)),
    }
}

async fn set(State(admin): State<Admin>, Caller(caller): Caller, body: Body) -> Result<Json<Value>> {
    // Its rules may open any index, so a key for some of them cannot set it.
    if !caller.patterns().contains(&IndexPattern::all()) {
        let message = "The provided API key is invalid: an identity provider is for all indexes, and the key is for some of them.";
        return Err(ApiError::new(Code::InvalidApiKey, message).into());
    }
    let settings: ProviderSettings = parse(&admin.body(body).await?, |_| Code::InvalidIdentityProvider)?;
    settings.check(&admin.0.limits)?;
    if let Some(set) = &settings.jwks {
        let keys = set.get("keys").and_then(Value::as_array);
        if keys.is_none_or(Vec::is_empty) || set.to_string().len() > SET_BYTES {
            let message = format!("Invalid value at `.jwks`: expected an object whose `keys` is a list, of at most {SET_BYTES} bytes.");
            return Err(ApiError::new(Code::InvalidIdentityProvider, message).into());
        }
    }
    let provider = IdentityProvider { tenant: caller.tenant, settings, updated_at: Timestamp::now() };
    admin.0.metadata.identity_providers.set(&provider).await.map_err(Error::internal)?;
    show(State(admin), Caller(caller)).await
}

async fn remove(State(admin): State<Admin>, Caller(caller): Caller) -> Result<StatusCode> {
    match admin.0.metadata.identity_providers.remove(caller.tenant).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(Metadata::NotFound(_)) => Err(not_found().into()),
        Err(error) => Err(Error::internal(error)),
    }
}

fn view(provider: &IdentityProvider) -> Value {
    let ProviderSettings { issuer, audience, jwks_uri, jwks, rules } = &provider.settings;
    json!({
        "issuer": issuer,
        "audience": audience,
        "jwksUri": jwks_uri,
        "jwks": jwks,
        "rules": rules,
        "tenant": provider.tenant,
        "updatedAt": provider.updated_at,
    })
}

fn not_found() -> ApiError {
    ApiError::new(Code::IdentityProviderNotFound, "There is no identity provider. Set one with `PUT /identity-provider`.")
}
