//! Containers: what a tenant selects, the size classes, and what is observed of each container.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::{ApiError, Code, Generation, IndexId, IndexUid, Seq, TenantId, Timestamp};

/// What a tenant selected for an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    /// The size class of each container.
    pub size: String,
    /// Searchers to run while awake. Selecting 0 sends the index to sleep at once; woken all the same, it runs one. With a range, a number in it.
    pub replicas: u32,
    /// The range in which the number follows what is asked of the index; `None`: it is `replicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
    /// Seconds without a search until the index sleeps; `None`: never.
    pub sleep_after_seconds: Option<u32>,
    /// What happens when a search finds the index asleep.
    pub wake: WakePolicy,
}

impl Selection {
    /// The most replicas that a tenant can select.
    pub const MAX_REPLICAS: u32 = 64;

    /// One small searcher that sleeps after five minutes.
    pub fn new(size: &str) -> Self {
        Self { size: size.to_owned(), replicas: 1, autoscale: None, sleep_after_seconds: Some(300), wake: WakePolicy::OnSearch }
    }

    /// The most searchers that this can come to.
    pub fn most_replicas(&self) -> u32 {
        self.autoscale.map_or(self.replicas, |range| range.max)
    }
}

/// A range of replicas, and what their number follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Autoscale {
    /// The fewest searchers while awake, 1 or more.
    pub min: u32,
    /// The most searchers.
    pub max: u32,
    /// What each searcher is to be asked.
    pub target: Target,
}

/// How busy a searcher is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// Searches under way at a time, on average.
    ConcurrentSearches(u32),
    /// CPU used, in percent of what the size has.
    CpuPercent(u32),
}

impl Autoscale {
    /// The most concurrent searches that can be a target.
    pub const MAX_CONCURRENT_SEARCHES: u32 = 1000;

    fn check(&self) -> Result<(), ApiError> {
        let (most, busiest) = (Selection::MAX_REPLICAS, Self::MAX_CONCURRENT_SEARCHES);
        let wrong = match self.target {
            _ if self.min == 0 => Some(("min", "0 is no searcher: an index sleeps by `.sleepAfterSeconds`; give 1 or more".to_owned())),
            _ if self.max < self.min => Some(("max", format!("{} is less than `.autoscale.min`, which is {}", self.max, self.min))),
            _ if self.max > most => Some(("max", format!("{} is more than the {most} that an index can have", self.max))),
            Target::ConcurrentSearches(number) if !(1..=busiest).contains(&number) => {
                Some(("target.concurrentSearches", format!("{number} is not one of 1 to {busiest}")))
            }
            Target::CpuPercent(percent) if !(1..=100).contains(&percent) => {
                Some(("target.cpuPercent", format!("{percent} is not one of 1 to 100")))
            }
            Target::ConcurrentSearches(_) | Target::CpuPercent(_) => None,
        };
        match wrong {
            Some((field, why)) => Err(ApiError::new(Code::InvalidContainers, format!("Invalid value at `.autoscale.{field}`: {why}."))),
            None => Ok(()),
        }
    }
}

/// What happens when a search finds an index asleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WakePolicy {
    /// It wakes and the search waits for it.
    OnSearch,
    /// The search is refused; only `POST .../wake` wakes it.
    Manual,
}

/// A change of a selection; absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the fields are those of Selection")]
pub struct SelectionPatch {
    pub size: Option<String>,
    pub replicas: Option<u32>,
    pub autoscale: crate::settings::Setting<Autoscale>,
    pub sleep_after_seconds: crate::settings::Setting<u32>,
    pub wake: Option<WakePolicy>,
}

