//! Deletions by id. Tantivy's `delete_term` keeps a table for scores, a kilobyte, for each deletion until the next commit; here it is the id.

use tantivy::{
    DocId, Score, SegmentReader, Term,
    query::{ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight},
    schema::IndexRecordOption,
};

use crate::schema::ID;

/// The documents that have an id.
#[derive(Debug, Clone)]
pub(super) struct ById(Box<str>);

impl ById {
    pub(super) fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// About how much memory one takes until the next commit.
    pub(super) fn bytes(id: &str) -> usize {
        64 + id.len()
    }
}

impl Query for ById {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for ById {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let term = Term::from_field_text(ID, &self.0);
        let postings = segment.inverted_index(ID)?.read_postings(&term, IndexRecordOption::Basic)?;
        Ok(match postings {
            Some(postings) => Box::new(ConstScorer::new(postings, boost)),
            None => Box::new(EmptyScorer),
        })
    }

    fn explain(&self, _: &SegmentReader, _: DocId) -> tantivy::Result<Explanation> {
        Ok(Explanation::new("the id", 1.0))
    }
}
