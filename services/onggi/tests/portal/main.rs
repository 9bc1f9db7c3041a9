//! The portal in a browser, as people use it: each flow is a script of `flows/`, run against an Onggi of its own. `cargo xtask test portal`.

mod strangers;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use onggi_testkit::Onggi;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

const BINARY: &str = env!("CARGO_BIN_EXE_onggi");
/// The configuration that makes room.
const ROOM: &str = "[plans]\nsign_up = \"scale\"\n";
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/portal");

/// A test for each flow; the last one sees to it that none is forgotten.
macro_rules! flows {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test] async fn $name() {
            let (onggi, _config) = roomy().await;
            run(stringify!($name), &onggi).await;
        })*
        const FLOWS: &[&str] = &[$(stringify!($name)),*];
    };
}

flows![
    first_result,
    sign_in,
    members,
    sessions,
    forgeries,
    injections,
    operator,
    containers,
    playground,
    documents,
    settings,
    generations,
    analytics,
    tasks,
    keys,
    tokens,
    identity
];

/// Flows that have a test of their own below: what they run against is configured.
const CONFIGURED: &[&str] = &["oidc", "usage"];

#[test]
fn every_flow_is_run() {
    for entry in std::fs::read_dir(Path::new(HERE).join("flows")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let flow = name.strip_suffix(".mjs").unwrap_or_else(|| panic!("{name} is no flow"));
        assert!(CONFIGURED.contains(&flow) || FLOWS.contains(&flow), "{flow} is missing in `flows!`");
    }
}

/// An Onggi where who signs up by themselves has room for everything that the flows try.
async fn roomy() -> (Onggi, tempfile::NamedTempFile) {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), ROOM).unwrap();
    (Onggi::start(BINARY, &["--config", config.path().to_str().unwrap()]).await, config)
}

/// Where pictures of the pages are written.
fn screenshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/portal-screenshots")
}

async fn run(flow: &str, onggi: &Onggi) {
    let output = Command::new("node")
        .args(["run.mjs", flow])
        .current_dir(HERE)
        .env("ONGGI_URL", onggi.url())
        .env("BINARY", BINARY)
        .env("ONGGI_DATA", onggi.data())
        .env("SCREENSHOTS", screenshots())
        .stdin(Stdio::null())
        .output()
        .await
        .expect("node; `cargo xtask test portal` installs what the flows need");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).ends_with("ok\n"), "the flow did not reach its end");
}

/// A certified provider, told afterwards where the portal is.
#[tokio::test]
async fn oidc() {
    let mut provider = Command::new("node")
        .arg("provider.mjs")
        .current_dir(HERE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node; `cargo xtask test portal` installs what the flows need");
    let mut lines = BufReader::new(provider.stdout.take().unwrap()).lines();
    let issuer = lines.next_line().await.unwrap().expect("the provider says where it is");
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("onggi.toml");
    let text = format!(
        "{ROOM}[portal.oidc.acme]\nissuer = \"{issuer}\"\nclient_id = \"onggi\"\nclient_secret = \"onggi-secret\"\nlabel = \"Acme\"\nallowed_domains = [\"acme.test\"]\n"
    );
    std::fs::write(&config, text).unwrap();
    let onggi = Onggi::start(BINARY, &["--config", config.to_str().unwrap()]).await;
    provider.stdin.as_mut().unwrap().write_all(format!("{}\n", onggi.url()).as_bytes()).await.unwrap();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("ready"));
    run("oidc", &onggi).await;
}

/// A plan by which seconds cost something and quotas are near soon, and figures that are told at once. `flows/usage.mjs` knows the prices.
#[tokio::test]
async fn usage() {
    const CONFIG: &str = r#"
        [controller]
        meter_every = "200ms"
        bill_every = "200ms"
        webhooks_every = "100ms"
        [analytics]
        tell_every = "100ms"
        tell_queries_every = "100ms"
        [plans]
        default = "kiln"
        sign_up = "kiln"
        [[plans.list]]
        name = "kiln"
        max_indexes = 2
        max_replicas_per_index = 2
        max_replicas = 4
        max_documents = 10
        max_storage = "1GiB"
        requests_per_second = 1000
        sizes = ["small"]
        max_cpu_millis = 4000
        max_memory = "2GiB"
        [plans.list.prices]
        currency = "EUR"
        container_hour = {small = 36.0, medium = 100.0, large = 300.0}
        storage_gib_month = 1000.0
        million_searches = 10000.0
    "#;
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("onggi.toml");
    std::fs::write(&config, CONFIG).unwrap();
    run("usage", &Onggi::start(BINARY, &["--config", config.to_str().unwrap()]).await).await;
}
