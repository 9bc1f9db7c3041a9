//! A plain HTTP client for tests: no retries, no smoothing over.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

/// How long a test waits for something that should take far less.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Speaks to one Onggi with one key.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` when there is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The error code of the body.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Api {
    /// For a URL and a key; an empty key sends none.
    pub fn new(url: &str, key: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client without TLS settings");
        Self { http, url: url.to_owned(), key: key.to_owned() }
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The same Onggi with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// A request to a path.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        if self.key.is_empty() { request } else { request.bearer_auth(&self.key) }
    }

    /// Sends a request.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Ok(Answer { status, headers, bytes: response.bytes().await?.to_vec() })
    }

    /// Sends a request, with a JSON body if there is one; panics when there is no answer.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method.parse().expect("a method"), path);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.send(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// GET; panics unless it succeeds.
    pub async fn get(&self, path: &str) -> Value {
        self.ok("GET", path, None).await
    }

    /// A request with a JSON body; panics unless it succeeds.
    pub async fn ok(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.call(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.bytes));
        answer.json()
    }

    /// A request that is answered with a task; waits until that succeeded.
    pub async fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let accepted = self.ok(method, path, Some(body)).await;
        let task = self.finished(&accepted).await;
        assert_eq!(task["status"], "succeeded", "{method} {path}: {task}");
        task
    }

    /// Waits until an accepted task is at its end.
    pub async fn finished(&self, accepted: &Value) -> Value {
        let uid = accepted["taskUid"].as_u64().unwrap_or_else(|| panic!("no task in {accepted}"));
        let begin = Instant::now();
        loop {
            let task = self.get(&format!("/tasks/{uid}")).await;
            if matches!(task["status"].as_str(), Some("succeeded" | "failed" | "canceled")) {
                return task;
            }
            assert!(begin.elapsed() < PATIENCE, "task is not at its end: {task}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks again and again until the answer is as wanted.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            let value = self.get(path).await;
            if wanted(&value) {
                return value;
            }
            assert!(begin.elapsed() < PATIENCE, "{path} stays {value}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
