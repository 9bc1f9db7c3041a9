//! The first phase: every document that matches, scored by what can be known without positions, and the best of them kept.
//!
//! A segment is walked in windows of documents. In a window each unit's lists are added up in arrays on the side, so that a word's variants count once
//! (the best of them) and a document's matches are a bit mask. This reads each posting once, gives exact totals and facets, and allocates nothing a hit.

use std::{ops::RangeInclusive, time::Instant};

use tantivy::{
    BitSet, DocId, SegmentReader, TERMINATED, columnar::Column, fastfield::AliveBitSet, fieldnorm::FieldNormReader,
    postings::BlockSegmentPostings, schema::IndexRecordOption,
};

use super::{
    expand::{List, Source},
    plan::Plan,
    sort::{KeyReader, LocalValue, RankPlan},
    weights::Occurrences,
};

const WINDOW: usize = 4096;
/// Steps in which text scores are compared where another key follows.
pub(super) const STEPS: f32 = 200.0;

/// A document that matches.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) segment: u32,
    pub(super) doc: DocId,
    /// The units that it matches.
    pub(super) mask: u32,
    /// Its score, 0 to 1.
    pub(super) score: f32,
    /// Its place in the order of insertion.
    pub(super) ord: u64,
    /// The values of the plan's keys.
    pub(super) keys: Vec<LocalValue>,
}

/// What matches.
pub(super) struct Collected {
    /// The best hits, not in order.
    pub(super) hits: Vec<Hit>,
    /// All that match.
    pub(super) total: u64,
    /// All that match, by segment, if asked for.
    pub(super) matched: Option<Vec<BitSet>>,
    /// Whether time ran out.
    pub(super) degraded: bool,
}

/// What is collected.
pub(super) struct Request<'a> {
    pub(super) segments: &'a [SegmentReader],
    /// The places of each segment's documents in the order of insertion.
    pub(super) ords: &'a [Column<u64>],
    /// `None`: every document.
    pub(super) plan: Option<&'a Plan>,
    /// The documents of each segment that may be found.
    pub(super) allowed: Option<&'a [BitSet]>,
    pub(super) excluded: Option<&'a [BitSet]>,
    pub(super) order: &'a RankPlan,
    /// How many of the best are wanted.
    pub(super) keep: usize,
    pub(super) keep_matched: bool,
    pub(super) deadline: Instant,
}

/// Collects over all segments.
pub(super) fn collect(request: &Request<'_>) -> tantivy::Result<Collected> {
    let mut collected = Collected { hits: Vec::new(), total: 0, matched: request.keep_matched.then(Vec::new), degraded: false };
    let mut scratch = Scratch::new();
    for (at, segment) in request.segments.iter().enumerate() {
        let keys = request.order.keys().map(|key| KeyReader::open(key, segment)).collect::<tantivy::Result<Vec<_>>>()?;
        let by_score = keys.is_empty() && request.plan.is_some();
        let top = Top {
            segment: at as u32,
            keep: request.keep,
            keys: &keys,
            before: request.order.before.len(),
            floor: if request.keep == 0 { f32::INFINITY } else { f32::NEG_INFINITY },
            by_score,
            ords: &request.ords[at],
            hits: Vec::new(),
            worst: None,
            spellings: vec![NONE; keys.len()],
        };
        let mut visitor = Visitor {
            alive: segment.alive_bitset(),
            allowed: request.allowed.map(|allowed| &allowed[at]),
            excluded: request.excluded.map(|excluded| &excluded[at]),
            matched: request.keep_matched.then(|| BitSet::with_max_value(segment.max_doc())),
            total: 0,
            top,
        };
        let in_time = match request.plan {
            Some(plan) => walk(plan, at, segment, &mut scratch, request.deadline, &mut visitor)?,
            None => walk_all(segment.max_doc(), request.deadline, &mut visitor),
        };
        let Visitor { total, matched, top, .. } = visitor;
        collected.degraded |= !in_time;
        collected.total += total;
        // There may be as many as there are documents: those of the first segment are not copied.
        if collected.hits.is_empty() {
            collected.hits = top.finish();
        } else {
            collected.hits.append(&mut top.finish());
        }
        if let (Some(all), Some(matched)) = (&mut collected.matched, matched) {
            all.push(matched);
        }
    }
    Ok(collected)
}

