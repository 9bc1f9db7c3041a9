//! The documents of a benchmark, and Onggi loaded with them.

use std::{io::Read, path::Path};

use anyhow::Context;
use onggi_testkit::{Api, Onggi};
use serde_json::{Value, json};

/// The attributes that are searched in every benchmark, on both sides.
pub(crate) const SEARCHABLE: [&str; 3] = ["name", "title", "description"];

/// NDJSON documents in memory.
pub(crate) struct Corpus {
    name: String,
    text: String,
}

impl Corpus {
    /// The documents of the demo, in each of its languages; English first.
    pub(crate) fn demo() -> anyhow::Result<Vec<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/admin/samples");
        ["en", "ko", "ja"].iter().map(|language| Self::open(&folder.join(format!("packages.{language}.ndjson.zst")))).collect()
    }

    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut text = String::new();
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("gz") => flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text)?,
            Some("zst") => zstd::Decoder::new(file)?.read_to_string(&mut text)?,
            _ => std::io::BufReader::new(file).read_to_string(&mut text)?,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, text })
    }

    /// The file's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn lines(&self) -> Vec<&str> {
        self.text.lines().collect()
    }

    /// Titles of documents, spread evenly: the queries.
    pub(crate) fn titles(&self, count: usize) -> Vec<String> {
        let lines = self.lines();
        let step = (lines.len() / count).max(1);
        let title = |line: &&str| serde_json::from_str::<Value>(line).ok()?["title"].as_str().map(str::to_owned);
        lines.iter().step_by(step).filter_map(title).take(count).collect()
    }
}

/// Creates an index whose searched attributes are [`SEARCHABLE`] and that does not sleep.
pub(crate) async fn create(api: &Api, uid: &str) {
    api.done("POST", "/indexes", &json!({"uid": uid, "primaryKey": "id"})).await;
    api.ok("PATCH", &format!("/indexes/{uid}/containers"), Some(&json!({"sleepAfterSeconds": null}))).await;
    let settings =
        json!({"searchableAttributes": SEARCHABLE, "filterableAttributes": ["section", "priority", "installed_size_kb", "tags"]});
    api.done("PATCH", &format!("/indexes/{uid}/settings"), &settings).await;
}

/// Uploads NDJSON in one request; returns the accepted task.
pub(crate) async fn upload(api: &Api, uid: &str, ndjson: String) -> anyhow::Result<Value> {
    let request = api
        .request(reqwest::Method::POST, &format!("/indexes/{uid}/documents"))
        .header("content-type", "application/x-ndjson")
        .body(ndjson);
    let answer = api.send(request).await?;
    anyhow::ensure!(answer.status == 202, "upload: {} {}", answer.status, answer.json());
    Ok(answer.json())
}

/// An Onggi with the whole corpus in index `packages`, awake.
pub(crate) async fn loaded(binary: &str, corpus: &Corpus) -> anyhow::Result<Onggi> {
    let onggi = Onggi::start(binary, &[]).await;
    let api = onggi.api();
    create(&api, "packages").await;
    let task = upload(&api, "packages", corpus.text().to_owned()).await?;
    api.finished(&task).await;
    Ok(onggi)
}

/// Waits until a search is answered.
pub(crate) async fn searched(api: &Api, uid: &str, query: &str) -> anyhow::Result<Value> {
    let answer = api.call("POST", &format!("/indexes/{uid}/search"), Some(&json!({"q": query}))).await;
    anyhow::ensure!(answer.status == 200, "search: {} {}", answer.status, answer.json());
    Ok(answer.json())
}
