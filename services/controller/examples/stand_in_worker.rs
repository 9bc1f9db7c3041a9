//! A worker that keeps the protocol and holds no documents: for the tests of the controller.
//!
//! The indexer reads the log and publishes a generation with an outcome for each record; the searcher says that it serves what it is
//! told to load. What only tests ask: `POST /crash` ends it at once, `POST /refuse-loads` makes it refuse what it is told to load,
//! `POST /search` counts as a search that has taken a second. With `--outlive-parent` it goes on when its standard input ends. With `--host DIR BUCKET` it is a
//! process runtime instead, that starts two such workers, prints where they listen, and crashes.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
    routing::{get, post},
};
use onggi_bucket::{IndexBucket, open_store};
use onggi_controller::{ProcessConfig, ProcessRuntime, Runtime};
use onggi_domain::{
    Generation, IndexId, Seq, TenantId, Timestamp,
    container::{ContainerSet, Role, SizeTable},
    generation::{Cause, IndexState, MANIFEST_FORMAT, Manifest, TaskOutcome, TaskResult},
    settings::Settings,
    worker::{LoadRequest, WorkerConfig, WorkerReady, WorkerStatus},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{Notify, watch},
};

struct Worker {
    config: WorkerConfig,
    bucket: IndexBucket,
    status: watch::Sender<WorkerStatus>,
    advance: Notify,
    refuses_loads: AtomicBool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, directory, bucket] = &arguments[..]
        && mode == "--host"
    {
        return host(directory, bucket).await;
    }
    if let Some(config) = config_of_a_pod(&arguments) {
        return serve_in_a_pod(config).await;
    }
    let mut lines = BufReader::new(stdin()).lines();
    let line = lines.next_line().await.expect("standard input").expect("a line of configuration");
    let worker = Worker::new(serde_json::from_str(&line).expect("a configuration")).await;
    let listener = TcpListener::bind(worker.config.listen).await.expect("a free port");
    let ready = WorkerReady { listening: listener.local_addr().expect("an address") };
    println!("{}", serde_json::to_string(&ready).expect("plain data"));

    let outlives = arguments.iter().any(|argument| argument == "--outlive-parent");
    let parent_gone = async move {
        while let Ok(Some(_)) = lines.next_line().await {}
        if outlives {
            std::future::pending::<()>().await;
        }
    };
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler");
    tokio::select! {
        served = axum::serve(listener, router(worker.clone())) => served.expect("serving"),
        () = index(worker) => {}
        () = parent_gone => {}
        _ = terminate.recv() => {}
    }
    // Returning would wait for the thread that reads standard input.
    std::process::exit(0)
}

/// The configuration in the arguments that a pod is given: a file, and what differs between the containers of an index.
fn config_of_a_pod(arguments: &[String]) -> Option<WorkerConfig> {
    let argument = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let text = std::fs::read(argument("--config")?).expect("a file of configuration");
    let shared: WorkerConfig = serde_json::from_slice(&text).expect("a configuration");
    let role = if argument("--role").expect("a role") == Role::Indexer.as_str() { Role::Indexer } else { Role::Searcher };
    Some(WorkerConfig { role, name: argument("--name").expect("a name").clone(), ..shared })
}

async fn serve_in_a_pod(config: WorkerConfig) -> ExitCode {
    let worker = Worker::new(config).await;
    let listener = TcpListener::bind(worker.config.listen).await.expect("a free port");
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler");
    let probes = Router::new().route("/healthz", get(async || StatusCode::OK)).route("/readyz", get(async || StatusCode::OK));
    tokio::select! {
        served = axum::serve(listener, router(worker.clone()).merge(probes)) => served.expect("serving"),
        () = index(worker) => {}
        _ = terminate.recv() => {}
    }
    ExitCode::SUCCESS
}

impl Worker {
    async fn new(config: WorkerConfig) -> Arc<Self> {
        let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let credentials: Vec<(String, String)> =
            credentials.iter().filter_map(|name| Some((name.to_lowercase(), std::env::var(name).ok()?))).collect();
        let bucket = IndexBucket::new(open_store(&config.bucket, &credentials).expect("a bucket"), &config.prefix);
        let latest = bucket.latest().await.expect("the bucket");
        let status = WorkerStatus {
            index: config.index,
            role: config.role,
            generation: latest.as_ref().map(|manifest| manifest.generation),
            committed_seq: latest.as_ref().and_then(|manifest| manifest.committed_seq),
            head: None,
            last_search_at: None,
            searches: 0,
            search_seconds: 0.0,
            in_flight: 0,
            cpu_seconds: None,
            memory_bytes: None,
            error: None,
        };
        let advance = Notify::new();
        advance.notify_one();
        Arc::new(Self { config, bucket, status: watch::Sender::new(status), advance, refuses_loads: AtomicBool::new(false) })
    }

    fn serve(&self, manifest: &Manifest) {
        self.status.send_modify(|status| {
            status.generation = status.generation.max(Some(manifest.generation));
            status.committed_seq = status.committed_seq.max(manifest.committed_seq);
        });
    }
}

