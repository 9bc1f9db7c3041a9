//! Benchmarks: each runs Onggi and what it is compared with in one run, and prints both and the ratio.
//!
//! `cargo build --release && cargo run --release -p onggi-loadtest -- all`

mod baseline;
mod corpus;
mod ingest;
mod memory;
mod plain;
mod relevance;
mod search;
mod typed;
mod wake;
mod writes;

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

use corpus::Corpus;

/// Benchmarks of a release build of Onggi on this machine.
#[derive(Debug, Parser)]
struct Cli {
    /// NDJSON documents (.gz or .zst); default: those of the demo. Given several times, the first one is measured and the relevance of all.
    #[arg(long, global = true, value_name = "FILE")]
    corpus: Vec<PathBuf>,
    /// The `onggi` binary; default: the one beside this program.
    #[arg(long, global = true, value_name = "FILE")]
    onggi: Option<PathBuf>,
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Benchmark {
    /// All of them.
    All,
    /// Documents a second from upload to searchable, against raw Tantivy with one indexing thread.
    Ingest,
    /// Time from an accepted small write to its being searchable.
    Writes,
    /// Time of a search that finds its index asleep.
    Wake,
    /// Private memory of an idle searcher.
    Memory,
    /// How often and how high a document is found by its title, against plain BM25.
    Relevance,
    /// Latency of searches over HTTP, against raw Tantivy in this process.
    Search,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let corpora = if cli.corpus.is_empty() {
        Corpus::demo()?
    } else {
        cli.corpus.iter().map(|path| Corpus::open(path)).collect::<anyhow::Result<Vec<_>>>()?
    };
    let corpus = corpora.first().context("no documents")?;
    let beside = std::env::current_exe().context("where this program is")?.with_file_name("onggi");
    let onggi = cli.onggi.unwrap_or(beside).to_string_lossy().into_owned();
    println!("{} documents, {}", corpus.lines().len(), bytesize::ByteSize(corpus.text().len() as u64));
    let all = matches!(cli.benchmark, Benchmark::All);
    if all || matches!(cli.benchmark, Benchmark::Ingest) {
        ingest::run(&onggi, corpus).await?;
    }
    if all || matches!(cli.benchmark, Benchmark::Relevance) {
        relevance::run(&corpora)?;
    }
    if all || matches!(cli.benchmark, Benchmark::Search) {
        search::run(&onggi, corpus).await?;
    }
    if all || matches!(cli.benchmark, Benchmark::Writes) {
        writes::run(&onggi, corpus).await?;
    }
    if all || matches!(cli.benchmark, Benchmark::Wake) {
        wake::run(&onggi, corpus).await?;
    }
    if all || matches!(cli.benchmark, Benchmark::Memory) {
        memory::run(&onggi, corpus).await?;
    }
    Ok(())
}
