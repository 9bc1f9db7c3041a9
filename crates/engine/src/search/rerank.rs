//! The second phase: the best candidates again, now with the positions of their words.

use tantivy::{
    DocId, DocSet, SegmentReader,
    postings::{Postings, SegmentPostings},
    schema::IndexRecordOption,
};

use super::{
    collect::Hit,
    expand::{List, Source},
    plan::Plan,
};

/// How far apart words may be for their distance to count.
const FAR: u32 = 8;
/// Candidates that are looked at before asking whether more are needed.
const BATCH: usize = 64;

/// What the second phase finds out about a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// The share of the query's information, 0 to 1.
    pub(super) share: f32,
    /// How close the words are, 0 to 1.
    pub(super) proximity: f32,
    /// Whether some attribute is, or begins with, the query as written.
    pub(super) whole: Whole,
}

/// How each word of the query is matched, for those who want to know.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Matches {
    /// Typos in the best match of each word, added up.
    pub(super) typos: u32,
    /// Words that are there just as written.
    pub(super) exact: usize,
    /// The mean rank of the attributes of the best matches.
    pub(super) rank: f32,
    /// The mean position of the first matches, in words.
    pub(super) position: f32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whole {
    No,
    Start,
    Attribute,
}

impl Seen {
    /// The final score: never more than the first phase's.
    fn score(&self, plan: &Plan) -> f32 {
        let exactness = match self.whole {
            Whole::No => 1.0,
            Whole::Start => 0.5,
            Whole::Attribute => 0.0,
        };
        let weights = &plan.weights;
        (self.share * (1.0 - weights.proximity * (1.0 - self.proximity)) * (1.0 - weights.exactness * exactness)).clamp(0.0, 1.0)
    }
}

/// Scores hits anew, best first, until it is certain which are the first `wanted`: none that comes later can still pass them. Returns how many
/// were looked at; these are no longer in order.
pub(super) fn rerank(plan: &Plan, segments: &[SegmentReader], hits: &mut [Hit], wanted: usize) -> tantivy::Result<usize> {
    let mut done = 0;
    while done < hits.len() {
        let end = hits.len().min(done + BATCH);
        score(plan, segments, &mut hits[done..end])?;
        done = end;
        if let Some(next) = hits.get(done)
            && hits[..done].iter().filter(|hit| hit.score > next.score).count() >= wanted
        {
            break;
        }
    }
    Ok(done)
}

/// Scores these hits anew, in the order of their documents.
fn score(plan: &Plan, segments: &[SegmentReader], hits: &mut [Hit]) -> tantivy::Result<()> {
    hits.sort_unstable_by_key(|hit| (hit.segment, hit.doc));
    for part in hits.chunk_by_mut(|a, b| a.segment == b.segment) {
        let at = part[0].segment as usize;
        let mut reader = SegmentPositions::open(plan, at, &segments[at]);
        for hit in part {
            hit.score = reader.look(hit)?.score(plan);
        }
    }
    Ok(())
}

/// What the second phase sees in one hit.
pub(super) fn look(plan: &Plan, segments: &[SegmentReader], hit: &Hit) -> tantivy::Result<(Seen, Matches)> {
    let mut reader = SegmentPositions::open(plan, hit.segment as usize, &segments[hit.segment as usize]);
    let seen = reader.look(hit)?;
    Ok((seen, reader.matches()))
}

/// The positions of a segment's lists, opened when first needed.
struct SegmentPositions<'a> {
    plan: &'a Plan,
    segment: &'a SegmentReader,
    units: Vec<Vec<Lazy<'a>>>,
    /// The units that have a place in the query.
    placed: Vec<usize>,
    /// The occurrences of each unit in the document at hand: slot, word position, whether as written.
    occurrences: Vec<Vec<Occurrence>>,
    /// The best list of each unit in the document at hand.
    best: Vec<Option<&'a List>>,
    buffer: Vec<u32>,
}

type Occurrence = (usize, u32, bool);

