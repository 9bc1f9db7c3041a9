//! What a query asks for: words, phrases, and words that must not be there.

use std::ops::Range;

use onggi_domain::{attribute, settings::Settings};

use super::hangul;
use crate::{
    analysis::{Analyzer, Kind, Rule, Word, fold, is_letter, is_syllable},
    schema::SLOT_COUNT,
    state::EngineState,
};

/// A query, cut into parts in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ParsedQuery {
    pub(super) parts: Vec<Part>,
    pub(super) negative: Vec<Part>,
    /// Terms that the positive parts have in a text that is the query itself.
    pub(super) tokens: u32,
}

/// A word or a phrase.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) words: Vec<QueryWord>,
    /// Whether it was between quotes: all of its words, one after the other, as written.
    pub(super) phrase: bool,
    /// Parts that were written as one word (morphemes, bigrams) share this.
    pub(super) group: usize,
    /// The Hangul word that it is of.
    pub(super) written: Option<Written>,
}

/// A Hangul word as it is written in a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    /// Where it begins: the parts of one word share this.
    pub(super) start: usize,
    pub(super) text: String,
    /// Whether it may be the beginning of a longer word.
    pub(super) goes_on: bool,
}

/// A word, as each rule of analysis sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueryWord {
    pub(super) form: String,
    pub(super) kind: Kind,
    /// Its distance from the part's first word.
    pub(super) offset: u32,
    /// Whether it may be the beginning of a longer word.
    pub(super) prefix: bool,
    /// The terms that it has under each rule in use.
    pub(super) terms: Vec<WordTerms>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WordTerms {
    pub(super) rule: Rule,
    pub(super) stem: String,
    pub(super) exact: String,
}

/// A text slot that is searched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SearchedSlot {
    pub(super) slot: usize,
    /// The rules by which its attributes are analysed.
    pub(super) rules: Vec<Rule>,
    /// Whether typos are tolerated in it.
    pub(super) typos: bool,
}

/// The slots of the attributes that are searched: all, or those of `only`. A query in some locales is analysed by their rules where an attribute has
/// such a rule; any other attribute holds terms of its own rules only.
pub(super) fn searched_slots(
    engine: &EngineState,
    analyzer: &Analyzer,
    settings: &Settings,
    only: Option<&[String]>,
    locales: Option<&[String]>,
) -> Vec<SearchedSlot> {
    let wanted = |attribute: &str| {
        only.is_none_or(|only| only.iter().any(|name| attribute::matches(name, attribute) || attribute::may_hold(attribute, name)))
    };
    let exempt = |attribute: &String| settings.typo_tolerance.disable_on_attributes.iter().any(|name| attribute::covers(name, attribute));
    let mut slots = Vec::new();
    for slot in 0..SLOT_COUNT {
        let attributes: Vec<&String> = engine.attributes_of_slot(slot).iter().filter(|attribute| wanted(attribute)).collect();
        if attributes.is_empty() {
            continue;
        }
        let mut rules: Vec<Rule> = attributes.iter().map(|attribute| analyzer.rule(attribute)).collect();
        rules.sort();
        rules.dedup();
        if let Some(locales) = locales
            && rules.iter().any(|rule| analyzer.is_for(*rule, locales))
        {
            rules.retain(|rule| analyzer.is_for(*rule, locales));
        }
        slots.push(SearchedSlot { slot, rules, typos: !attributes.iter().all(|attribute| exempt(attribute)) });
    }
    slots
}

/// The rules of analysis in use in some slots.
pub(super) fn rules(slots: &[SearchedSlot]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = slots.iter().flat_map(|slot| slot.rules.iter().copied()).collect();
    if rules.is_empty() {
        rules.push(Rule::default());
    }
    rules.sort();
    rules.dedup();
    rules
}

/// The words of a text, as a query of these slots has them.
pub(super) fn words(text: &str, analyzer: &Analyzer, slots: &[SearchedSlot]) -> Vec<QueryWord> {
    words_of(text, analyzer, &rules(slots), true).0.into_iter().map(|placed| placed.word).collect()
}

