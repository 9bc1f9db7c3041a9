//! A client of the API for the commands `index`, `import` and `search`, and for loading the demo.

use anyhow::{Context, bail};
use onggi_domain::ApiError;
use serde_json::Value;

use crate::cli::ApiArgs;

/// Speaks to one Onggi with one key.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
}

impl Client {
    /// From the command line.
    pub(crate) fn new(api: &ApiArgs) -> anyhow::Result<Self> {
        Self::with(&api.url, api.key.clone())
    }

    /// For a URL and a key.
    pub(crate) fn with(url: &str, key: Option<String>) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build().context("cannot make an HTTP client")?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), key })
    }

    /// A request to a path of the API.
    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends a request and reads the JSON answer; an error of the API becomes one for a person.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
        let response = request.send().await.with_context(|| format!("{} does not answer: is `onggi up` running there?", self.url))?;
        let status = response.status();
        let body = response.bytes().await.context("the answer broke off")?;
        if status.is_success() {
            return if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body).context("the answer is not JSON") };
        }
        match serde_json::from_slice::<ApiError>(&body) {
            Ok(error) => Err(Refused { status: status.as_u16(), error }.into()),
            Err(_) => bail!("{} answered {status}", self.url),
        }
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.request(reqwest::Method::GET, path)).await
    }

    /// A request with a JSON body.
    pub(crate) async fn json(&self, method: reqwest::Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.request(method, path).json(body)).await
    }

    /// Waits until a task is at its end and returns it.
    pub(crate) async fn wait(&self, task: u64) -> anyhow::Result<Value> {
        let mut pause = std::time::Duration::from_millis(10);
        loop {
            let task = self.get(&format!("/tasks/{task}")).await?;
            match task["status"].as_str() {
                Some("succeeded") => return Ok(task),
                Some("failed" | "canceled") => bail!(
                    "task {} {}: {}",
                    task["uid"],
                    task["status"].as_str().unwrap_or_default(),
                    task["error"]["message"].as_str().unwrap_or("no reason given")
                ),
                _ => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(std::time::Duration::from_millis(500));
        }
    }
}

/// The API refused a request.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Why.
    pub(crate) error: ApiError,
}

impl Refused {
    /// Whether the same request may succeed later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.status, 429 | 502..=504)
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.error)
    }
}

impl std::error::Error for Refused {}
