//! What to do for an index, as a pure function of what is known about it.
//!
//! Three rules make up most of it:
//! - A searcher is routed to once it serves the newest generation. While a generation is being published, those that served the
//!   one before it stay until they are overdue, and a generation counts as recorded only when everyone who is routed to serves it.
//! - Nobody leaves the rotation for being behind while nobody else has caught up: an old answer is better than none.
//! - A searcher is replaced, not changed, when its size or its version is not the right one: its successor answers before it is told to end.

use std::time::Duration;

use onggi_domain::{
    Generation,
    container::{ContainerStatus, Role},
    worker::Endpoint,
};

use crate::runtime::Observed;

/// What is known of an index.
pub(crate) struct Situation {
    /// Searchers that should run.
    pub replicas: u32,
    /// The size class that they should have.
    pub size: String,
    /// Whether the log is ahead of the recorded generation, or was so a short while ago.
    pub indexer: bool,
    /// The newest generation that is published; `None`: there is none.
    pub target: Option<Generation>,
    /// Whether that generation is not recorded yet.
    pub publishing: bool,
    /// The containers of the index.
    pub containers: Vec<Seen>,
}

/// A container, and what the controller knows of it besides.
#[derive(Clone)]
pub(crate) struct Seen {
    /// As its runtime sees it.
    pub observed: Observed,
    /// What it last said that it serves.
    pub serves: Serves,
    /// Whether requests are routed to it now.
    pub routed: bool,
    /// How long it has been behind the target.
    pub behind: Duration,
    /// How long no request has been meant for it.
    pub unrouted: Duration,
    /// Whether it has promised to answer by no generation that is older than the target.
    pub held: bool,
    /// Whether it is being asked to load, or is not to be asked yet after a failure.
    pub asked: bool,
}

impl Seen {
    /// A container of which nothing is remembered yet.
    pub(crate) fn new(observed: Observed) -> Self {
        Self {
            observed,
            serves: Serves::Unknown,
            routed: false,
            behind: Duration::ZERO,
            unrouted: Duration::ZERO,
            held: false,
            asked: false,
        }
    }
}

/// What a searcher serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Serves {
    /// Not known: it has not answered yet, or not lately.
    Unknown,
    /// This generation, or the empty index.
    Generation(Option<Generation>),
}

/// How patient to be.
pub(crate) struct Patience {
    /// With a searcher in the rotation that is behind.
    pub load: Duration,
    /// With a searcher that stays behind, until it is replaced.
    pub stuck: Duration,
    /// With a searcher out of the rotation that does not promise to answer by no old generation: until nobody asks it any more.
    pub route: Duration,
}

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The searchers to route to from now on.
    pub routes: Vec<Endpoint>,
    /// Searchers that answer and are not routed to: they do not serve what they should.
    pub out: Vec<String>,
    /// Searchers to ask to load the target.
    pub load: Vec<String>,
    /// Searchers out of the rotation that somebody may ask all the same, to be told to answer by no generation older than the target:
    /// it is recorded when they have.
    pub hold: Vec<String>,
    /// Searchers to end; none of them is in `routes`.
    pub retire: Vec<String>,
    /// Whether the runtime has to be told.
    pub apply: bool,
    /// Whether everyone who is routed to serves the target, so that it can be recorded.
    pub record: bool,
    /// When something will be overdue that is not yet.
    pub look_again: Option<Duration>,
}

impl Seen {
    fn is_searcher(&self) -> bool {
        self.observed.role == Role::Searcher && !self.observed.stopping
    }

    fn listens(&self) -> bool {
        self.observed.status == ContainerStatus::Running && self.observed.endpoint.is_some()
    }

    /// Whether it is one of those that are wanted, or has to go when others answer.
    fn is_right(&self, size: &str) -> bool {
        self.observed.size == size && !self.observed.outdated
    }

    fn caught_up(&self, target: Option<Generation>) -> bool {
        self.listens() && self.serves >= Serves::Generation(target)
    }
}

