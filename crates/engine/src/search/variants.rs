//! Other words of the dictionaries that a word of a query may mean: longer ones that begin with it, and ones with typos, found with Levenshtein
//! automata. Their number is bounded, nearest and most frequent first, and so is the number of dictionary entries that are looked at. Frequencies are
//! added up over all segments before anything is left out, so that the choice does not depend on how documents are spread over segments.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, OnceLock},
};

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tantivy::{InvertedIndexReader, SegmentReader, postings::TermInfo, schema::Field, termdict::TermStreamer};
use tantivy_fst::Automaton;

use crate::schema::EXACT_MARK;

/// The most that are found of each kind in a field.
pub(super) const MAX_PREFIXES: usize = 48;
pub(super) const MAX_TYPOS: usize = 24;
/// Dictionary entries that one look may see.
const SCAN_BUDGET: usize = 30_000;
/// Looks whose result is kept: while somebody types, the words before the last one are looked for again and again.
const REMEMBERED: usize = 512;

/// What is looked for around a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Near {
    /// Longer words that begin with it.
    Prefix,
    /// Words with up to so many typos; with `prefix`, what they may be the beginning of too.
    Typos { most: u8, prefix: bool },
}

/// Words of one field.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Nearest first, then most frequent.
    pub(super) words: Vec<FoundWord>,
    /// Whether the budget ran out.
    pub(super) cut: bool,
}

/// A term of a dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundWord {
    pub(super) term: String,
    pub(super) typos: u8,
    /// Whether it goes on after what was typed.
    pub(super) longer: bool,
    /// Documents that hold it.
    pub(super) frequency: u64,
    /// Its list in each segment that has it.
    pub(super) lists: Vec<(usize, TermInfo)>,
}

impl FoundWord {
    /// The word without the mark of exact terms.
    pub(super) fn form(&self) -> &str {
        self.term.strip_prefix(EXACT_MARK).unwrap_or(&self.term)
    }

    fn rank(&self) -> (u8, bool, Reverse<u64>, &str) {
        (self.typos, self.longer, Reverse(self.frequency), &self.term)
    }
}

impl PartialOrd for FoundWord {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FoundWord {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// What was found before in the segments of one searcher. What is asked for again before as many others were stays.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: FxHashMap<Key, Arc<Found>>,
    old: FxHashMap<Key, Arc<Found>>,
}

type Key = (Field, Near, String);

impl Generations {
    fn get(&mut self, key: &Key) -> Option<Arc<Found>> {
        if let Some(found) = self.young.get(key) {
            return Some(Arc::clone(found));
        }
        let (key, found) = self.old.remove_entry(key)?;
        self.insert(key, Arc::clone(&found));
        Some(found)
    }

    fn insert(&mut self, key: Key, found: Arc<Found>) {
        if self.young.len() >= REMEMBERED / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, found);
    }
}

impl Remembered {
    /// The words of a field near `form`.
    pub(super) fn find(&self, segments: &[SegmentReader], field: Field, form: &str, near: Near) -> tantivy::Result<Arc<Found>> {
        let key = (field, near, form.to_owned());
        let known = self.0.lock().get(&key);
        if let Some(found) = known {
            return Ok(found);
        }
        let indexes = segments.iter().map(|segment| segment.inverted_index(field)).collect::<tantivy::Result<Vec<_>>>()?;
        let found = Arc::new(match near {
            Near::Prefix => prefixes(&indexes, form)?,
            Near::Typos { most, prefix } => typos(&indexes, form, most, prefix)?,
        });
        self.0.lock().insert(key, Arc::clone(&found));
        Ok(found)
    }
}

type Indexes = [Arc<InvertedIndexReader>];

fn prefixes(indexes: &Indexes, form: &str) -> tantivy::Result<Found> {
    let mut best = Best::new(MAX_PREFIXES);
    for mark in ["", "\u{1}"] {
        let start = format!("{mark}{form}");
        let end = format!("{start}{}", char::MAX);
        let mut streams = Vec::with_capacity(indexes.len());
        for index in indexes {
            streams.push(index.terms().range().ge(&start).lt(&end).into_stream()?);
        }
        best.merge(streams, |_| Some((0, true)));
    }
    Ok(best.finish())
}

