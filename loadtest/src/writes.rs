//! A small write, from accepted to searchable.

use std::time::Instant;

use hdrhistogram::Histogram;
use serde_json::json;

use crate::corpus::{self, Corpus};

const WRITES: u64 = 200;

pub(crate) async fn run(binary: &str, corpus: &Corpus) -> anyhow::Result<()> {
    println!("\n== writes: one document into an awake index of {} documents, one after the other", corpus.lines().len());
    let onggi = corpus::loaded(binary, corpus).await?;
    let api = onggi.api();
    let mut accepted_us = Histogram::<u64>::new(3)?;
    let mut searchable_us = Histogram::<u64>::new(3)?;
    for number in 0..WRITES {
        let word = format!("onlyhere{number}");
        let begin = Instant::now();
        let task = corpus::upload(&api, "packages", json!({"id": format!("new-{number}"), "title": word}).to_string()).await?;
        accepted_us.record(begin.elapsed().as_micros() as u64)?;
        let accepted = Instant::now();
        api.finished(&task).await;
        let found = corpus::searched(&api, "packages", &word).await?;
        searchable_us.record(accepted.elapsed().as_micros() as u64)?;
        anyhow::ensure!(found["hits"][0]["title"] == word, "the task succeeded and the document is not found: {found}");
    }
    crate::search::print("accepted", &accepted_us);
    crate::search::print("accepted to searchable (goal p50 < 300 ms, p99 < 1 s)", &searchable_us);
    Ok(())
}
