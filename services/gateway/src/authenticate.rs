//! Who asks: keys and tenant tokens are checked here. A key is looked up by the hash of its secret and believed in for less than a
//! second, so that a revocation holds soon; no secret is kept or logged.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, header::AUTHORIZATION};
use moka::future::Cache;
use onggi_domain::{
    ApiError, Code, KeyId, TenantId, Timestamp,
    auth::Identity,
    key::{Action, IndexPattern, Key},
    tenant::{Standing, TenantStatus},
};
use onggi_metadata::{KeySecrets, Keys, hash_key};
use onggi_web::{Error, Result};
use serde_json::Value;

use crate::{
    provider::{Accepted, Providers},
    token::{self, SearchRules},
};

/// Keys that are remembered.
const KNOWN_KEYS: u64 = 100_000;
/// Wrong keys that are remembered: who tries random ones pushes out other wrong ones and nothing else.
const UNKNOWN_KEYS: u64 = 10_000;

/// What a key is looked up by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shown {
    /// The hash of its secret.
    Hash(String),
    /// Its uid, in a token that it has signed.
    Uid(KeyId),
}

/// A key, and how its tenant stands.
struct Known {
    key: Key,
    standing: Standing,
}

/// Finds out who asks.
pub(crate) struct Authenticator {
    keys: Arc<dyn Keys>,
    secrets: KeySecrets,
    providers: Arc<Providers>,
    /// One key, or those of several tenants that have the same uid.
    known: Cache<Shown, Arc<[Arc<Known>]>>,
    unknown: Cache<Shown, ()>,
}

/// An authenticated caller.
#[derive(Clone)]
pub(crate) struct Caller {
    known: Arc<Known>,
    /// Only with a tenant token.
    rules: Option<Arc<SearchRules>>,
    /// Whether it is a person who is signed in at the portal; the key is what the person's role allows.
    member: bool,
}

impl Authenticator {
    pub(crate) fn new(keys: Arc<dyn Keys>, secrets: KeySecrets, providers: Arc<Providers>, cache_time: Duration) -> Self {
        Self {
            keys,
            secrets,
            providers,
            known: Cache::builder().max_capacity(KNOWN_KEYS).time_to_live(cache_time).build(),
            unknown: Cache::builder().max_capacity(UNKNOWN_KEYS).time_to_live(cache_time).build(),
        }
    }

    /// The caller, whose key or token is good at this moment. A token is one for searches only; elsewhere it is an unknown key.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap, action: Action) -> Result<Caller> {
        let shown = bearer(headers)?;
        let caller = if let Some((tenant, token)) = Providers::split(shown).filter(|_| action == Action::Search) {
            self.by_provider(tenant, token).await?
        } else if let Some(uid) = token::key_of(shown).filter(|_| action == Action::Search) {
            self.by_token(shown, uid).await?
        } else {
            let found = self.find(Shown::Hash(hash_key(shown))).await?;
            Caller { known: found.first().cloned().ok_or_else(invalid)?, rules: None, member: false }
        };
        let Known { key, standing } = &*caller.known;
        match standing.status {
            _ if key.is_expired(Timestamp::now()) => Err(invalid().into()),
            TenantStatus::Active => Ok(caller),
            TenantStatus::Suspended => Err(Error::api(
                Code::TenantSuspended,
                "The tenant of this key is suspended. Its data is kept; ask the operator of this service.",
            )),
            TenantStatus::Deleted => Err(invalid().into()),
        }
    }

    /// A user of a tenant's identity provider. That there is no such tenant, or that it has no provider, is said like everything else.
    async fn by_provider(&self, tenant: TenantId, token: &str) -> Result<Caller> {
        match self.providers.accept(tenant, token).await? {
            Ok(Accepted { known, granted }) => {
                let known = Known { key: key_of_users(tenant, known.provider.updated_at), standing: known.standing.clone() };
                Ok(Caller { known: Arc::new(known), rules: Some(Arc::new(SearchRules::granted(granted))), member: false })
            }
            Err(why) => {
                tracing::debug!(%tenant, why, "token of an identity provider was refused");
                Err(invalid().into())
            }
        }
    }

    async fn by_token(&self, shown: &str, uid: KeyId) -> Result<Caller> {
        let mut refusal = invalid();
        // A root key may be one that the operator chose, which is not derived; and what it could sign would outlive any revocation.
        for known in self.find(Shown::Uid(uid)).await?.iter().filter(|known| !known.key.root) {
            // Each tenant's key of this uid has another secret, so at most one has signed the token.
            match token::verify(shown, &self.secrets.of(&known.key), Timestamp::now()) {
                Ok(rules) => return Ok(Caller { known: known.clone(), rules: Some(Arc::new(rules)), member: false }),
                Err(error) => refusal = error,
            }
        }
        Err(refusal.into())
    }

    async fn find(&self, shown: Shown) -> Result<Arc<[Arc<Known>]>> {
        if self.unknown.contains_key(&shown) {
            return Ok(Arc::default());
        }
        // Requests that come together ask the database once.
        let found = self.known.try_get_with_by_ref(&shown, async {
            let keys = match &shown {
                Shown::Hash(hash) => vec![self.keys.by_hash(hash).await?],
                Shown::Uid(uid) => self.keys.by_uid(*uid).await?,
            };
            if keys.is_empty() {
                return Err(onggi_metadata::Error::NotFound("key"));
            }
            Ok(keys.into_iter().map(|(key, standing)| Arc::new(Known { key, standing })).collect::<Arc<[_]>>())
        });
        match found.await {
            Ok(known) => Ok(known),
            Err(error) if matches!(*error, onggi_metadata::Error::NotFound(_)) => {
                self.unknown.insert(shown, ()).await;
                Ok(Arc::default())
            }
            Err(error) => Err(Error::internal(error)),
        }
    }
}

