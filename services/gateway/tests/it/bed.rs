//! A gateway with everything around it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use http_body_util::BodyExt;
use onggi_domain::{
    IndexId, KeyId, TenantId, Timestamp,
    auth::Identity,
    container::{Selection, WakePolicy},
    identity::IdentityProvider,
    index::Index,
    key::{Action, IndexPattern, Key},
    limits::Limits,
    settings::Settings,
    tenant::{Tenant, TenantStatus},
    worker::Endpoint,
};
use onggi_gateway::{
    Deps, Discovery, GatewayConfig, WakeError,
    counting::{Counting, CountingConfig},
};
use onggi_metadata::{KeySecrets, Metadata, hash_key};
use onggi_web::{Caller, Upstream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener, sync::Semaphore};
use tower::ServiceExt;

/// What every searcher wants to be shown.
pub(crate) const SECRET: &str = "searchers-secret";

pub(crate) struct Bed {
    pub(crate) router: Router,
    pub(crate) metadata: Metadata,
    pub(crate) secrets: KeySecrets,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) counting: Counting,
    _directory: tempfile::TempDir,
}

/// Limits that no test meets by accident.
pub(crate) fn limits() -> Limits {
    Limits { requests_per_second: 1_000_000, concurrent_requests: 10_000, ..Limits::default() }
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::with(limits(), service("uploader"), service("admin")).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        Self::with(limits, service("uploader"), service("admin")).await
    }

    /// The uploader is reached over HTTP, the control plane in this process.
    pub(crate) async fn with(limits: Limits, uploader: Router, admin: Router) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("metadata.sqlite").display());
        Metadata::migrate(&url).await.unwrap();
        let metadata = Metadata::connect(&url).await.unwrap();
        let secrets = KeySecrets::new("a secret of the server for tests");
        let fleet = Arc::new(Fleet::default());
        let counting = Counting::new(CountingConfig::default(), &metadata);
        let deps = Deps {
            metadata: metadata.clone(),
            counting: counting.clone(),
            secrets: secrets.clone(),
            discovery: fleet.clone(),
            uploader: Upstream::remote(serve(uploader).await.parse().unwrap(), "internal"),
            admin: Upstream::local(admin, "internal"),
        };
        let router = onggi_gateway::router(
            GatewayConfig { limits, networks: vec!["127.0.0.0/8".parse().unwrap()], ..GatewayConfig::default() },
            deps,
        );
        Self { router, metadata, secrets, fleet, counting, _directory: directory }
    }

    /// A tenant; returns its id and its root key.
    pub(crate) async fn tenant(&self, name: &str) -> (TenantId, String) {
        let tenant = Tenant {
            id: TenantId::generate(),
            name: name.to_owned(),
            status: TenantStatus::Active,
            plan: None,
            created_at: Timestamp::now(),
        };
        self.metadata.tenants.create(&tenant).await.unwrap();
        let secret = format!("root-of-{name}");
        let key = Key { root: true, ..key(tenant.id, &[], &[]) };
        self.metadata.keys.create(&key, &hash_key(&secret)).await.unwrap();
        (tenant.id, secret)
    }

    /// Stores a key; returns its secret.
    pub(crate) async fn store(&self, key: &Key) -> String {
        let secret = self.secrets.of(key);
        self.metadata.keys.create(key, &hash_key(&secret)).await.unwrap();
        secret
    }

    /// A key with these actions on these indexes.
    pub(crate) async fn key(&self, tenant: TenantId, actions: &[Action], indexes: &[&str]) -> String {
        self.store(&key(tenant, actions, indexes)).await
    }

    /// An identity provider of a tenant, with these settings besides the usual ones.
    pub(crate) async fn provider(&self, tenant: TenantId, settings: &Value) {
        let mut all = json!({"issuer": "https://id.example", "audience": "app", "rules": [{"indexes": ["*"]}]});
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let settings = serde_json::from_value(all).unwrap();
        let provider = IdentityProvider { tenant, settings, updated_at: Timestamp::now() };
        self.metadata.identity_providers.set(&provider).await.unwrap();
    }

    /// An index that is awake, with these searchers.
    pub(crate) async fn index(&self, tenant: TenantId, uid: &str, searchers: &[&Searcher]) -> IndexId {
        self.index_that(tenant, uid, WakePolicy::OnSearch, true, searchers).await
    }

    pub(crate) async fn index_that(&self, tenant: TenantId, uid: &str, wake: WakePolicy, awake: bool, searchers: &[&Searcher]) -> IndexId {
        let now = Timestamp::now();
        let index = Index {
            id: IndexId::generate(),
            tenant,
            uid: uid.parse().unwrap(),
            primary_key: None,
            selection: Selection { wake, ..Selection::new("small") },
            awake,
            published: None,
            settings: Settings::default(),
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: 0,
        };
        self.metadata.indexes.create(&index).await.unwrap();
        self.fleet.set(index.id, searchers);
        index.id
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    pub(crate) async fn call(&self, key: &str, method: Method, path: &str) -> Answer {
        self.send(request(key, method, path, Body::empty())).await
    }

    /// `POST .../search` on an index.
    pub(crate) async fn search(&self, key: &str, uid: &str) -> Answer {
        self.send(request(key, Method::POST, &format!("/indexes/{uid}/search"), Body::from("{\"q\":\"jar\"}"))).await
    }

    /// The gateway behind a listener of its own; returns its URL.
    pub(crate) async fn serve(&self) -> String {
        serve(self.router.clone()).await
    }
}

