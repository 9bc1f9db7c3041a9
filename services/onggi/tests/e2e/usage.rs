//! What is used is metered, told and billed: by real workers, through the API, over a restart.

use std::time::Instant;

use axum::{Router, body::Bytes, routing::post};
use http::HeaderMap;
use onggi_testkit::{Api, Onggi};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{configured, index_with_documents, tenants::tenant};

/// An Onggi that tells what it counts soon.
async fn quick() -> (Onggi, tempfile::NamedTempFile) {
    let text = "[controller]\nmeter_every = \"100ms\"\nbill_every = \"200ms\"\nwebhooks_every = \"100ms\"\n\
                [analytics]\ntell_every = \"100ms\"\ntell_queries_every = \"100ms\"\n";
    configured(text).await
}

fn seconds(usage: &Value, role: &str) -> f64 {
    usage["totals"]["containerSecondsByRole"][role].as_f64().unwrap_or(0.0)
}

#[tokio::test]
async fn containers_searches_and_documents_are_metered_and_a_restart_counts_nothing_twice() {
    let begin = Instant::now();
    let (mut onggi, _config) = quick().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 30, 2).await;
    for q in ["Jar", "jar ", "nothing-of-the-kind"] {
        api.ok("POST", "/indexes/jars/search", Some(&json!({"q": q}))).await;
    }
    let click = json!({"events": [{"type": "click", "query": "jar", "documentId": 3, "position": 2, "userId": "ada"}]});
    api.ok("POST", "/indexes/jars/events", Some(&click)).await;
    let usage = api.until("/usage", |usage| seconds(usage, "searcher") > 1.0 && usage["totals"]["searches"] == 3).await;
    let jars = &usage["results"][0];
    assert_eq!((&jars["key"], &jars["deleted"], &jars["documents"]), (&json!("jars"), &json!(false), &json!(30)));
    assert!(jars["cost"]["containers"].as_f64().unwrap() > 0.0, "{usage}");
    assert_eq!(usage["quotas"][0], json!({"name": "indexes", "used": 1, "limit": 10_000}));
    api.until("/usage", |usage| usage["totals"]["byteHours"].as_f64() > Some(0.0)).await;
    assert!(seconds(&usage, "indexer") > 0.0, "{usage}");

    let wanted = |analytics: &Value| analytics["top"][0]["searches"] == 2 && analytics["top"][0]["clicks"] == 1;
    let analytics = api.until("/indexes/jars/analytics", wanted).await;
    assert_eq!((&analytics["top"][0]["query"], &analytics["empty"][0]["query"]), (&json!("jar"), &json!("nothing-of-the-kind")));
    assert!(analytics["now"]["searchesPerMinute"].as_f64().unwrap() > 0.0 && analytics["totals"]["p50Ms"].as_f64().unwrap() > 0.0);
    assert_eq!(api.get("/stats/searches").await["indexes"]["jars"], analytics["now"]);

    onggi.kill().await;
    onggi.restart().await;
    let api = onggi.api();
    let before = seconds(&api.get("/usage").await, "searcher");
    api.call("POST", "/indexes/jars/search", Some(&json!({"q": "jar"}))).await;
    let usage = api.until("/usage", |usage| seconds(usage, "searcher") > before + 1.0 && usage["totals"]["searches"] == 4).await;
    let all = usage["totals"]["containerSeconds"].as_f64().unwrap();
    // Two searchers and an indexer were never more than three.
    assert!(all <= begin.elapsed().as_secs_f64() * 3.0, "{all} container-seconds in {:?}", begin.elapsed());
    let csv = api.call("GET", "/usage?format=csv&by=size", None).await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(String::from_utf8_lossy(&csv.bytes).lines().nth(1).unwrap().starts_with("small,"));
}

#[tokio::test]
async fn who_spends_more_than_it_wants_is_told_once_and_by_a_signed_message() {
    let (onggi, _config) = quick().await;
    let api = onggi.api();
    let (sender, mut told) = mpsc::unbounded_channel();
    let router = Router::new().route(
        "/alert",
        post(async move |headers: HeaderMap, body: Bytes| {
            let signature = headers["x-onggi-signature"].to_str().unwrap().to_owned();
            sender.send((signature, body)).unwrap();
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/alert", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let alert = api.ok("PATCH", "/usage/alert", Some(&json!({"amount": 0.000_002, "url": url}))).await;
    index_with_documents(&api, "jars", 1, 1).await;
    let (signature, body) = tokio::time::timeout(std::time::Duration::from_mins(1), told.recv()).await.unwrap().unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&message["type"], &message["amount"], &message["currency"]), (&json!("spendingAlert"), &json!(0.000_002), &json!("EUR")));
    let (time, shown) = signature.split_once(",v1=").unwrap();
    let time: i64 = time.strip_prefix("t=").unwrap().parse().unwrap();
    assert_eq!(shown, onggi_metadata::sign(alert["signingSecret"].as_str().unwrap(), time, &body));
    let usage = api.until("/usage", |usage| usage["alert"]["delivered"] == true).await;
    assert_eq!(usage["alert"]["passedCost"], message["cost"]);
    // The cost grows on, and that is not told again.
    api.until("/usage", |later| later["month"]["cost"].as_f64() > usage["month"]["cost"].as_f64()).await;
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn a_tenant_on_a_small_plan_is_held_to_it_everywhere() {
    // As small as the plan `free`, but for the requests a second: the test is in a hurry.
    const PLANS: &str = r#"
        [plans]
        default = "scale"
        sign_up = "tiny"
        [[plans.list]]
        name = "tiny"
        max_indexes = 3
        max_replicas_per_index = 1
        max_replicas = 3
        max_documents = 100_000
        max_storage = "1GiB"
        requests_per_second = 1000
        sizes = ["small"]
        max_cpu_millis = 1500
        max_memory = "768MiB"
        [[plans.list]]
        name = "scale"
        max_indexes = 100
        max_replicas_per_index = 8
        max_replicas = 100
        max_documents = 1_000_000
        max_storage = "1TiB"
        requests_per_second = 1000
        max_cpu_millis = 100_000
        max_memory = "1TiB"
    "#;
    let (onggi, config) = configured(PLANS).await;
    let api = tenant(&onggi, "small").await;
    onggi.command(&["--config", config.path().to_str().unwrap(), "tenant", "plan", "small", "tiny"]).await;
    let refused = async |api: &Api, method: &str, path: &str, body: Value| {
        let answer = api.call(method, path, Some(&body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "quota_exceeded"), "{method} {path}: {answer:?}");
    };
    for uid in ["a", "b", "c"] {
        api.done("POST", &format!("/indexes/{uid}/documents"), &json!([{"id": 1}])).await;
    }
    refused(&api, "POST", "/indexes", json!({"uid": "d"})).await;
    refused(&api, "POST", "/indexes/d/documents", json!([{"id": 1}])).await;
    refused(&api, "PATCH", "/indexes/d/settings", json!({"stopWords": ["a"]})).await;
    refused(&api, "POST", "/indexes/a/generations/1/fork", json!({"uid": "d"})).await;
    refused(&api, "PATCH", "/indexes/a/containers", json!({"replicas": 2})).await;
    refused(&api, "PATCH", "/indexes/a/containers", json!({"size": "large"})).await;
    let many: Value = (0..100_001).map(|id| json!({"id": id})).collect();
    refused(&api, "POST", "/indexes/a/documents", many).await;
    assert_eq!(api.get("/indexes").await["total"], 3);
    assert_eq!(api.get("/plan").await["plan"]["name"], "tiny");
}
