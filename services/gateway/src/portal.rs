//! The portal's side of the edge. Pages are passed on with their cookies, so many a second from one address. `/portal/api/{tenant}/...` is the
//! tenant API for people who are signed in: their role in the tenant stands in the place of a key, and from there on the way is that of any request.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    response::{IntoResponse, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, header,
    uri::{PathAndQuery, Uri},
};
use ipnet::IpNet;
use moka::future::Cache;
use onggi_domain::{
    ApiError, Code, KeyId, SessionId, TenantId, Timestamp,
    key::{IndexPattern, Key},
    tenant::MemberRole,
};
use onggi_metadata::{KeySecrets, Sessions, hash_key};
use onggi_web::{
    Error, Result,
    identity::same,
    portal::{CLIENT, CSRF, HOST, SessionRules, is_from_elsewhere},
};
use tokio::time::timeout;

use crate::{
    Gateway,
    authenticate::Caller,
    body::Limit,
    headers::{clean_page_request, clean_page_response},
};

/// Sessions that are remembered.
const KNOWN_SESSIONS: u64 = 10_000;
/// Addresses that are remembered before those that have rested are forgotten.
const KNOWN_ADDRESSES: usize = 50_000;
/// A session is noted as used at most so often, in seconds.
const TOUCH_SECONDS: i64 = 60;
/// An address may send so many seconds' worth of requests at once: a page is several.
const BURST_SECONDS: u32 = 5;

/// Set on a request of somebody who is signed in, for the tenant API of this tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThroughPortal(TenantId);

/// Whether a path is the portal's.
pub(crate) fn is_portal(path: &str) -> bool {
    path.strip_prefix("/portal").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Makes `/portal/api/{tenant}/indexes` the request for `/indexes` that it stands for.
pub(crate) fn unfold(mut request: Request) -> Request {
    let Some((tenant, rest)) = inner(request.uri()) else { return request };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(rest);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
        request.extensions_mut().insert(ThroughPortal(tenant));
    }
    request
}

fn inner(uri: &Uri) -> Option<(TenantId, PathAndQuery)> {
    let rest = uri.path_and_query()?.as_str().strip_prefix("/portal/api/")?;
    let (tenant, rest) = rest.split_at_checked(rest.find('/')?)?;
    // A portal within the portal does not exist.
    if is_portal(rest) {
        return None;
    }
    Some((tenant.parse().ok()?, rest.parse().ok()?))
}

/// To a browser that asks for nothing, the portal is what there is.
pub(crate) fn welcome(request: &Request) -> Option<Response> {
    let html = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"));
    (request.method() == Method::GET && request.uri().path() == "/" && html)
        .then(|| (StatusCode::SEE_OTHER, [(header::LOCATION, HeaderValue::from_static("/portal"))]).into_response())
}

/// What is known of a session.
struct Known {
    session: SessionId,
    caller: Caller,
}

/// Finds out who is signed in, and keeps those who ask too much from the portal.
pub(crate) struct Portal {
    sessions: Arc<dyn Sessions>,
    secrets: KeySecrets,
    rules: SessionRules,
    known: Cache<(String, TenantId), Arc<Known>>,
    rate: DefaultKeyedRateLimiter<IpAddr>,
    proxies: Vec<IpNet>,
}

impl Portal {
    pub(crate) fn new(
        sessions: Arc<dyn Sessions>,
        secrets: KeySecrets,
        rules: SessionRules,
        cache_time: Duration,
        requests_per_second: u32,
        proxies: Vec<IpNet>,
    ) -> Self {
        let rate = NonZeroU32::new(requests_per_second).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(rate.get().saturating_mul(BURST_SECONDS)).unwrap_or(rate);
        Self {
            sessions,
            secrets,
            rules,
            known: Cache::builder().max_capacity(KNOWN_SESSIONS).time_to_live(cache_time).build(),
            rate: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            proxies,
        }
    }

    /// Who is signed in, as the caller of a request for a tenant's API. What changes something, and searches as well, must show that it comes from a
    /// page of the portal.
    pub(crate) async fn authenticate(&self, through: ThroughPortal, method: &Method, headers: &HeaderMap) -> Result<Caller> {
        let ThroughPortal(tenant) = through;
        let token = self.rules.token(headers).ok_or_else(nobody)?;
        let known = self.find(hash_key(token), tenant).await?;
        if is_from_elsewhere(headers) {
            return Err(forged());
        }
        if ![Method::GET, Method::HEAD].contains(method) {
            let right = self.secrets.of_forms(&format!("session/{}", known.session));
            if !headers.get(&CSRF).is_some_and(|shown| same(shown.as_bytes(), right.as_bytes())) {
                return Err(forged());
            }
        }
        if known.caller.is_suspended() {
            return Err(Error::api(Code::TenantSuspended, "The tenant is suspended. Its data is kept; ask the operator of this service."));
        }
        Ok(known.caller.clone())
    }

    async fn find(&self, hash: String, tenant: TenantId) -> Result<Arc<Known>> {
        let key = (hash, tenant);
        let found = self.known.try_get_with_by_ref(&key, async {
            let now = Timestamp::now();
            let (session, role, standing) = self.sessions.member(&key.0, tenant, now, self.rules.idle_since(now)).await?;
            if now.as_second() - session.seen_at.as_second() > TOUCH_SECONDS {
                self.sessions.touch(session.id, now).await?;
            }
            let caller = Caller::member(stand_in(tenant, KeyId(session.user.0), role, now), standing);
            Ok::<_, onggi_metadata::Error>(Arc::new(Known { session: session.id, caller }))
        });
        found.await.map_err(|error: Arc<onggi_metadata::Error>| match &*error {
            onggi_metadata::Error::NotFound("session") => nobody(),
            // As for a tenant that does not exist.
            onggi_metadata::Error::NotFound(_) => Error::api(Code::NotFound, "There is no such thing."),
            _ => Error::internal(error),
        })
    }

