//! A database, a bucket in a directory, a process runtime and a controller; and waiting for what they do.

use std::{path::PathBuf, sync::Arc, time::Duration};

use onggi_bucket::{IndexBucket, Store, open_store};
use onggi_controller::Deps;
use onggi_controller::{Controller, ControllerConfig, ProcessConfig, ProcessRuntime, runtime::Runtime};
use onggi_domain::{
    IndexId, Seq, TenantId, Timestamp,
    container::{Selection, SizeTable},
    index::Index,
    log::{Operation, Record},
    plan::PlanTable,
    settings::Settings,
    task::{Task, TaskKind},
    tenant::{Tenant, TenantStatus},
    worker::Endpoint,
};
use onggi_metadata::{KeySecrets, Metadata, NewTask};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What is too long for anything that a test waits for.
const DEADLINE: Duration = Duration::from_secs(30);

/// Looks again and again until there is something, or fails the test.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    tokio::time::timeout(DEADLINE, found).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

/// The program that stands in for a worker: an example, which lies beside the tests.
pub(crate) fn stand_in() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/stand_in_worker");
    assert!(program.exists(), "{} is missing: `cargo build -p onggi-controller --examples` builds it", program.display());
    program
}

/// How the tests run processes in a directory.
pub(crate) fn processes(directory: &TempDir) -> ProcessConfig {
    let run = directory.path().join("run");
    let mut config = ProcessConfig::new(stand_in(), Vec::new(), run, bucket_url(directory));
    config.shortest_rest = Duration::from_millis(10);
    config
}

fn bucket_url(directory: &TempDir) -> String {
    let bucket = directory.path().join("bucket");
    std::fs::create_dir_all(&bucket).unwrap();
    format!("file://{}", bucket.display())
}

/// Asks something of a stand-in worker.
pub(crate) async fn post(worker: &Endpoint, path: &str) -> reqwest::Result<reqwest::Response> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    client.post(format!("http://{}{path}", worker.address)).bearer_auth(&worker.secret).send().await
}

/// Everything that one controller needs, and the controller.
pub(crate) struct World {
    pub(crate) metadata: Metadata,
    pub(crate) runtime: Arc<ProcessRuntime>,
    pub(crate) controller: Controller,
    pub(crate) tenant: TenantId,
    store: Store,
    config: ControllerConfig,
    running: Option<(CancellationToken, JoinHandle<()>)>,
    _directory: TempDir,
}

impl World {
    /// A world in which the controller runs.
    pub(crate) async fn new(change: impl FnOnce(&mut ControllerConfig)) -> Self {
        let mut world = Self::at_rest(change).await;
        world.start();
        world
    }

    /// A world in which the controller does not run yet.
    pub(crate) async fn at_rest(change: impl FnOnce(&mut ControllerConfig)) -> Self {
        let directory = TempDir::new().unwrap();
        let url = format!("sqlite:{}", directory.path().join("onggi.db").display());
        Metadata::migrate(&url).await.unwrap();
        let metadata = Metadata::connect(&url).await.unwrap();
        let tenant = Tenant {
            id: TenantId::generate(),
            name: "t".to_owned(),
            status: TenantStatus::Active,
            plan: None,
            created_at: Timestamp::now(),
        };
        metadata.tenants.create(&tenant).await.unwrap();
        let store = open_store(&bucket_url(&directory), &[]).unwrap();
        let runtime = Arc::new(ProcessRuntime::start(processes(&directory)).await.unwrap());
        let mut config = ControllerConfig::default();
        change(&mut config);
        let controller = controller(&config, &metadata, &store, &runtime);
        Self { metadata, runtime, controller, tenant: tenant.id, store, config, running: None, _directory: directory }
    }

    /// Starts a controller that remembers nothing.
    pub(crate) fn start(&mut self) {
        self.controller = controller(&self.config, &self.metadata, &self.store, &self.runtime);
        let (controller, stop) = (self.controller.clone(), CancellationToken::new());
        let stopped = stop.clone().cancelled_owned();
        self.running = Some((stop, tokio::spawn(async move { controller.run(stopped).await })));
    }

