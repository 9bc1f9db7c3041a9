//! Starting as a child process (configuration on standard input, readiness on standard output, an end when the parent ends) or in a
//! container (configuration in a file, which all containers of the index share, and what differs between them beside it).

use std::{
    io::{BufRead, Write},
    path::Path,
};

use anyhow::Context;
use onggi_domain::{
    container::Role,
    worker::{WorkerConfig, WorkerReady},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tokio_util::sync::CancellationToken;

/// Reads one line of JSON ([`WorkerConfig`]) from standard input, listens, prints [`WorkerReady`] as one line and works until standard
/// input ends (the parent is gone) or SIGTERM asks it to drain. SIGINT is ignored: a terminal sends it to parent and child
/// alike, and the parent decides what becomes of its children.
pub async fn start_from_stdin() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let _ignored = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let (first_line, parent_gone) = watch_stdin()?;
    let line = first_line.await.context("standard input ended before the configuration came")?;
    let config: WorkerConfig = serde_json::from_str(&line).context("reading the configuration from standard input")?;

    let listener = listen(&config).await?;
    let ready = WorkerReady { listening: listener.local_addr().context("asking where the listener listens")? };
    let mut line = serde_json::to_vec(&ready)?;
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&line).and_then(|()| stdout.flush()).context("telling the parent where the worker listens")?;
    drop(stdout);

    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("told to stop"),
            () = parent_gone.cancelled() => tracing::info!("the parent is gone"),
        }
    };
    Box::pin(crate::run(config, listener, shutdown)).await
}

/// What the containers of an index do not share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What this one does.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// Memory that it may use, in bytes.
    pub memory_bytes: u64,
    /// Local disk that it may use, in bytes.
    pub disk_bytes: u64,
}

/// Reads the configuration ([`WorkerConfig`]) from a file and works until SIGTERM asks it to drain.
pub async fn start_from_file(path: &Path, part: Part) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let text = tokio::fs::read(path).await.with_context(|| format!("reading {}", path.display()))?;
    let shared: WorkerConfig = serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))?;
    let Part { role, name, memory_bytes, disk_bytes } = part;
    let config = WorkerConfig { role, name, memory_bytes, disk_bytes, ..shared };
    let listener = listen(&config).await?;
    tracing::info!(index = %config.index, role = role.as_str(), listen = %config.listen, "listening");
    let shutdown = async move {
        terminate.recv().await;
        tracing::info!("told to stop");
    };
    Box::pin(crate::run(config, listener, shutdown)).await
}

async fn listen(config: &WorkerConfig) -> anyhow::Result<TcpListener> {
    TcpListener::bind(config.listen).await.with_context(|| format!("listening on {}", config.listen))
}

/// The first line of standard input, and a signal for its end. A plain thread: a read that waits for ever on the runtime's threads
/// would keep the runtime from ending.
fn watch_stdin() -> anyhow::Result<(oneshot::Receiver<String>, CancellationToken)> {
    let (send_line, line) = oneshot::channel();
    let gone = CancellationToken::new();
    let at_end = gone.clone().drop_guard();
    std::thread::Builder::new()
        .name("stdin".to_owned())
        .stack_size(64 << 10)
        .spawn(move || {
            let _at_end = at_end;
            let mut stdin = std::io::stdin().lock();
            let mut first = String::new();
            if stdin.read_line(&mut first).is_ok_and(|read| read > 0) && send_line.send(first).is_ok() {
                // Nothing more is expected: what matters is that it ends.
                let _ = std::io::copy(&mut stdin, &mut std::io::sink());
            }
        })
        .context("starting the thread that watches standard input")?;
    Ok((line, gone))
}

/// What the platform gives to a process so that it can reach S3. Everything else of the bucket is in its URL.
const CREDENTIALS: [&str; 12] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ALLOW_HTTP",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/// Names a file with credentials for this index's prefix, which is written anew before they expire.
const CREDENTIALS_FILE: &str = "ONGGI_BUCKET_CREDENTIALS";

/// The credentials of the bucket, from the process's environment: the one thing that a worker's configuration does not hold, so that it can be shown.
pub(crate) fn store_credentials() -> Vec<(String, String)> {
    let file = std::env::var(CREDENTIALS_FILE).ok().map(|path| ("credentials_file".to_owned(), path));
    CREDENTIALS.iter().filter_map(|name| Some((name.to_ascii_lowercase(), std::env::var(name).ok()?))).chain(file).collect()
}
