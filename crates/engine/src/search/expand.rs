//! From the words of a query to posting lists: the word itself, longer words that begin with it, and words with typos, found
//! on the term dictionaries with Levenshtein automata. The number of lists is bounded, nearest and most frequent first, and so is the number of
//! dictionary entries that are looked at.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, hash_map::Entry},
    sync::OnceLock,
};

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use onggi_domain::settings::TypoTolerance;
use rustc_hash::FxHashMap;
use tantivy::{DocId, SegmentReader, postings::TermInfo, schema::Field};

use super::{
    phrase,
    query::{Part, QueryWord, SearchedSlot},
    weights::{Weights, idf},
};
use crate::{
    analysis::Kind,
    schema::{BIGRAMS, EXACT_MARK, INITIALS, SLOTS},
};

/// Lists that one word may have besides its own.
const MAX_PREFIXES: usize = 48;
const MAX_TYPOS: usize = 24;
/// Dictionary entries that one query may look at.
const SCAN_BUDGET: usize = 30_000;
/// A word that so many documents hold as written is not searched with typos unless a filter narrows the search: those documents would all come first.
const ENOUGH: u64 = 1_000;
/// Bits of a [`Unit`] mask.
pub(super) const MAX_UNITS: usize = 32;

/// Something that a document can match: a word with its variants, a phrase, or a bigram.
#[derive(Debug)]
pub(super) struct Unit {
    /// Its information.
    pub(super) weight: f32,
    /// Its place among the words of the query; `None` for bigrams.
    pub(super) position: Option<u32>,
    /// The lists in each segment.
    pub(super) segments: Vec<Vec<List>>,
    /// Words of other forms that count as matches, for highlighting.
    pub(super) variants: Vec<String>,
    /// Documents that hold it.
    pub(super) frequency: u64,
}

/// One source of matches in one segment.
#[derive(Debug)]
pub(super) struct List {
    pub(super) field: Field,
    /// The rank of its slot among those searched; `None`: a side field, without attribute or positions.
    pub(super) slot: Option<usize>,
    /// What a match is worth, before frequency.
    pub(super) value: f32,
    /// Whether an even position means that the word is written just so.
    pub(super) exact: bool,
    pub(super) source: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    Term(TermInfo),
    /// Documents found already, in order.
    Documents(Vec<DocId>),
}

pub(super) struct Expander<'a> {
    pub(super) segments: &'a [SegmentReader],
    pub(super) slots: &'a [SearchedSlot],
    pub(super) typos: &'a TypoTolerance,
    pub(super) weights: &'a Weights,
    pub(super) documents: u64,
    /// Whether a filter narrows the search.
    pub(super) filtered: bool,
    pub(super) scan: usize,
    pub(super) degraded: bool,
}

impl<'a> Expander<'a> {
    pub(super) fn new(
        segments: &'a [SegmentReader],
        slots: &'a [SearchedSlot],
        typos: &'a TypoTolerance,
        weights: &'a Weights,
        filtered: bool,
    ) -> Self {
        let documents = segments.iter().map(|segment| u64::from(segment.max_doc())).sum();
        Self { segments, slots, typos, weights, documents, filtered, scan: SCAN_BUDGET, degraded: false }
    }

    /// The unit of a part of the query: a word with its variants, or a phrase.
    pub(super) fn unit(&mut self, part: &Part, position: u32) -> tantivy::Result<Unit> {
        if part.phrase { self.phrase(&part.words, position) } else { self.word(&part.words[0], position) }
    }

    pub(super) fn empty(&self, position: Option<u32>) -> Unit {
        let segments = self.segments.iter().map(|_| Vec::new()).collect();
        Unit { weight: 0.0, position, segments, variants: Vec::new(), frequency: 0 }
    }

    fn word(&mut self, word: &QueryWord, position: u32) -> tantivy::Result<Unit> {
        let mut unit = self.empty(Some(position));
        let mut frequency = self.own_lists(word, self.weights.exact, &mut unit)?;
        if word.prefix {
            let found = self.prefixes(word)?;
            let prefixed: u64 = found.iter().map(|variant| variant.frequency).sum();
            self.add(found, &mut unit);
            frequency = if frequency == 0 { prefixed } else { frequency };
        }
        let typos = self.typos_of(word);
        if typos > 0 && (frequency < ENOUGH || self.filtered) {
            let found = self.near(word, typos)?;
            if frequency == 0 {
                frequency = found.first().map_or(0, |variant| variant.frequency);
            }
            self.add(found, &mut unit);
        }
        unit.frequency = frequency;
        unit.weight = idf(frequency, self.documents);
        Ok(unit)
    }

