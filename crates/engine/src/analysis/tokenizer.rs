//! The analyzer as Tantivy's tokenizers. Used for indexing only: queries are built from [`super::Word`]s.
//!
//! The text of a slot is all its values in one string, each begun by [`VALUE_START`] and a letter that names its rule, so that word positions are the
//! tokenizer's alone: the parity of positions carries meaning (`schema`).

use tantivy::{
    Index,
    tokenizer::{RawTokenizer, TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager},
};

use super::{Analyzer, Kind, Rule, korean, words::Session};
use crate::schema::{
    BIGRAM_TOKENIZER, COLUMN_TOKENIZER, EXACT_MARK, INITIALS_TOKENIZER, SLOT_TOKENIZER, VALUE_GAP, VALUE_TOKENIZER, WRITTEN_MARK,
    column_value, normalize_value,
};

/// Begins a value in the text of a slot.
pub(crate) const VALUE_START: char = '\u{1e}';

/// Appends a value to the text of a slot.
pub(crate) fn append_value(slot: &mut String, text: &str, rule: Rule) {
    slot.push(VALUE_START);
    slot.push((b'0' + rule.0) as char);
    if text.contains(VALUE_START) {
        slot.extend(text.chars().map(|c| if c == VALUE_START { ' ' } else { c }));
    } else {
        slot.push_str(text);
    }
}

/// The tokenizers of the schema, for an index that is written.
pub(crate) fn register(index: &mut Index, analyzer: &Analyzer) {
    let indexed = TokenizerManager::new();
    indexed.register("default", RawTokenizer::default());
    indexed.register("raw", RawTokenizer::default());
    indexed.register(BIGRAM_TOKENIZER, TextAnalyzer::from(Whole::new(|text, out| korean::each_bigram(text, |bigram| out.push(bigram)))));
    indexed.register(INITIALS_TOKENIZER, TextAnalyzer::from(Whole::new(|text, out| korean::each_initials(text, |word| out.push(word)))));
    indexed.register(VALUE_TOKENIZER, TextAnalyzer::from(Whole::new(|text, out| out.push(&normalize_value(text)))));
    index.set_tokenizers(indexed);
    register_words(index, analyzer);
    let columns = TokenizerManager::new();
    columns.register("raw", RawTokenizer::default());
    columns.register(COLUMN_TOKENIZER, TextAnalyzer::from(Whole::new(|text, out| out.push(&column_value(text)))));
    index.set_fast_field_tokenizers(columns);
}

/// Makes the segments that are begun from now on be analysed so.
pub(crate) fn register_words(index: &Index, analyzer: &Analyzer) {
    index.tokenizers().register(SLOT_TOKENIZER, TextAnalyzer::from(SlotTokenizer::new(analyzer.clone())));
}

/// The tokenizer of the text slots.
struct SlotTokenizer {
    session: Session,
}

impl SlotTokenizer {
    fn new(analyzer: Analyzer) -> Self {
        Self { session: Session::new(analyzer) }
    }
}

impl Clone for SlotTokenizer {
    fn clone(&self) -> Self {
        Self::new(self.session.analyzer().clone())
    }
}

impl Tokenizer for SlotTokenizer {
    type TokenStream<'a> = SlotStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> SlotStream<'a> {
        self.session.analyze("", Rule::default());
        SlotStream { session: &mut self.session, rest: text, next: 0, base: 0, stem_due: false, token: Token::default() }
    }
}

/// The terms of a slot's text.
struct SlotStream<'a> {
    session: &'a mut Session,
    rest: &'a str,
    next: usize,
    base: u32,
    stem_due: bool,
    token: Token,
}

impl SlotStream<'_> {
    /// Analyses the next value; its words come `VALUE_GAP` after the last one's.
    fn next_value(&mut self) -> bool {
        let Some(value) = self.rest.strip_prefix(VALUE_START) else { return false };
        let end = value.find(VALUE_START).unwrap_or(value.len());
        let rule = Rule(value.as_bytes().first().map_or(0, |letter| letter.saturating_sub(b'0')));
        if self.session.words().end_position() > 0 {
            self.base += self.session.words().end_position() + VALUE_GAP;
        }
        self.session.analyze(value.get(1..end).unwrap_or_default(), rule);
        self.rest = &value[end..];
        self.next = 0;
        true
    }
}

impl TokenStream for SlotStream<'_> {
    fn advance(&mut self) -> bool {
        while self.next >= self.session.words().len() {
            if !self.next_value() {
                return false;
            }
        }
        let words = self.session.words();
        let Some(item) = words.item(self.next) else { return false };
        let (form, stem) = (words.form(item), words.stem(item));
        let position = 2 * (self.base + item.position) as usize;
        self.token.text.clear();
        match stem {
            Some(_) if !self.stem_due && item.kind != Kind::Alternative => {
                self.token.text.push(EXACT_MARK);
                self.token.text.push_str(form);
                self.token.position = position;
                self.stem_due = true;
                return true;
            }
            Some(stem) => {
                self.token.text.push_str(stem);
                self.token.position = position + 1;
            }
            None => {
                if item.kind == Kind::Written {
                    self.token.text.push(WRITTEN_MARK);
                }
                self.token.text.push_str(form);
                self.token.position = position;
            }
        }
        self.stem_due = false;
        self.next += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

/// Terms in one string; positions mean nothing.
#[derive(Default)]
struct Terms {
    characters: String,
    ends: Vec<usize>,
}

impl Terms {
    fn push(&mut self, term: &str) {
        self.characters.push_str(term);
        self.ends.push(self.characters.len());
    }
}

/// A tokenizer that is one function from a text to its terms.
struct Whole {
    function: fn(&str, &mut Terms),
    terms: Terms,
}

impl Whole {
    fn new(function: fn(&str, &mut Terms)) -> Self {
        Self { function, terms: Terms::default() }
    }
}

impl Clone for Whole {
    fn clone(&self) -> Self {
        Self::new(self.function)
    }
}

impl Tokenizer for Whole {
    type TokenStream<'a> = WholeStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WholeStream<'a> {
        self.terms.characters.clear();
        self.terms.ends.clear();
        (self.function)(text, &mut self.terms);
        WholeStream { terms: &self.terms, next: 0, token: Token::default() }
    }
}

/// The terms of a text.
struct WholeStream<'a> {
    terms: &'a Terms,
    next: usize,
    token: Token,
}

impl TokenStream for WholeStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(&end) = self.terms.ends.get(self.next) else { return false };
        let start = if self.next == 0 { 0 } else { self.terms.ends[self.next - 1] };
        self.token.text.clear();
        self.token.text.push_str(&self.terms.characters[start..end]);
        self.token.position = self.next;
        self.next += 1;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use onggi_domain::settings::Settings;

    use super::*;

    #[test]
    fn exact_words_are_at_even_positions_and_values_are_apart() {
        let mut slot = String::new();
        append_value(&mut slot, "Fast connections", Rule::default());
        append_value(&mut slot, "!?", Rule::default());
        append_value(&mut slot, "a\u{1e}b", Rule::default());
        let mut tokenizer = SlotTokenizer::new(Analyzer::new(&Settings::default(), None));
        let mut terms = Vec::new();
        tokenizer.token_stream(&slot).process(&mut |token| terms.push((token.text.clone(), token.position)));
        let expected = [("fast", 0), ("\u{1}connections", 2), ("connect", 3), ("a", 20), ("b", 22)];
        assert_eq!(terms, expected.map(|(term, position)| (term.to_owned(), position)));
    }
}
