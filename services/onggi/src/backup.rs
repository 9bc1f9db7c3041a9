//! `onggi backup`: copies of the bucket while it is used, and the way back. The database is dumped by its own tools, before the copy: what it
//! knows must be in the bucket, so it may be older than the copy and never newer.

use anyhow::{Context, bail, ensure};
use onggi_bucket::{Error, IndexBucket, Store, copy_bucket};
use onggi_domain::{
    Generation, Seq, Timestamp,
    generation::Manifest,
    index::{Index, Published},
};
use onggi_metadata::Metadata;

use crate::{cli::BackupCommand, config::Config, operator};

/// Indexes that are read from the database at once.
const PAGE: u64 = 500;
/// Log entries that are read at once.
const ENTRIES: usize = 64;

/// Runs the command.
pub(crate) async fn run(command: BackupCommand, config: Config) -> anyhow::Result<()> {
    match command {
        BackupCommand::Copy { to, data } => {
            let config = crate::with_data(config, &data);
            copy(&bucket(&config)?, &open(&config, &to)?).await
        }
        BackupCommand::Restore { from, data } => {
            let config = crate::with_data(config, &data);
            let _lock = crate::up::lock(&config)?;
            let (metadata, _) = operator::open(config.clone(), &data).await?;
            let store = bucket(&config)?;
            copy(&open(&config, &from)?, &store).await?;
            catch_up(&metadata, &store).await
        }
    }
}

fn bucket(config: &Config) -> anyhow::Result<Store> {
    onggi_bucket::open_store(&config.bucket_url()?, &config.bucket_options()).context("cannot open the bucket")
}

fn open(config: &Config, url: &str) -> anyhow::Result<Store> {
    let options = if url.starts_with("s3") { config.bucket_options() } else { Vec::new() };
    onggi_bucket::open_store(url, &options).context("cannot open the copy")
}

async fn copy(from: &Store, to: &Store) -> anyhow::Result<()> {
    let copied = copy_bucket(from, to).await.context("the bucket was not copied whole: the same command goes on where it stopped")?;
    println!("{} objects with {} copied, {} were there", copied.objects, bytesize::ByteSize::b(copied.bytes), copied.known);
    Ok(())
}

/// Tells the database what the bucket holds that is newer than it: generations, and tasks that are in the logs only.
async fn catch_up(metadata: &Metadata, store: &Store) -> anyhow::Result<()> {
    let (mut indexes, mut generations, mut tasks, mut broken) = (0_u64, 0, 0, 0_u64);
    let mut revision = -1;
    loop {
        let page = metadata.indexes.changed_since(revision, PAGE).await?;
        let Some(last) = page.last() else { break };
        revision = last.revision;
        for index in page.into_iter().filter(|index| index.deleted_at.is_none()) {
            match catch_up_index(metadata, store, &index).await {
                Ok((newer, restored)) => {
                    indexes += 1;
                    generations += newer;
                    tasks += restored;
                }
                Err(error) => {
                    broken += 1;
                    println!("FAIL  index {} of tenant {}: {error:#}", index.uid, index.tenant);
                }
            }
        }
    }
    println!("{indexes} indexes are whole; {generations} newer generations and {tasks} tasks are known again");
    if broken > 0 {
        bail!("{broken} indexes are not whole");
    }
    Ok(())
}

/// Returns the generations and the tasks that the database did not know.
async fn catch_up_index(metadata: &Metadata, store: &Store, index: &Index) -> anyhow::Result<(u64, u64)> {
    let bucket = IndexBucket::new(store.clone(), &IndexBucket::prefix(index.tenant, index.id));
    let recorded = index.published.as_ref().map_or(Generation(0), |published| published.generation);
    let newest = bucket.latest().await?;
    let found = newest.as_ref().map_or(Generation(0), |manifest| manifest.generation);
    ensure!(found >= recorded, "the database knows generation {recorded} and the bucket has {found}: the database is newer than the copy");
    let mut committed = None;
    if let Some(newest) = &newest {
        bucket.check_files(newest).await?;
        committed = newest.committed_seq;
        if found > recorded {
            let published = Published::from(newest);
            let (settings, primary_key) = (&newest.state.settings, newest.state.primary_key.as_deref());
            metadata.indexes.record_generation(index.id, &published, settings, primary_key).await?;
            settle(metadata, &bucket, index, recorded.next(), found).await?;
        }
    }
    let mut next = committed.map_or(Seq(0), Seq::next);
    let mut restored = 0;
    loop {
        let entries = bucket.read(next, ENTRIES).await?;
        let Some(last) = entries.last() else { return Ok((found.0 - recorded.0, restored)) };
        next = last.seq.next();
        for entry in &entries {
            restored += metadata.tasks.restore(index, entry.seq, &entry.records).await?;
        }
    }
}

/// What became of the tasks of generations. The older ones of them may be gone.
async fn settle(metadata: &Metadata, bucket: &IndexBucket, index: &Index, first: Generation, newest: Generation) -> anyhow::Result<()> {
    for number in first.0..=newest.0 {
        let manifest: Manifest = match bucket.manifest(Generation(number)).await {
            Err(Error::NoGeneration(_)) => continue,
            found => found?,
        };
        if let Some(batch) = manifest.batch() {
            metadata.tasks.settle(index, batch, &manifest.outcomes, Timestamp::now()).await?;
        }
    }
    Ok(())
}
