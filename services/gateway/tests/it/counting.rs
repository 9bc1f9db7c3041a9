//! What the gateway counts of searches, uploads and events, and what it keeps to itself.

use axum::{Json, Router, body::Body, extract::Request, response::IntoResponse};
use http::{Method, StatusCode, header};
use onggi_domain::{IndexId, KeyId, TenantId, Timestamp, key::Action, usage::Counts};
use onggi_metadata::{QueryOrder, hash_key};
use serde_json::{Value, json};

use crate::bed::{Answer, Bed, Searcher, limits, request, service};

/// A searcher that finds this many hits.
async fn finding(hits: u64) -> Searcher {
    let answer = move |_: Request| async move {
        ([("x-onggi-hits", hits.to_string()), ("x-onggi-generation", "1".to_owned())], Json(json!({"hits": []}))).into_response()
    };
    Searcher::with("a", Router::new().fallback(answer)).await
}

impl Bed {
    /// What was counted of an index so far.
    async fn counted(&self, tenant: TenantId, index: IndexId) -> Counts {
        self.counting.tell().await;
        let mut all = Counts::default();
        for (id, _, counts) in self.metadata.searches.hours(tenant, Timestamp::UNIX_EPOCH, Timestamp::MAX).await.unwrap() {
            if id == index {
                all.add(&counts);
            }
        }
        all
    }

    async fn uid(&self, secret: &str) -> KeyId {
        self.metadata.keys.by_hash(&hash_key(secret)).await.unwrap().0.uid
    }

    async fn queries(&self, index: IndexId) -> Vec<(String, Counts)> {
        let end = Timestamp::now() + std::time::Duration::from_hours(1);
        self.metadata.searches.queries(index, Timestamp::UNIX_EPOCH, end, QueryOrder::Searches, 100).await.unwrap()
    }

    async fn post(&self, key: &str, path: &str, body: &Value, user: Option<&str>) -> Answer {
        let mut request = request(key, Method::POST, path, Body::from(body.to_string()));
        if let Some(user) = user {
            request.headers_mut().insert("x-onggi-user", user.parse().unwrap());
        }
        self.send(request).await
    }
}

#[tokio::test]
async fn the_use_of_a_key_and_of_its_tokens_is_noted() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = finding(1).await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let (searches, reads, idle) = (
        bed.key(tenant, &[Action::Search], &["*"]).await,
        bed.key(tenant, &[Action::DocumentsGet], &["*"]).await,
        bed.key(tenant, &[Action::Search], &["*"]).await,
    );
    bed.post(&searches, "/indexes/jars/search", &json!({}), None).await;
    // What is refused was shown as well.
    assert_eq!(bed.post(&reads, "/indexes/jars/search", &json!({}), None).await.status, 403);
    bed.post(&root, "/indexes/jars/search", &json!({}), None).await;
    assert!(bed.metadata.keys.last_uses(tenant).await.unwrap().is_empty(), "no request waits for it to be told");
    bed.counting.tell().await;
    let uses = bed.metadata.keys.last_uses(tenant).await.unwrap();
    let mut expected = vec![bed.uid(&searches).await, bed.uid(&reads).await];
    let mut used: Vec<KeyId> = uses.keys().copied().collect();
    expected.sort_unstable();
    used.sort_unstable();
    assert_eq!(used, expected);
    assert!(!used.contains(&bed.uid(&idle).await));
}

