//! Containers as child processes of this one: the embedded default. It behaves as Kubernetes does, in small.
//!
//! Each container has a directory `<run>/<index>/<name>/` of its own, with a note of its process, so that the next start finds what a
//! crash left behind. A worker ends by itself when its standard input closes: it never outlives this process for long.

mod container;
mod orphans;

use std::{collections::HashMap, fs::File, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use onggi_domain::{
    IndexId, TenantId,
    container::{ContainerSet, Role},
    limits::Limits,
};
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

use crate::runtime::{Observed, Result, Runtime, RuntimeError};
use container::Container;

/// How containers are run as processes.
#[derive(Debug, Clone)]
pub struct ProcessConfig {
    /// The program of a worker.
    pub command: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables of its environment besides those of this process: what tunes the program before it has read its configuration.
    pub env: Vec<(&'static str, &'static str)>,
    /// Where containers have their directories; one runtime at a time uses it.
    pub directory: PathBuf,
    /// The bucket's URL, as workers are told.
    pub bucket: String,
    /// Where the unpacked dictionaries are, if there are any.
    pub dictionaries: Option<PathBuf>,
    /// Limits on requests, as workers are told.
    pub limits: Limits,
    /// How long a worker may take until it listens.
    pub start_time: Duration,
    /// How long a worker may take to end when it is asked to; then it is killed.
    pub stop_time: Duration,
    /// The rest before the first restart; it doubles with each.
    pub shortest_rest: Duration,
    /// The longest rest before a restart.
    pub longest_rest: Duration,
    /// How long a worker has to run for its restarts to be forgiven.
    pub stable_after: Duration,
}

impl ProcessConfig {
    /// Workers of this command, with the default times.
    pub fn new(command: PathBuf, args: Vec<String>, directory: PathBuf, bucket: String) -> Self {
        Self {
            command,
            args,
            env: Vec::new(),
            directory,
            bucket,
            dictionaries: None,
            limits: Limits::default(),
            start_time: Duration::from_secs(30),
            stop_time: Duration::from_secs(10),
            shortest_rest: Duration::from_millis(100),
            longest_rest: Duration::from_secs(30),
            stable_after: Duration::from_mins(1),
        }
    }
}

/// Runs containers as child processes.
pub struct ProcessRuntime {
    host: Arc<Host>,
    /// Held for as long as the directory is ours.
    _lock: File,
}

/// What the runtime and its containers share.
struct Host {
    config: ProcessConfig,
    indexes: Mutex<HashMap<IndexId, Set>>,
    changes: broadcast::Sender<IndexId>,
    tasks: TaskTracker,
}

/// The containers of an index.
struct Set {
    secret: Arc<str>,
    containers: Vec<Arc<Container>>,
}

impl ProcessRuntime {
    /// Takes the directory, and ends what a runtime before this one left running in it.
    pub async fn start(config: ProcessConfig) -> Result<Self> {
        let at = config.directory.display().to_string();
        let failed = |source: std::io::Error| RuntimeError { what: format!("directory {at}"), source: source.into() };
        tokio::fs::create_dir_all(&config.directory).await.map_err(failed)?;
        let lock = File::create(config.directory.join("lock")).map_err(failed)?;
        lock.try_lock()
            .map_err(|error| RuntimeError { what: format!("directory {at} is used by another process"), source: error.into() })?;
        orphans::end_all(&config).await.map_err(failed)?;
        let host = Host { config, indexes: Mutex::default(), changes: broadcast::Sender::new(1024), tasks: TaskTracker::new() };
        Ok(Self { host: Arc::new(host), _lock: lock })
    }

    /// Ends every container gracefully and starts none from now on.
    pub async fn shutdown(&self) {
        self.host.tasks.close();
        for set in self.host.indexes.lock().values() {
            set.containers.iter().for_each(|container| container.stop());
        }
        self.host.tasks.wait().await;
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    async fn apply(&self, set: &ContainerSet, retire: &[String]) -> Result<()> {
        let host = &self.host;
        let mut indexes = host.indexes.lock();
        if host.tasks.is_closed() {
            return Err(RuntimeError { what: format!("containers of index {}", set.index), source: "the runtime is shut down".into() });
        }
        let running = indexes.entry(set.index).or_insert_with(Set::new);
        for container in &running.containers {
            let is_wanted = container.role == Role::Searcher || (set.indexer && container.has_size(&set.size.name));
            if !is_wanted || retire.contains(&container.name) {
                container.stop();
            }
        }
        let count = |role: Role| running.containers.iter().filter(|container| container.counts(role, &set.size.name)).count();
        let missing_searchers = (set.searchers as usize).saturating_sub(count(Role::Searcher));
        let missing_indexers = usize::from(set.indexer).saturating_sub(count(Role::Indexer));
        let roles = [(Role::Indexer, missing_indexers), (Role::Searcher, missing_searchers)];
        for role in roles.into_iter().flat_map(|(role, missing)| std::iter::repeat_n(role, missing)) {
            let container = Container::new(set, role, running.secret.clone());
            running.containers.push(container.clone());
            host.tasks.spawn(container.run(host.clone()));
        }
        drop(indexes);
        host.changed(set.index);
        Ok(())
    }

    async fn indexes(&self) -> Result<Vec<IndexId>> {
        Ok(self.host.indexes.lock().keys().copied().collect())
    }

    async fn observe(&self) -> Result<Vec<Observed>> {
        let containers: Vec<_> = self.host.indexes.lock().values().flat_map(|set| set.containers.iter().cloned()).collect();
        Ok(observe(&containers))
    }

    async fn observe_index(&self, index: IndexId) -> Result<Vec<Observed>> {
        let containers = self.host.indexes.lock().get(&index).map(|set| set.containers.clone()).unwrap_or_default();
        Ok(observe(&containers))
    }

    async fn remove(&self, index: IndexId) -> Result<()> {
        if let Some(set) = self.host.indexes.lock().get(&index) {
            set.containers.iter().for_each(|container| container.stop());
        }
        Ok(())
    }

    fn changes(&self) -> broadcast::Receiver<IndexId> {
        self.host.changes.subscribe()
    }
}

impl Host {
    /// Forgets a container that has ended for good.
    fn forget(&self, container: &Container) {
        let mut indexes = self.indexes.lock();
        if let Some(set) = indexes.get_mut(&container.index) {
            set.containers.retain(|other| other.name != container.name);
            if set.containers.is_empty() {
                indexes.remove(&container.index);
            }
        }
        drop(indexes);
        self.changed(container.index);
    }

    fn changed(&self, index: IndexId) {
        // Nobody may be listening yet; who comes later looks at everything.
        let _ = self.changes.send(index);
    }

    fn directory(&self, index: IndexId, name: &str) -> PathBuf {
        self.config.directory.join(index.to_string()).join(name)
    }
}

/// What is read of each process is read without the lock.
fn observe(containers: &[Arc<Container>]) -> Vec<Observed> {
    let mut observed: Vec<Observed> = containers.iter().map(|container| container.observe()).collect();
    observed.sort_by(|a, b| a.name.cmp(&b.name));
    observed
}

impl Set {
    fn new() -> Self {
        Self { secret: hex::encode(rand::random::<[u8; 32]>()).into(), containers: Vec::new() }
    }
}

/// What a container is told of the set that it belongs to.
struct Membership {
    tenant: TenantId,
    size: onggi_domain::container::Size,
    secret: Arc<str>,
}
