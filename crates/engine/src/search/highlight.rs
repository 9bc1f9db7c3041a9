//! Which parts of a text a query matches, and the text around them: highlighting and cropping.

use std::ops::Range;

use onggi_domain::limits::Limits;
use rustc_hash::FxHashSet;
use unicode_segmentation::UnicodeSegmentation;

use super::{
    expand::MAX_UNITS,
    hangul::same_word,
    query::{Part, QueryWord, Written},
};
use crate::analysis::{Analyzer, Kind, Letters, Rule, WordRef, as_initials, initials, is_syllable};

/// Finds matches in texts, for one query.
pub(super) struct Matcher<'a> {
    analyzer: &'a Analyzer,
    words: Vec<Wanted<'a>>,
    phrases: Vec<(usize, &'a [QueryWord])>,
    /// What words that match begin with.
    letters: Letters,
    /// How far into a text matches are looked for.
    most_bytes: usize,
}

struct Wanted<'a> {
    word: &'a QueryWord,
    variants: FxHashSet<&'a str>,
    number: usize,
    /// The Hangul word as it is written that it is of.
    written: Option<&'a Written>,
    /// Whether it is a syllable of a longer word, which means nothing where the others are not around it.
    syllable: bool,
    /// The leading consonants that the word stands for, if it does.
    initials: Option<String>,
    /// Whether it may stand within a longer Hangul word.
    within: bool,
}

/// A part of a text that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) range: Range<usize>,
    /// Which word of the query it matches.
    word: usize,
    /// Whether it may be joined with a neighbour that it touches.
    joins: bool,
}

/// How much of a text to show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Crop<'a> {
    pub(super) words: usize,
    pub(super) marker: &'a str,
}

