//! When keys were used last: noted at most once a minute and key, and told with the counts. Nothing here makes a request wait but for the moment in
//! which a key is noted.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};

use onggi_domain::{KeyId, TenantId, Timestamp, limits::KEY_USE_SECONDS};
use parking_lot::{Mutex, RwLock};

/// The uses of keys since they were taken last.
#[derive(Default)]
pub(crate) struct Uses {
    /// The second in which each key was noted last.
    noted: RwLock<HashMap<(TenantId, KeyId), AtomicI64>>,
    waiting: Mutex<BTreeMap<(TenantId, KeyId), Timestamp>>,
}

impl Uses {
    /// Notes that a key was used, if that was not noted within the last minute.
    pub(crate) fn note(&self, tenant: TenantId, key: KeyId, now: Timestamp) {
        let second = now.as_second();
        let is_due = self.noted.read().get(&(tenant, key)).map(|noted| {
            let before = noted.load(Relaxed);
            // Of those that come together one goes on.
            second - before >= KEY_USE_SECONDS && noted.compare_exchange(before, second, Relaxed, Relaxed).is_ok()
        });
        match is_due {
            Some(false) => return,
            Some(true) => {}
            None => {
                self.noted.write().insert((tenant, key), AtomicI64::new(second));
            }
        }
        self.waiting.lock().insert((tenant, key), Timestamp::from_second(second).unwrap_or(now));
    }

    /// What is to be told, in an order that is the same for all gateways. Keys that were not used for a minute are forgotten.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<(TenantId, KeyId, Timestamp)> {
        let is_recent = |noted: &mut AtomicI64| now.as_second() - *noted.get_mut() < KEY_USE_SECONDS;
        self.noted.write().retain(|_, noted| is_recent(noted));
        std::mem::take(&mut *self.waiting.lock()).into_iter().map(|((tenant, key), time)| (tenant, key, time)).collect()
    }

    /// Puts back what could not be told. What was noted meanwhile is newer.
    pub(crate) fn put_back(&self, uses: Vec<(TenantId, KeyId, Timestamp)>) {
        let mut waiting = self.waiting.lock();
        for (tenant, key, time) in uses {
            waiting.entry((tenant, key)).or_insert(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_key_is_noted_once_a_minute_and_forgotten_after() {
        let uses = Uses::default();
        let (tenant, key, other) = (TenantId::generate(), KeyId::generate(), KeyId::generate());
        let start = Timestamp::from_second(1_000_000).unwrap();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        for second in 0..59 {
            uses.note(tenant, key, after(second));
        }
        uses.note(tenant, other, after(3));
        let mut expected = vec![(tenant, key, start), (tenant, other, after(3))];
        expected.sort_unstable();
        assert_eq!(uses.take(after(59)), expected);
        uses.note(tenant, key, after(59));
        assert!(uses.take(after(59)).is_empty());
        uses.note(tenant, key, after(61));
        assert_eq!(uses.take(after(61)), [(tenant, key, after(61))]);
        assert!(uses.take(after(200)).is_empty());
        assert!(uses.noted.read().is_empty(), "what is idle takes no room");
    }

    #[test]
    fn what_could_not_be_told_waits_unless_something_newer_does() {
        let uses = Uses::default();
        let (tenant, key) = (TenantId::generate(), KeyId::generate());
        let (old, new) = (Timestamp::from_second(1_000).unwrap(), Timestamp::from_second(2_000).unwrap());
        uses.put_back(vec![(tenant, key, old)]);
        assert_eq!(uses.take(new), [(tenant, key, old)]);
        uses.note(tenant, key, new);
        uses.put_back(vec![(tenant, key, old)]);
        assert_eq!(uses.take(new), [(tenant, key, new)]);
    }
}
