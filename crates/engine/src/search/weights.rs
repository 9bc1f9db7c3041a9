//! The numbers of the ranking, and how the ranking rules of an index switch them.
//!
//! A document's score is the share of the query's information that it holds: the sum over the query's words of idf times how well the word is
//! matched, over the sum of idf. How well is a product: how the word is matched (as written, inflected, as a prefix, with typos), in which attribute, and
//! how often for the attribute's length (BM25's saturation). Closeness of the words and being all of an attribute raise the result within
//! bounds. For one word the steps between the kinds of match are larger than all that follows them, so that the order that Meilisearch's documentation
//! promises holds; with more words the frequency counts more, which is what finds documents by description.

use onggi_domain::settings::Settings;

/// BM25's constants.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// The numbers for one query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub(super) exact: f32,
    pub(super) inflected: f32,
    pub(super) synonym: f32,
    pub(super) prefix: f32,
    /// By number of typos, from one.
    pub(super) typo: [f32; 2],
    pub(super) prefix_typo: [f32; 2],
    /// The share of a Hangul word's information that its bigrams carry.
    pub(super) bigrams: f32,
    /// What the last attribute costs.
    attribute: f32,
    /// What frequency and length decide.
    frequency: f32,
    /// What distance costs.
    pub(super) proximity: f32,
    /// What not being the whole attribute costs.
    pub(super) exactness: f32,
}

impl Weights {
    /// For a query of so many words.
    pub(super) fn new(settings: &Settings, words: usize) -> Self {
        let on = |rule: &str| settings.ranking_rules.iter().any(|name| name == rule);
        let long = (words.saturating_sub(1) as f32 / 4.0).min(1.0);
        let mut weights = Self {
            exact: 1.0,
            inflected: 0.97,
            synonym: 0.95,
            prefix: 0.87,
            typo: [0.70, 0.50],
            prefix_typo: [0.62, 0.44],
            bigrams: 0.2,
            attribute: 0.09,
            frequency: 0.012 + 0.688 * long,
            proximity: 0.10,
            exactness: 0.01,
        };
        if !on("typo") {
            weights.typo = [weights.prefix; 2];
            weights.prefix_typo = [weights.prefix; 2];
        }
        if !on("attribute") {
            weights.attribute = 0.0;
        }
        if !on("proximity") {
            weights.proximity = 0.0;
        }
        if !on("exactness") {
            weights.inflected = weights.exact;
            weights.exactness = 0.0;
        }
        weights
    }

    /// Leaves out how often and in how long a text a word occurs: where documents that match equally well are told apart by something else.
    pub(super) fn ignore_frequency(&mut self) {
        self.frequency = 0.0;
    }

    /// The factor of the attribute at `rank` of `count`.
    pub(super) fn attribute(&self, rank: usize, count: usize) -> f32 {
        1.0 - self.attribute * rank as f32 / count.saturating_sub(1).max(1) as f32
    }

    /// What multiplies a match that occurs `frequency` times in a text of this norm (from [`norms`]).
    pub(super) fn occurrences(&self, frequency: u32, norm: f32) -> f32 {
        let frequency = frequency as f32;
        1.0 - self.frequency * (1.0 - frequency / (frequency + norm))
    }
}

/// For each of Tantivy's 256 field norms: BM25's length part of the denominator.
pub(super) fn norms(average: f32) -> [f32; 256] {
    let average = average.max(1.0);
    std::array::from_fn(|id| {
        let length = tantivy::fieldnorm::FieldNormReader::id_to_fieldnorm(id as u8) as f32;
        K1 * (1.0 - B + B * length / average)
    })
}

/// The information of a word that `frequency` of `documents` hold (BM25's idf).
pub(super) fn idf(frequency: u64, documents: u64) -> f32 {
    let (n, total) = (frequency.min(documents) as f32, documents as f32);
    (1.0 + (total - n + 0.5) / (n + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_one_word_each_step_outweighs_all_that_follow() {
        let weights = Weights::new(&Settings::default(), 1);
        let worst = weights.attribute(7, 8) * weights.occurrences(1, 100.0);
        assert!(weights.exact * worst > weights.prefix);
        assert!(weights.prefix * worst > weights.typo[0]);
        assert!(weights.typo[0] * worst > weights.prefix_typo[0]);
        assert!(weights.prefix_typo[0] * worst > weights.typo[1]);
        assert!(weights.attribute(0, 2) * weights.occurrences(1, 100.0) > weights.attribute(1, 2));
    }

    #[test]
    fn a_rule_that_is_left_out_has_no_weight() {
        let settings = Settings { ranking_rules: vec!["words".to_owned()], ..Settings::default() };
        let weights = Weights::new(&settings, 1);
        assert!((weights.attribute(1, 2) - 1.0).abs() < f32::EPSILON);
        assert_eq!(weights.proximity.to_bits(), 0);
    }
}
