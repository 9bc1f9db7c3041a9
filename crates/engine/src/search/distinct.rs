//! At most one document for each value of an attribute: the best one.

use rustc_hash::FxHashSet;
use serde_json::Value;
use tantivy::{
    SegmentReader,
    columnar::{Column, StrColumn},
};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::{clock::Clock, collect::Hit, filter::numbers};
use crate::schema::{column_name, split_column_value};

/// Hits between two looks at the clock.
const LOOK: usize = 1024;

/// Removes from hits in order those that share a value with an earlier one. Documents without the attribute all stay. What there is no time for is
/// left out.
pub(super) fn apply(attribute: &str, segments: &[SegmentReader], hits: &mut Vec<Hit>, clock: &Clock) -> tantivy::Result<()> {
    let columns = segments.iter().map(|segment| Columns::open(attribute, segment)).collect::<tantivy::Result<Vec<_>>>()?;
    // Of the values their hashes: there may be as many as there are documents.
    let mut seen: FxHashSet<u128> = FxHashSet::default();
    let mut kept = 0;
    for at in 0..hits.len() {
        if at.is_multiple_of(LOOK) && clock.check().is_err() {
            break;
        }
        let keys = columns[hits[at].segment as usize].keys(hits[at].doc)?;
        let hashes: Vec<u128> = keys.iter().map(Key::hash).collect();
        if !hashes.iter().any(|hash| seen.contains(hash)) {
            seen.extend(hashes);
            hits.swap(kept, at);
            kept += 1;
        }
    }
    hits.truncate(kept);
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

enum Key {
    Number(u64),
    Text(String),
}

impl Key {
    /// With 128 bits, two values that are not the same have different ones.
    fn hash(&self) -> u128 {
        match self {
            Self::Number(number) => xxh3_128_with_seed(&number.to_le_bytes(), 0),
            Self::Text(text) => xxh3_128_with_seed(text.as_bytes(), 1),
        }
    }
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
