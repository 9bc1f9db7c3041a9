//! What a `SearchIndex` becomes: objects as the API server takes them. Pure functions of their input.

use std::path::PathBuf;

use base64::Engine;
use onggi_bucket::{IndexBucket, ScopedCredentials};
use onggi_domain::{
    IndexId, TenantId,
    container::{Role, Size, SizeTable},
    limits::Limits,
    worker::WorkerConfig,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    config::KubernetesConfig,
    crd::SearchIndexSpec,
    names::{self, REVISION, ROLE, ROTATION, SIZE},
};

/// Bytes of local disk that are reserved for a worker; it may use what its size has.
const RESERVED_DISK: u64 = 128 << 20;
/// Where a worker keeps its files.
const DIRECTORY: &str = "/var/lib/onggi";
/// Where its configuration is.
const CONFIG: &str = "/etc/onggi";
/// The file beside it, and the key of the Secret, with credentials for the index's prefix.
const CREDENTIALS: &str = "credentials.json";
/// Options of a bucket that are credentials.
const SECRET_OPTIONS: [&str; 3] = ["access_key", "token", "credentials"];

/// What all workers are told alike.
#[derive(Clone)]
pub(crate) struct WorkerSettings {
    /// The bucket's URL.
    pub(crate) bucket: String,
    /// Its credentials, by the names of `object_store`.
    pub(crate) bucket_options: Vec<(String, String)>,
    /// Whether each index has credentials of its own instead, for its prefix.
    pub(crate) scoped: bool,
    /// Limits on requests.
    pub(crate) limits: Limits,
}

/// Everything that decides how containers look, besides the `SearchIndex` itself.
pub(crate) struct Builder {
    pub(crate) config: KubernetesConfig,
    pub(crate) sizes: SizeTable,
    pub(crate) worker: WorkerSettings,
}

/// The kinds of objects that belong to a `SearchIndex`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Secret,
    Service,
    PodDisruptionBudget,
    Deployment,
}

/// An object to be applied.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) manifest: Value,
}

/// What a `SearchIndex` says, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) tenant: TenantId,
    pub(crate) index: IndexId,
    /// Searchers to run: size and number, the selected size first.
    pub(crate) searchers: Vec<(Size, u32)>,
    /// The size of the indexer, if one is wanted.
    pub(crate) indexer: Option<Size>,
}

/// Reads a specification; an error tells a person what cannot be done.
pub(crate) fn validate(spec: &SearchIndexSpec, sizes: &SizeTable) -> Result<Wanted, String> {
    let tenant = spec.tenant.parse().map_err(|_| format!("tenant `{}` is not an id", spec.tenant))?;
    let index = spec.index.parse().map_err(|_| format!("index `{}` is not an id", spec.index))?;
    let size = |name: &str| {
        let known: Vec<&str> = sizes.0.iter().map(|size| size.name.as_str()).collect();
        let found = sizes.0.iter().find(|size| size.name == name && names::is_size_name(name));
        found.cloned().ok_or_else(|| format!("size class `{name}` is not one of {}", known.join(", ")))
    };
    let selected = size(&spec.size)?;
    // A size that has left the configuration cannot be built any more; its searchers have to go.
    let leaving = spec.leaving.iter().filter_map(|leaving| Some((size(&leaving.size).ok()?, leaving.replicas)));
    let indexer = spec.indexer.then(|| selected.clone());
    Ok(Wanted { tenant, index, searchers: std::iter::once((selected, spec.replicas)).chain(leaving).collect(), indexer })
}

impl Builder {
    /// The objects of an index, in the order in which they are applied. `secret` is what its workers want to be shown, `credentials` are for its
    /// prefix if such there are, `owner` is the reference to its `SearchIndex`.
    pub(crate) fn objects(&self, wanted: &Wanted, secret: &str, credentials: Option<&ScopedCredentials>, owner: &Value) -> Vec<Object> {
        let mut objects = vec![self.secret(wanted, secret, credentials)];
        objects.extend(wanted.searchers.iter().map(|(size, replicas)| self.deployment(wanted, Role::Searcher, size, *replicas)));
        objects.extend(wanted.indexer.iter().map(|size| self.deployment(wanted, Role::Indexer, size, 1)));
        objects.push(service(wanted));
        objects.push(disruption_budget(wanted));
        let namespace = names::namespace(&self.config.namespace_prefix, wanted.tenant);
        for object in &mut objects {
            let metadata = object.manifest["metadata"].as_object_mut().expect("every manifest has metadata");
            metadata.insert("namespace".to_owned(), namespace.clone().into());
            metadata.insert("ownerReferences".to_owned(), json!([owner]));
        }
        objects
    }

