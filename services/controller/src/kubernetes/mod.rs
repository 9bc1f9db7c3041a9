//! Containers as pods. The controller writes one `SearchIndex` an index, and an operator turns it into what runs:
//!
//! `apply` (this file, `scale`) -> `SearchIndex` (`crd`) -> a pass of the `operator` (`build`) -> Deployments, a Service and the rest ->
//! pods, which a watch (`mirror`) brings back as what is observed (`pods`) and as the object's `status`.
//!
//! Nothing is polled: what is known of the cluster comes from watches that every index shares.

mod build;
mod config;
pub mod crd;
mod credentials;
mod lease;
mod mirror;
mod names;
mod namespace;
mod operator;
mod pods;
mod scale;
mod status;

use std::{collections::HashMap, fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{LimitRange, Namespace, Pod, ResourceQuota, Service, ServiceAccount},
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
    },
    jiff::Timestamp,
};
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DeleteParams, PartialObjectMeta, Patch, PatchParams},
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        events::{EventType, Recorder},
        watcher::{Config, watcher},
    },
};
use onggi_bucket::Sts;
use onggi_domain::{
    Generation, IndexId, TenantId,
    container::{ContainerSet, Decision, Role, Selection, SizeTable},
    limits::Limits,
    plan::PlanTable,
};
use onggi_metadata::{Indexes, Tenants};
use onggi_web::identity::worker_secret;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::{sync::broadcast, task::JoinSet, time::Instant};

pub use config::{Egress, KubernetesConfig};
pub use lease::Candidate;

use crate::{
    queue::Queue,
    runtime::{Observed, Result, Runtime, RuntimeError},
};
use build::{Builder, Kind, WorkerSettings};
use crd::{SearchIndex, SearchIndexSpec};
use credentials::Credentials;
use mirror::Mirror;
use names::{DELETION_COST, FINALIZER, RETIRED_AT, ROTATION};
use namespace::Allowance;
use operator::{Applied, gone, recorder, version};
use pods::Seen;

/// How soon after a generation was shown another one is: an index that is written to has a new one many times a second.
const SHOW_AGAIN: Duration = Duration::from_secs(5);

/// What workers are told alike, whichever index they are of.
pub struct WorkerTerms {
    /// The bucket's URL, as workers reach it.
    pub bucket: String,
    /// Its credentials, by the names of `object_store`.
    pub bucket_options: Vec<(String, String)>,
    /// Limits on requests.
    pub limits: Limits,
    /// The size classes.
    pub sizes: SizeTable,
    /// The secret from which each index's is derived.
    pub internal_secret: Arc<str>,
    /// Gives each index credentials of its own, for its prefix of the bucket; `None`: all have those of the bucket.
    pub sts: Option<Sts>,
    /// How much each tenant may have; `None`: all as much as the configuration says.
    pub plans: Option<TenantPlans>,
}

/// Where to learn how much a tenant may have.
pub struct TenantPlans {
    /// Says which plan a tenant has.
    pub tenants: Arc<dyn Tenants>,
    /// Says what it has selected, which may be more.
    pub indexes: Arc<dyn Indexes>,
    /// The plans.
    pub table: PlanTable,
}

/// Runs containers as pods.
pub struct KubernetesRuntime {
    cluster: Arc<Cluster>,
    /// The watches; they end with this value.
    _watches: JoinSet<()>,
}

/// What was applied last for an index.
type AppliedObjects = HashMap<(Kind, String), Applied>;