fn typos(indexes: &Indexes, form: &str, most: u8, prefix: bool) -> tantivy::Result<Found> {
    static BUILDERS: [OnceLock<LevenshteinAutomatonBuilder>; 2] = [OnceLock::new(), OnceLock::new()];
    let automaton = |distance: u8| {
        let builder = BUILDERS[usize::from(distance) - 1].get_or_init(|| LevenshteinAutomatonBuilder::new(distance, true));
        if prefix { builder.build_prefix_dfa(form) } else { builder.build_dfa(form) }
    };
    let length = form.chars().count();
    let first = form.chars().next().unwrap_or_default();
    let mut best = Best::new(MAX_TYPOS);
    let mut search = |dfa: &DFA, same_first: bool| -> tantivy::Result<()> {
        for marked in [false, true] {
            let mark = if marked { "\u{1}" } else { "" };
            let start = format!("{mark}{first}");
            let end = format!("{start}{}", char::MAX);
            let mut streams = Vec::with_capacity(indexes.len());
            for index in indexes {
                let range = index.terms().search(Marked { dfa, marked });
                let range = if same_first { range.ge(&start).lt(&end) } else { range };
                streams.push(range.into_stream()?);
            }
            best.merge(streams, |term| {
                let form = std::str::from_utf8(term.strip_prefix(mark.as_bytes())?).ok()?;
                let Distance::Exact(distance) = dfa.eval(form) else { return None };
                if distance == 0 || form.starts_with(first) != same_first {
                    return None;
                }
                // A typo in the first letter counts as two.
                let typos = if same_first { distance } else { distance + 1 };
                (typos <= most).then(|| (typos, form.chars().count() > length + usize::from(most)))
            });
        }
        Ok(())
    };
    search(&automaton(most), true)?;
    if most > 1 {
        search(&automaton(most - 1), false)?;
    }
    Ok(best.finish())
}

/// Keeps the best words.
struct Best {
    limit: usize,
    /// The worst of them on top.
    heap: BinaryHeap<FoundWord>,
    scan: usize,
    cut: bool,
}

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::with_capacity(limit + 1), scan: SCAN_BUDGET, cut: false }
    }

    /// Looks at the terms of all segments in their order. `judge` says how many typos a term has and whether it goes on after what was typed.
    fn merge<A: Automaton>(&mut self, mut streams: Vec<TermStreamer<'_, A>>, judge: impl Fn(&[u8]) -> Option<(u8, bool)>) {
        let mut segments: Vec<usize> = (0..streams.len()).collect();
        segments.retain(|&at| streams[at].advance());
        let mut term = Vec::new();
        while let Some(&first) = segments.iter().min_by_key(|&&at| streams[at].key()) {
            if self.scan == 0 {
                self.cut = true;
                return;
            }
            self.scan -= 1;
            term.clear();
            term.extend_from_slice(streams[first].key());
            let holders = || segments.iter().filter(|&&at| streams[at].key() == term.as_slice());
            let frequency = holders().map(|&at| u64::from(streams[at].value().doc_freq)).sum();
            if let Some((typos, longer)) = judge(&term)
                && self.would_keep(typos, longer, frequency)
                && let Ok(text) = std::str::from_utf8(&term)
            {
                let lists = holders().map(|&at| (at, streams[at].value().clone())).collect();
                self.heap.push(FoundWord { term: text.to_owned(), typos, longer, frequency, lists });
                if self.heap.len() > self.limit {
                    self.heap.pop();
                }
            }
            segments.retain(|&at| streams[at].key() != term.as_slice() || streams[at].advance());
        }
    }

    fn would_keep(&self, typos: u8, longer: bool, frequency: u64) -> bool {
        let worst = if self.heap.len() < self.limit { None } else { self.heap.peek() };
        worst.is_none_or(|worst| (typos, longer, Reverse(frequency)) <= (worst.typos, worst.longer, Reverse(worst.frequency)))
    }

    fn finish(self) -> Found {
        Found { words: self.heap.into_sorted_vec(), cut: self.cut }
    }
}

/// A Levenshtein automaton over the terms with, or without, the mark of exact words.
struct Marked<'a> {
    dfa: &'a DFA,
    marked: bool,
}

impl Automaton for Marked<'_> {
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
