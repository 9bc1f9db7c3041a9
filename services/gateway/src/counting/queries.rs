//! The log of queries: what was searched for, in words that are as good as the same, added up until it is told. Bounded by a number of
//! different queries; who asks is not in it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use bytes::Bytes;
use onggi_domain::{IndexId, TenantId, limits::LOGGED_QUERY_CHARS, usage::Counts};
use onggi_metadata::QueryCounts;
use serde::Deserialize;
use url::form_urlencoded;

/// Clicks whose repetitions are noticed.
const CLICKS: usize = 100_000;

/// Something to be logged.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) tenant: TenantId,
    pub(crate) index: IndexId,
    pub(crate) source: Source,
    /// For how many of its kind it stands.
    pub(crate) weight: u64,
    pub(crate) what: What,
}

/// Where the query is.
#[derive(Debug)]
pub(crate) enum Source {
    /// In the body of a search.
    Body(Bytes),
    /// In a query string.
    Query(String),
    /// It is this.
    Text(String),
}

/// What happened.
#[derive(Debug)]
pub(crate) enum What {
    /// It was searched for.
    Search {
        /// Hits; `None`: not known.
        hits: Option<u64>,
        /// How long that took.
        taken: Duration,
    },
    /// A hit was clicked, at this position from 1. The same click again does not count.
    Click { position: u32, who_and_what: u128 },
    /// It led to what the tenant wants.
    Conversion { who_and_what: u128 },
}

/// What was logged and is not told yet.
pub(crate) struct Tally {
    by_index: BTreeMap<IndexId, (TenantId, BTreeMap<String, Counts>)>,
    events: HashSet<u64>,
    different: usize,
    most_per_index: usize,
    most: usize,
}

impl Tally {
    pub(crate) fn new(most_per_index: usize, most: usize) -> Self {
        Self { by_index: BTreeMap::new(), events: HashSet::new(), different: 0, most_per_index, most }
    }

    pub(crate) fn add(&mut self, entry: &Entry) {
        let Some(query) = entry.source.query().map(|query| normalized(&query)).filter(|query| !query.is_empty()) else { return };
        let counts = match entry.what {
            What::Search { hits, taken } => {
                let no_hits = if hits == Some(0) { entry.weight } else { 0 };
                let mut counts = Counts { searches: entry.weight, no_hits, ..Counts::default() };
                counts.latencies.count(taken, entry.weight);
                counts
            }
            What::Click { position, who_and_what } if self.is_new((entry.index, &query, 1, who_and_what)) => {
                Counts { clicks: entry.weight, positions: u64::from(position) * entry.weight, ..Counts::default() }
            }
            What::Conversion { who_and_what } if self.is_new((entry.index, &query, 2, who_and_what)) => {
                Counts { conversions: entry.weight, ..Counts::default() }
            }
            What::Click { .. } | What::Conversion { .. } => return,
        };
        let (_, queries) = self.by_index.entry(entry.index).or_insert_with(|| (entry.tenant, BTreeMap::new()));
        if let Some(known) = queries.get_mut(&query) {
            known.add(&counts);
        } else if queries.len() < self.most_per_index && self.different < self.most {
            self.different += 1;
            queries.insert(query, counts);
        }
    }

    fn is_new(&mut self, event: impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        event.hash(&mut hasher);
        self.events.len() < CLICKS && self.events.insert(hasher.finish())
    }

    /// What was logged, in the order of indexes and queries.
    pub(crate) fn take(&mut self) -> Vec<QueryCounts> {
        self.different = 0;
        self.events.clear();
        let by_index = std::mem::take(&mut self.by_index);
        let told = |(index, (tenant, queries)): (IndexId, (TenantId, BTreeMap<String, Counts>))| {
            queries.into_iter().map(move |(query, counts)| QueryCounts { tenant, index, query, counts })
        };
        by_index.into_iter().flat_map(told).collect()
    }
}

impl Source {
    /// How much room it takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Query(text) => text.len(),
            Self::Body(body) => body.len(),
        }
    }

    fn query(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) => Some(text.into()),
            Self::Query(query) => form_urlencoded::parse(query.as_bytes()).find_map(|(name, value)| (name == "q").then_some(value)),
            Self::Body(body) => serde_json::from_slice::<Asked<'_>>(body).ok()?.q,
        }
    }
}

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow, default)]
    q: Option<Cow<'a, str>>,
}

/// Lower case, one space between words, cut off where it is too long.
pub(crate) fn normalized(query: &str) -> String {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").chars().filter(|char| !char.is_control()).take(LOGGED_QUERY_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(source: Source, what: What) -> Entry {
        Entry { tenant: TenantId(uuid::Uuid::nil()), index: IndexId(uuid::Uuid::nil()), source, weight: 10, what }
    }

    fn search(source: Source, hits: u64) -> Entry {
        entry(source, What::Search { hits: Some(hits), taken: Duration::from_millis(1) })
    }

    #[test]
    fn queries_that_are_as_good_as_the_same_are_added_up_wherever_they_stand() {
        let mut tally = Tally::new(10, 10);
        tally.add(&search(Source::Body("{\"filter\":[],\"q\":\"  Red\\tJAR \"}".into()), 0));
        tally.add(&search(Source::Query("limit=1&q=red+jar".to_owned()), 3));
        tally.add(&search(Source::Text("red jar".to_owned()), 3));
        for nothing in ["{}", "{\"q\":null}", "{\"q\":\"  \"}", "no json"] {
            tally.add(&search(Source::Body(nothing.into()), 0));
        }
        let told = tally.take();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((told[0].query.as_str(), told[0].counts.searches, told[0].counts.no_hits), ("red jar", 30, 10));
        assert!(tally.take().is_empty());
    }

    #[test]
    fn a_click_counts_once_and_different_queries_are_bounded() {
        let mut tally = Tally::new(2, 10);
        let click = |query: &str, who| entry(Source::Text(query.to_owned()), What::Click { position: 3, who_and_what: who });
        for (query, who) in [("a", 1), ("a", 1), ("a", 2), ("b", 1), ("c", 1)] {
            tally.add(&click(query, who));
        }
        tally.add(&entry(Source::Text("a".to_owned()), What::Conversion { who_and_what: 1 }));
        let told: Vec<_> = tally.take().into_iter().map(|told| (told.query, told.counts.clicks, told.counts.positions)).collect();
        assert_eq!(told, [("a".to_owned(), 20, 60), ("b".to_owned(), 10, 30)]);
    }

    #[test]
    fn a_long_query_is_cut_off() {
        assert_eq!(normalized(&"x".repeat(1000)).len(), LOGGED_QUERY_CHARS);
        assert_eq!(normalized("가\u{0}나"), "가나");
    }
}
