//! Many indexes cost little: the API server is asked when something changes, and not otherwise. What belongs to no index goes.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde_json::json;
use uuid::Uuid;

use crate::{
    bed::{Bed, NAMESPACE, index_with_documents, ready, report},
    crashes::leader,
    kubectl::{apply, eventually, kubectl, list, names},
};

/// Indexes that are created at the same time.
const PARALLEL: usize = 8;

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

/// Requests in a quiet while, once what was begun before is at its end: the cluster removes indexers and what belonged to them a while later.
async fn at_rest_again(at_most: u64) -> u64 {
    let mut seen = at_rest(10).await;
    for _ in 0..6 {
        if seen <= at_most {
            break;
        }
        seen = at_rest(10).await;
    }
    seen
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
    let few = (at_rest(10).await, a_change(api, "jars").await);
    let begin = Instant::now();
    let creating = stream::iter(0..200).for_each_concurrent(PARALLEL, async |number| {
        let uid = format!("sleeper-{number}");
        api.done("POST", "/indexes", &json!({"uid": uid, "primaryKey": "id"})).await;
        api.ok("PATCH", &format!("/indexes/{uid}/containers"), Some(&json!({"replicas": 0}))).await;
    });
    creating.await;
    eventually("all have their object and sleep", async || {
        let objects = list(&format!("searchindexes -n {}", tenant.namespace)).await;
        let asleep = objects.iter().filter(|object| object["status"]["phase"] == "Asleep").count();
        let pods = list(&format!("pods -n {}", tenant.namespace)).await.len();
        (asleep == 200 && pods <= 2).then_some(())
    })
    .await;
    report("200 indexes created and asleep", begin.elapsed());
    let at_most = few.0 + 30;
    let many = (at_rest_again(at_most).await, a_change(api, "jars").await);
    println!("  requests at rest in 10 s: {} before, {} with 200 more", few.0, many.0);
    println!("  requests of a change: {} before, {} with 200 more; time {:?}, {:?}", few.1.0, many.1.0, few.1.1, many.1.1);
    assert!(many.0 <= at_most, "{} requests at rest, {} before", many.0, few.0);
}

/// A `SearchIndex` that no index in the database stands behind, as after a restore of an older one, is removed when a controller begins.
pub(crate) async fn an_object_of_no_index_is_removed(bed: &Bed) {
    let tenant = bed.tenant("strays").await;
    index_with_documents(&tenant.api, "jars", 10, 1).await;
    let index = Uuid::now_v7().to_string();
    let owner = tenant.namespace.trim_start_matches("onggi-t-");
    let labels = json!({"onggi.dev/index": index, "onggi.dev/tenant": owner});
    let object = json!({
        "apiVersion": "onggi.dev/v1alpha1", "kind": "SearchIndex",
        "metadata": {"name": index, "namespace": tenant.namespace, "labels": labels, "finalizers": ["onggi.dev/containers"]},
        "spec": {"tenant": owner, "index": index, "uid": "stray", "size": "small", "replicas": 0},
    });
    apply(&object).await.unwrap_or_else(|error| panic!("{error}"));
    eventually("it is operated on", async || {
        list(&format!("searchindexes -n {}", tenant.namespace))
            .await
            .iter()
            .all(|object| object["status"]["phase"].is_string())
            .then_some(())
    })
    .await;
    let before = leader().await;
    kubectl(&format!("-n {NAMESPACE} delete pod {before}")).await;
    eventually("another controller has removed it", async || {
        let left = names(&format!("searchindexes -n {}", tenant.namespace)).await;
        (left.len() == 1 && !left.contains(&index)).then_some(())
    })
    .await;
    ready(&tenant.api, "jars", 1).await;
}
