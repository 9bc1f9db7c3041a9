//! A search among the values of a facet: those that begin with the query, or hold a word that does, with typos as in any search.

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder};
use onggi_domain::{
    ApiError, Code, attribute,
    settings::{FacetOrder, Settings, TypoTolerance},
};
use serde_json::Value;

use super::{
    FacetSearchRequest, FacetSearchResponse, MatchingStrategy,
    facets::{self, Counts, FacetKey},
    names,
    responses::FacetHit,
    run::{Ask, Cut, Index, Outcome, Synonyms, caller, failed},
    sort::RankPlan,
};
use crate::schema::normalize_value;

impl Index<'_> {
    /// Values of a facet that fit a query, among the documents that match.
    pub(crate) fn facet_search(
        &self,
        request: &FacetSearchRequest,
        rule: Option<&Value>,
        synonyms: &Synonyms,
    ) -> Outcome<FacetSearchResponse> {
        let settings = &self.state.settings;
        caller!(check_searchable(&request.facet_name, settings));
        let clock = self.search_clock();
        let order = RankPlan::default();
        let threshold = request.ranking_score_threshold;
        let ask = Ask {
            q: request.q.as_deref(),
            only: request.attributes_to_search_on.as_deref(),
            locales: request.locales.as_deref(),
            strategy: request.matching_strategy.unwrap_or(MatchingStrategy::Last),
            filter: caller!(self.filter(request.filter.as_ref(), rule)),
            order: &order,
            keep: threshold.map(|_| usize::MAX),
            keep_matched: true,
        };
        let found = caller!(self.find(&ask, synonyms, &clock)?);
        let ranked =
            self.rank(found.collected, found.plan.as_ref(), &order, &Cut { threshold, ..Cut::default() }, &clock).map_err(failed)?;
        let (counts, _) = facets::count(&request.facet_name, self.segments, &ranked.matched).map_err(failed)?;
        let mut facet_hits = hits(&request.facet_name, counts, request.facet_query.as_deref(), settings);
        facet_hits.truncate(settings.faceting.max_values_per_facet.min(self.limits.facet_values));
        let processing_time_ms = clock.elapsed().as_millis() as u64;
        Ok(Ok(FacetSearchResponse { facet_hits, facet_query: request.facet_query.clone(), processing_time_ms }))
    }
}

/// The values that fit the query, in the order that the settings ask for.
fn hits(attribute: &str, counts: Counts, query: Option<&str>, settings: &Settings) -> Vec<FacetHit> {
    let exempt = settings.typo_tolerance.disable_on_attributes.iter().any(|name| attribute::covers(name, attribute));
    let wanted = Wanted::new(query.unwrap_or_default(), &settings.typo_tolerance, exempt);
    let fits = |key: &FacetKey, shown: &str| match key {
        FacetKey::Text(normalized) => wanted.fits(normalized),
        FacetKey::Number(_) => wanted.fits(shown),
    };
    let mut hits: Vec<FacetHit> =
        counts.into_iter().filter(|(key, (shown, _))| fits(key, shown)).map(|(_, (value, count))| FacetHit { value, count }).collect();
    if facets::order(attribute, settings) == FacetOrder::Count {
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.count));
    }
    hits
}

/// What a value has to hold: for each word of the query a word that begins so.
struct Wanted(Vec<Beginning>);

enum Beginning {
    Exact(String),
    Near { dfa: DFA, typos: u8 },
}

impl Wanted {
    fn new(query: &str, typos: &TypoTolerance, exempt: bool) -> Self {
        let sizes = typos.min_word_size_for_typos;
        let beginning = |word: &str| {
            let length = word.chars().count();
            let number = typos.disable_on_numbers && word.chars().all(char::is_numeric);
            let allowed = match length {
                _ if exempt || !typos.enabled || number || typos.disable_on_words.contains(word) => 0,
                _ if length >= usize::from(sizes.two_typos) => 2,
                _ if length >= usize::from(sizes.one_typo) => 1,
                _ => 0,
            };
            match allowed {
                0 => Beginning::Exact(word.to_owned()),
                typos => Beginning::Near { dfa: LevenshteinAutomatonBuilder::new(typos, true).build_prefix_dfa(word), typos },
            }
        };
        Self(normalize_value(query).split_whitespace().map(beginning).collect())
    }

    fn fits(&self, value: &str) -> bool {
        self.0.iter().all(|wanted| beginnings(value).any(|rest| wanted.fits(rest)))
    }
}

impl Beginning {
    fn fits(&self, rest: &str) -> bool {
        match self {
            Self::Exact(word) => rest.starts_with(word),
            Self::Near { dfa, typos } => matches!(dfa.eval(rest), Distance::Exact(distance) if distance <= *typos),
        }
    }
}

/// The value from each of its words on. Without spaces between words, as in Korean compounds, only its beginning counts.
fn beginnings(value: &str) -> impl Iterator<Item = &str> {
    let mut before = None;
    let starts = value.char_indices().filter(move |(_, c)| {
        // Accents stand behind their letters.
        let start = before.replace(*c).is_none_or(|before: char| !before.is_alphanumeric() && !('\u{300}'..='\u{36f}').contains(&before));
        start && !c.is_whitespace()
    });
    starts.map(|(at, _)| &value[at..])
}

fn check_searchable(attribute: &str, settings: &Settings) -> Result<(), ApiError> {
    if !settings.facet_search {
        return Err(ApiError::new(Code::FacetSearchDisabled, "The facet search is disabled for this index"));
    }
    if names::rule(attribute, settings).is_some_and(|(_, rule)| names::searches_facets(rule)) {
        return Ok(());
    }
    let why = names::why_not(attribute, settings, "facet-searchable", names::searches_facets);
    let message = format!("Attribute `{attribute}` is not facet-searchable. {why}");
    Err(ApiError::new(Code::InvalidFacetSearchFacetName, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_the_beginnings_of_their_words() {
        let typos = TypoTolerance::default();
        for (query, value, fits) in [
            ("", "anything", true),
            ("sci", "science fiction", true),
            ("fic", "science fiction", true),
            ("ence", "science fiction", false),
            ("fiction sci", "science fiction", true),
            ("sci-fi", "sci-fi", true),
            ("fi", "sci-fi", true),
            ("SCIENCE", "science fiction", true),
            ("scinece", "science fiction", true),
            ("fictoin", "science fiction", true),
            ("scei", "science fiction", false),
            ("소프트", "소프트웨어 공학", true),
            ("공학", "소프트웨어 공학", true),
            ("x", "", false),
            ("éte", "Été indien", true),
            ("te", "Été indien", false),
        ] {
            assert_eq!(Wanted::new(query, &typos, false).fits(&normalize_value(value)), fits, "{query} in {value}");
        }
    }

    #[test]
    fn typos_are_tolerated_where_the_settings_do() {
        let fits = |typos: &TypoTolerance, exempt: bool| Wanted::new("scinece", typos, exempt).fits("science");
        let default = TypoTolerance::default();
        assert!(fits(&default, false) && !fits(&default, true));
        assert!(!fits(&TypoTolerance { enabled: false, ..default.clone() }, false));
        assert!(!fits(&TypoTolerance { disable_on_words: ["scinece".to_owned()].into(), ..default.clone() }, false));
        let numbers = TypoTolerance { disable_on_numbers: true, ..default.clone() };
        assert!(Wanted::new("12345", &default, false).fits("12354") && !Wanted::new("12345", &numbers, false).fits("12354"));
    }
}
