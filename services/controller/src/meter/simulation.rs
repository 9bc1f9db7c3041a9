//! A month of containers that start, fail, restart and end, and of controllers that come and go, with a clock that is only a number. What is
//! metered must be what the rule says, to the microsecond, however often and by however many it was told.

use std::collections::{BTreeMap, HashMap};

use onggi_domain::{
    IndexId, TenantId, Timestamp,
    container::{ContainerStatus, Role},
    usage::{ContainerHour, Run, by_hour, hour_of},
};

use super::Meter;
use crate::runtime::Observed;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.unsigned_abs()) as i64
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.roll(to - from)
    }

    fn one_in(&mut self, chances: i64) -> bool {
        self.roll(chances) == 0
    }
}

/// The life of a container as it really was.
struct Life {
    name: String,
    index: u128,
    size: &'static str,
    role: Role,
    created: i64,
    /// From when to when it ran, one a start.
    runs: Vec<(i64, i64)>,
    gone: i64,
}

impl Life {
    fn random(dice: &mut Dice, number: usize, month: (i64, i64)) -> Self {
        let created = dice.between(month.0 - DAY, month.1);
        let mut runs = Vec::new();
        let mut end = created;
        // One of eight never starts.
        if !dice.one_in(8) {
            for _ in 0..=dice.roll(3) {
                let start = end + dice.between(1, 3 * MINUTE);
                let longest = if dice.one_in(4) { 40 * DAY } else { 6 * HOUR };
                end = start + dice.between(1, longest);
                runs.push((start, end));
            }
        }
        let gone = end + dice.roll(5 * MINUTE);
        Self {
            name: format!("c-{number}"),
            index: dice.roll(7) as u128,
            size: ["small", "medium", "large"][dice.roll(3) as usize],
            role: if dice.one_in(3) { Role::Indexer } else { Role::Searcher },
            created,
            runs,
            gone,
        }
    }

    fn observed(&self, now: i64) -> Option<Observed> {
        if now < self.created || now > self.gone {
            return None;
        }
        let started = self.runs.iter().filter(|(start, _)| *start <= now).count();
        let running = self.runs.iter().any(|(start, end)| *start <= now && now <= *end);
        Some(Observed {
            index: IndexId(uuid::Uuid::from_u128(self.index)),
            tenant: TenantId(uuid::Uuid::from_u128(self.index % 2)),
            name: self.name.clone(),
            role: self.role,
            size: self.size.to_owned(),
            status: match (running, started) {
                (true, _) => ContainerStatus::Running,
                (false, 0) => ContainerStatus::Created,
                (false, _) => ContainerStatus::Failed,
            },
            outdated: false,
            stopping: false,
            endpoint: None,
            restarts: u32::try_from(started.saturating_sub(1)).unwrap(),
            cpu_seconds: None,
            memory_bytes: None,
            since: Timestamp::from_microsecond(self.created).unwrap(),
            note: None,
        })
    }

    /// What the rule gives: from the first look that found a run to the last one. The first run counts from the creation, if whoever looked first
    /// had not seen the container before.
    fn expected(&self, looks: &[(i64, usize)]) -> i64 {
        let counted = |number: usize, start: i64, end: i64| {
            let mut seen = looks.iter().filter(|(at, _)| (start..=end).contains(at));
            let &(first, who) = seen.next()?;
            let last = seen.next_back().map_or(first, |(at, _)| *at);
            let new_to_who = !looks.iter().any(|(at, other)| *other == who && (self.created..first).contains(at));
            let from = if number == 0 && new_to_who { self.created } else { first };
            Some(last - from)
        };
        self.runs.iter().enumerate().filter_map(|(number, (start, end))| counted(number, *start, *end)).sum()
    }
}

/// What the database keeps, in memory.
#[derive(Default)]
struct Ledger {
    runs: HashMap<(String, u32), Run>,
    hours: BTreeMap<(Timestamp, TenantId, IndexId, String, Role), ContainerHour>,
    settled: Option<Timestamp>,
}

