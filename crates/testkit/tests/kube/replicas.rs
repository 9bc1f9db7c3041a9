//! Pods follow what a tenant selects, and no search fails meanwhile.

use std::time::Instant;

use onggi_testkit::Load;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    bed::{Bed, index_with_documents, ready, report},
    kubectl::{eventually, kubectl, list},
};

/// Pods of an index's searchers that are not ending.
pub(crate) async fn searchers(namespace: &str) -> Vec<Value> {
    let pods = list(&format!("pods -n {namespace} -l onggi.dev/role=searcher")).await;
    pods.into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect()
}

/// 1 -> 3 -> 1 -> 0 -> woken by the load.
pub(crate) async fn replicas_follow_what_the_tenant_selects_without_a_failed_search(bed: &Bed) {
    let tenant = bed.tenant("replicas").await;
    let api = &tenant.api;
    index_with_documents(api, "jars", 200, 1).await;
    let load = Load::start(api, "jars", "jar", 2);
    for replicas in [3, 1] {
        let begin = Instant::now();
        api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"replicas": replicas}))).await;
        ready(api, "jars", replicas).await;
        eventually("the pods follow", async || (searchers(&tenant.namespace).await.len() == replicas).then_some(())).await;
        report(&format!("{replicas} replicas"), begin.elapsed());
        load.more(100).await;
    }
    api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"replicas": 0}))).await;
    let begin = Instant::now();
    // The load wakes it at once.
    load.more(20).await;
    ready(api, "jars", 1).await;
    report("asleep and awake again under load", begin.elapsed());
    let load = load.finish().await;
    assert!(load.failures.is_empty(), "{} of {} failed, first: {:?}", load.failures.len(), load.answered, load.failures.first());
}

/// In a range the number follows the searches, and the object says why.
pub(crate) async fn a_range_follows_the_load_and_every_decision_is_an_event(bed: &Bed) {
    let tenant = bed.tenant("range").await;
    let api = &tenant.api;
    index_with_documents(api, "jars", 500, 1).await;
    let range = json!({"min": 1, "max": 3, "target": {"concurrentSearches": 2}});
    api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"autoscale": range}))).await;
    let mut searching = JoinSet::new();
    for _ in 0..12 {
        let (api, body) = (api.clone(), json!({"q": "jar number", "limit": 500, "attributesToHighlight": ["*"]}));
        searching.spawn(async move {
            loop {
                api.ok("POST", "/indexes/jars/search", Some(&body)).await;
            }
        });
    }
    let begin = Instant::now();
    ready(api, "jars", 3).await;
    report("from 1 to 3 under load", begin.elapsed());
    assert!(searching.try_join_next().is_none(), "a search failed");
    searching.shutdown().await;
    let begin = Instant::now();
    let calm = ready(api, "jars", 1).await;
    report("from 3 to 1 without it", begin.elapsed());
    println!("  the tenant reads: {}", calm["decisions"]);
    eventually("both decisions are events", async || {
        let events = list(&format!("events -n {} --field-selector reason=Scaled", tenant.namespace)).await;
        let says = |what: &str| events.iter().any(|event| event["message"].as_str().is_some_and(|text| text.contains(what)));
        (says("to 3 searchers: at least") && says("to 1 searchers: at most")).then_some(())
    })
    .await;
}

/// `kubectl scale` and a deleted Service are undone.
pub(crate) async fn what_is_changed_by_hand_is_put_back(bed: &Bed) {
    let tenant = bed.tenant("by-hand").await;
    index_with_documents(&tenant.api, "jars", 10, 2).await;
    let namespace = &tenant.namespace;
    let object = list(&format!("searchindexes -n {namespace}")).await.remove(0);
    let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
    let load = Load::start(&tenant.api, "jars", "jar", 2);
    for replicas in [5, 0] {
        kubectl(&format!("-n {namespace} scale searchindex/{name} --replicas={replicas}")).await;
        eventually("the number is put back", async || {
            let object = list(&format!("searchindexes -n {namespace}")).await.remove(0);
            (object["spec"]["replicas"] == 2 && searchers(namespace).await.len() == 2).then_some(())
        })
        .await;
    }
    let deployment = list(&format!("deployments -n {namespace} -l onggi.dev/role=searcher")).await.remove(0);
    let deployment = deployment["metadata"]["name"].as_str().expect("a name").to_owned();
    kubectl(&format!("-n {namespace} scale deployment/{deployment} --replicas=3")).await;
    eventually("the Deployment is put back", async || {
        let deployment = list(&format!("deployments -n {namespace} -l onggi.dev/role=searcher")).await.remove(0);
        (deployment["spec"]["replicas"] == 2 && searchers(namespace).await.len() == 2).then_some(())
    })
    .await;
    kubectl(&format!("-n {namespace} delete service,poddisruptionbudget --all")).await;
    eventually("Service and budget are made again", async || {
        let again = list(&format!("service,poddisruptionbudget -n {namespace}")).await;
        (again.len() == 2).then_some(())
    })
    .await;
    ready(&tenant.api, "jars", 2).await;
    load.more(50).await;
    let load = load.finish().await;
    assert!(load.failures.is_empty(), "{} of {} failed, first: {:?}", load.failures.len(), load.answered, load.failures.first());
}

/// The time from the first search of a sleeping index to its answer.
pub(crate) async fn a_sleeping_index_of_100_megabytes_wakes_in_time(bed: &Bed) {
    let tenant = bed.tenant("wake").await;
    let api = &tenant.api;
    api.done("POST", "/indexes", &json!({"uid": "jars", "primaryKey": "id"})).await;
    api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"replicas": 1, "sleepAfterSeconds": null}))).await;
    // Text that does not compress well: 100 MB of documents become about as much of an index. Long words, for there is time to be spent on
    // each.
    let word = |number: u64| format!("{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let words = |id: u64| (0..96).map(|place| word((id * 7919 + place * 104_729) % 200_003)).collect::<Vec<_>>().join(" ");
    for part in 0..10 {
        let documents: Value =
            (part * 6000..(part + 1) * 6000).map(|id| json!({"id": id, "title": format!("jar {id}"), "text": words(id)})).collect();
        api.done("POST", "/indexes/jars/documents", &documents).await;
    }
    let bytes: usize = api.get("/indexes/jars/stats").await["rawDocumentDbSize"].as_u64().unwrap_or_default() as usize;
    println!("  documents: {} MB", bytes / 1_000_000);
    let mut times = Vec::new();
    for _ in 0..5 {
        api.ok("POST", "/indexes/jars/sleep", None).await;
        eventually("it sleeps", async || {
            list(&format!("pods -n {} -l onggi.dev/role=searcher", tenant.namespace)).await.is_empty().then_some(())
        })
        .await;
        let begin = Instant::now();
        let found = api.ok("POST", "/indexes/jars/search", Some(&json!({"q": "jar 77"}))).await;
        times.push(begin.elapsed());
        assert!(!found["hits"].as_array().expect("hits").is_empty());
    }
    times.sort();
    let seconds: Vec<String> = times.iter().map(|time| format!("{:.2}", time.as_secs_f64())).collect();
    println!("  wakes: {} s", seconds.join(", "));
}