impl Caller {
    /// A person whose role is what a key would allow.
    pub(crate) fn member(stand_in: Key, standing: Standing) -> Self {
        Self { known: Arc::new(Known { key: stand_in, standing }), rules: None, member: true }
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.known.key.tenant
    }

    /// The key that was shown, or that signed the token that was.
    pub(crate) fn shown_key(&self) -> Option<KeyId> {
        let key = &self.known.key;
        (!self.member && !key.root && !key.uid.0.is_nil()).then_some(key.uid)
    }

    /// Whether it is a person who is signed in at the portal.
    pub(crate) fn is_member(&self) -> bool {
        self.member
    }

    /// Whether the tenant is served no more, for now.
    pub(crate) fn is_suspended(&self) -> bool {
        self.known.standing.status == TenantStatus::Suspended
    }

    /// The tenant's plan.
    pub(crate) fn plan(&self) -> Option<&str> {
        self.known.standing.plan.as_deref()
    }

    /// Whether the caller may do this, on an index if one is named. The answer does not depend on whether that index exists.
    pub(crate) fn check(&self, action: Action, index: Option<&str>) -> Result<(), ApiError> {
        let key = &self.known.key;
        if !key.allows(action, None) {
            return Err(if self.member { role_not_sufficient() } else { invalid() });
        }
        let Some(uid) = index else { return Ok(()) };
        if self.rules.as_ref().is_some_and(|rules| !rules.allow(uid)) {
            return Err(ApiError::new(Code::InvalidApiKey, format!("The provided tenant token cannot access the index `{uid}`.")));
        }
        if key.allows_index(uid) {
            return Ok(());
        }
        if self.rules.is_some() {
            let message = format!("The API key used to generate this tenant token cannot access the index `{uid}`.");
            return Err(ApiError::new(Code::InvalidApiKey, message));
        }
        let allowed: Vec<&str> = key.indexes.iter().map(IndexPattern::as_str).collect();
        Err(ApiError::new(Code::InvalidApiKey, format!("The API key cannot access the index `{uid}`, authorized indexes are {allowed:?}.")))
    }

    /// The filter that the caller's token puts on each search of an index.
    pub(crate) fn filter(&self, uid: &str) -> Option<&Value> {
        self.rules.as_ref().and_then(|rules| rules.filter(uid))
    }

    /// Who asks, as the services behind are told.
    pub(crate) fn identity(&self) -> Identity {
        let key = &self.known.key;
        Identity {
            tenant: key.tenant,
            key: key.uid,
            member: self.member,
            root: key.root,
            actions: key.actions.clone(),
            indexes: key.indexes.clone(),
        }
    }
}

/// What users of an identity provider may do, before its rules are looked at.
fn key_of_users(tenant: TenantId, since: Timestamp) -> Key {
    Key {
        uid: KeyId(uuid::Uuid::nil()),
        tenant,
        name: None,
        description: None,
        actions: vec![Action::Search],
        indexes: vec![IndexPattern::all()],
        expires_at: None,
        salted: true,
        root: false,
        created_at: since,
        updated_at: since,
    }
}

/// What the caller shows as `Authorization: Bearer ...`.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = || {
        ApiError::new(Code::MissingAuthorizationHeader, "The Authorization header is missing. It must use the bearer authorization method.")
    };
    let value = headers.get(AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, shown) = value.to_str().map_err(|_| invalid())?.split_once(' ').ok_or_else(missing)?;
    let shown = shown.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !shown.is_empty() { Ok(shown) } else { Err(missing()) }
}

fn invalid() -> ApiError {
    ApiError::new(Code::InvalidApiKey, "The provided API key is invalid.")
}

fn role_not_sufficient() -> ApiError {
    ApiError::new(Code::RoleNotSufficient, "Your role in this tenant does not allow this.")
}
