//! The searcher: serves exactly one generation, and switches to another one at once when that is loaded and verified.
//!
//! One loop owns the local files: it loads what was asked for last, so loads that come together are one, and removes what no
//! request uses any more. Requests hold the generation that they began with until they end.

use std::{
    future::Future,
    sync::{Arc, Weak},
};

use arc_swap::ArcSwapOption;
use bytesize::ByteSize;
use onggi_bucket::IndexBucket;
use onggi_domain::{
    Generation,
    generation::{IndexState, Manifest},
    limits::Limits,
    settings::Settings,
    worker::WorkerConfig,
};
use onggi_engine::Options;
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};

use crate::{
    backoff::Backoff,
    cache::Cache,
    error::{Result, blocking},
    server::{self, Gate},
    status::Status,
};

mod analyze;
mod answer;
mod metadata;
mod pool;
mod routes;
mod timing;

use pool::Pool;

/// A searcher at work.
pub(crate) struct Searcher {
    bucket: IndexBucket,
    cache: Cache,
    options: Options,
    pub(crate) index: onggi_domain::IndexId,
    pub(crate) limits: Limits,
    pub(crate) status: Arc<Status>,
    pub(crate) pool: Pool,
    /// What is served; `None`: nothing is loaded yet.
    serving: ArcSwapOption<Loaded>,
    wanted: watch::Sender<Wanted>,
    tried: watch::Sender<Tried>,
    /// A generation is not used any more.
    released: Arc<Notify>,
}

/// A generation that is open. Immutable; dropped when the last request that uses it ends.
pub(crate) struct Loaded {
    pub(crate) engine: onggi_engine::Searcher,
    /// `None`: the empty index of a log that nothing was published of.
    manifest: Option<Arc<Manifest>>,
    /// The files of the empty index.
    _scratch: Option<TempDir>,
    /// Declared last: tells the loop once everything else is closed.
    _release: Release,
}

impl Loaded {
    /// Its number; 0 for the empty index.
    pub(crate) fn generation(&self) -> Generation {
        self.manifest.as_ref().map_or(Generation(0), |manifest| manifest.generation)
    }
}

struct Release(Arc<Notify>);

impl Drop for Release {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// What was asked for since the last attempt began. Each request has a ticket, and is answered by the first attempt that began after it.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    ticket: u64,
    /// The highest; `None`: nothing was asked for, the newest will do.
    generation: Option<Generation>,
}

/// What became of the last attempt.
#[derive(Debug, Clone, Default)]
struct Tried {
    ticket: u64,
    error: Option<String>,
}

pub(crate) async fn run(
    bucket: IndexBucket,
    config: WorkerConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let gate = Gate::default();
    let status = Arc::new(Status::new(&config, gate.clone()));
    let searcher = Arc::new(Searcher {
        bucket,
        cache: Cache::open(&config.directory, ByteSize::b(config.disk_bytes))?,
        options: crate::engine_options(&config),
        index: config.index,
        limits: config.limits.clone(),
        status: Arc::clone(&status),
        pool: Pool::new()?,
        serving: ArcSwapOption::empty(),
        wanted: watch::Sender::default(),
        tried: watch::Sender::default(),
        released: Arc::new(Notify::new()),
    });
    let router = server::router(routes::router(Arc::clone(&searcher)), &status, &gate, &config.secret);
    let load = async {
        gate.stop().run_until_cancelled(searcher.keep_loaded()).await;
    };
    server::serve(listener, router, &gate, Box::pin(load), shutdown, config.limits.request_time).await
}

impl Searcher {
    /// What is served now.
    pub(crate) fn serving(&self) -> Option<Arc<Loaded>> {
        self.serving.load_full()
    }

    /// Asks for a generation and waits until it, or a later one, is served, or the attempt failed.
    pub(crate) async fn load(&self, generation: Generation) -> std::result::Result<(), String> {
        let mut tried = self.tried.subscribe();
        let mut ticket = 0;
        self.wanted.send_modify(|wanted| {
            wanted.ticket += 1;
            wanted.generation = wanted.generation.max(Some(generation));
            ticket = wanted.ticket;
        });
        match tried.wait_for(|tried| tried.ticket >= ticket).await {
            Ok(_) if self.serves(generation) => Ok(()),
            Ok(tried) => Err(tried.error.clone().unwrap_or_else(|| format!("generation {generation} is not served"))),
            Err(_) => Err("the worker is stopping".to_owned()),
        }
    }

    fn serves(&self, generation: Generation) -> bool {
        self.serving().is_some_and(|loaded| loaded.generation() >= generation)
    }