impl SelectionPatch {
    /// The selection after the change, or what is wrong with it.
    pub fn apply(&self, current: &Selection, sizes: &SizeTable) -> Result<Selection, ApiError> {
        let mut next = current.clone();
        if let Some(size) = &self.size {
            sizes.get(size)?;
            next.size.clone_from(size);
        }
        if let Some(replicas) = self.replicas {
            if replicas > Selection::MAX_REPLICAS {
                return Err(ApiError::new(
                    Code::InvalidContainers,
                    format!(
                        "Invalid value at `.replicas`: {replicas} is more than the {} that an index can have.",
                        Selection::MAX_REPLICAS
                    ),
                ));
            }
            next.replicas = replicas;
            next.autoscale = None;
        }
        match self.autoscale {
            crate::settings::Setting::Keep => {}
            crate::settings::Setting::Reset => next.autoscale = None,
            crate::settings::Setting::Set(_) if self.replicas.is_some() => {
                return Err(ApiError::new(
                    Code::InvalidContainers,
                    "Invalid value at `.replicas`: a number and a range exclude each other; give one of `replicas` and `autoscale`.",
                ));
            }
            crate::settings::Setting::Set(range) => {
                range.check()?;
                next.replicas = next.replicas.clamp(range.min, range.max);
                next.autoscale = Some(range);
            }
        }
        match self.sleep_after_seconds {
            crate::settings::Setting::Keep => {}
            crate::settings::Setting::Reset => next.sleep_after_seconds = None,
            crate::settings::Setting::Set(0) => {
                return Err(ApiError::new(
                    Code::InvalidContainers,
                    "Invalid value at `.sleepAfterSeconds`: 0 is no time at all; give 1 or more, or `null` for never.",
                ));
            }
            crate::settings::Setting::Set(seconds) => next.sleep_after_seconds = Some(seconds),
        }
        if let Some(wake) = self.wake {
            next.wake = wake;
        }
        Ok(next)
    }
}

/// A size class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Its name.
    pub name: String,
    /// Thousandths of a CPU that a container may use.
    pub cpu_millis: u32,
    /// Memory that a container may use.
    pub memory: ByteSize,
    /// Disk that a container may use.
    pub disk: ByteSize,
    /// Documents that an index of this size may hold.
    pub max_documents: u64,
}

/// The size classes, smallest first; the first one is the default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SizeTable(pub Vec<Size>);

impl Default for SizeTable {
    fn default() -> Self {
        let size = |name: &str, cpu_millis, memory_mib, disk_gib, max_documents| Size {
            name: name.to_owned(),
            cpu_millis,
            memory: ByteSize::mib(memory_mib),
            disk: ByteSize::gib(disk_gib),
            max_documents,
        };
        Self(vec![
            size("small", 500, 256, 2, 1_000_000),
            size("medium", 1000, 1024, 10, 10_000_000),
            size("large", 4000, 4096, 50, 100_000_000),
        ])
    }
}

impl SizeTable {
    /// The size of this name, or an error that names those there are.
    pub fn get(&self, name: &str) -> Result<&Size, ApiError> {
        self.0.iter().find(|size| size.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.0.iter().map(|size| size.name.as_str()).collect();
            ApiError::new(Code::InvalidContainers, format!("Invalid value at `.size`: `{name}` is not one of {}.", names.join(", ")))
        })
    }

    /// The size of a new index.
    pub fn default_size(&self) -> &str {
        self.0.first().map_or("small", |size| size.name.as_str())
    }
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Folds the log into segments.
    Indexer,
    /// Answers queries.
    Searcher,
}

impl Role {
    /// The name on the wire and in names of containers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Indexer => "indexer",
            Self::Searcher => "searcher",
        }
    }
}

/// How far a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerStatus {
    /// Asked for, not yet listening.
    Created,
    /// Listening, loading its generation.
    Warming,
    /// Doing its work.
    Running,
    /// Ended, or not able to do its work.
    Failed,
}

/// A container as observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// A name that no other container ever has.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// How far it is.
    pub status: ContainerStatus,
    /// The generation that it serves or has published last.
    pub generation: Option<Generation>,
    /// Log entries between that generation and the end of the log.
    pub lag: Option<u64>,
    /// CPU seconds used since it started.
    pub cpu_seconds: Option<f64>,
    /// Private memory in bytes.
    pub memory_bytes: Option<u64>,
    /// When it was created.
    pub since: Timestamp,
    /// Why it failed, or how often it was restarted.
    pub note: Option<String>,
}

/// Why the number of an index's searchers was changed, by what was asked of it or by its being idle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Searchers before.
    pub from: u32,
    /// Searchers from then on.
    pub to: u32,
    /// Why, for a person.
    pub why: String,
}