    /// Adds another word as an alternative to a unit, as a synonym does.
    pub(super) fn add_synonym(&mut self, words: &[QueryWord], unit: &mut Unit) -> tantivy::Result<()> {
        let value = self.weights.synonym;
        match words {
            [] => {}
            [word] => {
                self.own_lists(word, value, unit)?;
                unit.variants.push(word.form.clone());
            }
            words => {
                self.phrase_lists(words, value, unit)?;
                unit.variants.extend(words.iter().map(|word| word.form.clone()));
            }
        }
        Ok(())
    }

    fn phrase(&mut self, words: &[QueryWord], position: u32) -> tantivy::Result<Unit> {
        if let [word] = words {
            let mut unit = self.empty(Some(position));
            unit.frequency = self.exact_lists(word, &mut unit)?;
            unit.weight = idf(unit.frequency, self.documents);
            return Ok(unit);
        }
        let mut unit = self.empty(Some(position));
        unit.frequency = self.phrase_lists(words, self.weights.exact, &mut unit)?;
        unit.weight = idf(unit.frequency, self.documents);
        Ok(unit)
    }

    fn phrase_lists(&self, words: &[QueryWord], value: f32, unit: &mut Unit) -> tantivy::Result<u64> {
        let mut frequency = 0;
        for (rank, slot) in self.slots.iter().enumerate() {
            let value = value * self.weights.attribute(rank, self.slots.len());
            let field = SLOTS[slot.slot];
            let mut here = 0;
            for (segment, lists) in self.segments.iter().zip(&mut unit.segments) {
                let documents = phrase::documents(segment, field, words, &slot.rules)?;
                here += documents.len() as u64;
                if !documents.is_empty() {
                    lists.push(List { field, slot: Some(rank), value, exact: true, source: Source::Documents(documents) });
                }
            }
            frequency = frequency.max(here);
        }
        Ok(frequency)
    }

    /// A single word in quotes: only as written.
    fn exact_lists(&self, word: &QueryWord, unit: &mut Unit) -> tantivy::Result<u64> {
        self.phrase_lists(std::slice::from_ref(word), self.weights.exact, unit)
    }

    /// The lists of the word as written and of its inflections. Returns how many documents hold it.
    fn own_lists(&self, word: &QueryWord, value: f32, unit: &mut Unit) -> tantivy::Result<u64> {
        let inflected = value * self.weights.inflected / self.weights.exact;
        let mut frequency = 0;
        for (rank, slot) in self.slots.iter().enumerate() {
            let attribute = self.weights.attribute(rank, self.slots.len());
            let mut here = 0;
            for (at, terms) in word.terms.iter().enumerate().filter(|(_, terms)| slot.rules.contains(&terms.rule)) {
                let repeated = word.terms[..at]
                    .iter()
                    .any(|other| slot.rules.contains(&other.rule) && other.stem == terms.stem && other.exact == terms.exact);
                if repeated {
                    continue;
                }
                let same = terms.stem == terms.exact;
                let mut count = self.list(slot, rank, &terms.stem, if same { value } else { inflected } * attribute, same, unit)?;
                if !same {
                    count = count.max(self.list(slot, rank, &terms.exact, value * attribute, true, unit)?);
                }
                here += count;
            }
            frequency = frequency.max(here);
        }
        Ok(frequency)
    }

    fn list(&self, slot: &SearchedSlot, rank: usize, term: &str, value: f32, exact: bool, unit: &mut Unit) -> tantivy::Result<u64> {
        let field = SLOTS[slot.slot];
        let mut frequency = 0;
        for (segment, lists) in self.segments.iter().zip(&mut unit.segments) {
            if let Some(info) = segment.inverted_index(field)?.terms().get(term)? {
                frequency += u64::from(info.doc_freq);
                lists.push(List { field, slot: Some(rank), value, exact, source: Source::Term(info) });
            }
        }
        Ok(frequency)
    }

    /// How many typos a word may have.
    fn typos_of(&self, word: &QueryWord) -> u8 {
        let settings = self.typos;
        let length = word.form.chars().count();
        let exempt = !settings.enabled
            || word.kind != Kind::Word
            || settings.disable_on_words.iter().any(|exempt| exempt.to_lowercase() == word.form)
            || (settings.disable_on_numbers && word.form.chars().all(char::is_numeric));
        let sizes = settings.min_word_size_for_typos;
        match length {
            _ if exempt => 0,
            _ if length >= usize::from(sizes.two_typos) => 2,
            _ if length >= usize::from(sizes.one_typo) => 1,
            _ => 0,
        }
    }

