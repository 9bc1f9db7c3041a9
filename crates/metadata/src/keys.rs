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

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(text: &str) -> KeyId {
        text.parse().unwrap()
    }

    #[test]
    fn a_secret_is_the_hmac_of_the_hyphenated_uid() {
        let secret = KeySecrets::new("masterKey").derive(uid("74c9c733-3368-4738-bbe5-1d18a5fecb37"));
        assert_eq!(secret, "1f9a5b47f5439bff2e2603c5c295ad55e888c92a57f607ab76ab046118556da6");
    }

    #[test]
    fn another_uid_or_another_server_secret_gives_another_secret() {
        let (one, two) = (uid("74c9c733-3368-4738-bbe5-1d18a5fecb37"), uid("74c9c733-3368-4738-bbe5-1d18a5fecb38"));
        let secrets = KeySecrets::new("masterKey");
        assert_eq!(secrets.derive(one), KeySecrets::new("masterKey").derive(one));
        assert_ne!(secrets.derive(one), secrets.derive(two));
        assert_ne!(secrets.derive(one), KeySecrets::new("masterkey").derive(one));
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