/// What becomes of the documents of a segment that match.
struct Visitor<'a> {
    alive: Option<&'a AliveBitSet>,
    allowed: Option<&'a BitSet>,
    excluded: Option<&'a BitSet>,
    matched: Option<BitSet>,
    total: u64,
    top: Top<'a>,
}

impl Visitor<'_> {
    /// Asked once a document.
    #[inline]
    fn visit(&mut self, doc: DocId, score: f32, mask: u32) {
        let wanted = self.alive.is_none_or(|alive| alive.is_alive(doc))
            && self.allowed.is_none_or(|allowed| allowed.contains(doc))
            && self.excluded.is_none_or(|excluded| !excluded.contains(doc));
        if wanted {
            self.total += 1;
            if let Some(matched) = &mut self.matched {
                matched.insert(doc);
            }
            if score >= self.top.floor {
                self.top.offer(doc, score, mask);
            }
        }
    }
}

fn walk_all(max_doc: DocId, deadline: Instant, visitor: &mut Visitor<'_>) -> bool {
    for doc in 0..max_doc {
        if (doc as usize).is_multiple_of(WINDOW) && Instant::now() > deadline {
            return false;
        }
        visitor.visit(doc, 1.0, 0);
    }
    true
}

/// The arrays of a window.
struct Scratch {
    score: Box<[f32; WINDOW]>,
    mask: Box<[u32; WINDOW]>,
    found: Places,
    /// The best that the unit at hand has for a document.
    best: Box<[f32; WINDOW]>,
    found_by_unit: Places,
}

impl Scratch {
    fn new() -> Self {
        Self {
            score: Box::new([0.0; WINDOW]),
            mask: Box::new([0; WINDOW]),
            found: Places([0; WINDOW / 64]),
            best: Box::new([0.0; WINDOW]),
            found_by_unit: Places([0; WINDOW / 64]),
        }
    }
}

/// Places in a window, one a bit.
struct Places([u64; WINDOW / 64]);

impl Places {
    fn insert_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// Empties it; each place is visited, in order.
    fn drain(&mut self, mut visit: impl FnMut(usize)) {
        for (number, word) in self.0.iter_mut().enumerate() {
            let mut bits = std::mem::take(word);
            while bits != 0 {
                visit(64 * number + bits.trailing_zeros() as usize);
                bits &= bits - 1;
            }
        }
    }
}

/// Inserts places that ascend, a word at a time: to write each bit on its own would make each wait for the one before.
struct Marker<'a> {
    places: &'a mut Places,
    number: usize,
    bits: u64,
}

impl<'a> Marker<'a> {
    fn new(places: &'a mut Places) -> Self {
        Self { places, number: 0, bits: 0 }
    }

    fn insert(&mut self, at: usize) {
        let number = at / 64 % (WINDOW / 64);
        if number != self.number {
            self.write();
            self.number = number;
        }
        self.bits |= 1 << (at % 64);
    }

    fn write(&mut self) {
        self.places.0[self.number] |= std::mem::take(&mut self.bits);
    }
}

/// Visits each document that the plan accepts; whether it did so in time.
fn walk(
    plan: &Plan,
    segment_at: usize,
    segment: &SegmentReader,
    scratch: &mut Scratch,
    deadline: Instant,
    visitor: &mut Visitor<'_>,
) -> tantivy::Result<bool> {
    let mut units = Vec::with_capacity(plan.units.len());
    for unit in &plan.units {
        let weight = if plan.information > 0.0 { unit.weight / plan.information } else { 0.0 };
        let lists = &unit.segments[segment_at];
        let cursors = lists.iter().map(|list| Cursor::open(list, plan, segment)).collect::<tantivy::Result<Vec<_>>>()?;
        units.push((weight, cursors));
    }
    let mut start = next_document(&units, 0);
    while start < segment.max_doc() {
        if Instant::now() > deadline {
            return Ok(false);
        }
        let end = start.saturating_add(WINDOW as u32);
        for (bit, (weight, cursors)) in units.iter_mut().enumerate() {
            add_unit(cursors, *weight, 1 << bit, start, end, scratch);
        }
        let Scratch { score, mask, found, .. } = scratch;
        found.drain(|at| {
            let (score, mask) = (std::mem::take(&mut score[at % WINDOW]), std::mem::take(&mut mask[at % WINDOW]));
            if plan.accepts(mask) {
                visitor.visit(start + at as u32, score, mask);
            }
        });
        start = next_document(&units, end);
    }
    Ok(true)
}

