//! Searching in some attributes where the index cannot tell them from others: those of the shared text slot, and parts of objects. What the slot
//! finds is looked up in the documents, the best ones first.

use onggi_domain::{attribute, limits::Limits};
use serde_json::Value;

use super::{clock::Clock, collect::Hit, highlight::Matcher, plan::Plan, query::ParsedQuery, run::Index};
use crate::{analysis::as_initials, schema::SLOT_COUNT, state::EngineState};

/// What a document must hold, and where.
pub(super) struct Narrowing<'a> {
    index: &'a Index<'a>,
    only: &'a [String],
    query: &'a ParsedQuery,
    wanted: Matcher<'a>,
    unwanted: Matcher<'a>,
    clock: &'a Clock,
}

/// What the named attributes of a document hold.
#[derive(Default)]
struct Held {
    /// Parts of the query, one a bit.
    parts: u32,
    unwanted: bool,
}

impl<'a> Narrowing<'a> {
    /// `None`: the slots tell the attributes of `only` from the others, or there is nothing to look for. Leading consonants are of no attribute.
    pub(super) fn new(
        index: &'a Index<'a>,
        only: Option<&'a [String]>,
        query: &'a ParsedQuery,
        variants: &'a [Vec<String>],
        clock: &'a Clock,
    ) -> Option<Self> {
        let initials = query.parts.iter().any(|part| !part.phrase && as_initials(&part.words[0].form).is_some());
        let only = only.filter(|only| is_blurred(index.engine, only) || initials)?;
        if query.parts.is_empty() && query.negative.is_empty() {
            return None;
        }
        let variants: Vec<&[String]> = variants.iter().map(Vec::as_slice).collect();
        let wanted = Matcher::new(index.analyzer, &query.parts, &variants, index.limits);
        let unwanted = Matcher::new(index.analyzer, &query.negative, &[], index.limits).by_the_letter();
        Some(Self { index, only, query, wanted, unwanted, clock })
    }

    /// Keeps the hits whose named attributes match. `true`: there were more hits than can be looked up, and the last ones are left out.
    pub(super) fn apply(&self, plan: Option<&Plan>, hits: &mut Vec<Hit>) -> crate::Result<bool> {
        let Limits { compared_documents: most, .. } = *self.index.limits;
        let mut cut = hits.len() > most;
        let mut kept = Vec::new();
        for mut hit in hits.drain(..).take(most) {
            if self.clock.check().is_err() {
                cut = true;
                break;
            }
            let raw = (self.index.load)(hit.segment, hit.doc)?;
            let document: Value = serde_json::from_str(&raw)
                .map_err(|error| crate::Error::Damaged { what: "a stored document".to_owned(), why: error.to_string() })?;
            let mut held = Held::default();
            self.look(&document, "", &mut held);
            hit.mask = self.mask(hit.mask, held.parts);
            if !held.unwanted && plan.is_none_or(|plan| plan.accepts(hit.mask)) {
                kept.push(hit);
            }
        }
        *hits = kept;
        Ok(cut)
    }

    /// Of the units that the slot matches: those of parts that are held, and bigrams only beside such.
    fn mask(&self, slot: u32, parts: u32) -> u32 {
        let words = 1_u32.checked_shl(self.query.parts.len() as u32).map_or(u32::MAX, |bit| bit - 1);
        if parts & words == 0 { 0 } else { slot & (parts | !words) }
    }

    fn look(&self, value: &Value, path: &str, held: &mut Held) {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => &number.to_string(),
            Value::Bool(flag) => &flag.to_string(),
            Value::Array(items) => return items.iter().for_each(|item| self.look(item, path, held)),
            Value::Object(fields) => {
                let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                return fields.iter().for_each(|(name, value)| self.look(value, &inner(name), held));
            }
            Value::Null => return,
        };
        if !self.only.iter().any(|name| attribute::matches(name, path)) || self.index.engine.rank(path).is_none() {
            return;
        }
        let rule = self.index.analyzer.rule(path);
        held.parts |= self.wanted.parts(text, rule);
        held.unwanted |= self.unwanted.parts(text, rule) != 0;
    }
}

/// Whether a slot holds more than `only` names of it.
fn is_blurred(engine: &EngineState, only: &[String]) -> bool {
    let whole = |attribute: &String| only.iter().any(|name| attribute::matches(name, attribute));
    let part = |attribute: &String| only.iter().any(|name| attribute::may_hold(attribute, name));
    (0..SLOT_COUNT)
        .map(|slot| engine.attributes_of_slot(slot))
        .any(|attributes| attributes.iter().any(|attribute| whole(attribute) || part(attribute)) && !attributes.iter().all(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slots_that_hold_more_than_is_asked_for_are_looked_into() {
        let engine = EngineState {
            version: 1,
            analysis: String::new(),
            korean: None,
            hangul: false,
            attributes: (0..10).map(|n| format!("n{n}")).collect(),
            columns: Vec::new(),
        };
        for (only, blurred) in [
            (vec!["n0"], false),
            (vec!["n0", "n6"], false),
            (vec!["n7"], true),
            (vec!["n7", "n8", "n9"], false),
            (vec!["n*"], false),
            (vec!["n0.title"], true),
            (vec!["unknown"], false),
            (vec!["*"], false),
        ] {
            let names: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(is_blurred(&engine, &names), blurred, "{only:?}");
        }
    }
}
