//! A test bed: one index in a bucket, and as many workers of it as a test wants.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use onggi_bucket::{IndexBucket, open_store};
use onggi_domain::{
    Generation, IndexId, Seq, TaskUid, TenantId, Timestamp,
    container::Role,
    generation::{Manifest, TaskOutcome},
    limits::Limits,
    log::{DocumentMethod, Operation, Payload, Record},
    worker::{WorkerConfig, WorkerStatus},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub(crate) const SECRET: &str = "the secret of this index";

/// Far more than anything here takes: a test that waits for something that never comes fails.
const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Bed {
    pub(crate) bucket: IndexBucket,
    pub(crate) index: IndexId,
    prefix: String,
    directory: TempDir,
    tasks: AtomicU32,
    workers: AtomicU32,
}

impl Bed {
    pub(crate) fn in_memory() -> Self {
        Self::new("memory:///", TempDir::new().unwrap())
    }

    pub(crate) fn in_directory() -> Self {
        let directory = TempDir::new().unwrap();
        let store = directory.path().join("store");
        std::fs::create_dir(&store).unwrap();
        Self::new(&format!("file://{}", store.display()), directory)
    }

    fn new(url: &str, directory: TempDir) -> Self {
        let index = IndexId::generate();
        let prefix = IndexBucket::prefix(TenantId::generate(), index);
        let bucket = IndexBucket::new(open_store(url, &[]).unwrap(), &prefix);
        Self { bucket, index, prefix, directory, tasks: AtomicU32::new(0), workers: AtomicU32::new(0) }
    }

    /// Where a directory bucket keeps an object.
    pub(crate) fn object(&self, name: &str) -> PathBuf {
        self.directory.path().join("store").join(&self.prefix).join(name)
    }

    /// The configuration of a new container.
    pub(crate) fn config(&self, role: Role) -> WorkerConfig {
        let name = format!("worker-{}", self.workers.fetch_add(1, Ordering::Relaxed));
        WorkerConfig {
            index: self.index,
            role,
            directory: self.directory.path().join(&name),
            name,
            bucket: String::new(),
            prefix: self.prefix.clone(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            secret: SECRET.to_owned(),
            memory_bytes: 256 << 20,
            disk_bytes: 1 << 30,
            dictionaries: None,
            limits: Limits::default(),
        }
    }

    pub(crate) async fn start(&self, role: Role) -> Worker {
        self.start_with(self.config(role)).await
    }

    pub(crate) async fn start_with(&self, config: WorkerConfig) -> Worker {
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let directory = config.directory.clone();
        let running = onggi_worker::run_on(self.bucket.clone(), config, listener, stop.clone().cancelled_owned());
        Worker { address, http: reqwest::Client::new(), directory, stop, running: tokio::spawn(running) }
    }

    /// A searcher that answers.
    pub(crate) async fn searcher(&self) -> Worker {
        let searcher = self.start(Role::Searcher).await;
        searcher.until_ready().await;
        searcher
    }

    /// Appends one record in an entry of its own.
    pub(crate) async fn write(&self, operation: Operation) -> (TaskUid, Seq) {
        let task = TaskUid(self.tasks.fetch_add(1, Ordering::Relaxed));
        let record = Record { task, enqueued_at: Timestamp::now(), operation };
        (task, self.bucket.append(&[record]).await.unwrap())
    }

    /// Adds one document `{id, title}`.
    pub(crate) async fn add(&self, id: &str, title: &str) -> (TaskUid, Seq) {
        self.write(add(&[json!({"id": id, "title": title})])).await
    }

    /// Every outcome of every generation, and that no task has two.
    pub(crate) async fn outcomes(&self) -> Vec<TaskOutcome> {
        let mut all = Vec::new();
        for generation in self.bucket.generations().await.unwrap() {
            all.extend(self.bucket.manifest(generation).await.unwrap().outcomes);
        }
        let mut tasks: Vec<TaskUid> = all.iter().map(|outcome| outcome.task).collect();
        tasks.sort();
        tasks.dedup();
        assert_eq!(tasks.len(), all.len(), "a task has two outcomes");
        all
    }

    pub(crate) async fn outcome(&self, task: TaskUid) -> TaskOutcome {
        self.outcomes().await.into_iter().find(|outcome| outcome.task == task).unwrap()
    }

    pub(crate) async fn latest(&self) -> Manifest {
        self.bucket.latest().await.unwrap().unwrap()
    }

    /// The ids of all documents of the newest generation, in order of insertion.
    pub(crate) async fn ids(&self) -> Vec<String> {
        self.searcher().await.ids().await
    }
}

/// Adds documents.
pub(crate) fn add(documents: &[Value]) -> Operation {
    let mut ndjson = Vec::new();
    for document in documents {
        serde_json::to_writer(&mut ndjson, document).unwrap();
        ndjson.push(b'\n');
    }
    let bytes = zstd::encode_all(ndjson.as_slice(), 3).unwrap();
    Operation::AddDocuments {
        method: DocumentMethod::Replace,
        primary_key: "id".to_owned(),
        documents: Payload::Inline { documents: documents.len() as u64, raw_bytes: ndjson.len() as u64, bytes },
    }
}

/// A worker. Dropping it is a crash: its task ends wherever it is.
pub(crate) struct Worker {
    pub(crate) address: SocketAddr,
    pub(crate) directory: PathBuf,
    pub(crate) stop: CancellationToken,
    pub(crate) running: JoinHandle<anyhow::Result<()>>,
    http: reqwest::Client,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// An answer: status, headers, JSON (null when it is not).
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The ids of the hits or documents.
    pub(crate) fn ids(&self) -> Vec<String> {
        let list = self.json.get("hits").or_else(|| self.json.get("results")).unwrap_or_else(|| panic!("no list in {}", self.json));
        list.as_array().unwrap().iter().map(|document| document["id"].as_str().unwrap().to_owned()).collect()
    }
}

impl Worker {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address)).timeout(DEADLINE)
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let json = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null);
        Answer { status, headers, json }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).bearer_auth(SECRET)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(SECRET);
        self.send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    pub(crate) async fn search(&self, q: &str) -> Answer {
        self.post("/search", json!({"q": q})).await
    }

    pub(crate) async fn ids(&self) -> Vec<String> {
        self.get("/documents?limit=1000").await.ids()
    }

    pub(crate) async fn load(&self, generation: Generation) -> Answer {
        self.post("/load", json!({"generation": generation})).await
    }

    pub(crate) async fn advance(&self) {
        assert_eq!(self.post("/advance", Value::Null).await.status, 204);
    }

    pub(crate) async fn status(&self) -> WorkerStatus {
        serde_json::from_value(self.get("/status").await.json).unwrap()
    }

    /// Asks until an answer will do.
    pub(crate) async fn until(&self, path: &str, will_do: impl Fn(&Answer) -> bool) -> Answer {
        let asked = async {
            loop {
                let answer = self.get(path).await;
                if will_do(&answer) {
                    return answer;
                }
            }
        };
        tokio::time::timeout(DEADLINE, asked).await.unwrap_or_else(|_| panic!("{path} never answered what was waited for"))
    }

    pub(crate) async fn until_ready(&self) {
        self.until("/readyz", |answer| answer.status == 200).await;
    }

    /// Waits by the long poll until the indexer has published an entry.
    pub(crate) async fn until_published(&self, seq: Seq) -> WorkerStatus {
        let mut status = self.status().await;
        let published = async {
            while status.committed_seq < Some(seq) {
                let after = status.generation.unwrap_or(Generation(0));
                status = serde_json::from_value(self.get(&format!("/status?after={after}&wait_ms=1000")).await.json).unwrap();
            }
        };
        let in_time = tokio::time::timeout(DEADLINE, published).await.is_ok();
        assert!(in_time, "entry {seq} was never published: {status:?}");
        status
    }
}
