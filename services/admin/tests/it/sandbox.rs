//! A control-plane API with one tenant, and a controller that answers for one running searcher.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    routing::{get, post},
};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use onggi_admin::{Deps, operator::TenantKeys};
use onggi_bucket::IndexBucket;
use onggi_domain::{
    KeyId,
    auth::Identity,
    container::SizeTable,
    index::Index,
    key::{Action, IndexPattern},
    limits::Limits,
    plan::PlanTable,
};
use onggi_metadata::{KeySecrets, Metadata};
use onggi_web::{
    Upstream,
    identity::{IDENTITY, INTERNAL, header},
};
use serde_json::{Value, json};
use tower::ServiceExt;

const SECRET: &str = "inside";

pub(crate) struct Sandbox {
    pub(crate) deps: Deps,
    /// The root key of the one tenant.
    pub(crate) caller: Identity,
    pub(crate) keys: TenantKeys,
    router: Router,
    _directory: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", directory.path().join("metadata.db").display());
        Metadata::migrate(&database).await.unwrap();
        let bucket = directory.path().join("bucket");
        std::fs::create_dir(&bucket).unwrap();
        let deps = Deps {
            metadata: Metadata::connect(&database).await.unwrap(),
            secrets: KeySecrets::new("server secret"),
            store: onggi_bucket::open_store(&format!("file://{}", bucket.display()), &[]).unwrap(),
            controller: Upstream::local(controller(), SECRET),
            limits: Limits::default(),
            sizes: SizeTable::default(),
            plans: PlanTable::default(),
            log_one_in: 1,
            keep_queries_for: Duration::from_hours(24 * 90),
            internal_secret: Arc::from(SECRET),
            edge: Upstream::local(Router::new(), SECRET),
            portal: onggi_admin::portal::PortalConfig::default(),
            closing: tokio_util::sync::CancellationToken::new(),
        };
        let keys = onggi_admin::operator::create_tenant(&deps.metadata, &deps.secrets, "acme").await.unwrap();
        let caller = Identity {
            tenant: keys.tenant.id,
            key: KeyId::generate(),
            member: false,
            root: true,
            actions: vec![Action::All],
            indexes: vec![IndexPattern::all()],
        };
        Self { router: onggi_admin::router(deps.clone()), deps, caller, keys, _directory: directory }
    }

    /// A key of the tenant that sees only indexes of this pattern.
    pub(crate) fn limited_to(&self, pattern: &str) -> Identity {
        let indexes = vec![IndexPattern::try_from(pattern.to_owned()).unwrap()];
        Identity { root: false, indexes, ..self.caller.clone() }
    }

    pub(crate) async fn send_as(&self, caller: &Identity, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder().method(method).uri(path).header(INTERNAL, SECRET).header(IDENTITY, header(caller));
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The body of an answer that is no JSON.
    pub(crate) async fn text(&self, method: &str, path: &str) -> String {
        let request = Request::builder().method(method).uri(path).header(INTERNAL, SECRET).header(IDENTITY, header(&self.caller));
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        self.send_as(&self.caller, method, path, &body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.send("GET", path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// A question that needs a body.
    pub(crate) async fn get_with(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.send("POST", path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// Sends what is answered with a task, and returns the task as it ended.
    pub(crate) async fn task(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{method} {path}: {answer}");
        self.get(&format!("/tasks/{}", answer["taskUid"])).await
    }

    /// Asserts that a request is refused with this code, its status, and a message that contains this.
    pub(crate) async fn refused(&self, method: &str, path: &str, body: Value, code: onggi_domain::Code, part: &str) {
        let (status, error) = self.send(method, path, body).await;
        assert_eq!(error["code"], code.as_str(), "{method} {path}: {error}");
        assert_eq!(status.as_u16(), code.status(), "{method} {path}");
        assert!(error["message"].as_str().unwrap().contains(part), "{method} {path}: {error}");
    }

    pub(crate) async fn index(&self, uid: &str) -> Index {
        self.deps.metadata.indexes.get(self.caller.tenant, &uid.parse().unwrap()).await.unwrap()
    }

    pub(crate) fn bucket(&self, index: &Index) -> IndexBucket {
        IndexBucket::new(self.deps.store.clone(), &IndexBucket::prefix(index.tenant, index.id))
    }
}

fn controller() -> Router {
    let container = json!({
        "name": "s-1", "role": "searcher", "status": "running", "generation": 1, "lag": 0, "cpuSeconds": 0.5,
        "memoryBytes": 1, "since": "2026-01-01T00:00:00Z", "note": null,
    });
    let decision = json!({"at": "2026-01-01T00:00:00Z", "from": 2, "to": 4, "why": "busy"});
    let observed = json!({"phase": "awake", "wanted": 4, "containers": [container], "decisions": [decision]});
    Router::new()
        .route("/internal/indexes/{id}/changed", post(async || StatusCode::NO_CONTENT))
        .route("/internal/indexes/{id}/sleep", post(async || StatusCode::NO_CONTENT))
        .route(
            "/internal/indexes/{id}/wake",
            post(async || Json(json!({"phase": "awake", "searchers": [{"name": "s-1", "address": "127.0.0.1:1"}]}))),
        )
        .route("/internal/indexes/{id}/containers", get(async || Json(observed)))
}
