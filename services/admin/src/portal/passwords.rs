//! Passwords: what is good enough, and their hashes. Length counts, not composition (NIST SP 800-63B, 5.1.1.2); argon2id with OWASP's parameters.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use onggi_domain::account::Email;
use tokio::sync::Semaphore;

use super::failure::{Failure, Result};

/// The fewest characters.
pub(crate) const MIN_CHARS: usize = 12;
/// The most characters.
pub(crate) const MAX_CHARS: usize = 128;
/// Hashes that are computed at the same time: each takes 19 MiB and a core.
const AT_ONCE: usize = 4;

/// Passwords that everybody tries first, of those that are long enough. Shorter ones are refused for their length.
const COMMON: &str = include_str!("passwords/common.txt");

/// OWASP's recommendation: 19 MiB, two passes, one lane.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password, in the PHC format. Slow: not for threads that serve.
fn hash(password: &str) -> String {
    argon2().hash_password(password.as_bytes()).expect("a salt is made, and the length is in range").to_string()
}

/// Whether this is the password. Slow, and as slow when there is no hash to compare with.
fn verify(password: &str, hash: Option<&str>) -> bool {
    let stored = hash.and_then(|hash| PasswordHash::new(hash).ok());
    if let Some(stored) = stored {
        return argon2().verify_password(password.as_bytes(), &stored).is_ok();
    }
    let _ = self::hash(password);
    false
}

/// Computes hashes away from the threads that serve, a few at a time.
pub(crate) struct Passwords {
    slots: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Passwords {
    /// The hash of a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || hash(&password)).await
    }

    /// Whether this is the password; takes as long when there is none.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.run(move || verify(&password, hash.as_deref())).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let slot = self.slots.clone().acquire_owned().await.map_err(Failure::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        });
        done.await.map_err(Failure::internal)
    }
}

/// Why a password is not good enough: the key of a text.
pub(crate) fn check(password: &str, email: &Email) -> Result<(), &'static str> {
    let chars = password.chars().count();
    if chars < MIN_CHARS {
        return Err("accounts.password_short");
    }
    if chars > MAX_CHARS {
        return Err("accounts.password_long");
    }
    let lower = password.to_lowercase();
    let first = lower.chars().next();
    let trivial = lower.chars().all(|c| Some(c) == first) || COMMON.lines().any(|common| common == lower);
    let name = email.as_str().split('@').next().unwrap_or_default();
    if trivial || lower == email.as_str() || (name.len() >= 6 && lower.trim_matches(|c: char| !c.is_alphabetic()) == name) {
        return Err("accounts.password_common");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_and_no_other_is() {
        let hash = hash("correct horse battery");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse battery", Some(&hash)));
        assert!(!verify("correct horse batterz", Some(&hash)));
        assert!(!verify("correct horse battery", None));
        assert!(!verify("", Some("no hash")));
    }

    #[test]
    fn a_password_is_long_and_not_what_everybody_tries() {
        let email: Email = "jeongmin@example.com".parse().unwrap();
        for (password, expected) in [
            ("correct horse battery", Ok(())),
            ("한글로 된 열두 글자 암호", Ok(())),
            ("short", Err("accounts.password_short")),
            (&"x".repeat(129), Err("accounts.password_long")),
            ("aaaaaaaaaaaaaaaa", Err("accounts.password_common")),
            ("Password1234", Err("accounts.password_common")),
            ("jeongmin@example.com", Err("accounts.password_common")),
            ("jeongmin123456", Err("accounts.password_common")),
        ] {
            assert_eq!(check(password, &email), expected, "{password}");
        }
    }

    #[test]
    fn the_common_passwords_are_written_as_they_are_compared() {
        assert!(COMMON.lines().all(|line| line.to_lowercase() == line && line.chars().count() >= MIN_CHARS));
    }
}
