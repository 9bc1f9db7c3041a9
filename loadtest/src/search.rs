//! Searches over HTTP from one client, against raw Tantivy in this process.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::{
    baseline::Baseline,
    corpus::{self, Corpus},
};

const QUERIES: usize = 1000;
const LIMIT: usize = 20;

pub(crate) async fn run(binary: &str, corpus: &Corpus) -> anyhow::Result<()> {
    println!("\n== search: the first two words of {QUERIES} titles, top {LIMIT} with documents, one client");
    let mut baseline = Baseline::new()?;
    baseline.ingest(&corpus.lines())?;
    let onggi = corpus::loaded(binary, corpus).await?;
    let api = onggi.api();
    let queries: Vec<String> =
        corpus.titles(QUERIES).iter().map(|title| title.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    let mut raw_us = Histogram::<u64>::new(3)?;
    let mut onggi_us = Histogram::<u64>::new(3)?;
    let mut inside_ms = 0;
    // In turn, query by query, so that a busy machine hurts both alike; the first round warms up.
    for round in 0..2 {
        for query in &queries {
            let begin = Instant::now();
            baseline.search(query, LIMIT)?;
            let raw = begin.elapsed();
            let begin = Instant::now();
            let answer = corpus::searched(&api, "packages", query).await?;
            let ours = begin.elapsed();
            if round == 1 {
                raw_us.record(micros(raw))?;
                onggi_us.record(micros(ours))?;
                inside_ms += answer["processingTimeMs"].as_u64().unwrap_or(0);
            }
        }
    }
    print("raw Tantivy, any word, in process", &raw_us);
    print("onggi, typos and prefixes, over HTTP", &onggi_us);
    println!("in the engine {:.2} ms a query", inside_ms as f64 / queries.len() as f64);
    println!("ratio p50 {:.2} (goal 3), p99 {:.2} (goal 5)", ratio(&onggi_us, &raw_us, 0.5), ratio(&onggi_us, &raw_us, 0.99));
    Ok(())
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros() as u64
}

fn ratio(ours: &Histogram<u64>, raw: &Histogram<u64>, quantile: f64) -> f64 {
    ours.value_at_quantile(quantile) as f64 / raw.value_at_quantile(quantile).max(1) as f64
}

/// One line: p50, p90, p99 and the largest in milliseconds.
pub(crate) fn print(name: &str, micros: &Histogram<u64>) {
    let at = |quantile: f64| micros.value_at_quantile(quantile) as f64 / 1000.0;
    println!("{name}: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, max {:.2} ms", at(0.5), at(0.9), at(0.99), micros.max() as f64 / 1000.0);
}
