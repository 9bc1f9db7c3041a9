//! The queries of a federated multi-search on this index: each is ranked for itself, all are counted together, and each hit comes with
//! what it is merged with the hits of other indexes by.

use onggi_domain::{
    ApiError, Code,
    federation::{FacetRange, FederatedAnswer, FederatedFacets, FederatedHit, FederatedList, FederatedQuery, FederatedRequest, OrderRule},
};
use serde_json::{Map, Value, json, value::RawValue};
use tantivy::{BitSet, SegmentReader};

use super::{
    HitJson, SearchRequest,
    clock::Clock,
    collect,
    collect::Hit,
    distinct,
    facets::{self, Facet},
    run::{Index, Outcome, Synonyms, failed},
    sort::{KeyReader, KeySource, RankPlan, SortKey, SortValue},
};

/// What a search notes for the merge.
pub(super) struct Listing<'a> {
    index_uid: &'a str,
    query: &'a FederatedQuery,
    distinct: Option<&'a str>,
    rules: Vec<OrderRule>,
    /// The readers of each segment, those before the text's score and those after it.
    readers: Vec<(Vec<KeyReader>, Vec<KeyReader>)>,
    /// Whether the text counts at all.
    scored: bool,
    noted: Vec<Noted>,
    /// Everything that the query finds, by segment.
    pub(super) matched: Vec<BitSet>,
}

struct Noted {
    document: u64,
    values: Vec<Value>,
    distinct: Vec<Value>,
}

impl<'a> Listing<'a> {
    fn new(index_uid: &'a str, query: &'a FederatedQuery, distinct: Option<&'a str>) -> Self {
        let (rules, readers, noted, matched) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { index_uid, query, distinct, rules, readers, scored: false, noted, matched }
    }

    /// The order is known.
    pub(super) fn begin(&mut self, segments: &[SegmentReader], order: &RankPlan, scored: bool) -> tantivy::Result<()> {
        self.scored = scored;
        self.rules = order.before.iter().map(rule).collect();
        if scored {
            self.rules.push(OrderRule::Relevancy);
        }
        self.rules.extend(order.after.iter().map(rule));
        if scored && !order.after.is_empty() {
            self.rules.push(OrderRule::Relevancy);
        }
        let open = |keys: &[SortKey], segment| keys.iter().map(|key| KeyReader::open(key, segment)).collect::<tantivy::Result<Vec<_>>>();
        self.readers = segments
            .iter()
            .map(|segment| Ok((open(&order.before, segment)?, open(&order.after, segment)?)))
            .collect::<tantivy::Result<_>>()?;
        Ok(())
    }

    /// A hit of this score, as it is shown, is part of the answer; it is told where it comes from.
    pub(super) fn note(
        &mut self,
        segments: &[SegmentReader],
        hit: &Hit,
        score: f64,
        added: &mut Map<String, Value>,
    ) -> tantivy::Result<()> {
        let (before, after) = &self.readers[hit.segment as usize];
        let (first, rest) = hit.keys.split_at(before.len());
        let resolved = |readers: &[KeyReader], keys: &[_]| {
            readers.iter().zip(keys).map(|(reader, key)| Ok(value(reader.resolve(*key)?))).collect::<tantivy::Result<Vec<Value>>>()
        };
        let mut values = resolved(before, first)?;
        if self.scored && !after.is_empty() {
            values.push((f64::from(collect::step(hit.score)) / f64::from(collect::STEPS)).into());
        }
        values.extend(resolved(after, rest)?);
        if self.scored {
            values.push(score.into());
        }
        let distinct = match self.distinct {
            Some(attribute) => distinct::values(attribute, &segments[hit.segment as usize], hit.doc)?,
            None => Vec::new(),
        };
        self.noted.push(Noted { document: hit.ord, values, distinct });
        let FederatedQuery { position, weight, .. } = self.query;
        let told = json!({"indexUid": self.index_uid, "queriesPosition": position, "weightedRankingScore": score * weight});
        added.insert("_federation".to_owned(), told);
        Ok(())
    }
}

