//! What to write and which pods to mark so that a set of containers comes about. Kubernetes counts and the controller names: this is
//! where the two meet.
//!
//! A number is lowered only by as many as were named, after they were marked as the cheapest to lose, so that the ReplicaSet ends just
//! those. It would rather lose one that is not ready yet: while there is such a one among those that stay, those that go are deleted
//! before the number is lowered. One that must go although the number stays is deleted, and replaced by its ReplicaSet.

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::jiff::Timestamp;
use onggi_domain::container::{ContainerSet, Role};

use super::{
    crd::{Leaving, SearchIndexSpec},
    pods::Seen,
};

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scaling {
    pub(crate) spec: SearchIndexSpec,
    /// Pods to be marked before the specification is written.
    pub(crate) mark: Vec<String>,
    /// Pods to be deleted before it is written.
    pub(crate) delete_first: Vec<String>,
    /// Pods to be deleted after it is written.
    pub(crate) delete: Vec<String>,
}

/// Whether a specification is that of a set, with nobody left to go.
pub(crate) fn is_met(spec: &SearchIndexSpec, set: &ContainerSet) -> bool {
    let SearchIndexSpec { tenant: _, index: _, uid, size, replicas, leaving, indexer } = spec;
    *replicas == set.searchers && *size == set.size.name && leaving.is_empty() && *indexer == set.indexer && *uid == *set.uid.as_str()
}

/// How a set comes about, with these pods there and these of them named to go. One that was marked longer than `patience` ago is deleted.
pub(crate) fn scale(set: &ContainerSet, retire: &[String], pods: &[Seen], now: Timestamp, patience: Duration) -> Scaling {
    let searchers = || pods.iter().filter(|pod| pod.observed.role == Role::Searcher && !pod.observed.stopping);
    let live = || searchers().filter(|pod| !pod.dead);
    let is_named = |pod: &&Seen| retire.contains(&pod.observed.name);

    let right: Vec<&Seen> = live().filter(|pod| pod.observed.size == set.size.name).collect();
    // During a rollout there are more than are wanted; those of the old revision are its affair.
    let staying = right.iter().filter(|pod| !pod.observed.outdated && !is_named(pod)).count();
    let replicas = staying.max(set.searchers as usize);
    let rolling = right.iter().any(|pod| pod.observed.outdated);
    let surplus = right.len().saturating_sub(replicas);

    let mut leaving: BTreeMap<&str, u32> = BTreeMap::new();
    for pod in live().filter(|pod| pod.observed.size != set.size.name && !is_named(pod)) {
        *leaving.entry(&pod.observed.size).or_default() += 1;
    }

    let names = |pods: &[&Seen]| pods.iter().map(|pod| pod.observed.name.clone()).collect::<Vec<_>>();
    let marked: Vec<&Seen> = live().filter(is_named).collect();
    let overdue = |pod: &&Seen| pod.retired_at.is_some_and(|since| now.duration_since(since).unsigned_abs() >= patience);
    let mut delete: Vec<&Seen> = searchers().filter(|pod| pod.dead && is_named(pod)).collect();
    delete.extend(marked.iter().copied().filter(overdue));
    let mut delete_first = Vec::new();
    if !rolling {
        let mut named = right.iter().copied().filter(|pod| is_named(pod));
        let all_ready = right.iter().filter(|pod| !is_named(pod)).all(|pod| pod.ready);
        if all_ready {
            named.by_ref().take(surplus).for_each(drop);
        } else {
            delete_first.extend(named.by_ref().take(surplus).filter(|pod| !overdue(pod)));
        }
        delete.extend(named.filter(|pod| !overdue(pod)));
    }
    Scaling {
        spec: SearchIndexSpec {
            tenant: set.tenant.to_string(),
            index: set.index.to_string(),
            uid: set.uid.to_string(),
            size: set.size.name.clone(),
            replicas: replicas as u32,
            leaving: leaving.into_iter().map(|(size, replicas)| Leaving { size: size.to_owned(), replicas }).collect(),
            indexer: set.indexer,
        },
        mark: names(&marked.iter().copied().filter(|pod| pod.retired_at.is_none()).collect::<Vec<_>>()),
        delete_first: names(&delete_first),
        delete: names(&delete),
    }
}

#[cfg(test)]
mod tests {
    use onggi_domain::{
        IndexId, TenantId,
        container::{ContainerStatus, SizeTable},
    };

    use super::*;
    use crate::runtime::Observed;

    fn pod(name: &str) -> Seen {
        let observed = Observed { status: ContainerStatus::Running, ..Observed::created(name) };
        Seen { observed, ready: true, in_rotation: true, retired_at: None, dead: false }
    }

    fn change(name: &str, change: impl FnOnce(&mut Seen)) -> Seen {
        let mut pod = pod(name);
        change(&mut pod);
        pod
    }

    fn of_size(name: &str, size: &str) -> Seen {
        change(name, |pod| pod.observed.size = size.to_owned())
    }

