//! From a parsed query to what is searched: units, how they belong together, and which a document must have.

use rustc_hash::FxHashMap;
use tantivy::{SegmentReader, schema::Field};

use super::{
    MatchingStrategy,
    expand::{Expander, Hangul, List, MAX_UNITS, Unit},
    hangul,
    query::{ParsedQuery, Part, QueryWord, SearchedSlot},
    weights::{Occurrences, Weights},
};
use crate::{
    analysis::{Analyzer, Kind, as_initials},
    schema::SLOTS,
};

/// Alternatives of words: from their forms, joined by a space, to what else they mean.
pub(crate) type Synonyms = FxHashMap<String, Vec<Vec<QueryWord>>>;

/// Everything that is searched for.
pub(super) struct Plan {
    pub(super) units: Vec<Unit>,
    /// Written words, each with the units that stand for it.
    groups: Vec<Group>,
    strategy: MatchingStrategy,
    /// Units any one of which makes a document an answer, whatever else it has.
    enough: u32,
    /// Whether a part of a written word is enough to match it.
    loose: bool,
    /// The group without which nothing matches, by [`MatchingStrategy::Frequency`].
    rarest: Option<usize>,
    /// The sum of the units' information.
    pub(super) information: f32,
    pub(super) weights: Weights,
    /// What frequency and length make of a match, by slot rank, and for the bigrams.
    pub(super) occurrences: Vec<Occurrences>,
    pub(super) slots: Vec<Field>,
    /// Tokens of the query in a text that is the query itself.
    pub(super) tokens: u32,
    pub(super) degraded: bool,
}

#[derive(Debug, Default)]
struct Group {
    words: u32,
    /// Pairs of characters of a script without spaces, which may hold several words.
    pairs: u32,
    /// Pairs of syllables, another way to find the words.
    bigrams: u32,
    required: bool,
    rarity: u64,
}

impl Group {
    fn matched(&self, mask: u32) -> bool {
        let words = (self.words | self.pairs) != 0 && mask & self.words == self.words && most(mask, self.pairs);
        words || (self.bigrams != 0 && most(mask, self.bigrams))
    }

    /// Matched, and by every pair of characters.
    fn matched_wholly(&self, mask: u32) -> bool {
        self.matched(mask) && mask & self.pairs == self.pairs
    }
}

/// Whether two in three of these units are matched.
fn most(mask: u32, units: u32) -> bool {
    (mask & units).count_ones() * 3 >= units.count_ones() * 2
}

