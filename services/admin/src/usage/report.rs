//! A report: hours of containers, steps of storage and counts of searches, added up by index, size, hour or day, with what they cost. The adding
//! up is pure.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use onggi_domain::{
    IndexId, IndexUid, TenantId, Timestamp,
    auth::Identity,
    key::IndexPattern,
    plan::{Prices, money},
    usage::{ContainerHour, Cost, Counts, StorageStep, byte_hours, hour_of, month_of, next_month},
};
use onggi_web::{Error, Result};
use serde::Serialize;

use super::{alert::AlertView, plan::Quota};
use crate::app::Admin;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UsageQuery {
    /// The first hour.
    pub(crate) from: Timestamp,
    /// The hours begin before this.
    pub(crate) to: Timestamp,
    /// What is added up.
    pub(crate) by: By,
    /// Only this index.
    pub(crate) index: Option<IndexUid>,
}

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum By {
    /// What belongs to an index.
    Index,
    /// Containers of a size.
    Size,
    /// What was used in an hour.
    Hour,
    /// What was used in a day, in UTC.
    Day,
}

/// What was used, and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UsageReport {
    /// The first hour.
    pub(crate) from: Timestamp,
    /// The end.
    pub(crate) to: Timestamp,
    /// What was added up.
    pub(crate) by: By,
    /// The name of the plan.
    pub(crate) plan: String,
    /// The currency of all amounts.
    pub(crate) currency: String,
    /// One for each index, size, hour or day.
    pub(crate) results: Vec<Used>,
    /// All of it.
    pub(crate) totals: Totals,
    /// The month so far; for who sees all indexes.
    pub(crate) month: Option<MonthView>,
    /// How near the quotas are; for who sees all indexes.
    pub(crate) quotas: Option<Vec<Quota>>,
    /// The spending alert, if there is one; for who sees all indexes.
    pub(crate) alert: Option<AlertView>,
}

/// What was used of one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Used {
    /// The index, the size, or when the hour or day begins.
    pub(crate) key: String,
    /// Whether the index is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deleted: Option<bool>,
    /// How much.
    #[serde(flatten)]
    pub(crate) totals: Totals,
}

/// How much was used.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    /// Containers, in seconds.
    pub(crate) container_seconds: f64,
    /// The same by size.
    pub(crate) container_seconds_by_size: BTreeMap<String, f64>,
    /// The same by role.
    pub(crate) container_seconds_by_role: BTreeMap<&'static str, f64>,
    /// What was stored.
    pub(crate) byte_hours: f64,
    /// Searches.
    pub(crate) searches: u64,
    /// Documents that were written.
    pub(crate) documents: u64,
    /// What it cost.
    pub(crate) cost: Cost,
}

/// The month so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct MonthView {
    /// Its beginning.
    pub(crate) from: Timestamp,
    /// Its end.
    pub(crate) to: Timestamp,
    /// What it has cost.
    pub(crate) cost: f64,
    /// What it will have cost, if it goes on as in the last day.
    pub(crate) forecast: f64,
}

/// What was measured of a tenant.
struct Rows {
    containers: Vec<ContainerHour>,
    storage: Vec<StorageStep>,
    searches: Vec<(IndexId, Timestamp, Counts)>,
}

/// Sums of one thing.
#[derive(Debug, Default)]
struct Sum {
    by_size: BTreeMap<String, Duration>,
    by_role: BTreeMap<&'static str, Duration>,
    byte_hours: f64,
    searches: u64,
    documents: u64,
}

/// Something that is added to a sum: which one, the key says.
struct Part<'a> {
    index: IndexId,
    hour: Timestamp,
    /// Only of containers.
    size: Option<&'a str>,
}

