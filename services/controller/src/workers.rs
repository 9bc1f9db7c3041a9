//! What the controller says to workers, over HTTP.

use std::time::Duration;

use onggi_domain::{
    Generation,
    worker::{Endpoint, LoadRequest, WorkerStatus},
};
use serde::de::DeserializeOwned;

/// How long a connection may take to come about. Workers are near; what is sent to one before its network lets it in is lost, and the
/// system would wait a second or three before it sends that again.
const CONNECT_TIME: Duration = Duration::from_millis(250);

/// A worker that did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No answer, or not in time.
    #[error("{container} does not answer: {source}")]
    Unanswered { container: String, source: reqwest::Error },
    /// It refused.
    #[error("{container} answers {status}: {body}")]
    Refused { container: String, status: u16, body: String },
}

/// Speaks to workers.
#[derive(Clone)]
pub(crate) struct Workers {
    http: reqwest::Client,
}

impl Workers {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIME)
            .build()
            .expect("a client for plain HTTP has nothing that can be missing");
        Self { http }
    }

    /// How a worker is doing.
    pub(crate) async fn status(&self, worker: &Endpoint, time: Duration) -> Result<WorkerStatus, Error> {
        self.ask(worker, self.http.get(url(worker, "/status")).timeout(time)).await
    }

    /// How a worker is doing once its generation is above `after`, or `wait` is over.
    pub(crate) async fn status_after(&self, worker: &Endpoint, after: Option<Generation>, wait: Duration) -> Result<WorkerStatus, Error> {
        let query = [("after", after.map_or(0, |generation| generation.0)), ("wait_ms", wait.as_millis() as u64)];
        let request = self.http.get(url(worker, "/status")).query(&query).timeout(wait + Duration::from_secs(10));
        self.ask(worker, request).await
    }

    /// Makes a searcher serve a generation, or with 0 the newest there is.
    pub(crate) async fn load(&self, worker: &Endpoint, generation: Generation, time: Duration) -> Result<WorkerStatus, Error> {
        self.ask(worker, self.http.post(url(worker, "/load")).json(&LoadRequest { generation }).timeout(time)).await
    }

    /// Makes a searcher answer nothing by a generation older than this. True as well when nothing listens there: what begins to listen
    /// reads the newest generation first.
    pub(crate) async fn hold(&self, worker: &Endpoint, generation: Generation, time: Duration) -> Result<(), Error> {
        match self.send(worker, self.http.post(url(worker, "/hold")).json(&LoadRequest { generation }).timeout(time)).await {
            Err(Error::Unanswered { source, .. }) if source.is_connect() && !source.is_timeout() => Ok(()),
            held => held.map(drop),
        }
    }

    /// Tells an indexer to read the log again.
    pub(crate) async fn advance(&self, worker: &Endpoint, time: Duration) -> Result<(), Error> {
        self.send(worker, self.http.post(url(worker, "/advance")).timeout(time)).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, worker: &Endpoint, request: reqwest::RequestBuilder) -> Result<T, Error> {
        self.send(worker, request).await?.json().await.map_err(|source| unanswered(worker, source))
    }

    async fn send(&self, worker: &Endpoint, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Error> {
        let response = request.bearer_auth(&worker.secret).send().await.map_err(|source| unanswered(worker, source))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = response.text().await.unwrap_or_default().chars().take(500).collect();
        Err(Error::Refused { container: worker.name.clone(), status, body })
    }
}

fn url(worker: &Endpoint, path: &str) -> String {
    format!("http://{}{path}", worker.address)
}

fn unanswered(worker: &Endpoint, source: reqwest::Error) -> Error {
    Error::Unanswered { container: worker.name.clone(), source: source.without_url() }
}
