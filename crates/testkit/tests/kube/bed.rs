//! An installation: PostgreSQL and an S3 server on the node, the chart in the cluster, tenants with keys.

use std::{
    cell::RefCell,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use onggi_testkit::{Api, Postgres, S3_KEY, S3Server};
use serde_json::{Value, json};

use crate::kubectl::{self, eventually, get, kubectl, output};

/// The node's address, which pods reach.
const NODE: &str = "198.18.0.1";
/// The namespace of the services.
pub(crate) const NAMESPACE: &str = "onggi";

/// The zone of the one node.
pub(crate) const ZONE: &str = "kube-test-a";

/// What all scenarios share.
pub(crate) struct Bed {
    pub(crate) s3: S3Server,
    pub(crate) postgres: Postgres,
    pub(crate) url: String,
    values: tempfile::NamedTempFile,
    /// The tenants of the scenario that runs.
    tenants: RefCell<Vec<Api>>,
}

/// A tenant and what it may do.
pub(crate) struct Tenant {
    pub(crate) api: Api,
    pub(crate) root_key: String,
    pub(crate) namespace: String,
}

/// A variable that `cargo xtask test kube` sets.
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: `cargo xtask test kube` does"))
}

impl Bed {
    /// Installs the chart and waits until everything is ready.
    pub(crate) async fn install() -> Self {
        kubectl(&format!("label node --all --overwrite topology.kubernetes.io/zone={ZONE}")).await;
        let node: IpAddr = NODE.parse().expect("an address");
        let s3 = S3Server::start(SocketAddr::new(node, 0)).await;
        let postgres = Postgres::start(node);
        let values = tempfile::Builder::new().suffix(".json").tempfile().expect("a temporary file");
        std::fs::write(values.path(), values_of(&s3, &postgres).to_string()).expect("a temporary file can be written");
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE,
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        kubectl::apply(&namespace).await.expect("a namespace");
        let bed = Self { s3, postgres, url: String::new(), values, tenants: RefCell::default() };
        bed.helm(&variable("ONGGI_KUBE_IMAGE")).await.unwrap_or_else(|error| panic!("{error}"));
        let service = get("service onggi-gateway -n onggi").await;
        let port = service["spec"]["ports"][0]["nodePort"].as_u64().expect("a NodePort");
        let bed = Self { url: format!("http://127.0.0.1:{port}"), ..bed };
        // kube-proxy writes the rules a moment after the pods are ready.
        let api = Api::new(&bed.url, "");
        eventually("the gateway answers", async || {
            api.send(api.request(reqwest::Method::GET, "/health")).await.ok().filter(|answer| answer.status == 200)
        })
        .await;
        // What asks for containers needs a controller that leads.
        crate::crashes::leader().await;
        bed
    }

    /// Installs the chart, or upgrades it, with this image.
    pub(crate) async fn helm(&self, image: &str) -> Result<String, String> {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/helm/onggi");
        let tag = format!("image.tag={}", image.rsplit(':').next().unwrap_or_default());
        let values = self.values.path().display().to_string();
        let chart = chart.display().to_string();
        let arguments =
            ["upgrade", "--install", "onggi", &chart, "-n", NAMESPACE, "--values", &values, "--set", &tag, "--wait", "--timeout", "180s"];
        output(&variable("ONGGI_KUBE_HELM"), &arguments, None).await
    }