/// The first document at or after `from` in any list.
fn next_document(units: &[(f32, Vec<Cursor<'_>>)], from: DocId) -> DocId {
    units.iter().flat_map(|(_, cursors)| cursors).map(Cursor::doc).min().unwrap_or(TERMINATED).max(from)
}

/// Adds what a unit has for the documents of a window. On its own, so that its loops have all registers.
#[inline(never)]
fn add_unit(cursors: &mut [Cursor<'_>], weight: f32, bit: u32, start: DocId, end: DocId, scratch: &mut Scratch) {
    let Scratch { score, mask, found, best, found_by_unit } = scratch;
    let mut add = |at: usize, value: f32| {
        mask[at % WINDOW] |= bit;
        score[at % WINDOW] += weight * value;
    };
    if let [cursor] = cursors {
        cursor.read(start, end, found, add);
        return;
    }
    for cursor in cursors {
        cursor.read(start, end, found_by_unit, |at, value| {
            let best = &mut best[at % WINDOW];
            *best = if value > *best { value } else { *best };
        });
    }
    found.insert_all(found_by_unit);
    found_by_unit.drain(|at| add(at, std::mem::take(&mut best[at % WINDOW])));
}

/// A list being read.
struct Cursor<'a> {
    documents: Documents<'a>,
    at: usize,
    value: f32,
    lengths: Option<(FieldNormReader, &'a Occurrences)>,
}

enum Documents<'a> {
    Postings(Box<BlockSegmentPostings>),
    Found(&'a [DocId]),
}

impl<'a> Cursor<'a> {
    fn open(list: &'a List, plan: &'a Plan, segment: &SegmentReader) -> tantivy::Result<Self> {
        let documents = match &list.source {
            Source::Term(info) => {
                let index = segment.inverted_index(list.field)?;
                Documents::Postings(Box::new(index.read_block_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?))
            }
            Source::Documents(documents) => Documents::Found(documents),
        };
        let lengths = match list.occurrences(plan.slots.len()) {
            Some(at) => Some((segment.get_fieldnorms_reader(list.field)?, &plan.occurrences[at])),
            None => None,
        };
        Ok(Self { documents, at: 0, value: list.value, lengths })
    }

    /// The next document.
    fn doc(&self) -> DocId {
        match &self.documents {
            Documents::Postings(postings) => postings.docs().get(self.at).copied().unwrap_or(TERMINATED),
            Documents::Found(documents) => documents.get(self.at).copied().unwrap_or(TERMINATED),
        }
    }

    /// Reads all documents before `end`: their places behind `start` are marked, and added with what each is worth.
    fn read(&mut self, start: DocId, end: DocId, places: &mut Places, mut add: impl FnMut(usize, f32)) {
        let value = self.value;
        let mut marker = Marker::new(places);
        let mut add = |doc: DocId, value: f32| {
            let at = (doc - start) as usize;
            marker.insert(at);
            add(at, value);
        };
        let worth = |(lengths, occurrences): &(FieldNormReader, &Occurrences), doc: DocId, frequency: u32| {
            value * occurrences.factor(frequency, lengths.fieldnorm_id(doc))
        };
        match &mut self.documents {
            Documents::Found(documents) => {
                let rest = &documents[self.at..];
                let before_end = rest.partition_point(|doc| *doc < end);
                for doc in &rest[..before_end] {
                    add(*doc, self.lengths.as_ref().map_or(value, |lengths| worth(lengths, *doc, 1)));
                }
                self.at += before_end;
            }
            Documents::Postings(postings) => loop {
                let rest = &postings.docs()[self.at..];
                if rest.is_empty() {
                    break;
                }
                let before_end = rest.partition_point(|doc| *doc < end);
                let documents = &rest[..before_end];
                match &self.lengths {
                    None => documents.iter().for_each(|doc| add(*doc, value)),
                    Some(lengths) => {
                        for (doc, frequency) in documents.iter().zip(&postings.freqs()[self.at..]) {
                            add(*doc, worth(lengths, *doc, *frequency));
                        }
                    }
                }
                if before_end < rest.len() {
                    self.at += before_end;
                    break;
                }
                postings.advance();
                self.at = 0;
            },
        }
        marker.write();
    }
}

/// The best hits of a segment.
struct Top<'a> {
    segment: u32,
    keep: usize,
    keys: &'a [KeyReader],
    /// How many of the keys come before the text.
    before: usize,
    /// Whether the score is what counts.
    by_score: bool,
    /// Hits with a lower score would not be kept.
    floor: f32,
    ords: &'a Column<u64>,
    hits: Vec<Hit>,
    /// The last hit that would be kept, once there are enough.
    worst: Option<Hit>,
    /// For each key, the values that are one text with the value of the last hit kept: hits have the first of them.
    spellings: Vec<RangeInclusive<LocalValue>>,
}

/// No values.
const NONE: RangeInclusive<LocalValue> = (1, 0)..=(0, 0);

impl Top<'_> {
    /// On its own, because few are offered of those that are visited.
    #[inline(never)]
    fn offer(&mut self, doc: DocId, score: f32, mask: u32) {
        let keys = self.keys.iter().zip(&self.spellings).map(|(key, one)| first_of(one, key.value(doc))).collect();
        let hit = Hit { segment: self.segment, doc, mask, score, ord: self.ords.first(doc).unwrap_or(u64::MAX), keys };
        if self.worst.as_ref().is_some_and(|worst| compare_local(&hit, worst, self.before) != std::cmp::Ordering::Less) {
            return;
        }
        self.hits.push(hit);
        if self.hits.len() >= self.keep.saturating_mul(2).max(256) {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.hits.len() <= self.keep {
            return;
        }
        // Texts that differ in case only are one, and stand next to each other: only that which the cut goes through has to be made one.
        for (at, key) in self.keys.iter().enumerate().filter(|(_, key)| !key.is_exact()) {
            let border = self.select().keys[at];
            // A dictionary that cannot be read is told of when the values are resolved.
            self.spellings[at] = key.spellings(border).unwrap_or(NONE);
            for hit in &mut self.hits {
                hit.keys[at] = first_of(&self.spellings[at], hit.keys[at]);
            }
        }
        let worst = self.select().clone();
        if self.by_score {
            self.floor = worst.score;
        }
        self.worst = Some(worst);
        self.hits.truncate(self.keep);
    }

    /// Puts those that are kept before the others; the last of them.
    fn select(&mut self) -> &Hit {
        let before = self.before;
        self.hits.select_nth_unstable_by(self.keep - 1, |a, b| compare_local(a, b, before)).1
    }

    fn finish(mut self) -> Vec<Hit> {
        self.shrink();
        self.hits
    }
}

fn first_of(one: &RangeInclusive<LocalValue>, value: LocalValue) -> LocalValue {
    if one.contains(&value) { *one.start() } else { value }
}

/// The order of two hits of one segment.
pub(super) fn compare_local(a: &Hit, b: &Hit, before: usize) -> std::cmp::Ordering {
    // As below, and told at once: most searches have no keys, and this is asked once a document.
    if a.keys.is_empty() {
        return b.score.total_cmp(&a.score).then_with(|| a.ord.cmp(&b.ord));
    }
    let text = |hit: &Hit| if hit.keys.len() > before { step(hit.score) } else { 0 };
    a.keys[..before]
        .cmp(&b.keys[..before])
        .then_with(|| text(b).cmp(&text(a)))
        .then_with(|| a.keys[before..].cmp(&b.keys[before..]))
        .then_with(|| b.score.total_cmp(&a.score))
        .then_with(|| a.ord.cmp(&b.ord))
}

/// A text score where another key follows: in steps, so that documents that match about equally well are told apart by the key.
pub(super) fn step(score: f32) -> u32 {
    (score * STEPS).round() as u32
}
