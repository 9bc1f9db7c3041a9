//! What tenants used, as it is measured: the runs of containers, the storage of indexes, searches. And how that becomes figures of hours: pure
//! functions of what was seen, so that computing them again gives the same.

use std::{collections::BTreeMap, time::Duration};

use jiff::{ToSpan, ZonedDateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    IndexId, IndexUid, TenantId, Timestamp,
    container::Role,
    latency::Latencies,
    plan::{MONTH_HOURS, Prices, money},
};

/// The length of the intervals in which usage is told.
pub const HOUR: Duration = Duration::from_hours(1);
const HOUR_MICROS: i64 = 3_600_000_000;
/// Bytes of a GiB, for prices.
pub const GIB: f64 = (1_u64 << 30) as f64;

/// A stretch in which a container ran, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The container; no other one ever has its name.
    pub container: String,
    /// Which of its runs: how often it was restarted before.
    pub restarts: u32,
    /// Its tenant.
    pub tenant: TenantId,
    /// Its index.
    pub index: IndexId,
    /// What it did.
    pub role: Role,
    /// Its size class.
    pub size: String,
    /// When it began to be counted.
    pub from: Timestamp,
    /// When it was last seen running.
    pub until: Timestamp,
}

/// What the containers of an index, of one size and role, ran for in an hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerHour {
    /// The tenant.
    pub tenant: TenantId,
    /// The index.
    pub index: IndexId,
    /// The size class.
    pub size: String,
    /// What they did.
    pub role: Role,
    /// When the hour begins.
    pub hour: Timestamp,
    /// All of them together.
    pub used: Duration,
}

/// The hour of a moment.
pub fn hour_of(time: Timestamp) -> Timestamp {
    let micros = time.as_microsecond();
    Timestamp::from_microsecond(micros - micros.rem_euclid(HOUR_MICROS)).unwrap_or(Timestamp::MIN)
}

/// The beginning of a moment's month, in UTC.
pub fn month_of(time: Timestamp) -> Timestamp {
    let zoned: ZonedDateTime = time.to_zoned_datetime(TimeZone::UTC);
    zoned.first_of_month().and_then(|first| first.start_of_day()).map_or(time, |first| first.timestamp())
}

/// The beginning of the month after a moment's.
pub fn next_month(time: Timestamp) -> Timestamp {
    let first = month_of(time).to_zoned_datetime(TimeZone::UTC);
    first.checked_add(1.month()).map_or(Timestamp::MAX, |next| next.timestamp())
}

/// The runs, cut into hours, from the hour of `since` on.
pub fn by_hour(runs: &[Run], since: Timestamp) -> Vec<ContainerHour> {
    let first = hour_of(since).as_microsecond();
    let mut used: BTreeMap<(TenantId, IndexId, &str, Role, i64), u64> = BTreeMap::new();
    for run in runs {
        let (mut from, until) = (run.from.as_microsecond().max(first), run.until.as_microsecond());
        while from < until {
            let hour = from - from.rem_euclid(HOUR_MICROS);
            let end = until.min(hour + HOUR_MICROS);
            *used.entry((run.tenant, run.index, run.size.as_str(), run.role, hour)).or_default() += (end - from).unsigned_abs();
            from = end;
        }
    }
    let hours = used.into_iter().map(|((tenant, index, size, role, hour), micros)| ContainerHour {
        tenant,
        index,
        size: size.to_owned(),
        role,
        hour: Timestamp::from_microsecond(hour).unwrap_or(Timestamp::MIN),
        used: Duration::from_micros(micros),
    });
    hours.collect()
}

/// From an hour on, an index stored this much, until its next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageStep {
    /// The index.
    pub index: IndexId,
    /// Its name at that time.
    pub uid: IndexUid,
    /// When the hour begins.
    pub hour: Timestamp,
    /// Bytes; 0 once it is deleted.
    pub bytes: u64,
}

/// Byte-hours of one index between two times, hour by hour; `steps` are its own, in their order. What is stored in an hour is what was stored at
/// its end.
pub fn byte_hours(steps: &[StorageStep], from: Timestamp, to: Timestamp) -> Vec<(Timestamp, f64)> {
    let (from, to) = (from.as_microsecond(), to.as_microsecond());
    let mut hours = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let end = steps.get(at + 1).map_or(to, |next| next.hour.as_microsecond()).min(to);
        let mut begin = step.hour.as_microsecond().max(from);
        while begin < end && step.bytes > 0 {
            let hour = begin - begin.rem_euclid(HOUR_MICROS);
            let next = end.min(hour + HOUR_MICROS);
            let share = (next - begin) as f64 / HOUR_MICROS as f64;
            hours.push((Timestamp::from_microsecond(hour).unwrap_or(Timestamp::MIN), step.bytes as f64 * share));
            begin = next;
        }
    }
    hours
}