    /// Longer words that begin with this one.
    fn prefixes(&mut self, word: &QueryWord) -> tantivy::Result<Vec<Variant>> {
        let mut best = Best::new(MAX_PREFIXES);
        for (rank, slot) in self.slots.iter().enumerate() {
            for (segment_at, segment) in self.segments.iter().enumerate() {
                let index = segment.inverted_index(SLOTS[slot.slot])?;
                for mark in ["", "\u{1}"] {
                    let start = format!("{mark}{}", word.form);
                    let end = format!("{start}{}", char::MAX);
                    let mut terms = index.terms().range().ge(&start).lt(&end).into_stream()?;
                    while let Some((term, info)) = terms.next() {
                        if self.scan == 0 {
                            self.degraded = true;
                            break;
                        }
                        self.scan -= 1;
                        if !own_term(word, term) {
                            best.offer(segment_at, rank, term, info, 0, self.weights.prefix);
                        }
                    }
                }
            }
        }
        Ok(best.into_variants())
    }

    /// Words with typos; of a word that may be a prefix, also their continuations.
    fn near(&mut self, word: &QueryWord, max: u8) -> tantivy::Result<Vec<Variant>> {
        static ONE: OnceLock<LevenshteinAutomatonBuilder> = OnceLock::new();
        static TWO: OnceLock<LevenshteinAutomatonBuilder> = OnceLock::new();
        let builder = if max == 1 { &ONE } else { &TWO }.get_or_init(|| LevenshteinAutomatonBuilder::new(max, true));
        let dfa = if word.prefix { builder.build_prefix_dfa(&word.form) } else { builder.build_dfa(&word.form) };
        let length = word.form.chars().count();
        let first = word.form.chars().next().unwrap_or_default();
        let mut best = Best::new(MAX_TYPOS);
        for (rank, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.typos) {
            for (segment_at, segment) in self.segments.iter().enumerate() {
                let index = segment.inverted_index(SLOTS[slot.slot])?;
                for marked in [false, true] {
                    let mark = if marked { "\u{1}" } else { "" };
                    let mut range = index.terms().search(Marked { dfa: &dfa, marked });
                    if max == 1 {
                        // A typo in the first letter counts as two.
                        range = range.ge(format!("{mark}{first}")).lt(format!("{mark}{first}{}", char::MAX));
                    }
                    let mut terms = range.into_stream()?;
                    while let Some((term, info)) = terms.next() {
                        if self.scan == 0 {
                            self.degraded = true;
                            break;
                        }
                        self.scan -= 1;
                        let form = term.strip_prefix(mark.as_bytes()).unwrap_or(term);
                        let Ok(form) = std::str::from_utf8(form) else { continue };
                        let Distance::Exact(mut distance) = dfa.eval(form) else { continue };
                        if distance > 0 && !form.starts_with(first) {
                            distance += 1;
                        }
                        if distance == 0 || distance > max {
                            continue;
                        }
                        let whole = form.chars().count() <= length + usize::from(max);
                        let tier = if whole { self.weights.typo } else { self.weights.prefix_typo };
                        best.offer(segment_at, rank, term, info, distance, tier[usize::from(distance) - 1]);
                    }
                }
            }
        }
        Ok(best.into_variants())
    }

    fn add(&self, variants: Vec<Variant>, unit: &mut Unit) {
        for variant in variants {
            let attribute = self.weights.attribute(variant.rank, self.slots.len());
            let field = SLOTS[self.slots[variant.rank].slot];
            for (segment, info) in variant.lists {
                let value = variant.value * attribute;
                unit.segments[segment].push(List { field, slot: Some(variant.rank), value, exact: false, source: Source::Term(info) });
            }
            let form = variant.term.strip_prefix(EXACT_MARK).unwrap_or(&variant.term);
            if !unit.variants.iter().any(|known| known == form) {
                unit.variants.push(form.to_owned());
            }
        }
    }

    /// The bigrams of a Hangul word, each a unit of its own.
    pub(super) fn bigrams(&mut self, form: &str) -> tantivy::Result<Vec<Unit>> {
        let mut units = Vec::new();
        let mut bigrams = crate::analysis::hangul_bigrams(form);
        bigrams.sort();
        bigrams.dedup();
        for bigram in bigrams {
            let mut unit = self.side(BIGRAMS, &bigram, self.weights.exact)?;
            unit.weight = self.weights.bigrams * idf(unit.frequency, self.documents);
            units.push(unit);
        }
        Ok(units)
    }

    fn side(&self, field: Field, term: &str, value: f32) -> tantivy::Result<Unit> {
        let mut unit = self.empty(None);
        for (segment, lists) in self.segments.iter().zip(&mut unit.segments) {
            if let Some(info) = segment.inverted_index(field)?.terms().get(term)? {
                unit.frequency += u64::from(info.doc_freq);
                lists.push(List { field, slot: None, value, exact: false, source: Source::Term(info) });
            }
        }
        Ok(unit)
    }