    pub(crate) async fn stop(&mut self) {
        let (stop, run) = self.running.take().expect("the controller runs");
        stop.cancel();
        run.await.unwrap();
    }

    /// Creates an index with this many replicas selected.
    pub(crate) async fn index(&self, uid: &str, replicas: u32) -> IndexId {
        let now = Timestamp::now();
        let index = Index {
            id: IndexId::generate(),
            tenant: self.tenant,
            uid: uid.parse().unwrap(),
            primary_key: None,
            selection: Selection { replicas, sleep_after_seconds: None, ..Selection::new("small") },
            awake: true,
            published: None,
            settings: Settings::default(),
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: 0,
        };
        self.metadata.indexes.create(&index).await.unwrap();
        self.controller.changed(index.id);
        index.id
    }

    pub(crate) async fn select(&self, index: IndexId, change: impl FnOnce(&mut Selection)) {
        let mut selection = self.metadata.indexes.get_by_id(index).await.unwrap().selection;
        change(&mut selection);
        self.metadata.indexes.set_selection(index, &selection).await.unwrap();
        self.controller.changed(index);
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn bucket(&self, index: IndexId) -> IndexBucket {
        IndexBucket::new(self.store.clone(), &IndexBucket::prefix(self.tenant, index))
    }

    pub(crate) async fn allocate(&self, index: IndexId) -> Task {
        let task = NewTask {
            tenant: self.tenant,
            index: Some(index),
            index_uid: Some("movies".parse().unwrap()),
            kind: TaskKind::DocumentDeletion,
            details: serde_json::Map::new(),
            custom_metadata: None,
            targets: None,
            enqueued_at: Timestamp::now(),
        };
        self.metadata.tasks.allocate(&task).await.unwrap()
    }

    pub(crate) async fn append(&self, index: IndexId, task: &Task) -> Seq {
        let operation = Operation::DeleteDocuments { ids: vec!["1".to_owned()] };
        let record = Record { task: task.uid, enqueued_at: task.enqueued_at, operation };
        self.bucket(index).append(&[record]).await.unwrap()
    }

    /// A write as the uploader does it, up to the notice.
    pub(crate) async fn accept(&self, index: IndexId) -> Task {
        let task = self.allocate(index).await;
        let seq = self.append(index, &task).await;
        self.metadata.tasks.appended(self.tenant, task.uid, seq).await.unwrap();
        task
    }

    pub(crate) async fn write(&self, index: IndexId) -> Task {
        let task = self.accept(index).await;
        self.controller.changed(index);
        task
    }

    pub(crate) async fn succeeded(&self, task: &Task) {
        eventually(&format!("task {} has succeeded", task.uid), async || {
            let task = self.metadata.tasks.get(self.tenant, task.uid).await.unwrap();
            (task.status == onggi_domain::task::TaskStatus::Succeeded).then_some(())
        })
        .await;
    }

    /// The searchers that are routed to, once there are this many.
    pub(crate) async fn routed(&self, index: IndexId, number: usize) -> Arc<[Endpoint]> {
        let routes = self.controller.routes();
        eventually(&format!("{number} searchers answer"), async || Some(routes.get(index)).filter(|routes| routes.len() == number)).await
    }

    /// Containers of the index, those that are ending included, once there are this many.
    pub(crate) async fn running(&self, index: IndexId, number: usize) {
        eventually(&format!("{number} containers run"), async || {
            (self.runtime.observe_index(index).await.unwrap().len() == number).then_some(())
        })
        .await;
    }
}

pub(crate) fn secrets() -> KeySecrets {
    KeySecrets::new("a secret of the server for tests")
}

fn controller(config: &ControllerConfig, metadata: &Metadata, store: &Store, runtime: &Arc<ProcessRuntime>) -> Controller {
    let deps = Deps {
        metadata: metadata.clone(),
        store: store.clone(),
        runtime: runtime.clone(),
        sizes: SizeTable::default(),
        plans: PlanTable::default(),
        secrets: secrets(),
        internal_secret: "inside".into(),
    };
    Controller::new(config.clone(), deps)
}
