//! Things end the hard way while documents and searches arrive: nothing accepted is lost, and with two replicas no search fails.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use onggi_testkit::{Api, Load};

use crate::{
    bed::{Bed, NAMESPACE, documents, index_with_documents, ready, report, rolled_out},
    kubectl::{eventually, kubectl, list, names},
    replicas::searchers,
};

/// Uploads batches of ten until told to stop; returns the ids that were accepted.
pub(crate) struct Uploads {
    stop: tokio::sync::watch::Sender<bool>,
    task: tokio::task::JoinHandle<(BTreeSet<u64>, Vec<String>)>,
}

impl Uploads {
    pub(crate) fn start(api: Api, first: usize) -> Self {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let task = tokio::spawn(async move {
            let (mut accepted, mut refused) = (BTreeSet::new(), Vec::new());
            let mut next = first;
            // Paces the load.
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !*stopped.borrow() {
                ticks.tick().await;
                let request = api.request(reqwest::Method::POST, "/indexes/jars/documents").json(&documents(next, 10));
                match api.send(request).await {
                    Ok(answer) if answer.status == 202 => accepted.extend((next..next + 10).map(|id| id as u64)),
                    // Not accepted, or nobody knows: not counted on.
                    Ok(answer) => refused.push(format!("{} {}", answer.status, String::from_utf8_lossy(&answer.bytes))),
                    Err(error) => refused.push(format!("{error:?}")),
                }
                next += 10;
            }
            (accepted, refused)
        });
        Self { stop, task }
    }

    /// What was accepted, and what was not.
    pub(crate) async fn finish(self) -> (BTreeSet<u64>, Vec<String>) {
        let _ = self.stop.send(true);
        self.task.await.expect("the uploads")
    }
}

/// Every document of the index by paging; panics when one is there twice.
async fn all_ids(api: &Api) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    loop {
        let page = api.get(&format!("/indexes/jars/documents?limit=1000&offset={}&fields=id", ids.len())).await;
        let results = page["results"].as_array().expect("results").clone();
        for document in &results {
            let id = document["id"].as_u64().expect("an id");
            assert!(ids.insert(id), "document {id} is there twice");
        }
        if results.is_empty() {
            return ids;
        }
    }
}

/// Fails when a document that was accepted is not there, once every task is at its end.
pub(crate) async fn nothing_is_missing(api: &Api, accepted: &BTreeSet<u64>) {
    api.until("/tasks?statuses=enqueued,processing", |tasks| tasks["total"] == 0).await;
    let there = all_ids(api).await;
    let missing: Vec<u64> = accepted.difference(&there).copied().collect();
    assert!(missing.is_empty(), "{} of {} documents are lost, first: {:?}", missing.len(), accepted.len(), missing.first());
}

/// Ends the process of a container with SIGKILL, from outside: nothing in the pod can be asked to do so.
pub(crate) async fn kill(namespace: &str, pod: &str) {
    let pods = list(&format!("pods -n {namespace}")).await;
    let pod = pods.iter().find(|candidate| candidate["metadata"]["name"] == pod).unwrap_or_else(|| panic!("no pod {pod}"));
    let container =
        pod["status"]["containerStatuses"][0]["containerID"].as_str().expect("an id").trim_start_matches("containerd://").to_owned();
    let killed = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        std::fs::read_to_string(entry.path().join("cgroup")).ok()?.contains(&container).then_some(pid)
    });
    for pid in killed.collect::<Vec<_>>() {
        let _ = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}

fn name(pod: &serde_json::Value) -> String {
    pod["metadata"]["name"].as_str().expect("a name").to_owned()
}

/// Whatever happens to one of two, the other answers.
pub(crate) async fn searchers_that_are_deleted_killed_or_evicted_cost_no_search(bed: &Bed) {
    let tenant = bed.tenant("crash-searchers").await;
    let (api, namespace) = (&tenant.api, &tenant.namespace);
    index_with_documents(api, "jars", 100, 2).await;
    let load = Load::start(api, "jars", "jar", 2);
    for how in ["delete", "kill -9", "evict"] {
        load.more(50).await;
        let victim = name(&searchers(namespace).await[0]);
        let begin = Instant::now();
        match how {
            "delete" => drop(kubectl(&format!("-n {namespace} delete pod {victim} --wait=false")).await),
            "evict" => evict(namespace, &victim).await,
            _ => kill(namespace, &victim).await,
        }
        load.more(50).await;
        eventually("two are ready again", async || {
            let pods = searchers(namespace).await;
            let is_ready = |pod: &&serde_json::Value| pod["status"]["containerStatuses"][0]["ready"] == true;
            let replaced = how == "kill -9" || pods.iter().all(|pod| name(pod) != victim);
            (pods.len() == 2 && pods.iter().filter(is_ready).count() == 2 && replaced).then_some(())
        })
        .await;
        ready(api, "jars", 2).await;
        report(&format!("searcher, {how}"), begin.elapsed());
    }
    let load = load.finish().await;
    assert!(load.failures.is_empty(), "{} of {} failed, first: {:?}", load.failures.len(), load.answered, load.failures.first());
}