impl Ledger {
    fn saw(&mut self, runs: Vec<Run>) {
        for run in runs {
            let known = self.runs.entry((run.container.clone(), run.restarts)).or_insert_with(|| run.clone());
            known.until = known.until.max(run.until);
        }
    }

    fn roll_up(&mut self, settled: Timestamp) {
        let since = self.settled.unwrap_or(Timestamp::UNIX_EPOCH);
        let runs: Vec<Run> = self.runs.values().filter(|run| run.until >= since).cloned().collect();
        for hour in by_hour(&runs, since) {
            self.hours.insert((hour.hour, hour.tenant, hour.index, hour.size.clone(), hour.role), hour);
        }
        self.settled = self.settled.max(Some(hour_of(settled)));
        let old = settled.as_microsecond() - 48 * HOUR;
        self.runs.retain(|_, run| run.until.as_microsecond() >= old);
    }

    fn total(&self) -> i64 {
        self.hours.values().map(|hour| i64::try_from(hour.used.as_micros()).unwrap()).sum()
    }
}

/// When which controller works: one after another, with gaps, and some that overlap.
fn controllers(dice: &mut Dice, month: (i64, i64)) -> Vec<(i64, i64)> {
    let (mut controllers, mut at) = (Vec::new(), month.0);
    while at < month.1 {
        let end = at + dice.between(HOUR, 4 * DAY);
        controllers.push((at, end));
        at = match dice.roll(3) {
            0 => end + dice.roll(9 * HOUR),
            1 => end - dice.roll(30 * MINUTE),
            _ => end + dice.roll(MINUTE),
        };
    }
    controllers
}

#[test]
fn a_month_adds_up_to_the_microsecond() {
    for seed in [3, 77, 20_260_301] {
        let mut dice = Dice(seed);
        let begin = "2026-03-01T00:00:00Z".parse::<Timestamp>().unwrap().as_microsecond();
        let month = (begin, begin + 31 * DAY);
        let lives: Vec<Life> = (0..400).map(|number| Life::random(&mut dice, number, month)).collect();
        let mut looks: Vec<(i64, usize)> = Vec::new();
        for (who, (from, until)) in controllers(&mut dice, month).into_iter().enumerate() {
            let mut at = from;
            while at < until {
                looks.push((at, who));
                at += dice.between(1, 10 * MINUTE);
            }
        }
        looks.sort_unstable();

        let mut ledger = Ledger::default();
        let mut meters: HashMap<usize, Meter> = HashMap::new();
        for (at, who) in &looks {
            let observed: Vec<Observed> = lives.iter().filter_map(|life| life.observed(*at)).collect();
            let runs = meters.entry(*who).or_default().look(Timestamp::from_microsecond(*at).unwrap(), &observed);
            // Told twice, as after an answer that was lost.
            if dice.one_in(5) {
                ledger.saw(runs.clone());
            }
            ledger.saw(runs);
            if dice.one_in(2) {
                ledger.roll_up(Timestamp::from_microsecond(*at - 10 * MINUTE).unwrap());
            }
        }
        let last = Timestamp::from_microsecond(month.1 + DAY).unwrap();
        ledger.roll_up(last);
        ledger.roll_up(last);
        let expected: i64 = lives.iter().map(|life| life.expected(&looks)).sum();
        assert!(expected > 1000 * HOUR, "the month is not an empty one");
        assert_eq!(ledger.total(), expected, "seed {seed}");

        let there: i64 = lives.iter().map(|life| life.runs.last().map_or(0, |(_, end)| end - life.created)).sum();
        assert!(ledger.total() <= there, "never more than they were there");
        let hours = ledger.hours.values().filter(|hour| hour.hour.as_microsecond() % HOUR != 0).count();
        assert_eq!(hours, 0, "hours begin with the hour");
    }
}