/// Cuts a query. Words after the first `max_words` are ignored; morphemes and bigrams, of which a text has more, may be three times as many.
pub(super) fn parse(q: &str, analyzer: &Analyzer, rules: &[Rule], prefix_search: bool, max_words: usize) -> ParsedQuery {
    let mut query = ParsedQuery::default();
    let mut room = max_words * 3;
    for chunk in chunks(q) {
        let (words, tokens) = words_of(chunk.text, analyzer, rules, chunk.phrase);
        let ends_query = prefix_search && chunk.ends_query;
        let mut parts: Vec<Part> = Vec::new();
        if chunk.phrase {
            let start = words.first().map_or(0, |first| first.word.offset);
            let words: Vec<QueryWord> =
                words.into_iter().map(|Placed { word, .. }| QueryWord { offset: word.offset - start, ..word }).collect();
            if !words.is_empty() {
                parts.push(Part { words, phrase: true, group: 0, written: None });
            }
        } else {
            let base = chunk.text.as_ptr() as usize - q.as_ptr() as usize;
            for placed in words {
                let written = placed.written(chunk.text, base, ends_query);
                let Placed { mut word, group, place } = placed;
                // A character of a script without spaces is looked for in front of any other.
                let character = word.kind == Kind::Bigram && word.form.chars().nth(1).is_none();
                word.prefix = (ends_query && place.end == chunk.text.len()) || character;
                parts.push(Part { words: vec![QueryWord { offset: 0, ..word }], phrase: false, group, written });
            }
            if ends_query && let Some(word) = begun_stop_word(chunk.text, analyzer, rules) {
                let group = parts.last().map_or(0, |last| last.group + 1);
                parts.push(Part { words: vec![word], phrase: false, group, written: None });
            }
        }
        let list = if chunk.negative {
            &mut query.negative
        } else {
            query.tokens += tokens;
            &mut query.parts
        };
        let base = list.last().map_or(0, |part: &Part| part.group + 1);
        for mut part in parts {
            let cost = if part.words.iter().any(|word| word.kind == Kind::Word) { 3 } else { 1 };
            if room < cost {
                break;
            }
            room -= cost;
            part.group += base;
            list.push(part);
        }
    }
    query
}

/// A word with the number of the written word it belongs to, and its place in the text.
struct Placed {
    word: QueryWord,
    group: usize,
    place: Range<usize>,
}

impl Placed {
    /// The Hangul word around it in a text that begins at `base` in the query.
    fn written(&self, text: &str, base: usize, ends_query: bool) -> Option<Written> {
        if !self.word.form.starts_with(is_syllable) || !matches!(self.word.kind, Kind::Word | Kind::Morpheme | Kind::Unfinished) {
            return None;
        }
        let (before, after) = (text.get(..self.place.start)?, text.get(self.place.end..)?);
        let start = self.place.start - before.chars().rev().take_while(|c| is_syllable(*c)).map(char::len_utf8).sum::<usize>();
        let end = self.place.end + after.chars().take_while(|c| is_syllable(*c) || is_letter(*c)).map(char::len_utf8).sum::<usize>();
        Some(Written { start: base + start, text: text[start..end].to_owned(), goes_on: ends_query && end == text.len() })
    }
}

/// The stop word at the very end of a text, as the beginning of another word that it may become.
fn begun_stop_word(text: &str, analyzer: &Analyzer, rules: &[Rule]) -> Option<QueryWord> {
    let length = text.chars().rev().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum::<usize>();
    let form = fold(&text[text.len() - length..]);
    let terms = || rules.iter().map(|rule| WordTerms { rule: *rule, stem: form.clone(), exact: form.clone() }).collect();
    analyzer.is_stop_word(&form).then(|| QueryWord { terms: terms(), form: form.clone(), kind: Kind::Word, offset: 0, prefix: true })
}

/// The words of a text, and how many terms it has. Words that are still being typed are not for the analysis.
fn words_of(text: &str, analyzer: &Analyzer, rules: &[Rule], phrase: bool) -> (Vec<Placed>, u32) {
    let mut places: Vec<(QueryWord, Range<usize>)> = Vec::new();
    let mut tokens = 0;
    let mut at = 0;
    for unfinished in if phrase { Vec::new() } else { hangul::unfinished(text) } {
        tokens += analysed(text, at..unfinished.start, analyzer, rules, &mut places) + 1;
        let offset = places.last().map_or(0, |(word, _)| word.offset + 1);
        let form = text[unfinished.clone()].to_owned();
        at = unfinished.end;
        places.push((QueryWord { form, kind: Kind::Unfinished, offset, prefix: true, terms: Vec::new() }, unfinished));
    }
    tokens += analysed(text, at..text.len(), analyzer, rules, &mut places);
    let (mut group, mut group_end) = (0, 0);
    let mut words: Vec<Placed> = Vec::with_capacity(places.len());
    for (word, place) in places {
        if !words.is_empty() && text.get(group_end..place.start).is_none_or(|between| !between.is_empty()) && place.start >= group_end {
            group += 1;
        }
        group_end = group_end.max(place.end);
        words.push(Placed { word, group, place });
    }
    (words, tokens)
}

