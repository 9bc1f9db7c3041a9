//! What a filter means for a segment: a set of its documents. Conditions read columns or exact terms; joining them is joining sets.

use std::{fmt::Debug, ops::Bound, sync::Arc};

use tantivy::{
    BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError,
    columnar::{Column, ColumnType, DynamicColumn},
    query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight},
};

use crate::schema::{column_name, split_column_value};

/// A condition, or several joined.
#[derive(Debug)]
pub(super) enum Predicate {
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    Not(Box<Predicate>),
    /// What a query matches.
    Query(Box<dyn Query>),
    /// A number in a range, both ends included.
    Numbers {
        attribute: String,
        from: f64,
        to: f64,
    },
    /// A normalised string in a range.
    Strings {
        attribute: String,
        from: Bound<String>,
        to: Bound<String>,
    },
    /// A normalised string that holds another.
    Contains {
        attribute: String,
        part: String,
    },
    /// A point near another.
    Radius {
        lat: f64,
        lng: f64,
        metres: f64,
    },
    /// A point in a box; it may cross the date line.
    Within {
        top: f64,
        right: f64,
        bottom: f64,
        left: f64,
    },
}

impl Predicate {
    fn documents(&self, segment: &SegmentReader) -> tantivy::Result<BitSet> {
        let mut found = BitSet::with_max_value(segment.max_doc());
        match self {
            Self::And(parts) => {
                let Some((first, rest)) = parts.split_first() else { return Ok(BitSet::with_max_value_and_full(segment.max_doc())) };
                found = first.documents(segment)?;
                for part in rest {
                    let other = part.documents(segment)?;
                    found = joined(segment.max_doc(), |bucket| bits(&found, bucket) & bits(&other, bucket));
                }
            }
            Self::Or(parts) => {
                for part in parts {
                    let other = part.documents(segment)?;
                    found = joined(segment.max_doc(), |bucket| bits(&found, bucket) | bits(&other, bucket));
                }
            }
            Self::Not(part) => {
                let other = part.documents(segment)?;
                let all = BitSet::with_max_value_and_full(segment.max_doc());
                found = joined(segment.max_doc(), |bucket| bits(&all, bucket) & !bits(&other, bucket));
            }
            Self::Query(query) => {
                let weight = query.weight(EnableScoring::Disabled { schema: segment.schema(), searcher_opt: None })?;
                let mut scorer = weight.scorer(segment, 1.0)?;
                let mut doc = scorer.doc();
                while doc != TERMINATED {
                    found.insert(doc);
                    doc = scorer.advance();
                }
            }
            Self::Numbers { attribute, from, to } => {
                // Tantivy takes a range that ends below the smallest value for one that ends with it.
                let column = numbers(segment, attribute)?.filter(|column| *to >= column.min_value() && *from <= column.max_value());
                if let Some(column) = column {
                    let mut docs = Vec::new();
                    column.get_docids_for_value_range(*from..=*to, 0..segment.max_doc(), &mut docs);
                    for doc in docs {
                        found.insert(doc);
                    }
                }
            }
            Self::Strings { attribute, from, to } => strings(segment, attribute, &mut found, |value| {
                (match from {
                    Bound::Included(from) => value >= from.as_str(),
                    Bound::Excluded(from) => value > from.as_str(),
                    Bound::Unbounded => true,
                }) && match to {
                    Bound::Included(to) => value <= to.as_str(),
                    Bound::Excluded(to) => value < to.as_str(),
                    Bound::Unbounded => true,
                }
            })?,
            Self::Contains { attribute, part } => strings(segment, attribute, &mut found, |value| value.contains(part.as_str()))?,
            Self::Radius { lat, lng, metres } => {
                points(segment, &mut found, |point| distance((*lat, *lng), point) <= *metres)?;
            }
            Self::Within { top, right, bottom, left } => points(segment, &mut found, |(lat, lng)| {
                let in_longitude = if left <= right { (*left..=*right).contains(&lng) } else { lng >= *left || lng <= *right };
                (*bottom..=*top).contains(&lat) && in_longitude
            })?,
        }
        Ok(found)
    }
}

/// 64 documents of a set, one a bit.
fn bits(documents: &BitSet, bucket: u32) -> u64 {
    u64::from_le_bytes(documents.tinyset(bucket).into_bytes())
}