/// What runtime and operator share.
struct Cluster {
    client: Client,
    builder: Builder,
    internal_secret: Arc<str>,
    credentials: Option<Credentials>,
    /// What pods are built from now, by role and size.
    revisions: HashMap<(Role, String), String>,
    indexes: Mirror<SearchIndex>,
    pods: Mirror<Pod>,
    deployments: Mirror<PartialObjectMeta<Deployment>>,
    services: Mirror<PartialObjectMeta<Service>>,
    budgets: Mirror<PartialObjectMeta<PodDisruptionBudget>>,
    /// What this process has written, by index.
    desired: Mutex<HashMap<IndexId, SearchIndexSpec>>,
    /// The generations that are served, and when that was last shown.
    served: Mutex<HashMap<IndexId, (Generation, Option<Instant>)>>,
    plans: Option<TenantPlans>,
    /// Tenants whose namespace was applied by this process, and for how much.
    tenants: Mutex<HashMap<TenantId, Allowance>>,
    applied: Mutex<HashMap<IndexId, AppliedObjects>>,
    queue: Queue,
    changes: broadcast::Sender<IndexId>,
    recorder: Recorder,
}

/// A client of the cluster that this process runs in, or of the one that `KUBECONFIG` names.
pub async fn client() -> kube::Result<Client> {
    Client::try_default().await
}

impl KubernetesRuntime {
    /// Begins to watch the cluster, and returns once everything in it has been seen.
    pub async fn start(client: Client, config: KubernetesConfig, terms: WorkerTerms) -> Self {
        let WorkerTerms { bucket, bucket_options, limits, sizes, internal_secret, sts, plans } = terms;
        let builder = Builder { config, sizes, worker: WorkerSettings { bucket, bucket_options, scoped: sts.is_some(), limits } };
        let each = [Role::Indexer, Role::Searcher].into_iter().flat_map(|role| builder.sizes.0.iter().map(move |size| (role, size)));
        let revisions = each.map(|(role, size)| ((role, size.name.clone()), builder.revision(role, size))).collect();
        let prefix = builder.config.namespace_prefix.clone();
        let cluster = Arc::new(Cluster {
            recorder: recorder(&client),
            client,
            builder,
            internal_secret,
            credentials: sts.map(Credentials::new),
            revisions,
            indexes: Mirror::new(&prefix),
            pods: Mirror::new(&prefix),
            deployments: Mirror::new(&prefix),
            services: Mirror::new(&prefix),
            budgets: Mirror::new(&prefix),
            desired: Mutex::default(),
            served: Mutex::default(),
            plans,
            tenants: Mutex::default(),
            applied: Mutex::default(),
            queue: Queue::default(),
            changes: broadcast::Sender::new(4096),
        });
        let mut watches = JoinSet::new();
        cluster.watch(&mut watches);
        cluster.indexes.completed().await;
        cluster.pods.completed().await;
        cluster.deployments.completed().await;
        Self { cluster, _watches: watches }
    }

    /// Turns `SearchIndex` objects into what runs, until `shutdown`. One process of the cluster may do so at a time.
    pub async fn operate(&self, shutdown: impl Future<Output = ()> + Send) {
        operator::run(&self.cluster, shutdown).await;
    }
}

#[async_trait]
impl Runtime for KubernetesRuntime {
    async fn apply(&self, set: &ContainerSet, retire: &[String]) -> Result<()> {
        let failed =
            |what: &str, source: kube::Error| RuntimeError { what: format!("{what} of index {}", set.index), source: source.into() };
        let cluster = &self.cluster;
        names::check(set).map_err(|why| RuntimeError { what: format!("containers of index {}", set.index), source: why.into() })?;
        cluster.ensure_namespace(set.tenant, &set.size.name).await.map_err(|error| failed("namespace", error))?;
        let scaling = scale::scale(set, retire, &cluster.seen_of(set.index), Timestamp::now(), cluster.builder.config.retire_time);
        let namespace = cluster.namespace(set.tenant);
        for name in &scaling.mark {
            cluster.retire(&namespace, name).await.map_err(|error| failed("searcher", error))?;
        }
        let pods: Api<Pod> = Api::namespaced(cluster.client.clone(), &namespace);
        for name in &scaling.delete_first {
            gone(pods.delete(name, &DeleteParams::default()).await).map_err(|error| failed("searcher", error))?;
        }
        cluster.write_spec(set.index, &scaling.spec).await.map_err(|error| failed("SearchIndex", error))?;
        for name in &scaling.delete {
            gone(pods.delete(name, &DeleteParams::default()).await).map_err(|error| failed("searcher", error))?;
        }
        Ok(())
    }

