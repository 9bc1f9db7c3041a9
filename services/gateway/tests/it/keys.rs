//! Who may do what: every route with every action, index patterns, and tenants beside each other.

use http::{Method, header};
use onggi_domain::{
    Timestamp,
    key::{Action, Key},
    tenant::TenantStatus,
};
use onggi_gateway::{Destination, ROUTES, Route};

use crate::{
    bed::{Answer, Bed, Searcher, caller, key, request},
    multi_search::multi_search,
};

/// A path of a route, about this index.
fn path(route: &Route, uid: &str) -> String {
    let path = route.path.replace("{uid}", uid).replace("{name}", "synonyms").replace("{n}", "1");
    path.replace("{id}", "7").replace("{task}", "0").replace("{key}", "k").replace("{file}", "index.css")
}

async fn call(bed: &Bed, key: &str, route: &Route, uid: &str) -> Answer {
    if route.to == Destination::Searchers {
        return multi_search(bed, key, &serde_json::json!({"queries": [{"indexUid": uid}]})).await;
    }
    if let Some(body) = body(route) {
        let answer = bed.send(request(key, route.method.clone(), &path(route, uid), body.into())).await;
        // As with the other routes.
        return Answer { status: if answer.status == 202 { 200 } else { answer.status }, ..answer };
    }
    bed.call(key, route.method.clone(), &path(route, uid)).await
}

/// The body that a route wants that the gateway answers itself.
fn body(route: &Route) -> Option<&'static str> {
    match (route.to, route.action) {
        (Destination::Here, Some(Action::Search)) => Some("{\"events\":[]}"),
        (Destination::Here, Some(_)) => Some("{\"token\":\"x\"}"),
        _ => None,
    }
}

fn refused() -> (u16, String) {
    (403, "invalid_api_key".to_owned())
}

#[tokio::test]
async fn every_route_wants_its_action_and_no_other() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    bed.provider(tenant, &serde_json::json!({"jwks": {"keys": []}})).await;
    for held in Action::ALL {
        let key = bed.key(tenant, &[*held], &["*"]).await;
        for route in ROUTES.iter().filter(|route| route.to != Destination::Portal) {
            let answer = call(&bed, &key, route, "jars").await;
            if route.action.is_none_or(|wanted| held.allows(wanted)) {
                assert_eq!(answer.status, 200, "{held:?} on {route:?}: {answer:?}");
            } else {
                assert_eq!(answer.outcome(), refused(), "{held:?} on {route:?}");
            }
        }
    }
    for route in ROUTES.iter().filter(|route| route.to != Destination::Portal) {
        assert_eq!(call(&bed, &root, route, "jars").await.status, 200, "root key on {route:?}");
        assert_eq!(call(&bed, "wrong", route, "jars").await.status, if route.action.is_none() { 200 } else { 403 }, "{route:?}");
    }
}

#[tokio::test]
async fn every_route_below_an_index_keeps_to_the_patterns_of_the_key() {
    let bed = Bed::new().await;
    let (tenant, _) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    for uid in ["prod_jars", "dev_jars"] {
        bed.index(tenant, uid, &[&searcher]).await;
    }
    let key = bed.key(tenant, &[Action::All], &["prod_*", "exact"]).await;
    for route in ROUTES.iter().filter(|route| route.path.contains("{uid}")) {
        assert_eq!(call(&bed, &key, route, "prod_jars").await.status, 200, "{route:?}");
        let there = call(&bed, &key, route, "dev_jars").await;
        assert_eq!(there.outcome(), refused(), "{route:?}");
        let absent = call(&bed, &key, route, "dev_jugs").await;
        let text = |answer: &Answer| String::from_utf8_lossy(&answer.bytes).into_owned();
        assert_eq!(text(&there).replace("dev_jars", "dev_jugs"), text(&absent), "{route:?}");
    }
}

