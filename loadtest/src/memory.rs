//! Private memory of an idle searcher, as the controller observes it.

use std::time::Duration;

use onggi_testkit::Api;

use crate::corpus::{self, Corpus};

pub(crate) async fn run(binary: &str, corpus: &Corpus) -> anyhow::Result<()> {
    println!("\n== memory: private memory of a searcher");
    let onggi = corpus::loaded(binary, corpus).await?;
    let api = onggi.api();
    // A searcher that has never been asked, then one that has answered.
    for _ in 0..2 {
        api.ok("POST", "/indexes/packages/sleep", None).await;
        api.until("/indexes/packages/containers", |answer| answer["phase"] == "asleep").await;
    }
    api.ok("POST", "/indexes/packages/wake", None).await;
    println!("awake, never searched: {}", searcher(&api).await);
    for title in corpus.titles(1000) {
        corpus::searched(&api, "packages", &title).await?;
    }
    println!("after 1,000 searches: {}", searcher(&api).await);
    tokio::time::sleep(Duration::from_secs(10)).await;
    println!("10 s later: {} (goal <= 10 MB idle)", searcher(&api).await);
    Ok(())
}

async fn searcher(api: &Api) -> bytesize::ByteSize {
    let answer = api
        .until("/indexes/packages/containers", |answer| {
            answer["containers"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["role"] == "searcher" && one["memoryBytes"].is_u64()))
        })
        .await;
    let containers = answer["containers"].as_array().cloned().unwrap_or_default();
    bytesize::ByteSize(containers.iter().find(|one| one["role"] == "searcher").and_then(|one| one["memoryBytes"].as_u64()).unwrap_or(0))
}