impl<'a> Matcher<'a> {
    /// For the parts of a query, which have these other forms.
    pub(super) fn new(analyzer: &'a Analyzer, parts: &'a [Part], variants: &[&'a [String]], limits: &Limits) -> Self {
        let mut words = Vec::new();
        let mut phrases = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            if part.phrase {
                phrases.push((number, part.words.as_slice()));
            } else {
                words.push(Wanted::new(parts, number, variants.get(number).copied().unwrap_or_default()));
            }
        }
        let queries = parts.iter().flat_map(|part| &part.words);
        let forms = queries.flat_map(|word| word.terms.iter().map(|terms| &terms.stem).chain([&word.form]));
        let written = words.iter().filter_map(|wanted: &Wanted<'a>| wanted.written.map(|written| written.text.as_str()));
        let others = words.iter().flat_map(|wanted| wanted.variants.iter().copied()).chain(written);
        let letters = Letters::of(forms.map(String::as_str).chain(others));
        Self { analyzer, words, phrases, letters, most_bytes: limits.highlight_bytes.as_u64() as usize }
    }

    /// Each word only as it is written, as if it were a phrase.
    pub(super) fn by_the_letter(mut self) -> Self {
        self.phrases.extend(self.words.drain(..).map(|wanted| (wanted.number, std::slice::from_ref(wanted.word))));
        self
    }

    /// The matches in a text, in order, without overlaps.
    pub(super) fn find(&self, text: &str, rule: Rule) -> Vec<Match> {
        let mut found = self.look(text, rule, |words| {
            let mut found = Vec::new();
            for word in words {
                found.extend(self.words.iter().find_map(|wanted| wanted.matches(*word, text)));
            }
            self.find_phrases(words, &mut found);
            found
        });
        found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
        self.remove_stray(&mut found);
        merge(found)
    }

    /// Removes matches of single syllables of a word that touch no other match, if others are left. The matches are in order.
    fn remove_stray(&self, found: &mut Vec<Match>) {
        let syllables: Vec<usize> = self.words.iter().filter(|wanted| wanted.syllable).map(|wanted| wanted.number).collect();
        if syllables.is_empty() {
            return;
        }
        let mut ranges: Vec<Range<usize>> = found.iter().map(|found| found.range.clone()).collect();
        ranges.dedup();
        let (mut end, mut apart) = (None, Vec::new());
        for (at, range) in ranges.iter().enumerate() {
            let touches_next = ranges.get(at + 1).is_some_and(|next| next.start <= range.end);
            if end < Some(range.start) && !touches_next {
                apart.push(range.start);
            }
            end = end.max(Some(range.end));
        }
        let is_stray = |found: &Match| syllables.contains(&found.word) && apart.binary_search(&found.range.start).is_ok();
        if !found.iter().all(is_stray) {
            found.retain(|found| !is_stray(found));
        }
    }

    /// The parts of the query that a text holds, one a bit.
    pub(super) fn parts(&self, text: &str, rule: Rule) -> u32 {
        let numbers = self.look(text, rule, |words| {
            let held = self.words.iter().filter(|wanted| words.iter().any(|word| wanted.matches(*word, text).is_some()));
            let mut numbers: Vec<usize> = held.map(|wanted| wanted.number).collect();
            let mut found = Vec::new();
            self.find_phrases(words, &mut found);
            numbers.extend(found.iter().map(|found| found.word));
            numbers
        });
        numbers.into_iter().filter(|number| *number < MAX_UNITS).fold(0, |bits, number| bits | 1 << number)
    }

    fn find_phrases(&self, words: &[WordRef<'_>], found: &mut Vec<Match>) {
        for (number, phrase) in &self.phrases {
            find_phrase(phrase, words, *number, found);
        }
    }

    /// Looks at the words of a text, if there is something to look for.
    fn look<T: Default>(&self, text: &str, rule: Rule, look: impl FnOnce(&[WordRef<'_>]) -> T) -> T {
        if self.words.is_empty() && self.phrases.is_empty() {
            return T::default();
        }
        let text = &text[..text.floor_char_boundary(self.most_bytes)];
        self.analyzer.with_words(self.letters, text, rule, |words| look(&words.iter().collect::<Vec<_>>()))
    }
}

impl<'a> Wanted<'a> {
    fn new(parts: &'a [Part], number: usize, variants: &'a [String]) -> Self {
        let part = &parts[number];
        let word = &part.words[0];
        let length = word.form.chars().count();
        let within = length > 1 && word.form.chars().all(is_syllable);
        let syllable = length == 1 && part.written.is_some() && parts.iter().any(|other| other != part && same_word(other, part));
        let variants = variants.iter().map(String::as_str).collect();
        Self { word, variants, number, written: part.written.as_ref(), syllable, initials: as_initials(&word.form), within }
    }

    fn matches(&self, word: WordRef<'_>, text: &str) -> Option<Match> {
        let joins = word.kind != Kind::Word;
        let whole = |range: Range<usize>| Some(Match { range, word: self.number, joins });
        let query = self.word;
        let same = query.form == word.form || query.terms.iter().any(|terms| terms.stem == word.stem_term());
        if same {
            return whole(word.start..word.end);
        }
        if query.prefix && word.form.starts_with(&query.form) {
            return whole(word.start..prefix_end(text, word, query.form.chars().count()));
        }
        let is_variant = self.variants.contains(word.form);
        if let Some(written) = self.written
            && (word.form == written.text
                || (written.goes_on && word.form.starts_with(&written.text))
                || (is_variant && word.kind == Kind::Written))
        {
            return whole(word.start..prefix_end(text, word, written.text.chars().count()));
        }
        if is_variant {
            return whole(word.start..word.end);
        }
        if let Some(wanted) = &self.initials
            && initials(word.form).starts_with(wanted)
        {
            return whole(word.start..prefix_end(text, word, wanted.chars().count()));
        }
        if self.within
            && let Some(at) = text.get(word.start..word.end).and_then(|written| written.find(&query.form))
        {
            return whole(word.start + at..word.start + at + query.form.len());
        }
        None
    }
}

fn prefix_end(text: &str, word: WordRef<'_>, characters: usize) -> usize {
    let written = text.get(word.start..word.end).unwrap_or_default();
    written.grapheme_indices(true).nth(characters).map_or(word.end, |(at, _)| word.start + at)
}

fn find_phrase(phrase: &[QueryWord], words: &[WordRef<'_>], number: usize, found: &mut Vec<Match>) {
    let words: Vec<&WordRef<'_>> = words.iter().filter(|word| word.kind.is_part()).collect();
    for start in 0..words.len() {
        let Some(run) = words.get(start..start + phrase.len()) else { break };
        let fits =
            phrase.iter().zip(run).all(|(wanted, word)| wanted.form == word.form && wanted.offset == word.position - run[0].position);
        if fits {
            let end = run.iter().map(|word| word.end).max().unwrap_or(run[0].end);
            found.push(Match { range: run[0].start..end, word: number, joins: run[0].kind != Kind::Word });
        }
    }
}

fn merge(found: Vec<Match>) -> Vec<Match> {
    let mut merged: Vec<Match> = Vec::with_capacity(found.len());
    for next in found {
        match merged.last_mut() {
            Some(last) if next.range.start < last.range.end || (next.range.start == last.range.end && last.joins && next.joins) => {
                last.range.end = last.range.end.max(next.range.end);
            }
            _ => merged.push(next),
        }
    }
    merged
}

/// Appends the text with its matches between tags, cropped if asked for.
pub(super) fn render(text: &str, matches: &[Match], tags: Option<(&str, &str)>, crop: Option<Crop<'_>>, out: &mut String) {
    let window = match crop {
        Some(crop) if crop.words > 0 => window(text, matches, crop.words),
        _ => 0..text.len(),
    };
    let marker = crop.map_or("", |crop| crop.marker);
    if window.start > 0 {
        out.push_str(marker);
    }
    let mut at = window.start;
    if let Some((open, close)) = tags {
        for found in matches.iter().filter(|found| found.range.start >= window.start && found.range.end <= window.end) {
            out.push_str(&text[at..found.range.start]);
            out.push_str(open);
            out.push_str(&text[found.range.clone()]);
            out.push_str(close);
            at = found.range.end;
        }
    }
    out.push_str(&text[at..window.end]);
    if window.end < text.len() {
        out.push_str(marker);
    }
}

/// A word or what is between words.
struct Piece {
    range: Range<usize>,
    word: bool,
    /// Ends a sentence.
    hard: bool,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (start, part) in text.split_word_bound_indices() {
        let range = start..start + part.len();
        if part.chars().any(char::is_alphanumeric) {
            pieces.push(Piece { range, word: true, hard: false });
            continue;
        }
        let hard = part.contains(['.', '!', '?', ';', '\n', '。', '！', '？']);
        match pieces.last_mut() {
            Some(last) if !last.word => {
                last.range.end = range.end;
                last.hard |= hard;
            }
            _ => pieces.push(Piece { range, word: false, hard }),
        }
    }
    pieces
}

/// The part of a text of so many words that holds the most different words of the query, closest together, and as much around them.
/// After Meilisearch's rules for where to grow: towards words, and rather within a sentence than out of it.
fn window(text: &str, matches: &[Match], size: usize) -> Range<usize> {
    let pieces = pieces(text);
    let words: Vec<usize> = (0..pieces.len()).filter(|&at| pieces[at].word).collect();
    if words.len() <= size {
        return 0..text.len();
    }
    let (first, last) = best_run(&pieces, &words, matches, size);
    let mut left = words[first];
    let mut right = words[last];
    let mut room = size.saturating_sub(last - first + 1);
    while room > 0 {
        let before = left.checked_sub(1).map(|at| &pieces[at]);
        let after = pieces.get(right + 1);
        let (go_left, go_right) = match (before, after) {
            (None, None) => break,
            (Some(_), None) => (true, false),
            (None, Some(_)) => (false, true),
            (Some(a), Some(b)) => match (a.word, b.word) {
                (true, true) => (true, room > 1),
                (true, false) => (true, false),
                (false, true) => (false, true),
                (false, false) if a.hard == b.hard => (true, true),
                (false, false) => (!a.hard, a.hard),
            },
        };
        if go_left {
            left -= 1;
            room -= usize::from(pieces[left].word);
        }
        if go_right && right + 1 < pieces.len() {
            right += 1;
            room = room.saturating_sub(usize::from(pieces[right].word));
        }
    }
    // A match is shown whole: the characters of some scripts count as words.
    let whole = |range: Range<usize>| {
        let crossing = matches.iter().filter(|found| found.range.start < range.end && range.start < found.range.end);
        crossing.fold(range.clone(), |range, found| range.start.min(found.range.start)..range.end.max(found.range.end))
    };
    let start = if left == 0 { 0 } else { pieces[left].range.start };
    // A full stop behind the last word is not worth a marker.
    let end = if pieces[right + 1..].iter().any(|piece| piece.word) { pieces[right].range.end } else { text.len() };
    whole(start..end)
}

/// The first and last word of the best run of matches; without a match the beginning.
fn best_run(pieces: &[Piece], words: &[usize], matches: &[Match], size: usize) -> (usize, usize) {
    let place = |found: &Match| words.partition_point(|&at| pieces[at].range.end <= found.range.start);
    let places: Vec<(usize, usize)> = matches.iter().map(|found| (place(found).min(words.len() - 1), found.word)).collect();
    let mut best = None;
    for (at, &(first, _)) in places.iter().enumerate() {
        let run: Vec<&(usize, usize)> = places[at..].iter().take_while(|(place, _)| place - first < size).collect();
        let mut different: Vec<usize> = run.iter().map(|(_, word)| *word).collect();
        different.sort_unstable();
        different.dedup();
        let last = run.last().map_or(first, |(place, _)| *place);
        let spread: usize = run.windows(2).map(|pair| (pair[1].0 - pair[0].0).min(8)).sum();
        let rank = (different.len() * 1000 + run.len(), std::cmp::Reverse(spread));
        if best.as_ref().is_none_or(|(known, _)| rank > *known) {
            best = Some((rank, (first, last)));
        }
    }
    best.map_or((0, 0), |(_, run)| run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, words: &[&str]) -> Vec<Match> {
        let mut found: Vec<Match> = words
            .iter()
            .enumerate()
            .flat_map(|(number, word)| {
                text.match_indices(word).map(move |(at, _)| Match { range: at..at + word.len(), word: number, joins: false })
            })
            .collect();
        found.sort_by_key(|found| found.range.start);
        found
    }

    fn rendered(text: &str, matches: &[Match], tags: Option<(&str, &str)>, crop: Option<Crop<'_>>) -> String {
        let mut out = String::new();
        render(text, matches, tags, crop, &mut out);
        out
    }

    #[test]
    fn matches_stand_between_tags() {
        for (text, words, expected) in [
            ("red shoes", vec!["shoes"], "red <em>shoes</em>"),
            ("red shoes, red hat", vec!["red", "hat"], "<em>red</em> shoes, <em>red</em> <em>hat</em>"),
            ("nothing", vec!["x"], "nothing"),
            ("", vec!["x"], ""),
        ] {
            assert_eq!(rendered(text, &matches(text, &words), Some(("<em>", "</em>")), None), expected);
        }
    }

    #[test]
    fn crops_keep_the_best_part() {
        let text = "The quick brown fox jumps over the lazy dog. A second sentence, with words.";
        for (words, size, expected) in [
            (vec![], 3, "The quick brown…"),
            (vec!["fox"], 1, "…fox…"),
            (vec!["fox"], 3, "…brown fox jumps…"),
            (vec!["lazy", "quick", "dog"], 4, "…over the lazy dog…"),
            (vec!["words"], 3, "…sentence, with words."),
            (vec!["The"], 2, "The quick…"),
            (vec!["fox"], 100, text),
            (vec!["fox"], 0, text),
        ] {
            let found = matches(text, &words);
            assert_eq!(rendered(text, &found, None, Some(Crop { words: size, marker: "…" })), expected, "{words:?} {size}");
        }
    }

    #[test]
    fn touching_parts_of_one_written_word_become_one() {
        let part = |range: Range<usize>, joins| Match { range, word: 0, joins };
        assert_eq!(merge(vec![part(0..3, true), part(3..6, true), part(6..9, false)]).len(), 2);
        assert_eq!(merge(vec![part(0..4, false), part(2..6, false)]), [part(0..6, false)]);
    }
}
