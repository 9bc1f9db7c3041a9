//! `/indexes/{uid}/analytics` and `/stats/searches`: what was searched for, as gateways have counted it.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::{Path, RawQuery, State},
    routing::get,
};
use onggi_domain::{
    ApiError, Code, IndexId, TenantId, Timestamp,
    index::Index,
    key::IndexPattern,
    limits::ANALYTICS_QUERIES,
    usage::{Counts, hour_of},
};
use onggi_metadata::QueryOrder;
use onggi_web::{Caller, Error, Result, query::Params};
use serde::Serialize;

use crate::{app::Admin, slots::Slots, usage::range};

/// What live figures are of.
const NOW: Duration = Duration::from_mins(5);
/// What is told when no time is asked for.
const DAY: Duration = Duration::from_hours(24);
/// The longest time that is told hour by hour, and the longest of all.
const LONGEST: (Duration, Duration) = (Duration::from_hours(31 * 24), Duration::from_hours(400 * 24));
/// Queries that are compared with the time before, and with how many of that.
const COMPARED: (u64, u64) = (500, 5000);
/// How often a query is asked that can be a rising one.
const RISING: u64 = 3;
/// Analyses that one tenant may have under way: each adds up all queries of its time several times.
const AT_ONCE: usize = 2;

pub(crate) fn router() -> Router<Admin> {
    let slots = Slots::<TenantId>::new(AT_ONCE);
    Router::new().route("/indexes/{uid}/analytics", get(show)).layer(Extension(slots)).route("/stats/searches", get(now))
}

/// What was searched for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Analytics {
    /// The beginning.
    pub(crate) from: Timestamp,
    /// The end.
    pub(crate) to: Timestamp,
    /// Of so many searches one is in the lists of queries, with the weight of all.
    pub(crate) sampled_one_in: u64,
    /// The last minutes.
    pub(crate) now: Rate,
    /// All of it.
    pub(crate) totals: Searched,
    /// Of what `hours` consists.
    pub(crate) step: Step,
    /// Hour by hour, or day by day.
    pub(crate) hours: Vec<AtHour>,
    /// Asked most.
    pub(crate) top: Vec<OfQuery>,
    /// Asked much more than before.
    pub(crate) rising: Vec<Rising>,
    /// Took longest.
    pub(crate) slow: Vec<OfQuery>,
    /// Found nothing most often.
    pub(crate) empty: Vec<OfQuery>,
}

/// The length of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Step {
    Hour,
    Day,
}

/// Searches of the last minutes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rate {
    /// Searches a minute.
    pub(crate) searches_per_minute: f64,
    /// Half of them were faster.
    pub(crate) p50_ms: Option<f64>,
    /// 99 % of them were faster.
    pub(crate) p99_ms: Option<f64>,
}

/// Searches of the last minutes, of all indexes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchesNow {
    /// All of them.
    #[serde(flatten)]
    pub(crate) all: Rate,
    /// Each index.
    pub(crate) indexes: BTreeMap<String, Rate>,
}

/// Searches, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Searched {
    pub(crate) searches: u64,
    pub(crate) no_hits: u64,
    pub(crate) no_hits_rate: Option<f64>,
    pub(crate) clicks: u64,
    pub(crate) conversions: u64,
    pub(crate) click_through_rate: Option<f64>,
    pub(crate) mean_click_position: Option<f64>,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct AtHour {
    /// When it begins.
    pub(crate) hour: Timestamp,
    /// Its searches.
    #[serde(flatten)]
    pub(crate) searched: Searched,
}

/// A query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct OfQuery {
    /// What was searched for.
    pub(crate) query: String,
    /// How often, and what became of it.
    #[serde(flatten)]
    pub(crate) searched: Searched,
}

/// A query that is asked more often than before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Rising {
    /// What was searched for.
    pub(crate) query: String,
    /// How often in the time before.
    pub(crate) before: u64,
    /// How many times as often; than once, if it was not asked before.
    pub(crate) growth: f64,
    /// How often now, and what became of it.
    #[serde(flatten)]
    pub(crate) searched: Searched,
}

impl Searched {
    fn of(counts: &Counts) -> Self {
        Self {
            searches: counts.searches,
            no_hits: counts.no_hits,
            no_hits_rate: (counts.searches > 0).then(|| counts.no_hits as f64 / counts.searches as f64),
            clicks: counts.clicks,
            conversions: counts.conversions,
            click_through_rate: counts.click_through_rate(),
            mean_click_position: counts.mean_click_position(),
            p50_ms: counts.latencies.quantile_ms(0.5),
            p99_ms: counts.latencies.quantile_ms(0.99),
        }
    }
}

