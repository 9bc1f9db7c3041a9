//! What must not be possible: rights, and who can reach whom.

use serde_json::Value;

use crate::{
    bed::{Bed, NAMESPACE, index_with_documents},
    kubectl::{get, list, try_kubectl},
    replicas::searchers,
};

/// Namespaces enforce the restricted standard, and an account can do what it needs and no more.
pub(crate) async fn every_object_passes_the_restricted_standard_and_rights_end_where_they_should(bed: &Bed) {
    let tenant = bed.tenant("fences").await;
    index_with_documents(&tenant.api, "jars", 10, 1).await;
    for namespace in [NAMESPACE, &tenant.namespace] {
        let labels = get(&format!("namespace {namespace}")).await["metadata"]["labels"].clone();
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted", "{namespace}");
    }
    let refused = list("events -A --field-selector reason=FailedCreate").await;
    let refused: Vec<&Value> =
        refused.iter().filter(|event| event["message"].as_str().is_some_and(|text| text.contains("PodSecurity"))).collect();
    assert!(refused.is_empty(), "{refused:?}");

    for (account, what, expected) in [
        ("onggi-gateway", "list endpointslices.discovery.k8s.io -A", true),
        ("onggi-gateway", "get secrets -A", false),
        ("onggi-gateway", "list pods -A", false),
        ("onggi-gateway", "patch searchindexes.onggi.dev -A", false),
        ("onggi-controller", "patch searchindexes.onggi.dev -A", true),
        ("onggi-controller", "patch deployments.apps -A", true),
        ("onggi-controller", "get secrets -A", false),
        ("onggi-controller", "list secrets -A", false),
        ("onggi-controller", "create pods -A", false),
        ("onggi-controller", "create pods/exec -A", false),
        ("onggi-controller", "create clusterrolebindings", false),
        ("onggi-controller", "update nodes", false),
        ("onggi-uploader", "list pods -A", false),
        ("onggi-admin", "list searchindexes.onggi.dev -A", false),
    ] {
        let answer = try_kubectl(&format!("auth can-i {what} --as=system:serviceaccount:{NAMESPACE}:{account} -q")).await;
        assert_eq!(answer.is_ok(), expected, "{account}: {what}");
    }
    let worker =
        try_kubectl(&format!("auth can-i list pods -n {0} --as=system:serviceaccount:{0}:onggi-worker -q", tenant.namespace)).await;
    assert!(worker.is_err(), "workers have no rights");
    let pod = &searchers(&tenant.namespace).await[0];
    let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    assert!(volumes.iter().all(|volume| volume["projected"].is_null()), "workers have no token");
}

/// How it goes when a pod calls an address: `Ok` when something answers, otherwise what went wrong.
async fn call(namespace: &str, pod: &str, url: &str) -> Result<String, String> {
    try_kubectl(&format!("-n {namespace} exec {pod} -- /usr/bin/onggi health --url {url}")).await
}

/// From a worker: the bucket and DNS answer and nothing else does. To a worker: only gateway and controller get through.
pub(crate) async fn workers_reach_their_bucket_and_nothing_else(bed: &Bed) {
    let (tenant, other) = (bed.tenant("fence-a").await, bed.tenant("fence-b").await);
    index_with_documents(&tenant.api, "jars", 10, 1).await;
    index_with_documents(&other.api, "jars", 10, 1).await;
    let ip = |pod: &Value| pod["status"]["podIP"].as_str().expect("an address").to_owned();
    let name = |pod: &Value| pod["metadata"]["name"].as_str().expect("a name").to_owned();
    let (mine, theirs) = (searchers(&tenant.namespace).await.remove(0), searchers(&other.namespace).await.remove(0));
    let worker = name(&mine);
    let blocked = |what: &str, answer: Result<String, String>| {
        let error = answer.err().unwrap_or_else(|| panic!("{what} can be reached"));
        assert!(error.contains("no answer within"), "{what} can be reached: {error}");
    };

    let bucket = call(&tenant.namespace, &worker, &format!("http://{}", bed.s3.address())).await;
    assert!(bucket.is_err_and(|error| error.contains("answered 4") || error.contains("not JSON")), "the bucket must answer");

    let controller = list(&format!("pods -n {NAMESPACE} -l app.kubernetes.io/component=controller")).await.remove(0);
    let admin = list(&format!("pods -n {NAMESPACE} -l app.kubernetes.io/component=admin")).await.remove(0);
    let database = bed.postgres.address();
    for (what, url) in [
        ("the API server", "http://198.19.0.1:443".to_owned()),
        ("the API server at its node", "http://198.18.0.1:6443".to_owned()),
        ("the database", format!("http://{database}")),
        ("the controller", format!("http://{}:7700", ip(&controller))),
        ("another tenant's worker", format!("http://{}:7710", ip(&theirs))),
        // A name that resolves: it is the connection that is refused.
        ("the gateway by its name", "http://onggi-gateway.onggi.svc.cluster.local".to_owned()),
    ] {
        blocked(what, call(&tenant.namespace, &worker, &url).await);
    }
    let unknown = call(&tenant.namespace, &worker, "http://nobody.invalid").await;
    assert!(unknown.is_err_and(|error| !error.contains("no answer within")), "DNS says that there is no such name");

    let to_worker = format!("http://{}:7710", ip(&mine));
    let gateway = list(&format!("pods -n {NAMESPACE} -l app.kubernetes.io/component=gateway")).await.remove(0);
    for (pod, may) in [(gateway, true), (controller, true), (admin, false)] {
        let answer = call(NAMESPACE, &name(&pod), &to_worker).await;
        if may {
            assert!(answer.is_err_and(|error| error.contains("Authorization")), "{} must get through", name(&pod));
        } else {
            blocked(&name(&pod), answer);
        }
    }
}
