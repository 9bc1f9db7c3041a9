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
    kubectl::{apply, eventually, kubectl, list},
};

/// How often a container ends while its neighbour is measured.
const ENDINGS: usize = 3;

/// The 99th percentile of searches, one after another, each 10 ms, for as long as something takes.
async fn p99_during(api: &Api, something: impl Future<Output = ()>) -> Duration {
    let (mut times, mut ticks) = (Vec::new(), tokio::time::interval(Duration::from_millis(10)));
    let searches = async {
        loop {
            ticks.tick().await;
            let begin = Instant::now();
            api.ok("POST", "/indexes/jars/search", Some(&json!({"q": format!("jar {}", times.len())}))).await;
            times.push(begin.elapsed());
        }
    };
    tokio::select! {
        () = something => {}
        () = searches => {}
    }
    times.sort();
    times[times.len() * 99 / 100]
}

/// Whether the container of a pod has ended since it had been restarted `restarts` times.
fn has_ended(pod: &Value, restarts: u64) -> bool {
    let status = &pod["status"]["containerStatuses"][0];
    status["restartCount"].as_u64() > Some(restarts) || !status["state"]["waiting"].is_null()
}

/// Has the container of a namespace's only pod end, by `end`, each time that it runs.
async fn end_again_and_again(namespace: &str, end: impl AsyncFn(&Value)) {
    let pod = async || list(&format!("pods -n {namespace}")).await.pop();
    for _ in 0..ENDINGS {
        let running = eventually("it runs", async || {
            let pod = pod().await?;
            (!pod["status"]["containerStatuses"][0]["state"]["running"].is_null()).then_some(pod)
        })
        .await;
        let restarts = running["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0);
        end(&running).await;
        eventually("it is seen to have ended", async || has_ended(&pod().await?, restarts).then_some(())).await;
    }
}

/// A pod that has nothing to do with Onggi and does nothing: what it costs a neighbour to have it started again is the node's own.
async fn idle_pod(namespace: &str) {
    let metadata = |name: &str| json!({"name": name, "namespace": namespace});
    let container = json!({"name": "idle", "image": "onggi.test/pause:1", "imagePullPolicy": "Never"});
    for object in [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata("idle"), "spec": {"containers": [container]}}),
    ] {
        eventually("it is accepted", async || apply(&object).await.ok()).await;
    }
}

/// Two tenants; while `trouble` comes to the searcher of one, the searches of the other are as fast as before, or as they are while a container
/// that does nothing is killed as often; and the one is told of it in these words.
async fn a_neighbour_is_not_disturbed(bed: &Bed, names: [&str; 2], trouble: impl AsyncFn(&Value), told: &str) {
    let [calm, troubled]: [Tenant; 2] = [bed.tenant(names[0]).await, bed.tenant(names[1]).await];
    index_with_documents(&calm.api, "jars", 500, 1).await;
    index_with_documents(&troubled.api, "jars", 10, 1).await;
    let idle = format!("idle-{}", names[1]);
    idle_pod(&idle).await;
    eventually("no indexer runs", async || (list(&format!("pods -n {}", troubled.namespace)).await.len() == 1).then_some(())).await;

    let rest = || tokio::time::sleep(Duration::from_secs(5));
    let quiet = [p99_during(&calm.api, rest()).await, p99_during(&calm.api, rest()).await];
    let idle_ends = p99_during(&calm.api, end_again_and_again(&idle, async |pod: &Value| kill(pod).await)).await;
    let during = p99_during(&calm.api, end_again_and_again(&troubled.namespace, &trouble)).await;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "  p99 of the neighbour: {:.1} and {:.1} ms at rest, {:.1} ms while a container that does nothing is killed {ENDINGS} times, {:.1} ms while the searcher ends as often",
        ms(quiet[0]),
        ms(quiet[1]),
        ms(idle_ends),
        ms(during)
    );
    // Noise on a small machine is large; what must not happen is that it waits for the other.
    assert!(during < idle_ends * 3 + Duration::from_millis(50), "{quiet:?} at rest, {idle_ends:?}, {during:?}");
    kubectl(&format!("delete namespace {idle} --wait=false")).await;

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
