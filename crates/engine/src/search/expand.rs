//! From the words of a query to posting lists: the word itself and what else it may mean, each list with what a match in it is worth.
//!
//! A match tells as much as is known by it: that a document holds some word at least as near as this one. The more documents that is true of, the
//! less it says; "a word that begins with `c`" says next to nothing, and a typo into a common word little.

use onggi_domain::settings::TypoTolerance;
use tantivy::{DocId, SegmentReader, postings::TermInfo, schema::Field};

use super::{
    phrase,
    query::{self, Part, QueryWord, SearchedSlot},
    variants::{FoundWord, MAX_PREFIXES, MAX_TYPOS, Near, Remembered},
    weights::{Weights, idf},
};
use crate::{
    analysis::{Analyzer, Kind},
    schema::{BIGRAMS, EXACT_MARK, INITIALS, SLOTS},
};

/// Dictionary entries that leading consonants may look at.
const SCAN_BUDGET: usize = 30_000;
/// A word that so many documents hold as written is not searched with typos unless a filter narrows the search: those documents would come first, and
/// fill what the second phase looks at.
const ENOUGH: u64 = 300;
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
    /// Typos that it may have.
    pub(super) most_typos: u8,
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
    /// Typos that a match has.
    pub(super) typos: u8,
    /// Words of the query that a match stands for besides this one and that come before it.
    pub(super) shift: u32,
    pub(super) source: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    Term(TermInfo),
    /// Documents found already, in order.
    Documents(Vec<DocId>),
}

/// How a list's matches differ from the word as written.
#[derive(Clone, Copy)]
struct How {
    value: f32,
    typos: u8,
    shift: u32,
}

/// How Hangul is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hangul {
    /// Not at all: the index holds none.
    Absent,
    /// By words and what they may become.
    Words,
    /// By pairs of syllables, too. Nobody knows which attributes those are in.
    Pairs,
}

pub(super) struct Expander<'a> {
    pub(super) segments: &'a [SegmentReader],
    pub(super) slots: &'a [SearchedSlot],
    pub(super) analyzer: &'a Analyzer,
    pub(super) typos: &'a TypoTolerance,
    pub(super) weights: &'a Weights,
    pub(super) remembered: &'a Remembered,
    pub(super) hangul: Hangul,
    /// Whether a filter narrows the search.
    pub(super) filtered: bool,
    pub(super) documents: u64,
    pub(super) degraded: bool,
}

/// A word that matches in one slot, and what that is worth there.
struct Variant<'a> {
    rank: usize,
    found: &'a FoundWord,
    value: f32,
}

