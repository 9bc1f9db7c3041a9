//! A search from request to answer.

use std::time::{Duration, Instant};

use onggi_domain::{
    ApiError, Code,
    generation::IndexState,
    limits::Limits,
    settings::{FilterableAttribute, PrefixSearch, Settings},
};
use serde_json::{Map, Value, value::RawValue};
use tantivy::{BitSet, SegmentReader, query::Query};

use super::{
    DocumentsPage, DocumentsRequest, FacetSearchRequest, FacetSearchResponse, MatchingStrategy, Paging, SearchRequest, SearchResponse,
    collect::{self, Collected, Hit},
    distinct,
    expand::Expander,
    facets,
    federated::Listing,
    filter,
    format::{self, Formatter, Shown},
    hangul,
    highlight::Matcher,
    plan::{self, Plan},
    query::{self, ParsedQuery, SearchedSlot},
    rerank::{self, Closeness},
    sort::{self, KeyReader, KeySource, RankPlan, SortValue},
    weights::Weights,
};
use crate::{
    analysis::{Analyzer, Rule},
    state::{self, EngineState},
};

pub(crate) use super::plan::Synonyms;

/// The best candidates that the second phase looks at. The same for every page, so that pages fit together.
const RERANKED: usize = 300;
const DEFAULT_CUTOFF: Duration = Duration::from_millis(1500);
/// Listing documents is not cut short by the search cutoff.
const DOCUMENTS_TIME: Duration = Duration::from_secs(30);

/// What a search reads.
pub(crate) struct Index<'a> {
    pub(crate) segments: &'a [SegmentReader],
    pub(crate) state: &'a IndexState,
    pub(crate) engine: &'a EngineState,
    pub(crate) analyzer: &'a Analyzer,
    pub(crate) limits: &'a Limits,
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

/// Which part of all that matches is answered.
struct Window {
    offset: usize,
    limit: usize,
    pages: Option<(usize, usize)>,
}

impl Window {
    fn new(request: &SearchRequest, max: usize) -> Self {
        let pages = (request.page.is_some() || request.hits_per_page.is_some())
            .then(|| (request.page.unwrap_or(1), request.hits_per_page.unwrap_or(20)));
        let (offset, limit) = match pages {
            Some((0, _)) => (0, 0),
            Some((page, size)) => ((page - 1).saturating_mul(size), size),
            None => (request.offset, request.limit),
        };
        let offset = offset.min(max);
        Self { offset, limit: limit.min(max - offset), pages }
    }

    fn end(&self) -> usize {
        self.offset + self.limit
    }

    fn paging(&self, request: &SearchRequest, total: usize) -> Paging {
        match self.pages {
            Some((page, hits_per_page)) => {
                let total_pages = if hits_per_page == 0 { 0 } else { total.div_ceil(hits_per_page) };
                Paging::Pages { hits_per_page, page, total_pages, total_hits: total }
            }
            None => Paging::Offset { limit: request.limit, offset: request.offset, estimated_total_hits: total },
        }
    }
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
        let start = Instant::now();
        let settings = &self.state.settings;
        let filter = caller!(self.filter(request.filter.as_ref(), rule));
        let order = caller!(RankPlan::new(settings, request.sort.as_deref()));
        let facet_names = caller!(self.facet_names(request.facets.as_deref(), Code::InvalidSearchFacets));
        let distinct_on = caller!(self.distinct(request.distinct.as_deref()));
        let parsed = caller!(self.parse(request.q.as_deref(), request.attributes_to_search_on.as_deref(), request.locales.as_deref())?);
        let window = Window::new(request, settings.pagination.max_total_hits);

