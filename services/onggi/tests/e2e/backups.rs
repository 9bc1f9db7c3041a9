//! A backup as docs/operations.md describes it, taken while documents arrive; then everything is lost, and restored.

use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use onggi_testkit::{Api, Onggi, Postgres};
use serde_json::json;

use crate::{
    BINARY,
    crashes::{Uploads, all_ids, missing, settled},
    documents, index_with_documents, ready,
};

/// Ids that are accepted before the backup begins, and the first of those that arrive meanwhile.
const BEFORE: u64 = 400;
const MEANWHILE: usize = 100_000;

/// Runs a program of the database; panics when it fails.
async fn run(program: &str, arguments: &[&str]) {
    let output = tokio::process::Command::new(program).args(arguments).output().await.expect("the program is installed");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What is lost: everything but the secret, of which the operator has a copy.
fn lose(data: &Path) {
    for entry in std::fs::read_dir(data).expect("the data").flatten() {
        let path = entry.path();
        if path.is_dir() {
            std::fs::remove_dir_all(&path).expect("it can be removed");
        } else if entry.file_name() != "secret" {
            std::fs::remove_file(&path).expect("it can be removed");
        }
    }
}

/// Documents that are accepted and perhaps not folded, an upload under way, and a tenant's settings.
async fn in_use(api: &Api) -> (BTreeSet<u64>, Uploads) {
    index_with_documents(api, "jars", 10, 1).await;
    api.done("PATCH", "/indexes/jars/settings", &json!({"filterableAttributes": ["group"]})).await;
    for first in (0..BEFORE as usize).step_by(20) {
        api.ok("POST", "/indexes/jars/documents", Some(&documents(first, 20))).await;
    }
    let uploads = Uploads::start(api.clone(), MEANWHILE);
    api.until("/indexes/jars/stats", |stats| stats["numberOfDocuments"].as_u64() > Some(10)).await;
    ((0..BEFORE).collect(), uploads)
}

async fn everything_is_there(onggi: &Onggi, accepted: &BTreeSet<u64>, newest_task: u64) {
    let api = onggi.api();
    settled(&api).await;
    ready(&api, "jars", 1).await;
    assert_eq!(missing(accepted, &all_ids(&api).await), Vec::<u64>::new());
    assert_eq!(api.get("/indexes/jars/settings/filterable-attributes").await, json!(["group"]));
    let task = api.done("POST", "/indexes/jars/documents", &documents(900_000, 1)).await;
    assert!(task["uid"].as_u64() > Some(newest_task), "the uid {} was given before", task["uid"]);
    assert!(all_ids(&api).await.contains(&900_000));
}

/// The highest uid of a task that the copy of the bucket can know: those of uploads that were accepted by then.
async fn newest_task(api: &Api) -> u64 {
    api.get("/tasks?limit=1").await["results"][0]["uid"].as_u64().expect("a task")
}

fn url_of(directory: &Path) -> String {
    format!("file://{}", directory.display())
}

#[tokio::test]
async fn a_backup_with_sqlite_brings_back_what_was_accepted_before_it() {
    const ONLINE: &str = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))";
    let mut onggi = Onggi::start(BINARY, &[]).await;
    let (accepted, uploads) = in_use(&onggi.api()).await;
    let backup = tempfile::tempdir().unwrap();
    let dump = backup.path().join("metadata.sqlite");
    let bucket = url_of(&backup.path().join("bucket"));
    let database = onggi.data().join("metadata.sqlite");

    run("python3", &["-c", ONLINE, database.to_str().unwrap(), dump.to_str().unwrap()]).await;
    // Accepted after the dump: the log of the copy knows it, the database does not.
    onggi.api().ok("POST", "/indexes/jars/documents", Some(&documents(500_000, 1))).await;
    let newest = newest_task(&onggi.api()).await;
    onggi.command(&["backup", "copy", "--to", &bucket]).await;
    uploads.finish().await;
    onggi.kill_all().await;
    lose(onggi.data());

    std::fs::copy(&dump, &database).unwrap();
    let said = onggi.command(&["backup", "restore", "--from", &bucket]).await;
    assert!(said.contains("1 indexes are whole"), "{said}");
    onggi.restart().await;
    let mut accepted = accepted;
    accepted.insert(500_000);
    everything_is_there(&onggi, &accepted, newest).await;
}

#[tokio::test]
async fn a_backup_with_postgresql_brings_back_what_was_accepted_before_it() {
    let database = Postgres::start(Ipv4Addr::LOCALHOST.into());
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("onggi.toml");
    let configure = |url: &str| std::fs::write(&config, format!("database = \"{url}\"\n")).unwrap();
    configure(&database.url());
    let config = config.to_str().unwrap();
    let mut onggi = Onggi::start(BINARY, &["--config", config]).await;
    let (accepted, uploads) = in_use(&onggi.api()).await;
    let dump: PathBuf = directory.path().join("dump.sql");
    let bucket = url_of(&directory.path().join("bucket"));

    run("pg_dump", &["--no-owner", "--file", dump.to_str().unwrap(), &database.url()]).await;
    let newest = newest_task(&onggi.api()).await;
    onggi.command(&["--config", config, "backup", "copy", "--to", &bucket]).await;
    uploads.finish().await;
    onggi.kill_all().await;
    lose(onggi.data());
    drop(database);

    let database = Postgres::start(Ipv4Addr::LOCALHOST.into());
    run("psql", &["--quiet", "--set", "ON_ERROR_STOP=1", "--file", dump.to_str().unwrap(), &database.url()]).await;
    configure(&database.url());
    onggi.command(&["--config", config, "backup", "restore", "--from", &bucket]).await;
    onggi.restart().await;
    everything_is_there(&onggi, &accepted, newest).await;
}

#[tokio::test]
async fn a_database_that_is_newer_than_the_copy_is_found_out() {
    let mut onggi = Onggi::start(BINARY, &[]).await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 10, 1).await;
    let backup = tempfile::tempdir().unwrap();
    let bucket = url_of(&backup.path().join("bucket"));
    onggi.command(&["backup", "copy", "--to", &bucket]).await;
    api.done("POST", "/indexes/jars/documents", &documents(10, 1)).await;
    onggi.stop().await;
    std::fs::remove_dir_all(onggi.data().join("bucket")).unwrap();
    let said = onggi.try_command(&["backup", "restore", "--from", &bucket]).await;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(!said.status.success() && text.contains("the database is newer than the copy"), "{text}");
}