#[tokio::test]
async fn searches_are_counted_with_what_they_find_and_the_header_of_the_searcher_stays_inside() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let (full, empty) = (finding(7).await, finding(0).await);
    let (jars, pots) = (bed.index(tenant, "jars", &[&full]).await, bed.index(tenant, "pots", &[&empty]).await);
    let answer = bed.post(&root, "/indexes/jars/search", &json!({"q": " Red  JAR"}), None).await;
    assert_eq!((answer.status, answer.header("x-onggi-hits"), answer.header("x-onggi-generation")), (200, "", "1"));
    bed.call(&root, Method::GET, "/indexes/jars/search?q=red%20jar").await;
    bed.post(&root, "/indexes/jars/facet-search", &json!({"facetName": "a"}), None).await;
    bed.post(&root, "/indexes/pots/search", &json!({"q": "none"}), None).await;
    bed.post(&root, "/indexes/pots/search", &json!({}), None).await;
    // Documents and analyses are no searches.
    bed.call(&root, Method::GET, "/indexes/pots/documents").await;
    bed.post(&root, "/indexes/pots/analyze", &json!({"text": "a"}), None).await;
    let counts = bed.counted(tenant, jars).await;
    assert_eq!((counts.searches, counts.no_hits, counts.latencies.total()), (3, 0, 3));
    let counts = bed.counted(tenant, pots).await;
    assert_eq!((counts.searches, counts.no_hits), (2, 2));
    let queries = bed.queries(jars).await;
    assert_eq!((queries.len(), queries[0].0.as_str(), queries[0].1.searches, queries[0].1.no_hits), (1, "red jar", 2, 0));
    assert_eq!(bed.queries(pots).await[0].1.no_hits, 1);
    let moments = bed.metadata.searches.moments(tenant, Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(moments.iter().map(|(_, counts)| counts.searches).sum::<u64>(), 5);
}

#[tokio::test]
async fn each_query_of_a_multi_search_is_a_search() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = finding(1).await;
    let (jars, pots) = (bed.index(tenant, "jars", &[&searcher]).await, bed.index(tenant, "pots", &[&searcher]).await);
    let queries = json!({"queries": [{"indexUid": "jars", "q": "a"}, {"indexUid": "pots", "q": "b"}, {"indexUid": "jars", "q": "c"}]});
    assert_eq!(bed.post(&root, "/multi-search", &queries, None).await.status, 200);
    assert_eq!((bed.counted(tenant, jars).await.searches, bed.counted(tenant, pots).await.searches), (2, 1));
    assert_eq!(bed.queries(jars).await.len(), 2);
}

#[tokio::test]
async fn queries_of_large_requests_do_not_fill_the_memory_while_they_wait() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = finding(1).await;
    let jars = bed.index(tenant, "jars", &[&searcher]).await;
    let large = json!({"q": "jar", "filter": format!("a = {}", "x".repeat(16_000))});
    for _ in 0..600 {
        assert_eq!(bed.post(&root, "/indexes/jars/search", &large, None).await.status, 200);
    }
    // Not more than 8 MiB of them wait.
    assert_eq!(bed.counted(tenant, jars).await.searches, 600);
    let logged = bed.queries(jars).await[0].1.searches;
    assert!((400..530).contains(&logged), "{logged}");
    // What was looked at takes no room any more.
    bed.post(&root, "/indexes/jars/search", &large, None).await;
    bed.counting.tell().await;
    assert_eq!(bed.queries(jars).await[0].1.searches, logged + 1);
}

#[tokio::test]
async fn what_fails_is_not_counted() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let failing = Searcher::with("a", Router::new().fallback(async || StatusCode::BAD_REQUEST)).await;
    let jars = bed.index(tenant, "jars", &[&failing]).await;
    bed.post(&root, "/indexes/jars/search", &json!({"q": "a"}), None).await;
    assert_eq!(bed.counted(tenant, jars).await, Counts::default());
}

#[tokio::test]
async fn documents_are_counted_as_the_uploader_says_and_that_stays_inside() {
    let index = IndexId::generate();
    let told = format!("{index};12");
    let uploader = Router::new().fallback(async move || ([("x-onggi-uploaded", told.clone())], Json(json!({"taskUid": 1}))));
    let bed = Bed::with(limits(), uploader, service("admin")).await;
    let (tenant, root) = bed.tenant("one").await;
    let answer = bed.send(request(&root, Method::POST, "/indexes/jars/documents", Body::from("[]"))).await;
    assert_eq!((answer.status, answer.header("x-onggi-uploaded")), (200, ""));
    assert_eq!(bed.counted(tenant, index).await.documents, 12);
}

#[tokio::test]
async fn the_user_who_searches_is_nobody_elses_affair() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let mut request = request(&root, Method::POST, "/indexes/jars/search", Body::from("{\"q\":\"a\"}"));
    for name in ["x-onggi-user", "x-ms-user-id"] {
        request.headers_mut().insert(name, "ada@example.com".parse().unwrap());
    }
    let answer = bed.send(request).await;
    assert!(!String::from_utf8_lossy(&answer.bytes).contains("ada@"), "{answer:?}");
}

