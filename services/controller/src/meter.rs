//! Metering: which container ran from when to when, from what the runtime observes.
//!
//! What is stored is the stretch of each run of a container: when it began, and when it was last seen running. So it does not matter how often it
//! is told, or by how many: two controllers that overlap say the same, and one that comes back after a pause makes good what it missed for each
//! container that still runs. A container is counted from its creation if the first look at it finds it running, else from the first look that
//! does, and up to the last look that does: never for longer than it was there, not at all if it never ran, and at most the time between two
//! looks too little. What began and ended while no controller looked is not counted.

#[cfg(test)]
mod simulation;

use std::{collections::HashMap, sync::Arc, time::Duration};

use onggi_domain::{Timestamp, container::ContainerStatus, usage::Run};
use parking_lot::Mutex;

use crate::{Inner, Result, runtime::Observed};

/// How long after its end an hour is computed again, so that a controller that has lost the lead is heard too.
const SETTLING: Duration = Duration::from_mins(10);
/// How long runs that are over are kept.
const KEEP_RUNS: Duration = Duration::from_hours(48);

/// What was seen of the containers that are there.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    containers: HashMap<String, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    restarts: u32,
    /// When it began to be counted; `None` while it has not run.
    from: Option<Timestamp>,
}

impl Meter {
    /// The runs that go on at `now`, when these containers were observed: all there are.
    pub(crate) fn look(&mut self, now: Timestamp, observed: &[Observed]) -> Vec<Run> {
        let mut containers = HashMap::with_capacity(observed.len());
        let mut runs = Vec::new();
        for container in observed {
            let before = self.containers.get(&container.name);
            let from = match before {
                _ if container.status != ContainerStatus::Running => None,
                Some(Seen { restarts, from: Some(from) }) if *restarts == container.restarts => Some(*from),
                None if container.restarts == 0 => Some(container.since.min(now)),
                _ => Some(now),
            };
            if let Some(from) = from {
                runs.push(Run {
                    container: container.name.clone(),
                    restarts: container.restarts,
                    tenant: container.tenant,
                    index: container.index,
                    role: container.role,
                    size: container.size.clone(),
                    from,
                    until: now,
                });
            }
            // A run that was interrupted without a restart goes on: it is the same one to whoever stores it.
            let known = before.filter(|seen| seen.restarts == container.restarts).and_then(|seen| seen.from);
            containers.insert(container.name.clone(), Seen { restarts: container.restarts, from: from.or(known) });
        }
        self.containers = containers;
        runs
    }
}

/// The meter of a controller.
pub(crate) type SharedMeter = Mutex<Meter>;

impl Inner {
    /// Looks at what runs, and stores it.
    pub(crate) async fn look_at_runs(self: &Arc<Self>) -> Result<()> {
        // Before what is observed, so that nothing is said to have run longer than that.
        let now = Timestamp::now();
        let observed = self.deps.runtime.observe().await?;
        let runs = self.meter.lock().look(now, &observed);
        Ok(self.deps.metadata.usage.saw(&runs).await?)
    }

    /// Looks, and brings the hours up to date.
    pub(crate) async fn meter(self: &Arc<Self>) -> Result<()> {
        // Before hours are settled: what still runs may have run through them while nobody looked.
        self.look_at_runs().await?;
        let settled = ago(SETTLING);
        Ok(self.deps.metadata.usage.roll_up(settled).await?)
    }

    /// Notes what is stored, and passes alerts.
    pub(crate) async fn note_storage(self: &Arc<Self>) -> Result<()> {
        self.deps.metadata.usage.note_storage(Timestamp::now()).await?;
        self.pass_alerts().await
    }

    /// Forgets what is too old to be told.
    pub(crate) async fn trim_usage(self: &Arc<Self>) -> Result<()> {
        let (metadata, keep) = (&self.deps.metadata, &self.config);
        metadata.usage.trim(ago(KEEP_RUNS), ago(keep.keep_usage_for)).await?;
        metadata.searches.trim(ago(keep.keep_live_searches_for), ago(keep.keep_usage_for), ago(keep.keep_queries_for)).await?;
        // The hours whose counts are complete; twice, so that one pass that fails leaves nothing behind.
        metadata.searches.keep_most(ago(Duration::from_hours(26)), ago(Duration::from_hours(2)), keep.keep_queries).await?;
        Ok(())
    }
}

fn ago(time: Duration) -> Timestamp {
    Timestamp::now().checked_sub(time).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn container(name: &str, since: i64, status: ContainerStatus, restarts: u32) -> Observed {
        Observed { status, restarts, since: at(since), ..Observed::created(name) }
    }

    /// Each look: when, and status and restarts of the one container.
    fn looks(meter: &mut Meter, looks: &[(i64, ContainerStatus, u32)]) -> Vec<(i64, i64)> {
        let mut told = Vec::new();
        for (now, status, restarts) in looks {
            let runs = meter.look(at(*now), &[container("a", 5, *status, *restarts)]);
            told.extend(runs.iter().map(|run| (run.from.as_second(), run.until.as_second())));
        }
        told
    }

    use ContainerStatus::{Created, Failed, Running};

    #[test]
    fn a_container_that_runs_is_counted_from_its_creation() {
        assert_eq!(looks(&mut Meter::default(), &[(10, Running, 0), (20, Running, 0)]), [(5, 10), (5, 20)]);
    }

    #[test]
    fn one_that_took_long_to_start_is_counted_from_when_it_ran() {
        assert_eq!(looks(&mut Meter::default(), &[(10, Created, 0), (600, Created, 0), (610, Running, 0)]), [(610, 610)]);
        assert_eq!(looks(&mut Meter::default(), &[(10, Created, 0), (20, Failed, 0), (30, Failed, 1)]), []);
    }

    #[test]
    fn a_restart_is_another_run() {
        let told = looks(&mut Meter::default(), &[(10, Running, 0), (20, Failed, 0), (30, Running, 1), (40, Running, 1)]);
        assert_eq!(told, [(5, 10), (30, 30), (30, 40)]);
        assert_eq!(looks(&mut Meter::default(), &[(40, Running, 1)]), [(40, 40)], "of the runs before it nothing is known");
    }

    #[test]
    fn a_clock_that_is_behind_the_creation_counts_nothing() {
        assert_eq!(looks(&mut Meter::default(), &[(3, Running, 0)]), [(3, 3)]);
    }
}