struct Lazy<'a> {
    list: &'a List,
    /// No document before this one is still to come in it. Kept here, because each document is asked of every list, and few have it.
    next: DocId,
    postings: Option<Box<SegmentPostings>>,
}

impl<'a> SegmentPositions<'a> {
    fn open(plan: &'a Plan, segment_at: usize, segment: &'a SegmentReader) -> Self {
        let units: Vec<Vec<Lazy<'a>>> = plan
            .units
            .iter()
            .map(|unit| unit.segments[segment_at].iter().map(|list| Lazy { list, next: 0, postings: None }).collect())
            .collect();
        let placed = (0..units.len()).filter(|&unit| plan.units[unit].position.is_some()).collect();
        let occurrences = vec![Vec::new(); units.len()];
        let best = vec![None; units.len()];
        Self { plan, segment, units, placed, occurrences, best, buffer: Vec::new() }
    }

    fn look(&mut self, hit: &Hit) -> tantivy::Result<Seen> {
        let mut share = hit.score;
        for unit in 0..self.units.len() {
            self.occurrences[unit].clear();
            self.best[unit] = None;
            if hit.mask & (1 << unit) == 0 || self.plan.units[unit].position.is_none() {
                continue;
            }
            let mut overrated: Option<bool> = None;
            for lazy in &mut self.units[unit] {
                let Some(slot) = lazy.list.slot else { continue };
                if !lazy.read(self.segment, hit.doc, &mut self.buffer)? {
                    continue;
                }
                if self.best[unit].is_none_or(|best| best.value < lazy.list.value) {
                    self.best[unit] = Some(lazy.list);
                }
                let exact = lazy.list.exact;
                let as_written = |position: &u32| exact && position.is_multiple_of(2);
                if lazy.list.exact {
                    let only_inflected = !self.buffer.is_empty() && !self.buffer.iter().any(as_written);
                    overrated = Some(overrated.unwrap_or(true) && only_inflected);
                }
                let shift = lazy.list.shift;
                self.occurrences[unit].extend(self.buffer.iter().map(|position| (slot, position / 2 + shift, as_written(position))));
            }
            if overrated == Some(true) {
                let weights = &self.plan.weights;
                let part = self.plan.units[unit].weight / self.plan.information.max(f32::MIN_POSITIVE);
                share -= part * (weights.exact - weights.inflected);
            }
            self.occurrences[unit].sort_unstable();
        }
        Ok(Seen { share: share.clamp(0.0, 1.0), proximity: self.proximity(hit.mask), whole: self.whole(hit)? })
    }

    /// What is known of the document that was looked at last.
    fn matches(&self) -> Matches {
        let mut matches = Matches::default();
        let (mut ranked, mut placed) = (0.0, 0.0);
        for (best, occurrences) in self.best.iter().zip(&self.occurrences) {
            if let Some(list) = best {
                matches.typos += u32::from(list.typos);
                matches.rank += list.slot.unwrap_or_default() as f32;
                ranked += 1.0;
            }
            if let Some((_, position, _)) = occurrences.first() {
                matches.position += *position as f32;
                placed += 1.0;
            }
            matches.exact += usize::from(occurrences.iter().any(|(_, _, as_written)| *as_written));
        }
        matches.rank /= f32::max(ranked, 1.0);
        matches.position /= f32::max(placed, 1.0);
        matches
    }

    /// How close words that follow each other in the query are in the document, weighted by their information.
    fn proximity(&self, mask: u32) -> f32 {
        let (mut sum, mut most) = (0.0, 0.0);
        for pair in self.placed.windows(2) {
            let (left, right) = (pair[0], pair[1]);
            let positions = (self.plan.units[left].position, self.plan.units[right].position);
            let (Some(from), Some(to)) = positions else { continue };
            let both = mask & (1 << left) != 0 && mask & (1 << right) != 0;
            if both && (self.occurrences[left].is_empty() || self.occurrences[right].is_empty()) {
                continue;
            }
            let weight = self.plan.units[left].weight.min(self.plan.units[right].weight);
            most += weight;
            if both {
                let cost = if self.plan.weights.by_attribute {
                    together(&self.occurrences[left], &self.occurrences[right])
                } else {
                    nearest(&self.occurrences[left], &self.occurrences[right], to - from)
                };
                sum += weight * (FAR - cost) as f32 / (FAR - 1) as f32;
            }
        }
        if most > 0.0 { sum / most } else { 1.0 }
    }