#[tokio::test]
async fn events_count_once_for_each_user_query_and_document() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let jars = bed.index(tenant, "jars", &[]).await;
    let search = bed.key(tenant, &[Action::Search], &["jars"]).await;
    let click = |user: &str, position: u32| json!({"type": "click", "query": "Jar", "documentId": 7, "position": position, "userId": user});
    let conversion = json!({"type": "conversion", "query": "jar", "documentId": "7"});
    let report = json!({"events": [click("ada", 2), click("ada", 2), click("bob", 4), conversion]});
    let answer = bed.post(&search, "/indexes/jars/events", &report, Some("ada")).await;
    assert_eq!((answer.status, answer.json()), (202, json!({"accepted": 4})));
    let counts = bed.counted(tenant, jars).await;
    assert_eq!((counts.clicks, counts.positions, counts.conversions, counts.searches), (3, 8, 1, 0));
    let queries = bed.metadata.searches.queries(
        jars,
        Timestamp::UNIX_EPOCH,
        Timestamp::now() + std::time::Duration::from_hours(1),
        QueryOrder::Slow,
        10,
    );
    assert!(queries.await.unwrap().is_empty(), "a query that was only clicked was not asked");
    // Once it is asked, what became of it is told with it.
    let searcher = finding(1).await;
    bed.fleet.set(jars, &[&searcher]);
    bed.post(&root, "/indexes/jars/search", &json!({"q": "jar"}), None).await;
    bed.counting.tell().await;
    let queries = bed.queries(jars).await;
    assert_eq!((queries[0].1.clicks, queries[0].1.positions, queries[0].1.conversions), (2, 6, 1));
}

#[tokio::test]
async fn wrong_events_are_refused_whole() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let jars = bed.index(tenant, "jars", &[]).await;
    let good = json!({"type": "click", "query": "jar", "documentId": "7", "position": 1});
    let with = |name: &str, value: Value| {
        let mut event = good.clone();
        event[name] = value;
        json!({"events": [good, event]})
    };
    for (body, part) in [
        (with("type", json!("view")), "view"),
        (with("position", json!(0)), "`.events[1].position`"),
        (with("position", Value::Null), "`.events[1].position`"),
        (with("query", json!("x".repeat(3000))), "`.events[1].query`"),
        (with("documentId", json!("")), "`.events[1].documentId`"),
        (with("userId", json!("x".repeat(300))), "`.events[1].userId`"),
        (with("ip", json!("10.0.0.1")), "ip"),
        (json!({"events": vec![good.clone(); 101]}), "101"),
        (json!([]), ""),
    ] {
        let answer = bed.post(&root, "/indexes/jars/events", &body, None).await;
        assert_eq!(answer.outcome(), (400, "invalid_events".to_owned()), "{body}: {answer:?}");
        assert!(answer.json()["message"].as_str().unwrap().contains(part), "{part}: {answer:?}");
    }
    assert_eq!(bed.counted(tenant, jars).await, Counts::default());
    let report = json!({"events": [good]});
    assert_eq!(bed.post(&root, "/indexes/none/events", &report, None).await.outcome(), (404, "index_not_found".to_owned()));
    let other = bed.key(tenant, &[Action::DocumentsAdd], &["*"]).await;
    assert_eq!(bed.post(&other, "/indexes/jars/events", &report, None).await.outcome(), (403, "invalid_api_key".to_owned()));
    let mut request = request(&root, Method::POST, "/indexes/jars/events", Body::from(" ".repeat(300 * 1024)));
    request.headers_mut().remove(header::CONTENT_LENGTH);
    assert_eq!(bed.send(request).await.status, 413);
}

#[tokio::test]
async fn a_tenants_plan_says_how_much_it_may_ask() {
    let bed = Bed::new().await;
    let ((small, asks_little), (_, asks_much)) = (bed.tenant("small").await, bed.tenant("large").await);
    bed.metadata.tenants.set_plan(small, Some("free")).await.unwrap();
    let refused = async |key: &str| {
        let answers = futures::future::join_all((0..60).map(|_| bed.call(key, Method::GET, "/indexes"))).await;
        answers.iter().filter(|answer| answer.status == 429).count()
    };
    assert!(refused(&asks_little).await >= 30, "20 a second");
    assert_eq!(refused(&asks_much).await, 0);
}
