//! The worker: the one program that runs in an index's containers, as its indexer or as one of its searchers.
//!
//! - [`run`] serves [`onggi_domain::worker`]'s HTTP interface on an injected listener until it is told to stop.
//! - [`start_from_stdin`] is how the process runtime starts it, [`start_from_file`] how a container does.
//!
//! A worker reads and writes its own index's prefix of the bucket and nothing else; it is called and never calls.

use std::future::Future;

use anyhow::Context;
use onggi_bucket::IndexBucket;
use onggi_domain::{container::Role, worker::WorkerConfig};
use tokio::net::TcpListener;

mod backoff;
mod cache;
mod error;
mod fold;
mod indexer;
mod publish;
mod searcher;
mod server;
mod start;
mod status;

pub use publish::PUBLISH_TIME;
pub use start::{Part, start_from_file, start_from_stdin};

/// Does the work of `config` and serves on `listener` until `shutdown` resolves, then drains: new requests are refused with
/// `x-onggi-draining: 1`, those under way are finished.
pub async fn run(config: WorkerConfig, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
    let store = onggi_bucket::open_store(&config.bucket, &start::store_credentials()).context("opening the bucket")?;
    let bucket = IndexBucket::new(store, &config.prefix);
    run_on(bucket, config, listener, shutdown).await
}

/// [`run`] on a bucket that is open already.
pub async fn run_on(
    bucket: IndexBucket,
    config: WorkerConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    match config.role {
        Role::Indexer => indexer::run(bucket, config, listener, shutdown).await,
        Role::Searcher => searcher::run(bucket, config, listener, shutdown).await,
    }
}

/// What the engine may use of the container: a quarter is left to the runtime, to requests and to what is read of the log.
fn engine_options(config: &WorkerConfig) -> onggi_engine::Options {
    onggi_engine::Options {
        memory_bytes: config.memory_bytes / 4 * 3,
        dictionaries: config.dictionaries.clone(),
        limits: config.limits.clone(),
    }
}
