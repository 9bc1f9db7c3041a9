//! What happens to keys.

use std::collections::HashMap;

use onggi_domain::{
    ApiError, Code, KeyId, Timestamp,
    auth::Identity,
    key::{Action, IndexPattern, Key},
    settings::Setting,
};
use onggi_metadata::hash_key;
use onggi_web::{Error, Result};

use crate::app::Admin;

/// A key as the caller wants it.
pub(crate) struct NewKey {
    pub(crate) uid: KeyId,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) actions: Vec<Action>,
    pub(crate) indexes: Vec<IndexPattern>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// A change of a key.
pub(crate) struct KeyChange {
    pub(crate) name: Setting<String>,
    pub(crate) description: Setting<String>,
}

impl Admin {
    /// The caller's key of this uid or secret.
    pub(crate) async fn key(&self, caller: &Identity, uid_or_secret: &str) -> Result<Key> {
        let keys = &self.0.metadata.keys;
        let found = match uid_or_secret.parse::<KeyId>() {
            Ok(uid) => keys.get(caller.tenant, uid).await,
            Err(_) => keys.by_hash(&hash_key(uid_or_secret)).await.map(|(key, _)| key),
        };
        match found {
            Ok(key) if key.tenant == caller.tenant && !key.root => Ok(key),
            Ok(_) | Err(onggi_metadata::Error::NotFound(_)) => {
                Err(Error::api(Code::ApiKeyNotFound, format!("API key `{uid_or_secret}` not found.")))
            }
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// When each of the caller's keys was used last.
    pub(crate) async fn last_uses(&self, caller: &Identity) -> Result<HashMap<KeyId, Timestamp>> {
        self.0.metadata.keys.last_uses(caller.tenant).await.map_err(Error::internal)
    }

    /// Creates a key.
    pub(crate) async fn create_key(&self, caller: &Identity, new: NewKey) -> Result<Key> {
        let now = Timestamp::now();
        let key = Key {
            uid: new.uid,
            tenant: caller.tenant,
            name: new.name,
            description: new.description,
            actions: new.actions,
            indexes: new.indexes,
            expires_at: new.expires_at,
            salted: true,
            root: false,
            created_at: now,
            updated_at: now,
        };
        match self.0.metadata.keys.create(&key, &hash_key(&self.0.secrets.of(&key))).await {
            // As it is stored: times are rounded to microseconds.
            Ok(()) => self.0.metadata.keys.get(caller.tenant, key.uid).await.map_err(Error::internal),
            Err(onggi_metadata::Error::AlreadyExists(_)) => {
                Err(ApiError::new(Code::ApiKeyAlreadyExists, format!("`uid` field value `{}` is already an existing API key.", key.uid))
                    .into())
            }
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Changes name and description.
    pub(crate) async fn update_key(&self, caller: &Identity, uid_or_secret: &str, change: KeyChange) -> Result<Key> {
        let key = self.key(caller, uid_or_secret).await?;
        let name = changed(key.name, change.name);
        let description = changed(key.description, change.description);
        let update = self.0.metadata.keys.update(caller.tenant, key.uid, name.as_deref(), description.as_deref(), Timestamp::now());
        update.await.map_err(Error::internal)
    }

    /// Deletes a key: its secret and its tokens are unknown from then on.
    pub(crate) async fn delete_key(&self, caller: &Identity, uid_or_secret: &str) -> Result<()> {
        let key = self.key(caller, uid_or_secret).await?;
        match self.0.metadata.keys.delete(caller.tenant, key.uid).await {
            Ok(()) | Err(onggi_metadata::Error::NotFound(_)) => Ok(()),
            Err(error) => Err(Error::internal(error)),
        }
    }
}

fn changed(current: Option<String>, change: Setting<String>) -> Option<String> {
    match change {
        Setting::Keep => current,
        Setting::Reset => None,
        Setting::Set(value) => Some(value),
    }
}
