//! Upload to searchable, against raw Tantivy.

use std::time::Instant;

use onggi_testkit::Onggi;

use crate::{
    baseline::Baseline,
    corpus::{self, Corpus},
};

/// Runs of each side, in turn.
const ROUNDS: usize = 3;

pub(crate) async fn run(binary: &str, corpus: &Corpus) -> anyhow::Result<()> {
    println!("\n== ingest: upload to all searchable through HTTP, against raw Tantivy (en_stem, one indexing thread, commit at the end)");
    let onggi = Onggi::start(binary, &[]).await;
    let api = onggi.api();
    let lines = corpus.lines();
    let rate = |begin: Instant| lines.len() as f64 / begin.elapsed().as_secs_f64();
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        let begin = Instant::now();
        Baseline::new()?.ingest(&lines)?;
        let raw = rate(begin);

        let uid = format!("round-{round}");
        corpus::create(&api, &uid).await;
        let body = corpus.text().to_owned();
        let begin = Instant::now();
        let task = corpus::upload(&api, &uid, body).await?;
        let accepted = begin.elapsed();
        let task = api.finished(&task).await;
        anyhow::ensure!(task["status"] == "succeeded", "{task}");
        let onggi_rate = rate(begin);
        ratios.push(onggi_rate / raw);
        println!("raw {raw:.0}/s, onggi {onggi_rate:.0}/s (accepted after {accepted:.2?}), ratio {:.2}", onggi_rate / raw);
        api.done("DELETE", &format!("/indexes/{uid}"), &serde_json::Value::Null).await;
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2} (goal 0.80)", ratios[ratios.len() / 2]);
    Ok(())
}
