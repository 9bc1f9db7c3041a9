//! Known-item search: the query is a document's title as somebody might type it, only descriptions are searched, and the one right answer is that
//! document; a title that several documents share is no query. In this process, on the engine alone, beside plain BM25 (Tantivy's, any word) over the same analysis.

use std::collections::HashMap;

use anyhow::Context;
use onggi_domain::{
    generation::IndexState,
    limits::Limits,
    log::{DocumentMethod, Operation},
    settings::Settings,
};
use onggi_engine::{Indexer, Options, Searcher, dictionaries, search::SearchRequest};
use serde_json::{Value, json};

use crate::{corpus::Corpus, plain::Plain, typed::ALL};

/// Titles of each corpus, spread evenly over it.
const TITLES: usize = 2000;
/// Answers that are looked at.
const DEPTH: usize = 10;
const SEED: u64 = 4;

pub(crate) fn run(corpora: &[Corpus]) -> anyhow::Result<()> {
    println!(
        "\n== relevance: MRR@{DEPTH} of up to {TITLES} titles a corpus against descriptions; the right answer is the title's document"
    );
    let directory = tempfile::tempdir()?;
    let dictionaries = dictionaries::unpack(&directory.path().join("dictionaries"))?;
    for corpus in corpora {
        let documents = documents(corpus)?;
        let plain = Plain::new(&documents, &dictionaries)?;
        let place = tempfile::tempdir()?;
        let options = Options { memory_bytes: 256 << 20, dictionaries: Some(dictionaries.clone()), limits: Limits::default() };
        let onggi = load(place.path(), corpus, options)?;
        println!("\n{} ({} documents)", corpus.name(), documents.len());
        println!("{:24} {:>8} {:>8} {:>8}", "", "onggi", "BM25", "titles");
        let chosen = unique(&documents, TITLES);
        for typed in ALL {
            let mut random = Random::new(SEED);
            let (mut ours, mut theirs) = (0.0, 0.0);
            for &at in &chosen {
                let document = &documents[at];
                let query = typed.apply(&document.title, &mut random);
                ours += reciprocal(&onggi_answers(&onggi, &query)?, &document.id);
                let found = plain.search(&query, DEPTH)?;
                theirs += found.iter().position(|other| *other == at).map_or(0.0, |rank| 1.0 / (rank + 1) as f64);
            }
            let mean = |sum: f64| sum / chosen.len() as f64;
            println!("{:24} {:8.3} {:8.3} {:8}", typed.name(), mean(ours), mean(theirs), chosen.len());
        }
    }
    println!("\ngoals as written: English 0.65, Korean 0.72; with one typo 85 % of that as written");
    Ok(())
}

/// What is needed of a document.
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) description: String,
}

fn documents(corpus: &Corpus) -> anyhow::Result<Vec<Document>> {
    let read = |line: &&str| {
        let value: Value = serde_json::from_str(line)?;
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Ok(Document { id: text("id"), title: text("title"), description: text("description") })
    };
    corpus.lines().iter().map(read).collect()
}

/// Up to `most` documents whose title no other one has, spread evenly: a title of several has no one right answer.
fn unique(documents: &[Document], most: usize) -> Vec<usize> {
    let mut holders: HashMap<&str, usize> = HashMap::new();
    for document in documents {
        *holders.entry(&document.title).or_default() += 1;
    }
    let unique: Vec<usize> = (0..documents.len()).filter(|&at| holders[documents[at].title.as_str()] == 1).collect();
    let step = unique.len().div_ceil(most).max(1);
    unique.into_iter().step_by(step).collect()
}

fn load(place: &std::path::Path, corpus: &Corpus, options: Options) -> anyhow::Result<Searcher> {
    let mut indexer = Indexer::open(place, IndexState::empty(Settings::default(), None), options.clone())?;
    let patch = serde_json::from_value(json!({"searchableAttributes": ["description"]}))?;
    indexer.apply(&Operation::UpdateSettings { patch: Box::new(patch) })?.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    indexer.begin_documents(DocumentMethod::Replace, "id")?;
    indexer.add_documents(corpus.text().as_bytes())?;
    indexer.end_documents()?.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let commit = indexer.commit()?;
    Ok(Searcher::open(place, &commit.meta_json, commit.state, options)?)
}

fn onggi_answers(searcher: &Searcher, query: &str) -> anyhow::Result<Vec<String>> {
    let request = SearchRequest {
        q: Some(query.to_owned()),
        limit: DEPTH,
        attributes_to_retrieve: Some(vec!["id".to_owned()]),
        ..SearchRequest::default()
    };
    let answer = searcher.search(&request, None)?.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let id = |hit: &str| -> anyhow::Result<String> {
        Ok(serde_json::from_str::<Value>(hit)?["id"].as_str().context("a hit without an id")?.to_owned())
    };
    answer.hits.iter().map(|hit| id(hit.get())).collect()
}

fn reciprocal(answers: &[String], right: &str) -> f64 {
    answers.iter().position(|id| id == right).map_or(0.0, |rank| 1.0 / (rank + 1) as f64)
}

/// Random numbers that are the same everywhere (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}