#[tokio::test]
async fn a_route_is_answered_by_whom_the_table_names_and_in_the_name_of_the_caller() {
    let bed = Bed::new().await;
    let (tenant, _) = bed.tenant("one").await;
    let searcher = Searcher::new("searcher").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    bed.provider(tenant, &serde_json::json!({"jwks": {"keys": []}})).await;
    let stored = key(tenant, &[Action::All], &["jars"]);
    let secret = bed.store(&stored).await;
    let with_key = ROUTES.iter().filter(|route| route.action.is_some());
    for route in with_key.filter(|route| !route.path.ends_with("/stats") || !route.path.contains("{uid}")) {
        let answer = call(&bed, &secret, route, "jars").await;
        let json = answer.json();
        match route.to {
            Destination::Here if route.path.contains("{uid}") => assert_eq!(json, serde_json::json!({"accepted": 0})),
            Destination::Here => assert_eq!(json["valid"], false),
            Destination::Searcher => {
                assert_eq!(json["by"], "searcher", "{route:?}");
                assert_eq!(json["path"], path(route, "jars").strip_prefix("/indexes/jars").unwrap());
                assert_eq!(json["headers"]["x-onggi-index-uid"], "jars");
                assert!(json["headers"]["x-onggi-filter"].is_null());
            }
            Destination::Portal => unreachable!("no key opens it: {route:?}"),
            Destination::Searchers => {
                assert_eq!((&json["results"][0]["by"], &json["results"][0]["indexUid"]), (&"searcher".into(), &"jars".into()));
            }
            Destination::Uploader | Destination::Admin => {
                let service = if route.to == Destination::Admin { "admin" } else { "uploader" };
                assert_eq!(json["said"]["by"], service, "{route:?}");
                assert_eq!(json["said"]["path"], path(route, "jars"));
                assert_eq!(json["said"]["headers"]["x-onggi-internal"], "internal");
                assert!(json["said"]["headers"]["authorization"].is_null(), "the key goes no further");
                let identity = caller(&answer);
                assert_eq!((identity.tenant, identity.key, identity.root), (tenant, stored.uid, false));
                assert_eq!((identity.actions, identity.indexes), (stored.actions.clone(), stored.indexes.clone()));
            }
        }
    }
    let answer = bed.call(&secret, Method::GET, "/indexes/jars/stats").await;
    assert_eq!(answer.json()["stats of"], "jars", "a service in this process sees its own path parameters only");
}

#[tokio::test]
async fn two_tenants_with_the_same_uid_reach_their_own_index() {
    let bed = Bed::new().await;
    let ((one, root_of_one), (two, root_of_two)) = (bed.tenant("one").await, bed.tenant("two").await);
    let (of_one, of_two) = (Searcher::new("of one").await, Searcher::new("of two").await);
    bed.index(one, "jars", &[&of_one]).await;
    bed.index(two, "jars", &[&of_two]).await;
    for _ in 0..3 {
        assert_eq!(bed.search(&root_of_one, "jars").await.json()["by"], "of one");
        assert_eq!(bed.search(&root_of_two, "jars").await.json()["by"], "of two");
    }
    let answer = bed.call(&root_of_two, Method::GET, "/indexes").await;
    assert_eq!(caller(&answer).tenant, two);
}

#[tokio::test]
async fn a_strangers_index_answers_with_the_same_bytes_as_one_that_does_not_exist() {
    let bed = Bed::new().await;
    let ((owner, root_of_owner), (stranger, root_of_stranger)) = (bed.tenant("owner").await, bed.tenant("stranger").await);
    let searcher = Searcher::new("a").await;
    bed.index(owner, "secret", &[&searcher]).await;
    bed.provider(owner, &serde_json::json!({"jwks": {"keys": []}})).await;
    for route in ROUTES.iter().filter(|route| route.action.is_some()) {
        let theirs = call(&bed, &root_of_stranger, route, "secret").await;
        if route.to == Destination::Here && !route.path.contains("{uid}") {
            assert_eq!(theirs.outcome(), (404, "identity_provider_not_found".to_owned()));
        } else if matches!(route.to, Destination::Here | Destination::Searcher | Destination::Searchers) {
            let absent = call(&bed, &root_of_stranger, route, "absent").await;
            // In a body it is the body that is wrong.
            let status = if route.to == Destination::Searchers { 400 } else { 404 };
            assert_eq!(theirs.outcome(), (status, "index_not_found".to_owned()), "{route:?}");
            assert_eq!(String::from_utf8_lossy(&theirs.bytes).replace("secret", "absent"), String::from_utf8_lossy(&absent.bytes));
        } else if !route.path.ends_with("{uid}/stats") {
            assert_eq!(caller(&theirs).tenant, stranger, "{route:?}");
        }
    }
    assert_eq!(searcher.asked(), 0);
    assert_eq!(bed.search(&root_of_owner, "secret").await.status, 200);
}

