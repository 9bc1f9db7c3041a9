//! Things end the hard way while documents and searches arrive: nothing accepted is lost, and with two replicas no search fails.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use onggi_testkit::{Api, Failure, Load};
use serde_json::{Value, json};

use crate::{
    bed::{Bed, NAMESPACE, documents, index_with_documents, ready, report, rolled_out},
    kubectl::{apply, eventually, kubectl, list, names, try_kubectl},
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

/// The processes of a pod's container, as the node numbers them.
pub(crate) fn processes(pod: &Value) -> Vec<i32> {
    let container = pod["status"]["containerStatuses"][0]["containerID"].as_str().unwrap_or("none yet").trim_start_matches("containerd://");
    let of_container = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        std::fs::read_to_string(entry.path().join("cgroup")).ok()?.contains(container).then_some(pid)
    });
    of_container.collect()
}

/// Ends the process of a container with SIGKILL, from outside: nothing in the pod can be asked to do so.
pub(crate) async fn kill(pod: &Value) {
    for pid in processes(pod) {
        let _ = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}

/// The same for a pod of which only the name is known.
async fn kill_by_name(namespace: &str, pod: &str) {
    kill(&crate::kubectl::get(&format!("pod {pod} -n {namespace}")).await).await;
}

fn name(pod: &Value) -> String {
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
            _ => kill_by_name(namespace, &victim).await,
        }
        load.more(50).await;
        eventually("two are ready again", async || {
            let pods = searchers(namespace).await;
            let is_ready = |pod: &&Value| pod["status"]["containerStatuses"][0]["ready"] == true;
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
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}});
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
        kill_by_name(namespace, &indexer).await;
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

fn newest(answer: &Value) -> u64 {
    answer["results"].as_array().into_iter().flatten().filter_map(|row| row["generation"].as_u64()).max().unwrap_or(0)
}

/// Gateway, uploader and admin one of two each, the controller that leads twice.
pub(crate) async fn services_that_are_killed_lose_nothing_that_was_accepted(bed: &Bed) {
    let tenant = bed.tenant("crash-services").await;
    let api = &tenant.api;
    index_with_documents(api, "jars", 10, 2).await;
    let uploads = Uploads::start(api.clone(), 1000);
    // A gateway takes the connections that it holds with it: who asks again has an answer, from the other one.
    let load = Load::start(api, "jars", "jar", 2);
    kill_service(api, "gateway").await;
    load.more(50).await;
    let load = load.finish().await;
    let answered_after = |failure: &Failure| match failure {
        Failure::Connection { answered_after, .. } => *answered_after,
        Failure::Answer(_) => None,
    };
    let waits: Vec<Duration> = load.failures.iter().filter_map(answered_after).collect();
    println!(
        "  {} of {} searches lost their connection with the gateway; asked again, all were answered within {:.2} s",
        waits.len(),
        load.answered,
        waits.iter().max().copied().unwrap_or_default().as_secs_f64()
    );
    assert_eq!(waits.len(), load.failures.len(), "{:?}", load.failures);
    // What else ends, no search notices.
    let load = Load::start(api, "jars", "jar", 2);
    for component in ["uploader", "admin", "controller", "controller"] {
        kill_service(api, component).await;
    }
    let load = load.finish().await;
    println!("  {} of {} searches failed while uploader, admin and controllers ended", load.failures.len(), load.answered);
    assert!(load.failures.is_empty(), "first: {:?}", load.failures.first());
    let (mut accepted, refused) = uploads.finish().await;
    println!("  {} uploads were not accepted while a gateway or an uploader was gone", refused.len());
    accepted.extend(0..10);
    nothing_is_missing(api, &accepted).await;
}

