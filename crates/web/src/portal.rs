//! What the gateway and the portal behind it agree on: the cookie of a session, and the headers in which one tells the other who calls.

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};
use onggi_domain::Timestamp;

/// Shows that a request comes from a page of the portal: bound to the session, and not a header that a form of another site can send.
pub const CSRF: HeaderName = HeaderName::from_static("x-onggi-csrf");
/// The network address of the caller, as the gateway tells it.
pub const CLIENT: HeaderName = HeaderName::from_static("x-onggi-client");
/// The host that the caller asked, as the gateway tells it.
pub const HOST: HeaderName = HeaderName::from_static("x-onggi-host");

/// How long sessions last, and how their cookie travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// Without a request for so long, a session is over.
    pub idle: Duration,
    /// After so long, a session is over in any case.
    pub life: Duration,
    /// Whether the portal is reached by TLS only.
    pub secure: bool,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self { idle: Duration::from_hours(3 * 24), life: Duration::from_hours(30 * 24), secure: false }
    }
}

impl SessionRules {
    /// The name of the cookie. Behind TLS it has the prefix that keeps other hosts of the same domain from setting it, which asks for the path `/`.
    pub fn cookie(&self) -> &'static str {
        if self.secure { "__Host-onggi_session" } else { "onggi_session" }
    }

    /// Sessions that were used last before this are over.
    pub fn idle_since(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.idle).unwrap_or(Timestamp::MIN)
    }

    /// The token that a browser shows.
    pub fn token<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        cookie(headers, self.cookie())
    }
}

/// The value of a cookie. The first one counts: of several, browsers send the one with the longest path first.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find_map(|(key, value)| (key == name).then_some(value))
}

/// Whether a browser says that a request was caused by another site than the one that it asks. Programs say nothing.
pub fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_some_and(|site| !["same-origin", "none"].contains(&site))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let sent = headers("cookie", "a=1; onggi_session=x=y; onggi_session=z");
        assert_eq!(SessionRules::default().token(&sent), Some("x=y"));
        assert_eq!(SessionRules { secure: true, ..SessionRules::default() }.token(&sent), None, "a cookie that any host could set is none");
    }

    #[test]
    fn only_another_site_is_elsewhere() {
        assert!(!is_from_elsewhere(&HeaderMap::new()));
        for (site, elsewhere) in [("same-origin", false), ("none", false), ("same-site", true), ("cross-site", true)] {
            assert_eq!(is_from_elsewhere(&headers("sec-fetch-site", site)), elsewhere, "{site}");
        }
    }
}
