//! The conformance suite of `Runtime`, against this cluster: the controller's test binary runs as a pod, as the controller would, and its
//! containers run a worker that only keeps the protocol.

use onggi_testkit::S3_KEY;
use serde_json::json;

use crate::{
    bed::{Bed, variable},
    kubectl::{apply, eventually, get, kubectl, list},
};

const NAMESPACE: &str = "onggi-conformance";

/// Every test of the suite passes.
pub(crate) async fn the_runtime_does_what_every_runtime_does(bed: &Bed) {
    let object = |kind: &str, api: &str, extra: serde_json::Value| {
        let mut object = json!({"apiVersion": api, "kind": kind, "metadata": {"name": NAMESPACE, "namespace": NAMESPACE}});
        object.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        object
    };
    let subject = json!({"kind": "ServiceAccount", "name": NAMESPACE, "namespace": NAMESPACE});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "onggi-onggi-controller"});
    let suite = json!({
        "name": "suite", "image": variable("ONGGI_KUBE_SUITE_IMAGE"), "imagePullPolicy": "Never",
        "args": ["kubernetes::", "--test-threads=3"],
        "env": [
            {"name": "ONGGI_KUBE_NAMESPACE", "value": NAMESPACE},
            {"name": "ONGGI_KUBE_STAND_IN", "value": variable("ONGGI_KUBE_STAND_IN_IMAGE")},
            {"name": "ONGGI_KUBE_BUCKET", "value": bed.s3.url()},
            {"name": "ONGGI_KUBE_EGRESS_PORT", "value": bed.s3.address().port().to_string()},
            {"name": "AWS_ACCESS_KEY_ID", "value": S3_KEY.0},
            {"name": "AWS_SECRET_ACCESS_KEY", "value": S3_KEY.1},
        ],
    });
    let template = json!({
        "metadata": {"labels": {"app.kubernetes.io/component": "controller"}},
        "spec": {"serviceAccountName": NAMESPACE, "restartPolicy": "Never", "enableServiceLinks": false, "containers": [suite]},
    });
    for object in [
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAMESPACE, "namespace": NAMESPACE}}),
        object(
            "ClusterRoleBinding",
            "rbac.authorization.k8s.io/v1",
            json!({"metadata": {"name": NAMESPACE}, "roleRef": role, "subjects": [subject]}),
        ),
        object("Job", "batch/v1", json!({"spec": {"backoffLimit": 0, "activeDeadlineSeconds": 240, "template": template}})),
    ] {
        apply(&object).await.unwrap_or_else(|error| panic!("{error}"));
    }
    let ended = eventually("the suite ends", async || {
        let status = get(&format!("job {NAMESPACE} -n {NAMESPACE}")).await["status"].clone();
        status["conditions"].as_array()?.iter().find(|condition| condition["status"] == "True").map(|condition| condition["type"].clone())
    })
    .await;
    let log = kubectl(&format!("-n {NAMESPACE} logs job/{NAMESPACE}")).await;
    print!("{log}");
    assert_ne!(ended, "Failed", "{log}");
    assert!(log.contains("7 passed"), "{log}");
    // Nobody operates on what the suite has left.
    for object in list("searchindexes -A").await {
        let (name, namespace) = (&object["metadata"]["name"], object["metadata"]["namespace"].as_str().unwrap_or_default());
        if namespace.starts_with("onggi-c") {
            let name = name.as_str().unwrap_or_default();
            kubectl(&format!("-n {namespace} patch searchindex {name} --type merge -p {{\"metadata\":{{\"finalizers\":null}}}}")).await;
            kubectl(&format!("delete namespace {namespace} --wait=false")).await;
        }
    }
    kubectl(&format!("delete namespace {NAMESPACE} --wait=false")).await;
    kubectl(&format!("delete clusterrolebinding {NAMESPACE}")).await;
}
