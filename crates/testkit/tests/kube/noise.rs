//! One tenant's trouble stays there.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use onggi_testkit::Api;
use serde_json::{Value, json};

use crate::{
    bed::{Bed, Tenant, index_with_documents, ready},
    crashes::{kill, processes},
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

/// Whether the container of a pod has ended since it had been restarted `restarts` times.
fn has_ended(pod: &Value, restarts: u64) -> bool {
    let status = &pod["status"]["containerStatuses"][0];
    status["restartCount"].as_u64() > Some(restarts) || !status["state"]["waiting"].is_null()
}

/// Has the searcher of a tenant end four times, by `end`.
async fn end_again_and_again(namespace: &str, end: impl AsyncFn(&Value)) {
    for _ in 0..4 {
        let pod = eventually("it runs", async || {
            let pod = searchers(namespace).await.pop()?;
            (!pod["status"]["containerStatuses"][0]["state"]["running"].is_null()).then_some(pod)
        })
        .await;
        let restarts = pod["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0);
        end(&pod).await;
        eventually("it is seen to have ended", async || has_ended(&searchers(namespace).await.pop()?, restarts).then_some(())).await;
    }
}

/// Two tenants; while `trouble` comes to the searcher of one, the searches of the other are as fast as before, and the one is told of it
/// in these words.
async fn a_neighbour_is_not_disturbed(bed: &Bed, names: [&str; 2], trouble: impl AsyncFn(&Value), told: &str) {
    let [calm, troubled]: [Tenant; 2] = [bed.tenant(names[0]).await, bed.tenant(names[1]).await];
    index_with_documents(&calm.api, "jars", 500, 1).await;
    index_with_documents(&troubled.api, "jars", 10, 1).await;
    let before = p99(&calm.api, 500).await;
    let (during, ()) = tokio::join!(p99(&calm.api, 500), end_again_and_again(&troubled.namespace, trouble));
    println!("  p99 of the neighbour: {:.1} ms before, {:.1} ms during", before.as_secs_f64() * 1e3, during.as_secs_f64() * 1e3);
    // Noise on a small machine is large; what must not happen is that it waits for the other.
    assert!(during < before * 5 + Duration::from_millis(50), "{before:?} before, {during:?} during");

    let note = |answer: &Value| answer["containers"][0]["note"].as_str().unwrap_or_default().to_owned();
    let shown = troubled.api.until("/indexes/jars/containers", |answer| note(answer).contains(told)).await;
    let object = list(&format!("searchindexes -n {}", troubled.namespace)).await.remove(0);
    println!("  the tenant reads: {}; the operator: {}", note(&shown), object["status"]["phase"]);
    ready(&troubled.api, "jars", 1).await;
}

/// A tenant whose searcher crashes again and again.
pub(crate) async fn a_neighbour_that_crashes_does_not_disturb(bed: &Bed) {
    let crash = async |pod: &Value| kill(pod).await;
    a_neighbour_is_not_disturbed(bed, ["calm", "crashing"], crash, "restarted").await;
}

/// A tenant whose searcher uses all the memory that it may.
pub(crate) async fn a_neighbour_at_its_memory_limit_does_not_disturb(bed: &Bed) {
    let fill = async |pod: &Value| fill(pod);
    a_neighbour_is_not_disturbed(bed, ["unmoved", "hungry"], fill, "more memory than its size has").await;
}

/// Fills the memory of a pod's container to its limit, by a process of the node that joins it: the system then ends the container's own.
fn fill(pod: &Value) {
    let Some(process) = processes(pod).pop() else { return };
    // Of all that is in the container the searcher is to be the victim; what filled the memory goes on and is the next.
    let _ = std::fs::write(format!("/proc/{process}/oom_score_adj"), "1000");
    let procs = memory_of(process).join("cgroup.procs");
    let hog = "echo $$ > \"$1\" && exec tail /dev/zero";
    let mut hog = std::process::Command::new("sh").args(["-c", hog, "sh", &procs.display().to_string()]).spawn().expect("a shell");
    std::thread::spawn(move || hog.wait());
}

/// The directory of the control group that counts the memory of a process.
fn memory_of(process: i32) -> PathBuf {
    let groups = std::fs::read_to_string(format!("/proc/{process}/cgroup")).expect("the groups of a process");
    let path_of = |controller: &str| {
        groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|name| name == controller).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    match path_of("memory") {
        Some(path) => PathBuf::from("/sys/fs/cgroup/memory").join(path),
        None => PathBuf::from("/sys/fs/cgroup").join(path_of("").expect("the one group of version 2")),
    }
}
