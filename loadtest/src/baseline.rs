//! Raw Tantivy in this process: the same searched attributes, English stemming, documents stored whole, one indexing thread, one commit.

use anyhow::Context;
use serde_json::Value;
use tantivy::{
    Index, IndexReader, TantivyDocument, Term,
    collector::TopDocs,
    query::QueryParser,
    schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value as _},
};

use crate::corpus::SEARCHABLE;

/// A Tantivy index of a corpus.
pub(crate) struct Baseline {
    index: Index,
    reader: Option<IndexReader>,
    id: Field,
    document: Field,
    text: Vec<Field>,
    _directory: tempfile::TempDir,
}

impl Baseline {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut schema = Schema::builder();
        let id = schema.add_text_field("id", STRING);
        let document = schema.add_bytes_field("document", STORED);
        let indexing = TextFieldIndexing::default().set_tokenizer("en_stem").set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let options = TextOptions::default().set_indexing_options(indexing);
        let text = SEARCHABLE.map(|name| schema.add_text_field(name, options.clone())).to_vec();
        let directory = tempfile::tempdir()?;
        let index = Index::create_in_dir(directory.path(), schema.build())?;
        Ok(Self { index, reader: None, id, document, text, _directory: directory })
    }

    /// Indexes NDJSON and opens it for searches.
    pub(crate) fn ingest(&mut self, lines: &[&str]) -> anyhow::Result<()> {
        let mut writer = self.index.writer_with_num_threads::<TantivyDocument>(1, 128 << 20)?;
        for line in lines {
            let value: Value = serde_json::from_str(line)?;
            let id = value["id"].as_str().context("a document without an id")?;
            let mut document = TantivyDocument::default();
            document.add_text(self.id, id);
            document.add_bytes(self.document, str::as_bytes(line));
            for (field, name) in self.text.iter().zip(SEARCHABLE) {
                document.add_text(*field, value[name].as_str().unwrap_or_default());
            }
            // As any index whose documents can be replaced must.
            writer.delete_term(Term::from_field_text(self.id, id));
            writer.add_document(document)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        self.reader = Some(self.index.reader()?);
        Ok(())
    }

    /// The stored documents of the best hits for any of the words; returns their bytes.
    pub(crate) fn search(&self, query: &str, limit: usize) -> anyhow::Result<usize> {
        let searcher = self.reader.as_ref().context("nothing is ingested")?.searcher();
        let (query, _) = QueryParser::for_index(&self.index, self.text.clone()).parse_query_lenient(query);
        let mut bytes = 0;
        for (_, address) in searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())? {
            let document: TantivyDocument = searcher.doc(address)?;
            bytes += document.get_first(self.document).and_then(|value| value.as_bytes()).map_or(0, <[u8]>::len);
        }
        Ok(bytes)
    }
}
