//! Phrases: documents that hold words as written, one after the other.

use tantivy::{
    DocId, DocSet, SegmentReader, TERMINATED,
    postings::{Postings, SegmentPostings},
    schema::{Field, IndexRecordOption},
};

use super::query::QueryWord;
use crate::analysis::Rule;

/// The documents of a segment, in order, that hold the phrase in a field whose text is analysed by one of `rules`.
pub(super) fn documents(segment: &SegmentReader, field: Field, words: &[QueryWord], rules: &[Rule]) -> tantivy::Result<Vec<DocId>> {
    let mut found = Vec::new();
    let mut seen: Vec<Vec<&str>> = Vec::new();
    for rule in rules {
        let terms: Option<Vec<&str>> =
            words.iter().map(|word| word.terms.iter().find(|terms| terms.rule == *rule).map(|terms| terms.exact.as_str())).collect();
        let Some(terms) = terms else { continue };
        if seen.contains(&terms) {
            continue;
        }
        let offsets: Vec<u32> = words.iter().map(|word| word.offset * 2).collect();
        found.extend(matching(segment, field, &terms, &offsets)?);
        seen.push(terms);
    }
    if seen.len() > 1 {
        found.sort_unstable();
        found.dedup();
    }
    Ok(found)
}

fn matching(segment: &SegmentReader, field: Field, terms: &[&str], offsets: &[u32]) -> tantivy::Result<Vec<DocId>> {
    let index = segment.inverted_index(field)?;
    let mut postings: Vec<SegmentPostings> = Vec::with_capacity(terms.len());
    for term in terms {
        match index.terms().get(term)? {
            Some(info) => postings.push(index.read_postings_from_terminfo(&info, IndexRecordOption::WithFreqsAndPositions)?),
            None => return Ok(Vec::new()),
        }
    }
    let mut found = Vec::new();
    let (mut starts, mut positions) = (Vec::new(), Vec::new());
    let mut candidate = postings[0].doc();
    'documents: while candidate != TERMINATED {
        for list in &mut postings {
            let doc = if list.doc() < candidate { list.seek(candidate) } else { list.doc() };
            if doc != candidate {
                candidate = doc;
                continue 'documents;
            }
        }
        for (at, list) in postings.iter_mut().enumerate() {
            list.positions(&mut positions);
            if at == 0 {
                starts.clear();
                starts.extend(positions.iter().filter(|position| *position % 2 == 0));
            } else {
                starts.retain(|start: &u32| positions.binary_search(&(start + offsets[at])).is_ok());
            }
        }
        if !starts.is_empty() {
            found.push(candidate);
        }
        candidate = postings[0].advance();
    }
    Ok(found)
}
