//! Searchers on Kubernetes: found by a watch of EndpointSlices, woken through the controller.
//!
//! The Services of all indexes are headless and select the searchers in rotation; an endpoint is routed to while it is ready. What a wake
//! answers is used until the slices tell of it, so that the search that woke an index does not wait for that too.
//!
//! Slices also say in which zone each endpoint is. Where this process is it learns from the slices of its own Service, so that it needs no
//! right to read nodes.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::body::Body;
use futures::{Stream, StreamExt};
use http::{Request, StatusCode};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{
    Api, Client, ResourceExt,
    api::ListParams,
    runtime::{
        WatchStreamExt,
        watcher::{self, Config, Event, watcher},
    },
};
use onggi_domain::{Code, IndexId, worker::Endpoint};
use onggi_web::{Upstream, body::read, identity::worker_secret};
use parking_lot::{Mutex, RwLock};
use serde::Deserialize;

use crate::{Discovery, WakeError};

/// The label of a Service, and so of its slices, that names the index.
const INDEX: &str = "onggi.dev/index";
/// How long what a wake answered is believed in.
const BELIEVED: Duration = Duration::from_secs(10);
/// How often, and how many times, a controller that cannot be reached or does not lead is asked again: another one may be about to.
const AGAIN: (Duration, u32) = (Duration::from_millis(200), 50);
/// How often, and how many times, this process looks for itself.
const OWN_ZONE: (Duration, u32) = (Duration::from_secs(2), 60);
/// The most bytes of a controller's answer.
const ANSWER_BYTES: u64 = 1 << 20;

/// What a wake answered, and when.
type LastWake = (Arc<[Endpoint]>, Instant);

/// The searchers of all indexes.
pub struct Slices {
    controller: Upstream,
    internal_secret: Arc<str>,
    table: RwLock<Table>,
    woken: Mutex<HashMap<IndexId, LastWake>>,
    complete: AtomicBool,
    /// Where this process is.
    zone: OnceLock<Arc<str>>,
}

/// What the slices say. An index has one slice, or several while it has many endpoints.
#[derive(Default)]
struct Table {
    slices: HashMap<IndexId, BTreeMap<String, Vec<Endpoint>>>,
    endpoints: HashMap<IndexId, Arc<[Endpoint]>>,
}

#[derive(Deserialize)]
struct Woken {
    searchers: Vec<Searcher>,
}

#[derive(Deserialize)]
struct Searcher {
    name: String,
    address: SocketAddr,
}

impl Slices {
    /// Begins to watch the cluster that this process runs in. The watch ends with the process. `own` is the namespace of this process and its
    /// address, where they are known.
    pub async fn watch(controller: Upstream, internal_secret: Arc<str>, own: Option<(&str, IpAddr)>) -> kube::Result<Arc<Self>> {
        let client = Client::try_default().await?;
        let slices = Arc::new(Self::new(controller, internal_secret));
        if let Some((namespace, address)) = own {
            let (finding, services) = (slices.clone(), Api::<EndpointSlice>::namespaced(client.clone(), namespace));
            tokio::spawn(async move { finding.find_own_zone(&services, address).await });
        }
        let watching = slices.clone();
        tokio::spawn(async move {
            let config = Config::default().labels(INDEX).any_semantic();
            let events = watcher(Api::<EndpointSlice>::all(client), config).default_backoff();
            watching.follow(events).await;
        });
        Ok(slices)
    }

    fn new(controller: Upstream, internal_secret: Arc<str>) -> Self {
        Self {
            controller,
            internal_secret,
            table: RwLock::default(),
            woken: Mutex::default(),
            complete: AtomicBool::new(false),
            zone: OnceLock::new(),
        }
    }

