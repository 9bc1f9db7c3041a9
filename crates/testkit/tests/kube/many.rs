//! Many indexes cost little: the API server is asked when something changes, and not otherwise.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    bed::{Bed, index_with_documents, ready, report},
    kubectl::{eventually, kubectl, list},
};

/// Requests that the API server has had from the accounts of Onggi's namespace cannot be told apart in its metrics: all are counted, and
/// those of the cluster's own components are measured first.
async fn requests() -> u64 {
    let metrics = kubectl("get --raw /metrics").await;
    let lines = metrics.lines().filter(|line| line.starts_with("apiserver_request_total{") && !line.contains("resource=\"leases\""));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}

/// Requests in a quiet while.
async fn at_rest(seconds: u64) -> u64 {
    let before = requests().await;
    // Nothing can be waited for: it is the absence of events that is measured.
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    requests().await - before
}

/// Requests and time that one change takes.
async fn a_change(api: &onggi_testkit::Api, uid: &str) -> (u64, Duration) {
    let (before, begin) = (requests().await, Instant::now());
    api.ok("PATCH", &format!("/indexes/{uid}/containers"), Some(&json!({"replicas": 2}))).await;
    ready(api, uid, 2).await;
    let took = begin.elapsed();
    api.ok("PATCH", &format!("/indexes/{uid}/containers"), Some(&json!({"replicas": 1}))).await;
    ready(api, uid, 1).await;
    (requests().await - before, took)
}

/// 200 indexes, of which all but one sleep.
pub(crate) async fn two_hundred_indexes_are_quiet(bed: &Bed) {
    let tenant = bed.tenant("many").await;
    let api = &tenant.api;
    index_with_documents(api, "jars", 10, 1).await;
    let few = (at_rest(15).await, a_change(api, "jars").await);
    let begin = Instant::now();
    for number in 0..200 {
        let uid = format!("sleeper-{number}");
        api.done("POST", "/indexes", &json!({"uid": uid, "primaryKey": "id"})).await;
        api.ok("PATCH", &format!("/indexes/{uid}/containers"), Some(&json!({"replicas": 0}))).await;
    }
    eventually("all have their object and sleep", async || {
        let objects = list(&format!("searchindexes -n {}", tenant.namespace)).await;
        let asleep = objects.iter().filter(|object| object["status"]["phase"] == "Asleep").count();
        let pods = list(&format!("pods -n {}", tenant.namespace)).await.len();
        (asleep == 200 && pods <= 2).then_some(())
    })
    .await;
    report("200 indexes created and asleep", begin.elapsed());
    let many = (at_rest(15).await, a_change(api, "jars").await);
    println!("  requests at rest in 15 s: {} before, {} with 200 more", few.0, many.0);
    println!("  requests of a change: {} before, {} with 200 more; time {:?}, {:?}", few.1.0, many.1.0, few.1.1, many.1.1);
    assert!(many.0 <= few.0 + 30, "{} requests at rest, {} before", many.0, few.0);
}