impl Rate {
    fn of(counts: &Counts) -> Self {
        let searches_per_minute = counts.searches as f64 / (NOW.as_secs_f64() / 60.0);
        Self { searches_per_minute, p50_ms: counts.latencies.quantile_ms(0.5), p99_ms: counts.latencies.quantile_ms(0.99) }
    }
}

async fn show(
    State(admin): State<Admin>,
    Extension(slots): Extension<Slots<TenantId>>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Analytics>> {
    let params = Params::parse(query.as_deref(), &["from", "to", "limit"])?;
    let now = Timestamp::now();
    let (from, to) = range(&params, ago(now, DAY), now, Code::InvalidAnalytics)?;
    // What is older is not there any more; the answer says where it begins.
    let from = from.max(admin.kept_since(now)).min(to);
    if to.duration_since(from).unsigned_abs() > LONGEST.1 {
        let days = LONGEST.1.as_secs() / 24 / 3600;
        let message = format!("Invalid value in parameter `from`: more than the {days} days that can be asked for at once.");
        return Err(ApiError::new(Code::InvalidAnalytics, message).into());
    }
    let limit = params.number("limit", Code::InvalidAnalytics)?.unwrap_or(10_u64).min(ANALYTICS_QUERIES);
    let index = admin.index(&caller, &uid).await?;
    let _slot = slots.take(caller.tenant).ok_or_else(busy)?;
    Ok(Json(admin.analytics(&index, from, to, limit).await?))
}

async fn now(State(admin): State<Admin>, Caller(caller): Caller) -> Result<Json<SearchesNow>> {
    Ok(Json(admin.searches_now(caller.tenant, &caller.patterns()).await?))
}

fn busy() -> ApiError {
    let message = format!("Analytics are asked for {AT_ONCE} times at once already. Wait for an answer, and try again.");
    ApiError::new(Code::TooManyRequests, message)
}

impl Admin {
    /// Since when queries are kept.
    fn kept_since(&self, now: Timestamp) -> Timestamp {
        hour_of(ago(now, self.0.keep_queries_for))
    }

    /// The searches of the last minutes, of the indexes of a tenant that fit patterns.
    pub(crate) async fn searches_now(&self, tenant: TenantId, patterns: &[IndexPattern]) -> Result<SearchesNow> {
        let metadata = &self.0.metadata;
        let mut counted = metadata.searches.moments(tenant, ago(Timestamp::now(), NOW)).await.map_err(Error::internal)?;
        let page = metadata.indexes.list(tenant, patterns, 0, u64::MAX).await.map_err(Error::internal)?;
        let (mut all, mut indexes) = (Counts::default(), BTreeMap::new());
        for index in page.items {
            let place = counted.iter().position(|(id, _)| *id == index.id);
            let counts = place.map_or_else(Counts::default, |place| counted.swap_remove(place).1);
            all.add(&counts);
            indexes.insert(index.uid.to_string(), Rate::of(&counts));
        }
        Ok(SearchesNow { all: Rate::of(&all), indexes })
    }

    /// What was searched for in an index, in the hours of a time.
    pub(crate) async fn analytics(&self, index: &Index, from: Timestamp, to: Timestamp, limit: u64) -> Result<Analytics> {
        let searches = &self.0.metadata.searches;
        let from = hour_of(from);
        let length = to.duration_since(from).unsigned_abs();
        let hours = searches.hours(index.tenant, from, to).await.map_err(Error::internal)?;
        let moments = searches.moments(index.tenant, ago(Timestamp::now(), NOW)).await.map_err(Error::internal)?;
        let step = if length > LONGEST.0 { Step::Day } else { Step::Hour };
        let steps = steps(index.id, &hours, from, to, step);
        let mut totals = Counts::default();
        for counts in steps.values() {
            totals.add(counts);
        }

        let top = searches.queries(index.id, from, to, QueryOrder::Searches, COMPARED.0.max(limit)).await.map_err(Error::internal)?;
        let earlier = ago(from, length);
        // With a time of which a part is not there any more, everything would have grown.
        let rising = if earlier >= self.kept_since(Timestamp::now()) {
            let before = searches.queries(index.id, earlier, from, QueryOrder::Searches, COMPARED.1).await.map_err(Error::internal)?;
            rising(&top, &before, limit as usize)
        } else {
            Vec::new()
        };
        let empty = searches.queries(index.id, from, to, QueryOrder::NoHits, limit).await.map_err(Error::internal)?;
        let mut slow = searches.queries(index.id, from, to, QueryOrder::Slow, limit * 5).await.map_err(Error::internal)?;
        slow.sort_by_key(|(_, counts)| Reverse(counts.latencies.quantile(0.99)));
        slow.truncate(limit as usize);
        let counted = moments.iter().find(|(id, _)| *id == index.id).map(|(_, counts)| *counts).unwrap_or_default();
        Ok(Analytics {
            from,
            to,
            sampled_one_in: self.0.log_one_in,
            now: Rate::of(&counted),
            totals: Searched::of(&totals),
            step,
            hours: steps.into_iter().map(|(hour, counts)| AtHour { hour, searched: Searched::of(&counts) }).collect(),
            rising,
            top: of_queries(top.into_iter().take(limit as usize)),
            slow: of_queries(slow),
            empty: of_queries(empty),
        })
    }
}

fn of_queries(queries: impl IntoIterator<Item = (String, Counts)>) -> Vec<OfQuery> {
    queries.into_iter().map(|(query, counts)| OfQuery { query, searched: Searched::of(&counts) }).collect()
}

fn ago(time: Timestamp, how_long: Duration) -> Timestamp {
    time.checked_sub(how_long).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH)
}