fn rule(key: &SortKey) -> OrderRule {
    match (&key.source, key.descending) {
        (KeySource::Attribute(_), false) => OrderRule::Ascending,
        (KeySource::Attribute(_), true) => OrderRule::Descending,
        (KeySource::Point { .. }, false) => OrderRule::Nearest,
        (KeySource::Point { .. }, true) => OrderRule::Farthest,
    }
}

fn value(value: SortValue) -> Value {
    match value {
        SortValue::Number(number) => number.into(),
        SortValue::Text(text) => text.into(),
        SortValue::Missing => Value::Null,
    }
}

impl Index<'_> {
    /// Answers the queries, and counts what they find together.
    pub(crate) fn federated_search(
        &self,
        request: &FederatedRequest,
        rule: Option<&Value>,
        synonyms: &Synonyms,
    ) -> Outcome<FederatedAnswer> {
        let names = match self.facet_names(request.facets.as_deref(), Code::InvalidMultiSearchFacets)? {
            Ok(names) => names,
            Err(error) => return Ok(Err(inside(&error, &format!(".federation.facetsByIndex.{}", request.index_uid)))),
        };
        let mut found: Vec<BitSet> = self.segments.iter().map(|segment| BitSet::with_max_value(segment.max_doc())).collect();
        let (mut lists, mut degraded) = (Vec::new(), false);
        for query in &request.queries {
            let FederatedQuery { position, weight, search } = query;
            let refused = |error: ApiError| Ok(Err(inside(&error, &format!(".queries[{position}]"))));
            let search = match SearchRequest::from_json(search.get().as_bytes()) {
                Ok(search) => search,
                Err(error) => return refused(error),
            };
            let distinct = request.distinct.clone().or(search.distinct);
            let search = SearchRequest { limit: request.limit, distinct, ..search };
            let mut listing = Listing::new(request.index_uid.as_str(), query, request.distinct.as_deref());
            let answer = match self.search_listing(&search, rule, synonyms, Some(&mut listing))? {
                Ok(answer) => answer,
                Err(error) => return refused(error),
            };
            for (all, found_now) in found.iter_mut().zip(&listing.matched) {
                facets::each(found_now, |doc| {
                    all.insert(doc);
                });
            }
            degraded |= answer.degraded;
            let hits = listing.noted.into_iter().zip(answer.hits);
            let hit = |(Noted { document, values, distinct }, hit): (_, HitJson)| {
                let hit = RawValue::from_string(hit.0)?;
                Ok::<_, serde_json::Error>(FederatedHit { document, values, distinct, hit })
            };
            let hits = hits.map(hit).collect::<Result<_, _>>();
            let hits = hits.map_err(|error| crate::Error::Damaged { what: "a stored document".to_owned(), why: error.to_string() })?;
            lists.push(FederatedList { position: *position, weight: *weight, rules: listing.rules, hits });
        }
        let facets = match request.facets {
            Some(_) => Some(self.federated_facets(&names, &found).map_err(failed)?),
            None => None,
        };
        let total = found.iter().map(|found| found.len() as u64).sum();
        Ok(Ok(FederatedAnswer { lists, total, facets, primary_key: self.state.primary_key.clone(), degraded }))
    }

    fn federated_facets(&self, names: &[Facet], found: &[BitSet]) -> tantivy::Result<FederatedFacets> {
        let (distribution, ranges) = self.facets(names, found, &Clock::start(self.limits.request_time))?;
        let stats = ranges.into_iter().map(|(name, range)| (name, FacetRange { min: range.min, max: range.max })).collect();
        let order = distribution.keys().map(|name| (name.clone(), facets::order(name, &self.state.settings))).collect();
        Ok(FederatedFacets { distribution, stats, order })
    }
}

/// An error that says in which part of the multi-search it is.
fn inside(error: &ApiError, place: &str) -> ApiError {
    ApiError::new(error.code, format!("Inside `{place}`: {}", error.message))
}