impl Expander<'_> {
    /// The unit of a part of the query: a word with its variants, or a phrase.
    pub(super) fn unit(&mut self, part: &Part, position: u32) -> tantivy::Result<Unit> {
        if part.phrase { self.phrase(&part.words, position) } else { self.word(&part.words[0], position) }
    }

    pub(super) fn empty(&self, position: Option<u32>) -> Unit {
        let segments = self.segments.iter().map(|_| Vec::new()).collect();
        Unit { weight: 0.0, position, segments, variants: Vec::new(), frequency: 0, most_typos: 0 }
    }

    fn word(&mut self, word: &QueryWord, position: u32) -> tantivy::Result<Unit> {
        let mut unit = self.empty(Some(position));
        let exact = How { value: self.weights.exact, typos: 0, shift: 0 };
        let mut reached = Reached::new(self.documents, self.own_lists(word, exact, &mut unit)?);
        if word.prefix {
            self.add_near(word, Near::Prefix, MAX_PREFIXES, &mut reached, &mut unit)?;
        }
        unit.most_typos = self.typos_of(word);
        if unit.most_typos > 0 && (reached.first() < ENOUGH || self.filtered) {
            self.add_split(word, &mut reached, &mut unit)?;
            self.add_near(word, Near::Typos { most: unit.most_typos, prefix: word.prefix }, MAX_TYPOS, &mut reached, &mut unit)?;
        }
        unit.frequency = reached.first();
        unit.weight = idf(unit.frequency, self.documents);
        Ok(unit)
    }

    /// Adds another word as an alternative to a unit, as a synonym does.
    pub(super) fn add_synonym(&mut self, words: &[QueryWord], unit: &mut Unit) -> tantivy::Result<()> {
        let how = How { value: self.weights.synonym, typos: 0, shift: 0 };
        match words {
            [] => {}
            [word] => {
                self.own_lists(word, how, unit)?;
                unit.variants.push(word.form.clone());
            }
            words => {
                self.phrase_lists(words, how, unit)?;
                unit.variants.extend(words.iter().map(|word| word.form.clone()));
            }
        }
        Ok(())
    }

    /// Adds neighbouring words written as one to each of their units, at the cost of a typo.
    pub(super) fn add_joined(&mut self, parts: &[Part], units: &mut [Unit]) -> tantivy::Result<()> {
        let joined: String = parts.iter().map(|part| part.words[0].form.as_str()).collect();
        let words = query::words(&joined, self.analyzer, self.slots);
        let [word] = words.as_slice() else { return Ok(()) };
        for (shift, unit) in units.iter_mut().enumerate() {
            let how = How { value: self.weights.typo[0], typos: 1, shift: shift as u32 };
            if self.own_lists(word, how, unit)? == 0 {
                return Ok(());
            }
            unit.variants.push(word.form.clone());
        }
        Ok(())
    }

    /// Adds the word as two that follow each other, cut where the rarer of the two is most frequent, at the cost of a typo.
    pub(super) fn add_split(&mut self, word: &QueryWord, reached: &mut Reached, unit: &mut Unit) -> tantivy::Result<()> {
        let mut best: Option<(u64, usize)> = None;
        for (at, _) in word.form.char_indices().skip(1) {
            let (left, right) = word.form.split_at(at);
            let common = match self.frequency(left)? {
                0 => 0,
                left => left.min(self.frequency(right)?),
            };
            if common > best.map_or(0, |(known, _)| known) {
                best = Some((common, at));
            }
        }
        let Some((_, at)) = best else { return Ok(()) };
        let (left, right) = word.form.split_at(at);
        let words = query::words(&format!("{left} {right}"), self.analyzer, self.slots);
        let mut found = self.empty(None);
        let frequency = self.phrase_lists(&words, How { value: self.weights.typo[0], typos: 1, shift: 0 }, &mut found)?;
        if frequency > 0 {
            let told = reached.tell(frequency);
            for (all, lists) in unit.segments.iter_mut().zip(found.segments) {
                all.extend(lists.into_iter().map(|list| List { value: list.value * told, ..list }));
            }
            unit.variants.extend([left.to_owned(), right.to_owned()]);
        }
        Ok(())
    }

    /// Documents that hold a word as written, in the slot where they are most.
    fn frequency(&self, form: &str) -> tantivy::Result<u64> {
        let mut most = 0;
        for slot in self.slots {
            let mut here = 0;
            for segment in self.segments {
                let index = segment.inverted_index(SLOTS[slot.slot])?;
                let inflected = || index.terms().get(format!("{EXACT_MARK}{form}"));
                let info = index.terms().get(form)?.map_or_else(inflected, |info| Ok(Some(info)))?;
                here += info.map_or(0, |info| u64::from(info.doc_freq));
            }
            most = most.max(here);
        }
        Ok(most)
    }

    fn phrase(&mut self, words: &[QueryWord], position: u32) -> tantivy::Result<Unit> {
        let mut unit = self.empty(Some(position));
        unit.frequency = self.phrase_lists(words, How { value: self.weights.exact, typos: 0, shift: 0 }, &mut unit)?;
        unit.weight = idf(unit.frequency, self.documents);
        Ok(unit)
    }

    fn phrase_lists(&self, words: &[QueryWord], how: How, unit: &mut Unit) -> tantivy::Result<u64> {
        let mut frequency = 0;
        for (rank, slot) in self.slots.iter().enumerate() {
            let field = SLOTS[slot.slot];
            let value = how.value * self.weights.attribute(rank, self.slots.len());
            let mut here = 0;
            for (segment, lists) in self.segments.iter().zip(&mut unit.segments) {
                let documents = phrase::documents(segment, field, words, &slot.rules)?;
                here += documents.len() as u64;
                if !documents.is_empty() {
                    let source = Source::Documents(documents);
                    lists.push(List { field, slot: Some(rank), value, exact: true, typos: how.typos, shift: how.shift, source });
                }
            }
            frequency = frequency.max(here);
        }
        Ok(frequency)
    }

    /// The lists of the word as written and of its inflections. Returns how many documents hold it.
    fn own_lists(&self, word: &QueryWord, how: How, unit: &mut Unit) -> tantivy::Result<u64> {
        let inflected = How { value: how.value * self.weights.inflected / self.weights.exact, ..how };
        let mut frequency = 0;
        for (rank, slot) in self.slots.iter().enumerate() {
            let mut here = 0;
            for (at, terms) in word.terms.iter().enumerate().filter(|(_, terms)| slot.rules.contains(&terms.rule)) {
                let repeated = word.terms[..at]
                    .iter()
                    .any(|other| slot.rules.contains(&other.rule) && other.stem == terms.stem && other.exact == terms.exact);
                if repeated {
                    continue;
                }
                let same = terms.stem == terms.exact;
                let mut count = self.list(slot, rank, &terms.stem, if same { how } else { inflected }, same, unit)?;
                let listed = word.terms[..at].iter().any(|other| slot.rules.contains(&other.rule) && other.exact == terms.exact);
                if !same && !listed {
                    count = count.max(self.list(slot, rank, &terms.exact, how, true, unit)?);
                }
                here += count;
            }
            frequency = frequency.max(here);
        }
        Ok(frequency)
    }

    fn list(&self, slot: &SearchedSlot, rank: usize, term: &str, how: How, exact: bool, unit: &mut Unit) -> tantivy::Result<u64> {
        let field = SLOTS[slot.slot];
        let value = how.value * self.weights.attribute(rank, self.slots.len());
        let mut frequency = 0;
        for (segment, lists) in self.segments.iter().zip(&mut unit.segments) {
            if let Some(info) = segment.inverted_index(field)?.terms().get(term)? {
                frequency += u64::from(info.doc_freq);
                let source = Source::Term(info);
                lists.push(List { field, slot: Some(rank), value, exact, typos: how.typos, shift: how.shift, source });
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

    /// Adds longer words, or words with typos: the best over all slots, in tiers of the same nearness.
    fn add_near(&mut self, word: &QueryWord, near: Near, limit: usize, reached: &mut Reached, unit: &mut Unit) -> tantivy::Result<()> {
        let mut found = Vec::with_capacity(self.slots.len());
        for (rank, slot) in self.slots.iter().enumerate() {
            if near == Near::Prefix || slot.typos {
                found.push((rank, self.remembered.find(self.segments, SLOTS[slot.slot], &word.form, near)?));
            }
        }
        self.degraded |= found.iter().any(|(_, found)| found.cut);
        let words = found.iter().flat_map(|(rank, found)| found.words.iter().map(|word| (*rank, word)));
        let others = words.filter(|(_, found)| !own_term(word, &found.term));
        let mut variants: Vec<Variant<'_>> =
            others.map(|(rank, found)| Variant { rank, found, value: self.weights.variant(found.typos, found.longer) }).collect();
        variants.sort_by(|a, b| {
            let by_value = b.value.total_cmp(&a.value).then(b.found.frequency.cmp(&a.found.frequency));
            by_value.then_with(|| a.found.term.cmp(&b.found.term)).then(a.rank.cmp(&b.rank))
        });
        variants.truncate(limit);
        for tier in variants.chunk_by(|a, b| a.value.total_cmp(&b.value).is_eq()) {
            let value = tier[0].value * reached.tell(self.holders(tier));
            for variant in tier {
                let (rank, field) = (variant.rank, SLOTS[self.slots[variant.rank].slot]);
                let value = value * self.weights.attribute(rank, self.slots.len());
                for (segment, info) in &variant.found.lists {
                    let source = Source::Term(info.clone());
                    let list = List { field, slot: Some(rank), value, exact: false, typos: variant.found.typos, shift: 0, source };
                    unit.segments[*segment].push(list);
                }
                let form = variant.found.form();
                if !unit.variants.iter().any(|known| known == form) {
                    unit.variants.push(form.to_owned());
                }
            }
        }
        Ok(())
    }

    /// About how many documents hold one of these words: in the slot where they are most, words in the same document counted twice.
    fn holders(&self, variants: &[Variant<'_>]) -> u64 {
        let in_slot =
            |rank: usize| variants.iter().filter(|variant| variant.rank == rank).map(|variant| variant.found.frequency).sum::<u64>();
        (0..self.slots.len()).map(in_slot).max().unwrap_or_default()
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
                lists.push(List { field, slot: None, value, exact: false, typos: 0, shift: 0, source: Source::Term(info) });
            }
        }
        Ok(unit)
    }

    /// Words whose leading consonants begin with these.
    pub(super) fn initials(&mut self, initials: &str, position: u32) -> tantivy::Result<Unit> {
        let mut unit = self.empty(Some(position));
        let end = format!("{initials}{}", char::MAX);
        let mut scan = SCAN_BUDGET;
        for (segment, lists) in self.segments.iter().zip(&mut unit.segments) {
            let index = segment.inverted_index(INITIALS)?;
            let mut terms = index.terms().range().ge(initials).lt(&end).into_stream()?;
            while let Some((term, info)) = terms.next() {
                if scan == 0 || lists.len() >= MAX_PREFIXES {
                    self.degraded |= scan == 0;
                    break;
                }
                scan -= 1;
                let value = if term == initials.as_bytes() { self.weights.exact } else { self.weights.prefix };
                unit.frequency += u64::from(info.doc_freq);
                let source = Source::Term(info.clone());
                lists.push(List { field: INITIALS, slot: None, value, exact: false, typos: 0, shift: 0, source });
            }
        }
        unit.weight = idf(unit.frequency, self.documents);
        Ok(unit)
    }
}

fn own_term(word: &QueryWord, term: &str) -> bool {
    word.terms.iter().any(|terms| terms.stem == term || terms.exact == term)
}

/// How many documents hold a word or something at least as near, as one kind of match after another is added.
pub(super) struct Reached {
    documents: u64,
    frequency: u64,
    /// What the nearest kind that there is reaches.
    first: u64,
}

impl Reached {
    pub(super) fn new(documents: u64, own: u64) -> Self {
        Self { documents, frequency: own, first: own }
    }

    fn first(&self) -> u64 {
        self.first
    }

    /// Adds a kind of match that `more` documents have: the share of the word's information that it tells.
    fn tell(&mut self, more: u64) -> f32 {
        self.frequency += more;
        if self.first == 0 {
            self.first = self.frequency;
        }
        idf(self.frequency, self.documents) / idf(self.first, self.documents)
    }
}