/// Adds the words of a part of a text with their places; how many terms it has.
fn analysed(text: &str, part: Range<usize>, analyzer: &Analyzer, rules: &[Rule], words: &mut Vec<(QueryWord, Range<usize>)>) -> u32 {
    let Some((first, others)) = rules.split_first() else { return 0 };
    let text = &text[part.clone()];
    let base = analyzer.words(text, *first);
    let alternatives: Vec<(Rule, Vec<Word>)> = others.iter().map(|rule| (*rule, analyzer.words(text, *rule))).collect();
    let before = words.last().map_or(0, |(word, _)| word.offset + 1);
    let tokens = base.iter().map(Word::term_count).sum();
    for word in base {
        if word.kind == Kind::Alternative
            && let Some((before, _)) = words.last_mut()
        {
            before.terms.push(WordTerms { rule: *first, stem: word.stem_term().to_owned(), exact: word.exact_term() });
        }
        if !word.kind.is_part() {
            continue;
        }
        let mut terms = vec![WordTerms { rule: *first, stem: word.stem_term().to_owned(), exact: word.exact_term() }];
        for (rule, others) in &alternatives {
            if let Some(other) = others.iter().find(|other| other.start == word.start && other.end == word.end && other.kind.is_part()) {
                terms.push(WordTerms { rule: *rule, stem: other.stem_term().to_owned(), exact: other.exact_term() });
            }
        }
        let place = part.start + word.start..part.start + word.end;
        let offset = before + word.position;
        words.push((QueryWord { form: word.form, kind: word.kind, offset, prefix: false, terms }, place));
    }
    tokens
}

/// Has the words of a query looked for by their stems in these locales too: attributes that nobody named a locale for are stemmed by their alphabet.
pub(super) fn stem_in(query: &mut ParsedQuery, analyzer: &Analyzer, locales: &[String]) {
    let words = query.parts.iter_mut().filter(|part| !part.phrase).flat_map(|part| &mut part.words);
    for word in words.filter(|word| word.kind == Kind::Word) {
        let Some(stem) = analyzer.stem_in(&word.form, locales) else { continue };
        let others = word.terms.iter().filter(|terms| terms.stem != stem);
        let more: Vec<WordTerms> = others.map(|terms| WordTerms { stem: stem.clone(), ..terms.clone() }).collect();
        word.terms.extend(more);
    }
}

struct Chunk<'a> {
    text: &'a str,
    phrase: bool,
    negative: bool,
    /// Whether the query ends right behind it, without so much as a space.
    ends_query: bool,
}

/// Cuts a query at quotes and at words that begin with `-`.
fn chunks(q: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut plain_start = 0;
    let mut at = 0;
    let mut at_word_start = true;
    let bytes = q.as_bytes();
    while at < bytes.len() {
        let negative = at_word_start && bytes[at] == b'-' && bytes.get(at + 1).is_some_and(|next| !next.is_ascii_whitespace());
        let open = at + usize::from(negative);
        if bytes.get(open) == Some(&b'"') {
            push_plain(&mut chunks, q, plain_start, at);
            let end = q[open + 1..].find('"').map_or(q.len(), |length| open + 1 + length);
            chunks.push(Chunk { text: &q[open + 1..end], phrase: true, negative, ends_query: false });
            at = (end + 1).min(q.len());
            plain_start = at;
        } else if negative {
            push_plain(&mut chunks, q, plain_start, at);
            let end = q[open..].find(|c: char| c.is_whitespace() || c == '"').map_or(q.len(), |length| open + length);
            chunks.push(Chunk { text: &q[open..end], phrase: false, negative, ends_query: false });
            at = end;
            plain_start = at;
        } else {
            at_word_start = bytes[at].is_ascii_whitespace();
            at += 1;
            continue;
        }
        at_word_start = true;
    }
    push_plain(&mut chunks, q, plain_start, q.len());
    chunks
}

fn push_plain<'a>(chunks: &mut Vec<Chunk<'a>>, q: &'a str, start: usize, end: usize) {
    let text = &q[start..end];
    if !text.trim().is_empty() {
        chunks.push(Chunk { text, phrase: false, negative: false, ends_query: end == q.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(q: &str) -> Vec<String> {
        chunks(q)
            .iter()
            .map(|chunk| {
                let sign = if chunk.negative { "-" } else { "" };
                let quote = if chunk.phrase { "\"" } else { "" };
                format!("{sign}{quote}{}{quote}{}", chunk.text.trim(), if chunk.ends_query { "*" } else { "" })
            })
            .collect()
    }

    #[test]
    fn quotes_and_minus_signs_cut_a_query() {
        for (q, expected) in [
            ("red shoes", vec!["red shoes*"]),
            ("red \"running shoes\" men", vec!["red", "\"running shoes\"", "men*"]),
            ("red -blue -\"dark green\" x", vec!["red", "-blue", "-\"dark green\"", "x*"]),
            ("wi-fi - x", vec!["wi-fi - x*"]),
            ("\"open end", vec!["\"open end\""]),
            ("-", vec!["-*"]),
            ("-a", vec!["-a"]),
            ("é -ü", vec!["é", "-ü"]),
            ("\"\"", vec!["\"\""]),
        ] {
            assert_eq!(shown(q), expected, "{q}");
        }
    }
}