/// What should run for an index: the input of a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSet {
    /// The index.
    pub index: IndexId,
    /// Its tenant.
    pub tenant: TenantId,
    /// The tenant's name for it, for people who look at what runs.
    pub uid: IndexUid,
    /// Size class of each container.
    pub size: Size,
    /// Searchers to run.
    pub searchers: u32,
    /// Whether an indexer should run.
    pub indexer: bool,
}

/// Whether an index answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IndexPhase {
    /// No searcher.
    Asleep,
    /// The first searcher is starting.
    Waking,
    /// At least one searcher answers.
    Awake,
}

/// How far behind the log a generation is.
pub fn lag(committed: Option<Seq>, head: Option<Seq>) -> u64 {
    let after = |seq: Option<Seq>| seq.map_or(0, |seq| seq.0 + 1);
    after(head).saturating_sub(after(committed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The selection after a patch of one that runs three, or what is wrong with it.
    fn patched(patch: &serde_json::Value) -> Result<Selection, String> {
        let patch: SelectionPatch = serde_json::from_value(patch.clone()).map_err(|error| error.to_string())?;
        let current = Selection { replicas: 3, ..Selection::new("small") };
        patch.apply(&current, &SizeTable::default()).map_err(|error| error.message)
    }

    #[test]
    fn a_range_takes_the_place_of_a_number_and_a_number_that_of_a_range() {
        let range = patched(&json!({"autoscale": {"min": 1, "max": 2, "target": {"concurrentSearches": 4}}})).unwrap();
        assert_eq!((range.replicas, range.autoscale.unwrap().target), (2, Target::ConcurrentSearches(4)));
        let fixed: SelectionPatch = serde_json::from_value(json!({"replicas": 5})).unwrap();
        let fixed = fixed.apply(&range, &SizeTable::default()).unwrap();
        assert_eq!((fixed.replicas, fixed.autoscale), (5, None));
        let off: SelectionPatch = serde_json::from_value(json!({"autoscale": null})).unwrap();
        let off = off.apply(&range, &SizeTable::default()).unwrap();
        assert_eq!((off.replicas, off.autoscale), (2, None));
        let kept: SelectionPatch = serde_json::from_value(json!({"sleepAfterSeconds": 9})).unwrap();
        assert_eq!(kept.apply(&range, &SizeTable::default()).unwrap().autoscale, range.autoscale);
    }

    #[test]
    fn a_range_that_cannot_be_is_refused_by_the_name_of_its_field() {
        for (patch, expected) in [
            (json!({"autoscale": {"min": 0, "max": 2, "target": {"cpuPercent": 50}}}), "`.autoscale.min`"),
            (json!({"autoscale": {"min": 3, "max": 2, "target": {"cpuPercent": 50}}}), "`.autoscale.max`"),
            (json!({"autoscale": {"min": 3, "max": 65, "target": {"cpuPercent": 50}}}), "`.autoscale.max`"),
            (json!({"autoscale": {"min": 1, "max": 2, "target": {"cpuPercent": 101}}}), "`.autoscale.target.cpuPercent`"),
            (json!({"autoscale": {"min": 1, "max": 2, "target": {"concurrentSearches": 0}}}), "`.autoscale.target.concurrentSearches`"),
            (json!({"replicas": 1, "autoscale": {"min": 1, "max": 2, "target": {"cpuPercent": 50}}}), "exclude each other"),
            (json!({"autoscale": {"min": 1, "max": 2, "target": {"lunch": 50}}}), "lunch"),
        ] {
            let error = patched(&patch).unwrap_err();
            assert!(error.contains(expected), "{patch}: {error}");
        }
    }

    #[test]
    fn a_selection_of_an_earlier_version_is_read_and_one_without_a_range_is_written_as_before() {
        let text = r#"{"size":"small","replicas":2,"sleepAfterSeconds":null,"wake":"onSearch"}"#;
        let selection: Selection = serde_json::from_str(text).unwrap();
        assert_eq!(selection.autoscale, None);
        assert_eq!(serde_json::to_string(&selection).unwrap(), text);
    }
}