/// The set whose documents `part` gives, 64 at a time.
fn joined(max_doc: DocId, part: impl Fn(u32) -> u64) -> BitSet {
    let mut found = BitSet::with_max_value(max_doc);
    for bucket in 0..max_doc.div_ceil(64) {
        let mut bits = part(bucket);
        while bits != 0 {
            found.insert(bucket * 64 + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
    found
}

/// The numbers of an attribute in a segment, if it has any.
pub(crate) fn numbers(segment: &SegmentReader, attribute: &str) -> tantivy::Result<Option<Column<f64>>> {
    for handle in segment.fast_fields().dynamic_column_handles(&column_name(attribute))? {
        match handle.column_type() {
            ColumnType::F64 | ColumnType::I64 | ColumnType::U64 => {}
            _ => continue,
        }
        if let DynamicColumn::F64(column) = handle.open()? {
            return Ok(Some(column));
        }
    }
    Ok(None)
}

fn strings(segment: &SegmentReader, attribute: &str, found: &mut BitSet, fits: impl Fn(&str) -> bool) -> tantivy::Result<()> {
    let Some(column) = segment.fast_fields().str(&column_name(attribute))? else { return Ok(()) };
    let mut ordinals = BitSet::with_max_value(column.num_terms() as u32);
    let mut any = false;
    let mut values = column.dictionary().stream()?;
    while let Some((value, ())) = values.next() {
        let value = std::str::from_utf8(value).map_err(|e| TantivyError::InternalError(e.to_string()))?;
        if fits(split_column_value(value).0) {
            ordinals.insert(values.term_ord() as u32);
            any = true;
        }
    }
    if any {
        for doc in 0..segment.max_doc() {
            if column.term_ords(doc).any(|ordinal| ordinals.contains(ordinal as u32)) {
                found.insert(doc);
            }
        }
    }
    Ok(())
}

fn points(segment: &SegmentReader, found: &mut BitSet, fits: impl Fn((f64, f64)) -> bool) -> tantivy::Result<()> {
    let (Some(lat), Some(lng)) = (numbers(segment, "_geo.lat")?, numbers(segment, "_geo.lng")?) else { return Ok(()) };
    for doc in 0..segment.max_doc() {
        if let (Some(lat), Some(lng)) = (lat.first(doc), lng.first(doc))
            && fits((lat, lng))
        {
            found.insert(doc);
        }
    }
    Ok(())
}

/// Metres between two points (latitude, longitude in degrees) on a sphere, by the haversine formula.
pub(crate) fn distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    const EARTH_RADIUS: f64 = 6_371_008.8;
    let half_chord = |a: f64, b: f64| ((b - a).to_radians() / 2.0).sin().powi(2);
    let a = half_chord(from.0, to.0) + from.0.to_radians().cos() * to.0.to_radians().cos() * half_chord(from.1, to.1);
    2.0 * EARTH_RADIUS * a.sqrt().min(1.0).asin()
}

/// A predicate as a query; every match scores the same.
#[derive(Debug, Clone)]
struct PredicateQuery(Arc<Predicate>);

/// A query for a predicate.
pub(super) fn query(predicate: Predicate) -> Box<dyn Query> {
    Box::new(PredicateQuery(Arc::new(predicate)))
}

impl Query for PredicateQuery {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(PredicateWeight(self.0.clone())))
    }
}

struct PredicateWeight(Arc<Predicate>);

impl Weight for PredicateWeight {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(self.0.documents(reader)?), boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        let found = scorer.doc() <= doc && scorer.seek(doc) == doc;
        Ok(Explanation::new("filter", if found { 1.0 } else { 0.0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_on_the_globe() {
        let (seoul, busan, tokyo) = ((37.5665, 126.978), (35.1796, 129.0756), (35.6762, 139.6503));
        assert!((distance(seoul, busan) - 325_000.0).abs() < 2_000.0);
        assert!((distance(seoul, tokyo) - 1_152_000.0).abs() < 5_000.0);
        assert!(distance(seoul, seoul) < 1e-6);
        assert!((distance((0.0, 179.9), (0.0, -179.9)) - 22_239.0).abs() < 50.0);
    }
}
