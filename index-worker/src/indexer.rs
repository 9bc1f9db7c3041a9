//! The indexer: reads the log after the newest generation, folds it and publishes the next one, for as long as it runs.
//!
//! Windows grow by themselves: a single small write is folded and published at once; under a bulk load, what arrived meanwhile is the
//! next window, up to [`WINDOW_BYTES`] or [`WINDOW_TIME`]. Whatever fails, the next session begins with the newest generation and the
//! entries after it: nothing is skipped, nothing is folded twice.

use std::{
    collections::HashMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::State, routing::post};
use bytesize::ByteSize;
use http::StatusCode;
use onggi_bucket::IndexBucket;
use onggi_domain::{
    Generation, Seq,
    generation::{FileRef, IndexState, Manifest},
    log::Entry,
    settings::Settings,
    worker::WorkerConfig,
};
use onggi_engine::{Commit, Options};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Handle, sync::Notify};
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    cache::{Cache, META},
    error::{Error, Result, blocking},
    fold::{Fold, Tools, plan},
    publish::Draft,
    server::{self, Gate},
    status::Status,
};

/// Entries that are read at a time; the bucket returns fewer when they are large.
const BATCH: usize = 256;
/// Bytes of documents, before compression, after which a window ends.
const WINDOW_BYTES: u64 = 256 << 20;
/// Time after which a window ends.
const WINDOW_TIME: Duration = Duration::from_secs(5);
/// A fold that took this long is worth another look at the log before it is published.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// The log is looked at this often when nobody says that it has grown.
const POLL: Duration = Duration::from_secs(5);

/// The work of an indexer.
pub(crate) struct Indexer {
    pub(crate) bucket: IndexBucket,
    pub(crate) stop: CancellationToken,
    cache: Cache,
    options: Options,
    name: String,
    status: Arc<Status>,
    /// The log may have grown.
    grown: Notify,
}

/// The engine at work on a directory of its own.
pub(crate) struct Workspace {
    pub(crate) engine: onggi_engine::Indexer,
    /// Files that a retained generation has already, by name.
    known: HashMap<String, FileRef>,
    /// Declared last: the engine lets go of it first.
    directory: TempDir,
}

/// The generation that the next one follows.
#[derive(Debug, Clone, Copy, Default)]
struct Base {
    generation: Option<Generation>,
    committed: Option<Seq>,
}

impl Base {
    fn of(manifest: &Manifest) -> Self {
        Self { generation: Some(manifest.generation), committed: manifest.committed_seq }
    }

    fn next(self) -> Generation {
        self.generation.map_or(Generation(1), Generation::next)
    }
}

pub(crate) async fn run(
    bucket: IndexBucket,
    config: WorkerConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let gate = Gate::default();
    let status = Arc::new(Status::new(&config, gate.clone()));
    let indexer = Arc::new(Indexer {
        bucket,
        stop: gate.stop().clone(),
        cache: Cache::open(&config.directory, ByteSize::b(config.disk_bytes))?,
        options: crate::engine_options(&config),
        name: config.name,
        status: Arc::clone(&status),
        grown: Notify::new(),
    });
    let routes = Router::new().route("/advance", post(advance)).with_state(Arc::clone(&indexer));
    let router = server::router(routes, &status, &gate, &config.secret);
    server::serve(listener, router, &gate, Box::pin(indexer.work()), shutdown, config.limits.request_time).await
}

async fn advance(State(indexer): State<Arc<Indexer>>) -> StatusCode {
    indexer.grown.notify_one();
    StatusCode::NO_CONTENT
}

impl Indexer {
    async fn work(self: Arc<Self>) {
        let mut backoff = Backoff::new();
        while let Err(error) = self.session(&mut backoff).await {
            if self.stop.is_cancelled() {
                break;
            }
            self.failed(&error);
            self.pause(backoff.delay()).await;
        }
    }

    /// From the newest generation on, until the worker stops or something fails.
    async fn session(self: &Arc<Self>, backoff: &mut Backoff) -> Result<()> {
        let Some(opened) = self.stop.run_until_cancelled(self.open_newest()).await else { return Ok(()) };
        let (mut workspace, mut base) = opened?;
        while let Some(entries) = self.next_entries(base, backoff).await? {
            let started = Instant::now();
            let fold = self.fold(workspace, base, entries).await?;
            let (fold, commit) = blocking(move || {
                let mut fold = fold;
                let commit = fold.workspace.engine.commit()?;
                Ok((fold, commit))
            })
            .await?;
            tracing::debug!(seconds = started.elapsed().as_secs_f64(), "folded");
            let manifest = self.publish(&fold, &commit, base, backoff).await?;
            base = Base::of(&manifest);
            workspace = fold.workspace;
            workspace.known = manifest.files.into_iter().map(|file| (file.name.clone(), file)).collect();
            backoff.reset();
        }
        Ok(())
    }

    async fn open_newest(&self) -> Result<(Workspace, Base)> {
        let manifest = self.bucket.latest().await?;
        let workspace = self.workspace(manifest.as_ref()).await?;
        self.cache.keep_only(manifest.as_ref().as_slice())?;
        let base = manifest.as_ref().map(Base::of).unwrap_or_default();
        tracing::info!(generation = ?base.generation, seq = ?base.committed, "indexer opened");
        self.status.update(|progress| {
            progress.ready = true;
            progress.generation = base.generation;
            progress.committed_seq = base.committed;
            progress.head = progress.head.max(base.committed);
        });
        Ok((workspace, base))
    }