    /// Loads what is wanted, at first the newest generation, for as long as the worker runs.
    async fn keep_loaded(&self) {
        let mut wanted = self.wanted.subscribe();
        let mut backoff = Backoff::new();
        let mut retired = Vec::new();
        loop {
            wanted.mark_unchanged();
            let mut target = Wanted::default();
            self.wanted.send_if_modified(|wanted| {
                target = Wanted { ticket: wanted.ticket, generation: wanted.generation.take() };
                false
            });
            let error = self.attempt(target.generation, &mut retired).await.err().map(|error| error.to_string());
            if let Some(error) = &error {
                tracing::error!(error, generation = ?target.generation, "a generation could not be loaded");
            }
            self.status.update(|progress| progress.error.clone_from(&error));
            self.tried.send_replace(Tried { ticket: target.ticket, error });

            // What failed before anything is served is tried again; afterwards the control plane decides.
            let retry = if self.serving().is_some() { std::time::Duration::MAX } else { backoff.delay() };
            let next = async {
                loop {
                    tokio::select! {
                        _ = wanted.changed() => return,
                        () = self.released.notified() => self.clean(&mut retired),
                    }
                }
            };
            let _ = tokio::time::timeout(retry, next).await;
        }
    }

    /// Loads a generation and serves it, unless what is served is as new. `retired` are generations that requests may still use.
    async fn attempt(&self, generation: Option<Generation>, retired: &mut Vec<Retired>) -> Result<()> {
        // 0 asks for the newest.
        let manifest = match generation.filter(|generation| generation.0 > 0) {
            Some(generation) if self.serves(generation) => return Ok(()),
            Some(generation) => Some(self.bucket.manifest(generation).await?),
            None if self.serving().is_some() => return Ok(()),
            None => self.bucket.latest().await?,
        };
        let loaded = match manifest {
            Some(manifest) => self.open(Arc::new(manifest), retired).await?,
            None => self.open_empty().await?,
        };
        tracing::info!(generation = %loaded.generation(), "serving");
        let published = loaded.manifest.clone();
        let before = self.serving.swap(Some(Arc::new(loaded)));
        if let Some((before, manifest)) = before.and_then(|before| Some((Arc::downgrade(&before), before.manifest.clone()?))) {
            retired.push(Retired { loaded: before, manifest });
        }
        self.status.update(|progress| {
            progress.ready = true;
            progress.generation = published.as_ref().map(|manifest| manifest.generation);
            progress.committed_seq = published.as_ref().and_then(|manifest| manifest.committed_seq);
        });
        Ok(())
    }

    async fn open(&self, manifest: Arc<Manifest>, retired: &[Retired]) -> Result<Loaded> {
        let in_use = self.in_use(retired);
        let in_use: Vec<&Manifest> = in_use.iter().map(AsRef::as_ref).collect();
        // What an attempt that failed has left, unless this one needs it.
        self.cache.keep_only(&[&in_use[..], &[&manifest]].concat())?;
        let meta_json = self.cache.fetch(&self.bucket, &manifest, &in_use).await?;
        let (files, state, options) = (self.cache.files().to_owned(), manifest.state.clone(), self.options.clone());
        let engine = blocking(move || Ok(onggi_engine::Searcher::open(&files, &meta_json, state, options)?)).await?;
        Ok(Loaded { engine, manifest: Some(manifest), _scratch: None, _release: Release(Arc::clone(&self.released)) })
    }

    /// The empty index: the same engine on a commit of nothing, so that every request is checked and answered as ever.
    async fn open_empty(&self) -> Result<Loaded> {
        let scratch = self.cache.scratch()?;
        let (path, options) = (scratch.path().to_owned(), self.options.clone());
        let engine = blocking(move || {
            let state = IndexState::empty(Settings::default(), None);
            let commit = onggi_engine::Indexer::open(&path, state, options.clone())?.commit()?;
            Ok(onggi_engine::Searcher::open(&path, &commit.meta_json, commit.state, options)?)
        })
        .await?;
        Ok(Loaded { engine, manifest: None, _scratch: Some(scratch), _release: Release(Arc::clone(&self.released)) })
    }

    fn in_use(&self, retired: &[Retired]) -> Vec<Arc<Manifest>> {
        let serving = self.serving().and_then(|loaded| loaded.manifest.clone());
        retired.iter().filter(|old| old.loaded.strong_count() > 0).map(|old| Arc::clone(&old.manifest)).chain(serving).collect()
    }

    /// Removes the files that no request uses any more.
    fn clean(&self, retired: &mut Vec<Retired>) {
        retired.retain(|old| old.loaded.strong_count() > 0);
        let in_use = self.in_use(retired);
        let in_use: Vec<&Manifest> = in_use.iter().map(AsRef::as_ref).collect();
        if let Err(error) = self.cache.keep_only(&in_use) {
            tracing::warn!(%error, "files of an old generation stay on the disk for now");
        }
    }
}

/// A generation that was served before, while a request may still use it.
struct Retired {
    loaded: Weak<Loaded>,
    manifest: Arc<Manifest>,
}