        let mut plan =
            self.plan(&parsed, request.matching_strategy, !order.after.is_empty(), filter.is_some(), synonyms).map_err(failed)?;
        let variants: Vec<Vec<String>> = plan.as_mut().map(take_variants).unwrap_or_default();
        let excluded = plan::excluded(&parsed.query, self.segments, &parsed.slots).map_err(failed)?;
        let keep = if distinct_on.is_some() || request.ranking_score_threshold.is_some() {
            usize::MAX
        } else if plan.is_some() {
            window.end().max(RERANKED)
        } else {
            window.end()
        };
        let collected = collect::collect(&collect::Request {
            segments: self.segments,
            plan: plan.as_ref(),
            filter: filter.as_deref(),
            excluded: excluded.as_deref(),
            order: &order,
            keep,
            keep_matched: !facet_names.is_empty() || listing.is_some(),
            deadline: start + settings.search_cutoff_ms.map_or(DEFAULT_CUTOFF, Duration::from_millis),
        })
        .map_err(failed)?;
        let degraded = collected.degraded || plan.as_ref().is_some_and(|plan| plan.degraded);
        let ranked =
            self.rank(collected, plan.as_ref(), &order, distinct_on.as_deref(), request.ranking_score_threshold).map_err(failed)?;

        let (facet_distribution, facet_stats) = match request.facets {
            Some(_) => {
                let (counts, stats) = self.facets(&facet_names, &ranked.matched).map_err(failed)?;
                (Some(counts), Some(stats))
            }
            None => (None, None),
        };
        if let Some(listing) = &mut listing {
            listing.begin(self.segments, &order, plan.is_some()).map_err(failed)?;
        }
        let variants: Vec<&[String]> = variants.iter().map(Vec::as_slice).collect();
        let matcher = (!parsed.query.parts.is_empty()).then(|| Matcher::new(self.analyzer, &parsed.query, &variants));
        let formatter = caller!(Formatter::new(request, settings, self.analyzer, matcher));
        let mut hits = Vec::with_capacity(window.limit.min(ranked.hits.len()));
        for at in window.offset.min(ranked.hits.len())..window.end().min(ranked.hits.len()) {
            let raw = (self.load)(ranked.hits[at].segment, ranked.hits[at].doc)?;
            let mut added = self.added(request, plan.as_ref(), &order, &ranked, at).map_err(failed)?;
            if let Some(listing) = &mut listing {
                listing.note(self.segments, &ranked.hits[at], &mut added).map_err(failed)?;
            }
            hits.push(
                formatter
                    .hit(&raw, added)
                    .map_err(|error| crate::Error::Damaged { what: "a stored document".to_owned(), why: error.to_string() })?,
            );
        }
        if let Some(listing) = listing {
            listing.matched = ranked.matched;
        }
        let total = (ranked.total as usize).min(settings.pagination.max_total_hits);
        Ok(Ok(SearchResponse {
            hits,
            query: request.q.clone().unwrap_or_default(),
            processing_time_ms: start.elapsed().as_millis() as u64,
            paging: window.paging(request, total),
            facet_distribution,
            facet_stats,
            degraded,
        }))
    }

    /// Values of a facet that begin with a query, among the documents that match.
    pub(crate) fn facet_search(
        &self,
        request: &FacetSearchRequest,
        rule: Option<&Value>,
        synonyms: &Synonyms,
    ) -> Outcome<FacetSearchResponse> {
        let start = Instant::now();
        let settings = &self.state.settings;
        caller!(facets::check_searchable(&request.facet_name, settings));
        let filter = caller!(self.filter(request.filter.as_ref(), rule));
        let parsed = caller!(self.parse(request.q.as_deref(), request.attributes_to_search_on.as_deref(), request.locales.as_deref())?);
        let strategy = request.matching_strategy.unwrap_or(MatchingStrategy::Last);
        let plan = self.plan(&parsed, strategy, false, filter.is_some(), synonyms).map_err(failed)?;
        let excluded = plan::excluded(&parsed.query, self.segments, &parsed.slots).map_err(failed)?;
        let collected = collect::collect(&collect::Request {
            segments: self.segments,
            plan: plan.as_ref(),
            filter: filter.as_deref(),
            excluded: excluded.as_deref(),
            order: &RankPlan::default(),
            keep: 0,
            keep_matched: true,
            deadline: start + settings.search_cutoff_ms.map_or(DEFAULT_CUTOFF, Duration::from_millis),
        })
        .map_err(failed)?;
        let matched = collected.matched.unwrap_or_default();
        let (counts, _) = facets::count(&request.facet_name, self.segments, &matched).map_err(failed)?;
        Ok(Ok(FacetSearchResponse {
            facet_hits: facets::search(&request.facet_name, counts, request.facet_query.as_deref(), settings),
            facet_query: request.facet_query.clone(),
            processing_time_ms: start.elapsed().as_millis() as u64,
        }))
    }

    /// A page of documents in order of insertion, or sorted.
    pub(crate) fn documents(&self, request: &DocumentsRequest, filter: Option<&dyn Query>, start: Instant) -> Outcome<DocumentsPage> {
        let keys = caller!(sort::parse(request.sort.as_deref().unwrap_or_default(), &self.state.settings, Code::InvalidDocumentSort));
        let order = RankPlan { before: keys, after: Vec::new() };
        let end = request.offset.saturating_add(request.limit);
        let collected = collect::collect(&collect::Request {
            segments: self.segments,
            plan: None,
            filter,
            excluded: None,
            order: &order,
            keep: end,
            keep_matched: false,
            deadline: start + DOCUMENTS_TIME,
        })
        .map_err(failed)?;
        let mut hits = collected.hits;
        self.sort(&mut hits, &order).map_err(failed)?;
        let mut results = Vec::new();
        for hit in hits.iter().take(end).skip(request.offset) {
            results.push(show((self.load)(hit.segment, hit.doc)?, request.fields.as_deref())?);
        }
        Ok(Ok(DocumentsPage { results, offset: request.offset, limit: request.limit, total: collected.total as usize }))
    }

    /// The request's filter and the rule's, joined.
    pub(crate) fn filter(&self, own: Option<&Value>, rule: Option<&Value>) -> Result<Option<Box<dyn Query>>, ApiError> {
        let mut queries = Vec::new();
        for filter in [rule, own].into_iter().flatten() {
            queries.extend(filter::to_query(filter, &self.state.settings, self.limits, Code::InvalidSearchFilter)?);
        }
        Ok(filter::all_of(queries))
    }

    pub(super) fn facet_names(&self, facets: Option<&[String]>, code: Code) -> Result<Vec<String>, ApiError> {
        let seen: Vec<String> = self.state.fields.keys().cloned().collect();
        facets::attributes(facets.unwrap_or_default(), &self.state.settings, &seen, code)
    }

    fn distinct(&self, asked: Option<&str>) -> Result<Option<String>, ApiError> {
        let settings = &self.state.settings;
        let Some(name) = asked else { return Ok(settings.distinct_attribute.clone()) };
        let filterable =
            settings.filterable_attributes.iter().any(|rule| rule.patterns().iter().any(|pattern| state::matches(pattern, name)));
        if filterable || settings.distinct_attribute.as_deref() == Some(name) {
            return Ok(Some(name.to_owned()));
        }
        let known: Vec<String> =
            settings.filterable_attributes.iter().flat_map(FilterableAttribute::patterns).map(|pattern| format!("`{pattern}`")).collect();
        let hint = if known.is_empty() {
            "This index does not have configured filterable attributes.".to_owned()
        } else {
            format!("Available filterable attributes patterns are: {}.", known.join(", "))
        };
        Err(ApiError::new(
            Code::InvalidSearchDistinct,
            format!("Attribute `{name}` is not filterable and thus, cannot be used as distinct attribute. {hint}"),
        ))
    }

    fn parse(&self, q: Option<&str>, only: Option<&[String]>, locales: Option<&[String]>) -> Outcome<Parsed> {
        let settings = &self.state.settings;
        let q = q.unwrap_or_default();
        if q.chars().count() > self.limits.query_chars {
            let message = format!("Invalid value at `.q`: a query has at most {} characters.", self.limits.query_chars);
            return Ok(Err(ApiError::new(Code::InvalidSearchQ, message)));
        }
        let only = only.filter(|only| !only.iter().any(|name| name == "*"));
        for name in only.unwrap_or_default() {
            let known = self.engine.attributes.iter().any(|attribute| state::matches(name, attribute) || state::covers(attribute, name));
            if !known && !state::searches_all(settings) {
                let known: Vec<String> = self.engine.attributes.iter().map(|name| format!("`{name}`")).collect();
                let message = format!("Attribute `{name}` is not searchable. Available searchable attributes are: {}.", known.join(", "));
                return Ok(Err(ApiError::new(Code::InvalidSearchAttributesToSearchOn, message)));
            }
        }
        let slots = query::searched_slots(self.engine, self.analyzer, settings, only, locales);
        let mut rules: Vec<Rule> = slots.iter().flat_map(|slot| slot.rules.iter().copied()).collect();
        if rules.is_empty() {
            rules.push(Rule::default());
        }
        rules.sort();
        rules.dedup();
        let prefix = settings.prefix_search == PrefixSearch::IndexingTime;
        let parse = |q: &str, prefix: bool| query::parse(q, self.analyzer, &rules, prefix, self.limits.query_words);
        let known = |text: &str, goes_on: bool| -> tantivy::Result<bool> {
            if settings.typo_tolerance.disable_on_words.contains(text) {
                return Ok(true);
            }
            let parts = parse(text, prefix && goes_on).parts;
            for part in &parts {
                if !hangul::is_known(&part.words[0], self.segments, &slots)? {
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
        Ok(Ok(Parsed { query, slots }))
    }

    fn plan(
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
        let expander = Expander::new(self.segments, &parsed.slots, &settings.typo_tolerance, &weights, filtered);
        Plan::new(&parsed.query, synonyms, strategy, self.engine.hangul, weights.clone(), expander)
    }

    /// Puts the hits in their final order.
    fn rank(
        &self,
        collected: Collected,
        plan: Option<&Plan>,
        order: &RankPlan,
        distinct_on: Option<&str>,
        threshold: Option<f64>,
    ) -> tantivy::Result<Ranked> {
        let Collected { mut hits, mut total, mut matched, .. } = collected;
        self.sort(&mut hits, order)?;
        if let Some(attribute) = distinct_on {
            distinct::apply(attribute, self.segments, &mut hits)?;
            total = hits.len() as u64;
            matched = matched.map(|_| self.bits(&hits));
        }
        let mut closeness = Vec::new();
        if let Some(plan) = plan {
            let reranked = hits.len().min(RERANKED);
            let rest = hits.split_off(reranked);
            closeness = rerank::rerank(plan, self.segments, &mut hits)?;
            let by_place: rustc_hash::FxHashMap<(u32, u32), Closeness> =
                hits.iter().zip(&closeness).map(|(hit, close)| ((hit.segment, hit.doc), *close)).collect();
            self.sort(&mut hits, order)?;
            closeness = hits.iter().map(|hit| by_place[&(hit.segment, hit.doc)]).collect();
            let floor = hits.last().map_or(1.0, |hit| hit.score);
            hits.extend(rest.into_iter().map(|hit| Hit { score: if order.has_keys() { hit.score } else { hit.score.min(floor) }, ..hit }));
        }
        if let Some(threshold) = threshold {
            let keep: Vec<bool> = hits.iter().map(|hit| f64::from(hit.score) >= threshold).collect();
            let mut kept = keep.iter();
            hits.retain(|_| kept.next().copied().unwrap_or(false));
            let mut kept = keep.iter();
            closeness.retain(|_| kept.next().copied().unwrap_or(false));
            total = hits.len() as u64;
            matched = matched.map(|_| self.bits(&hits));
        }
        Ok(Ranked { hits, closeness, total, matched: matched.unwrap_or_default() })
    }

    /// Sorts hits of all segments.
    fn sort(&self, hits: &mut [Hit], order: &RankPlan) -> tantivy::Result<()> {
        if !order.has_keys() {
            hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.ord.cmp(&b.ord)));
            return Ok(());
        }
        let readers: Vec<Vec<KeyReader>> = self
            .segments
            .iter()
            .map(|segment| order.keys().map(|key| KeyReader::open(key, segment)).collect())
            .collect::<tantivy::Result<_>>()?;
        let mut keyed: Vec<(Vec<SortValue>, Hit)> = Vec::with_capacity(hits.len());
        for hit in hits.iter() {
            let values = readers[hit.segment as usize].iter().zip(&hit.keys).map(|(reader, key)| reader.resolve(*key));
            keyed.push((values.collect::<tantivy::Result<_>>()?, hit.clone()));
        }
        let keys: Vec<bool> = order.keys().map(|key| key.descending).collect();
        let before = order.before.len();
        let compare = |a: &[SortValue], b: &[SortValue], from: usize, to: usize| {
            (from..to).map(|at| a[at].compare(&b[at], keys[at])).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        keyed.sort_by(|(a_keys, a), (b_keys, b)| {
            let text = if keys.len() > before { collect::step(b.score).cmp(&collect::step(a.score)) } else { std::cmp::Ordering::Equal };
            compare(a_keys, b_keys, 0, before)
                .then(text)
                .then_with(|| compare(a_keys, b_keys, before, keys.len()))
                .then_with(|| b.score.total_cmp(&a.score))
                .then_with(|| a.ord.cmp(&b.ord))
        });
        for (target, (_, hit)) in hits.iter_mut().zip(keyed) {
            *target = hit;
        }
        Ok(())
    }

    fn bits(&self, hits: &[Hit]) -> Vec<BitSet> {
        let mut all: Vec<BitSet> = self.segments.iter().map(|segment| BitSet::with_max_value(segment.max_doc())).collect();
        for hit in hits {
            all[hit.segment as usize].insert(hit.doc);
        }
        all
    }

    pub(super) fn facets(&self, names: &[String], matched: &[BitSet]) -> tantivy::Result<(Distribution, Stats)> {
        let (mut counts, mut stats) = (Distribution::new(), Stats::new());
        for name in names {
            let (found, range) = facets::count(name, self.segments, matched)?;
            counts.insert(name.clone(), facets::distribution(name, found, &self.state.settings));
            if let Some(range) = range {
                stats.insert(name.clone(), range);
            }
        }
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
            added.insert("_rankingScore".to_owned(), f64::from(hit.score).into());
        }
        if request.show_ranking_score_details {
            let mut details = match (plan, ranked.closeness.get(at)) {
                (Some(plan), Some(closeness)) => closeness.details(plan, hit.mask),
                _ => Map::new(),
            };
            for (key, reader) in order.keys().zip(&hit.keys) {
                let KeySource::Attribute(name) = &key.source else { continue };
                let value = match KeyReader::open(key, &self.segments[hit.segment as usize])?.resolve(*reader)? {
                    SortValue::Number(number) => number.into(),
                    SortValue::Text(text) => text.into(),
                    SortValue::Missing => Value::Null,
                };
                let direction = if key.descending { "desc" } else { "asc" };
                let place = details.len();
                details.insert(format!("{name}:{direction}"), serde_json::json!({"order": place, "value": value}));
            }
            added.insert("_rankingScoreDetails".to_owned(), Value::Object(details));
        }
        let point = order.keys().find_map(|key| match key.source {
            KeySource::Point { lat, lng } => Some((lat, lng)),
            KeySource::Attribute(_) => None,
        });
        if let Some(from) = point {
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

struct Parsed {
    query: ParsedQuery,
    slots: Vec<SearchedSlot>,
}

struct Ranked {
    hits: Vec<Hit>,
    /// Of the hits that the second phase has looked at.
    closeness: Vec<Closeness>,
    total: u64,
    matched: Vec<BitSet>,
}

fn take_variants(plan: &mut Plan) -> Vec<Vec<String>> {
    plan.units.iter_mut().map(|unit| std::mem::take(&mut unit.variants)).collect()
}

/// The synonyms of an index, cut into words.
pub(crate) fn synonyms(settings: &onggi_domain::settings::Settings, analyzer: &Analyzer, rules: &[Rule]) -> Synonyms {
    plan::synonyms(settings, analyzer, rules)
}

/// A document with these fields only.
pub(crate) fn show(raw: String, fields: Option<&[String]>) -> crate::Result<Box<RawValue>> {
    let shown = Shown::new(&Settings::default(), fields);
    format::project(raw, &shown).map_err(|error| crate::Error::Damaged { what: "a stored document".to_owned(), why: error.to_string() })
}
