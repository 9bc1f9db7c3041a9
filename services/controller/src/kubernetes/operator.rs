//! `SearchIndex` -> what runs. One pass over one object: dereference, validate, build, apply, status; the middle is in `build` and `status`.
//!
//! A pass begins when the object, one of its pods or one of the objects made from it changes. What was applied is remembered, so that a
//! pass that changes nothing asks nothing of the API server.

use std::{collections::HashSet, sync::Arc, time::Duration};

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ObjectReference, Secret, Service},
        policy::v1::PodDisruptionBudget,
    },
    jiff::Timestamp,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams},
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use onggi_domain::IndexId;
use onggi_web::identity::worker_secret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

use super::{
    Cluster,
    build::{Kind, Object, validate},
    crd::{SearchIndex, SearchIndexStatus},
    names::{self, FINALIZER, MANAGER},
    status::{Facts, status},
};

/// Passes at a time.
const PARALLEL: usize = 16;

/// What was applied last under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    hash: [u8; 32],
    /// The version that the API server gave it then: another one is somebody else's.
    version: String,
}

type Result<T, E = kube::Error> = std::result::Result<T, E>;

/// Makes passes until `shutdown`.
pub(super) async fn run(cluster: &Arc<Cluster>, shutdown: impl Future<Output = ()> + Send) {
    let slots = Arc::new(Semaphore::new(PARALLEL));
    let mut running = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        let index = tokio::select! {
            index = cluster.queue.next() => index,
            () = &mut shutdown => break,
        };
        let cluster = cluster.clone();
        running.spawn(async move {
            cluster.pass(index).await;
            drop(slot);
        });
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

impl Cluster {
    async fn pass(&self, index: IndexId) {
        let start = Instant::now();
        let outcome = match self.reconcile(index).await {
            Ok(again) => {
                self.queue.done(index, again);
                "ok"
            }
            Err(error) => {
                tracing::warn!(%index, %error, "search index is not as it should be, trying again");
                self.queue.failed(index);
                "error"
            }
        };
        metrics::histogram!("onggi_operator_reconcile_seconds", "outcome" => outcome).record(start.elapsed().as_secs_f64());
    }

    async fn reconcile(&self, index: IndexId) -> Result<Option<Duration>> {
        // Dereference.
        let Some(object) = self.indexes.of(index).into_iter().next() else {
            self.forget(index);
            return Ok(None);
        };
        if object.metadata.deletion_timestamp.is_some() {
            return self.end(index, &object).await;
        }
        if let Some(desired) = self.desired(index).filter(|desired| *desired != object.spec) {
            tracing::info!(%index, "search index was changed by another hand and is put back");
            self.note(&object, EventType::Warning, "PutBack", "it was changed by hand: what the tenant selected holds").await;
            self.write_spec(index, &desired).await?;
            return Ok(None);
        }
        // Validate.
        let wanted = match validate(&object.spec, &self.builder.sizes) {
            Ok(wanted) => wanted,
            Err(why) => {
                self.write_status(&object, Some(&why)).await?;
                return Ok(None);
            }
        };
        // Build.
        let Some(owner) = object.controller_owner_ref(&()) else { return Ok(None) };
        let owner = serde_json::to_value(owner).map_err(kube::Error::SerdeError)?;
        let secret = worker_secret(&self.internal_secret, index);
        let runs = wanted.indexer.is_some() || wanted.searchers.iter().any(|(_, replicas)| *replicas > 0);
        let (credentials, renew) = match self.credentials.as_ref().filter(|_| runs) {
            Some(credentials) => {
                let found = credentials.of(wanted.tenant, index).await;
                let (credentials, renew) = found.map_err(|error| kube::Error::Service(error.into()))?;
                (Some(credentials), Some(renew))
            }
            None => (None, None),
        };
        let objects = self.builder.objects(&wanted, &secret, credentials.as_ref(), &owner);
        // Apply.
        let namespace = object.namespace().unwrap_or_default();
        for built in &objects {
            self.apply_object(index, &namespace, built).await?;
        }
        self.remove_others(index, &namespace, &objects).await?;
        // Status.
        self.write_status(&object, None).await?;
        Ok(renew)
    }

    /// Applies an object unless it is there as it was applied last.
    async fn apply_object(&self, index: IndexId, namespace: &str, object: &Object) -> Result<()> {
        let hash: [u8; 32] = Sha256::digest(object.manifest.to_string()).into();
        let key = (object.kind, object.name.clone());
        let known = self.applied.lock().get(&index).and_then(|applied| applied.get(&key)).is_some_and(|applied| applied.hash == hash);
        if known {
            return Ok(());
        }
        let applied = match self.apply(object.kind.api(self, namespace), &object.name, &object.manifest).await {
            // An older version selected an indexer's pods by their size as well, and what a Deployment selects by cannot be changed.
            Err(kube::Error::Api(status)) if status.code == 422 && object.name == names::indexer(index) => {
                tracing::info!(%index, why = status.message, "the indexer's Deployment is made anew");
                let api = object.kind.api(self, namespace);
                gone(api.delete(&object.name, &DeleteParams::background()).await)?;
                self.apply(api, &object.name, &object.manifest).await?
            }
            applied => applied?,
        };
        tracing::debug!(%index, kind = ?object.kind, name = object.name, "applied");
        let applied = Applied { hash, version: version(&applied.metadata) };
        self.applied.lock().entry(index).or_default().insert(key, applied);
        Ok(())
    }

    /// Server-side apply: this manager owns the fields that it sends, whoever had them before.
    pub(super) async fn apply(&self, api: Api<DynamicObject>, name: &str, manifest: &Value) -> Result<DynamicObject> {
        api.patch(name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(manifest)).await
    }

    /// Deletes the Deployments that are not wanted any more: the indexer's, and those of sizes that have left.
    async fn remove_others(&self, index: IndexId, namespace: &str, objects: &[Object]) -> Result<()> {
        let wanted: HashSet<&str> =
            objects.iter().filter(|object| object.kind == Kind::Deployment).map(|object| object.name.as_str()).collect();
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        for existing in self.deployments.of(index) {
            let name = existing.name_any();
            if !wanted.contains(name.as_str()) && existing.metadata.deletion_timestamp.is_none() {
                gone(deployments.delete(&name, &DeleteParams::background()).await)?;
                self.forget_applied(index, Kind::Deployment, &name);
            }
        }
        Ok(())
    }

    /// An object that is being deleted: its Deployments go, and when their pods have gone it may go too.
    async fn end(&self, index: IndexId, object: &SearchIndex) -> Result<Option<Duration>> {
        let namespace = object.namespace().unwrap_or_default();
        self.remove_others(index, &namespace, &[]).await?;
        if !self.pods.of(index).is_empty() || !self.deployments.of(index).is_empty() {
            self.write_status(object, None).await?;
            return Ok(None);
        }
        if object.finalizers().iter().any(|finalizer| finalizer == FINALIZER) {
            let rest: Vec<&String> = object.finalizers().iter().filter(|finalizer| *finalizer != FINALIZER).collect();
            // The version makes it fail when somebody added another one meanwhile.
            let patch = json!({"metadata": {"finalizers": rest, "resourceVersion": object.resource_version()}});
            let indexes: Api<SearchIndex> = Api::namespaced(self.client.clone(), &namespace);
            let patched = indexes.patch(&object.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await;
            gone(patched)?;
        }
        self.forget(index);
        Ok(None)
    }

    async fn write_status(&self, object: &SearchIndex, refused: Option<&str>) -> Result<()> {
        let Ok(index) = object.spec.index.parse() else { return Ok(()) };
        let pods = self.seen_of(index);
        let before = object.status.as_ref();
        let facts = Facts {
            spec: &object.spec,
            generation: object.metadata.generation.unwrap_or_default(),
            ending: object.metadata.deletion_timestamp.is_some(),
            pods: &pods,
            served: self.served.lock().get(&index).map(|(generation, _)| generation.0 as i64),
            refused,
            before,
        };
        let now = status(&facts, Timestamp::now());
        if before == Some(&now) {
            return Ok(());
        }
        let indexes: Api<SearchIndex> = Api::namespaced(self.client.clone(), &object.namespace().unwrap_or_default());
        let patch = json!({"status": now});
        match indexes.patch_status(&object.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
            // It has gone meanwhile.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            written => written.map(drop)?,
        }
        self.tell(object, before, &now).await;
        Ok(())
    }

    /// Events for what a person wants to have read of: another phase, a failure.
    async fn tell(&self, object: &SearchIndex, before: Option<&SearchIndexStatus>, now: &SearchIndexStatus) {
        let condition = |status: &SearchIndexStatus, name: &str| {
            status
                .conditions
                .iter()
                .find(|condition| condition.type_ == name)
                .map(|condition| (condition.status.clone(), condition.message.clone()))
        };
        let trouble = condition(now, "Degraded").filter(|(status, _)| status == "True");
        if let Some((_, message)) = &trouble
            && before.and_then(|before| condition(before, "Degraded")).as_ref() != trouble.as_ref()
        {
            self.note_words(object, EventType::Warning, "Degraded", message).await;
        }
        if before.map(|before| &before.phase) != Some(&now.phase) && now.phase != "Degraded" {
            let message = condition(now, "Ready").map(|(_, message)| message).unwrap_or_default();
            self.note(object, EventType::Normal, &now.phase, &message).await;
        }
    }

    /// An event of which it matters that it happened, and how often.
    async fn note(&self, object: &SearchIndex, type_: EventType, reason: &str, message: &str) {
        self.publish(&self.recorder, object, type_, reason, message).await;
    }

    /// An event of which the words matter. A recorder that is kept counts it as another one of an earlier event with the same reason, and its words
    /// are lost.
    pub(super) async fn note_words(&self, object: &SearchIndex, type_: EventType, reason: &str, message: &str) {
        self.publish(&recorder(&self.client), object, type_, reason, message).await;
    }

    async fn publish(&self, recorder: &Recorder, object: &SearchIndex, type_: EventType, reason: &str, message: &str) {
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(message.chars().take(1000).collect()),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let reference: ObjectReference = object.object_ref(&());
        // An event that is lost is no reason to try again.
        if let Err(error) = recorder.publish(&event, &reference).await {
            tracing::debug!(%error, reason, "event was not recorded");
        }
    }

    /// Something made from a `SearchIndex` changed: unless that was this process, it is applied again.
    pub(super) fn object_changed(&self, index: IndexId, kind: Kind, name: &str, version: Option<&str>) {
        let mut applied = self.applied.lock();
        let Some(objects) = applied.get_mut(&index) else { return };
        let key = (kind, name.to_owned());
        if objects.get(&key).is_some_and(|known| Some(known.version.as_str()) != version) {
            objects.remove(&key);
            self.queue.add(index);
        }
    }

    fn forget_applied(&self, index: IndexId, kind: Kind, name: &str) {
        if let Some(objects) = self.applied.lock().get_mut(&index) {
            objects.remove(&(kind, name.to_owned()));
        }
    }

    fn forget(&self, index: IndexId) {
        self.applied.lock().remove(&index);
        if let Some(credentials) = &self.credentials {
            credentials.forget(index);
        }
    }
}

impl Kind {
    /// The API of this kind in a namespace.
    fn api(self, cluster: &Cluster, namespace: &str) -> Api<DynamicObject> {
        let resource = match self {
            Self::Secret => ApiResource::erase::<Secret>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
        };
        Api::namespaced_with(cluster.client.clone(), namespace, &resource)
    }
}

/// Records events in the name of the controller.
pub(super) fn recorder(client: &Client) -> Recorder {
    Recorder::new(client.clone(), Reporter { controller: MANAGER.to_owned(), instance: None })
}

/// What changes when an object is changed by another: its generation, which leaves the status out, where it has one.
pub(super) fn version(metadata: &kube::api::ObjectMeta) -> String {
    match metadata.generation {
        Some(generation) => format!("generation {generation}"),
        None => metadata.resource_version.clone().unwrap_or_default(),
    }
}

/// That a thing is gone already is as good as its deletion.
pub(super) fn gone<T>(deleted: Result<T>) -> Result<()> {
    match deleted {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(drop),
    }
}