    /// What a pod of this role and size is built from: changes whenever such a pod would have to be replaced.
    pub(crate) fn revision(&self, role: Role, size: &Size) -> String {
        let nothing = uuid::Uuid::nil();
        let wanted = Wanted { tenant: TenantId(nothing), index: IndexId(nothing), searchers: Vec::new(), indexer: None };
        let mut hash = Sha256::new();
        hash.update(self.pod_spec(&wanted, role, size).to_string());
        // Scoped credentials are renewed in place: no pod has to go for them.
        hash.update(self.secret(&wanted, "", None).manifest.to_string());
        hex::encode(&hash.finalize()[..8])
    }

    /// Options of the bucket that workers are given: with scoped credentials no others.
    fn options(&self) -> impl Iterator<Item = (String, &String)> {
        let is_given = |name: &str| !self.worker.scoped || !SECRET_OPTIONS.iter().any(|secret| name.to_ascii_lowercase().contains(secret));
        self.worker.bucket_options.iter().filter(move |(name, _)| is_given(name)).map(|(name, value)| (name.to_uppercase(), value))
    }

    fn secret(&self, wanted: &Wanted, secret: &str, credentials: Option<&ScopedCredentials>) -> Object {
        let config = WorkerConfig {
            index: wanted.index,
            role: Role::Searcher,
            name: String::new(),
            bucket: self.worker.bucket.clone(),
            prefix: IndexBucket::prefix(wanted.tenant, wanted.index),
            directory: PathBuf::from(DIRECTORY),
            listen: ([0, 0, 0, 0], names::WORKER_PORT).into(),
            secret: secret.to_owned(),
            // Role, name, memory and disk are each container's own, and come with its arguments.
            memory_bytes: 0,
            disk_bytes: 0,
            dictionaries: Some(self.config.dictionaries.clone()),
            limits: self.worker.limits.clone(),
        };
        let encode = |bytes: &[u8]| Value::from(base64::engine::general_purpose::STANDARD.encode(bytes));
        let json = serde_json::to_vec(&config).expect("a worker's configuration is plain data");
        let mut data = Map::from_iter([("worker.json".to_owned(), encode(&json))]);
        data.extend(self.options().map(|(name, value)| (name, encode(value.as_bytes()))));
        if let Some(credentials) = credentials {
            let json = serde_json::to_vec(credentials).expect("credentials are plain data");
            data.insert(CREDENTIALS.to_owned(), encode(&json));
        }
        let name = names::base(wanted.index);
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": names::labels(wanted.tenant, wanted.index)},
            "type": "Opaque",
            "data": data,
        });
        Object { kind: Kind::Secret, name, manifest }
    }

    fn deployment(&self, wanted: &Wanted, role: Role, size: &Size, replicas: u32) -> Object {
        let (name, strategy) = match role {
            // A new searcher answers before an old one goes: capacity never drops below what is selected.
            Role::Searcher => {
                let surge = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}});
                (names::searchers(wanted.index, &size.name), surge)
            }
            // Two indexers would only race for the same generation.
            Role::Indexer => (names::indexer(wanted.index), json!({"type": "Recreate"})),
        };
        let mut labels = names::labels(wanted.tenant, wanted.index);
        labels[ROLE] = role.as_str().into();
        labels[SIZE] = size.name.as_str().into();
        let mut pod_labels = labels.clone();
        let mut selector = names::selector(wanted.index, role);
        if role == Role::Searcher {
            pod_labels[ROTATION] = "in".into();
            // Each size has its own. There is one of indexers, and a selector cannot be changed: another size is another template of it.
            selector[SIZE] = size.name.as_str().into();
        }
        let manifest = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "replicas": replicas,
                "revisionHistoryLimit": 1,
                "strategy": strategy,
                "selector": {"matchLabels": selector},
                "template": {
                    "metadata": {"labels": pod_labels, "annotations": {REVISION: self.revision(role, size)}},
                    "spec": self.pod_spec(wanted, role, size),
                },
            },
        });
        Object { kind: Kind::Deployment, name, manifest }
    }

    fn pod_spec(&self, wanted: &Wanted, role: Role, size: &Size) -> Value {
        let config = &self.config;
        let spread = |key: &str| {
            json!({"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": names::selector(wanted.index, role)}})
        };
        let mut files = vec![json!({"key": "worker.json", "path": "worker.json"})];
        if self.worker.scoped {
            files.push(json!({"key": CREDENTIALS, "path": CREDENTIALS}));
        }
        let mut spec = json!({
            "serviceAccountName": names::WORKER_ACCOUNT,
            "automountServiceAccountToken": false,
            // Variables of other Services would be taken for configuration.
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": config.stop_time.as_secs(),
            "securityContext": self.pod_security(),
            "topologySpreadConstraints": [spread("kubernetes.io/hostname"), spread("topology.kubernetes.io/zone")],
            "containers": [self.container(wanted, role, size)],
            "volumes": [
                {"name": "config", "secret": {"secretName": names::base(wanted.index), "items": files}},
                {"name": "work", "emptyDir": {"sizeLimit": size.disk.as_u64().to_string()}},
            ],
        });
        if !config.image_pull_secrets.is_empty() {
            spec["imagePullSecrets"] = config.image_pull_secrets.iter().map(|name| json!({"name": name})).collect();
        }
        if !config.node_selector.is_empty() {
            spec["nodeSelector"] = json!(config.node_selector);
        }
        for (field, value) in [("priorityClassName", &config.priority_class), ("runtimeClassName", &config.runtime_class)] {
            if !value.is_empty() {
                spec[field] = value.as_str().into();
            }
        }
        spec
    }

    fn pod_security(&self) -> Value {
        let mut security = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
        if self.config.run_as_user > 0 {
            for field in ["runAsUser", "runAsGroup", "fsGroup"] {
                security[field] = self.config.run_as_user.into();
            }
        }
        security
    }

    fn container(&self, wanted: &Wanted, role: Role, size: &Size) -> Value {
        let config = &self.config;
        let secret = names::base(wanted.index);
        let mut env = vec![json!({"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})];
        env.push(json!({"name": "ONGGI_WORKER_LOG", "value": "info"}));
        env.extend(crate::ALLOCATOR_ENV.iter().map(|(name, value)| json!({"name": name, "value": value})));
        env.extend(self.options().map(|(name, _)| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name}}})));
        if self.worker.scoped {
            env.push(json!({"name": "ONGGI_BUCKET_CREDENTIALS", "value": format!("{CONFIG}/{CREDENTIALS}")}));
        }
        let percent = |whole: u64, percent: u32| (whole * u64::from(percent) / 100).max(1);
        let probe = |path: &str, period: u32, failures: u32| json!({"httpGet": {"path": path, "port": "worker"}, "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": failures});
        json!({
            "name": "worker",
            "image": config.image,
            "imagePullPolicy": config.image_pull_policy,
            "args": [
                "worker", "--config", format!("{CONFIG}/worker.json"), "--role", role.as_str(), "--name", "$(POD_NAME)",
                "--memory-bytes", size.memory.as_u64().to_string(), "--disk-bytes", size.disk.as_u64().to_string(),
            ],
            "env": env,
            "ports": [{"name": "worker", "containerPort": names::WORKER_PORT}],
            "startupProbe": probe("/healthz", 1, 60),
            // Ready is: the generation is loaded.
            "readinessProbe": probe("/readyz", 2, 2),
            "livenessProbe": probe("/healthz", 10, 6),
            // Time for those who send requests to learn of the end.
            "lifecycle": {"preStop": {"sleep": {"seconds": 2}}},
            "resources": {
                "requests": {
                    "cpu": format!("{}m", percent(u64::from(size.cpu_millis), config.cpu_request_percent)),
                    "memory": percent(size.memory.as_u64(), config.memory_request_percent).to_string(),
                    "ephemeral-storage": RESERVED_DISK.min(size.disk.as_u64()).to_string(),
                },
                "limits": {
                    "cpu": format!("{}m", size.cpu_millis),
                    "memory": size.memory.as_u64().to_string(),
                    "ephemeral-storage": (size.disk.as_u64() + RESERVED_DISK).to_string(),
                },
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "config", "mountPath": CONFIG, "readOnly": true},
                {"name": "work", "mountPath": DIRECTORY},
            ],
        })
    }
}

