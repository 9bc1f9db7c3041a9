//! How many searchers an index in a range should have, from what is asked of them. Pure functions of their input.
//!
//! Each look at the searchers says how many the load of that moment wants. The number grows to what every look of a short window wanted
//! at least, so that one burst starts nothing, and shrinks to what no look of a long one exceeded, so that a pause between two bursts
//! ends nothing (the stabilization windows of Kubernetes' HorizontalPodAutoscaler).

use std::{collections::VecDeque, time::Duration};

use onggi_domain::container::{Autoscale, Target};
use tokio::time::Instant;

/// By how much a searcher may be busier than its target before another one is started.
const TOLERANCE: f64 = 1.1;

/// How long a load has to last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    /// Until the number grows.
    pub up: Duration,
    /// Until it shrinks.
    pub down: Duration,
}

/// What the searchers of an index did together between two looks.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Load {
    /// Searches under way at a time.
    pub concurrency: f64,
    /// CPUs in use.
    pub cpus: f64,
}

/// Another number, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub from: u32,
    pub to: u32,
    pub why: String,
}

/// The number of searchers of one index, and what led to it.
pub(crate) struct Scaler {
    range: Autoscale,
    /// CPUs of one searcher.
    cpus: f64,
    replicas: u32,
    looks: VecDeque<Look>,
}

struct Look {
    at: Instant,
    load: f64,
    wanted: u32,
}

impl Scaler {
    /// Begins with the searchers that run. `cpus` are those of each.
    pub(crate) fn new(range: Autoscale, cpus: f64, running: u32, now: Instant) -> Self {
        let replicas = running.clamp(range.min, range.max);
        let mut scaler = Self { range, cpus, replicas, looks: VecDeque::new() };
        scaler.begin(now);
        scaler
    }

    /// Searchers that should run.
    pub(crate) fn replicas(&self) -> u32 {
        self.replicas
    }

    /// What the tenant selects now. After a change nothing that was seen before counts.
    pub(crate) fn select(&mut self, range: Autoscale, cpus: f64, now: Instant) -> Option<Change> {
        if range == self.range && cpus.to_bits() == self.cpus.to_bits() {
            return None;
        }
        (self.range, self.cpus) = (range, cpus);
        let why = format!("{} to {} replicas are selected", range.min, range.max);
        let change = self.change(self.replicas.clamp(range.min, range.max), why);
        self.begin(now);
        change
    }

    /// Takes what was just seen.
    pub(crate) fn weigh(&mut self, load: Load, windows: Windows, now: Instant) -> Option<Change> {
        let load = match self.range.target {
            Target::ConcurrentSearches(_) => load.concurrency,
            Target::CpuPercent(_) => load.cpus,
        };
        self.looks.push_back(Look { at: now, load, wanted: self.wanted(load) });
        let longest = windows.up.max(windows.down);
        // The last one before the window says what was so when it began.
        while self.looks.get(1).is_some_and(|second| now - second.at >= longest) {
            self.looks.pop_front();
        }
        let within = |window: Duration| {
            let begin = self.looks.iter().rposition(|look| now - look.at >= window).unwrap_or(0);
            self.looks.range(begin..)
        };
        let order = |a: &&Look, b: &&Look| a.wanted.cmp(&b.wanted).then(a.load.total_cmp(&b.load));
        let least = within(windows.up).min_by(order).map(|look| (look.wanted, look.load));
        let most = within(windows.down).max_by(order).map(|look| (look.wanted, look.load));
        let (least, most) = (least?, most?);
        if least.0 > self.replicas {
            self.change(least.0, self.explain(least.1, "at least", windows.up))
        } else if most.0 < self.replicas {
            self.change(most.0, self.explain(most.1, "at most", windows.down))
        } else {
            None
        }
    }

    /// Starts afresh: what runs is taken for what the load wants.
    fn begin(&mut self, now: Instant) {
        self.looks.clear();
        self.looks.push_back(Look { at: now, load: 0.0, wanted: self.replicas });
    }

    fn wanted(&self, load: f64) -> u32 {
        let each = match self.range.target {
            Target::ConcurrentSearches(number) => f64::from(number),
            Target::CpuPercent(percent) => self.cpus * f64::from(percent) / 100.0,
        };
        // A cast of a float ends at the limits of the integer.
        ((load / (each * TOLERANCE)).ceil() as u32).clamp(self.range.min, self.range.max)
    }

    fn explain(&self, load: f64, bound: &str, window: Duration) -> String {
        let window = humantime_serde::re::humantime::format_duration(window);
        match self.range.target {
            Target::ConcurrentSearches(number) => {
                format!("{bound} {load:.1} concurrent searches for {window}; {number} a replica are the target")
            }
            Target::CpuPercent(percent) => {
                format!("{bound} {load:.2} CPUs in use for {window}; {percent} % of {} a replica are the target", self.cpus)
            }
        }
    }

