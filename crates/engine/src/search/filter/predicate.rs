//! What a filter means for a segment: a set of its documents. Conditions read columns or exact terms; joining them is joining sets.

use std::{fmt::Debug, ops::Bound, sync::Arc};

use onggi_domain::filter::Shape;
use tantivy::{
    BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError,
    columnar::{Column, ColumnType, DynamicColumn, StrColumn},
    query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight},
};

use super::geo;
use crate::{
    schema::{column_name, split_column_value},
    search::clock::{Clock, Late},
};

/// Values or documents that are looked at between two looks at the clock.
const BETWEEN_CHECKS: usize = 4096;

/// A condition, or several joined.
#[derive(Debug)]
pub(crate) enum Predicate {
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
    /// A `_geo` in a shape.
    Within(Shape),
}

/// Why a filter has no answer.
#[derive(Debug)]
pub(crate) enum Stop {
    Late,
    Failed(TantivyError),
}

impl From<Late> for Stop {
    fn from(_: Late) -> Self {
        Self::Late
    }
}

impl From<TantivyError> for Stop {
    fn from(error: TantivyError) -> Self {
        Self::Failed(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Predicate {
    /// What all of these match; `None`: there are none.
    pub(crate) fn all_of(mut parts: Vec<Self>) -> Option<Self> {
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(Self::And(parts)),
        }
    }

    /// The documents of a segment, deleted ones among them.
    pub(crate) fn documents(&self, segment: &SegmentReader, clock: Option<&Clock>) -> Result<BitSet, Stop> {
        check(clock)?;
        let mut found = BitSet::with_max_value(segment.max_doc());
        match self {
            Self::And(parts) => {
                let Some((first, rest)) = parts.split_first() else { return Ok(BitSet::with_max_value_and_full(segment.max_doc())) };
                found = first.documents(segment, clock)?;
                for part in rest {
                    let other = part.documents(segment, clock)?;
                    found = joined(segment.max_doc(), |bucket| bits(&found, bucket) & bits(&other, bucket));
                }
            }
            Self::Or(parts) => {
                for part in parts {
                    let other = part.documents(segment, clock)?;
                    found = joined(segment.max_doc(), |bucket| bits(&found, bucket) | bits(&other, bucket));
                }
            }
            Self::Not(part) => {
                let other = part.documents(segment, clock)?;
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
                    insert_range(&column, *from, *to, segment.max_doc(), &mut found);
                }
            }
            Self::Strings { attribute, from, to } => string_range(segment, attribute, from, to, &mut found)?,
            Self::Contains { attribute, part } => containing(segment, attribute, part, clock, &mut found)?,
            Self::Within(shape) => points(segment, shape, clock, &mut found)?,
        }
        Ok(found)
    }
}

fn check(clock: Option<&Clock>) -> Result<(), Late> {
    clock.map_or(Ok(()), Clock::check)
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

fn strings(segment: &SegmentReader, attribute: &str) -> tantivy::Result<Option<StrColumn>> {
    segment.fast_fields().str(&column_name(attribute))
}

fn insert_range<T>(column: &Column<T>, from: T, to: T, max_doc: DocId, found: &mut BitSet)
where
    T: PartialOrd + Copy + Debug + Send + Sync + Default + 'static,
{
    let mut docs = Vec::new();
    column.get_docids_for_value_range(from..=to, 0..max_doc, &mut docs);
    for doc in docs {
        found.insert(doc);
    }
}

/// A dictionary is in the order of normalised values, so a range of them is a range of ordinals.
fn string_range(
    segment: &SegmentReader,
    attribute: &str,
    from: &Bound<String>,
    to: &Bound<String>,
    found: &mut BitSet,
) -> tantivy::Result<()> {
    let Some(column) = strings(segment, attribute)? else { return Ok(()) };
    // Behind a value come its other spellings (`\0` and the original), and then longer values.
    let behind = |value: &String| format!("{value}\u{1}");
    let first = match from {
        Bound::Included(from) => ordinal(&column, from)?,
        Bound::Excluded(from) => ordinal(&column, &behind(from))?,
        Bound::Unbounded => 0,
    };
    let end = match to {
        Bound::Included(to) => ordinal(&column, &behind(to))?,
        Bound::Excluded(to) => ordinal(&column, to)?,
        Bound::Unbounded => column.num_terms() as u64,
    };
    if first < end {
        insert_range(column.ords(), first, end - 1, segment.max_doc(), found);
    }
    Ok(())
}

/// The ordinal of the first value at or behind this one.
fn ordinal(column: &StrColumn, value: &str) -> tantivy::Result<u64> {
    let (bound, _) = column.dictionary().term_bounds_to_ord(Bound::Included(value), Bound::Unbounded)?;
    Ok(match bound {
        Bound::Included(ordinal) | Bound::Excluded(ordinal) => ordinal.min(column.num_terms() as u64),
        Bound::Unbounded => 0,
    })
}

fn containing(segment: &SegmentReader, attribute: &str, part: &str, clock: Option<&Clock>, found: &mut BitSet) -> Result<(), Stop> {
    let Some(column) = strings(segment, attribute)? else { return Ok(()) };
    let mut ordinals = BitSet::with_max_value(column.num_terms() as u32);
    let mut any = false;
    let mut values = column.dictionary().stream()?;
    while values.advance() {
        if values.term_ord().is_multiple_of(BETWEEN_CHECKS as u64) {
            check(clock)?;
        }
        let value = std::str::from_utf8(values.key()).map_err(|e| TantivyError::InternalError(e.to_string()))?;
        if split_column_value(value).0.contains(part) {
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

fn points(segment: &SegmentReader, shape: &Shape, clock: Option<&Clock>, found: &mut BitSet) -> Result<(), Stop> {
    let (Some(lat), Some(lng)) = (numbers(segment, "_geo.lat")?, numbers(segment, "_geo.lng")?) else { return Ok(()) };
    // A polygon costs as much as it has points.
    let between = BETWEEN_CHECKS / if let Shape::Polygon(points) = shape { points.len().min(BETWEEN_CHECKS) } else { 1 };
    for doc in 0..segment.max_doc() {
        if (doc as usize).is_multiple_of(between) {
            check(clock)?;
        }
        if let (Some(lat), Some(lng)) = (lat.first(doc), lng.first(doc))
            && geo::contains(shape, (lat, lng))
        {
            found.insert(doc);
        }
    }
    Ok(())
}

/// A predicate as a query; every match scores the same. It takes the time that it takes.
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
        let found = self.0.documents(reader, None).map_err(|stop| match stop {
            Stop::Failed(error) => error,
            Stop::Late => TantivyError::InternalError("a filter without a deadline was late".to_owned()),
        })?;
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(found), boost)))
    }

    fn explain(&self, reader: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(reader, 1.0)?;
        let found = scorer.doc() <= doc && scorer.seek(doc) == doc;
        Ok(Explanation::new("filter", if found { 1.0 } else { 0.0 }))
    }
}