/// Where the gateways learn of the searchers that requests are routed to.
fn service(wanted: &Wanted) -> Object {
    let name = names::base(wanted.index);
    let mut labels = names::labels(wanted.tenant, wanted.index);
    labels[ROLE] = Role::Searcher.as_str().into();
    let mut selector = names::selector(wanted.index, Role::Searcher);
    selector[ROTATION] = "in".into();
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "clusterIP": "None",
            "selector": selector,
            "ports": [{"name": "worker", "port": names::WORKER_PORT, "targetPort": "worker", "protocol": "TCP"}],
        },
    });
    Object { kind: Kind::Service, name, manifest }
}

/// A drain of nodes takes searchers one after another.
fn disruption_budget(wanted: &Wanted) -> Object {
    let name = names::base(wanted.index);
    let manifest = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "labels": names::labels(wanted.tenant, wanted.index)},
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": names::selector(wanted.index, Role::Searcher)},
        },
    });
    Object { kind: Kind::PodDisruptionBudget, name, manifest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> Builder {
        Builder {
            config: KubernetesConfig::default(),
            sizes: SizeTable::default(),
            worker: WorkerSettings {
                bucket: "s3://b".to_owned(),
                bucket_options: vec![("aws_access_key_id".to_owned(), "k".to_owned())],
                scoped: false,
                limits: Limits::default(),
            },
        }
    }

    fn spec() -> SearchIndexSpec {
        SearchIndexSpec {
            tenant: "00000000-0000-0000-0000-000000000002".to_owned(),
            index: "00000000-0000-0000-0000-000000000001".to_owned(),
            uid: "movies".to_owned(),
            size: "small".to_owned(),
            replicas: 2,
            leaving: Vec::new(),
            indexer: false,
        }
    }

    fn objects(spec: &SearchIndexSpec) -> Vec<Object> {
        let builder = builder();
        builder.objects(&validate(spec, &builder.sizes).unwrap(), "secret", None, &json!({"kind": "SearchIndex"}))
    }

    fn deployments(spec: &SearchIndexSpec) -> Vec<(String, u64)> {
        let all = objects(spec);
        let deployments = all.iter().filter(|object| object.kind == Kind::Deployment);
        deployments.map(|object| (object.name.clone(), object.manifest["spec"]["replicas"].as_u64().unwrap())).collect()
    }

    #[test]
    fn each_size_has_a_deployment_and_the_indexer_only_while_it_is_wanted() {
        let base = "i-00000000000000000000000000000001";
        assert_eq!(deployments(&spec()), [(format!("{base}-small"), 2)]);
        let leaving = vec![super::super::crd::Leaving { size: "medium".to_owned(), replicas: 1 }];
        let changed = SearchIndexSpec { leaving, indexer: true, ..spec() };
        let expected = [(format!("{base}-small"), 2), (format!("{base}-medium"), 1), (format!("{base}-indexer"), 1)];
        assert_eq!(deployments(&changed), expected);
    }

    #[test]
    fn a_size_that_is_not_configured_is_an_error_that_names_those_that_are() {
        let sizes = SizeTable::default();
        let error = validate(&SearchIndexSpec { size: "huge".to_owned(), ..spec() }, &sizes).unwrap_err();
        assert_eq!(error, "size class `huge` is not one of small, medium, large");
        let leaving = vec![super::super::crd::Leaving { size: "huge".to_owned(), replicas: 1 }];
        assert_eq!(validate(&SearchIndexSpec { leaving, ..spec() }, &sizes).unwrap().searchers.len(), 1);
    }

    #[test]
    fn every_object_belongs_to_its_search_index_and_to_the_tenants_namespace() {
        let all = objects(&SearchIndexSpec { indexer: true, ..spec() });
        assert_eq!(all.len(), 5);
        for object in &all {
            let metadata = &object.manifest["metadata"];
            assert_eq!(metadata["namespace"], "onggi-t-00000000-0000-0000-0000-000000000002", "{}", object.name);
            assert_eq!(metadata["ownerReferences"][0]["kind"], "SearchIndex");
            assert_eq!(metadata["labels"][names::INDEX], "00000000-0000-0000-0000-000000000001");
        }
    }

    #[test]
    fn a_pod_meets_the_restricted_standard_and_has_no_token() {
        let all = objects(&SearchIndexSpec { indexer: true, ..spec() });
        for object in all.iter().filter(|object| object.kind == Kind::Deployment) {
            let pod = &object.manifest["spec"]["template"]["spec"];
            let container = &pod["containers"][0];
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
            assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
            assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
            assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
            assert_eq!(pod["automountServiceAccountToken"], false);
        }
    }

    #[test]
    fn capacity_never_drops_in_a_rollout_and_only_searchers_in_rotation_are_routed_to() {
        let all = objects(&spec());
        let find = |kind| &all.iter().find(|object| object.kind == kind).unwrap().manifest;
        assert_eq!(find(Kind::Deployment)["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
        assert_eq!(find(Kind::Service)["spec"]["selector"][ROTATION], "in");
        assert_eq!(find(Kind::Deployment)["spec"]["template"]["metadata"]["labels"][ROTATION], "in");
        assert!(find(Kind::Deployment)["spec"]["selector"]["matchLabels"].get(ROTATION).is_none(), "a Deployment must not adopt anew");
    }

    #[test]
    fn credentials_are_in_the_secret_and_nowhere_else() {
        let all = objects(&spec());
        let secret = &all[0].manifest["data"];
        assert_eq!(secret["AWS_ACCESS_KEY_ID"], "aw==");
        let config = base64::engine::general_purpose::STANDARD.decode(secret["worker.json"].as_str().unwrap()).unwrap();
        let config: WorkerConfig = serde_json::from_slice(&config).unwrap();
        assert_eq!((config.secret.as_str(), config.listen.port()), ("secret", 7710));
        let others: Vec<String> = all[1..].iter().map(|object| object.manifest.to_string()).collect();
        assert!(others.iter().all(|text| !text.contains("aw==") && !text.contains("worker.json\":\"")));
    }

    #[test]
    fn with_scoped_credentials_workers_are_given_no_others_and_renewing_them_replaces_no_pod() {
        let mut builder = builder();
        builder.worker.scoped = true;
        builder.worker.bucket_options.push(("aws_region".to_owned(), "eu-west-1".to_owned()));
        let of = |token: &str| {
            let credentials = ScopedCredentials {
                access_key_id: "id".to_owned(),
                secret_access_key: "s".to_owned(),
                session_token: token.to_owned(),
                expires_at: onggi_domain::Timestamp::UNIX_EPOCH,
            };
            let wanted = validate(&spec(), &builder.sizes).unwrap();
            builder.objects(&wanted, "secret", Some(&credentials), &json!({"kind": "SearchIndex"}))
        };
        let (first, renewed) = (of("one"), of("two"));
        let names: Vec<&String> = first[0].manifest["data"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["worker.json", "AWS_REGION", "credentials.json"]);
        assert_ne!(first[0], renewed[0]);
        assert_eq!(first[1..], renewed[1..]);
        let pod = first.iter().find(|object| object.kind == Kind::Deployment).unwrap().manifest["spec"]["template"]["spec"].to_string();
        assert!(pod.contains("/etc/onggi/credentials.json") && pod.contains("AWS_REGION") && !pod.contains("ACCESS_KEY"), "{pod}");
    }

    #[test]
    fn another_image_or_another_credential_is_another_revision_and_another_index_is_not() {
        let (a, size) = (builder(), SizeTable::default().0[0].clone());
        let mut image = builder();
        image.config.image = "onggi:2".to_owned();
        let mut credential = builder();
        credential.worker.bucket_options[0].1 = "l".to_owned();
        assert_ne!(a.revision(Role::Searcher, &size), image.revision(Role::Searcher, &size));
        assert_ne!(a.revision(Role::Searcher, &size), credential.revision(Role::Searcher, &size));
        assert_eq!(a.revision(Role::Searcher, &size), builder().revision(Role::Searcher, &size));
    }
}