impl Rows {
    /// Adds up what lies between two times, by the key of each part; what has none is left out.
    fn sums<K: Ord>(&self, from: Timestamp, to: Timestamp, key: impl Fn(&Part<'_>) -> Option<K>) -> BTreeMap<K, Sum> {
        let mut sums: BTreeMap<K, Sum> = BTreeMap::new();
        let within = |hour: Timestamp| from <= hour && hour < to;
        for row in self.containers.iter().filter(|row| within(row.hour)) {
            let Some(key) = key(&Part { index: row.index, hour: row.hour, size: Some(&row.size) }) else { continue };
            let sum = sums.entry(key).or_default();
            *sum.by_size.entry(row.size.clone()).or_default() += row.used;
            *sum.by_role.entry(row.role.as_str()).or_default() += row.used;
        }
        for steps in self.storage.chunk_by(|a, b| a.index == b.index) {
            for (hour, bytes) in byte_hours(steps, from, to) {
                let Some(key) = key(&Part { index: steps[0].index, hour, size: None }) else { continue };
                sums.entry(key).or_default().byte_hours += bytes;
            }
        }
        for (index, hour, counts) in self.searches.iter().filter(|(_, hour, _)| within(*hour)) {
            let Some(key) = key(&Part { index: *index, hour: *hour, size: None }) else { continue };
            let sum = sums.entry(key).or_default();
            sum.searches += counts.searches;
            sum.documents += counts.documents;
        }
        sums
    }
}

impl Sum {
    fn totals(&self, prices: &Prices) -> Totals {
        let seconds = |used: &Duration| used.as_secs_f64();
        Totals {
            container_seconds: seconds(&self.by_size.values().sum()),
            container_seconds_by_size: self.by_size.iter().map(|(size, used)| (size.clone(), seconds(used))).collect(),
            container_seconds_by_role: self.by_role.iter().map(|(role, used)| (*role, seconds(used))).collect(),
            byte_hours: self.byte_hours,
            searches: self.searches,
            documents: self.documents,
            cost: Cost::of(prices, &self.by_size, self.byte_hours, self.searches),
        }
    }
}

/// How indexes are called, or were.
struct Names {
    living: HashMap<IndexId, String>,
    known: HashMap<IndexId, String>,
}

impl Names {
    fn of(&self, index: IndexId) -> (String, bool) {
        match (self.living.get(&index), self.known.get(&index)) {
            (Some(uid), _) => (uid.clone(), false),
            (None, Some(uid)) => (uid.clone(), true),
            // It was deleted before anybody noted its name.
            (None, None) => (index.to_string(), true),
        }
    }
}

impl Admin {
    /// What was used of the indexes that a caller may see.
    pub(crate) async fn usage(&self, caller: &Identity, query: &UsageQuery) -> Result<UsageReport> {
        let now = Timestamp::now();
        let end = query.to.min(now);
        let plan = self.plan_of(caller.tenant).await?;
        let prices = &plan.prices;
        let rows = self.rows(caller.tenant, query.from, query.to).await?;
        let names = self.names(caller, &rows.storage).await?;
        let seen = |index: IndexId| {
            let (uid, _) = names.of(index);
            caller.allows_index(&uid) && query.index.as_ref().is_none_or(|wanted| wanted.as_str() == uid)
        };
        let totals = rows.sums(query.from, end, |part| seen(part.index).then_some(())).remove(&()).unwrap_or_default().totals(prices);
        let results = match query.by {
            By::Index => {
                let sums = rows.sums(query.from, end, |part| seen(part.index).then(|| names.of(part.index)));
                let used = |((key, deleted), sum): ((String, bool), Sum)| Used { key, deleted: Some(deleted), totals: sum.totals(prices) };
                sums.into_iter().map(used).collect()
            }
            By::Size => plain(rows.sums(query.from, end, |part| part.size.filter(|_| seen(part.index)).map(str::to_owned)), prices),
            By::Hour => plain(rows.sums(query.from, end, |part| seen(part.index).then(|| part.hour.to_string())), prices),
            By::Day => plain(rows.sums(query.from, end, |part| seen(part.index).then(|| day_of(part.hour).to_string())), prices),
        };
        let (mut month, mut quotas, mut alert) = (None, None, None);
        if caller.patterns().contains(&IndexPattern::all()) {
            month = Some(self.month(caller.tenant, prices, now).await?);
            quotas = Some(self.quotas(caller.tenant, plan).await?);
            alert = self.0.metadata.alerts.get(caller.tenant).await.map_err(Error::internal)?.as_ref().map(AlertView::of);
        }
        let (name, currency) = (plan.name.clone(), prices.currency.clone());
        Ok(UsageReport { from: query.from, to: query.to, by: query.by, plan: name, currency, results, totals, month, quotas, alert })
    }

    async fn rows(&self, tenant: TenantId, from: Timestamp, to: Timestamp) -> Result<Rows> {
        let metadata = &self.0.metadata;
        Ok(Rows {
            containers: metadata.usage.container_hours(tenant, from, to).await.map_err(Error::internal)?,
            storage: metadata.usage.storage_steps(tenant, to).await.map_err(Error::internal)?,
            searches: metadata.searches.hours(tenant, from, to).await.map_err(Error::internal)?,
        })
    }