    fn route_time(&self) -> Duration {
        self.cluster.builder.config.route_time
    }

    async fn indexes(&self) -> Result<Vec<IndexId>> {
        Ok(self.cluster.indexes.indexes().into_iter().chain(self.cluster.pods.indexes()).collect())
    }

    async fn observe(&self) -> Result<Vec<Observed>> {
        let pods = self.cluster.pods.all();
        Ok(pods.iter().filter_map(|pod| self.cluster.seen(pod)).map(|seen| seen.observed).collect())
    }

    async fn observe_index(&self, index: IndexId) -> Result<Vec<Observed>> {
        Ok(self.cluster.seen_of(index).into_iter().map(|seen| seen.observed).collect())
    }

    fn holds(&self, set: &ContainerSet) -> bool {
        let object = self.cluster.indexes.of(set.index).into_iter().next();
        object.is_some_and(|object| object.metadata.deletion_timestamp.is_none() && scale::is_met(&object.spec, set))
    }

    async fn rotate(&self, index: IndexId, out: &[String]) -> Result<()> {
        for pod in self.cluster.seen_of(index) {
            let is_out = out.contains(&pod.observed.name);
            // One that was chosen to end stays out of the rotation whatever becomes of it.
            if pod.observed.role != Role::Searcher || pod.in_rotation != is_out || (pod.retired_at.is_some() && !is_out) {
                continue;
            }
            let failed = |source: kube::Error| RuntimeError { what: format!("rotation of {}", pod.observed.name), source: source.into() };
            let rotation = if is_out { "out" } else { "in" };
            let patch = json!({"metadata": {"labels": {ROTATION: rotation}}});
            let namespace = self.cluster.namespace(pod.observed.tenant);
            self.cluster.patch_pod(&namespace, &pod.observed.name, &patch).await.map_err(failed)?;
        }
        Ok(())
    }

    fn recorded(&self, index: IndexId, generation: Generation) {
        let mut served = self.cluster.served.lock();
        let (now, shown) = served.entry(index).or_insert((generation, None));
        *now = generation;
        if shown.is_none_or(|shown| shown.elapsed() >= SHOW_AGAIN) {
            *shown = Some(Instant::now());
            self.cluster.queue.add(index);
        }
    }

    fn decided(&self, index: IndexId, decision: &Decision) {
        let Some(object) = self.cluster.indexes.of(index).into_iter().next() else { return };
        let message = format!("from {} to {} searchers: {}", decision.from, decision.to, decision.why);
        let cluster = self.cluster.clone();
        tokio::spawn(async move { cluster.note_words(&object, EventType::Normal, "Scaled", &message).await });
    }

    async fn remove(&self, index: IndexId) -> Result<()> {
        self.cluster.desired.lock().remove(&index);
        self.cluster.served.lock().remove(&index);
        let Some(object) = self.cluster.indexes.of(index).into_iter().next() else { return Ok(()) };
        if object.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let indexes: Api<SearchIndex> = Api::namespaced(self.cluster.client.clone(), &namespace);
        let deleted = indexes.delete(&index.to_string(), &DeleteParams::background()).await;
        gone(deleted).map_err(|source| RuntimeError { what: format!("SearchIndex of index {index}"), source: source.into() })
    }

    async fn remove_tenant(&self, tenant: TenantId) -> Result<()> {
        self.cluster.tenants.lock().remove(&tenant);
        let namespaces: Api<Namespace> = Api::all(self.cluster.client.clone());
        let deleted = match namespaces.delete(&self.cluster.namespace(tenant), &DeleteParams::background()).await {
            // It is being removed already.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            deleted => gone(deleted),
        };
        deleted.map_err(|source| RuntimeError { what: format!("namespace of tenant {tenant}"), source: source.into() })
    }