impl Plan {
    /// Expands a query. `None`: there is nothing in it to search for.
    pub(super) fn new(
        query: &ParsedQuery,
        synonyms: &Synonyms,
        strategy: MatchingStrategy,
        weights: Weights,
        mut expander: Expander<'_>,
    ) -> tantivy::Result<Option<Self>> {
        let mut units: Vec<Unit> = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of: FxHashMap<usize, usize> = FxHashMap::default();
        let mut position = 0;
        for (at, part) in query.parts.iter().enumerate() {
            if units.len() == MAX_UNITS {
                break;
            }
            let word = &part.words[0];
            let initials = if part.phrase || expander.hangul == Hangul::Absent { None } else { as_initials(&word.form) };
            let mut unit = match initials {
                Some(initials) => expander.initials(&initials, position)?,
                None if word.kind == Kind::Unfinished => expander.unfinished(&word.form, position)?,
                None => expander.unit(part, position)?,
            };
            for synonym in alternatives(query, at, synonyms) {
                expander.add_synonym(synonym, &mut unit)?;
            }
            position += part.words.last().map_or(0, |last| last.offset) + 1;
            let group = *group_of.entry(part.group).or_insert_with(|| {
                groups.push(Group::default());
                groups.len() - 1
            });
            let group = &mut groups[group];
            *(if word.kind == Kind::Bigram && !part.phrase { &mut group.pairs } else { &mut group.words }) |= 1 << units.len();
            group.required |= part.phrase;
            group.rarity = group.rarity.max(unit.weight.to_bits().into());
            units.push(unit);
        }
        for size in [2, 3] {
            for (at, parts) in query.parts[..units.len()].windows(size).enumerate() {
                if parts.iter().all(is_whole_word) && parts.windows(2).all(|pair| pair[0].group != pair[1].group) {
                    expander.add_joined(parts, &mut units[at..at + size])?;
                }
            }
        }
        if expander.hangul != Hangul::Absent {
            expander.add_typed(&query.parts, &mut units)?;
        }
        if expander.hangul == Hangul::Pairs {
            add_bigrams(query, &group_of, &mut expander, &mut units, &mut groups)?;
        }
        if units.is_empty() {
            return Ok(None);
        }
        let rarest = (0..groups.len()).max_by_key(|&group| (groups[group].rarity, std::cmp::Reverse(group)));
        let any = strategy == MatchingStrategy::Last && groups.iter().all(|group| !group.required);
        let single = groups.iter().filter(|group| any && group.words.is_power_of_two());
        let enough = single.fold(0, |units, group| units | group.words);
        let information = units.iter().map(|unit| unit.weight).sum();
        let slots: Vec<Field> = expander.slots.iter().map(|slot| SLOTS[slot.slot]).collect();
        let occurrences = slot_occurrences(&weights, &slots, expander.segments)?;
        Ok(Some(Self {
            units,
            groups,
            strategy,
            enough,
            loose: false,
            rarest,
            information,
            weights,
            occurrences,
            slots,
            tokens: query.tokens,
            degraded: expander.degraded,
        }))
    }

    /// Whether a document that matches these units is an answer. Asked once a document.
    #[inline]
    pub(super) fn accepts(&self, mask: u32) -> bool {
        mask & self.enough != 0 || self.accepts_all_of(mask)
    }

    fn accepts_all_of(&self, mask: u32) -> bool {
        let required = self.groups.iter().all(|group| !group.required || group.matched(mask));
        required
            && match self.strategy {
                MatchingStrategy::All => self.groups.iter().all(|group| group.matched_wholly(mask)),
                MatchingStrategy::Last if self.loose => self.groups.iter().any(|group| mask & (group.words | group.pairs) != 0),
                MatchingStrategy::Last => self.groups.iter().any(|group| group.matched(mask)),
                MatchingStrategy::Frequency => self.rarest.is_none_or(|group| self.groups[group].matched(mask)),
            }
    }

    /// Has a part of a written word match it, where the strategy is for documents that have less than is asked for; `false`: nothing would change.
    pub(super) fn loosen(&mut self) -> bool {
        let parts = |group: &Group| (group.words | group.pairs).count_ones();
        self.loose = self.strategy == MatchingStrategy::Last && self.groups.iter().any(|group| parts(group) > 1);
        self.loose
    }

    /// How many written words the query has, and how many of them a document holds.
    pub(super) fn words(&self, mask: u32) -> (usize, usize) {
        (self.groups.len(), self.groups.iter().filter(|group| group.matched(mask)).count())
    }

    /// How many typos the words of the query may have together.
    pub(super) fn most_typos(&self) -> u32 {
        self.units.iter().map(|unit| u32::from(unit.most_typos)).sum()
    }
}

fn add_bigrams(
    query: &ParsedQuery,
    group_of: &FxHashMap<usize, usize>,
    expander: &mut Expander<'_>,
    units: &mut Vec<Unit>,
    groups: &mut [Group],
) -> tantivy::Result<()> {
    for parts in query.parts.chunk_by(hangul::same_word) {
        let Some(&group) = group_of.get(&parts[0].group).filter(|_| !parts[0].phrase) else { continue };
        let text = match &parts[0].written {
            // The dictionary may have taken a syllable of the word for a particle: all of them count.
            Some(written) if hangul::is_doubtful(parts) => written.text.clone(),
            _ => parts.iter().map(|part| part.words[0].form.as_str()).collect(),
        };
        for unit in expander.bigrams(&text)? {
            if units.len() == MAX_UNITS {
                return Ok(());
            }
            groups[group].bigrams |= 1 << units.len();
            units.push(unit);
        }
    }
    Ok(())
}

