//! At most one document for each value of an attribute: the best one.

use rustc_hash::FxHashSet;
use serde_json::Value;
use tantivy::{
    SegmentReader,
    columnar::{Column, StrColumn},
};

use super::{collect::Hit, filter::numbers};
use crate::schema::{column_name, split_column_value};

/// Removes from hits in order those that share a value with an earlier one. Documents without the attribute all stay.
pub(super) fn apply(attribute: &str, segments: &[SegmentReader], hits: &mut Vec<Hit>) -> tantivy::Result<()> {
    let columns = segments.iter().map(|segment| Columns::open(attribute, segment)).collect::<tantivy::Result<Vec<_>>>()?;
    let mut seen: FxHashSet<Key> = FxHashSet::default();
    let mut kept = Vec::with_capacity(hits.len().min(1024));
    for hit in hits.drain(..) {
        let keys = columns[hit.segment as usize].keys(hit.doc)?;
        if !keys.iter().any(|key| seen.contains(key)) {
            seen.extend(keys);
            kept.push(hit);
        }
    }
    *hits = kept;
    Ok(())
}

/// The values of one document that others may not share with it.
pub(super) fn values(attribute: &str, segment: &SegmentReader, doc: u32) -> tantivy::Result<Vec<Value>> {
    let keys = Columns::open(attribute, segment)?.keys(doc)?;
    let value = |key| match key {
        Key::Number(number) => tantivy::u64_to_f64(number).into(),
        Key::Text(text) => text.into(),
    };
    Ok(keys.into_iter().map(value).collect())
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Number(u64),
    Text(String),
}

struct Columns {
    numbers: Option<Column<f64>>,
    strings: Option<StrColumn>,
}

impl Columns {
    fn open(attribute: &str, segment: &SegmentReader) -> tantivy::Result<Self> {
        Ok(Self { numbers: numbers(segment, attribute)?, strings: segment.fast_fields().str(&column_name(attribute))? })
    }

    fn keys(&self, doc: u32) -> tantivy::Result<Vec<Key>> {
        let mut keys = Vec::new();
        if let Some(column) = &self.numbers {
            keys.extend(column.values_for_doc(doc).map(|value| Key::Number(tantivy::f64_to_u64(value))));
        }
        if let Some(column) = &self.strings {
            let mut text = String::new();
            for ordinal in column.term_ords(doc) {
                text.clear();
                column.ord_to_str(ordinal, &mut text)?;
                keys.push(Key::Text(split_column_value(&text).0.to_owned()));
            }
        }
        Ok(keys)
    }
}
