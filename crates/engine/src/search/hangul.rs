//! Hangul as it is typed: words that are not finished, that have a letter wrong, or that were typed on the wrong keyboard layout.
//!
//! Nothing of this is in the index. A syllable's neighbours in Unicode are the syllables that begin with the same letters, so what an unfinished word may
//! become is a range of the term dictionary; letters are told apart by an automaton that takes syllables to pieces as it goes.

use std::{borrow::Cow, ops::Range, sync::OnceLock};

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use rustc_hash::FxHashMap;
use tantivy::{SegmentReader, postings::TermInfo};

use super::{
    expand::{Expander, List, Reached, Source, Unit},
    query::{Part, QueryWord, SearchedSlot, Written},
    weights::idf,
};
use crate::{
    analysis::{Kind, Place, as_initials, continuations, from_keys, is_letter, is_syllable, letters, to_keys},
    schema::{EXACT_MARK, SLOTS, WRITTEN_MARK},
};

/// What the terms of words begin with: nothing, [`EXACT_MARK`], [`WRITTEN_MARK`].
const MARKS: [&str; 3] = ["", EXACT, WRITTEN];
const EXACT: &str = "\u{1}";
const WRITTEN: &str = "\u{2}";
const _: () = assert!(EXACT.as_bytes()[0] == EXACT_MARK as u8 && WRITTEN.as_bytes()[0] == WRITTEN_MARK as u8);
/// Words that one written word may mean besides itself.
const MOST_WORDS: usize = 48;
/// Terms that are looked at for one written word in one field of a segment.
const MOST_TERMS: usize = 10_000;
/// Letters from which a word may have one wrong: two syllables, about.
const LETTERS_FOR_TYPO: usize = 5;
/// Keys from which a word may have been typed on the wrong layout.
const KEYS_FOR_LAYOUT: usize = 3;

/// The words of a text that are still being typed: syllables, then consonants of the syllables to come.
pub(super) fn unfinished(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains(is_letter) {
        return found;
    }
    let mut at = 0;
    while let Some(start) = text[at..].find(|c| is_syllable(c) || is_letter(c)).map(|start| at + start) {
        let end = text[start..].find(|c| !is_syllable(c) && !is_letter(c)).map_or(text.len(), |end| start + end);
        let word = &text[start..end];
        if word.starts_with(is_syllable) && word.ends_with(is_letter) && !continuations(word).is_empty() {
            found.push(start..end);
        }
        at = end;
    }
    found
}

/// The query with the words that were typed on the wrong keyboard layout as they were meant, where the word as written is not `known` and the meant one
/// is. `known` takes a word and whether more may follow.
pub(super) fn retyped<E>(q: &str, mut known: impl FnMut(&str, bool) -> Result<bool, E>) -> Result<Cow<'_, str>, E> {
    let mut meant = Cow::Borrowed(q);
    let mut shift = 0_isize;
    for token in q.split_whitespace() {
        let start = token.as_ptr() as usize - q.as_ptr() as usize;
        let last = start + token.len() == q.len();
        let Some(other) = on_other_layout(token, last) else { continue };
        if !known(token, last)? && known(&other, last)? {
            let place = start.saturating_add_signed(shift);
            meant.to_mut().replace_range(place..place + token.len(), &other);
            shift += other.len() as isize - token.len() as isize;
        }
    }
    Ok(meant)
}

/// What the keys of a word type on the other layout, if that may be a word. Digits at its end are the same on both.
fn on_other_layout(token: &str, last: bool) -> Option<String> {
    let word = token.trim_end_matches(|c: char| c.is_ascii_digit());
    if word.len() < token.len() && !word.is_empty() {
        return on_other_layout(word, false).map(|other| other + &token[word.len()..]);
    }
    if token.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        if token.len() < KEYS_FOR_LAYOUT {
            return None;
        }
        // Without a small letter the capitals are caps lock's, and not shift's.
        let hangul =
            if token.bytes().any(|byte| byte.is_ascii_lowercase()) { from_keys(token) } else { from_keys(&token.to_ascii_lowercase()) }?;
        let whole = hangul.trim_end_matches(is_letter);
        let unfinished = &hangul[whole.len()..];
        let word = whole.starts_with(is_syllable) && whole.chars().all(is_syllable);
        return (word && (unfinished.is_empty() || (last && as_initials(unfinished).is_some()))).then_some(hangul);
    }
    to_keys(token).filter(|keys| keys.len() >= KEYS_FOR_LAYOUT)
}