/// Whether a part is all of a written word, which may have been meant to be one with its neighbour.
fn is_whole_word(part: &Part) -> bool {
    let word = &part.words[0];
    let whole = match &part.written {
        Some(written) => written.text == word.form,
        None => word.kind == Kind::Word,
    };
    whole && !part.phrase
}

/// What the words at this place of the query, alone or with their neighbours, also mean.
fn alternatives<'a>(query: &ParsedQuery, at: usize, synonyms: &'a Synonyms) -> Vec<&'a [QueryWord]> {
    if synonyms.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for start in at.saturating_sub(3)..=at {
        for end in at..(at + 4).min(query.parts.len()) {
            let words: Vec<&str> = query.parts[start..=end].iter().flat_map(|part| &part.words).map(|word| word.form.as_str()).collect();
            found.extend(synonyms.get(&words.join(" ")).into_iter().flatten().map(Vec::as_slice));
        }
    }
    found
}

/// For the searched slots, then for the bigrams.
fn slot_occurrences(weights: &Weights, slots: &[Field], segments: &[SegmentReader]) -> tantivy::Result<Vec<Occurrences>> {
    let documents: u64 = segments.iter().map(|segment| u64::from(segment.max_doc())).sum();
    let mut all = Vec::with_capacity(slots.len() + 1);
    for field in slots.iter().chain([&crate::schema::BIGRAMS]) {
        let mut tokens = 0;
        for segment in segments {
            tokens += segment.inverted_index(*field)?.total_num_tokens();
        }
        all.push(Occurrences::new(weights, tokens as f32 / documents.max(1) as f32));
    }
    Ok(all)
}

/// The documents of each segment that hold something that must not be there.
pub(super) fn excluded(
    query: &ParsedQuery,
    segments: &[SegmentReader],
    slots: &[SearchedSlot],
) -> tantivy::Result<Option<Vec<tantivy::BitSet>>> {
    if query.negative.is_empty() {
        return Ok(None);
    }
    let mut all = Vec::with_capacity(segments.len());
    for segment in segments {
        let mut found = tantivy::BitSet::with_max_value(segment.max_doc());
        for part in &query.negative {
            for slot in slots {
                for doc in super::phrase::documents(segment, SLOTS[slot.slot], &part.words, &slot.rules)? {
                    found.insert(doc);
                }
            }
        }
        all.push(found);
    }
    Ok(Some(all))
}

/// The words of synonyms, as queries see them.
pub(super) fn synonyms(settings: &onggi_domain::settings::Settings, analyzer: &Analyzer, rules: &[crate::analysis::Rule]) -> Synonyms {
    let words = |text: &str| -> Vec<QueryWord> {
        let query = super::query::parse(text, analyzer, rules, false, 10);
        query
            .parts
            .into_iter()
            .enumerate()
            .flat_map(|(at, part)| part.words.into_iter().map(move |word| QueryWord { offset: word.offset + at as u32, ..word }))
            .collect()
    };
    let mut all = Synonyms::default();
    for (key, alternatives) in &settings.synonyms {
        let key: Vec<String> = words(key).into_iter().map(|word| word.form).collect();
        let alternatives = alternatives.iter().map(|text| words(text)).filter(|words| !words.is_empty());
        all.entry(key.join(" ")).or_default().extend(alternatives);
    }
    all
}

impl List {
    /// The entry of [`Plan::occurrences`] for it.
    pub(super) fn occurrences(&self, slots: usize) -> Option<usize> {
        match self.slot {
            Some(rank) => Some(rank),
            None if self.field == crate::schema::BIGRAMS => Some(slots),
            None => None,
        }
    }
}
