//! Facets: how often each value occurs among the documents that match, read from columns.

use std::{collections::BTreeMap, fmt::Debug};

use indexmap::IndexMap;
use onggi_domain::{
    ApiError, Code,
    settings::{FacetOrder, FilterableAttribute, Settings},
};
use rustc_hash::{FxHashMap, FxHashSet};
use tantivy::{
    BitSet, SegmentReader,
    columnar::{Column, StrColumn},
};

use super::{filter::numbers, names, responses::FacetStats};
use crate::schema::{PRESENCE, Presence, column_name, split_column_value};

/// A value as it is compared, a form of it as written, and its count.
pub(super) type Counts = BTreeMap<FacetKey, (String, u64)>;

/// Numbers first, in their order, then strings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FacetKey {
    Number(u64),
    Text(String),
}

/// An attribute whose values are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facet {
    pub(super) name: String,
    /// Whether it is in the answer without values too: it was named.
    pub(super) named: bool,
}

/// The attributes that `facets` means, for an error of this code: each name with what documents have inside it. `*` are all that the settings
/// name or documents have; a star within a name is a letter as others are.
pub(super) fn attributes(
    facets: &[String],
    settings: &Settings,
    segments: &[SegmentReader],
    code: Code,
) -> tantivy::Result<Result<Vec<Facet>, ApiError>> {
    let mut all: Vec<Facet> = Vec::new();
    if facets.iter().any(|facet| facet == "*") {
        let named = settings.filterable_attributes.iter().filter(|rule| names::filters(rule)).flat_map(FilterableAttribute::patterns);
        all.extend(named.filter(|pattern| !pattern.contains('*')).map(|name| Facet { name: name.clone(), named: true }));
        present(segments, "", settings, &mut all)?;
    }
    for name in facets.iter().filter(|facet| *facet != "*") {
        if !names::is_filterable(name, settings) {
            let why = names::why_not(name, settings, "filterable", names::filters);
            let message = format!("Invalid facet distribution: Attribute `{name}` is not filterable. {why}");
            return Ok(Err(ApiError::new(code, message)));
        }
        all.push(Facet { name: name.clone(), named: !name.contains('*') });
        present(segments, &format!("{name}."), settings, &mut all)?;
    }
    let mut seen: FxHashSet<String> = FxHashSet::default();
    all.sort_by_key(|facet| !facet.named);
    all.retain(|facet| facet.name != "_geo" && !facet.name.starts_with("_geo.") && seen.insert(facet.name.clone()));
    Ok(Ok(all))
}

/// Adds the filterable attributes that documents have and whose names begin so.
fn present(segments: &[SegmentReader], beginning: &str, settings: &Settings, all: &mut Vec<Facet>) -> tantivy::Result<()> {
    let tag = Presence::Exists.tag().to_string();
    let (first, behind) = (format!("{tag}{beginning}"), format!("{tag}{beginning}{}", char::MAX));
    for segment in segments {
        let index = segment.inverted_index(PRESENCE)?;
        let mut terms = index.terms().range().ge(&first).lt(&behind).into_stream()?;
        while terms.advance() {
            let name = std::str::from_utf8(terms.key()).ok().map(|term| &term[tag.len()..]);
            if let Some(name) = name.filter(|name| names::is_filterable(name, settings)) {
                all.push(Facet { name: name.to_owned(), named: false });
            }
        }
    }
    Ok(())
}

/// Counts the values of an attribute among the matching documents.
pub(super) fn count(attribute: &str, segments: &[SegmentReader], matched: &[BitSet]) -> tantivy::Result<(Counts, Option<FacetStats>)> {
    let mut counts = Counts::new();
    let mut stats: Option<FacetStats> = None;
    for (segment, matched) in segments.iter().zip(matched) {
        if let Some(column) = numbers(segment, attribute)? {
            let mut found: FxHashMap<u64, u64> = FxHashMap::default();
            let mut keys = Vec::new();
            each_with_values(matched, &column, |values| {
                keys.clear();
                keys.extend(values.iter().map(|value| tantivy::f64_to_u64(value + 0.0)));
                for key in once(&mut keys) {
                    *found.entry(*key).or_default() += 1;
                }
            });
            for (key, count) in found {
                let value = tantivy::u64_to_f64(key);
                let range = stats.get_or_insert(FacetStats { min: value, max: value });
                *range = FacetStats { min: range.min.min(value), max: range.max.max(value) };
                counts.entry(FacetKey::Number(key)).or_insert_with(|| (shown(value), 0)).1 += count;
            }
        }
        count_strings(attribute, segment, matched, &mut counts)?;
    }
    Ok((counts, stats))
}

