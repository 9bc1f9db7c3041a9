//! A copy of the cluster's objects of one kind, kept up to date by a watch and found by index. Nothing here asks the API server.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::Arc,
};

use futures::{Stream, StreamExt};
use kube::{
    Resource, ResourceExt,
    runtime::watcher::{self, Event},
};
use onggi_domain::IndexId;
use parking_lot::RwLock;
use tokio::sync::watch;

use super::names;

/// The objects of an index, by name.
type Objects<K> = BTreeMap<String, Arc<K>>;

/// The objects of one kind in the namespaces of one installation.
pub(crate) struct Mirror<K> {
    /// How the names of its namespaces begin.
    prefix: String,
    indexes: RwLock<HashMap<IndexId, Objects<K>>>,
    complete: watch::Sender<bool>,
}

impl<K: Resource<DynamicType = ()> + Debug> Mirror<K> {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), indexes: RwLock::default(), complete: watch::Sender::new(false) }
    }

    /// The objects of an index.
    pub(crate) fn of(&self, index: IndexId) -> Vec<Arc<K>> {
        self.indexes.read().get(&index).map(|objects| objects.values().cloned().collect()).unwrap_or_default()
    }

    /// Every index that has an object.
    pub(crate) fn indexes(&self) -> Vec<IndexId> {
        self.indexes.read().keys().copied().collect()
    }

    /// Every object.
    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        self.indexes.read().values().flat_map(|objects| objects.values().cloned()).collect()
    }

    /// Whether everything that there was has been seen.
    pub(crate) async fn completed(&self) {
        // The sender lives as long as `self`.
        let _ = self.complete.subscribe().wait_for(|complete| *complete).await;
    }

    /// Follows a watch for as long as it goes on, and tells of each index with a change. `changed` gets the object, or `None` when there
    /// is none of this name any more.
    pub(crate) async fn follow(
        &self,
        events: impl Stream<Item = Result<Event<K>, watcher::Error>> + Send,
        changed: impl Fn(IndexId, &str, Option<&K>) + Send + Sync,
    ) {
        let mut events = std::pin::pin!(events);
        let mut listed: HashMap<IndexId, Objects<K>> = HashMap::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(object)) => {
                    if let Some(index) = self.index_of(&object) {
                        listed.entry(index).or_default().insert(object.name_any(), Arc::new(object));
                    }
                }
                Ok(Event::InitDone) => self.replace(&std::mem::take(&mut listed), &changed),
                Ok(Event::Apply(object)) => {
                    let Some(index) = self.index_of(&object) else { continue };
                    let (name, object) = (object.name_any(), Arc::new(object));
                    self.indexes.write().entry(index).or_default().insert(name.clone(), object.clone());
                    changed(index, &name, Some(&object));
                }
                Ok(Event::Delete(object)) => {
                    let Some(index) = self.index_of(&object) else { continue };
                    let name = object.name_any();
                    self.forget(index, &name);
                    changed(index, &name, None);
                }
                // The watch begins again by itself, after a rest.
                Err(error) => tracing::warn!(kind = %K::kind(&()), %error, "watch was interrupted"),
            }
        }
    }

    /// The index that an object belongs to, unless it is another installation's.
    fn index_of(&self, object: &K) -> Option<IndexId> {
        let ours = object.meta().namespace.as_ref().is_some_and(|namespace| namespace.starts_with(&self.prefix));
        object.meta().labels.as_ref().filter(|_| ours)?.get(names::INDEX)?.parse().ok()
    }

    fn forget(&self, index: IndexId, name: &str) {
        let mut indexes = self.indexes.write();
        if let Some(objects) = indexes.get_mut(&index) {
            objects.remove(name);
            if objects.is_empty() {
                indexes.remove(&index);
            }
        }
    }

    /// Takes what a new list says, and tells of what is new and of what has gone.
    fn replace(&self, listed: &HashMap<IndexId, Objects<K>>, changed: &(impl Fn(IndexId, &str, Option<&K>) + Send + Sync)) {
        let before = std::mem::replace(&mut *self.indexes.write(), listed.clone());
        for (index, objects) in &before {
            let gone = objects.keys().filter(|name| !listed.get(index).is_some_and(|now| now.contains_key(*name)));
            gone.for_each(|name| changed(*index, name, None));
        }
        for (index, objects) in listed {
            for (name, object) in objects {
                changed(*index, name, Some(object));
            }
        }
        self.complete.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use k8s_openapi::api::core::v1::Pod;
    use parking_lot::Mutex;
    use serde_json::json;

    use super::*;

    fn pod(index: IndexId, name: &str) -> Pod {
        serde_json::from_value(json!({"metadata": {"name": name, "namespace": "t-1", "labels": {names::INDEX: index.to_string()}}}))
            .unwrap()
    }

    fn names(mirror: &Mirror<Pod>, index: IndexId) -> Vec<String> {
        mirror.of(index).iter().map(|pod| pod.name_any()).collect()
    }

    #[tokio::test]
    async fn what_a_new_list_lacks_is_gone_and_told_of() {
        let (a, b) = (IndexId::generate(), IndexId::generate());
        let mirror = Mirror::new("t-");
        let told = Mutex::new(Vec::new());
        let tell = |index: IndexId, name: &str, pod: Option<&Pod>| told.lock().push((index, name.to_owned(), pod.is_some()));
        let first = [Event::Init, Event::InitApply(pod(a, "1")), Event::InitApply(pod(b, "2")), Event::InitDone];
        Box::pin(mirror.follow(stream::iter(first.into_iter().map(Ok)), tell)).await;
        assert_eq!((names(&mirror, a), names(&mirror, b)), (vec!["1".to_owned()], vec!["2".to_owned()]));
        told.lock().clear();
        // A list that has not ended changes nothing.
        let second = [Event::Init, Event::InitApply(pod(a, "3"))];
        Box::pin(mirror.follow(stream::iter(second.into_iter().map(Ok)), tell)).await;
        assert_eq!(names(&mirror, b), ["2"]);
        let third = [Event::Init, Event::InitApply(pod(a, "3")), Event::InitDone, Event::Apply(pod(a, "4")), Event::Delete(pod(a, "3"))];
        Box::pin(mirror.follow(stream::iter(third.into_iter().map(Ok)), tell)).await;
        assert_eq!((names(&mirror, a), names(&mirror, b)), (vec!["4".to_owned()], vec![]));
        let mut told = told.into_inner();
        told[..2].sort_by(|x, y| x.1.cmp(&y.1));
        let expected = [(a, "1", false), (b, "2", false), (a, "3", true), (a, "4", true), (a, "3", false)];
        assert_eq!(told, expected.map(|(index, name, there)| (index, name.to_owned(), there)));
        mirror.completed().await;
    }

    #[tokio::test]
    async fn an_object_of_no_index_or_of_another_installation_is_not_ours() {
        let mirror = Mirror::<Pod>::new("t-");
        let stray: Pod = serde_json::from_value(json!({"metadata": {"name": "x", "namespace": "t-1"}})).unwrap();
        let mut other = pod(IndexId::generate(), "y");
        other.metadata.namespace = Some("another-installation".to_owned());
        mirror.follow(stream::iter([Ok(Event::Apply(stray)), Ok(Event::Apply(other))]), |_, _, _| panic!("told of a stranger")).await;
        assert!(mirror.all().is_empty());
    }
}
