//! `cargo xtask chart`: the chart without a cluster. Rendered for each platform that it has values for, and with every switch on; held against the
//! API's schemas in the oldest and a new version, against the restricted Pod Security Standard, and against what `onggi` takes as configuration.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use crate::install;

const CHART: &str = "deploy/helm/onggi";
const VALUES: &str = "deploy/helm/values";
/// The oldest version that the chart says it supports, and one that is newer than any test cluster.
const VERSIONS: &str = "1.30,1.36";

/// What the chart cannot do without.
fn needed() -> Value {
    json!({
        "secret": {
            "secret": "0123456789abcdef0123456789abcdef", "internalSecret": "fedcba9876543210fedcba9876543210",
            "database": "postgres://h/d", "bucketOptions": {"aws_access_key_id": "k", "aws_secret_access_key": "s"},
        },
        "bucket": {"url": "s3://b"},
    })
}

/// Everything that can be switched on.
fn everything() -> Value {
    json!({
        "bucket": {"sts": {"role": "arn:aws:iam::1:role/workers"}, "egress": [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"], "port": 9000}]},
        "image": {"pullSecrets": ["registry"]},
        "sizes": [{"name": "small", "cpu_millis": 500, "memory": "256MiB", "disk": "2GiB", "max_documents": 1_000_000}],
        "gateway": {"autoscaling": {"enabled": true}, "service": {"type": "LoadBalancer", "annotations": {"a": "b"}}},
        "uploader": {"autoscaling": {"enabled": true}},
        "nodeSelector": {"a": "b"}, "tolerations": [{"key": "a", "operator": "Exists"}], "priorityClassName": "high",
        "podAnnotations": {"a": "b"}, "serviceAccountAnnotations": {"a": "b"},
        "ingress": {"enabled": true, "className": "c", "annotations": {"a": "b"}, "tlsSecret": "t"},
        "gatewayApi": {
            "enabled": true, "annotations": {"a": "b"}, "parent": {"name": "g", "namespace": "n", "sectionName": "s"}, "hostnames": ["h"],
            "requestTimeout": "600s",
        },
        "serviceMonitor": {"enabled": true, "labels": {"a": "b"}}, "alerts": {"enabled": true, "labels": {"a": "b"}},
        "dashboards": {"enabled": true}, "telemetry": {"otlp": "http://collector:4318", "sample": 0.5},
    })
}

/// Every section of the program's configuration that has values of its own.
fn configuration() -> Value {
    json!({
        "proxies": ["10.0.0.0/8"], "secret": {"clientSecrets": {"company": "s"}},
        "plans": {"default": "one", "sign_up": "one", "list": [{
            "name": "one", "max_indexes": 1, "max_replicas_per_index": 1, "max_replicas": 1, "max_documents": 10_000_000_000_u64,
            "max_storage": "1GiB", "requests_per_second": 5, "max_cpu_millis": 500, "max_memory": "1GiB",
            "prices": {"currency": "KRW", "container_hour": {"small": 15.5}},
        }]},
        "portalConfig": {"sign_up": "invited", "oidc": {"company": {"issuer": "https://id.example.com", "client_id": "c", "label": "Company"}}},
        "limits": {"requests_per_second": 100}, "analyticsConfig": {"log_one_in": 10},
        "controllerConfig": {"collect_every": "2h"}, "kubernetesConfig": {"node_selector": {"a": "b"}},
    })
}

/// Runs all checks; an error says what is wrong.
pub(crate) fn check() -> anyhow::Result<()> {
    let helm = install::helm()?;
    let tools = install::schemas()?;
    crate::build_programs()?;
    let work = tempfile::tempdir().context("cannot make a temporary directory")?;
    let chart = Chart { helm, work: work.path().to_owned() };
    let mut files =
        vec![chart.render("everything", &[chart.values("switches", &everything())?, chart.values("configuration", &configuration())?])?];
    for entry in fs::read_dir(VALUES).with_context(|| format!("cannot read {VALUES}"))? {
        let values = entry.context("reading the values")?.path();
        let platform = values.file_stem().and_then(|name| name.to_str()).context("values have a plain name")?.to_owned();
        files.push(chart.render(&platform, &[values])?);
    }
    ensure!(files.len() == 7, "values for six platforms: {files:?}");
    let rendered = validated(&tools, &files)?;
    for (file, objects) in &rendered {
        check_objects(objects).with_context(|| format!("rendered for {}", file.display()))?;
        chart.check_configuration(objects).with_context(|| format!("rendered for {}", file.display()))?;
    }
    check_openshift(&rendered)?;
    check_everything(&rendered)?;
    chart.refuses_what_it_does_not_know()?;
    println!("{} renderings are valid for Kubernetes {VERSIONS}", rendered.len());
    Ok(())
}

type Rendered = BTreeMap<PathBuf, Vec<Value>>;

struct Chart {
    helm: PathBuf,
    work: PathBuf,
}

impl Chart {
    fn values(&self, name: &str, values: &Value) -> anyhow::Result<PathBuf> {
        let path = self.work.join(format!("{name}.values.json"));
        fs::write(&path, values.to_string()).context("cannot write values")?;
        Ok(path)
    }

    fn template(&self, values: &[PathBuf]) -> anyhow::Result<std::process::Output> {
        let mut command = Command::new(&self.helm);
        command.args(["template", "onggi", CHART, "--namespace", "onggi"]);
        for file in std::iter::once(&self.values("needed", &needed())?).chain(values) {
            command.arg("--values").arg(file);
        }
        command.output().context("cannot run helm")
    }

    fn render(&self, name: &str, values: &[PathBuf]) -> anyhow::Result<PathBuf> {
        let output = self.template(values)?;
        ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let file = self.work.join(format!("{name}.yaml"));
        fs::write(&file, output.stdout).context("cannot write what was rendered")?;
        Ok(file)
    }

    /// A value that nobody knows, or of a wrong kind, is no value.
    fn refuses_what_it_does_not_know(&self) -> anyhow::Result<()> {
        let wrong = [
            json!({"gatway": {}}),
            json!({"gateway": {"replicas": "two"}}),
            json!({"secret": {"secret": "short"}}),
            json!({"bucket": {"url": "file:///x"}}),
            json!({"telemetry": {"sample": 2}}),
        ];
        for values in wrong {
            let output = self.template(&[self.values("wrong", &values)?])?;
            ensure!(!output.status.success(), "the chart takes {values}");
        }
        Ok(())
    }

    /// The configuration in the ConfigMap is one that the program reads.
    fn check_configuration(&self, objects: &[Value]) -> anyhow::Result<()> {
        let is_config = |object: &&Value| object["kind"] == "ConfigMap" && object["data"]["onggi.toml"].is_string();
        let config = objects.iter().find(is_config).context("there is no configuration")?;
        let file = self.work.join("onggi.toml");
        fs::write(&file, config["data"]["onggi.toml"].as_str().unwrap_or_default()).context("cannot write the configuration")?;
        let output = Command::new(crate::programs()?.join("onggi"))
            .args(["config", "show", "--config"])
            .arg(&file)
            .output()
            .context("cannot run onggi")?;
        ensure!(output.status.success(), "onggi does not take its configuration: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

/// What the files hold, held against the schemas.
fn validated(tools: &install::Schemas, files: &[PathBuf]) -> anyhow::Result<Rendered> {
    let output = Command::new(&tools.python)
        .args(["-c", include_str!("chart/validate.py"), VERSIONS])
        .args(files)
        .output()
        .context("cannot run python")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rendered: Rendered = serde_json::from_slice(&output.stdout).context("what was rendered")?;
    let all: Vec<&Value> = rendered.values().flatten().collect();
    // Modules are looked for beside the script.
    let script = tools.node.join("custom.mjs");
    fs::write(&script, include_str!("chart/custom.mjs")).context("cannot write the script")?;
    let mut node = Command::new("node").arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot run node")?;
    node.stdin.take().context("standard input is piped")?.write_all(&serde_json::to_vec(&all)?).context("telling node")?;
    let output = node.wait_with_output().context("running node")?;
    ensure!(output.status.success(), "a custom resource is not valid");
    let checked: usize = String::from_utf8_lossy(&output.stdout).trim().parse().context("how many custom resources there were")?;
    ensure!(checked >= 3, "a route, a monitor and rules are rendered: {checked}");
    Ok(rendered)
}

fn of_kind<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["kind"] == kind)
}

/// What must hold on every platform.
fn check_objects(objects: &[Value]) -> anyhow::Result<()> {
    let deployments: Vec<&Value> = of_kind(objects, "Deployment").collect();
    ensure!(deployments.len() == 4, "four services: {}", deployments.len());
    let pods = of_kind(objects, "Job").chain(deployments.iter().copied()).map(|object| &object["spec"]["template"]["spec"]);
    for pod in pods.chain(of_kind(objects, "Pod").map(|object| &object["spec"])) {
        check_restricted(pod)?;
    }
    let scaled: Vec<&Value> = of_kind(objects, "HorizontalPodAutoscaler").map(|scaler| &scaler["spec"]["scaleTargetRef"]["name"]).collect();
    for deployment in deployments {
        let (name, spec) = (&deployment["metadata"]["name"], &deployment["spec"]);
        ensure!(spec["replicas"].is_null() == scaled.contains(&name), "{name}: either a number or a scaler, and not both");
        let pod_labels = spec["template"]["metadata"]["labels"].as_object().context("labels")?;
        for kind in ["PodDisruptionBudget", "NetworkPolicy", "Service"] {
            let object = of_kind(objects, kind).find(|object| object["metadata"]["name"] == *name);
            let object = object.with_context(|| format!("{name} has no {kind}"))?;
            let spec = &object["spec"];
            let selector = [&spec["selector"]["matchLabels"], &spec["podSelector"]["matchLabels"], &spec["selector"]];
            let selector = selector.into_iter().find_map(Value::as_object).with_context(|| format!("{kind} of {name} selects nothing"))?;
            let selects = selector.iter().all(|(label, value)| pod_labels.get(label) == Some(value));
            ensure!(selects, "{kind} of {name} does not select its pods");
        }
    }
    for (kind, name) in [("CustomResourceDefinition", "searchindexes.onggi.dev"), ("Secret", "onggi")] {
        let kept = of_kind(objects, kind).find(|object| object["metadata"]["name"] == name).with_context(|| format!("no {kind} {name}"))?;
        let policy = &kept["metadata"]["annotations"]["helm.sh/resource-policy"];
        ensure!(policy == "keep", "{kind} {name} would go with the chart, and the data with it");
    }
    Ok(())
}

/// The restricted Pod Security Standard, as far as the chart has a say.
fn check_restricted(pod: &Value) -> anyhow::Result<()> {
    let security = &pod["securityContext"];
    ensure!(security["runAsNonRoot"] == true && security["seccompProfile"]["type"] == "RuntimeDefault", "not restricted: {pod}");
    for container in pod["containers"].as_array().context("containers")? {
        let security = &container["securityContext"];
        let restricted = security["allowPrivilegeEscalation"] == false && security["capabilities"]["drop"] == json!(["ALL"]);
        ensure!(restricted && security["readOnlyRootFilesystem"] == true, "not restricted: {container}");
        ensure!(!container["resources"]["limits"]["memory"].is_null(), "no limit on memory: {container}");
    }
    Ok(())
}

fn named<'a>(rendered: &'a Rendered, name: &str) -> anyhow::Result<&'a [Value]> {
    let found = rendered.iter().find(|(file, _)| file.file_stem().is_some_and(|stem| stem == name));
    found.map(|(_, objects)| objects.as_slice()).with_context(|| format!("nothing was rendered for {name}"))
}

/// The platform chooses who runs, and refuses whoever chooses too.
fn check_openshift(rendered: &Rendered) -> anyhow::Result<()> {
    let text = serde_json::to_string(named(rendered, "openshift")?)?;
    for field in ["\"runAsUser\"", "\"runAsGroup\"", "\"fsGroup\""] {
        if text.contains(&format!("{field}:")) {
            bail!("{field} is set for OpenShift");
        }
    }
    ensure!(text.contains("run_as_user = 0"), "workers have a user id on OpenShift");
    Ok(())
}

/// Every switch has an effect.
fn check_everything(rendered: &Rendered) -> anyhow::Result<()> {
    let objects = named(rendered, "everything")?;
    let kinds = ["Ingress", "HTTPRoute", "PodMonitor", "PrometheusRule", "HorizontalPodAutoscaler"];
    for kind in kinds {
        ensure!(of_kind(objects, kind).next().is_some(), "no {kind} with every switch on");
        let quiet = named(rendered, "kind")?;
        ensure!(of_kind(quiet, kind).next().is_none(), "a {kind} that nobody asked for");
    }
    let dashboards = of_kind(objects, "ConfigMap").filter(|map| map["metadata"]["labels"]["grafana_dashboard"] == "1").count();
    ensure!(dashboards == fs::read_dir(Path::new(CHART).join("files/dashboards"))?.count(), "{dashboards} dashboards");
    Ok(())
}
