//! The whole of Onggi through its public surface: the real binary, real workers, the official SDKs.

mod backups;
mod bad_input;
mod command_line;
mod containers;
mod crashes;
mod documents;
mod dumps;
mod generations;
mod languages;
mod rust_sdk;
mod sdks;
mod tasks;
mod tenants;
mod traces;
mod usage;
mod webhooks;

use onggi_testkit::{Api, Onggi};
use serde_json::{Value, json};

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_onggi");

/// A running Onggi.
async fn onggi() -> Onggi {
    Onggi::start(BINARY, &[]).await
}

/// A running Onggi with this configuration, which is read again at a restart.
async fn configured(text: &str) -> (Onggi, tempfile::NamedTempFile) {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), text).unwrap();
    (Onggi::start(BINARY, &["--config", config.path().to_str().unwrap()]).await, config)
}

/// `count` documents `{id, title, group}`, ids from `first` on.
fn documents(first: usize, count: usize) -> Value {
    (first..first + count).map(|id| json!({"id": id, "title": format!("jar number {id}"), "group": id % 7})).collect()
}

/// Creates an index with documents and these containers.
async fn index_with_documents(api: &Api, uid: &str, count: usize, replicas: u32) {
    api.done("POST", "/indexes", &json!({"uid": uid, "primaryKey": "id"})).await;
    api.ok("PATCH", &format!("/indexes/{uid}/containers"), Some(&json!({"replicas": replicas, "sleepAfterSeconds": null}))).await;
    api.done("POST", &format!("/indexes/{uid}/documents"), &documents(0, count)).await;
    ready(api, uid, replicas as usize).await;
}

/// Waits until this many searchers of an index answer.
async fn ready(api: &Api, uid: &str, replicas: usize) -> Value {
    api.until(&format!("/indexes/{uid}/containers"), |answer| {
        let containers = answer["containers"].as_array().map_or(&[][..], Vec::as_slice);
        let searchers = || containers.iter().filter(|container| container["role"] == "searcher");
        searchers().count() == replicas && searchers().all(|container| container["status"] == "running")
    })
    .await
}