#[tokio::test]
async fn keys_that_are_missing_wrong_or_expired_are_refused() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let past = Timestamp::now() - std::time::Duration::from_secs(1);
    let expired = bed.store(&Key { expires_at: Some(past), ..key(tenant, &[Action::All], &["*"]) }).await;
    let wrong = format!("{root}x");
    for (shown, status, code, message) in [
        (None, 401, "missing_authorization_header", "The Authorization header is missing. It must use the bearer authorization method."),
        (Some("Bearer ".to_owned()), 401, "missing_authorization_header", "The Authorization header is missing."),
        (Some("Bearer".to_owned()), 401, "missing_authorization_header", "The Authorization header is missing."),
        (Some(format!("Basic {root}")), 401, "missing_authorization_header", "bearer"),
        (Some(format!("Bearer {wrong}")), 403, "invalid_api_key", "The provided API key is invalid."),
        (Some(format!("Bearer {wrong}")), 403, "invalid_api_key", "The provided API key is invalid."),
        (Some("Bearer a.b.c".to_owned()), 403, "invalid_api_key", "The provided API key is invalid."),
        (Some(format!("Bearer {expired}")), 403, "invalid_api_key", "The provided API key is invalid."),
    ] {
        let mut request = http::Request::post("/indexes/jars/search").body(axum::body::Body::empty()).unwrap();
        if let Some(shown) = &shown {
            request.headers_mut().insert(header::AUTHORIZATION, shown.parse().unwrap());
        }
        let answer = bed.send(request).await;
        assert_eq!(answer.outcome(), (status, code.to_owned()), "{shown:?}");
        let json = answer.json();
        assert!(json["message"].as_str().unwrap().contains(message), "{shown:?}: {json}");
        assert!(json["type"] == "auth" && json["link"].is_string(), "{json}");
    }
}

#[tokio::test]
async fn a_key_stops_working_when_it_is_revoked_or_its_tenant_suspended_or_deleted() {
    let bed = Bed::new().await;
    let (one, root_of_one) = bed.tenant("one").await;
    let (two, root_of_two) = bed.tenant("two").await;
    let stored = key(one, &[Action::All], &["*"]);
    let secret = bed.store(&stored).await;
    for key in [&root_of_one, &root_of_two, &secret] {
        assert_eq!(bed.call(key, Method::GET, "/indexes").await.status, 200);
    }
    bed.metadata.keys.delete(one, stored.uid).await.unwrap();
    until(&bed, &secret, "invalid_api_key").await;
    bed.metadata.tenants.set_status(one, TenantStatus::Suspended).await.unwrap();
    until(&bed, &root_of_one, "tenant_suspended").await;
    bed.metadata.tenants.set_status(two, TenantStatus::Deleted).await.unwrap();
    until(&bed, &root_of_two, "invalid_api_key").await;
}

/// Asks until the answer has this code; panics when it never has.
async fn until(bed: &Bed, key: &str, code: &str) {
    let begin = std::time::Instant::now();
    while bed.call(key, Method::GET, "/indexes").await.outcome() != (403, code.to_owned()) {
        assert!(begin.elapsed().as_secs() < 10, "never {code}");
        tokio::task::yield_now().await;
    }
}
