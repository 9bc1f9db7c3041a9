//! An uploader with one tenant, and a view into the log that it writes.

use std::sync::Arc;

use axum::{Router, body::Body};
use futures::TryStreamExt;
use http::{Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use onggi_bucket::IndexBucket;
use onggi_domain::{
    KeyId, Seq, TenantId, Timestamp,
    auth::Identity,
    container::SizeTable,
    index::Index,
    key::{Action, IndexPattern},
    limits::Limits,
    log::{Operation, Payload, Record},
    plan::PlanTable,
    tenant::{Tenant, TenantStatus},
};
use onggi_metadata::Metadata;
use onggi_uploader::Deps;
use onggi_web::{
    Upstream,
    identity::{IDENTITY, INTERNAL, header},
};
use serde_json::Value;
use tower::ServiceExt;

const SECRET: &str = "inside";

pub(crate) struct Sandbox {
    pub(crate) router: Router,
    pub(crate) deps: Deps,
    /// The root key of the one tenant.
    pub(crate) caller: Identity,
    _directory: tempfile::TempDir,
}

impl Sandbox {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default(), SizeTable::default()).await
    }

    pub(crate) async fn with(limits: Limits, sizes: SizeTable) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", directory.path().join("metadata.db").display());
        Metadata::migrate(&database).await.unwrap();
        let metadata = Metadata::connect(&database).await.unwrap();
        let tenant = Tenant {
            id: TenantId::generate(),
            name: "t".to_owned(),
            status: TenantStatus::Active,
            plan: None,
            created_at: Timestamp::now(),
        };
        metadata.tenants.create(&tenant).await.unwrap();
        let bucket = directory.path().join("bucket");
        std::fs::create_dir(&bucket).unwrap();
        let deps = Deps {
            metadata,
            store: onggi_bucket::open_store(&format!("file://{}", bucket.display()), &[]).unwrap(),
            controller: Upstream::local(Router::new(), SECRET),
            limits,
            sizes,
            plans: PlanTable::default(),
            internal_secret: Arc::from(SECRET),
            spool_dir: directory.path().join("spool"),
        };
        let caller = Identity {
            tenant: tenant.id,
            key: KeyId::generate(),
            member: false,
            root: true,
            actions: vec![Action::All],
            indexes: vec![IndexPattern::all()],
        };
        Self { router: onggi_uploader::router(deps.clone()), deps, caller, _directory: directory }
    }

    pub(crate) async fn send(
        &self,
        caller: &Identity,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header(INTERNAL, SECRET).header(IDENTITY, header(caller));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Sends JSON with the root key.
    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(&self.caller, method, path, &[(CONTENT_TYPE.as_str(), "application/json")], body.to_string()).await
    }

    pub(crate) async fn index(&self, uid: &str) -> Index {
        self.deps.metadata.indexes.get(self.caller.tenant, &uid.parse().unwrap()).await.unwrap()
    }

    pub(crate) fn bucket(&self, index: &Index) -> IndexBucket {
        IndexBucket::new(self.deps.store.clone(), &IndexBucket::prefix(index.tenant, index.id))
    }

    /// What the log of an index holds.
    pub(crate) async fn log(&self, uid: &str) -> Vec<Record> {
        let index = self.index(uid).await;
        let entries = self.bucket(&index).read(Seq(0), 100).await.unwrap();
        entries.into_iter().flat_map(|entry| entry.records).collect()
    }

    /// The documents of the record, which is an upload.
    pub(crate) async fn documents(&self, uid: &str, record: &Record) -> Vec<Value> {
        let Operation::AddDocuments { documents, .. } = &record.operation else { panic!("not an upload: {record:?}") };
        self.payload(uid, documents).await
    }

    async fn payload(&self, uid: &str, payload: &Payload) -> Vec<Value> {
        let index = self.index(uid).await;
        let blocks: Vec<bytes::Bytes> = self.bucket(&index).documents(payload).await.unwrap().try_collect().await.unwrap();
        let text = blocks.concat();
        assert_eq!(text.len() as u64, payload.raw_bytes());
        let documents: Vec<Value> =
            text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect();
        assert_eq!(documents.len() as u64, payload.documents());
        documents
    }
}