/// Whether a written word is in a document, or begins a word of one if it may go on.
pub(super) fn is_known(text: &str, goes_on: bool, segments: &[SegmentReader], slots: &[SearchedSlot]) -> tantivy::Result<bool> {
    let mut begun = if goes_on { continuations(text) } else { Vec::new() };
    if goes_on && text.chars().all(char::is_alphanumeric) {
        begun.push(text.chars().map(|c| (c, c)).collect());
    }
    for slot in slots {
        for segment in segments {
            let index = segment.inverted_index(SLOTS[slot.slot])?;
            for mark in MARKS {
                if index.terms().get(format!("{mark}{text}"))?.is_some() {
                    return Ok(true);
                }
                for places in &begun {
                    let (start, end) = range(mark, places);
                    let mut terms = index.terms().range().ge(&start).lt(&end).into_stream()?;
                    let mut room = MOST_TERMS;
                    while room > 0 && terms.advance() {
                        room -= 1;
                        if std::str::from_utf8(&terms.key()[mark.len()..]).is_ok_and(|form| fits(form, places)) {
                            return Ok(true);
                        }
                    }
                }
            }
        }
    }
    Ok(false)
}

/// Whether a word of a query is in a document, whatever its ending.
pub(super) fn is_held(word: &QueryWord, segments: &[SegmentReader], slots: &[SearchedSlot]) -> tantivy::Result<bool> {
    for slot in slots {
        for segment in segments {
            let index = segment.inverted_index(SLOTS[slot.slot])?;
            for terms in &word.terms {
                if index.terms().get(&terms.stem)?.is_some() || index.terms().get(&terms.exact)?.is_some() {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Whether two parts of a query are of one written word.
pub(super) fn same_word(a: &Part, b: &Part) -> bool {
    let start = |part: &Part| part.written.as_ref().map(|written| written.start);
    a.group == b.group && start(a) == start(b) && !a.phrase && !b.phrase
}

/// Whether the dictionary may have cut an unfinished or wrong word: it left a single syllable, and something else.
pub(super) fn is_doubtful(parts: &[Part]) -> bool {
    let single = |part: &Part| part.words[0].form.chars().nth(1).is_none();
    !is_one_piece(parts) && parts.iter().any(single)
}

/// Whether the parts of a written word are one, and all of it.
fn is_one_piece(parts: &[Part]) -> bool {
    matches!(parts, [only] if only.written.as_ref().is_some_and(|written| written.text == only.words[0].form))
}

/// The first term with this mark whose characters may be at these places, and what comes after the last one.
fn range(mark: &str, places: &[Place]) -> (String, String) {
    let literal: String = places.iter().take_while(|(first, last)| first == last).map(|(c, _)| *c).collect();
    match places.get(literal.chars().count()) {
        Some((first, last)) => (format!("{mark}{literal}{first}"), format!("{mark}{literal}{last}{}", char::MAX)),
        None => (format!("{mark}{literal}"), format!("{mark}{literal}{}", char::MAX)),
    }
}

/// Whether the first characters of a word may be at these places.
fn fits(form: &str, places: &[Place]) -> bool {
    let mut characters = form.chars();
    places.iter().all(|(first, last)| characters.next().is_some_and(|c| (*first..=*last).contains(&c)))
}

/// A word of the index that a written word may mean.
struct Like {
    rank: usize,
    term: String,
    /// One of [`MARKS`].
    mark: &'static str,
    frequency: u64,
    lists: Vec<(usize, TermInfo)>,
}

/// How a match differs from the word of the query.
#[derive(Clone, Copy)]
struct Likeness {
    value: f32,
    typos: u8,
    /// Whether it is the word as it is written.
    exact: bool,
}

impl Expander<'_> {
    /// The unit of a word that is still being typed.
    pub(super) fn unfinished(&mut self, form: &str, position: u32) -> tantivy::Result<Unit> {
        let mut unit = self.empty(Some(position));
        let found = self.continued(&continuations(form))?;
        let how = Likeness { value: self.weights.prefix, typos: 0, exact: false };
        self.add_like(&found, how, 0, &mut unit);
        Ok(unit)
    }

    /// Adds to the units of each written Hangul word the word as it is written, what it may become, if it may go on, and if it is in no document
    /// what it is with one letter wrong or as two words. The dictionary may have cut the unfinished or wrong word to pieces: a word that is meant
    /// stands for all of them.
    pub(super) fn add_typed(&mut self, parts: &[Part], units: &mut [Unit]) -> tantivy::Result<()> {
        let mut from = 0;
        for pieces in parts[..units.len()].chunk_by(same_word) {
            let units = &mut units[from..from + pieces.len()];
            from += pieces.len();
            match &pieces[0].written {
                Some(written) if pieces[0].words[0].kind != Kind::Unfinished => self.add_word(written, pieces, units)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn add_word(&mut self, written: &Written, pieces: &[Part], units: &mut [Unit]) -> tantivy::Result<()> {
        let word = &written.text;
        let (one_piece, doubtful) = (is_one_piece(pieces), is_doubtful(pieces));
        let prefix = Likeness { value: self.weights.prefix, typos: 0, exact: false };
        let unmatched = units.iter().any(|unit| unit.frequency == 0);
        let exact = Likeness { value: self.weights.exact, exact: true, ..prefix };
        let as_written = self.as_written(word)?;
        if !as_written.is_empty() {
            // Where it is written just so, its morphemes are other forms of it.
            let share = self.weights.inflected / self.weights.exact;
            units.iter_mut().flat_map(|unit| &mut unit.segments).flatten().for_each(|list| list.value *= share);
        }
        self.add_like_to_all(&as_written, exact, units);

        let mut found = Vec::new();
        if written.goes_on || (unmatched && as_written.is_empty()) {
            let mut all = if written.goes_on { continuations(word) } else { Vec::new() };
            if !one_piece || unmatched {
                all.push(word.chars().map(|c| (c, c)).collect());
            }
            found = self.continued(&all)?;
            found.retain(|like| match like.mark {
                // Where it does not go on, only particles and endings may follow.
                WRITTEN => !one_piece || unmatched || !like.term.starts_with(word),
                // What begins with a whole word is found as for any other word.
                _ => written.goes_on && !(one_piece && like.term.starts_with(word)),
            });
            // One syllable begins so many words that those which begin with it as it is come first.
            let single = word.chars().nth(1).is_none() && !unmatched;
            let how = match (doubtful, single) {
                (true, _) => Likeness { value: self.weights.exact, ..prefix },
                (false, true) => Likeness { value: self.weights.prefix / 2.0, ..prefix },
                (false, false) => prefix,
            };
            self.add_like_to_all(&found, how, units);
        }
        if !found.is_empty() || !as_written.is_empty() {
            return Ok(());
        }
        if written.goes_on && pieces.len() > 1 {
            let last = pieces.len() - 1;
            let begun = self.continued(&continuations(&pieces[last].words[0].form))?;
            self.add_like(&begun, prefix, 0, &mut units[last]);
        }
        if unmatched || (doubtful && pieces.len() > 1) {
            let typo = Likeness { value: self.weights.typo[0], typos: 1, exact: false };
            let found = self.with_wrong_letter(written)?;
            self.add_like_to_all(&found, typo, units);
        }
        if one_piece && unmatched {
            self.add_split(&pieces[0].words[0], &mut Reached::new(self.documents, 0), &mut units[0])?;
        }
        Ok(())
    }

    /// The word as it is written, where it is of several morphemes.
    fn as_written(&mut self, word: &str) -> tantivy::Result<Vec<Like>> {
        let mut found = Found::default();
        let term = format!("{WRITTEN}{word}");
        self.each_slot(|rank, segment_at, index| {
            if let Some(info) = index.terms().get(&term)? {
                note(&mut found, (rank, WRITTEN), word, segment_at, &info);
            }
            Ok(false)
        })?;
        Ok(best(found))
    }

    /// Adds words that stand for all pieces of a written word.
    fn add_like_to_all(&self, found: &[Like], how: Likeness, units: &mut [Unit]) {
        for (shift, unit) in units.iter_mut().enumerate() {
            self.add_like(found, how, shift as u32, unit);
        }
    }

    fn add_like(&self, found: &[Like], how: Likeness, shift: u32, unit: &mut Unit) {
        for like in found {
            let field = SLOTS[self.slots[like.rank].slot];
            let value = how.value * self.weights.attribute(like.rank, self.slots.len());
            for (segment, info) in &like.lists {
                let source = Source::Term(info.clone());
                let list = List { field, slot: Some(like.rank), value, exact: how.exact, typos: how.typos, shift, source };
                unit.segments[*segment].push(list);
            }
            if !unit.variants.contains(&like.term) {
                unit.variants.push(like.term.clone());
            }
        }
        if unit.frequency == 0 {
            unit.frequency = found.iter().map(|like| like.frequency).max().unwrap_or_default();
            unit.weight = idf(unit.frequency, self.documents);
        }
    }

    /// The words whose first characters are at these places, the most frequent first.
    fn continued(&mut self, all: &[Vec<Place>]) -> tantivy::Result<Vec<Like>> {
        let mut found = Found::default();
        for places in all {
            for mark in MARKS {
                let (start, end) = range(mark, places);
                self.each_slot(|rank, segment_at, index| {
                    let mut terms = index.terms().range().ge(&start).lt(&end).into_stream()?;
                    let mut room = MOST_TERMS;
                    while let Some((term, info)) = terms.next() {
                        if room == 0 {
                            return Ok(true);
                        }
                        room -= 1;
                        let Ok(form) = std::str::from_utf8(&term[mark.len()..]) else { continue };
                        if fits(form, places) {
                            note(&mut found, (rank, mark), form, segment_at, info);
                        }
                    }
                    Ok(false)
                })?;
            }
        }
        Ok(best(found))
    }

    /// The words that differ by one letter, the first of which is right.
    fn with_wrong_letter(&mut self, written: &Written) -> tantivy::Result<Vec<Like>> {
        static BUILDER: OnceLock<LevenshteinAutomatonBuilder> = OnceLock::new();
        let word = written.text.as_str();
        let typed = letters(word);
        let exempt = !self.typos.enabled || self.typos.disable_on_words.contains(word);
        let Some(&first) = continuations(word.get(..3).unwrap_or_default()).first().and_then(|places| places.first()) else {
            return Ok(Vec::new());
        };
        if exempt || typed.chars().count() < LETTERS_FOR_TYPO {
            return Ok(Vec::new());
        }
        let builder = BUILDER.get_or_init(|| LevenshteinAutomatonBuilder::new(1, true));
        // A word as it is written goes on with particles and endings.
        let begun = builder.build_prefix_dfa(&typed);
        let whole = (!written.goes_on).then(|| builder.build_dfa(&typed));
        // The block of all syllables with the first one's initial.
        let block = 588 * ((first.0 as u32 - 0xac00) / 588) + 0xac00;
        let (start, end) = (char::from_u32(block).unwrap_or_default(), char::from_u32(block + 588).unwrap_or(char::MAX));
        let mut found = Found::default();
        let tolerant: Vec<bool> = self.slots.iter().map(|slot| slot.typos).collect();
        for mark in MARKS {
            let dfa = whole.as_ref().filter(|_| mark != WRITTEN).unwrap_or(&begun);
            let (start, end) = (format!("{mark}{start}"), format!("{mark}{end}"));
            self.each_slot(|rank, segment_at, index| {
                if !tolerant[rank] {
                    return Ok(false);
                }
                let mut terms = index.terms().search(ByLetters(dfa)).ge(&start).lt(&end).into_stream()?;
                let mut room = MOST_TERMS;
                while let Some((term, info)) = terms.next() {
                    if room == 0 {
                        return Ok(true);
                    }
                    room -= 1;
                    if let Ok(form) = std::str::from_utf8(&term[mark.len()..]) {
                        note(&mut found, (rank, mark), form, segment_at, info);
                    }
                }
                Ok(false)
            })?;
        }
        Ok(best(found))
    }

    /// Calls back with each searched field of each segment; `true`: something was left out.
    fn each_slot(
        &mut self,
        mut look: impl FnMut(usize, usize, &tantivy::InvertedIndexReader) -> tantivy::Result<bool>,
    ) -> tantivy::Result<()> {
        for (rank, slot) in self.slots.iter().enumerate() {
            for (segment_at, segment) in self.segments.iter().enumerate() {
                self.degraded |= look(rank, segment_at, &*segment.inverted_index(SLOTS[slot.slot])?)?;
            }
        }
        Ok(())
    }
}

/// By the slot's rank and the mark of the term.
type Found = FxHashMap<((usize, &'static str), String), Like>;

fn note(found: &mut Found, (rank, mark): (usize, &'static str), form: &str, segment: usize, info: &TermInfo) {
    let like = found.entry(((rank, mark), form.to_owned())).or_insert_with(|| Like {
        rank,
        term: form.to_owned(),
        mark,
        frequency: 0,
        lists: Vec::new(),
    });
    // One way to go on may be a part of another.
    if like.lists.iter().all(|(known, _)| *known != segment) {
        like.frequency += u64::from(info.doc_freq);
        like.lists.push((segment, info.clone()));
    }
}

/// The most frequent words in an order that does not depend on how they were found.
fn best(found: Found) -> Vec<Like> {
    let mut all: Vec<Like> = found.into_values().collect();
    all.sort_unstable_by(|a, b| b.frequency.cmp(&a.frequency).then_with(|| (&a.term, a.rank, a.mark).cmp(&(&b.term, b.rank, b.mark))));
    all.truncate(MOST_WORDS);
    all
}

/// A Levenshtein automaton over letters that reads syllables.
struct ByLetters<'a>(&'a DFA);

/// The state of the automaton, and the bytes of the character that is being read.
#[derive(Clone, Copy)]
struct Reading {
    state: u32,
    bytes: [u8; 4],
    length: usize,
}

impl tantivy_fst::Automaton for ByLetters<'_> {
    type State = Reading;

    fn start(&self) -> Reading {
        Reading { state: self.0.initial_state(), bytes: [0; 4], length: 0 }
    }

    fn is_match(&self, reading: &Reading) -> bool {
        reading.length == 0 && matches!(self.0.distance(reading.state), Distance::Exact(_))
    }

    fn can_match(&self, reading: &Reading) -> bool {
        reading.state != SINK_STATE
    }

    fn accept(&self, reading: &Reading, byte: u8) -> Reading {
        if MARKS.iter().any(|mark| mark.as_bytes() == [byte]) {
            return *reading;
        }
        let mut next = *reading;
        next.bytes[next.length] = byte;
        next.length += 1;
        if let Ok(character) = std::str::from_utf8(&next.bytes[..next.length]) {
            next.state = letters(character).bytes().fold(next.state, |state, byte| self.0.transition(state, byte));
            next.length = 0;
        } else if next.length == next.bytes.len() {
            next.state = SINK_STATE;
            next.length = 0;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tantivy_fst::Automaton;

    use super::*;

    #[test]
    fn syllables_with_consonants_after_them_are_unfinished() {
        for (text, words) in [
            ("소ㅍ", vec!["소ㅍ"]),
            ("무료 소프ㅌ x", vec!["소프ㅌ"]),
            ("ㅅㅍㅌ", vec![]),
            ("소프트", vec![]),
            ("소ㅏ", vec![]),
            ("ㅋ소", vec![]),
            ("abc", vec![]),
        ] {
            let found: Vec<&str> = unfinished(text).into_iter().map(|place| &text[place]).collect();
            assert_eq!(found, words, "{text}");
        }
    }

    #[test]
    fn only_a_word_that_is_not_known_becomes_one_that_is() {
        let known = |word: &str, _| Ok::<_, Infallible>(["안녕", "hello", "rjator", "검ㅅ"].contains(&word));
        for (q, meant) in [
            ("dkssud", "안녕"),
            ("say dkssud now", "say 안녕 now"),
            ("dkssud dkssud", "안녕 안녕"),
            ("ㅗ디ㅣㅐ", "hello"),
            ("rjator", "rjator"),
            ("rjat", "검ㅅ"),
            ("rjat x", "rjat x"),
            ("rja", "rja"),
            ("-dkssud", "-dkssud"),
            ("\"dkssud\"", "\"dkssud\""),
            ("hello", "hello"),
            ("dk", "dk"),
        ] {
            assert_eq!(retyped(q, known).unwrap(), meant, "{q}");
        }
    }

    #[test]
    fn the_automaton_counts_letters() {
        let dfa = LevenshteinAutomatonBuilder::new(1, true).build_dfa(&letters("검색"));
        let matches = |word: &str| {
            let automaton = ByLetters(&dfa);
            let end = word.bytes().fold(automaton.start(), |reading, byte| automaton.accept(&reading, byte));
            automaton.is_match(&end)
        };
        for word in ["검색", "검삭", "거색", "검색ㅇ", "검새"] {
            assert!(matches(word), "{word}");
        }
        for word in ["검사", "감삭", "검", "x", "검색엔"] {
            assert!(!matches(word), "{word}");
        }
    }
}