    /// Whether everything that there was has been seen.
    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }

    /// Looks for this process among the endpoints of the Services beside it, which it is one of soon after its start.
    async fn find_own_zone(&self, services: &Api<EndpointSlice>, own: IpAddr) {
        for _ in 0..OWN_ZONE.1 {
            let found = match services.list(&ListParams::default()).await {
                Ok(slices) => slices.items.iter().find_map(|slice| zone_of(slice, own)),
                Err(error) => {
                    tracing::warn!(%error, "the slices of the own namespace cannot be read");
                    None
                }
            };
            if let Some(zone) = found {
                if let Some(zone) = zone {
                    tracing::info!(zone, "searchers in the own zone are preferred");
                    let _ = self.zone.set(zone.into());
                }
                return;
            }
            tokio::time::sleep(OWN_ZONE.0).await;
        }
        tracing::warn!("no Service leads to this process: searchers are preferred in no zone");
    }

    async fn follow(&self, events: impl Stream<Item = Result<Event<EndpointSlice>, watcher::Error>>) {
        let mut events = std::pin::pin!(events);
        let mut listed = Table::default();
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed = Table::default(),
                Ok(Event::InitApply(slice)) => self.put(&mut listed, &slice),
                Ok(Event::InitDone) => {
                    *self.table.write() = std::mem::take(&mut listed);
                    self.complete.store(true, Ordering::Relaxed);
                }
                Ok(Event::Apply(slice)) => self.put(&mut self.table.write(), &slice),
                Ok(Event::Delete(slice)) => {
                    if let Some(index) = index_of(&slice) {
                        self.woken.lock().remove(&index);
                        self.table.write().change(index, &slice.name_any(), Vec::new());
                    }
                }
                Err(error) => tracing::warn!(%error, "watch of searchers was interrupted; what was seen last is used"),
            }
        }
    }

    fn put(&self, table: &mut Table, slice: &EndpointSlice) {
        let Some(index) = index_of(slice) else { return };
        let endpoints = endpoints(slice, &worker_secret(&self.internal_secret, index));
        // What was woken and has left the slices since, or never gets ready, must not be called: nothing may answer at its address.
        let is_over = |(woken, _): &LastWake| !endpoints.is_empty() || !woken.iter().all(|searcher| may_get_ready(slice, &searcher.name));
        let mut woken = self.woken.lock();
        if woken.get(&index).is_some_and(is_over) {
            woken.remove(&index);
        }
        drop(woken);
        table.change(index, &slice.name_any(), endpoints);
    }

    async fn ask_to_wake(&self, index: IndexId) -> Result<Option<Woken>, WakeError> {
        let failed = |why: String| WakeError::Failed(why);
        let request =
            Request::post(format!("/internal/indexes/{index}/wake")).body(Body::empty()).map_err(|error| failed(error.to_string()))?;
        let Ok(response) = self.controller.send(request).await else { return Ok(None) };
        match response.status() {
            StatusCode::OK => {
                let bytes = read(response.into_body(), ANSWER_BYTES).await.map_err(|error| failed(error.to_string()))?;
                serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.to_string()))
            }
            StatusCode::NOT_FOUND => Err(WakeError::NotFound),
            StatusCode::SERVICE_UNAVAILABLE => {
                let bytes = read(response.into_body(), ANSWER_BYTES).await.map_err(|error| failed(error.to_string()))?;
                let error: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
                // What is not about the index is about the controllers: none leads just now, and the next one may in a moment.
                if error["code"] == Code::IndexWaking.as_str() { Err(WakeError::TooSlow) } else { Ok(None) }
            }
            status => Err(failed(format!("the controller answers {status}"))),
        }
    }
}

#[async_trait]
impl Discovery for Slices {
    fn endpoints(&self, index: IndexId) -> Arc<[Endpoint]> {
        if let Some(endpoints) = self.table.read().endpoints.get(&index) {
            return endpoints.clone();
        }
        let mut woken = self.woken.lock();
        match woken.get(&index) {
            Some((endpoints, since)) if since.elapsed() < BELIEVED => return endpoints.clone(),
            Some(_) => drop(woken.remove(&index)),
            None => {}
        }
        Arc::default()
    }

    fn zone(&self) -> Option<Arc<str>> {
        self.zone.get().cloned()
    }

    async fn wake(&self, index: IndexId) -> Result<(), WakeError> {
        for _ in 0..AGAIN.1 {
            if let Some(Woken { searchers }) = self.ask_to_wake(index).await? {
                let secret = worker_secret(&self.internal_secret, index);
                let endpoint = |Searcher { name, address }| Endpoint { name, address, secret: secret.clone(), zone: None };
                self.woken.lock().insert(index, (searchers.into_iter().map(endpoint).collect(), Instant::now()));
                return Ok(());
            }
            tokio::time::sleep(AGAIN.0).await;
        }
        Err(WakeError::Failed("the controller cannot be reached".to_owned()))
    }
}