/// The counts of an index in every step between two times, also of those in which nobody searched.
fn steps(
    index: IndexId,
    hours: &[(IndexId, Timestamp, Counts)],
    from: Timestamp,
    to: Timestamp,
    step: Step,
) -> BTreeMap<Timestamp, Counts> {
    let seconds = match step {
        Step::Hour => 3600,
        Step::Day => 24 * 3600,
    };
    let start = |time: Timestamp| Timestamp::from_second(time.as_second() - time.as_second().rem_euclid(seconds)).unwrap_or(time);
    let mut steps = BTreeMap::new();
    let mut at = start(from);
    while at < to {
        steps.insert(at, Counts::default());
        at = Timestamp::from_second(at.as_second() + seconds).unwrap_or(to);
    }
    for (_, hour, counts) in hours.iter().filter(|(id, ..)| *id == index) {
        if let Some(step) = steps.get_mut(&start(*hour)) {
            step.add(counts);
        }
    }
    steps
}

/// The queries whose number grew most, in comparison with how much such numbers vary by chance (the square root of them).
fn rising(now: &[(String, Counts)], before: &[(String, Counts)], limit: usize) -> Vec<Rising> {
    let before: BTreeMap<&str, u64> = before.iter().map(|(query, counts)| (query.as_str(), counts.searches)).collect();
    let grown = now.iter().filter_map(|(query, counts)| {
        let before = before.get(query.as_str()).copied().unwrap_or(0);
        let growth = counts.searches as f64 / before.max(1) as f64;
        (counts.searches >= RISING && growth >= 1.5 && counts.searches > before).then(|| {
            let surprise = (counts.searches - before) as f64 / ((before + 1) as f64).sqrt();
            (surprise, Rising { query: query.clone(), before, growth, searched: Searched::of(counts) })
        })
    });
    let mut grown: Vec<(f64, Rising)> = grown.collect();
    grown.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    grown.into_iter().take(limit).map(|(_, rising)| rising).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(query: &str, searches: u64) -> (String, Counts) {
        (query.to_owned(), Counts { searches, ..Counts::default() })
    }

    #[test]
    fn what_is_asked_more_than_before_rises() {
        let now = [counted("always", 1000), counted("new", 40), counted("more", 60), counted("rare", 2), counted("less", 5)];
        let before = [counted("always", 990), counted("more", 20), counted("less", 50)];
        let names: Vec<_> = rising(&now, &before, 10).into_iter().map(|rising| (rising.query, rising.before, rising.growth)).collect();
        assert_eq!(names, [("new".to_owned(), 0, 40.0), ("more".to_owned(), 20, 3.0)]);
        assert_eq!(rising(&now, &before, 1).len(), 1);
    }

    #[test]
    fn hours_in_which_nobody_searched_are_there_too() {
        let (index, other) = (IndexId(uuid::Uuid::nil()), IndexId(uuid::Uuid::max()));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let counts = Counts { searches: 4, ..Counts::default() };
        let hours = [(index, at("2026-03-01T02:00:00Z"), counts), (other, at("2026-03-01T01:00:00Z"), counts)];
        let (from, to) = (at("2026-03-01T00:00:00Z"), at("2026-03-01T03:30:00Z"));
        let by_hour: Vec<u64> = steps(index, &hours, from, to, Step::Hour).values().map(|counts| counts.searches).collect();
        assert_eq!(by_hour, [0, 0, 4, 0]);
        assert_eq!(steps(index, &hours, from, to, Step::Day).len(), 1);
    }
}
