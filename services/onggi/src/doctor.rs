//! `onggi doctor`: tries each part the way `up` uses it, and says what to do about what is wrong.

use std::time::Duration;

use anyhow::{Context, bail};
use onggi_bucket::IndexBucket;
use onggi_domain::{
    IndexId, Seq,
    container::Role,
    worker::{WorkerConfig, WorkerReady},
};
use onggi_metadata::Metadata;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

use crate::config::Config;

/// How long a part may take to show that it works.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the checks; an error when any fails.
pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let checks: [(&str, anyhow::Result<String>, &str); 4] = [
        ("data", data(config), "give a directory that this user may write to: --data DIR"),
        (
            "database",
            within(database(config)).await,
            "check `database` in `onggi config show`; `onggi migrate` brings an old one up to date",
        ),
        (
            "bucket",
            within(bucket(config)).await,
            "check `bucket` in `onggi config show`: the URL, its options, and that the store allows conditional puts",
        ),
        (
            "worker",
            within(worker(config)).await,
            "look at what the worker printed above; free memory and processes are limits that it may have met",
        ),
    ];
    let mut failed = 0;
    for (part, result, remedy) in checks {
        match result {
            Ok(what) => println!("ok    {part:<9} {what}"),
            Err(error) => {
                failed += 1;
                println!("FAIL  {part:<9} {error:#}\n      {remedy}");
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of 4 checks failed");
    }
    Ok(())
}

async fn within<T>(check: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::time::timeout(PATIENCE, check).await.with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))?
}

fn data(config: &Config) -> anyhow::Result<String> {
    std::fs::create_dir_all(&config.data).with_context(|| format!("cannot make {}", config.data.display()))?;
    tempfile::tempfile_in(&config.data).with_context(|| format!("cannot write in {}", config.data.display()))?;
    Ok(config.data.display().to_string())
}

async fn database(config: &Config) -> anyhow::Result<String> {
    Metadata::migrate(&config.database_url()).await?;
    let metadata = Metadata::connect(&config.database_url()).await?;
    Ok(format!("{} tenants", metadata.tenants.list().await?.len()))
}

/// Appends to a log of its own, reads it back and removes it.
async fn bucket(config: &Config) -> anyhow::Result<String> {
    let store = onggi_bucket::open_store(&config.bucket_url()?, &config.bucket_options())?;
    let probe = IndexBucket::new(store, &format!("doctor/{}", IndexId::generate()));
    let begin = std::time::Instant::now();
    probe.append(&[]).await.context("writing")?;
    let took = begin.elapsed();
    let read = probe.read(Seq(0), 1).await.context("reading")?;
    probe.remove_all().await.context("deleting")?;
    anyhow::ensure!(read.len() == 1, "what was written is not there");
    Ok(format!("a durable write takes {:.1} ms", took.as_secs_f64() * 1000.0))
}

/// Starts a searcher of an index without documents.
async fn worker(config: &Config) -> anyhow::Result<String> {
    let directory = tempfile::tempdir()?;
    let begin = std::time::Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .arg("worker")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start a process")?;
    let index = IndexId::generate();
    let worker = WorkerConfig {
        index,
        role: Role::Searcher,
        name: "doctor".to_owned(),
        bucket: url::Url::from_directory_path(directory.path())
            .map_err(|()| anyhow::anyhow!("a temporary directory has a path"))?
            .to_string(),
        prefix: format!("doctor/{index}"),
        directory: directory.path().join("worker"),
        listen: ([127, 0, 0, 1], 0).into(),
        secret: crate::config::random_secret(),
        memory_bytes: 64 << 20,
        disk_bytes: 64 << 20,
        dictionaries: None,
        limits: config.limits.clone(),
    };
    let mut stdin = child.stdin.take().context("standard input is piped")?;
    let mut line = serde_json::to_vec(&worker)?;
    line.push(b'\n');
    stdin.write_all(&line).await.context("the worker does not read its configuration")?;
    let stdout = child.stdout.take().context("standard output is piped")?;
    let first = BufReader::new(stdout).lines().next_line().await?.context("the worker ended before it was ready")?;
    let ready: WorkerReady = serde_json::from_str(&first).with_context(|| format!("the worker said {first:?}"))?;
    let health = reqwest::Client::builder()
        .no_proxy()
        .build()?
        .get(format!("http://{}/healthz", ready.listening))
        .send()
        .await
        .context("the worker does not answer")?;
    anyhow::ensure!(health.status().is_success(), "the worker answered {}", health.status());
    // The end of its standard input ends it.
    drop(stdin);
    child.wait().await.context("the worker does not end")?;
    Ok(format!("ready after {} ms", begin.elapsed().as_millis()))
}