    fn set(searchers: u32) -> ContainerSet {
        let size = SizeTable::default().0[0].clone();
        let (index, tenant) = (IndexId(uuid::Uuid::nil()), TenantId(uuid::Uuid::nil()));
        ContainerSet { index, tenant, uid: "movies".parse().unwrap(), size, searchers, indexer: false }
    }

    /// `replicas leaving / mark / delete`, and those to be deleted first with a mark.
    fn told(searchers: u32, retire: &[&str], pods: &[Seen]) -> String {
        let set = set(searchers);
        let retire: Vec<String> = retire.iter().map(|name| (*name).to_owned()).collect();
        let now = Timestamp::from_second(100).unwrap();
        let scaling = scale(&set, &retire, pods, now, Duration::from_secs(20));
        let leaving: Vec<String> = scaling.spec.leaving.iter().map(|leaving| format!("{}:{}", leaving.size, leaving.replicas)).collect();
        let first = scaling.delete_first.iter().map(|name| format!("!{name}"));
        let delete: Vec<String> = first.chain(scaling.delete).collect();
        format!("{} {}/{}/{}", scaling.spec.replicas, leaving.join(","), scaling.mark.join(","), delete.join(","))
    }

    #[test]
    fn a_number_grows_at_once_and_shrinks_by_those_that_are_named() {
        assert_eq!(told(3, &[], &[pod("a")]), "3 //");
        assert_eq!(told(1, &[], &[pod("a"), pod("b"), pod("c")]), "3 //", "nobody is named");
        assert_eq!(told(1, &["b"], &[pod("a"), pod("b"), pod("c")]), "2 /b/");
        assert_eq!(told(1, &["b", "c"], &[pod("a"), pod("b"), pod("c")]), "1 /b,c/");
        assert_eq!(told(0, &["a"], &[pod("a")]), "0 /a/");
    }

    #[test]
    fn a_number_that_no_pod_has_come_of_yet_is_lowered_all_the_same() {
        let patience = Duration::from_secs(20);
        let waking = scale(&set(3), &[], &[], Timestamp::UNIX_EPOCH, patience).spec;
        assert!(is_met(&waking, &set(3)));
        assert!(!is_met(&waking, &set(0)), "a quota may have refused its pods: it has to be told that they are not wanted any more");
        let asleep = scale(&set(0), &[], &[], Timestamp::UNIX_EPOCH, patience).spec;
        assert!(is_met(&asleep, &set(0)));
        let leaving = scale(&set(1), &[], &[pod("a"), of_size("b", "medium")], Timestamp::UNIX_EPOCH, patience).spec;
        assert!(!is_met(&leaving, &set(1)));
    }

    #[test]
    fn one_that_is_named_while_the_number_stays_is_deleted_to_be_replaced() {
        assert_eq!(told(2, &["a"], &[pod("a"), pod("b")]), "2 /a/a");
        assert_eq!(told(2, &["a", "b"], &[pod("a"), pod("b"), pod("c")]), "2 /a,b/b");
        assert_eq!(told(2, &["a"], &[pod("b"), pod("c")]), "2 //", "it is gone already");
    }

    #[test]
    fn one_that_goes_is_deleted_first_while_one_that_stays_is_not_ready() {
        let starting = |name: &str| change(name, |pod| pod.ready = false);
        assert_eq!(told(1, &["a"], &[pod("a"), starting("b")]), "1 /a/!a");
        assert_eq!(told(1, &["b"], &[pod("a"), starting("b")]), "1 /b/", "the one that goes is lost first anyway");
    }

    #[test]
    fn one_that_stays_although_it_was_marked_is_deleted_and_marked_once_only() {
        let at = |second| change("a", |pod| pod.retired_at = Some(Timestamp::from_second(second).unwrap()));
        assert_eq!(told(1, &["a"], &[at(90), pod("b")]), "1 //");
        assert_eq!(told(1, &["a"], &[at(80), pod("b")]), "1 //a");
    }

    #[test]
    fn searchers_of_another_size_stay_until_they_are_named() {
        let pods = [pod("a"), of_size("b", "medium"), of_size("c", "medium"), of_size("d", "large")];
        assert_eq!(told(2, &[], &pods), "2 large:1,medium:2//");
        assert_eq!(told(2, &["b", "d"], &pods), "2 medium:1/b,d/");
    }

    #[test]
    fn a_rollout_has_more_than_are_wanted_without_being_taken_for_a_larger_number() {
        let old = |name: &str| change(name, |pod| pod.observed.outdated = true);
        assert_eq!(told(2, &[], &[old("a"), old("b"), pod("c")]), "2 //");
        assert_eq!(told(2, &["a"], &[old("a"), old("b"), pod("c")]), "2 /a/", "the rollout ends it");
    }

    #[test]
    fn the_dead_do_not_count_and_are_buried_when_they_are_named() {
        let dead = change("a", |pod| pod.dead = true);
        assert_eq!(told(1, &["a"], &[dead, pod("b")]), "1 //a");
        let ending = change("a", |pod| pod.observed.stopping = true);
        assert_eq!(told(1, &[], &[ending, pod("b")]), "1 //");
    }
}
