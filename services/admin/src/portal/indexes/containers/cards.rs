//! Each container of an index as a jar: how full of memory it is, how busy, how fresh.

use std::{collections::HashMap, time::Instant};

use onggi_domain::{
    Timestamp,
    container::{Container, ContainerStatus, IndexPhase, Role, Size},
};
use parking_lot::Mutex;

/// Where the inside of the drawn jar begins, and how high it is.
const TOP: f64 = 20.0;
const HEIGHT: f64 = 62.0;

/// A container as its card shows it.
#[derive(Debug, PartialEq)]
pub(super) struct Card {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) status: ContainerStatus,
    pub(super) generation: Option<u64>,
    pub(super) lag: Option<u64>,
    /// CPU used, in percent of what the size has.
    pub(super) cpu: Option<u64>,
    pub(super) memory: Option<u64>,
    /// Memory used, in percent of what the size has.
    pub(super) filled: Option<u64>,
    pub(super) since: Timestamp,
    pub(super) note: Option<String>,
}

impl Card {
    /// The key of the text that says what it does.
    pub(super) fn role_text(&self) -> &'static str {
        match self.role {
            Role::Searcher => "containers.searcher",
            Role::Indexer => "containers.indexer",
        }
    }

    pub(super) fn role_help(&self) -> &'static str {
        match self.role {
            Role::Searcher => "containers.searcher_help",
            Role::Indexer => "containers.indexer_help",
        }
    }

    pub(super) fn status_text(&self) -> &'static str {
        match self.status {
            ContainerStatus::Created => "containers.created",
            ContainerStatus::Warming => "containers.warming",
            ContainerStatus::Running => "containers.running",
            ContainerStatus::Failed => "containers.failed",
        }
    }

    /// The class of its badge.
    pub(super) fn tone(&self) -> &'static str {
        match self.status {
            ContainerStatus::Created | ContainerStatus::Warming => "info",
            ContainerStatus::Running => "good",
            ContainerStatus::Failed => "bad",
        }
    }

    /// Whether it has everything that was written.
    pub(super) fn is_fresh(&self) -> bool {
        self.lag == Some(0)
    }

    /// How high what is in the drawn jar stands.
    pub(super) fn level(&self) -> String {
        format!("{:.1}", self.height())
    }

    /// Where that begins.
    pub(super) fn surface(&self) -> String {
        format!("{:.1}", TOP + HEIGHT - self.height())
    }

    /// At least a little, so that one sees that it is not empty.
    fn height(&self) -> f64 {
        let share = self.filled.unwrap_or(0).min(100) as f64 / 100.0;
        if self.memory.is_some() { (share * HEIGHT).max(3.0) } else { 0.0 }
    }
}

/// Jars that are not there: why one is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// The index sleeps.
    Asleep,
    /// It is on its way.
    Coming,
}

impl Missing {
    /// The key of the text.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Asleep => "containers.jar_asleep",
            Self::Coming => "containers.jar_coming",
        }
    }
}

/// The searchers that are selected and not there.
pub(super) fn missing(phase: IndexPhase, wanted: u32, containers: &[Container]) -> Vec<Missing> {
    let there = containers.iter().filter(|container| container.role == Role::Searcher).count();
    let (why, wanted) = match phase {
        IndexPhase::Asleep => (Missing::Asleep, wanted.max(1)),
        IndexPhase::Waking | IndexPhase::Awake => (Missing::Coming, wanted),
    };
    vec![why; (wanted as usize).saturating_sub(there)]
}

/// What CPU time was before, to tell how busy containers are now. Before there are two looks, it is the average since the start.
#[derive(Default)]
pub(super) struct Pulse(Mutex<HashMap<String, (Instant, f64)>>);

