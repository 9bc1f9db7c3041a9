//! A search from request to answer.

use std::{cmp::Ordering, time::Duration};

use onggi_domain::{ApiError, Code, generation::IndexState, limits::Limits};
use serde_json::{Map, Value};
use tantivy::{BitSet, SegmentReader, columnar::Column};

use super::{
    MatchingStrategy, SearchRequest, SearchResponse,
    clock::Clock,
    collect::{self, Collected, Hit},
    details, distinct,
    documents::less_room,
    facets::{self, Facet},
    federated::Listing,
    filter::{self, Predicate, Stop},
    format::Formatter,
    highlight::Matcher,
    names,
    narrow::Narrowing,
    plan::{self, Plan},
    query::ParsedQuery,
    rerank,
    sort::{KeyReader, KeySource, RankPlan, SortValue},
    variants::Remembered,
    window::Window,
};
use crate::{
    analysis::{Analyzer, Rule},
    state::EngineState,
};

pub(crate) use super::plan::Synonyms;

/// The best candidates that the second phase looks at. The same for every page, so that pages fit together.
const RERANKED: usize = 300;
const DEFAULT_CUTOFF: Duration = Duration::from_millis(1500);

/// What a search reads.
pub(crate) struct Index<'a> {
    pub(crate) segments: &'a [SegmentReader],
    /// The places of each segment's documents in the order of insertion.
    pub(crate) ords: &'a [Column<u64>],
    pub(crate) state: &'a IndexState,
    pub(crate) engine: &'a EngineState,
    pub(crate) analyzer: &'a Analyzer,
    pub(crate) limits: &'a Limits,
    /// What was found in the term dictionaries before.
    pub(crate) remembered: &'a Remembered,
    /// The document at (segment, document), as it came.
    pub(crate) load: &'a dyn Fn(u32, u32) -> crate::Result<String>,
}

/// A failure of ours, or an answer that may be the caller's error.
pub(super) type Outcome<T> = Result<Result<T, ApiError>, crate::Error>;

pub(super) fn failed(source: tantivy::TantivyError) -> crate::Error {
    crate::Error::Tantivy { what: "searching", source }
}

/// Returns the caller's error from a function that returns an [`Outcome`].
macro_rules! caller {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Ok(Err(error)),
        }
    };
}
pub(super) use caller;

/// What is looked for, by a search or by a facet search.
pub(super) struct Ask<'a> {
    pub(super) q: Option<&'a str>,
    /// The attributes that are searched; `None`: all.
    pub(super) only: Option<&'a [String]>,
    pub(super) locales: Option<&'a [String]>,
    pub(super) strategy: MatchingStrategy,
    pub(super) filter: Option<Predicate>,
    pub(super) order: &'a RankPlan,
    /// How many of the best are wanted; `None`: no more than are counted.
    pub(super) keep: Option<usize>,
    pub(super) keep_matched: bool,
}

/// Which of the hits are wanted.
#[derive(Default)]
pub(super) struct Cut<'a> {
    /// The first so many.
    pub(super) number: usize,
    /// One for each value of this attribute.
    pub(super) distinct_on: Option<&'a str>,
    /// Those with at least this score.
    pub(super) threshold: Option<f64>,
}

/// What was found.
pub(super) struct Found {
    query: ParsedQuery,
    pub(super) plan: Option<Plan>,
    /// Words of other forms that match each part of the query.
    variants: Vec<Vec<String>>,
    pub(super) collected: Collected,
}

