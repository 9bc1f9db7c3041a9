//! One tenant's trouble stays there.

use std::time::{Duration, Instant};

use onggi_testkit::Api;
use serde_json::json;

use crate::{
    bed::{Bed, index_with_documents, ready},
    kubectl::{eventually, list},
    replicas::searchers,
};

/// The 99th percentile of searches, one after another, each 10 ms.
async fn p99(api: &Api, searches: usize) -> Duration {
    let mut times = Vec::with_capacity(searches);
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for number in 0..searches {
        ticks.tick().await;
        let begin = Instant::now();
        api.ok("POST", "/indexes/jars/search", Some(&json!({"q": format!("jar {number}")}))).await;
        times.push(begin.elapsed());
    }
    times.sort();
    times[searches * 99 / 100]
}

/// A tenant whose searcher crashes again and again is told so, and its neighbour's searches are as fast as before.
pub(crate) async fn a_neighbour_in_trouble_does_not_disturb(bed: &Bed) {
    let (calm, troubled) = (bed.tenant("calm").await, bed.tenant("troubled").await);
    index_with_documents(&calm.api, "jars", 500, 1).await;
    index_with_documents(&troubled.api, "jars", 10, 1).await;
    let before = p99(&calm.api, 500).await;
    let namespace = troubled.namespace.clone();
    let crashing = async {
        for _ in 0..4 {
            let pod = searchers(&namespace).await.remove(0);
            let name = pod["metadata"]["name"].as_str().expect("a name").to_owned();
            crate::crashes::kill(&namespace, &name).await;
            let restarts = pod["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0);
            eventually("it is seen to have ended", async || {
                let pod = searchers(&namespace).await.remove(0);
                let status = &pod["status"]["containerStatuses"][0];
                (status["restartCount"].as_u64() > Some(restarts) || !status["state"]["waiting"].is_null()).then_some(())
            })
            .await;
        }
    };
    let (during, ()) = tokio::join!(p99(&calm.api, 500), crashing);
    println!("  p99 of the neighbour: {:.1} ms before, {:.1} ms during", before.as_secs_f64() * 1e3, during.as_secs_f64() * 1e3);
    // Noise on a small machine is large; what must not happen is that it waits for the other.
    assert!(during < before * 5 + Duration::from_millis(50), "{before:?} before, {during:?} during");

    let containers = troubled.api.until("/indexes/jars/containers", |answer| !answer["containers"][0]["note"].is_null()).await;
    let note = containers["containers"][0]["note"].as_str().unwrap_or_default().to_owned();
    assert!(note.contains("restarted"), "{note}");
    let object = list(&format!("searchindexes -n {}", troubled.namespace)).await.remove(0);
    println!("  the tenant reads: {note}; the operator: {}", object["status"]["phase"]);
    ready(&troubled.api, "jars", 1).await;
}