    async fn names(&self, caller: &Identity, storage: &[StorageStep]) -> Result<Names> {
        let all = self.0.metadata.indexes.list(caller.tenant, &[IndexPattern::all()], 0, u64::MAX).await.map_err(Error::internal)?;
        Ok(Names {
            living: all.items.into_iter().map(|index| (index.id, index.uid.to_string())).collect(),
            known: storage.iter().map(|step| (step.index, step.uid.to_string())).collect(),
        })
    }

    /// The month so far, and how it goes on.
    pub(crate) async fn month(&self, tenant: TenantId, prices: &Prices, now: Timestamp) -> Result<MonthView> {
        let (from, to) = (month_of(now), next_month(now));
        let rows = self.rows(tenant, from, now).await?;
        let cost = |from| rows.sums(from, now, |_| Some(())).remove(&()).unwrap_or_default().totals(prices).cost.total;
        let so_far = cost(from);
        let created = self.0.metadata.tenants.get(tenant).await.map_err(Error::internal)?.created_at;
        let day_ago = now.checked_sub(Duration::from_hours(24)).unwrap_or(from).max(from).max(hour_of(created));
        let forecast = forecast(
            so_far,
            cost(hour_of(day_ago)),
            now.duration_since(hour_of(day_ago)).unsigned_abs(),
            to.duration_since(now).unsigned_abs(),
        );
        Ok(MonthView { from, to, cost: so_far, forecast })
    }
}

fn plain(sums: BTreeMap<String, Sum>, prices: &Prices) -> Vec<Used> {
    sums.into_iter().map(|(key, sum)| Used { key, deleted: None, totals: sum.totals(prices) }).collect()
}

fn day_of(hour: Timestamp) -> Timestamp {
    let second = hour.as_second();
    Timestamp::from_second(second - second.rem_euclid(24 * 3600)).unwrap_or(hour)
}

/// What will have been spent at the end, if what is `left` costs as much as `recent` did in its time.
fn forecast(so_far: f64, recent: f64, recent_time: Duration, left: Duration) -> f64 {
    // A rate of less than an hour says nothing.
    let time = recent_time.max(Duration::from_hours(1));
    money(so_far + recent * (left.as_secs_f64() / time.as_secs_f64()))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of small whole numbers are exact")]
mod tests {
    use onggi_domain::container::Role;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn parts_are_added_up_by_their_keys() {
        let (a, b) = (IndexId(uuid::Uuid::nil()), IndexId(uuid::Uuid::max()));
        let container = |index, size: &str, role, hour: &str, seconds| ContainerHour {
            tenant: TenantId(uuid::Uuid::nil()),
            index,
            size: size.to_owned(),
            role,
            hour: at(hour),
            used: Duration::from_secs(seconds),
        };
        let rows = Rows {
            containers: vec![
                container(a, "small", Role::Searcher, "2026-03-01T00:00:00Z", 100),
                container(a, "large", Role::Indexer, "2026-03-01T01:00:00Z", 10),
                container(b, "small", Role::Searcher, "2026-03-02T00:00:00Z", 1),
            ],
            storage: vec![StorageStep { index: b, uid: "b".parse().unwrap(), hour: at("2026-03-01T23:00:00Z"), bytes: 5 }],
            searches: vec![(a, at("2026-03-01T01:00:00Z"), Counts { searches: 7, documents: 2, ..Counts::default() })],
        };
        let (from, to) = (at("2026-03-01T00:00:00Z"), at("2026-03-02T01:00:00Z"));
        let by_index = rows.sums(from, to, |part| Some(part.index));
        assert_eq!((by_index[&a].searches, by_index[&a].documents, by_index[&b].byte_hours), (7, 2, 10.0));
        let totals = by_index[&a].totals(&Prices::default());
        assert_eq!((totals.container_seconds, totals.container_seconds_by_role["indexer"]), (110.0, 10.0));
        let by_day = rows.sums(from, to, |part| Some(day_of(part.hour)));
        assert_eq!(by_day.len(), 2);
        assert_eq!(by_day[&at("2026-03-02T00:00:00Z")].byte_hours, 5.0);
        let by_size = rows.sums(from, to, |part| part.size.map(str::to_owned));
        assert_eq!(by_size["small"].totals(&Prices::default()).container_seconds, 101.0);
        assert!(rows.sums(at("2026-03-03T00:00:00Z"), at("2026-03-03T00:00:00Z"), |_| Some(())).is_empty());
    }

    #[test]
    fn a_month_goes_on_as_in_the_last_day() {
        let hours = Duration::from_hours;
        assert_eq!(forecast(10.0, 2.0, hours(24), hours(240)), 30.0);
        assert_eq!(forecast(0.0, 1.0, Duration::ZERO, hours(2)), 2.0);
    }
}
