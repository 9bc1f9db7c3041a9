//! People who are signed in: their role stands in the place of a key. Pages pass with their cookies.

use axum::{Router, body::Body, extract::Request, routing::any};
use futures::future::join_all;
use http::{HeaderMap, Method, header};
use onggi_domain::{
    SessionId, TenantId, Timestamp,
    account::{Session, User},
    limits::Limits,
    tenant::{MemberRole, TenantStatus},
};
use onggi_metadata::hash_key;

use crate::bed::{Answer, Bed, Searcher, caller, limits, service};

/// Somebody who is signed in.
struct Visitor {
    user: User,
    session: SessionId,
    token: String,
    csrf: String,
}

impl Visitor {
    async fn new(bed: &Bed, name: &str) -> Self {
        let now = Timestamp::now();
        let user = User::new(format!("{name}@acme.test").parse().unwrap(), name, now);
        bed.metadata.users.create(&user, None).await.unwrap();
        let (session, token) = (SessionId::generate(), format!("token-of-{name}"));
        let stored = Session {
            id: session,
            user: user.id,
            created_at: now,
            seen_at: now,
            expires_at: now + jiff::SignedDuration::from_hours(1),
            user_agent: String::new(),
            address: String::new(),
        };
        bed.metadata.sessions.create(&stored, &hash_key(&token)).await.unwrap();
        let csrf = bed.secrets.of_forms(&format!("session/{session}"));
        Self { user, session, token, csrf }
    }

    async fn member(bed: &Bed, name: &str, tenant: TenantId, role: MemberRole) -> Self {
        let visitor = Self::new(bed, name).await;
        bed.metadata.members.add(tenant, visitor.user.id, role, Timestamp::now()).await.unwrap();
        visitor
    }

    /// A request with the cookie, and with what only a page of the portal has.
    fn asks(&self, method: Method, tenant: TenantId, path: &str) -> Request {
        let mut request = self.asks_without_token(method, tenant, path);
        request.headers_mut().insert("x-onggi-csrf", self.csrf.parse().unwrap());
        request
    }

    fn asks_without_token(&self, method: Method, tenant: TenantId, path: &str) -> Request {
        let request = http::Request::builder().method(method).uri(format!("/portal/api/{tenant}{path}"));
        request.header(header::COOKIE, format!("a=b; onggi_session={}", self.token)).body(Body::empty()).unwrap()
    }
}

#[tokio::test]
async fn a_role_allows_what_a_key_with_its_actions_would() {
    let bed = Bed::new().await;
    let (tenant, _) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let viewer = Visitor::member(&bed, "viewer", tenant, MemberRole::Viewer).await;
    let developer = Visitor::member(&bed, "developer", tenant, MemberRole::Developer).await;
    let owner = Visitor::member(&bed, "owner", tenant, MemberRole::Owner).await;
    let status = async |visitor: &Visitor, method: Method, path: &str| bed.send(visitor.asks(method, tenant, path)).await.status;
    for (method, path, [by_viewer, by_developer, by_owner]) in [
        (Method::POST, "/indexes/jars/search", [200, 200, 200]),
        (Method::GET, "/indexes", [200, 200, 200]),
        (Method::GET, "/indexes/jars/documents", [200, 200, 200]),
        (Method::PATCH, "/indexes/jars/settings", [403, 200, 200]),
        (Method::DELETE, "/indexes/jars", [403, 200, 200]),
        (Method::GET, "/keys", [403, 200, 200]),
        (Method::POST, "/keys", [403, 403, 200]),
    ] {
        assert_eq!(status(&viewer, method.clone(), path).await, by_viewer, "{method} {path}");
        assert_eq!(status(&developer, method.clone(), path).await, by_developer, "{method} {path}");
        assert_eq!(status(&owner, method.clone(), path).await, by_owner, "{method} {path}");
    }
    let refused = bed.send(viewer.asks(Method::DELETE, tenant, "/indexes/jars")).await;
    assert_eq!(refused.outcome(), (403, "role_not_sufficient".to_owned()));
    let told = caller(&bed.send(developer.asks(Method::GET, tenant, "/indexes")).await);
    assert_eq!((told.tenant, told.key.0, told.member, told.root), (tenant, developer.user.id.0, true, false));
}

#[tokio::test]
async fn what_does_not_come_from_a_page_of_the_portal_is_refused() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let owner = Visitor::member(&bed, "owner", tenant, MemberRole::Owner).await;
    let other = Visitor::member(&bed, "other", tenant, MemberRole::Owner).await;
    let forged = (403, "invalid_csrf_token".to_owned());
    assert_eq!(bed.send(owner.asks_without_token(Method::GET, tenant, "/indexes")).await.status, 200);
    assert_eq!(bed.send(owner.asks_without_token(Method::POST, tenant, "/multi-search")).await.outcome(), forged);
    let mut with_anothers = owner.asks(Method::DELETE, tenant, "/indexes/jars");
    with_anothers.headers_mut().insert("x-onggi-csrf", other.csrf.parse().unwrap());
    assert_eq!(bed.send(with_anothers).await.outcome(), forged);
    let mut from_elsewhere = owner.asks(Method::GET, tenant, "/indexes");
    from_elsewhere.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(bed.send(from_elsewhere).await.outcome(), forged);
    // A cookie is no key, and a key is no cookie.
    let nobody = (401, "invalid_session".to_owned());
    let mut with_key = http::Request::get(format!("/portal/api/{tenant}/indexes")).body(Body::empty()).unwrap();
    with_key.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {root}").parse().unwrap());
    assert_eq!(bed.send(with_key).await.outcome(), nobody);
    let mut with_cookie = http::Request::get("/indexes").body(Body::empty()).unwrap();
    with_cookie.headers_mut().insert(header::COOKIE, format!("onggi_session={}", owner.token).parse().unwrap());
    assert_eq!(bed.send(with_cookie).await.outcome(), (401, "missing_authorization_header".to_owned()));
}