fn count_strings(attribute: &str, segment: &SegmentReader, matched: &BitSet, counts: &mut Counts) -> tantivy::Result<()> {
    let Some(column) = segment.fast_fields().str(&column_name(attribute))? else { return Ok(()) };
    let mut found = vec![0_u64; column.num_terms()];
    let mut same = SameForm { column: &column, known: Vec::new(), all: matched.len() > column.num_terms() };
    each_with_values(matched, column.ords(), |ordinals| {
        let mut before: Option<u64> = None;
        for ordinal in once(ordinals) {
            if !before.is_some_and(|before| same.differ_by_case(before, *ordinal)) {
                found[*ordinal as usize] += 1;
            }
            before = Some(*ordinal);
        }
    });
    let ordinals: Vec<u64> = (0..found.len() as u64).filter(|ordinal| found[*ordinal as usize] > 0).collect();
    let mut numbers = found.iter().filter(|count| **count > 0);
    column.dictionary().sorted_ords_to_term_cb(&ordinals, |value: &[u8]| {
        let count = numbers.next().copied().unwrap_or_default();
        let text = String::from_utf8_lossy(value);
        let (normalized, original) = split_column_value(&text);
        let (shown, total) = counts.entry(FacetKey::Text(normalized.to_owned())).or_insert_with(|| (original.to_owned(), 0));
        // The same form of a value is shown however the documents lie in segments: the normalised one, or else the first in order.
        if (original != normalized, original) < (shown != normalized, shown.as_str()) {
            original.clone_into(shown);
        }
        *total += count;
    })?;
    Ok(())
}

/// Which neighbours in a column's dictionary have the same normalised form, found out when first asked.
struct SameForm<'a> {
    column: &'a StrColumn,
    /// For each ordinal, whether it has the form of the one before.
    known: Vec<Option<bool>>,
    /// Whether the whole dictionary is read at the first question: there may be many, and each reads a part of it.
    all: bool,
}

impl SameForm<'_> {
    fn differ_by_case(&mut self, lower: u64, higher: u64) -> bool {
        // Values of one form are neighbours; nobody writes a word in more ways than this.
        higher - lower <= 8 && (lower + 1..=higher).all(|ordinal| self.like_the_one_before(ordinal))
    }

    fn like_the_one_before(&mut self, ordinal: u64) -> bool {
        if self.known.is_empty() {
            if self.all {
                self.read_all();
            }
            self.known.resize(self.column.num_terms(), None);
        }
        if let Some(known) = self.known[ordinal as usize] {
            return known;
        }
        let (mut one, mut other) = (String::new(), String::new());
        let read = self.column.ord_to_str(ordinal - 1, &mut one).is_ok() && self.column.ord_to_str(ordinal, &mut other).is_ok();
        let same = read && split_column_value(&one).0 == split_column_value(&other).0;
        self.known[ordinal as usize] = Some(same);
        same
    }

    /// What cannot be read stays unknown.
    fn read_all(&mut self) {
        let Ok(mut terms) = self.column.dictionary().stream() else { return };
        let mut before = None;
        while terms.advance() {
            let form = split_column_value(&String::from_utf8_lossy(terms.key())).0.to_owned();
            self.known.push(Some(before.as_ref() == Some(&form)));
            before = Some(form);
        }
    }
}

/// Visits every document of a set.
pub(super) fn each(documents: &BitSet, mut visit: impl FnMut(u32)) {
    for bucket in 0..documents.max_value().div_ceil(64) {
        let mut set = documents.tinyset(bucket);
        while let Some(bit) = set.pop_lowest() {
            visit(bucket * 64 + bit);
        }
    }
}

/// Documents whose values are read at a time.
const BLOCK: usize = 1024;

/// Visits the values of each document of a set that has any.
fn each_with_values<T>(documents: &BitSet, column: &Column<T>, mut visit: impl FnMut(&mut [T]))
where
    T: PartialOrd + Copy + Debug + Send + Sync + Default + 'static,
{
    let (mut owners, mut rows, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut read = |block: &mut Vec<u32>| {
        owners.clear();
        rows.clear();
        column.row_ids_for_docs(block, &mut owners, &mut rows);
        values.resize(rows.len(), T::default());
        column.values.get_vals(&rows, &mut values);
        let mut rest = values.as_mut_slice();
        for owned in owners.chunk_by(PartialEq::eq) {
            let (of_one, others) = std::mem::take(&mut rest).split_at_mut(owned.len());
            visit(of_one);
            rest = others;
        }
        block.clear();
    };
    let mut block = Vec::with_capacity(BLOCK);
    each(documents, |doc| {
        block.push(doc);
        if block.len() == BLOCK {
            read(&mut block);
        }
    });
    read(&mut block);
}

/// The values of one document, each once.
fn once(values: &mut [u64]) -> impl Iterator<Item = &u64> {
    if values.len() > 1 {
        values.sort_unstable();
    }
    values.chunk_by(PartialEq::eq).map(|same| &same[0])
}

/// A number as a facet value: integers without a fraction.
fn shown(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { value.to_string() }
}

/// The distribution as answered: at most so many values, in the order that the settings ask for.
pub(super) fn distribution(attribute: &str, counts: Counts, settings: &Settings, most: usize) -> IndexMap<String, u64> {
    let mut values: Vec<(String, u64)> = counts.into_values().collect();
    if order(attribute, settings) == FacetOrder::Count {
        values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    let mut distribution = IndexMap::new();
    for (value, count) in values {
        // The number 1 and the string "1" look the same here.
        if distribution.contains_key(&value) || distribution.len() < most {
            *distribution.entry(value).or_insert(0) += count;
        }
    }
    distribution
}

/// The order in which the settings want the values of an attribute.
pub(super) fn order(attribute: &str, settings: &Settings) -> FacetOrder {
    let orders = &settings.faceting.sort_facet_values_by;
    orders.get(attribute).or_else(|| orders.get("*")).copied().unwrap_or(FacetOrder::Alpha)
}