impl Table {
    /// Takes what one slice says now.
    fn change(&mut self, index: IndexId, slice: &str, endpoints: Vec<Endpoint>) {
        let slices = self.slices.entry(index).or_default();
        if endpoints.is_empty() {
            slices.remove(slice);
        } else {
            slices.insert(slice.to_owned(), endpoints);
        }
        if slices.is_empty() {
            self.slices.remove(&index);
            self.endpoints.remove(&index);
        } else {
            self.endpoints.insert(index, slices.values().flatten().cloned().collect());
        }
    }
}

fn index_of(slice: &EndpointSlice) -> Option<IndexId> {
    slice.labels().get(INDEX)?.parse().ok()
}

/// The endpoints of a slice that are ready.
fn endpoints(slice: &EndpointSlice, secret: &Arc<str>) -> Vec<Endpoint> {
    let Some(port) = slice.ports.iter().flatten().find_map(|port| u16::try_from(port.port?).ok()) else { return Vec::new() };
    let ready = slice.endpoints.iter().filter(|endpoint| {
        endpoint.conditions.as_ref().is_none_or(|conditions| conditions.ready != Some(false) && conditions.terminating != Some(true))
    });
    ready
        .filter_map(|endpoint| {
            let name = endpoint.target_ref.as_ref()?.name.clone()?;
            let ip: IpAddr = endpoint.addresses.first()?.parse().ok()?;
            let zone = endpoint.zone.as_deref().map(Arc::from);
            Some(Endpoint { name, address: (ip, port).into(), secret: secret.clone(), zone })
        })
        .collect()
}

/// Whether a slice has a searcher of this name that is not ending.
fn may_get_ready(slice: &EndpointSlice, name: &str) -> bool {
    slice.endpoints.iter().any(|endpoint| {
        let is_it = endpoint.target_ref.as_ref().is_some_and(|target| target.name.as_deref() == Some(name));
        is_it && endpoint.conditions.as_ref().is_none_or(|conditions| conditions.terminating != Some(true))
    })
}

/// The zone of the endpoint with this address, if the slice has it; within, `None`: the cluster has no zones.
#[expect(clippy::option_option, reason = "that the endpoint is not there is another answer than that it has no zone")]
fn zone_of(slice: &EndpointSlice, own: IpAddr) -> Option<Option<String>> {
    let is_own = |address: &String| address.parse() == Ok(own);
    slice.endpoints.iter().find(|endpoint| endpoint.addresses.iter().any(is_own)).map(|endpoint| endpoint.zone.clone())
}

#[cfg(test)]
mod tests {
    use axum::{Json, Router, routing::post};
    use futures::stream;
    use serde_json::{Value, json};

    use super::*;

    fn slice(index: IndexId, name: &str, endpoints: &[(&str, bool)]) -> EndpointSlice {
        let endpoint =
            |(pod, ready): &(&str, bool)| json!({"addresses": ["10.0.0.1"], "conditions": {"ready": ready}, "targetRef": {"name": pod}});
        let endpoints: Vec<Value> = endpoints.iter().map(endpoint).collect();
        serde_json::from_value(json!({
            "metadata": {"name": name, "labels": {INDEX: index.to_string()}},
            "addressType": "IPv4", "ports": [{"port": 7710}], "endpoints": endpoints,
        }))
        .unwrap()
    }

    fn controller(answer: StatusCode) -> Upstream {
        let woken = json!({"phase": "awake", "searchers": [{"name": "first", "address": "10.0.0.9:7710"}], "code": "index_waking"});
        let wake = move || async move { (answer, Json(woken)) };
        Upstream::local(Router::new().route("/internal/indexes/{id}/wake", post(wake)), "inside")
    }

    fn names(slices: &Slices, index: IndexId) -> Vec<String> {
        slices.endpoints(index).iter().map(|endpoint| endpoint.name.clone()).collect()
    }