/// What to do in this situation.
pub(crate) fn decide(situation: &Situation, patience: &Patience) -> Plan {
    let target = situation.target;
    let searchers: Vec<&Seen> = situation.containers.iter().filter(|seen| seen.is_searcher()).collect();
    let retire = retire(&searchers, situation, patience);
    let stay: Vec<&Seen> = searchers.iter().copied().filter(|seen| !retire.contains(&seen.observed.name)).collect();

    let any_caught_up = stay.iter().any(|seen| seen.caught_up(target));
    let waited_for =
        |seen: &Seen| seen.routed && seen.listens() && (!any_caught_up || (situation.publishing && seen.behind < patience.load));
    let routed: Vec<&Seen> = stay.iter().copied().filter(|seen| seen.caught_up(target) || waited_for(seen)).collect();
    let load = stay.iter().filter(|seen| seen.listens() && !seen.caught_up(target) && !seen.asked).map(|seen| seen.observed.name.clone());

    // One that has said nothing yet is starting: whether requests come to it is settled by its own readiness.
    let known = |seen: &&&Seen| seen.routed || seen.serves > Serves::Unknown;
    let is_routed = |seen: &&&Seen| routed.iter().any(|other| other.observed.name == seen.observed.name);
    let all_serve = situation.publishing && routed.iter().all(|seen| seen.caught_up(target));
    let loose: Vec<&Seen> = if all_serve { loose(situation, patience).collect() } else { Vec::new() };

    let out = stay.iter().filter(|seen| seen.listens() && !is_routed(seen)).filter(known).map(|seen| seen.observed.name.clone());

    Plan {
        out: out.collect(),
        routes: routed.iter().filter_map(|seen| seen.observed.endpoint.clone()).collect(),
        load: load.collect(),
        apply: !retire.is_empty() || !in_number(&stay, situation),
        record: all_serve && loose.is_empty(),
        look_again: look_again(&stay, target, patience)
            .into_iter()
            .chain(loose.iter().map(|seen| patience.route.saturating_sub(seen.unrouted)))
            .min(),
        hold: loose.into_iter().filter(|_| any_caught_up).map(|seen| seen.observed.name.clone()).collect(),
        retire,
    }
}

/// Searchers, also such as are ending, that might answer by an older generation although nothing is meant for them: somebody has not heard
/// of it yet, or their own readiness lets them in.
fn loose<'a>(situation: &'a Situation, patience: &Patience) -> impl Iterator<Item = &'a Seen> {
    let (target, route) = (situation.target, patience.route);
    let searchers = situation.containers.iter().filter(|seen| seen.observed.role == Role::Searcher && seen.listens());
    searchers.filter(move |seen| !seen.caught_up(target) && !seen.held && seen.unrouted < route)
}

/// Which searchers to end: those beyond the selected number, those of another size once enough of the right size answer, and those
/// that stay behind although others caught up.
fn retire(searchers: &[&Seen], situation: &Situation, patience: &Patience) -> Vec<String> {
    let target = situation.target;
    let (mut right, mut other): (Vec<&Seen>, Vec<&Seen>) = searchers.iter().partition(|seen| seen.is_right(&situation.size));
    // Who answers stays, then who is nearest to it; the name makes the order the same each time.
    let rank = |seen: &&Seen| (!seen.caught_up(target), !seen.routed, !seen.listens(), seen.observed.since, seen.observed.name.clone());
    right.sort_by_key(rank);
    other.sort_by_key(rank);

    let wanted = situation.replicas as usize;
    let mut gone: Vec<&Seen> = right.split_off(wanted.min(right.len()));
    let ready = right.iter().filter(|seen| seen.caught_up(target)).count();
    gone.extend(other.split_off(wanted.saturating_sub(ready).min(other.len())));

    let others_answer = ready > 0 || other.iter().any(|seen| seen.caught_up(target));
    let stuck =
        |seen: &&&Seen| seen.listens() && !seen.caught_up(target) && seen.behind >= patience.stuck && (others_answer || !seen.routed);
    gone.extend(right.iter().filter(stuck));
    gone.into_iter().map(|seen| seen.observed.name.clone()).collect()
}

