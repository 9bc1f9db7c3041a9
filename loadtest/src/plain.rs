//! Plain BM25 in this process: Tantivy over the terms that Onggi's analysis makes of descriptions, any word of the query.

use std::path::Path;

use onggi_domain::settings::Settings;
use onggi_engine::analysis::{Analyzer, Kind, Rule};
use tantivy::{
    Index, IndexReader, TantivyDocument, Term,
    collector::TopDocs,
    query::{BooleanQuery, Query, TermQuery},
    schema::{FAST, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{PreTokenizedString, Token},
};

use crate::relevance::Document;

pub(crate) struct Plain {
    analyzer: Analyzer,
    reader: IndexReader,
    text: Field,
}

impl Plain {
    pub(crate) fn new(documents: &[Document], dictionaries: &Path) -> anyhow::Result<Self> {
        let analyzer = Analyzer::new(&Settings::default(), Some(dictionaries));
        let mut schema = Schema::builder();
        let number = schema.add_u64_field("number", NumericOptions::from(FAST));
        let indexing = TextFieldIndexing::default().set_tokenizer("raw").set_index_option(IndexRecordOption::WithFreqs);
        let text = schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
        let index = Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, 128 << 20)?;
        for (at, document) in documents.iter().enumerate() {
            let mut indexed = TantivyDocument::default();
            indexed.add_u64(number, at as u64);
            let token = |(position, term): (usize, String)| Token { text: term, position, ..Token::default() };
            let tokens = terms(&analyzer, &document.description).into_iter().enumerate().map(token).collect();
            indexed.add_pre_tokenized_text(text, PreTokenizedString { text: String::new(), tokens });
            writer.add_document(indexed)?;
        }
        writer.commit()?;
        Ok(Self { analyzer, reader: index.reader()?, text })
    }

    /// The places of the best documents.
    pub(crate) fn search(&self, query: &str, limit: usize) -> anyhow::Result<Vec<usize>> {
        let term = |term: String| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(self.text, &term), IndexRecordOption::WithFreqs))
        };
        let query = BooleanQuery::union(terms(&self.analyzer, query).into_iter().map(term).collect());
        let searcher = self.reader.searcher();
        let mut found = Vec::new();
        for (_, address) in searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())? {
            let numbers = searcher.segment_reader(address.segment_ord).fast_fields().u64("number")?;
            found.extend(numbers.first(address.doc_id).map(|number| number as usize));
        }
        Ok(found)
    }
}

/// The terms of a text, inflections reduced to stems. What Onggi indexes besides them to find words in other ways is not BM25's.
fn terms(analyzer: &Analyzer, text: &str) -> Vec<String> {
    let words = analyzer.words(text, Rule::default());
    let plain = words.iter().filter(|word| !matches!(word.kind, Kind::Written | Kind::Alternative));
    plain.map(|word| word.stem_term().to_owned()).collect()
}