    fn client(&self, request: &Request) -> Option<IpAddr> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip();
        Some(told_by(peer.to_canonical(), request.headers(), &self.proxies))
    }

    fn admit(&self, client: Option<IpAddr>) -> Result<(), ApiError> {
        if self.rate.len() > KNOWN_ADDRESSES {
            self.rate.retain_recent();
        }
        let Some(client) = client else { return Ok(()) };
        self.rate
            .check_key(&network(client))
            .map_err(|_| ApiError::new(Code::TooManyRequests, "Too many requests a second. Wait, and try again."))
    }
}

/// The address that a request comes from: of what proxies tell, only what those say that are known. Before a hop that is no address nothing is
/// believed: anybody may have written that.
fn told_by(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(&address));
    if !trusted(peer) {
        return peer;
    }
    let told = headers.get_all("x-forwarded-for").iter().flat_map(|value| value.to_str().unwrap_or_default().split(','));
    let hops: Vec<Option<IpAddr>> = told.map(|hop| hop.trim().parse::<IpAddr>().ok().map(|hop| hop.to_canonical())).collect();
    hops.into_iter().rev().find(|hop| hop.is_none_or(|hop| !trusted(hop))).flatten().unwrap_or(peer)
}

/// Whoever has an address of version 6 has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        IpAddr::V4(_) => address,
    }
}

/// The key that a role is.
fn stand_in(tenant: TenantId, uid: KeyId, role: MemberRole, now: Timestamp) -> Key {
    Key {
        uid,
        tenant,
        name: None,
        description: None,
        actions: role.actions().to_vec(),
        indexes: vec![IndexPattern::all()],
        expires_at: None,
        salted: true,
        root: false,
        created_at: now,
        updated_at: now,
    }
}

fn nobody() -> Error {
    Error::api(Code::InvalidSession, "Nobody is signed in. Sign in at the portal.")
}

fn forged() -> Error {
    Error::api(Code::InvalidCsrfToken, "The header `x-onggi-csrf` is missing or not that of this session.")
}

impl Gateway {
    /// Passes a page on, with its cookies.
    pub(crate) async fn page(&self, request: Request) -> Result<Response> {
        let client = self.portal.client(&request);
        self.portal.admit(client)?;
        let (mut parts, body) = request.into_parts();
        let (body, limit) = Limit::set(&parts.headers, body, self.limits.body_bytes.as_u64())?;
        let host = parts.headers.get(header::HOST).cloned();
        let host = host.or_else(|| HeaderValue::from_str(parts.uri.authority()?.as_str()).ok());
        clean_page_request(&mut parts.headers);
        if let Some(client) = client.and_then(|client| HeaderValue::from_str(&client.to_string()).ok()) {
            parts.headers.insert(CLIENT, client);
        }
        if let Some(host) = host {
            parts.headers.insert(HOST, host);
        }
        let answer = timeout(self.limits.request_time, self.admin.send(Request::from_parts(parts, Body::new(body)))).await;
        limit.check()?;
        let mut response = answer.ok().and_then(std::result::Result::ok).ok_or_else(|| {
            tracing::error!("the portal cannot be reached, or does not answer");
            ApiError::new(Code::Unavailable, "The portal is not available. Try again in a moment.")
        })?;
        clean_page_response(response.headers_mut());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "01930000-0000-7000-8000-000000000001";

    fn unfolded(path: &str) -> (String, bool) {
        let request = unfold(http::Request::get(path).body(Body::empty()).unwrap());
        (request.uri().to_string(), request.extensions().get::<ThroughPortal>().is_some())
    }

    #[test]
    fn the_tenant_api_within_the_portal_is_the_tenant_api() {
        let within = |rest: &str| unfolded(&format!("/portal/api/{TENANT}{rest}"));
        assert_eq!(within("/indexes/a/search?q=a/b"), ("/indexes/a/search?q=a/b".to_owned(), true));
        assert_eq!(within("/indexes/a%2Fb"), ("/indexes/a%2Fb".to_owned(), true));
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for path in ["/portal", "/portal/api/account", "/portal/api/tenants/x/members", "/indexes/a", &format!("/portal/api/{TENANT}")] {
            assert_eq!(unfolded(path), (path.to_owned(), false));
        }
        let twice = format!("/portal/api/{TENANT}/portal/api/{TENANT}/indexes");
        assert_eq!(unfolded(&twice), (twice.clone(), false));
    }

    #[test]
    fn whom_a_request_is_from_say_known_proxies_only() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let (proxy, stranger) = ("10.0.0.1", "192.0.2.1");
        for (peer, told, expected) in [
            (stranger, "198.51.100.7", stranger),
            (proxy, "198.51.100.7", "198.51.100.7"),
            (proxy, "203.0.113.9, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
            (proxy, "203.0.113.9, ::ffff:198.51.100.7", "198.51.100.7"),
            (proxy, "203.0.113.9, 198.51.100.7:1234", proxy),
            (proxy, "10.0.0.3", proxy),
            (proxy, "", proxy),
        ] {
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(told))]);
            assert_eq!(told_by(peer.parse().unwrap(), &headers, &proxies).to_string(), expected, "{peer} {told}");
        }
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let network = |address: &str| network(address.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3::4"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn what_begins_like_the_portal_is_not_the_portal() {
        assert!(is_portal("/portal") && is_portal("/portal/") && is_portal("/portal/t/1"));
        assert!(!is_portal("/portals") && !is_portal("/indexes/portal") && !is_portal("/"));
    }
}
