//! The secrets of API keys: derived, never stored.

use hmac::{Hmac, KeyInit, Mac};
use onggi_domain::{TenantId, WebhookId, key::Key};
use sha2::{Digest, Sha256};

/// Derives the secret of each key: lower-case hex of HMAC-SHA256(server secret, `tenant/uid`), both hyphenated. Keys of the first version
/// are derived from the uid alone.
#[derive(Clone)]
pub struct KeySecrets(Vec<u8>);

impl KeySecrets {
    /// From the server's secret.
    pub fn new(server_secret: impl Into<Vec<u8>>) -> Self {
        Self(server_secret.into())
    }

    /// The secret that a caller shows for a key.
    pub fn of(&self, key: &Key) -> String {
        if key.salted { self.derive(&format!("{}/{}", key.tenant, key.uid)) } else { self.derive(&key.uid.to_string()) }
    }

    /// What the messages to a webhook are signed with.
    pub fn of_webhook(&self, id: WebhookId) -> String {
        self.derive(&format!("webhook/{id}"))
    }

    /// What the messages of a tenant's spending alert are signed with.
    pub fn of_alert(&self, tenant: TenantId) -> String {
        self.derive(&format!("alert/{tenant}"))
    }

    /// The id of a tenant's user as it may be remembered: the first half of its HMAC-SHA256 with a secret of the tenant.
    pub fn hash_user(&self, tenant: TenantId, user: &str) -> u128 {
        let secret = self.derive(&format!("users/{tenant}"));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(user.as_bytes());
        let hash = mac.finalize().into_bytes();
        hash.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    /// What a form or a script of the portal must show beside the cookie, bound to what the cookie names: a session, or a visitor.
    pub fn of_forms(&self, bound_to: &str) -> String {
        self.derive(&format!("form/{bound_to}"))
    }

    fn derive(&self, what: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(what.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

impl std::fmt::Debug for KeySecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySecrets(..)")
    }
}

/// The signature of a message: lower-case hex of HMAC-SHA256(the receiver's secret, `time.body`).
pub fn sign(secret: &str, time: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// What a shown secret is looked up by: lower-case hex of its SHA-256.
pub fn hash_key(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use onggi_domain::{KeyId, TenantId, Timestamp};

    use super::*;

    fn key(tenant: u128, uid: &str, salted: bool) -> Key {
        Key {
            uid: uid.parse().unwrap(),
            tenant: TenantId(uuid::Uuid::from_u128(tenant)),
            name: None,
            description: None,
            actions: Vec::new(),
            indexes: Vec::new(),
            expires_at: None,
            salted,
            root: false,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    const UID: &str = "74c9c733-3368-4738-bbe5-1d18a5fecb37";

    #[test]
    fn a_secret_of_the_first_version_is_the_hmac_of_the_hyphenated_uid() {
        let secret = KeySecrets::new("masterKey").of(&key(1, UID, false));
        assert_eq!(secret, "1f9a5b47f5439bff2e2603c5c295ad55e888c92a57f607ab76ab046118556da6");
    }

    #[test]
    fn another_uid_tenant_or_server_secret_gives_another_secret() {
        let secrets = KeySecrets::new("masterKey");
        let one = secrets.of(&key(1, UID, true));
        assert_eq!(one, KeySecrets::new("masterKey").of(&key(1, UID, true)));
        let other_uid = KeyId(uuid::Uuid::nil()).to_string();
        let others = [
            secrets.of(&key(1, &other_uid, true)),
            secrets.of(&key(2, UID, true)),
            KeySecrets::new("masterkey").of(&key(1, UID, true)),
            secrets.of_webhook(WebhookId(UID.parse().unwrap())),
            secrets.of_alert(TenantId(UID.parse().unwrap())),
        ];
        for other in others {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn the_hash_of_a_user_depends_on_tenant_and_server() {
        let tenant = TenantId(uuid::Uuid::nil());
        let secrets = KeySecrets::new("masterKey");
        let one = secrets.hash_user(tenant, "ada");
        assert_eq!(one, secrets.hash_user(tenant, "ada"));
        let other_tenant = TenantId(uuid::Uuid::max());
        let others =
            [secrets.hash_user(tenant, "bob"), secrets.hash_user(other_tenant, "ada"), KeySecrets::new("another").hash_user(tenant, "ada")];
        assert!(!others.contains(&one));
    }

    #[test]
    fn a_secret_is_looked_up_by_its_sha_256() {
        assert_eq!(hash_key("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn the_server_secret_is_not_printed() {
        assert!(!format!("{:?}", KeySecrets::new("masterKey")).contains("masterKey"));
    }
}
