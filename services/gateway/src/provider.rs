//! Tokens of a tenant's identity provider: an app searches with the token that its user has already. A caller shows `<tenant>~<token>`: whose
//! provider it is says the caller, never the token, so that nobody can register what is another tenant's. Which algorithm a token is signed with
//! says the key of the provider.

mod keys;
mod verify;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse, Response},
};
use ipnet::IpNet;
use moka::future::Cache;
use onggi_domain::{
    ApiError, Code, TenantId,
    identity::{ClaimRule, Granted, IdentityProvider},
    tenant::Standing,
};
use onggi_metadata::IdentityProviders;
use onggi_web::{
    Error, Result,
    body::{parse, read},
};
use serde::Deserialize;
use serde_json::{Value, json};

use self::keys::{KeySet, KeySets};
use crate::{Gateway, authenticate::Caller};

/// Providers that are remembered.
const KNOWN: u64 = 10_000;
/// The longest token.
const TOKEN_BYTES: usize = 16 * 1024;

/// The identity providers of all tenants.
pub(crate) struct Providers {
    stored: Arc<dyn IdentityProviders>,
    keys: KeySets,
    known: Cache<TenantId, Option<Arc<Known>>>,
}

/// A provider, and how its tenant stands.
pub(crate) struct Known {
    pub(crate) provider: IdentityProvider,
    pub(crate) standing: Standing,
    /// The keys that its settings have, read once.
    inline: Option<KeySet>,
}

/// What was found out of a token.
pub(crate) struct Accepted {
    pub(crate) known: Arc<Known>,
    pub(crate) granted: Vec<Granted>,
}

impl Providers {
    pub(crate) fn new(providers: Arc<dyn IdentityProviders>, networks: &[IpNet], cache_time: Duration) -> Self {
        let known = Cache::builder().max_capacity(KNOWN).time_to_live(cache_time).build();
        Self { stored: providers, keys: KeySets::new(networks), known }
    }

    /// The tenant and the token of what a caller shows, if it is of this kind.
    pub(crate) fn split(shown: &str) -> Option<(TenantId, &str)> {
        let (tenant, token) = shown.split_once('~')?;
        Some((tenant.parse().ok()?, token))
    }

    /// What a token allows, if the tenant's provider has signed it. The error says why not, for who set the provider.
    pub(crate) async fn accept(&self, tenant: TenantId, token: &str) -> Result<std::result::Result<Accepted, String>> {
        let Some(known) = self.find(tenant).await? else { return Ok(Err("the tenant has no identity provider".to_owned())) };
        Ok(match self.claims(&known, token).await {
            Ok(claims) => {
                let granted = known.provider.settings.granted(&claims);
                Ok(Accepted { known, granted })
            }
            Err(why) => Err(why),
        })
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<Arc<Known>>> {
        let found = self.known.try_get_with(tenant, async {
            match self.stored.get(tenant).await {
                Ok((provider, standing)) => {
                    let inline = provider.settings.jwks.as_ref().map(keys::parse);
                    Ok(Some(Arc::new(Known { provider, standing, inline })))
                }
                Err(onggi_metadata::Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        });
        found.await.map_err(|error: Arc<onggi_metadata::Error>| Error::internal(error))
    }

    /// The claims of a token that is good at this moment.
    async fn claims(&self, known: &Known, token: &str) -> Result<Value, String> {
        if token.len() > TOKEN_BYTES {
            return Err(format!("the token has more than {TOKEN_BYTES} bytes"));
        }
        let settings = &known.provider.settings;
        let kid = verify::key_id(token)?;
        let key = match (&known.inline, &settings.jwks_uri) {
            (Some(inline), _) => inline.find(kid.as_deref()),
            (None, Some(uri)) => self.keys.find(uri, kid.as_deref()).await?,
            (None, None) => None,
        };
        let key = key.ok_or_else(|| match kid {
            Some(kid) => format!("the provider has no key `{kid}` that can be used (RS256, ES256 or EdDSA)"),
            None => "the token does not name its key, and the provider has not exactly one that can be used".to_owned(),
        })?;
        verify::claims(token, &key, &settings.issuer, &settings.audience)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trial {
    token: String,
}

impl Gateway {
    /// `POST /identity-provider/test`: what a token would allow, or why it would not.
    pub(crate) async fn try_token(&self, caller: &Caller, request: Request) -> Result<Response> {
        let body = read(request.into_body(), self.limits.body_bytes.as_u64()).await?;
        let Trial { token } = parse(&body, |_| Code::InvalidIdentityProvider)?;
        // As it would be shown, or the bare token.
        let token = token.split_once('~').map_or(token.as_str(), |(_, token)| token);
        let Some(known) = self.providers.find(caller.tenant()).await? else {
            return Err(ApiError::new(
                Code::IdentityProviderNotFound,
                "There is no identity provider. Set one with `PUT /identity-provider`.",
            )
            .into());
        };
        let answer = match self.providers.claims(&known, token).await {
            Err(why) => json!({"valid": false, "reason": why, "rules": []}),
            Ok(claims) => {
                let rules: Vec<Value> = known.provider.settings.rules.iter().map(|rule| told(rule, &claims)).collect();
                json!({"valid": true, "reason": null, "claims": claims, "rules": rules})
            }
        };
        Ok(Json(answer).into_response())
    }
}

/// What a rule makes of claims.
fn told(rule: &ClaimRule, claims: &Value) -> Value {
    match rule.granted(claims) {
        Ok(granted) => json!({"holds": true, "indexes": granted.indexes, "filter": granted.filter, "reason": null}),
        Err(unmet) => json!({"holds": false, "indexes": rule.indexes, "filter": rule.filter, "reason": unmet.to_string()}),
    }
}
