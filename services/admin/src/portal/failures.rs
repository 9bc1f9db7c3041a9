//! Wrong passwords by account and network, as this process has seen them: after a few in a row the account rests for whoever tries from there, and
//! for nobody else. What is tried from all networks together is counted with the account.

use std::collections::HashMap;

use jiff::SignedDuration;
use onggi_domain::{Timestamp, UserId};
use parking_lot::Mutex;

/// Wrong passwords in a row that are not yet suspicious.
const FREE: u32 = 5;
/// How long the account rests after one more; each further one doubles it.
const REST: SignedDuration = SignedDuration::from_secs(15);
/// The longest rest.
const MOST_REST: SignedDuration = SignedDuration::from_mins(15);
/// After so long without another one they are forgotten.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);
/// Series that are remembered.
const REMEMBERED: usize = 100_000;

/// Wrong passwords in a row.
struct Series {
    failures: u32,
    last: Timestamp,
    rests_until: Timestamp,
}

/// The wrong passwords of each account from each network.
#[derive(Default)]
pub(crate) struct Failures(Mutex<HashMap<(UserId, String), Series>>);

impl Failures {
    /// Whether no password is looked at for who tries from there.
    pub(crate) fn rests(&self, user: UserId, network: &str, now: Timestamp) -> bool {
        self.0.lock().get(&(user, network.to_owned())).is_some_and(|series| series.rests_until > now)
    }

    /// Counts a wrong password.
    pub(crate) fn count(&self, user: UserId, network: &str, now: Timestamp) {
        let mut known = self.0.lock();
        if known.len() >= REMEMBERED {
            known.retain(|_, series| now.duration_since(series.last) < FORGOTTEN);
            // Whoever has so many networks is stopped by what is counted with the account.
            if known.len() >= REMEMBERED {
                known.clear();
            }
        }
        let series = known.entry((user, network.to_owned())).or_insert(Series { failures: 0, last: now, rests_until: now });
        if now.duration_since(series.last) >= FORGOTTEN {
            series.failures = 0;
        }
        series.failures = series.failures.saturating_add(1);
        series.last = now;
        if let Some(more) = series.failures.checked_sub(FREE + 1) {
            series.rests_until = now + (REST * (1_i32 << more.min(10))).min(MOST_REST);
        }
    }

    /// The password was right.
    pub(crate) fn forget(&self, user: UserId, network: &str) {
        self.0.lock().remove(&(user, network.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_rests_longer_and_longer_for_one_network_and_not_for_others() {
        let failures = Failures::default();
        let (user, other) = (UserId::generate(), UserId::generate());
        let start = Timestamp::from_second(1_000_000).unwrap();
        let after = |seconds: i64| start + SignedDuration::from_secs(seconds);
        for _ in 0..FREE {
            failures.count(user, "here", start);
        }
        assert!(!failures.rests(user, "here", start));
        failures.count(user, "here", start);
        assert!(failures.rests(user, "here", after(14)) && !failures.rests(user, "here", after(15)));
        assert!(!failures.rests(user, "there", start) && !failures.rests(other, "here", start));
        failures.count(user, "here", after(15));
        assert!(failures.rests(user, "here", after(44)) && !failures.rests(user, "here", after(45)));
        for _ in 0..50 {
            failures.count(user, "here", after(45));
        }
        assert!(failures.rests(user, "here", after(45 + 899)) && !failures.rests(user, "here", after(45 + 900)), "the longest rest");
        failures.forget(user, "here");
        assert!(!failures.rests(user, "here", after(45)));
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let failures = Failures::default();
        let user = UserId::generate();
        let start = Timestamp::from_second(1_000_000).unwrap();
        for _ in 0..FREE + 3 {
            failures.count(user, "here", start);
        }
        let later = start + FORGOTTEN;
        failures.count(user, "here", later);
        assert!(!failures.rests(user, "here", later));
    }
}