pub(crate) fn key(tenant: TenantId, actions: &[Action], indexes: &[&str]) -> Key {
    let now = Timestamp::now();
    Key {
        uid: KeyId::generate(),
        tenant,
        name: None,
        description: None,
        actions: actions.to_vec(),
        indexes: indexes.iter().map(|pattern| IndexPattern::try_from((*pattern).to_owned()).unwrap()).collect(),
        expires_at: None,
        salted: true,
        root: false,
        created_at: now,
        updated_at: now,
    }
}

pub(crate) fn request(key: &str, method: Method, path: &str, body: Body) -> Request {
    Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {key}")).body(body).unwrap()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        Self { status: parts.status.as_u16(), headers: parts.headers, bytes: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and error code; the code is empty when it is no error.
    pub(crate) fn outcome(&self) -> (u16, String) {
        let code = serde_json::from_slice::<Value>(&self.bytes).ok().and_then(|json| json["code"].as_str().map(ToOwned::to_owned));
        (self.status, code.unwrap_or_default())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A service behind the gateway that says what arrived.
pub(crate) fn service(name: &'static str) -> Router {
    let stats = async |Path(uid): Path<String>| Json(json!({"stats of": uid}));
    let echo = async move |caller: Caller, request: Request| {
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await else { return http::StatusCode::BAD_REQUEST.into_response() };
        let said = said(name, &parts, &body.to_bytes());
        ([("x-onggi-internal", "leaked")], Json(json!({"said": said, "caller": caller.0}))).into_response()
    };
    Router::new().route("/indexes/{uid}/stats", get(stats)).fallback(echo)
}

/// Who the caller is in the eyes of a service.
pub(crate) fn caller(answer: &Answer) -> Identity {
    serde_json::from_value(answer.json()["caller"].clone()).unwrap()
}

fn said(name: &str, parts: &http::request::Parts, body: &[u8]) -> Value {
    let headers: HashMap<&str, &str> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    json!({
        "by": name,
        "method": parts.method.as_str(),
        "path": parts.uri.path_and_query().unwrap().as_str(),
        "headers": headers,
        "body": String::from_utf8_lossy(body),
    })
}

/// Serves a router on a port of its own; returns its URL.
pub(crate) async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(onggi_web::serve::serve(listener, router, std::future::pending(), Duration::ZERO));
    format!("http://{address}")
}

/// A searcher on a port of its own.
pub(crate) struct Searcher {
    pub(crate) endpoint: Endpoint,
    /// Requests that arrived.
    pub(crate) asked: Arc<AtomicUsize>,
}

impl Searcher {
    /// One that says what it was asked.
    pub(crate) async fn new(name: &'static str) -> Self {
        let echo = async move |request: Request| {
            let (parts, body) = request.into_parts();
            let shown = parts.headers.get(header::AUTHORIZATION).cloned();
            if shown.is_none_or(|shown| shown != format!("Bearer {SECRET}")) {
                return http::StatusCode::FORBIDDEN.into_response();
            }
            Json(said(name, &parts, &body.collect().await.unwrap().to_bytes())).into_response()
        };
        Self::with(name, Router::new().fallback(echo)).await
    }

    pub(crate) async fn with(name: &str, router: Router) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let count = move |request: Request, next: axum::middleware::Next| {
            counter.fetch_add(1, Ordering::SeqCst);
            next.run(request)
        };
        let url = serve(router.layer(axum::middleware::from_fn(count))).await;
        Self { endpoint: endpoint(name, url.trim_start_matches("http://").parse().unwrap()), asked }
    }

    /// One whose process is gone: nothing listens at its address.
    pub(crate) async fn dead(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { endpoint: endpoint(name, listener.local_addr().unwrap()), asked: Arc::default() }
    }

    /// One that hangs up on whoever asks.
    pub(crate) async fn dying(name: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (endpoint, asked) = (endpoint(name, listener.local_addr().unwrap()), Arc::new(AtomicUsize::new(0)));
        let counter = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { endpoint, asked }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn endpoint(name: &str, address: std::net::SocketAddr) -> Endpoint {
    Endpoint { name: name.to_owned(), address, secret: SECRET.into(), zone: None }
}

/// What runs searchers.
pub(crate) struct Fleet {
    running: Mutex<HashMap<IndexId, Arc<[Endpoint]>>>,
    /// What a wake starts.
    sleeping: Mutex<HashMap<IndexId, Vec<Endpoint>>>,
    wakes: AtomicUsize,
    /// A wake needs one of these to come to its end.
    pub(crate) may_wake: Semaphore,
}

impl Default for Fleet {
    fn default() -> Self {
        Self { running: Mutex::default(), sleeping: Mutex::default(), wakes: AtomicUsize::new(0), may_wake: Semaphore::new(0) }
    }
}

impl Fleet {
    pub(crate) fn set(&self, index: IndexId, searchers: &[&Searcher]) {
        self.running.lock().insert(index, searchers.iter().map(|searcher| searcher.endpoint.clone()).collect());
    }

    pub(crate) fn wakes_with(&self, index: IndexId, searchers: &[&Searcher]) {
        self.sleeping.lock().insert(index, searchers.iter().map(|searcher| searcher.endpoint.clone()).collect());
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Discovery for Fleet {
    fn endpoints(&self, index: IndexId) -> Arc<[Endpoint]> {
        self.running.lock().get(&index).cloned().unwrap_or_default()
    }

    async fn wake(&self, index: IndexId) -> Result<(), WakeError> {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        self.may_wake.acquire().await.unwrap().forget();
        if let Some(woken) = self.sleeping.lock().remove(&index) {
            self.running.lock().insert(index, woken.into());
        }
        Ok(())
    }
}
