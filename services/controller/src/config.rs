//! When the controller does what. The defaults are for production; tests shorten them.

use std::time::Duration;

use ipnet::IpNet;
use onggi_bucket::Retention;
use serde::{Deserialize, Serialize};

use crate::autoscale::Windows;

/// The controller's timers and bounds. What is signalled is done at once; these are the deadlines and the safety nets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControllerConfig {
    /// Indexes that are reconciled at the same time.
    pub parallelism: usize,
    /// Indexes whose bucket is cleaned at the same time.
    pub collect_parallelism: usize,
    /// How often changes of the database are looked for.
    #[serde(with = "humantime_serde")]
    pub changes_every: Duration,
    /// How often the database is asked which indexes have unfinished tasks.
    #[serde(with = "humantime_serde")]
    pub tasks_every: Duration,
    /// How often everything that runs is compared with what should run.
    #[serde(with = "humantime_serde")]
    pub resync_every: Duration,
    /// How often searchers are asked when they were last searched.
    #[serde(with = "humantime_serde")]
    pub status_every: Duration,
    /// How long a worker may take to answer a question that needs no work.
    #[serde(with = "humantime_serde")]
    pub status_time: Duration,
    /// How long an indexer stays after the log was folded.
    #[serde(with = "humantime_serde")]
    pub indexer_warm: Duration,
    /// How long a searcher may take to load a generation before it leaves the rotation.
    #[serde(with = "humantime_serde")]
    pub load_time: Duration,
    /// How long a searcher may be behind before it is replaced.
    #[serde(with = "humantime_serde")]
    pub stuck_after: Duration,
    /// How long a load has to last before an index whose replicas are in a range gets more of them.
    #[serde(with = "humantime_serde")]
    pub scale_up_after: Duration,
    /// How long a load has to have been away before it gets fewer.
    #[serde(with = "humantime_serde")]
    pub scale_down_after: Duration,
    /// How long `wake` waits for the first searcher.
    #[serde(with = "humantime_serde")]
    pub wake_time: Duration,
    /// How long a task may be without a log entry before the log is searched for it.
    #[serde(with = "humantime_serde")]
    pub repair_after: Duration,
    /// How long a task may be without a log entry before it is given up. No store tries longer than this to put an entry.
    #[serde(with = "humantime_serde")]
    pub abandon_after: Duration,
    /// How long a deleted index is remembered, so that uploads that were under way are removed too.
    #[serde(with = "humantime_serde")]
    pub purge_after: Duration,
    /// How often what runs is looked at, to be metered; besides whenever it changes.
    #[serde(with = "humantime_serde")]
    pub meter_every: Duration,
    /// How often what is stored is noted, and spending compared with alerts.
    #[serde(with = "humantime_serde")]
    pub bill_every: Duration,
    /// How long hours of usage are kept.
    #[serde(with = "humantime_serde")]
    pub keep_usage_for: Duration,
    /// How long hours of queries are kept.
    #[serde(with = "humantime_serde")]
    pub keep_queries_for: Duration,
    /// Queries of an index and hour that are kept: those that were asked most.
    pub keep_queries: u64,
    /// How long the counts of short intervals are kept, for live figures.
    #[serde(with = "humantime_serde")]
    pub keep_live_searches_for: Duration,
    /// How often the buckets of all indexes that changed are cleaned.
    #[serde(with = "humantime_serde")]
    pub collect_every: Duration,
    /// How soon after a publish an index's bucket may be cleaned again.
    #[serde(with = "humantime_serde")]
    pub collect_after_publish: Duration,
    /// How often the whole bucket is looked through for what unfinished forks have left.
    #[serde(with = "humantime_serde")]
    pub collect_forks_every: Duration,
    /// Generations of an index that are kept whatever their age.
    pub keep_generations: usize,
    /// Generations younger than this are kept whatever their number.
    #[serde(with = "humantime_serde")]
    pub keep_for: Duration,
    /// The longest that a publish may take; workers are given the same.
    #[serde(with = "humantime_serde")]
    pub publish_time: Duration,
    /// Uids of tasks, newest first, whose tasks a tenant keeps; of older ones only those that are not at their end.
    pub keep_tasks: u64,
    /// How often dumps and snapshots are looked for that are to be written.
    #[serde(with = "humantime_serde")]
    pub archives_every: Duration,
    /// Dumps and snapshots of a tenant that are kept, newest first.
    pub keep_archives: usize,
    /// How often tasks are looked for of which webhooks are to be told.
    #[serde(with = "humantime_serde")]
    pub webhooks_every: Duration,
    /// How long a webhook may take to answer.
    #[serde(with = "humantime_serde")]
    pub webhook_time: Duration,
    /// How long a webhook rests after its first failure; each further one doubles it, up to an hour.
    #[serde(with = "humantime_serde")]
    pub webhook_rest: Duration,
    /// How long a webhook that fails is told of a task.
    #[serde(with = "humantime_serde")]
    pub webhook_keep_for: Duration,
    /// Tasks that wait for a webhook that fails; the oldest of more are given up.
    pub webhook_keep: u64,
    /// Networks, such as `10.0.0.0/8`, in which webhooks may be besides public addresses.
    pub webhook_networks: Vec<IpNet>,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            parallelism: 32,
            collect_parallelism: 2,
            changes_every: Duration::from_secs(1),
            tasks_every: Duration::from_secs(5),
            resync_every: Duration::from_mins(1),
            status_every: Duration::from_secs(3),
            status_time: Duration::from_secs(2),
            indexer_warm: Duration::from_secs(30),
            load_time: Duration::from_secs(10),
            stuck_after: Duration::from_mins(2),
            scale_up_after: Duration::from_secs(5),
            scale_down_after: Duration::from_mins(2),
            wake_time: Duration::from_secs(10),
            repair_after: Duration::from_secs(10),
            abandon_after: Duration::from_mins(15),
            purge_after: Duration::from_mins(5),
            meter_every: Duration::from_secs(20),
            bill_every: Duration::from_mins(5),
            keep_usage_for: Duration::from_hours(24 * 400),
            keep_queries_for: Duration::from_hours(24 * 90),
            keep_queries: 1000,
            keep_live_searches_for: Duration::from_hours(1),
            collect_every: Duration::from_hours(1),
            collect_after_publish: Duration::from_mins(1),
            collect_forks_every: Duration::from_hours(24),
            keep_generations: 10,
            keep_for: Duration::from_hours(1),
            publish_time: Duration::from_mins(10),
            keep_tasks: 1_000_000,
            archives_every: Duration::from_secs(1),
            keep_archives: 10,
            webhooks_every: Duration::from_secs(1),
            webhook_time: Duration::from_secs(10),
            webhook_rest: Duration::from_secs(2),
            webhook_keep_for: Duration::from_hours(24),
            webhook_keep: 10_000,
            webhook_networks: Vec::new(),
        }
    }
}