#[tokio::test]
async fn a_tenant_of_others_is_answered_as_one_that_does_not_exist() {
    let bed = Bed::new().await;
    let ((ours, _), (theirs, _)) = (bed.tenant("one").await, bed.tenant("two").await);
    let visitor = Visitor::member(&bed, "visitor", ours, MemberRole::Owner).await;
    let answer = bed.send(visitor.asks(Method::GET, theirs, "/indexes")).await;
    assert_eq!(answer.status, 404);
    let absent = bed.send(visitor.asks(Method::GET, TenantId::generate(), "/indexes")).await;
    assert_eq!(answer.bytes, absent.bytes);
}

#[tokio::test]
async fn a_session_that_is_over_and_a_suspended_tenant_are_refused() {
    let bed = Bed::new().await;
    let (tenant, _) = bed.tenant("one").await;
    let visitor = Visitor::member(&bed, "visitor", tenant, MemberRole::Owner).await;
    bed.metadata.tenants.set_status(tenant, TenantStatus::Suspended).await.unwrap();
    assert_eq!(bed.send(visitor.asks(Method::GET, tenant, "/indexes")).await.outcome(), (403, "tenant_suspended".to_owned()));
    let other = Visitor::member(&bed, "other", tenant, MemberRole::Owner).await;
    bed.metadata.sessions.revoke(other.user.id, other.session).await.unwrap();
    assert_eq!(bed.send(other.asks(Method::GET, tenant, "/indexes")).await.outcome(), (401, "invalid_session".to_owned()));
}

#[tokio::test]
async fn what_people_ask_by_the_portal_takes_nothing_from_apps_nor_the_reverse() {
    let bed = Bed::with_limits(Limits { requests_per_second: 1, ..limits() }).await;
    let (tenant, root) = bed.tenant("one").await;
    let visitor = Visitor::member(&bed, "visitor", tenant, MemberRole::Owner).await;
    let apps = join_all((0..50).map(|_| bed.call(&root, Method::GET, "/indexes"))).await;
    assert!(apps.iter().any(|answer| answer.status == 429), "50 requests at once are over the rate");
    let people = join_all((0..200).map(|_| bed.send(visitor.asks(Method::GET, tenant, "/indexes")))).await;
    assert_eq!(people[0].status, 200);
    assert!(people.iter().any(|answer| answer.status == 429), "as are 200 of a person");
    let (other, root) = bed.tenant("two").await;
    let visitor = Visitor::member(&bed, "busy", other, MemberRole::Owner).await;
    join_all((0..200).map(|_| bed.send(visitor.asks(Method::GET, other, "/indexes")))).await;
    assert_eq!(bed.call(&root, Method::GET, "/indexes").await.status, 200);
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.bytes).into_owned()
}

/// What arrives at the portal, told by a header.
fn portal() -> Router {
    Router::new().fallback(any(async |headers: HeaderMap| {
        let told = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned();
        let said = format!("{}|{}|{}|{}", told("cookie"), told("x-onggi-host"), told("x-onggi-client"), told("x-onggi-identity"));
        ([("set-cookie", "a=c"), ("x-onggi-secret", "1")], said)
    }))
}

#[tokio::test]
async fn pages_pass_with_their_cookies_and_the_api_without() {
    let bed = Bed::with(limits(), service("uploader"), portal()).await;
    let request = |path: &str| {
        let request = http::Request::get(path).header("cookie", "a=b").header("host", "search.example").header("x-onggi-client", "guess");
        request.header("x-onggi-identity", "{}").body(Body::empty()).unwrap()
    };
    for path in ["/portal", "/portal/", "/portal/t/1/members?x=1"] {
        let page = bed.send(request(path)).await;
        assert_eq!(text(&page), "a=b|search.example|-|-", "{path}");
        assert_eq!((page.header("set-cookie"), page.headers.get("x-onggi-secret")), ("a=c", None), "{path}");
        assert_eq!(page.headers.get("access-control-allow-origin"), None, "{path}");
    }
    let (_, root) = bed.tenant("one").await;
    let mut api = request("/indexes");
    api.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {root}").parse().unwrap());
    let answer = bed.send(api).await;
    assert!(text(&answer).starts_with("-|-|-|{"), "{}", text(&answer));
    assert_eq!(answer.headers.get("set-cookie"), None);
}

#[tokio::test]
async fn a_browser_that_asks_for_nothing_is_shown_the_portal() {
    let bed = Bed::new().await;
    let ask = |accept: &'static str| http::Request::get("/").header("accept", accept).body(Body::empty()).unwrap();
    let answer = bed.send(ask("text/html,*/*")).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/portal"));
    assert_eq!(bed.send(ask("application/json")).await.status, 404);
}