impl Index<'_> {
    /// Answers a search; `rule` is a filter that holds besides the request's own.
    pub(crate) fn search(&self, request: &SearchRequest, rule: Option<&Value>, synonyms: &Synonyms) -> Outcome<SearchResponse> {
        self.search_listing(request, rule, synonyms, None)
    }

    /// Answers a search and notes, if asked to, what its hits can be merged with others by.
    pub(super) fn search_listing(
        &self,
        request: &SearchRequest,
        rule: Option<&Value>,
        synonyms: &Synonyms,
        mut listing: Option<&mut Listing<'_>>,
    ) -> Outcome<SearchResponse> {
        let settings = &self.state.settings;
        let clock = self.search_clock();
        let filter = caller!(self.filter(request.filter.as_ref(), rule));
        let order = caller!(RankPlan::new(settings, request.sort.as_deref()));
        let facets = caller!(self.facet_names(request.facets.as_deref(), Code::InvalidSearchFacets)?);
        let distinct_on = caller!(self.distinct(request.distinct.as_deref()));
        let window = Window::new(request, settings.pagination.max_total_hits);
        let every = distinct_on.is_some() || request.ranking_score_threshold.is_some();
        let found = caller!(self.find(
            &Ask {
                q: request.q.as_deref(),
                only: request.attributes_to_search_on.as_deref(),
                locales: request.locales.as_deref(),
                strategy: request.matching_strategy,
                filter,
                order: &order,
                keep: Some(if every { usize::MAX } else { window.end() }),
                keep_matched: !facets.is_empty() || listing.is_some(),
            },
            synonyms,
            &clock,
        )?);
        let Found { query, plan, variants, collected } = found;
        // What was found in the time of the search is put in order, counted and shown in the time of the request.
        clock.extend(self.limits.request_time);
        let degraded = collected.degraded || plan.as_ref().is_some_and(|plan| plan.degraded);
        let ranked = self
            .rank(
                collected,
                plan.as_ref(),
                &order,
                &Cut { number: window.end(), distinct_on: distinct_on.as_deref(), threshold: request.ranking_score_threshold },
                &clock,
            )
            .map_err(failed)?;
        clock.step("rank");

        let (facet_distribution, facet_stats) = match request.facets {
            Some(_) => {
                let (counts, stats) = self.facets(&facets, &ranked.matched, &clock).map_err(failed)?;
                clock.step("count facets");
                (Some(counts), Some(stats))
            }
            None => (None, None),
        };
        if let Some(listing) = &mut listing {
            listing.begin(self.segments, &order, plan.is_some()).map_err(failed)?;
        }
        let variants: Vec<&[String]> = variants.iter().map(Vec::as_slice).collect();
        let matcher = (!query.parts.is_empty()).then(|| Matcher::new(self.analyzer, &query.parts, &variants, self.limits));
        let formatter = Formatter::new(request, self, matcher, &clock);
        let mut hits = Vec::new();
        let mut room = self.limits.answer_bytes.as_u64();
        for at in window.start().min(ranked.hits.len())..window.end().min(ranked.hits.len()) {
            let raw = (self.load)(ranked.hits[at].segment, ranked.hits[at].doc)?;
            let mut added = self.added(request, plan.as_ref(), &order, &ranked, at).map_err(failed)?;
            if let Some(listing) = &mut listing {
                listing.note(self.segments, &ranked.hits[at], shown(plan.as_ref(), &ranked.hits[at]), &mut added).map_err(failed)?;
            }
            let hit = formatter
                .hit(&raw, added)
                .map_err(|error| crate::Error::Damaged { what: "a stored document".to_owned(), why: error.to_string() })?;
            room = caller!(less_room(room, hit.get(), Code::InvalidSearchLimit, self.limits));
            hits.push(hit);
        }
        clock.step("format");
        if let Some(listing) = listing {
            listing.matched = ranked.matched;
        }
        let total = (ranked.total as usize).min(settings.pagination.max_total_hits);
        Ok(Ok(SearchResponse {
            hits,
            query: request.q.clone().unwrap_or_default(),
            processing_time_ms: clock.elapsed().as_millis() as u64,
            paging: window.paging(request, total),
            facet_distribution,
            facet_stats,
            performance_details: request.show_performance_details.then(|| clock.details()),
            degraded: degraded || clock.was_late(),
        }))
    }

    /// The time that a search has: the setting's, and never more than a request has.
    pub(super) fn search_clock(&self) -> Clock {
        let cutoff = self.state.settings.search_cutoff_ms.map_or(DEFAULT_CUTOFF, Duration::from_millis);
        Clock::start(cutoff.min(self.limits.request_time))
    }

    /// All that matches, and the best of it.
    pub(super) fn find(&self, ask: &Ask<'_>, synonyms: &Synonyms, clock: &Clock) -> Outcome<Found> {
        let only = ask.only.filter(|only| !only.iter().any(|name| name == "*"));
        let parsed = caller!(self.parse(ask.q, only, ask.locales)?);
        let mut plan = self.plan(&parsed, ask.strategy, !ask.order.after.is_empty(), ask.filter.is_some(), synonyms).map_err(failed)?;
        let variants: Vec<Vec<String>> = plan.as_mut().map(take_variants).unwrap_or_default();
        clock.step("resolve query");
        let narrowing = Narrowing::new(self, only, &parsed.query, &variants, clock);
        let excluded = match narrowing {
            Some(_) => None,
            None => plan::excluded(&parsed.query, self.segments, &parsed.slots).map_err(failed)?,
        };
        let allowed = self.allowed(ask.filter.as_ref(), clock)?;
        clock.step("filter");
        let keep = match ask.keep {
            _ if narrowing.is_some() => usize::MAX,
            Some(keep) if plan.is_some() => keep.max(RERANKED),
            Some(keep) => keep,
            None => 0,
        };
        let collect = |plan: Option<&Plan>| -> crate::Result<Collected> {
            let mut collected = collect::collect(&collect::Request {
                segments: self.segments,
                ords: self.ords,
                plan,
                allowed: allowed.as_deref(),
                excluded: excluded.as_deref(),
                order: ask.order,
                keep,
                keep_matched: ask.keep_matched && narrowing.is_none(),
                deadline: clock.deadline(),
            })
            .map_err(failed)?;
            if let Some(narrowing) = &narrowing {
                collected.hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.ord.cmp(&b.ord)));
                collected.degraded |= narrowing.apply(plan, &mut collected.hits)?;
                collected.total = collected.hits.len() as u64;
                collected.matched = ask.keep_matched.then(|| self.bits(&collected.hits));
            }
            Ok(collected)
        };
        let mut collected = collect(plan.as_ref())?;
        // A written word that is nowhere as a whole is looked for by its parts.
        if collected.total == 0
            && let Some(plan) = plan.as_mut()
            && plan.loosen()
        {
            collected = collect(Some(plan))?;
        }
        clock.step("find");
        Ok(Ok(Found { query: parsed.query, plan, variants, collected }))
    }

    /// The documents of each segment that a filter lets through. If there was not the time to find out, it lets nothing through.
    pub(super) fn allowed(&self, filter: Option<&Predicate>, clock: &Clock) -> crate::Result<Option<Vec<BitSet>>> {
        let Some(filter) = filter else { return Ok(None) };
        let mut allowed = Vec::with_capacity(self.segments.len());
        for segment in self.segments {
            allowed.push(match filter.documents(segment, Some(clock)) {
                Ok(documents) => documents,
                Err(Stop::Late) => BitSet::with_max_value(segment.max_doc()),
                Err(Stop::Failed(error)) => return Err(failed(error)),
            });
        }
        Ok(Some(allowed))
    }

    /// The request's filter and the rule's, joined.
    pub(super) fn filter(&self, own: Option<&Value>, rule: Option<&Value>) -> Result<Option<Predicate>, ApiError> {
        let mut parts = Vec::new();
        for filter in [rule, own].into_iter().flatten() {
            parts.extend(filter::compiled(filter, &self.state.settings, self.limits, Code::InvalidSearchFilter)?);
        }
        Ok(Predicate::all_of(parts))
    }

    /// The attributes that `facets` means, for an error of this code.
    pub(super) fn facet_names(&self, facets: Option<&[String]>, code: Code) -> Outcome<Vec<Facet>> {
        facets::attributes(facets.unwrap_or_default(), &self.state.settings, self.segments, code).map_err(failed)
    }

    fn distinct(&self, asked: Option<&str>) -> Result<Option<String>, ApiError> {
        let settings = &self.state.settings;
        let Some(name) = asked else { return Ok(settings.distinct_attribute.clone()) };
        if names::is_filterable(name, settings) || settings.distinct_attribute.as_deref() == Some(name) {
            return Ok(Some(name.to_owned()));
        }
        let why = names::why_not(name, settings, "filterable", names::filters);
        let message = format!("Attribute `{name}` is not filterable and thus, cannot be used as distinct attribute. {why}");
        Err(ApiError::new(Code::InvalidSearchDistinct, message))
    }

    /// Puts the hits in their final order.
    pub(super) fn rank(
        &self,
        collected: Collected,
        plan: Option<&Plan>,
        order: &RankPlan,
        cut: &Cut<'_>,
        clock: &Clock,
    ) -> tantivy::Result<Ranked> {
        let Collected { mut hits, mut total, mut matched, .. } = collected;
        self.sort(&mut hits, order)?;
        if let Some(attribute) = cut.distinct_on {
            distinct::apply(attribute, self.segments, &mut hits, clock)?;
            total = hits.len() as u64;
            matched = matched.map(|_| self.bits(&hits));
        }
        if let Some(plan) = plan {
            let rest = hits.split_off(hits.len().min(RERANKED));
            let certain = if order.has_keys() || cut.threshold.is_some() { usize::MAX } else { cut.number };
            let looked_at = rerank::rerank(plan, self.segments, &mut hits, certain)?;
            self.sort(&mut hits[..looked_at], order)?;
            let floor = hits.last().map_or(1.0, |hit| hit.score);
            hits.extend(rest.into_iter().map(|hit| Hit { score: if order.has_keys() { hit.score } else { hit.score.min(floor) }, ..hit }));
        }
        if let Some(threshold) = cut.threshold {
            hits.retain(|hit| shown(plan, hit) >= threshold);
            total = hits.len() as u64;
            matched = matched.map(|_| self.bits(&hits));
        }
        Ok(Ranked { hits, total, matched: matched.unwrap_or_default() })
    }

    /// Sorts hits of all segments.
    pub(super) fn sort(&self, hits: &mut [Hit], order: &RankPlan) -> tantivy::Result<()> {
        if !order.has_keys() {
            hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.ord.cmp(&b.ord)));
            return Ok(());
        }
        let before = order.before.len();
        let readers: Vec<Vec<KeyReader>> = self
            .segments
            .iter()
            .map(|segment| order.keys().map(|key| KeyReader::open(key, segment)).collect())
            .collect::<tantivy::Result<_>>()?;
        if let [only] = readers.as_slice()
            && only.iter().all(KeyReader::is_exact)
        {
            hits.sort_unstable_by(|a, b| collect::compare_local(a, b, before));
            return Ok(());
        }
        let descending: Vec<bool> = order.keys().map(|key| key.descending).collect();
        // All values one after the other, and places that are sorted in the place of hits: there may be as many as there are documents.
        let mut values: Vec<SortValue> = Vec::with_capacity(hits.len() * descending.len());
        for hit in hits.iter() {
            for (reader, key) in readers[hit.segment as usize].iter().zip(&hit.keys) {
                values.push(reader.resolve(*key)?);
            }
        }
        let compare = |a: usize, b: usize, from: usize, to: usize| {
            let value = |hit: usize, key: usize| &values[hit * descending.len() + key];
            (from..to)
                .map(|key| value(a, key).compare(value(b, key), descending[key]))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        let mut places: Vec<u32> = (0..hits.len() as u32).collect();
        places.sort_unstable_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            let (left, right) = (&hits[a], &hits[b]);
            let text =
                || if descending.len() > before { collect::step(right.score).cmp(&collect::step(left.score)) } else { Ordering::Equal };
            compare(a, b, 0, before)
                .then_with(text)
                .then_with(|| compare(a, b, before, descending.len()))
                .then_with(|| right.score.total_cmp(&left.score))
                .then_with(|| left.ord.cmp(&right.ord))
        });
        put_in_order(hits, &mut places);
        Ok(())
    }

    fn bits(&self, hits: &[Hit]) -> Vec<BitSet> {
        let mut all: Vec<BitSet> = self.segments.iter().map(|segment| BitSet::with_max_value(segment.max_doc())).collect();
        for hit in hits {
            all[hit.segment as usize].insert(hit.doc);
        }
        all
    }

    pub(super) fn facets(&self, facets: &[Facet], matched: &[BitSet], clock: &Clock) -> tantivy::Result<(Distribution, Stats)> {
        let settings = &self.state.settings;
        let most = settings.faceting.max_values_per_facet.min(self.limits.facet_values);
        let (mut counts, mut stats) = (Distribution::new(), Stats::new());
        for Facet { name, named } in facets {
            if clock.check().is_err() {
                break;
            }
            let (found, range) = facets::count(name, self.segments, matched)?;
            if *named || !found.is_empty() {
                counts.insert(name.clone(), facets::distribution(name, found, settings, most));
            }
            stats.extend(range.map(|range| (name.clone(), range)));
        }
        counts.sort_keys();
        stats.sort_keys();
        Ok((counts, stats))
    }

    /// What a hit has besides its document.
    fn added(
        &self,
        request: &SearchRequest,
        plan: Option<&Plan>,
        order: &RankPlan,
        ranked: &Ranked,
        at: usize,
    ) -> tantivy::Result<Map<String, Value>> {
        let mut added = Map::new();
        let hit = &ranked.hits[at];
        if request.show_ranking_score {
            added.insert("_rankingScore".to_owned(), shown(plan, hit).into());
        }
        if request.show_ranking_score_details {
            let details = details::of(&self.state.settings, self.segments, plan, order, hit)?;
            added.insert("_rankingScoreDetails".to_owned(), Value::Object(details));
        }
        let point = order.keys().find_map(|key| match key.source {
            KeySource::Point { lat, lng } => Some((lat, lng)),
            KeySource::Attribute(_) => None,
        });
        // How far away a place is tells where it is.
        if let Some(from) = point.filter(|_| names::is_displayed("_geo", &self.state.settings)) {
            let segment = &self.segments[hit.segment as usize];
            let read = |name: &str| filter::numbers(segment, name).map(|column| column.and_then(|column| column.first(hit.doc)));
            if let (Some(lat), Some(lng)) = (read("_geo.lat")?, read("_geo.lng")?) {
                added.insert("_geoDistance".to_owned(), (filter::distance(from, (lat, lng)).round() as u64).into());
            }
        }
        Ok(added)
    }
}

