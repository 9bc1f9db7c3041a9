//! Searches over HTTP from one client, against raw Tantivy in this process; and filters with facets, their counts against the documents.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use onggi_testkit::Api;
use serde_json::{Value, json};

use crate::{
    baseline::Baseline,
    corpus::{self, Corpus},
};

const QUERIES: usize = 1000;
const LIMIT: usize = 20;
const FACET_QUERIES: u64 = 200;
const FACETS: [&str; 3] = ["section", "priority", "tags"];

pub(crate) async fn run(binary: &str, corpus: &Corpus) -> anyhow::Result<()> {
    println!("\n== search: the first two words of {QUERIES} titles, top {LIMIT} with documents, one client");
    let mut baseline = Baseline::new()?;
    baseline.ingest(&corpus.lines())?;
    let onggi = corpus::loaded(binary, corpus).await?;
    let api = onggi.api();
    let queries: Vec<String> =
        corpus.titles(QUERIES).iter().map(|title| title.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect();
    let mut raw_us = Histogram::<u64>::new(3)?;
    let mut plain_us = Histogram::<u64>::new(3)?;
    let mut highlighted_us = Histogram::<u64>::new(3)?;
    // In turn, query by query, so that a busy machine hurts all alike; the first round warms up. In each round half of the queries ask for
    // highlights, in the next one the other half. The same query comes again after all others.
    for round in 0..3 {
        for (number, query) in queries.iter().enumerate() {
            let begin = Instant::now();
            baseline.search(query, LIMIT)?;
            let raw = begin.elapsed();
            let mut request = json!({"q": query, "limit": LIMIT});
            let highlights = (round + number) % 2 == 1;
            if highlights {
                request["attributesToHighlight"] = json!(["title", "description"]);
            }
            let (ours, _) = search(&api, &request).await?;
            if round > 0 {
                raw_us.record(micros(raw))?;
                if highlights { &mut highlighted_us } else { &mut plain_us }.record(micros(ours))?;
            }
        }
    }
    print("raw Tantivy, any word, in process", &raw_us);
    print("onggi, typos and prefixes, over HTTP", &plain_us);
    print("the same with title and description highlighted", &highlighted_us);
    for (name, ours) in [("plain", &plain_us), ("highlighted", &highlighted_us)] {
        println!("ratio {name}: p50 {:.2} (goal 3), p99 {:.2} (goal 5)", ratio(ours, &raw_us, 0.5), ratio(ours, &raw_us, 0.99));
    }
    facets(&api, corpus).await
}

/// Filters that nearly all documents match, with the values of three attributes counted.
async fn facets(api: &Api, corpus: &Corpus) -> anyhow::Result<()> {
    println!("\n== facets: a filter that most documents match, and the counts of {}", FACETS.join(", "));
    let documents = corpus.lines().iter().map(|line| serde_json::from_str(line)).collect::<serde_json::Result<Vec<Value>>>()?;
    let mut us = Histogram::<u64>::new(3)?;
    for least in 0..FACET_QUERIES {
        let request = json!({"filter": format!("installed_size_kb >= {least}"), "facets": FACETS, "limit": LIMIT});
        let (taken, answer) = search(api, &request).await?;
        us.record(micros(taken))?;
        if least.is_multiple_of(50) {
            let matching = documents.iter().filter(|document| document["installed_size_kb"].as_u64().is_some_and(|size| size >= least));
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for section in matching.filter_map(|document| document["section"].as_str()) {
                *counts.entry(section).or_default() += 1;
            }
            let answered: BTreeMap<&str, u64> = answer["facetDistribution"]["section"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(value, count)| (value.as_str(), count.as_u64().unwrap_or_default()))
                .collect();
            anyhow::ensure!(answered == counts, "facet counts differ from the documents: {answered:?} {counts:?}");
        }
    }
    print("filter and three facets (goal p50 <= 15 ms)", &us);
    println!("counts of `section` are those of the documents");
    Ok(())
}

/// How long a search takes until its whole answer is there, and the answer.
async fn search(api: &Api, body: &Value) -> anyhow::Result<(Duration, Value)> {
    let begin = Instant::now();
    let answer = api.call("POST", "/indexes/packages/search", Some(body)).await;
    let taken = begin.elapsed();
    anyhow::ensure!(answer.status == 200, "search: {} {}", answer.status, answer.json());
    Ok((taken, answer.json()))
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