    /// Creates a tenant as the platform's operator does.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let text = self.onggi(&format!("tenant create {name}")).await;
        let key = |which: &str| {
            let line = text.lines().find(|line| line.trim_start().starts_with(which)).unwrap_or_else(|| panic!("no {which} in {text}"));
            line.split_whitespace().last().expect("a key").to_owned()
        };
        let id = self.postgres.query(&format!("SELECT id FROM tenants WHERE name = '{name}' ORDER BY created_at DESC LIMIT 1")).await;
        let root_key = key("root key");
        let api = Api::new(&self.url, &root_key);
        self.tenants.borrow_mut().push(api.clone());
        Tenant { api, root_key, namespace: format!("onggi-t-{id}") }
    }

    /// Puts to sleep what the last scenario left awake, so that the next has the machine to itself.
    pub(crate) async fn rest(&self) {
        let tenants = self.tenants.take();
        for api in tenants {
            // A scenario may have removed the tenant, or the whole gateway.
            let Ok(indexes) = api.send(api.request(reqwest::Method::GET, "/indexes?limit=1000")).await else { continue };
            for index in indexes.json()["results"].as_array().into_iter().flatten() {
                let path = format!("/indexes/{}/sleep", index["uid"].as_str().unwrap_or_default());
                let _ = api.send(api.request(reqwest::Method::POST, &path)).await;
            }
        }
    }

    /// Runs a command of the operator in the cluster.
    pub(crate) async fn onggi(&self, arguments: &str) -> String {
        kubectl(&format!("-n {NAMESPACE} exec deploy/onggi-admin -- /usr/bin/onggi --config /etc/onggi/onggi.toml {arguments}")).await
    }
}

fn values_of(s3: &S3Server, postgres: &Postgres) -> Value {
    let image = variable("ONGGI_KUBE_IMAGE");
    let repository = image.rsplit_once(':').map_or(image.as_str(), |(repository, _)| repository);
    json!({
        "image": {"repository": repository, "pullPolicy": "Never"},
        "secret": {
            "secret": "0123456789abcdef0123456789abcdef",
            "internalSecret": "fedcba9876543210fedcba9876543210",
            "database": postgres.url(),
            "bucketOptions": {"aws_access_key_id": S3_KEY.0, "aws_secret_access_key": S3_KEY.1},
        },
        "bucket": {"url": s3.url(), "egress": [{"cidr": format!("{NODE}/32"), "port": s3.address().port()}]},
        "gateway": {"service": {"type": "NodePort"}},
        "controllerConfig": {"indexer_warm": "5s", "purge_after": "2s", "scale_down_after": "10s", "abandon_after": "20s"},
        "kubernetesConfig": {"lease_time": "6s", "cpu_request_percent": 2, "memory_request_percent": 5},
        "log": "info,onggi_controller=debug",
    })
}

/// `count` documents `{id, title, group}`, ids from `first` on.
pub(crate) fn documents(first: usize, count: usize) -> Value {
    (first..first + count).map(|id| json!({"id": id, "title": format!("jar number {id}"), "group": id % 7})).collect()
}

/// Creates an index with documents and these containers.
pub(crate) async fn index_with_documents(api: &Api, uid: &str, count: usize, replicas: u32) {
    api.done("POST", "/indexes", &json!({"uid": uid, "primaryKey": "id"})).await;
    api.ok("PATCH", &format!("/indexes/{uid}/containers"), Some(&json!({"replicas": replicas, "sleepAfterSeconds": null}))).await;
    api.done("POST", &format!("/indexes/{uid}/documents"), &documents(0, count)).await;
    ready(api, uid, replicas as usize).await;
}

/// Waits until this many searchers of an index answer.
pub(crate) async fn ready(api: &Api, uid: &str, replicas: usize) -> Value {
    api.until(&format!("/indexes/{uid}/containers"), |answer| {
        let containers = answer["containers"].as_array().map_or(&[][..], Vec::as_slice);
        let searchers = || containers.iter().filter(|container| container["role"] == "searcher");
        searchers().count() == replicas && searchers().all(|container| container["status"] == "running")
    })
    .await
}

/// Waits until a Deployment has as many ready pods as it should have, and no others.
pub(crate) async fn rolled_out(name: &str) {
    kubectl(&format!("-n {NAMESPACE} rollout status deployment/{name} --timeout=90s")).await;
}

/// How long something took, for the report.
pub(crate) fn report(what: &str, took: Duration) {
    println!("  {what}: {:.2} s", took.as_secs_f64());
}
