//! The numbers of the ranking, and how the ranking rules of an index switch them.
//!
//! A document's score is the share of the query's information that it holds: the sum over the query's words of idf times how well the word is
//! matched, over the sum of idf. How well is a product: how the word is matched (as written, inflected, as a prefix, with typos), in which attribute, and
//! how often for the attribute's length (BM25's saturation). Closeness of the words and being all of an attribute raise the result within
//! bounds. For one word the steps between the kinds of match are larger than all that follows them, so that the order that Meilisearch's documentation
//! promises holds; with more words the frequency counts more, which is what finds documents by description.

use onggi_domain::settings::{ProximityPrecision, Settings};

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
    /// Whether being in the same attribute is all that distance means.
    pub(super) by_attribute: bool,
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
            bigrams: 0.1,
            attribute: 0.09,
            frequency: 0.012 + 0.688 * long,
            proximity: 0.10,
            by_attribute: settings.proximity_precision == ProximityPrecision::ByAttribute,
            exactness: 0.01,
        };
        if !on("typo") {
            weights.typo = [weights.prefix; 2];
            weights.prefix_typo = [weights.prefix; 2];
        }
        // `wordPosition` has no weight of its own: a word counts the same wherever it stands in its attribute.
        if !on("attribute") && !on("attributeRank") {
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

    /// What a word with so many typos is worth; `longer`: one that goes on after what was typed.
    pub(super) fn variant(&self, typos: u8, longer: bool) -> f32 {
        match (usize::from(typos), longer) {
            (0, _) => self.prefix,
            (typos, false) => self.typo[typos.min(2) - 1],
            (typos, true) => self.prefix_typo[typos.min(2) - 1],
        }
    }

    /// The factor of the attribute at `rank` of `count`.
    pub(super) fn attribute(&self, rank: usize, count: usize) -> f32 {
        1.0 - self.attribute * rank as f32 / count.saturating_sub(1).max(1) as f32
    }

    /// What multiplies a match that occurs `frequency` times in a text of this norm (BM25's length part of the denominator).
    fn occurrences(&self, frequency: u32, norm: f32) -> f32 {
        let frequency = frequency as f32;
        1.0 - self.frequency * (1.0 - frequency / (frequency + norm))
    }
}

impl Weights {
    /// A score as it is shown: 1 where each word of the query is there once, in a text of average length, or better.
    pub(super) fn shown(&self, score: f32) -> f64 {
        f64::from((score / self.occurrences(1, K1)).min(1.0))
    }
}

/// What multiplies a match, by frequency and Tantivy's field norm: worked out once a query for the frequencies that nearly all matches have.
pub(super) struct Occurrences {
    norms: [f32; 256],
    few: [[f32; 256]; FEW],
    weights: Weights,
}

/// Frequencies in the table.
const FEW: usize = 3;

impl Occurrences {
    /// For texts of this average length.
    pub(super) fn new(weights: &Weights, average: f32) -> Self {
        let average = average.max(1.0);
        let norms = std::array::from_fn(|id| {
            let length = tantivy::fieldnorm::FieldNormReader::id_to_fieldnorm(id as u8) as f32;
            K1 * (1.0 - B + B * length / average)
        });
        let few = std::array::from_fn(|at| norms.map(|norm: f32| weights.occurrences(at as u32 + 1, norm)));
        Self { norms, few, weights: weights.clone() }
    }

    /// For a match that occurs `frequency` times in a text of this field norm.
    pub(super) fn factor(&self, frequency: u32, norm: u8) -> f32 {
        match self.few.get((frequency as usize).wrapping_sub(1)) {
            Some(table) => table[usize::from(norm)],
            None => self.weights.occurrences(frequency, self.norms[usize::from(norm)]),
        }
    }
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
    fn a_document_that_holds_all_of_a_query_is_shown_with_a_score_of_1_however_long_the_query() {
        for words in 1..10 {
            let weights = Weights::new(&Settings::default(), words);
            let once = weights.exact * weights.occurrences(1, K1);
            assert!((weights.shown(once) - 1.0).abs() < 1e-6 && weights.shown(once / 2.0) < 0.51, "{words}");
        }
    }

    #[test]
    fn the_table_of_frequencies_holds_what_it_stands_for() {
        let weights = Weights::new(&Settings::default(), 4);
        let occurrences = Occurrences::new(&weights, 50.0);
        for frequency in 1..6 {
            for norm in [0_u8, 40, 90] {
                let expected = weights.occurrences(frequency, occurrences.norms[usize::from(norm)]);
                assert_eq!(occurrences.factor(frequency, norm).to_bits(), expected.to_bits(), "{frequency} {norm}");
            }
        }
    }

    #[test]
    fn a_rule_that_is_left_out_has_no_weight() {
        let with = |rules: &[&str]| {
            let ranking_rules = rules.iter().map(|&rule| rule.to_owned()).collect();
            Weights::new(&Settings { ranking_rules, ..Settings::default() }, 1)
        };
        let weights = with(&["words"]);
        assert!((weights.attribute(1, 2) - 1.0).abs() < f32::EPSILON);
        assert_eq!(weights.proximity.to_bits(), 0);
        assert_eq!(with(&["words", "wordPosition"]), weights);
    }

    #[test]
    fn attribute_and_its_two_parts_weigh_the_same() {
        let old = ["words", "typo", "proximity", "attribute", "sort", "exactness"].map(str::to_owned).to_vec();
        let old = Settings { ranking_rules: old, ..Settings::default() };
        assert_eq!(Weights::new(&old, 2), Weights::new(&Settings::default(), 2));
    }
}