impl ControllerConfig {
    /// What is wrong with the numbers, if anything.
    pub fn validate(&self) -> Result<(), String> {
        if self.parallelism == 0 || self.collect_parallelism == 0 {
            return Err("controller.parallelism and controller.collect_parallelism must be 1 or more".to_owned());
        }
        if self.keep_generations == 0 || self.keep_archives == 0 || self.keep_tasks == 0 {
            return Err("controller.keep_generations, controller.keep_archives and controller.keep_tasks must be 1 or more".to_owned());
        }
        if self.keep_for < self.publish_time * 2 {
            return Err("controller.keep_for must be at least twice controller.publish_time".to_owned());
        }
        if self.abandon_after <= self.repair_after {
            return Err("controller.abandon_after must be longer than controller.repair_after".to_owned());
        }
        if self.keep_live_searches_for < Duration::from_mins(30) {
            return Err("controller.keep_live_searches_for must be at least 30 minutes: counts that were told twice are known for as long"
                .to_owned());
        }
        if self.keep_usage_for < Duration::from_hours(24 * 62) || self.keep_queries == 0 {
            return Err("controller.keep_usage_for must be at least 62 days, and controller.keep_queries 1 or more".to_owned());
        }
        let periods = [
            self.changes_every,
            self.tasks_every,
            self.resync_every,
            self.status_every,
            self.status_time,
            self.load_time,
            self.repair_after,
            self.meter_every,
            self.bill_every,
            self.collect_every,
            self.collect_forks_every,
            self.archives_every,
            self.webhooks_every,
            self.webhook_time,
            self.webhook_rest,
        ];
        if periods.iter().any(Duration::is_zero) {
            return Err("a period of the controller is zero".to_owned());
        }
        Ok(())
    }

    /// How long after the start everything is swept for the first time: the start itself reads the same.
    pub(crate) fn sweep_first(&self) -> Duration {
        self.collect_every / 10
    }

    /// How long a load has to last to count.
    pub(crate) fn windows(&self) -> Windows {
        Windows { up: self.scale_up_after, down: self.scale_down_after }
    }

    /// What garbage collection keeps.
    pub(crate) fn retention(&self) -> Retention {
        Retention { generations: self.keep_generations, min_age: self.keep_for, publish_time: self.publish_time }
    }
}