/// Counts of an index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Searches that were answered.
    pub searches: u64,
    /// Those of them that found nothing.
    pub no_hits: u64,
    /// Hits that were clicked.
    pub clicks: u64,
    /// The positions of those hits, from 1, added up.
    pub positions: u64,
    /// Conversions.
    pub conversions: u64,
    /// Documents that were written.
    pub documents: u64,
    /// How long searches took.
    pub latencies: Latencies,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.searches += other.searches;
        self.no_hits += other.no_hits;
        self.clicks += other.clicks;
        self.positions += other.positions;
        self.conversions += other.conversions;
        self.documents += other.documents;
        self.latencies.add(&other.latencies);
    }

    /// Clicks for each search; `None` without searches.
    pub fn click_through_rate(&self) -> Option<f64> {
        (self.searches > 0).then(|| self.clicks as f64 / self.searches as f64)
    }

    /// The position of clicked hits, on average.
    pub fn mean_click_position(&self) -> Option<f64> {
        (self.clicks > 0).then(|| self.positions as f64 / self.clicks as f64)
    }
}

/// What something cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Containers.
    pub containers: f64,
    /// Storage.
    pub storage: f64,
    /// Searches.
    pub searches: f64,
    /// All of it.
    pub total: f64,
}

impl Cost {
    /// By these prices.
    pub fn of(prices: &Prices, used_by_size: &BTreeMap<String, Duration>, byte_hours: f64, searches: u64) -> Self {
        let container = |(size, used): (&String, &Duration)| prices.container_hour.get(size).unwrap_or(&0.0) * used.as_secs_f64() / 3600.0;
        let containers = money(used_by_size.iter().map(container).sum());
        let storage = money(byte_hours / GIB / MONTH_HOURS * prices.storage_gib_month);
        let searches = money(searches as f64 / 1e6 * prices.million_searches);
        Self { containers, storage, searches, total: money(containers + storage + searches) }
    }
}

/// What a tenant wants to be told when a month costs more.
#[derive(Debug, Clone, PartialEq)]
pub struct SpendingAlert {
    /// The tenant.
    pub tenant: TenantId,
    /// The amount, in the currency of its plan.
    pub amount: f64,
    /// Where a message goes to; none: it is only shown.
    pub url: Option<String>,
    /// When it was passed last.
    pub passed_at: Option<Timestamp>,
    /// What the month had cost then.
    pub passed_cost: Option<f64>,
    /// Whether the message of that time is still to be delivered.
    pub untold: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn run(from: &str, until: &str) -> Run {
        Run {
            container: "s-1".to_owned(),
            restarts: 0,
            tenant: TenantId(uuid::Uuid::nil()),
            index: IndexId(uuid::Uuid::nil()),
            role: Role::Searcher,
            size: "small".to_owned(),
            from: at(from),
            until: at(until),
        }
    }

    #[test]
    fn a_run_is_cut_at_each_hour() {
        let hours = by_hour(&[run("2026-03-01T10:59:59.5Z", "2026-03-01T12:00:01Z")], Timestamp::MIN);
        let told: Vec<_> = hours.iter().map(|hour| (hour.hour, hour.used.as_millis())).collect();
        let expected = [("2026-03-01T10:00:00Z", 500), ("2026-03-01T11:00:00Z", 3_600_000), ("2026-03-01T12:00:00Z", 1000)];
        assert_eq!(told, expected.map(|(hour, millis)| (at(hour), millis)));
        let later = by_hour(&[run("2026-03-01T10:59:59.5Z", "2026-03-01T12:00:01Z")], at("2026-03-01T12:30:00Z"));
        assert_eq!(later, hours[2..]);
        assert!(by_hour(&[run("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z")], Timestamp::MIN).is_empty());
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let time = at("2028-02-29T23:59:59Z");
        assert_eq!((month_of(time), next_month(time)), (at("2028-02-01T00:00:00Z"), at("2028-03-01T00:00:00Z")));
        assert_eq!(next_month(at("2026-12-31T00:00:00Z")), at("2027-01-01T00:00:00Z"));
        assert_eq!(hour_of(at("1969-12-31T23:30:00Z")), at("1969-12-31T23:00:00Z"));
    }

    #[test]
    fn storage_counts_from_step_to_step() {
        let step = |hour: &str, bytes| StorageStep { index: IndexId(uuid::Uuid::nil()), uid: "a".parse().unwrap(), hour: at(hour), bytes };
        let steps = [step("2026-03-01T00:00:00Z", 10), step("2026-03-01T02:00:00Z", 30), step("2026-03-01T03:00:00Z", 0)];
        let sum = |from: &str, to: &str| byte_hours(&steps, at(from), at(to)).iter().map(|(_, bytes)| bytes.round() as i64).sum::<i64>();
        assert_eq!(sum("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), 50);
        assert_eq!(sum("2026-03-01T01:00:00Z", "2026-03-01T02:30:00Z"), 25);
        assert_eq!(sum("2026-02-01T01:00:00Z", "2026-03-01T00:00:00Z"), 0);
    }

    #[test]
    fn a_cost_adds_up() {
        let prices = Prices {
            container_hour: BTreeMap::from([("small".to_owned(), 0.5)]),
            storage_gib_month: 7.3,
            million_searches: 2.0,
            ..Prices::default()
        };
        let used = BTreeMap::from([("small".to_owned(), Duration::from_hours(3)), ("gone".to_owned(), Duration::from_hours(3))]);
        let cost = Cost::of(&prices, &used, GIB * 100.0, 500_000);
        assert_eq!(cost, Cost { containers: 1.5, storage: 1.0, searches: 1.0, total: 3.5 });
    }
}