    fn change(&mut self, to: u32, why: String) -> Option<Change> {
        let from = std::mem::replace(&mut self.replicas, to);
        (from != to).then_some(Change { from, to, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: Windows = Windows { up: Duration::from_secs(5), down: Duration::from_mins(1) };
    const RANGE: Autoscale = Autoscale { min: 1, max: 5, target: Target::ConcurrentSearches(4) };

    fn searches(concurrency: f64) -> Load {
        Load { concurrency, cpus: 0.0 }
    }

    /// The changes that a course of loads brings about, one look each three seconds, as `second: from>to`.
    fn course(scaler: &mut Scaler, start: Instant, first: u64, loads: &[f64]) -> Vec<String> {
        let looks = loads.iter().zip((first..).step_by(3));
        looks
            .filter_map(|(load, second)| {
                let change = scaler.weigh(searches(*load), WINDOWS, start + Duration::from_secs(second))?;
                Some(format!("{second}: {}>{}", change.from, change.to))
            })
            .collect()
    }

    #[test]
    fn the_number_grows_after_a_short_while_and_shrinks_after_a_long_one() {
        let start = Instant::now();
        let mut scaler = Scaler::new(RANGE, 0.5, 1, start);
        assert_eq!(course(&mut scaler, start, 3, &[11.0, 11.0, 11.0]), ["9: 1>3"], "what lasts for five seconds");
        let calm = [1.0; 40];
        assert_eq!(course(&mut scaler, start, 12, &calm), ["72: 3>1"], "a minute after the first look that wanted one");
    }

    #[test]
    fn one_burst_starts_nothing_and_one_pause_ends_nothing() {
        let start = Instant::now();
        let mut scaler = Scaler::new(RANGE, 0.5, 1, start);
        assert!(course(&mut scaler, start, 3, &[20.0, 1.0, 20.0, 1.0, 20.0, 1.0]).is_empty());
        let mut scaler = Scaler::new(RANGE, 0.5, 3, start);
        let pauses: Vec<f64> = (0..60).map(|look| if look % 10 == 0 { 11.0 } else { 0.0 }).collect();
        assert!(course(&mut scaler, start, 3, &pauses).is_empty());
    }

    #[test]
    fn the_number_stays_in_its_range_and_near_the_target_as_it_is() {
        let start = Instant::now();
        let mut scaler = Scaler::new(RANGE, 0.5, 9, start);
        assert_eq!(scaler.replicas(), 5, "more ran than the range allows");
        assert!(course(&mut scaler, start, 3, &[1000.0; 9]).is_empty());
        let mut scaler = Scaler::new(RANGE, 0.5, 2, start);
        assert!(course(&mut scaler, start, 3, &[8.7; 60]).is_empty(), "a little above the target is no reason");
        assert_eq!(course(&mut scaler, start, 183, &[0.0; 60]), ["243: 2>1"], "never below the least");
    }

    #[test]
    fn a_steady_load_between_is_met_in_one_step_and_says_why() {
        let start = Instant::now();
        let mut scaler = Scaler::new(RANGE, 0.5, 1, start);
        let at = |second| start + Duration::from_secs(second);
        assert_eq!(scaler.weigh(searches(17.0), WINDOWS, at(3)), None);
        assert_eq!(scaler.weigh(searches(15.0), WINDOWS, at(6)), None);
        let change = scaler.weigh(searches(16.0), WINDOWS, at(9)).unwrap();
        assert_eq!((change.from, change.to), (1, 4));
        assert_eq!(change.why, "at least 15.0 concurrent searches for 5s; 4 a replica are the target");
    }

    #[test]
    fn cpu_is_a_share_of_the_size() {
        let start = Instant::now();
        let range = Autoscale { target: Target::CpuPercent(50), ..RANGE };
        let mut scaler = Scaler::new(range, 0.5, 1, start);
        let busy = Load { concurrency: 99.0, cpus: 0.7 };
        let mut look = |second| scaler.weigh(busy, WINDOWS, start + Duration::from_secs(second));
        assert_eq!((look(3), look(6)), (None, None));
        let change = look(9).unwrap();
        assert_eq!((change.from, change.to), (1, 3));
        assert_eq!(change.why, "at least 0.70 CPUs in use for 5s; 50 % of 0.5 a replica are the target");
    }

    #[test]
    fn another_range_holds_at_once_and_what_was_seen_under_the_old_one_is_forgotten() {
        let start = Instant::now();
        let mut scaler = Scaler::new(RANGE, 0.5, 1, start);
        course(&mut scaler, start, 3, &[11.0, 11.0]);
        let at = |second| start + Duration::from_secs(second);
        assert_eq!(scaler.select(RANGE, 0.5, at(7)), None);
        let other = Autoscale { min: 2, max: 3, ..RANGE };
        let change = scaler.select(other, 0.5, at(8)).unwrap();
        assert_eq!((change.from, change.to, change.why.as_str()), (1, 2, "2 to 3 replicas are selected"));
        assert_eq!(scaler.weigh(searches(11.0), WINDOWS, at(9)), None, "the windows begin anew");
    }
}