    #[tokio::test]
    async fn ready_endpoints_of_all_slices_of_an_index_are_routed_to() {
        let (index, other) = (IndexId::generate(), IndexId::generate());
        let slices = Slices::new(controller(StatusCode::OK), "inside".into());
        let first = [Event::Init, Event::InitApply(slice(index, "1", &[("a", true), ("b", false)])), Event::InitDone];
        slices.follow(stream::iter(first.into_iter().map(Ok))).await;
        assert!(slices.is_complete());
        assert_eq!(names(&slices, index), ["a"]);
        assert_eq!(&*slices.endpoints(index)[0].secret, &*worker_secret("inside", index));
        let then = [Event::Apply(slice(index, "2", &[("c", true)])), Event::Apply(slice(other, "3", &[("d", true)]))];
        slices.follow(stream::iter(then.into_iter().map(Ok))).await;
        assert_eq!((names(&slices, index), names(&slices, other)), (vec!["a".to_owned(), "c".to_owned()], vec!["d".to_owned()]));
        let last = [Event::Delete(slice(index, "2", &[])), Event::Apply(slice(index, "1", &[("a", false)]))];
        slices.follow(stream::iter(last.into_iter().map(Ok))).await;
        assert!(names(&slices, index).is_empty());
        let again = [Event::Init, Event::InitApply(slice(index, "1", &[("a", true)])), Event::InitDone];
        slices.follow(stream::iter(again.into_iter().map(Ok))).await;
        assert!(names(&slices, other).is_empty(), "a new list lacks it");
    }

    #[test]
    fn zones_are_those_of_the_slices() {
        let slice: EndpointSlice = serde_json::from_value(json!({
            "metadata": {"name": "s", "labels": {INDEX: IndexId::generate().to_string()}},
            "addressType": "IPv4", "ports": [{"port": 7710}],
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {"ready": true}, "targetRef": {"name": "a"}, "zone": "north"},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": true}, "targetRef": {"name": "b"}},
            ],
        }))
        .unwrap();
        let zones: Vec<Option<String>> =
            endpoints(&slice, &"s".into()).iter().map(|endpoint| endpoint.zone.as_deref().map(str::to_owned)).collect();
        assert_eq!(zones, [Some("north".to_owned()), None]);
        let own = |address: &str| zone_of(&slice, address.parse().unwrap());
        assert_eq!((own("10.0.0.1"), own("10.0.0.2"), own("10.0.0.3")), (Some(Some("north".to_owned())), Some(None), None));
    }

    #[tokio::test]
    async fn what_a_wake_answers_is_used_until_the_slices_tell() {
        let index = IndexId::generate();
        let slices = Slices::new(controller(StatusCode::OK), "inside".into());
        slices.wake(index).await.unwrap();
        assert_eq!(names(&slices, index), ["first"]);
        slices.follow(stream::iter([Ok(Event::Apply(slice(index, "1", &[("second", true)])))])).await;
        assert_eq!(names(&slices, index), ["second"]);
        slices.follow(stream::iter([Ok(Event::Delete(slice(index, "1", &[])))])).await;
        assert!(names(&slices, index).is_empty(), "a wake of long ago says nothing");
    }

    #[tokio::test]
    async fn what_was_woken_and_sleeps_again_before_it_was_ready_is_not_called() {
        let index = IndexId::generate();
        let slices = Slices::new(controller(StatusCode::OK), "inside".into());
        slices.wake(index).await.unwrap();
        slices.follow(stream::iter([Ok(Event::Apply(slice(index, "1", &[("first", false)])))])).await;
        assert_eq!(names(&slices, index), ["first"], "it answers before the slices say that it is ready");
        slices.follow(stream::iter([Ok(Event::Apply(slice(index, "1", &[])))])).await;
        assert!(names(&slices, index).is_empty());
    }

    #[tokio::test]
    async fn while_no_controller_leads_the_next_one_is_asked() {
        let asked = Arc::new(AtomicBool::new(false));
        let wake = move || {
            let leads = asked.swap(true, Ordering::Relaxed);
            let answer = json!({"code": "unavailable", "searchers": [{"name": "first", "address": "10.0.0.9:7710"}]});
            async move { (if leads { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(answer)) }
        };
        let controllers = Upstream::local(Router::new().route("/internal/indexes/{id}/wake", post(wake)), "inside");
        let (index, slices) = (IndexId::generate(), Slices::new(controllers, "inside".into()));
        slices.wake(index).await.unwrap();
        assert_eq!(names(&slices, index), ["first"]);
    }

    #[tokio::test]
    async fn a_wake_that_fails_says_how() {
        let index = IndexId::generate();
        for (answer, expected) in [(StatusCode::NOT_FOUND, WakeError::NotFound), (StatusCode::SERVICE_UNAVAILABLE, WakeError::TooSlow)] {
            assert_eq!(Slices::new(controller(answer), "inside".into()).wake(index).await, Err(expected));
        }
        let broken = Slices::new(controller(StatusCode::BAD_GATEWAY), "inside".into()).wake(index).await;
        assert!(matches!(broken, Err(WakeError::Failed(_))));
    }
}
