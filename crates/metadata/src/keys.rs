//! The secrets of API keys: derived, never stored.

use hmac::{Hmac, KeyInit, Mac};
use onggi_domain::KeyId;
use sha2::{Digest, Sha256};

/// Derives the secret of each key: lower-case hex of HMAC-SHA256(server secret, hyphenated uid).
#[derive(Clone)]
pub struct KeySecrets(Vec<u8>);

impl KeySecrets {
    /// From the server's secret.
    pub fn new(server_secret: impl Into<Vec<u8>>) -> Self {
        Self(server_secret.into())
    }

    /// The secret that a caller shows for the key `uid`.
    pub fn derive(&self, uid: KeyId) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(uid.to_string().as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }
}

impl std::fmt::Debug for KeySecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeySecrets(..)")
    }
}

/// What a shown secret is looked up by: lower-case hex of its SHA-256.
pub fn hash_key(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
