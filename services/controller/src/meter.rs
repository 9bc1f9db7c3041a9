//! Metering: container-seconds by the minute, from what the runtime observes.

use std::{sync::Arc, time::Duration};

use onggi_domain::{Timestamp, container::ContainerStatus};
use onggi_metadata::UsageSample;

use crate::{Inner, Result, decide::Serves, runtime::Observed};

/// The length of an interval; intervals are aligned to it, so that a restarted controller stores the same ones again.
pub(crate) const INTERVAL: Duration = Duration::from_mins(1);

impl Inner {
    /// Stores the last whole interval of each container that runs.
    pub(crate) async fn meter(self: &Arc<Self>) -> Result<()> {
        let containers = self.deps.runtime.observe().await?;
        let to = interval_start(Timestamp::now());
        let samples: Vec<UsageSample> =
            containers.iter().filter_map(|container| sample(container, to)).map(|sample| self.with_generation(sample)).collect();
        if !samples.is_empty() {
            self.deps.metadata.usage.record(&samples).await?;
        }
        Ok(())
    }

    fn with_generation(&self, mut sample: UsageSample) -> UsageSample {
        let served = self.memories.if_known(sample.index, |memory| memory.searchers.get(&sample.container).map(|known| known.serves));
        if let Some(Some(Serves::Generation(generation))) = served {
            sample.generation = generation;
        }
        sample
    }
}

/// What a container used in the interval that ends at `to`; `None`: nothing.
fn sample(container: &Observed, to: Timestamp) -> Option<UsageSample> {
    let from = to.checked_sub(INTERVAL).ok()?;
    let seconds = to.duration_since(container.since.max(from)).as_secs_f64();
    (container.status == ContainerStatus::Running && seconds > 0.0).then(|| UsageSample {
        tenant: container.tenant,
        index: container.index,
        container: container.name.clone(),
        size: container.size.clone(),
        from,
        seconds,
        generation: None,
    })
}

fn interval_start(now: Timestamp) -> Timestamp {
    let second = now.as_second();
    Timestamp::from_second(second - second.rem_euclid(INTERVAL.as_secs() as i64)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use onggi_domain::{IndexId, TenantId, container::Role};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_container_is_counted_from_its_creation_to_the_end_of_the_interval() {
        let container = |since: i64, status| Observed {
            index: IndexId(uuid::Uuid::nil()),
            tenant: TenantId(uuid::Uuid::nil()),
            name: "a".to_owned(),
            role: Role::Searcher,
            size: "small".to_owned(),
            status,
            outdated: false,
            stopping: false,
            endpoint: None,
            restarts: 0,
            cpu_seconds: None,
            memory_bytes: None,
            since: at(since),
            note: None,
        };
        let seconds = |since, status| sample(&container(since, status), at(6000)).map(|sample| (sample.from, sample.seconds));
        assert_eq!(seconds(1, ContainerStatus::Running), Some((at(5940), 60.0)));
        assert_eq!(seconds(5990, ContainerStatus::Running), Some((at(5940), 10.0)));
        assert_eq!(seconds(6010, ContainerStatus::Running), None);
        assert_eq!(seconds(1, ContainerStatus::Failed), None);
    }

    #[test]
    fn intervals_are_aligned() {
        assert_eq!(interval_start(at(6059)), at(6000));
        assert_eq!(interval_start(at(6000)), at(6000));
        assert_eq!(interval_start(at(-1)), at(-60));
    }
}