/// Whether what stays is what should run.
fn in_number(stay: &[&Seen], situation: &Situation) -> bool {
    let right = stay.iter().filter(|seen| seen.is_right(&situation.size)).count();
    let indexers = situation.containers.iter().filter(|seen| seen.observed.role == Role::Indexer && !seen.observed.stopping);
    let sizes: Vec<&str> = indexers.map(|seen| seen.observed.size.as_str()).collect();
    let wanted_sizes: &[&str] = if situation.indexer { &[&situation.size] } else { &[] };
    right == situation.replicas as usize && sizes == wanted_sizes
}

fn look_again(stay: &[&Seen], target: Option<Generation>, patience: &Patience) -> Option<Duration> {
    let behind = stay.iter().filter(|seen| seen.listens() && !seen.caught_up(target));
    behind
        .flat_map(|seen| [patience.load, patience.stuck].map(|limit| limit.saturating_sub(seen.behind)))
        .filter(|left| !left.is_zero())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { load: Duration::from_secs(10), stuck: Duration::from_mins(1), route: Duration::ZERO };

    fn situation(replicas: u32, target: u64, containers: Vec<Seen>) -> Situation {
        Situation {
            replicas,
            size: "small".to_owned(),
            indexer: false,
            target: (target > 0).then_some(Generation(target)),
            publishing: false,
            containers,
        }
    }

    fn publishing(replicas: u32, target: u64, containers: Vec<Seen>) -> Situation {
        Situation { publishing: true, ..situation(replicas, target, containers) }
    }

    fn created(name: &str) -> Seen {
        Seen::new(Observed::created(name))
    }

    fn listening(name: &str) -> Seen {
        let mut seen = created(name);
        seen.observed.status = ContainerStatus::Running;
        seen.observed.endpoint =
            Some(Endpoint { name: name.to_owned(), address: ([127, 0, 0, 1], 1).into(), secret: "s".into(), zone: None });
        seen
    }

    fn serving(name: &str, generation: u64) -> Seen {
        Seen { serves: Serves::Generation((generation > 0).then_some(Generation(generation))), ..listening(name) }
    }

    fn routed(name: &str, generation: u64) -> Seen {
        Seen { routed: true, ..serving(name, generation) }
    }

    fn behind(seconds: u64, seen: Seen) -> Seen {
        Seen { behind: Duration::from_secs(seconds), ..seen }
    }

    fn failed(mut seen: Seen) -> Seen {
        seen.observed.status = ContainerStatus::Failed;
        seen.observed.endpoint = None;
        seen
    }

    fn outdated(mut seen: Seen) -> Seen {
        seen.observed.outdated = true;
        seen
    }

    fn large(mut seen: Seen) -> Seen {
        seen.observed.size = "large".to_owned();
        seen
    }

    /// One line a situation: routes / load / retire, and `apply` and `record` when they are asked for.
    fn told(situation: &Situation) -> String {
        let plan = decide(situation, &PATIENCE);
        let routes: Vec<&str> = plan.routes.iter().map(|endpoint| endpoint.name.as_str()).collect();
        let mut line = format!("{}/{}/{}", routes.join(","), plan.load.join(","), plan.retire.join(","));
        for (asked, word) in [(plan.apply, " apply"), (plan.record, " record")] {
            if asked {
                line.push_str(word);
            }
        }
        line
    }

    #[test]
    fn searchers_come_and_go_in_the_selected_number() {
        for (case, situation, expected) in [
            ("asleep", situation(0, 3, vec![]), "//"),
            ("wakes", situation(1, 3, vec![]), "// apply"),
            ("starting", situation(1, 3, vec![created("a")]), "//"),
            ("listens", situation(1, 3, vec![listening("a")]), "/a/"),
            ("serves what it finds", situation(1, 3, vec![serving("a", 3)]), "a//"),
            ("serves more than is recorded", situation(1, 3, vec![serving("a", 4)]), "a//"),
            ("behind at its start", situation(1, 3, vec![serving("a", 2)]), "/a/"),
            ("empty index, not asked yet", situation(1, 0, vec![listening("a")]), "/a/"),
            ("empty index", situation(1, 0, vec![serving("a", 0)]), "a//"),
            ("more are wanted", situation(3, 3, vec![routed("a", 3)]), "a// apply"),
            ("fewer are wanted", situation(1, 3, vec![routed("a", 3), routed("b", 3)]), "a//b apply"),
            ("the one that answers stays", situation(1, 3, vec![created("a"), routed("b", 3)]), "b//a apply"),
            ("sleeps", situation(0, 3, vec![routed("a", 3), created("b")]), "//a,b apply"),
            ("crashed", situation(2, 3, vec![routed("a", 3), failed(routed("b", 3))]), "a//"),
        ] {
            assert_eq!(told(&situation), expected, "{case}");
        }
    }

    #[test]
    fn another_size_is_rolled_out_without_going_below_the_selected_number() {
        for (case, containers, expected) in [
            ("changed", vec![large(routed("a", 3)), large(routed("b", 3))], "a,b// apply"),
            ("starting", vec![large(routed("a", 3)), large(routed("b", 3)), created("c"), created("d")], "a,b//"),
            ("one is ready", vec![large(routed("a", 3)), large(routed("b", 3)), serving("c", 3), created("d")], "a,c//b apply"),
            ("all are ready", vec![large(routed("a", 3)), routed("c", 3), serving("d", 3)], "c,d//a apply"),
        ] {
            assert_eq!(told(&situation(2, 3, containers)), expected, "{case}");
        }
    }

    #[test]
    fn a_generation_is_recorded_once_everyone_who_is_routed_to_serves_it() {
        for (case, situation, expected) in [
            ("asleep", publishing(0, 4, vec![]), "// record"),
            ("the first searcher starts", publishing(1, 4, vec![created("a")]), "// record"),
            ("not loaded", publishing(2, 4, vec![routed("a", 3), routed("b", 3)]), "a,b/a,b/"),
            ("one loaded", publishing(2, 4, vec![routed("a", 4), routed("b", 3)]), "a,b/b/"),
            ("all loaded", publishing(2, 4, vec![routed("a", 4), routed("b", 4)]), "a,b// record"),
            ("one is too slow", publishing(2, 4, vec![routed("a", 4), behind(10, routed("b", 3))]), "a/b/ record"),
            ("all are too slow", publishing(2, 4, vec![behind(10, routed("a", 3)), behind(10, routed("b", 3))]), "a,b/a,b/"),
            ("one crashed", publishing(2, 4, vec![routed("a", 4), failed(routed("b", 3))]), "a// record"),
            ("one joins", publishing(2, 4, vec![routed("a", 4), serving("b", 4)]), "a,b// record"),
            ("one cannot join yet", publishing(2, 4, vec![routed("a", 4), serving("b", 3)]), "a/b/ record"),
        ] {
            assert_eq!(told(&situation), expected, "{case}");
        }
    }

    #[test]
    fn where_gateways_hear_late_a_generation_is_recorded_once_nobody_can_answer_by_an_older_one() {
        let patience = Patience { route: Duration::from_secs(5), ..PATIENCE };
        let held = |seen: Seen| Seen { held: true, ..seen };
        let unrouted = |seconds, seen: Seen| Seen { unrouted: Duration::from_secs(seconds), ..seen };
        let stopping = |mut seen: Seen| {
            seen.observed.stopping = true;
            seen
        };
        for (case, containers, expected) in [
            ("asleep", vec![], (vec![], true)),
            ("not loaded by who is routed to", vec![routed("a", 3), serving("b", 3)], (vec![], false)),
            ("all loaded", vec![routed("a", 4), routed("b", 4)], (vec![], true)),
            ("one is out", vec![routed("a", 4), serving("b", 3)], (vec!["b"], false)),
            ("one starts and has said nothing", vec![routed("a", 4), listening("b")], (vec!["b"], false)),
            ("nobody serves it yet, and an old answer is better than none", vec![listening("a"), serving("b", 3)], (vec![], false)),
            ("one does not listen yet", vec![routed("a", 4), created("b")], (vec![], true)),
            ("one ends", vec![routed("a", 4), stopping(serving("b", 3))], (vec!["b"], false)),
            ("one has promised", vec![routed("a", 4), held(serving("b", 3))], (vec![], true)),
            ("one is silent for long", vec![routed("a", 4), unrouted(5, serving("b", 3))], (vec![], true)),
        ] {
            let plan = decide(&publishing(2, 4, containers), &patience);
            assert_eq!((plan.hold.iter().map(String::as_str).collect::<Vec<_>>(), plan.record), expected, "{case}");
        }
        let waiting = publishing(2, 4, vec![routed("a", 4), unrouted(3, serving("b", 3))]);
        assert_eq!(decide(&waiting, &patience).look_again, Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_searcher_that_stays_behind_is_replaced_unless_it_is_all_there_is() {
        let unknown = |name| Seen { serves: Serves::Unknown, ..routed(name, 3) };
        for (case, containers, expected) in [
            ("no answer lately", vec![routed("a", 3), unknown("b")], "a/b/"),
            ("no answer from anybody", vec![unknown("a"), unknown("b")], "a,b/a,b/"),
            ("stuck", vec![routed("a", 3), behind(60, listening("b"))], "a//b apply"),
            ("stuck and alone", vec![behind(60, routed("a", 2)), behind(5, created("b"))], "a/a/"),
            ("never answered", vec![behind(60, listening("a")), behind(5, created("b"))], "//a apply"),
        ] {
            assert_eq!(told(&situation(2, 3, containers)), expected, "{case}");
        }
    }

    #[test]
    fn a_searcher_that_is_being_asked_is_not_asked_again() {
        let asked = Seen { asked: true, ..listening("a") };
        assert_eq!(told(&situation(1, 3, vec![asked])), "//");
    }

    #[test]
    fn an_indexer_runs_while_it_is_wanted() {
        let indexer = || {
            let mut seen = created("i");
            seen.observed.role = Role::Indexer;
            seen
        };
        let mut other_size = indexer();
        other_size.observed.size = "medium".to_owned();
        for (wanted, containers, apply) in [
            (true, vec![], true),
            (true, vec![indexer()], false),
            (true, vec![other_size], true),
            (false, vec![indexer()], true),
            (false, vec![], false),
        ] {
            let situation = Situation { indexer: wanted, ..situation(0, 3, containers) };
            assert_eq!(decide(&situation, &PATIENCE).apply, apply);
        }
    }

    #[test]
    fn it_looks_again_when_the_next_one_is_overdue() {
        let look_again = |containers| decide(&situation(2, 3, containers), &PATIENCE).look_again;
        assert_eq!(look_again(vec![routed("a", 3)]), None);
        assert_eq!(look_again(vec![routed("a", 3), behind(4, listening("b"))]), Some(Duration::from_secs(6)));
        assert_eq!(look_again(vec![routed("a", 3), behind(20, listening("b"))]), Some(Duration::from_secs(40)));
    }

    #[test]
    fn an_older_version_goes_one_by_one_as_the_newer_one_answers() {
        let old = |name: &str| outdated(routed(name, 1));
        assert_eq!(told(&situation(2, 1, vec![old("a"), old("b")])), "a,b// apply");
        assert_eq!(told(&situation(2, 1, vec![old("a"), old("b"), created("c")])), "a,b// apply");
        assert_eq!(told(&situation(2, 1, vec![old("a"), old("b"), serving("c", 1)])), "a,c//b apply");
        assert_eq!(told(&situation(2, 1, vec![old("a"), serving("c", 1), serving("d", 1)])), "c,d//a apply");
    }

    #[test]
    fn one_that_is_left_out_of_the_routes_is_taken_out_of_the_rotation_unless_it_is_only_starting() {
        let out = |containers| decide(&publishing(2, 2, containers), &PATIENCE).out;
        assert_eq!(out(vec![routed("a", 2), behind(9, routed("b", 1))]), Vec::<String>::new());
        assert_eq!(out(vec![routed("a", 2), behind(10, routed("b", 1))]), ["b"]);
        assert_eq!(out(vec![routed("a", 2), listening("b")]), Vec::<String>::new());
        assert_eq!(out(vec![routed("a", 2), behind(10, serving("b", 1))]), ["b"]);
        assert_eq!(out(vec![routed("a", 2), created("b")]), Vec::<String>::new());
    }
}
