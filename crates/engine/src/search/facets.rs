//! Facets: how often each value occurs among the documents that match, read from columns.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use onggi_domain::{
    ApiError, Code,
    settings::{FacetOrder, FilterableAttribute, Settings},
};
use tantivy::{BitSet, SegmentReader, columnar::StrColumn};

use super::{
    filter::numbers,
    responses::{FacetHit, FacetStats},
};
use crate::{
    schema::{column_name, normalize_value, split_column_value},
    state,
};

/// A value as it is compared, its first form as written, and its count.
pub(super) type Counts = BTreeMap<FacetKey, (String, u64)>;

/// Numbers first, in their order, then strings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FacetKey {
    Number(u64),
    Text(String),
}

/// The attributes that `facets` means, `*` and patterns resolved against those seen.
pub(super) fn attributes(facets: &[String], settings: &Settings, seen: &[String], code: Code) -> Result<Vec<String>, ApiError> {
    let patterns: Vec<&String> = settings.filterable_attributes.iter().flat_map(FilterableAttribute::patterns).collect();
    let allowed = |name: &str| patterns.iter().any(|pattern| state::matches(pattern, name));
    let mut names = Vec::new();
    for facet in facets {
        if facet == "*" {
            names.extend(patterns.iter().filter(|pattern| !pattern.contains('*')).map(|pattern| (*pattern).clone()));
            names.extend(seen.iter().filter(|name| allowed(name)).cloned());
        } else if allowed(facet) {
            names.push(facet.clone());
        } else {
            let known: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
            let hint = if known.is_empty() {
                "This index does not have configured filterable attributes.".to_owned()
            } else {
                format!("Available filterable attributes patterns are: {}.", known.join(", "))
            };
            return Err(ApiError::new(code, format!("Invalid facet distribution: Attribute `{facet}` is not filterable. {hint}")));
        }
    }
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) && name != "_geo" {
            unique.push(name);
        }
    }
    Ok(unique)
}

/// Counts the values of an attribute among the matching documents.
pub(super) fn count(attribute: &str, segments: &[SegmentReader], matched: &[BitSet]) -> tantivy::Result<(Counts, Option<FacetStats>)> {
    let mut counts = Counts::new();
    let mut stats: Option<FacetStats> = None;
    for (segment, matched) in segments.iter().zip(matched) {
        if let Some(column) = numbers(segment, attribute)? {
            let mut found: rustc_hash::FxHashMap<u64, u64> = rustc_hash::FxHashMap::default();
            let mut values = Vec::new();
            each(matched, |doc| {
                for value in once(column.values_for_doc(doc).map(|value| tantivy::f64_to_u64(value + 0.0)), &mut values) {
                    *found.entry(*value).or_default() += 1;
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
    let mut values = Vec::new();
    let mut same = SameForm { column: &column, known: Vec::new() };
    each(matched, |doc| {
        let mut before: Option<u64> = None;
        for ordinal in once(column.term_ords(doc), &mut values) {
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
        counts.entry(FacetKey::Text(normalized.to_owned())).or_insert_with(|| (original.to_owned(), 0)).1 += count;
    })?;
    Ok(())
}

/// Which neighbours in a column's dictionary have the same normalised form, found out when first asked.
struct SameForm<'a> {
    column: &'a StrColumn,
    /// For each ordinal, whether it has the form of the one before.
    known: Vec<Option<bool>>,
}

impl SameForm<'_> {
    fn differ_by_case(&mut self, lower: u64, higher: u64) -> bool {
        // Values of one form are neighbours; nobody writes a word in more ways than this.
        higher - lower <= 8 && (lower + 1..=higher).all(|ordinal| self.like_the_one_before(ordinal))
    }

    fn like_the_one_before(&mut self, ordinal: u64) -> bool {
        if self.known.is_empty() {
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

/// The values of one document, each once.
fn once(found: impl Iterator<Item = u64>, values: &mut Vec<u64>) -> &[u64] {
    values.clear();
    values.extend(found);
    if values.len() > 1 {
        values.sort_unstable();
        values.dedup();
    }
    values
}

/// A number as a facet value: integers without a fraction.
fn shown(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { value.to_string() }
}

/// The distribution as answered: at most so many values, in the order that the settings ask for.
pub(super) fn distribution(attribute: &str, counts: Counts, settings: &Settings) -> IndexMap<String, u64> {
    let faceting = &settings.faceting;
    let mut values: Vec<(String, u64)> = counts.into_values().collect();
    if order(attribute, settings) == FacetOrder::Count {
        values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    let mut distribution = IndexMap::new();
    for (value, count) in values {
        // The number 1 and the string "1" look the same here.
        if distribution.contains_key(&value) || distribution.len() < faceting.max_values_per_facet {
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

/// The values that hold a word that begins with the query; every word of the query must be found.
pub(super) fn search(attribute: &str, counts: Counts, query: Option<&str>, settings: &Settings) -> Vec<FacetHit> {
    let query = normalize_value(query.unwrap_or_default());
    let words: Vec<&str> = query.split_whitespace().collect();
    let fits = |value: &str| {
        let starts = |word: &str| {
            value.starts_with(word)
                || value.match_indices(word).any(|(at, _)| value[..at].chars().next_back().is_some_and(|before| !before.is_alphanumeric()))
        };
        words.iter().all(|word| starts(word))
    };
    let mut hits: Vec<FacetHit> = counts
        .into_iter()
        .filter(|(key, (shown, _))| match key {
            FacetKey::Text(normalized) => fits(normalized),
            FacetKey::Number(_) => fits(shown),
        })
        .map(|(_, (value, count))| FacetHit { value, count })
        .collect();
    if order(attribute, settings) == FacetOrder::Count {
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.count));
    }
    hits.truncate(settings.faceting.max_values_per_facet);
    hits
}

/// Whether the settings let the values of an attribute be searched.
pub(super) fn check_searchable(attribute: &str, settings: &Settings) -> Result<(), ApiError> {
    let code = Code::InvalidFacetSearchFacetName;
    if !settings.facet_search {
        return Err(ApiError::new(Code::FacetSearchDisabled, "The facet search is disabled for this index"));
    }
    let rule = settings.filterable_attributes.iter().find(|rule| rule.patterns().iter().any(|pattern| state::matches(pattern, attribute)));
    let searchable = match rule {
        Some(FilterableAttribute::Name(_)) => true,
        Some(FilterableAttribute::Features(rule)) => rule.features.facet_search,
        None => false,
    };
    if searchable {
        return Ok(());
    }
    let known: Vec<String> =
        settings.filterable_attributes.iter().flat_map(FilterableAttribute::patterns).map(|name| format!("`{name}`")).collect();
    let hint = if known.is_empty() {
        "This index does not have configured facet-searchable attributes.".to_owned()
    } else {
        format!("Available facet-searchable attributes patterns are: {}.", known.join(", "))
    };
    Err(ApiError::new(code, format!("Attribute `{attribute}` is not facet-searchable. {hint}")))
}
