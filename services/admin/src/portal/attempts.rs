//! How often somebody may try: signing in, signing up, by network address. What concerns one account is kept in `failures` and with the account.

use std::{num::NonZeroU32, time::Duration};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::failure::{Failure, Result};

/// Tries in a row from one address.
const BURST: u32 = 20;
/// After so long there is one more.
const REST: Duration = Duration::from_secs(6);
/// Addresses that are remembered before those that have rested are forgotten.
const REMEMBERED: usize = 10_000;

/// Tries by network address.
pub(crate) struct Attempts {
    tries: DefaultKeyedRateLimiter<String>,
}

impl Default for Attempts {
    fn default() -> Self {
        let burst = NonZeroU32::new(BURST).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(REST).map_or(Quota::per_minute(burst), |quota| quota.allow_burst(burst));
        Self { tries: RateLimiter::keyed(quota) }
    }
}

impl Attempts {
    /// Lets one more try from an address pass, or refuses it.
    pub(crate) fn count(&self, address: &str) -> Result<()> {
        if self.tries.len() > REMEMBERED {
            self.tries.retain_recent();
        }
        self.tries.check_key(&network(address)).map_err(|_| Failure::TooMany)
    }
}

/// Whoever has an address of version 6 has a whole network of them.
fn network(address: &str) -> String {
    match address.parse::<std::net::Ipv6Addr>() {
        Ok(address) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => address.to_owned(),
    }
}

/// Whom one takes for the same when one account is concerned: 256 addresses of version 4, a network of version 6.
pub(crate) fn neighbourhood(address: &str) -> String {
    match address.parse::<std::net::IpAddr>().map(|address| address.to_canonical()) {
        Ok(std::net::IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        _ => network(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_tries_too_often_is_refused_and_others_are_not() {
        let attempts = Attempts::default();
        for _ in 0..BURST {
            attempts.count("192.0.2.1").unwrap();
        }
        assert!(attempts.count("192.0.2.1").is_err());
        assert!(attempts.count("192.0.2.2").is_ok());
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(neighbourhood("192.0.2.1"), neighbourhood("::ffff:192.0.2.2"));
        assert_ne!(neighbourhood("192.0.2.1"), neighbourhood("192.0.3.1"));
        assert_eq!(neighbourhood("2001:db8:1:2:3::4"), neighbourhood("2001:db8:1:2::1"));
    }
}