fn router(worker: Arc<Worker>) -> Router {
    Router::new()
        .route("/status", get(status))
        .route("/load", post(load))
        .route("/hold", post(async || StatusCode::NO_CONTENT))
        .route("/advance", post(async |State(worker): State<Arc<Worker>>| worker.advance.notify_one()))
        .route("/search", post(search))
        .route("/refuse-loads", post(async |State(worker): State<Arc<Worker>>| worker.refuses_loads.store(true, Ordering::Relaxed)))
        .route("/crash", post(async || -> StatusCode { std::process::exit(7) }))
        .layer(axum::middleware::from_fn_with_state(worker.clone(), require_secret))
        .with_state(worker)
}

async fn require_secret(State(worker): State<Arc<Worker>>, request: Request, next: Next) -> Result<Response, StatusCode> {
    let expected = format!("Bearer {}", worker.config.secret);
    match request.headers().get("authorization") {
        Some(shown) if shown.as_bytes() == expected.as_bytes() => Ok(next.run(request).await),
        _ => Err(StatusCode::UNAUTHORIZED),
    }
}

#[derive(serde::Deserialize)]
struct After {
    after: Option<u64>,
    #[serde(default)]
    wait_ms: u64,
}

async fn status(State(worker): State<Arc<Worker>>, Query(query): Query<After>) -> Json<WorkerStatus> {
    let mut status = worker.status.subscribe();
    if let Some(after) = query.after {
        let is_later = |status: &WorkerStatus| status.generation > Some(Generation(after)) || (after == 0 && status.generation.is_some());
        let _ = tokio::time::timeout(Duration::from_millis(query.wait_ms), status.wait_for(is_later)).await;
    }
    Json(status.borrow().clone())
}

async fn load(State(worker): State<Arc<Worker>>, Json(request): Json<LoadRequest>) -> Result<Json<WorkerStatus>, (StatusCode, String)> {
    if worker.refuses_loads.load(Ordering::Relaxed) {
        return Err((StatusCode::INTERNAL_SERVER_ERROR, "told to refuse".to_owned()));
    }
    if request.generation.0 == 0 {
        return Ok(Json(worker.status.borrow().clone()));
    }
    let manifest = worker.bucket.manifest(request.generation).await.map_err(|error| (StatusCode::NOT_FOUND, error.to_string()))?;
    worker.serve(&manifest);
    Ok(Json(worker.status.borrow().clone()))
}

async fn search(State(worker): State<Arc<Worker>>) -> String {
    worker.status.send_modify(|status| {
        status.last_search_at = Some(Timestamp::now());
        status.searches += 1;
        status.search_seconds += 1.0;
    });
    worker.config.name.clone()
}

/// The indexer's work; a searcher has none.
async fn index(worker: Arc<Worker>) {
    if worker.config.role == Role::Searcher {
        std::future::pending::<()>().await;
    }
    loop {
        worker.advance.notified().await;
        while let Some(manifest) = fold(&worker).await {
            worker.serve(&manifest);
        }
    }
}

/// Publishes a generation of what the log holds beyond the last one.
async fn fold(worker: &Worker) -> Option<Manifest> {
    let latest = worker.bucket.latest().await.expect("the bucket");
    let committed = latest.as_ref().and_then(|manifest| manifest.committed_seq);
    let entries = worker.bucket.read(committed.map_or(Seq(0), Seq::next), 100).await.expect("the log");
    let now = Timestamp::now();
    let outcomes = entries.iter().flat_map(|entry| entry.records.iter().map(move |record| (entry.seq, record)));
    let outcomes: Vec<TaskOutcome> = outcomes
        .map(|(seq, record)| TaskOutcome {
            task: record.task,
            seq,
            kind: onggi_domain::task::TaskKind::DocumentDeletion,
            result: TaskResult::Succeeded,
            details: serde_json::Map::new(),
            enqueued_at: record.enqueued_at,
            started_at: now,
        })
        .collect();
    let manifest = Manifest {
        format: MANIFEST_FORMAT,
        generation: latest.as_ref().map_or(Generation(1), |manifest| manifest.generation.next()),
        committed_seq: Some(entries.last()?.seq),
        nonce: uuid::Uuid::new_v4().as_u128(),
        created_at: now,
        cause: Cause::Fold,
        files: Vec::new(),
        state: IndexState::empty(Settings::default(), Some("id".to_owned())),
        outcomes,
    };
    let publish = worker.bucket.begin_publish(&worker.config.name, Duration::from_mins(1)).await.expect("a lease");
    publish.commit(&manifest).await.expect("publishing");
    Some(manifest)
}

/// A process runtime that crashes and leaves two workers running.
async fn host(directory: &str, bucket: &str) -> ExitCode {
    let command = std::env::current_exe().expect("the path of this program");
    let config = ProcessConfig::new(command, vec!["--outlive-parent".to_owned()], directory.into(), bucket.to_owned());
    let runtime = ProcessRuntime::start(config).await.expect("a process runtime");
    let mut changes = runtime.changes();
    let (index, tenant) = (IndexId::generate(), TenantId::generate());
    let size = SizeTable::default().0[0].clone();
    runtime
        .apply(&ContainerSet { index, tenant, uid: "movies".parse().expect("a uid"), size, searchers: 2, indexer: false }, &[])
        .await
        .expect("two searchers");
    loop {
        let addresses: Vec<String> = runtime
            .observe()
            .await
            .expect("observing")
            .into_iter()
            .filter_map(|container| Some(container.endpoint?.address.to_string()))
            .collect();
        if addresses.len() == 2 {
            println!("{}", addresses.join(" "));
            std::process::abort();
        }
        changes.recv().await.expect("a change");
    }
}