    fn changes(&self) -> broadcast::Receiver<IndexId> {
        self.cluster.changes.subscribe()
    }
}

impl Cluster {
    fn namespace(&self, tenant: TenantId) -> String {
        names::namespace(&self.builder.config.namespace_prefix, tenant)
    }

    fn desired(&self, index: IndexId) -> Option<SearchIndexSpec> {
        self.desired.lock().get(&index).cloned()
    }

    fn seen(&self, pod: &Pod) -> Option<Seen> {
        let revision = |role: Role, size: &str| self.revisions.get(&(role, size.to_owned())).cloned();
        pods::seen(pod, revision, |index| worker_secret(&self.internal_secret, index))
    }

    /// The pods of an index.
    fn seen_of(&self, index: IndexId) -> Vec<Seen> {
        self.pods.of(index).iter().filter_map(|pod| self.seen(pod)).collect()
    }

    /// Starts the watches. An index whose pods change is looked at by the controller and by the operator; one whose objects change, by
    /// the operator.
    fn watch(self: &Arc<Self>, watches: &mut JoinSet<()>) {
        let config = || Config::default().labels(names::INDEX).any_semantic();
        let cluster = self.clone();
        watches.spawn(async move {
            let events = watcher(Api::<SearchIndex>::all(cluster.client.clone()), config()).default_backoff();
            let changed = |index, _: &str, object: Option<&SearchIndex>| {
                cluster.queue.add(index);
                if object.is_none() {
                    // Perhaps deleted by hand: the controller writes it again if it is wanted.
                    let _ = cluster.changes.send(index);
                }
            };
            cluster.indexes.follow(events, changed).await;
        });
        let cluster = self.clone();
        watches.spawn(async move {
            let events = watcher(Api::<Pod>::all(cluster.client.clone()), config()).default_backoff();
            let changed = |index, _: &str, _: Option<&Pod>| {
                // Nobody may be listening yet; who comes later looks at everything.
                let _ = cluster.changes.send(index);
                cluster.queue.add(index);
            };
            cluster.pods.follow(events, changed).await;
        });
        self.watch_objects(watches, Kind::Deployment, |cluster| &cluster.deployments);
        self.watch_objects(watches, Kind::Service, |cluster| &cluster.services);
        self.watch_objects(watches, Kind::PodDisruptionBudget, |cluster| &cluster.budgets);
    }