/// Ends a pod of a service, the hard way, and waits until a task succeeds; of the controller, the one that leads.
async fn kill_service(api: &Api, component: &str) {
    let victim = if component == "controller" {
        leader().await
    } else {
        names(&format!("pods -n {NAMESPACE} -l app.kubernetes.io/component={component}")).await.remove(0)
    };
    let begin = Instant::now();
    kill_by_name(NAMESPACE, &victim).await;
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

/// Ends the controller that leads, the hard way, and waits until the next one answers.
async fn kill_leader(api: &Api) {
    let status =
        async |pod: &str| crate::kubectl::get(&format!("pod {pod} -n {NAMESPACE}")).await["status"]["containerStatuses"][0].clone();
    let before = leader().await;
    let restarts = status(&before).await["restartCount"].as_u64();
    kill_by_name(NAMESPACE, &before).await;
    // The same pod may lead again: what tells is that it was started again or that another one leads.
    eventually("a controller leads again", async || {
        let now = leader().await;
        let status = status(&now).await;
        ((now != before || status["restartCount"].as_u64() > restarts) && status["ready"] == true).then_some(())
    })
    .await;
    // Who holds the lease reads the cluster first.
    eventually("it answers", async || try_json(api, reqwest::Method::GET, "/indexes/jars/containers", None).await).await;
}

/// The API server refuses Deployments of a tenant's namespace for a while: each pass of a controller ends between the objects of an index, and
/// it is killed there; then it is killed at moments of chance while indexes come into being.
pub(crate) async fn a_controller_killed_in_mid_reconcile_leaves_nothing_half_done(bed: &Bed) {
    let tenant = bed.tenant("crash-reconcile").await;
    let (api, namespace) = (&tenant.api, &tenant.namespace);
    index_with_documents(api, "jars", 10, 1).await;
    for object in refusal(namespace) {
        apply(&object).await.unwrap_or_else(|error| panic!("{error}"));
    }
    eventually("Deployments are refused", async || {
        try_kubectl(&format!("-n {namespace} create deployment none --image=none --dry-run=server")).await.err()
    })
    .await;
    api.done("POST", "/indexes", &json!({"uid": "pots", "primaryKey": "id"})).await;
    api.ok("POST", "/indexes/pots/documents", Some(&documents(0, 10))).await;
    let of_pots = async |kind: &str| {
        let objects = list(&format!("searchindexes -n {namespace}")).await;
        let id = objects.iter().find(|object| object["spec"]["uid"] == "pots")?["metadata"]["name"].as_str()?.to_owned();
        Some(names(&format!("{kind} -n {namespace} -l onggi.dev/index={id}")).await.len())
    };
    for _ in 0..2 {
        eventually("it is half done", async || (of_pots("secrets").await? == 1).then_some(())).await;
        assert_eq!(of_pots("deployments").await, Some(0));
        kill_leader(api).await;
    }
    for kind in ["validatingadmissionpolicybinding", "validatingadmissionpolicy"] {
        kubectl(&format!("delete {kind} refuse-deployments")).await;
    }
    let begin = Instant::now();
    ready(api, "pots", 1).await;
    api.until("/tasks?statuses=enqueued,processing", |tasks| tasks["total"] == 0).await;
    assert_eq!(api.ok("POST", "/indexes/pots/search", Some(&json!({"q": "jar"}))).await["estimatedTotalHits"], 10);
    report("done after the second kill in mid-reconcile", begin.elapsed());

    let uids: Vec<String> = (0..6).map(|number| format!("bowls-{number}")).collect();
    for (round, pair) in uids.chunks(2).enumerate() {
        for uid in pair {
            let accepted = try_json(api, reqwest::Method::POST, "/indexes", Some(&json!({"uid": uid, "primaryKey": "id"}))).await;
            assert!(accepted.is_some(), "indexes are created whether a controller leads or not");
            let path = format!("/indexes/{uid}/documents");
            eventually("the index is there", async || try_json(api, reqwest::Method::POST, &path, Some(&documents(0, 5))).await).await;
        }
        // Moments of chance, spread over the time that the objects take.
        tokio::time::sleep(Duration::from_millis(40 * round as u64)).await;
        kill_leader(api).await;
    }
    let begin = Instant::now();
    for uid in &uids {
        ready(api, uid, 1).await;
        let found = api.ok("POST", &format!("/indexes/{uid}/search"), Some(&json!({"q": "jar"}))).await;
        assert_eq!(found["estimatedTotalHits"], 5, "{uid}");
    }
    report("six indexes done after the last of three kills", begin.elapsed());
}

/// A policy of the cluster that refuses new Deployments in a namespace.
fn refusal(namespace: &str) -> [Value; 2] {
    let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]});
    let api = "admissionregistration.k8s.io/v1";
    let metadata = json!({"name": "refuse-deployments"});
    [
        json!({"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": {
            "failurePolicy": "Fail", "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "false", "message": "refused by the test"}]}}),
        json!({"apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": {
            "policyName": "refuse-deployments", "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}}}),
    ]
}

/// What a task that has succeeded wrote is found at once, whichever searcher answers and whatever becomes of the others.
pub(crate) async fn a_write_that_is_done_is_found_while_searchers_come_and_go(bed: &Bed) {
    let tenant = bed.tenant("crash-reads").await;
    let (api, namespace) = (&tenant.api, &tenant.namespace);
    index_with_documents(api, "jars", 100, 2).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let writing = async {
        let mut written = 0_usize;
        while !*stopped.borrow() {
            let id = 1000 + written;
            api.done("POST", "/indexes/jars/documents", &json!([{"id": id, "title": format!("token{id}")}])).await;
            for _ in 0..3 {
                let found = api.ok("POST", "/indexes/jars/search", Some(&json!({"q": format!("token{id}"), "limit": 1}))).await;
                assert_eq!(found["hits"][0]["id"], id, "a write that is done is not found");
            }
            written += 1;
        }
        written
    };
    let changing = async {
        for replicas in [3, 1, 3, 2] {
            api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"replicas": replicas}))).await;
            ready(api, "jars", replicas).await;
        }
        for how in ["delete", "kill -9"] {
            let victim = name(&searchers(namespace).await[0]);
            match how {
                "delete" => drop(kubectl(&format!("-n {namespace} delete pod {victim}")).await),
                _ => kill_by_name(namespace, &victim).await,
            }
            ready(api, "jars", 2).await;
        }
        let _ = stop.send(true);
    };
    let (written, ()) = tokio::join!(writing, changing);
    println!("  {written} writes were each found three times");
}

/// An answer that succeeded, if it did.
async fn try_json(api: &Api, method: reqwest::Method, path: &str, body: Option<&Value>) -> Option<Value> {
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