async fn evict(namespace: &str, pod: &str) {
    let eviction = serde_json::json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}});
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/eviction");
    let created = crate::kubectl::output("kubectl", &["create", "--raw", &path, "-f", "-"], Some(&eviction.to_string())).await;
    created.unwrap_or_else(|error| panic!("{error}"));
}

/// With uploads all the time it is folding, committing or publishing when it ends.
pub(crate) async fn an_indexer_killed_while_it_publishes_loses_nothing(bed: &Bed) {
    let tenant = bed.tenant("crash-indexer").await;
    let (api, namespace) = (&tenant.api, &tenant.namespace);
    index_with_documents(api, "jars", 10, 1).await;
    let uploads = Uploads::start(api.clone(), 1000);
    for _ in 0..3 {
        let before = generation(api).await;
        api.until("/indexes/jars/generations", |answer| newest(answer) > before).await;
        let indexer =
            eventually("an indexer runs", async || names(&format!("pods -n {namespace} -l onggi.dev/role=indexer")).await.pop()).await;
        kill(namespace, &indexer).await;
    }
    let before = generation(api).await;
    let begin = Instant::now();
    api.until("/indexes/jars/generations", |answer| newest(answer) > before).await;
    report("indexer, kill -9 until the next generation", begin.elapsed());
    let (mut accepted, refused) = uploads.finish().await;
    assert!(refused.is_empty(), "{} uploads were refused, first: {:?}", refused.len(), refused.first());
    accepted.extend(0..10);
    nothing_is_missing(api, &accepted).await;
}

async fn generation(api: &Api) -> u64 {
    newest(&api.get("/indexes/jars/generations").await)
}

fn newest(answer: &serde_json::Value) -> u64 {
    answer["results"].as_array().into_iter().flatten().filter_map(|row| row["generation"].as_u64()).max().unwrap_or(0)
}

/// Gateway, uploader and admin one of two each, the controller that leads twice.
pub(crate) async fn services_that_are_killed_lose_nothing_that_was_accepted(bed: &Bed) {
    let tenant = bed.tenant("crash-services").await;
    let api = &tenant.api;
    index_with_documents(api, "jars", 10, 2).await;
    let uploads = Uploads::start(api.clone(), 1000);
    for component in ["gateway", "uploader", "admin", "controller", "controller"] {
        let victim = if component == "controller" {
            leader().await
        } else {
            names(&format!("pods -n {NAMESPACE} -l app.kubernetes.io/component={component}")).await.remove(0)
        };
        let begin = Instant::now();
        kill(NAMESPACE, &victim).await;
        rolled_out(&format!("onggi-{component}")).await;
        // Something that only a working control plane does. Until the dead one is known to be dead, a request may meet it.
        eventually("a task succeeds", async || {
            let accepted = try_json(api, reqwest::Method::POST, "/indexes/jars/documents", Some(&documents(500, 1))).await?;
            eventually("it is at its end", async || {
                let task = try_json(api, reqwest::Method::GET, &format!("/tasks/{}", accepted["taskUid"]), None).await?;
                (task["status"] == "succeeded").then_some(())
            })
            .await;
            Some(())
        })
        .await;
        report(&format!("{component}, kill -9 until a task succeeds"), begin.elapsed());
    }
    let (mut accepted, refused) = uploads.finish().await;
    println!("  {} uploads were not accepted while a gateway or an uploader was gone", refused.len());
    accepted.extend(0..10);
    nothing_is_missing(api, &accepted).await;
}

/// An answer that succeeded, if it did.
async fn try_json(api: &Api, method: reqwest::Method, path: &str, body: Option<&serde_json::Value>) -> Option<serde_json::Value> {
    let request = api.request(method, path);
    let request = if let Some(body) = body { request.json(body) } else { request };
    api.send(request).await.ok().filter(|answer| (200..300).contains(&answer.status)).map(|answer| answer.json())
}

/// The pod of the controller that leads.
pub(crate) async fn leader() -> String {
    eventually("a controller leads", async || {
        let lease = crate::kubectl::get(&format!("lease onggi-controller -n {NAMESPACE}")).await;
        let holder = lease["spec"]["holderIdentity"].as_str()?.split(':').next()?.to_owned();
        let pods = list(&format!("pods -n {NAMESPACE} -l app.kubernetes.io/component=controller")).await;
        pods.iter().find(|pod| pod["status"]["podIP"] == holder.as_str()).map(name)
    })
    .await
}
