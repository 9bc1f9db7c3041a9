//! The official clients, unmodified, from the registries.

use std::{path::PathBuf, process::Stdio};

use onggi_testkit::Onggi;
use tokio::process::Command;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// All English documents when the corpora lie beside the checkout, those of the demo otherwise.
fn corpus(onggi: &Onggi) -> PathBuf {
    let whole = PathBuf::from(HERE).join("../../../shared/corpora/packages.en.ndjson.gz");
    let shipped = PathBuf::from(HERE).join("demo/packages.en.ndjson.zst");
    let path = onggi.data().join("documents.ndjson");
    let mut target = std::fs::File::create(&path).unwrap();
    if whole.is_file() {
        let mut source = flate2::read::GzDecoder::new(std::fs::File::open(whole).unwrap());
        std::io::copy(&mut source, &mut target).unwrap();
    } else {
        zstd::stream::copy_decode(std::fs::File::open(shipped).unwrap(), &mut target).unwrap();
    }
    path
}

async fn run(mut command: Command, onggi: &Onggi) {
    let output = command
        .env("ONGGI_URL", onggi.url())
        .env("ONGGI_KEY", onggi.key())
        .env("DOCUMENTS", corpus(onggi))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap_or_else(|error| panic!("{command:?}: {error}; `cargo xtask test e2e` installs the clients"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).ends_with("ok\n"), "the script did not reach its end");
}

#[tokio::test]
async fn the_javascript_client_works_unmodified() {
    let onggi = crate::onggi().await;
    let mut command = Command::new("node");
    command.arg("main.mjs").current_dir(format!("{HERE}/tests/sdk/js"));
    run(command, &onggi).await;
}

#[tokio::test]
async fn the_python_client_works_unmodified() {
    let onggi = crate::onggi().await;
    let mut command = Command::new(format!("{HERE}/tests/sdk/python/.venv/bin/python"));
    command.arg("main.py").current_dir(format!("{HERE}/tests/sdk/python"));
    run(command, &onggi).await;
}