    /// Words whose leading consonants begin with these.
    pub(super) fn initials(&mut self, initials: &str, position: u32) -> tantivy::Result<Unit> {
        let mut unit = self.empty(Some(position));
        let end = format!("{initials}{}", char::MAX);
        for (segment, lists) in self.segments.iter().zip(&mut unit.segments) {
            let index = segment.inverted_index(INITIALS)?;
            let mut terms = index.terms().range().ge(initials).lt(&end).into_stream()?;
            while let Some((term, info)) = terms.next() {
                if self.scan == 0 || lists.len() >= MAX_PREFIXES {
                    self.degraded |= self.scan == 0;
                    break;
                }
                self.scan -= 1;
                let value = if term == initials.as_bytes() { self.weights.exact } else { self.weights.prefix };
                unit.frequency += u64::from(info.doc_freq);
                lists.push(List { field: INITIALS, slot: None, value, exact: false, source: Source::Term(info.clone()) });
            }
        }
        unit.weight = idf(unit.frequency, self.documents);
        Ok(unit)
    }
}

fn own_term(word: &QueryWord, term: &[u8]) -> bool {
    word.terms.iter().any(|terms| terms.stem.as_bytes() == term || terms.exact.as_bytes() == term)
}

/// Another word that matches, in one slot.
struct Variant {
    rank: usize,
    term: String,
    value: f32,
    frequency: u64,
    lists: Vec<(usize, TermInfo)>,
}

/// Keeps the best variants: in each segment and slot by value and frequency, then over all.
struct Best {
    limit: usize,
    heaps: FxHashMap<(usize, usize), BinaryHeap<Reverse<Offer>>>,
}

/// Ordered by value, frequency, then the term itself, so that equal ones are chosen the same way everywhere.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    nearness: Reverse<u8>,
    frequency: u32,
    term: Reverse<Vec<u8>>,
    value: u32,
    info: TermInfoKey,
}

/// A [`TermInfo`] that never decides an order.
struct TermInfoKey(TermInfo);

impl PartialEq for TermInfoKey {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for TermInfoKey {}
impl PartialOrd for TermInfoKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for TermInfoKey {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, heaps: FxHashMap::default() }
    }

    fn offer(&mut self, segment: usize, rank: usize, term: &[u8], info: &TermInfo, distance: u8, value: f32) {
        let heap = self.heaps.entry((segment, rank)).or_default();
        if heap.len() == self.limit
            && heap.peek().is_some_and(|Reverse(worst)| (worst.nearness, worst.frequency) >= (Reverse(distance), info.doc_freq))
        {
            return;
        }
        heap.push(Reverse(Offer {
            nearness: Reverse(distance),
            frequency: info.doc_freq,
            term: Reverse(term.to_owned()),
            value: value.to_bits(),
            info: TermInfoKey(info.clone()),
        }));
        if heap.len() > self.limit {
            heap.pop();
        }
    }

    fn into_variants(self) -> Vec<Variant> {
        let mut variants: FxHashMap<(usize, Vec<u8>), Variant> = FxHashMap::default();
        for ((segment, rank), heap) in self.heaps {
            for Reverse(offer) in heap {
                let term = offer.term.0;
                let Ok(text) = String::from_utf8(term.clone()) else { continue };
                let variant = match variants.entry((rank, term)) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => {
                        let value = f32::from_bits(offer.value);
                        entry.insert(Variant { rank, term: text, value, frequency: 0, lists: Vec::new() })
                    }
                };
                variant.frequency += u64::from(offer.frequency);
                variant.lists.push((segment, offer.info.0));
            }
        }
        let mut variants: Vec<Variant> = variants.into_values().collect();
        variants.sort_by(|a, b| {
            let by_value = b.value.total_cmp(&a.value).then(b.frequency.cmp(&a.frequency));
            by_value.then_with(|| a.term.cmp(&b.term)).then(a.rank.cmp(&b.rank))
        });
        variants.truncate(self.limit);
        variants
    }
}

/// A Levenshtein automaton over the terms with, or without, the mark of exact words.
struct Marked<'a> {
    dfa: &'a DFA,
    marked: bool,
}

impl tantivy_fst::Automaton for Marked<'_> {
    /// `None`: the mark is still to come.
    type State = Option<u32>;

    fn start(&self) -> Self::State {
        (!self.marked).then(|| self.dfa.initial_state())
    }

    fn is_match(&self, state: &Self::State) -> bool {
        state.is_some_and(|state| matches!(self.dfa.distance(state), Distance::Exact(_)))
    }

    fn can_match(&self, state: &Self::State) -> bool {
        *state != Some(SINK_STATE)
    }

    fn accept(&self, state: &Self::State, byte: u8) -> Self::State {
        match state {
            Some(state) => Some(self.dfa.transition(*state, byte)),
            None if byte == EXACT_MARK as u8 => Some(self.dfa.initial_state()),
            None => Some(SINK_STATE),
        }
    }
}
