//! A search that finds its index asleep.

use std::time::Instant;

use hdrhistogram::Histogram;

use crate::corpus::{self, Corpus};

const ROUNDS: usize = 20;

pub(crate) async fn run(binary: &str, corpus: &Corpus) -> anyhow::Result<()> {
    println!("\n== wake: the first search of a sleeping index, answered");
    let onggi = corpus::loaded(binary, corpus).await?;
    let api = onggi.api();
    let generations = api.get("/indexes/packages/generations").await;
    println!("generation of {}", bytesize::ByteSize(generations["results"][0]["bytes"].as_u64().unwrap_or(0)));
    let mut waking_us = Histogram::<u64>::new(3)?;
    for _ in 0..ROUNDS {
        api.ok("POST", "/indexes/packages/sleep", None).await;
        api.until("/indexes/packages/containers", |answer| {
            answer["phase"] == "asleep" && answer["containers"].as_array().is_some_and(Vec::is_empty)
        })
        .await;
        let begin = Instant::now();
        corpus::searched(&api, "packages", "editor").await?;
        waking_us.record(begin.elapsed().as_micros() as u64)?;
    }
    crate::search::print("search of a sleeping index (goal < 100 ms)", &waking_us);
    Ok(())
}