    fn whole(&self, hit: &Hit) -> tantivy::Result<Whole> {
        let mut best = Whole::No;
        for (rank, field) in self.plan.slots.iter().enumerate() {
            let starts = self.placed.iter().all(|&unit| {
                let position = self.plan.units[unit].position.unwrap_or_default();
                self.occurrences[unit].binary_search(&(rank, position, true)).is_ok()
            });
            if starts {
                best = best.max(Whole::Start);
                if self.segment.get_fieldnorms_reader(*field)?.fieldnorm(hit.doc) == self.plan.tokens {
                    return Ok(Whole::Attribute);
                }
            }
        }
        Ok(best)
    }
}

impl Lazy<'_> {
    /// Puts the positions in a document into `buffer`, none where the list knows none; `false`: it is not in the list.
    fn read(&mut self, segment: &SegmentReader, doc: DocId, buffer: &mut Vec<u32>) -> tantivy::Result<bool> {
        let info = match &self.list.source {
            Source::Term(info) => info,
            Source::Documents(documents) => {
                buffer.clear();
                return Ok(documents.binary_search(&doc).is_ok());
            }
        };
        if self.next > doc {
            return Ok(false);
        }
        let postings = if let Some(postings) = &mut self.postings {
            postings
        } else {
            let index = segment.inverted_index(self.list.field)?;
            self.postings.insert(Box::new(index.read_postings_from_terminfo(info, IndexRecordOption::WithFreqsAndPositions)?))
        };
        self.next = if postings.doc() < doc { postings.seek(doc) } else { postings.doc() };
        if self.next != doc {
            return Ok(false);
        }
        postings.positions(buffer);
        Ok(true)
    }
}

/// The smallest cost of going from a word to the next: 1 where they are as far apart as in the query, one more for each word between and
/// for the wrong order, at most [`FAR`].
fn nearest(left: &[Occurrence], right: &[Occurrence], gap: u32) -> u32 {
    let mut best = FAR;
    for &(slot, position, _) in left {
        let start = right.partition_point(|&(other, at, _)| (other, at) < (slot, position.saturating_sub(FAR)));
        for &(other, at, _) in right[start..].iter().take_while(|&&(other, at, _)| other == slot && at <= position + gap + FAR) {
            debug_assert_eq!(other, slot);
            let cost = match at.checked_sub(position) {
                Some(distance) if distance > 0 => distance.abs_diff(gap) + 1,
                Some(_) => FAR,
                None => position - at + gap.saturating_sub(1) + 1,
            };
            best = best.min(cost);
        }
    }
    best.max(1)
}

/// The cost where only the attribute counts: 1 in the same one.
fn together(left: &[Occurrence], right: &[Occurrence]) -> u32 {
    let same = |slot: usize| right.iter().any(|&(other, ..)| other == slot);
    if left.iter().any(|&(slot, ..)| same(slot)) { 1 } else { FAR }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_distance() {
        let at = |slot: usize, positions: &[u32]| positions.iter().map(|&position| (slot, position, true)).collect::<Vec<_>>();
        for (left, right, gap, cost) in [
            (at(0, &[3]), at(0, &[4]), 1, 1),
            (at(0, &[3]), at(0, &[5]), 1, 2),
            (at(0, &[3]), at(0, &[2]), 1, 2),
            (at(0, &[3]), at(0, &[5]), 2, 1),
            (at(0, &[3]), at(0, &[40]), 1, FAR),
            (at(0, &[3]), at(1, &[4]), 1, FAR),
            (at(0, &[3, 90]), at(0, &[40, 91]), 1, 1),
            (at(0, &[3]), at(0, &[3]), 1, FAR),
        ] {
            assert_eq!(nearest(&left, &right, gap), cost, "{left:?} {right:?}");
        }
    }
}
