//! From the text of a query to what is searched for: words in attributes, typed on the layout that was meant, and what they may become.

use onggi_domain::{ApiError, Code, attribute, settings::PrefixSearch};

use super::{
    MatchingStrategy,
    expand::{Expander, Hangul},
    hangul, names,
    plan::{Plan, Synonyms},
    query::{self, ParsedQuery, SearchedSlot},
    run::{Index, Outcome, failed},
    weights::Weights,
};
use crate::{analysis::compose, state};

/// A query, and where it is looked for.
pub(super) struct Parsed {
    pub(super) query: ParsedQuery,
    pub(super) slots: Vec<SearchedSlot>,
    /// Whether every searchable attribute is searched.
    everywhere: bool,
}

impl Index<'_> {
    /// The words of a query in the attributes of `only` (`None`: all), as they were meant.
    pub(super) fn parse(&self, q: Option<&str>, only: Option<&[String]>, locales: Option<&[String]>) -> Outcome<Parsed> {
        let settings = &self.state.settings;
        let q = &*compose(q.unwrap_or_default());
        if q.chars().count() > self.limits.query_chars {
            let message = format!("Invalid value at `.q`: a query has at most {} characters.", self.limits.query_chars);
            return Ok(Err(ApiError::new(Code::InvalidSearchQ, message)));
        }
        for name in only.unwrap_or_default() {
            let known =
                self.engine.attributes.iter().any(|attribute| attribute::matches(name, attribute) || attribute::may_hold(attribute, name));
            if !known && !state::searches_all(settings) {
                let known = names::listed(self.engine.attributes.iter().map(String::as_str), settings).unwrap_or_default();
                let message = format!("Attribute `{name}` is not searchable. Available searchable attributes are: {known}.");
                return Ok(Err(ApiError::new(Code::InvalidSearchAttributesToSearchOn, message)));
            }
        }
        let slots = query::searched_slots(self.engine, self.analyzer, settings, only, locales);
        let rules = query::rules(&slots);
        let prefix = settings.prefix_search == PrefixSearch::IndexingTime;
        let parse = |q: &str, prefix: bool| query::parse(q, self.analyzer, &rules, prefix, self.limits.query_words);
        let known = |text: &str, goes_on: bool| -> tantivy::Result<bool> {
            if settings.typo_tolerance.disable_on_words.contains(text) {
                return Ok(true);
            }
            let goes_on = prefix && goes_on;
            if hangul::is_known(text, goes_on, self.segments, &slots)? {
                return Ok(true);
            }
            let parts = parse(text, goes_on).parts;
            for part in &parts {
                let word = &part.words[0];
                if !hangul::is_held(word, self.segments, &slots)? && !hangul::is_known(&word.form, word.prefix, self.segments, &slots)? {
                    return Ok(false);
                }
            }
            Ok(!parts.is_empty())
        };
        let retypes = self.engine.hangul && settings.typo_tolerance.enabled;
        let meant = if retypes { hangul::retyped(q, known).map_err(failed)? } else { q.into() };
        let mut query = parse(&meant, prefix);
        if let Some(locales) = locales {
            query::stem_in(&mut query, self.analyzer, locales);
        }
        Ok(Ok(Parsed { query, slots, everywhere: only.is_none() }))
    }

    /// What is searched for, with all that the words may become.
    pub(super) fn plan(
        &self,
        parsed: &Parsed,
        strategy: MatchingStrategy,
        stepped: bool,
        filtered: bool,
        synonyms: &Synonyms,
    ) -> tantivy::Result<Option<Plan>> {
        let settings = &self.state.settings;
        let mut weights = Weights::new(settings, parsed.query.parts.len());
        if stepped {
            weights.ignore_frequency();
        }
        let expander = Expander {
            segments: self.segments,
            slots: &parsed.slots,
            analyzer: self.analyzer,
            typos: &settings.typo_tolerance,
            weights: &weights,
            remembered: self.remembered,
            hangul: match (self.engine.hangul, parsed.everywhere) {
                (false, _) => Hangul::Absent,
                (true, false) => Hangul::Words,
                (true, true) => Hangul::Pairs,
            },
            filtered,
            documents: self.segments.iter().map(|segment| u64::from(segment.max_doc())).sum(),
            degraded: false,
        };
        Plan::new(&parsed.query, synonyms, strategy, weights.clone(), expander)
    }
}