pub(super) type Distribution = indexmap::IndexMap<String, indexmap::IndexMap<String, u64>>;
pub(super) type Stats = indexmap::IndexMap<String, super::FacetStats>;

pub(super) struct Ranked {
    hits: Vec<Hit>,
    total: u64,
    pub(super) matched: Vec<BitSet>,
}

/// Puts at each place what is at the place that is noted there. Follows each cycle once; `places` are used up.
fn put_in_order<T>(items: &mut [T], places: &mut [u32]) {
    for start in 0..places.len() {
        let mut at = start;
        loop {
            let from = std::mem::replace(&mut places[at], at as u32) as usize;
            if from == start {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

/// A hit's score as it is shown; 1 where there is no query.
fn shown(plan: Option<&Plan>, hit: &Hit) -> f64 {
    plan.map_or(1.0, |plan| plan.weights.shown(hit.score))
}

fn take_variants(plan: &mut Plan) -> Vec<Vec<String>> {
    plan.units.iter_mut().map(|unit| std::mem::take(&mut unit.variants)).collect()
}

/// The synonyms of an index, cut into words.
pub(crate) fn synonyms(settings: &onggi_domain::settings::Settings, analyzer: &Analyzer, rules: &[Rule]) -> Synonyms {
    plan::synonyms(settings, analyzer, rules)
}