impl Pulse {
    /// Cards of containers, searchers first.
    pub(super) fn cards(&self, containers: Vec<Container>, size: Option<&Size>) -> Vec<Card> {
        let (now, moment) = (Instant::now(), Timestamp::now());
        let mut before = self.0.lock();
        let mut after = HashMap::new();
        let mut cards: Vec<Card> = containers
            .into_iter()
            .map(|container| {
                let used = container.cpu_seconds;
                let (elapsed, since) = match before.get(&container.name) {
                    Some((then, had)) => (now.duration_since(*then).as_secs_f64(), *had),
                    None => (moment.duration_since(container.since).as_secs_f64(), 0.0),
                };
                if let Some(used) = used {
                    after.insert(container.name.clone(), (now, used));
                }
                let rate = used.filter(|_| elapsed > 0.0).map(|used| ((used - since) / elapsed).max(0.0));
                card(container, rate, size)
            })
            .collect();
        *before = after;
        cards.sort_by(|a, b| (a.role == Role::Indexer, a.since, &a.name).cmp(&(b.role == Role::Indexer, b.since, &b.name)));
        cards
    }
}

fn card(container: Container, cpus: Option<f64>, size: Option<&Size>) -> Card {
    let cpu = cpus.zip(size).map(|(cpus, size)| percent(cpus * 1000.0, f64::from(size.cpu_millis)));
    let filled = container.memory_bytes.zip(size).map(|(bytes, size)| percent(bytes as f64, size.memory.as_u64() as f64));
    Card {
        name: container.name,
        role: container.role,
        status: container.status,
        generation: container.generation.map(|generation| generation.0),
        lag: container.lag,
        cpu,
        memory: container.memory_bytes,
        filled,
        since: container.since,
        note: container.note,
    }
}

fn percent(part: f64, whole: f64) -> u64 {
    if whole > 0.0 { (part / whole * 100.0).round().max(0.0) as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use bytesize::ByteSize;

    use super::*;

    fn container(name: &str, role: Role, cpu_seconds: f64, memory: u64) -> Container {
        Container {
            name: name.to_owned(),
            role,
            status: ContainerStatus::Running,
            generation: None,
            lag: Some(0),
            cpu_seconds: Some(cpu_seconds),
            memory_bytes: Some(memory),
            since: Timestamp::UNIX_EPOCH,
            note: None,
        }
    }

    fn size() -> Size {
        Size { name: "small".to_owned(), cpu_millis: 500, memory: ByteSize::mib(256), disk: ByteSize::gib(1), max_documents: 1 }
    }

    #[test]
    fn a_jar_is_as_full_as_its_memory_and_searchers_come_first() {
        let pulse = Pulse::default();
        let cards = pulse.cards(vec![container("i", Role::Indexer, 0.0, 0), container("s", Role::Searcher, 0.0, 128 << 20)], Some(&size()));
        assert_eq!(cards.iter().map(|card| card.name.as_str()).collect::<Vec<_>>(), ["s", "i"]);
        assert_eq!((cards[0].filled, cards[0].level().as_str(), cards[0].surface().as_str()), (Some(50), "31.0", "51.0"));
        assert_eq!(cards[1].level(), "3.0");
    }

    #[test]
    fn busy_is_what_was_used_between_two_looks() {
        let pulse = Pulse::default();
        let first = pulse.cards(vec![container("s", Role::Searcher, 1000.0, 0)], Some(&size()));
        assert_eq!(first[0].cpu, Some(0), "1000 seconds since 1970 are nothing");
        let second = pulse.cards(vec![container("s", Role::Searcher, 1000.0, 0)], Some(&size()));
        assert_eq!(second[0].cpu, Some(0));
        assert!(pulse.cards(vec![container("s", Role::Searcher, 1100.0, 0)], Some(&size()))[0].cpu.is_some_and(|cpu| cpu > 100));
        // One that was started anew counts from 0.
        assert_eq!(pulse.cards(vec![container("s", Role::Searcher, 0.0, 0)], Some(&size()))[0].cpu, Some(0));
    }

    #[test]
    fn selected_searchers_that_are_not_there_are_told() {
        let one = [container("s", Role::Searcher, 0.0, 0), container("i", Role::Indexer, 0.0, 0)];
        assert_eq!(missing(IndexPhase::Awake, 3, &one), [Missing::Coming; 2]);
        assert_eq!(missing(IndexPhase::Awake, 1, &one), []);
        assert_eq!(missing(IndexPhase::Asleep, 0, &[]), [Missing::Asleep]);
    }
}
