//! The command line as a person uses it.

use serde_json::json;

use crate::{BINARY, onggi};

#[tokio::test]
async fn a_file_is_imported_and_searched() {
    let onggi = onggi().await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../admin/samples/packages.ko.ndjson.zst");
    let copy = onggi.data().join("packages.ko.ndjson.zst");
    std::fs::copy(file, &copy).unwrap();
    let said = onggi.command(&["import", copy.to_str().unwrap(), "--index", "packages", "--part", "512KiB"]).await;
    assert!(said.contains("4469 documents"), "{said}");
    assert_eq!(onggi.api().get("/indexes/packages/stats").await["numberOfDocuments"], 4469);
    let found = onggi.command(&["search", "--index", "packages", "실시간 전략 게임"]).await;
    assert!(found.contains("0ad"), "{found}");
    let list = onggi.command(&["index", "list"]).await;
    assert!(list.contains("packages") && list.contains("4469"), "{list}");
    let left: Vec<_> = std::fs::read_dir(onggi.data())
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".onggi-import"))
        .collect();
    assert!(left.is_empty(), "a finished import leaves no note");
}

#[tokio::test]
async fn an_import_that_is_refused_says_why() {
    let onggi = onggi().await;
    let file = onggi.data().join("bad.ndjson");
    std::fs::write(&file, "{\"id\": 1}\n{\"name\": \"without\"}\n").unwrap();
    let output = onggi.try_command(&["import", file.to_str().unwrap(), "--index", "bad"]).await;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("id"), "{error}");
}

#[tokio::test]
async fn indexes_and_keys_are_managed() {
    let onggi = onggi().await;
    onggi.command(&["index", "create", "jars", "--primary-key", "id"]).await;
    onggi.command(&["index", "containers", "jars", "--replicas", "2"]).await;
    crate::ready(&onggi.api(), "jars", 2).await;
    let shown = onggi.command(&["index", "containers", "jars"]).await;
    assert!(shown.matches("searcher").count() == 2, "{shown}");
    onggi.api().done("POST", "/indexes/jars/documents", &crate::documents(0, 2)).await;
    let generations = onggi.command(&["index", "generations", "jars"]).await;
    assert!(generations.contains('1'), "{generations}");

    let made = onggi.command(&["key", "create", "--tenant", "dev", "--action", "search", "--index", "jars"]).await;
    let key = made.lines().find_map(|line| line.trim().strip_prefix("key")).expect("a key").trim().to_owned();
    let holder = onggi.api().with_key(&key);
    holder.ok("POST", "/indexes/jars/search", Some(&json!({}))).await;
    let uid = made.lines().find_map(|line| line.trim().strip_prefix("uid")).expect("a uid").trim().to_owned();
    assert!(onggi.command(&["key", "list", "--tenant", "dev"]).await.contains(&uid));
    onggi.command(&["key", "revoke", "--tenant", "dev", &uid]).await;
    let begin = std::time::Instant::now();
    while holder.call("POST", "/indexes/jars/search", Some(&json!({}))).await.status == 200 {
        assert!(begin.elapsed().as_secs() < 5, "a revoked key is still good");
    }
}

#[tokio::test]
async fn the_doctor_finds_a_healthy_machine_healthy() {
    let onggi = onggi().await;
    let said = onggi.command(&["doctor"]).await;
    for part in ["bucket", "database", "worker"] {
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn a_dev_key_is_refused_where_others_could_use_it_or_when_it_is_short() {
    let directory = tempfile::tempdir().unwrap();
    for (arguments, says) in
        [(["--listen", "0.0.0.0:0", "--dev-key", "long-enough"], "loopback"), (["--listen", "127.0.0.1:0", "--dev-key", "short"], "8")]
    {
        let output =
            tokio::process::Command::new(BINARY).arg("up").args(arguments).env("ONGGI_DATA", directory.path()).output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(says), "{error}");
    }
}

#[tokio::test]
async fn the_demo_ends_with_lines_that_work_in_three_languages() {
    let onggi = onggi_testkit::Onggi::start(BINARY, &["--demo"]).await;
    let lines: Vec<&String> = onggi.screen().iter().filter(|line| line.trim_start().starts_with("curl ")).collect();
    assert_eq!(lines.len(), 3, "{:?}", onggi.screen());
    for line in lines {
        let output = tokio::process::Command::new("sh").args(["-c", line]).output().await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{line}: {output:?}"));
        assert!(answer["hits"].as_array().is_some_and(|hits| !hits.is_empty()), "{line}: {answer}");
    }
}