    /// Opens the engine on a copy of a generation (hard links: segment files are never written in place), or on nothing.
    pub(crate) async fn workspace(&self, manifest: Option<&Manifest>) -> Result<Workspace> {
        let directory = self.cache.scratch()?;
        let mut known = HashMap::new();
        let mut state = IndexState::empty(Settings::default(), None);
        if let Some(manifest) = manifest {
            let meta_json = self.cache.fetch(&self.bucket, manifest, &[]).await?;
            for file in manifest.files.iter().filter(|file| file.name != META) {
                let to = directory.path().join(&file.name);
                tokio::fs::hard_link(self.cache.files().join(&file.name), &to).await.map_err(Error::local(&to))?;
                known.insert(file.name.clone(), file.clone());
            }
            let meta = directory.path().join(META);
            tokio::fs::write(&meta, meta_json).await.map_err(Error::local(&meta))?;
            state = manifest.state.clone();
        }
        let (path, options) = (directory.path().to_owned(), self.options.clone());
        let engine = blocking(move || Ok(onggi_engine::Indexer::open(&path, state, options)?)).await?;
        Ok(Workspace { engine, known, directory })
    }

    /// The entries after the base, once there are any; `None`: the worker stops.
    async fn next_entries(&self, base: Base, backoff: &mut Backoff) -> Result<Option<Vec<Entry>>> {
        while !self.stop.is_cancelled() {
            match self.bucket.read(after(base.committed), BATCH).await {
                Ok(entries) if entries.is_empty() => {
                    self.caught_up();
                    tokio::select! {
                        () = self.grown.notified() => {}
                        () = self.pause(POLL) => self.still_newest(base).await?,
                    }
                }
                Ok(entries) => {
                    self.saw(&entries).await;
                    return Ok(Some(entries));
                }
                Err(error) => {
                    self.failed(&error.into());
                    self.pause(backoff.delay()).await;
                }
            }
        }
        Ok(None)
    }

    /// Where another indexer has published since, the entries that this one waits for may be gone: then it begins again.
    async fn still_newest(&self, base: Base) -> Result<()> {
        match self.bucket.generations().await.unwrap_or_default().pop() {
            Some(newest) if base.generation < Some(newest) => Err(onggi_bucket::Error::Lost(newest).into()),
            _ => Ok(()),
        }
    }

    /// Folds the entries, and what has come after them meanwhile.
    async fn fold(self: &Arc<Self>, workspace: Workspace, base: Base, mut entries: Vec<Entry>) -> Result<Fold> {
        let started = Instant::now();
        let mut fold = Fold::new(workspace, base.committed);
        loop {
            let read = entries.len();
            entries.truncate(plan(&entries, &fold.tasks(), WINDOW_BYTES.saturating_sub(fold.raw_bytes)));
            let taken = entries.len();
            let tools = Tools { indexer: Arc::clone(self), runtime: Handle::current() };
            let before = Instant::now();
            fold = blocking(move || {
                fold.apply(&entries, &tools)?;
                Ok(fold)
            })
            .await?;
            let more = taken == BATCH || before.elapsed() >= LOOK_AGAIN;
            if taken < read || !more || started.elapsed() >= WINDOW_TIME {
                return Ok(fold);
            }
            // A failure only ends the window: the next read meets it again, with nothing at stake.
            entries = self.bucket.read(after(fold.last), BATCH).await.unwrap_or_default();
            if entries.is_empty() {
                return Ok(fold);
            }
            self.saw(&entries).await;
        }
    }

    /// Publishes a window, again and again while only the store or the clock is against it.
    async fn publish(&self, fold: &Fold, commit: &Commit, base: Base, backoff: &mut Backoff) -> Result<Manifest> {
        let outcomes = fold.outcomes();
        let draft = Draft {
            generation: base.next(),
            committed_seq: fold.last,
            cause: fold.cause.clone(),
            outcomes: &outcomes,
            commit,
            directory: fold.workspace.directory.path(),
            known: &fold.workspace.known,
        };
        loop {
            match draft.publish(&self.bucket, &self.name).await {
                Ok(manifest) => {
                    self.published(&manifest);
                    return Ok(manifest);
                }
                Err(error) if error.passes() && !self.stop.is_cancelled() => {
                    self.failed(&error);
                    self.pause(backoff.delay()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn published(&self, manifest: &Manifest) {
        tracing::info!(generation = %manifest.generation, seq = ?manifest.committed_seq, documents = manifest.state.documents, "published");
        self.status.update(|progress| {
            progress.generation = Some(manifest.generation);
            progress.committed_seq = manifest.committed_seq;
            progress.error = None;
        });
    }

    /// Notes how far the log goes.
    async fn saw(&self, entries: &[Entry]) {
        let mut head = entries.last().map(|entry| entry.seq);
        if entries.len() == BATCH {
            // There is more than was read. How much is good to know and nothing depends on it.
            head = self.bucket.head(head).await.unwrap_or(head);
        }
        self.status.update(|progress| progress.head = progress.head.max(head));
    }

    /// Everything of the log is published: whatever was wrong, is over.
    fn caught_up(&self) {
        if self.status.progress().error.is_some() {
            self.status.update(|progress| progress.error = None);
        }
    }

    fn failed(&self, error: &Error) {
        tracing::warn!(%error, "indexing failed; trying again");
        self.status.update(|progress| progress.error = Some(error.to_string()));
    }

    /// Sleeps, or less when the worker stops.
    async fn pause(&self, wait: Duration) {
        let _ = tokio::time::timeout(wait, self.stop.cancelled()).await;
    }
}

fn after(seq: Option<Seq>) -> Seq {
    seq.map_or(Seq(0), Seq::next)
}
