//! The controller: makes what runs equal to what tenants selected, and turns published generations into finished tasks.
//!
//! Everything is derived from metadata, the bucket and what the runtime observes; nothing that this process remembers is needed
//! after a restart. Signals (a `changed` call, a container that changed, a generation that was published) make it fast, timers make
//! it certain. The order of things in one pass over an index is in [`reconcile`](mod@reconcile).

mod alerts;
mod api;
mod archives;
mod autoscale;
mod collect;
mod config;
mod decide;
mod decisions;
mod follow;
mod idle;
pub mod kubernetes;
mod leavings;
mod memory;
mod meter;
pub mod process;
mod publish;
mod queue;
mod reconcile;
mod repair;
mod routes;
pub mod runtime;
mod wake;
mod webhooks;
mod workers;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use onggi_bucket::{IndexBucket, Store};
use onggi_domain::{
    IndexId, TenantId, WebhookId,
    container::{IndexPhase, SizeTable},
    plan::PlanTable,
};
use onggi_metadata::{KeySecrets, Metadata};
use onggi_web::egress::Egress;
use parking_lot::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use api::{IndexContainers, Searcher, Woken};
pub use config::ControllerConfig;
pub use process::{ProcessConfig, ProcessRuntime};
pub use routes::RouteTable;
pub use runtime::{Observed, Runtime};
pub use wake::WakeError;

/// What the allocator of a worker is told: it gives back what was unused for 10 ms and takes no huge pages, so that an idle searcher stays
/// below 10 MB. At once, it would take the same pages anew for each search; after 100 ms, an idle searcher would hold more than that. It
/// reads these before `main` could set them.
pub const ALLOCATOR_ENV: [(&str, &str); 2] = [("MIMALLOC_PURGE_DELAY", "10"), ("MIMALLOC_ALLOW_THP", "0")];

/// What the controller works with.
#[derive(Clone)]
pub struct Deps {
    /// What tenants selected, and their tasks.
    pub metadata: Metadata,
    /// The objects of all indexes.
    pub store: Store,
    /// What runs containers.
    pub runtime: Arc<dyn Runtime>,
    /// The size classes.
    pub sizes: SizeTable,
    /// The plans and their prices.
    pub plans: PlanTable,
    /// Signs what webhooks are told.
    pub secrets: KeySecrets,
    /// What callers of [`Controller::router`] must show.
    pub internal_secret: Arc<str>,
}

/// The controller. Cheap to clone; [`Controller::run`] once.
#[derive(Clone)]
pub struct Controller {
    inner: Arc<Inner>,
}

struct Inner {
    config: ControllerConfig,
    deps: Deps,
    routes: Arc<RouteTable>,
    memories: memory::Memories,
    decisions: decisions::Decisions,
    queue: queue::Queue,
    workers: workers::Workers,
    waking: Mutex<HashMap<IndexId, wake::Waking>>,
    /// Loads, wakes and cleaning that passes have started.
    tasks: TaskTracker,
    collecting: tokio::sync::Semaphore,
    meter: meter::SharedMeter,
    egress: Egress,
    /// The webhooks that are being told.
    telling: Mutex<HashSet<WebhookId>>,
    telling_slots: tokio::sync::Semaphore,
    stop: CancellationToken,
}

/// What a pass or a timer can fail with; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Metadata(#[from] onggi_metadata::Error),
    #[error(transparent)]
    Bucket(#[from] onggi_bucket::Error),
    #[error(transparent)]
    Runtime(#[from] runtime::RuntimeError),
    /// A tenant selected a size that the configuration does not have any more.
    #[error("size class of the selection: {0}")]
    Size(#[from] onggi_domain::ApiError),
}

type Result<T, E = Error> = std::result::Result<T, E>;

impl Controller {
    /// A controller that does nothing until it is run.
    pub fn new(config: ControllerConfig, deps: Deps) -> Self {
        let collecting = tokio::sync::Semaphore::new(config.collect_parallelism);
        let egress = Egress::new(&config.webhook_networks);
        let inner = Inner {
            config,
            deps,
            routes: Arc::default(),
            memories: memory::Memories::default(),
            decisions: decisions::Decisions::default(),
            queue: queue::Queue::default(),
            workers: workers::Workers::new(),
            waking: Mutex::default(),
            tasks: TaskTracker::new(),
            collecting,
            meter: meter::SharedMeter::default(),
            egress,
            telling: Mutex::default(),
            telling_slots: tokio::sync::Semaphore::new(webhooks::PARALLEL),
            stop: CancellationToken::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The searchers that answer, for whoever routes requests.
    pub fn routes(&self) -> Arc<RouteTable> {
        self.inner.routes.clone()
    }

    /// The internal API: `changed`, `wake`, `sleep` and `containers` of an index. Refuses who does not show the internal secret.
    pub fn router(&self) -> axum::Router {
        api::router(self.inner.clone())
    }

    /// Something about an index changed: its log, its selection. Returns at once.
    pub fn changed(&self, index: IndexId) {
        self.inner.queue.add(index);
    }

    /// Wakes an index and waits for its first searcher. Callers that come meanwhile share the one wake.
    pub async fn wake(&self, index: IndexId) -> Result<IndexPhase, WakeError> {
        self.inner.wake(index).await
    }

    /// Makes what runs equal to what is selected, until `shutdown`. Containers are left as they are at the end: ending them is
    /// the affair of whoever owns the runtime.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        follow::run(&self.inner, shutdown).await;
    }
}

impl Inner {
    fn bucket(&self, tenant: TenantId, index: IndexId) -> IndexBucket {
        IndexBucket::new(self.deps.store.clone(), &IndexBucket::prefix(tenant, index))
    }

    /// Runs something beside the passes, until the controller stops.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(work).await;
        })
    }
}
