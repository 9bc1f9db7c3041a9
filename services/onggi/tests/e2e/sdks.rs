//! The official clients, unmodified, from the registries.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::Stdio,
};

use onggi_testkit::Onggi;
use tokio::process::Command;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// All English documents when the corpora lie beside the checkout, those of the demo otherwise.
fn documents() -> Box<dyn Read> {
    let whole = PathBuf::from(HERE).join("../../../shared/corpora/packages.en.ndjson.gz");
    if whole.is_file() {
        return Box::new(flate2::read::GzDecoder::new(std::fs::File::open(whole).unwrap()));
    }
    let shipped = PathBuf::from(HERE).join("../admin/samples/packages.en.ndjson.zst");
    Box::new(zstd::Decoder::new(std::fs::File::open(shipped).unwrap()).unwrap())
}

/// The first of the documents.
pub(crate) fn some_documents(count: usize) -> Vec<serde_json::Value> {
    BufReader::new(documents()).lines().take(count).map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

async fn run(mut command: Command, onggi: &Onggi) {
    let corpus = onggi.data().join("documents.ndjson");
    std::io::copy(&mut documents(), &mut std::fs::File::create(&corpus).unwrap()).unwrap();
    let output = command
        .env("ONGGI_URL", onggi.url())
        .env("ONGGI_KEY", onggi.key())
        .env("DOCUMENTS", corpus)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test e2e` installs the clients"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).ends_with("ok\n"), "the script did not reach its end");
}

fn command(program: &str, arguments: &[&str], directory: &str) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(format!("{HERE}/tests/sdk/{directory}"));
    command
}

#[tokio::test]
async fn the_javascript_client_works_unmodified() {
    let onggi = crate::onggi().await;
    run(command("node", &["main.mjs"], "js"), &onggi).await;
}

#[tokio::test]
async fn the_python_client_works_unmodified() {
    let onggi = crate::onggi().await;
    let python = format!("{HERE}/tests/sdk/python/.venv/bin/python");
    run(command(&python, &["main.py"], "python"), &onggi).await;
}

#[tokio::test]
async fn the_java_client_works_unmodified() {
    let onggi = crate::onggi().await;
    run(command("java", &["--class-path", "lib/*", "Main.java"], "java"), &onggi).await;
}

#[tokio::test]
async fn a_page_of_instantsearch_works_unmodified_in_a_browser() {
    let onggi = crate::onggi().await;
    run(command("node", &["main.mjs"], "instantsearch"), &onggi).await;
}
