//! Credentials of an index's workers: for its prefix of the bucket only, and renewed before they expire.
//!
//! They are asked for while something runs, and kept in memory and in the index's Secret, from where running pods read them anew. What sleeps
//! has none that are good, and gets some when it wakes.

use std::{collections::HashMap, time::Duration};

use onggi_bucket::{IndexBucket, Result, ScopedCredentials, Sts};
use onggi_domain::{IndexId, TenantId, Timestamp};
use parking_lot::Mutex;

/// The longest that a Secret takes to reach a running pod, with time to spare: renewed credentials are there before the old ones are bad.
const WAY: Duration = Duration::from_mins(5);
/// When to ask again after a failure.
const AGAIN: Duration = Duration::from_secs(15);

/// Scoped credentials by index.
pub(super) struct Credentials {
    sts: Sts,
    known: Mutex<HashMap<IndexId, ScopedCredentials>>,
}

impl Credentials {
    pub(super) fn new(sts: Sts) -> Self {
        Self { sts, known: Mutex::default() }
    }

    /// Credentials for an index, and when to ask for newer ones. When the service fails, those that are good still are.
    pub(super) async fn of(&self, tenant: TenantId, index: IndexId) -> Result<(ScopedCredentials, Duration)> {
        let now = Timestamp::now();
        let known = self.known.lock().get(&index).cloned();
        if let Some((known, left)) = known.as_ref().and_then(|known| Some((known, renew_in(known, now)?))) {
            return Ok((known.clone(), left));
        }
        match self.sts.assume(&IndexBucket::prefix(tenant, index), &format!("onggi-{index}")).await {
            Ok(new) => {
                let left = renew_in(&new, now).unwrap_or(AGAIN);
                self.known.lock().insert(index, new.clone());
                Ok((new, left))
            }
            Err(error) => match known.filter(|known| known.expires_at > now) {
                Some(known) => {
                    tracing::warn!(%tenant, %index, %error, "credentials were not renewed, trying again");
                    Ok((known, AGAIN))
                }
                None => Err(error),
            },
        }
    }

    /// Nothing runs for the index any more.
    pub(super) fn forget(&self, index: IndexId) {
        self.known.lock().remove(&index);
    }
}

/// How long credentials are used before others are asked for; `None`: no longer. Never so late that a pod is left with bad ones.
fn renew_in(credentials: &ScopedCredentials, now: Timestamp) -> Option<Duration> {
    let left = Duration::try_from(credentials.expires_at.duration_since(now)).ok()?;
    left.checked_sub(WAY * 2).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_well_before_they_expire() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let until = |second| ScopedCredentials {
            access_key_id: String::new(),
            secret_access_key: String::new(),
            session_token: String::new(),
            expires_at: at(second),
        };
        assert_eq!(renew_in(&until(3600), at(0)), Some(Duration::from_mins(50)));
        for now in [3000, 3599, 3601, 9999] {
            assert_eq!(renew_in(&until(3600), at(now)), None, "{now}");
        }
    }
}