    fn watch_objects<K>(
        self: &Arc<Self>,
        watches: &mut JoinSet<()>,
        kind: Kind,
        mirror: impl Fn(&Self) -> &Mirror<PartialObjectMeta<K>> + Send + 'static,
    ) where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let cluster = self.clone();
        watches.spawn(async move {
            let config = Config::default().labels(names::INDEX).any_semantic();
            let events = watcher(Api::<PartialObjectMeta<K>>::all(cluster.client.clone()), config).default_backoff();
            let changed = |index: IndexId, name: &str, object: Option<&PartialObjectMeta<K>>| {
                let version = object.map(|object| version(&object.metadata));
                cluster.object_changed(index, kind, name, version.as_deref());
                if kind == Kind::Deployment && object.is_none() {
                    // An index that ends waits for this.
                    cluster.queue.add(index);
                }
            };
            mirror(&cluster).follow(events, changed).await;
        });
    }

    /// How much a tenant may have, a container of this size among it; `None`: as much as its namespace was applied for.
    async fn allowance(&self, tenant: TenantId, size: &str) -> onggi_metadata::Result<Option<Allowance>> {
        let applied = self.tenants.lock().get(&tenant).cloned();
        let Some(TenantPlans { tenants, indexes, table }) = &self.plans else {
            return Ok(applied.is_none().then(|| Allowance::of_everyone(&self.builder.config)));
        };
        let tenant = tenants.get(tenant).await?;
        let plan = table.of(tenant.plan.as_deref());
        if applied.is_some_and(|applied| applied.holds(plan, size)) {
            return Ok(None);
        }
        let selected: Vec<Selection> = indexes.selections(tenant.id).await?.into_iter().map(|(_, selection)| selection).collect();
        Ok(Some(Allowance::of(plan, &selected, &self.builder.sizes, &self.builder.config)))
    }

    /// Applies a tenant's namespace and what stands in it, once in the life of this process and again when the tenant may have more or less.
    async fn ensure_namespace(&self, tenant: TenantId, size: &str) -> kube::Result<()> {
        let allowance = match self.allowance(tenant, size).await {
            Ok(allowance) => allowance,
            // A plan matters less than that an index runs.
            Err(error) => {
                tracing::warn!(%tenant, %error, "the tenant's plan is not known");
                let is_applied = self.tenants.lock().contains_key(&tenant);
                (!is_applied).then(|| Allowance::of_everyone(&self.builder.config))
            }
        };
        let Some(allowance) = allowance else { return Ok(()) };
        let namespace = self.namespace(tenant);
        for object in namespace::objects(tenant, &self.builder.config, &self.builder.sizes, &allowance) {
            let kind = object["kind"].as_str().unwrap_or_default();
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let api = match kind {
                "Namespace" => Api::all_with(self.client.clone(), &ApiResource::erase::<Namespace>(&())),
                _ => Api::namespaced_with(self.client.clone(), &namespace, &resource(kind)),
            };
            self.apply(api, name, &object).await?;
        }
        self.tenants.lock().insert(tenant, allowance);
        Ok(())
    }

    async fn write_spec(&self, index: IndexId, spec: &SearchIndexSpec) -> kube::Result<()> {
        let Ok(tenant) = spec.tenant.parse::<TenantId>() else { return Ok(()) };
        self.desired.lock().insert(index, spec.clone());
        let existing = self.indexes.of(index).into_iter().next();
        if existing.is_some_and(|existing| existing.spec == *spec && existing.metadata.deletion_timestamp.is_none()) {
            return Ok(());
        }
        let namespace = self.namespace(tenant);
        let manifest = json!({
            "apiVersion": SearchIndex::api_version(&()),
            "kind": SearchIndex::kind(&()),
            "metadata": {
                "name": index.to_string(),
                "namespace": namespace,
                "labels": names::labels(tenant, index),
                "finalizers": [FINALIZER],
            },
            "spec": spec,
        });
        let api = Api::namespaced_with(self.client.clone(), &namespace, &ApiResource::erase::<SearchIndex>(&()));
        self.apply(api, &index.to_string(), &manifest).await.map(drop)
    }

    /// Marks a searcher as the one that its ReplicaSet ends first, and takes it out of the rotation.
    async fn retire(&self, namespace: &str, name: &str) -> kube::Result<()> {
        let patch = json!({"metadata": {
            "labels": {ROTATION: "out"},
            "annotations": {DELETION_COST: "-1000", RETIRED_AT: Timestamp::now().to_string()},
        }});
        self.patch_pod(namespace, name, &patch).await
    }

    async fn patch_pod(&self, namespace: &str, name: &str, patch: &Value) -> kube::Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        gone(pods.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await)
    }
}

/// The kinds that stand in a tenant's namespace.
fn resource(kind: &str) -> ApiResource {
    match kind {
        "NetworkPolicy" => ApiResource::erase::<NetworkPolicy>(&()),
        "ServiceAccount" => ApiResource::erase::<ServiceAccount>(&()),
        "ResourceQuota" => ApiResource::erase::<ResourceQuota>(&()),
        _ => ApiResource::erase::<LimitRange>(&()),
    }
}
