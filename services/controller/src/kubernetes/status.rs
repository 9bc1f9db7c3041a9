//! What a `SearchIndex` says of itself: from what is wanted and the pods that there are. Pure.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use onggi_domain::container::{ContainerStatus, Role};

use super::{
    crd::{SearchIndexSpec, SearchIndexStatus},
    names,
    pods::Seen,
};

/// What is known of an index besides its specification.
pub(crate) struct Facts<'a> {
    pub(crate) spec: &'a SearchIndexSpec,
    /// The object's `metadata.generation`.
    pub(crate) generation: i64,
    /// Whether it is being deleted.
    pub(crate) ending: bool,
    pub(crate) pods: &'a [Seen],
    /// The index generation that is served, where this process has heard of it.
    pub(crate) served: Option<i64>,
    /// Why it cannot be run as it is specified.
    pub(crate) refused: Option<&'a str>,
    pub(crate) before: Option<&'a SearchIndexStatus>,
}

/// The status that follows from the facts. Times of conditions that do not change stay.
pub(crate) fn status(facts: &Facts<'_>, now: Timestamp) -> SearchIndexStatus {
    let wanted = facts.spec.replicas + facts.spec.leaving.iter().map(|leaving| leaving.replicas).sum::<u32>();
    let searchers = || facts.pods.iter().filter(|pod| pod.observed.role == Role::Searcher && !pod.observed.stopping && !pod.dead);
    let exist = searchers().count() as u32;
    let ready = searchers().filter(|pod| pod.ready && pod.in_rotation).count() as u32;
    let outdated = facts.pods.iter().filter(|pod| pod.observed.outdated && !pod.observed.stopping).count();
    let failed = facts.pods.iter().find(|pod| pod.observed.status == ContainerStatus::Failed && !pod.observed.stopping);
    let trouble = facts.refused.map(|why| ("NotPossible", why.to_owned())).or_else(|| {
        let pod = &failed?.observed;
        Some(("ContainerFailed", format!("{}: {}", pod.name, pod.note.as_deref().unwrap_or("it has failed"))))
    });

    let phase = match (facts.ending, wanted, ready) {
        (true, ..) => "Ending",
        (_, 0, _) => "Asleep",
        (_, _, 0) if trouble.is_some() => "Degraded",
        (_, _, 0) => "Waking",
        _ if trouble.is_some() => "Degraded",
        _ => "Awake",
    };
    let answers = match (wanted, ready) {
        (0, _) => ("Asleep", "no searcher is wanted; a search or the tenant wakes the index".to_owned()),
        (_, 0) => ("NoneReady", format!("none of {wanted} searchers answers yet")),
        (wanted, ready) if ready < wanted => ("SomeReady", format!("{ready} of {wanted} searchers answer")),
        (wanted, _) => ("AllReady", format!("all {wanted} searchers answer")),
    };
    let progress = if exist == wanted && ready == wanted && outdated == 0 {
        ("Settled", "what runs is what is wanted".to_owned())
    } else if outdated > 0 {
        ("RollingOut", format!("{outdated} containers of an older version are being replaced"))
    } else {
        ("Scaling", format!("{exist} searchers exist, {wanted} are wanted"))
    };
    let conditions = [
        ("Ready", ready > 0, answers.0, answers.1),
        ("Progressing", progress.0 != "Settled", progress.0, progress.1),
        match trouble {
            Some((reason, message)) => ("Degraded", true, reason, message),
            None => ("Degraded", false, "NoFailure", "nothing has failed".to_owned()),
        },
        match wanted {
            0 => ("Asleep", true, "NoSearcherWanted", "nothing runs and nothing is charged but storage".to_owned()),
            _ => ("Asleep", false, "SearchersWanted", format!("{wanted} searchers are wanted")),
        },
    ];
    let condition = |(type_, is_true, reason, message): (&str, bool, &str, String)| {
        let status = if is_true { "True" } else { "False" };
        let earlier = facts.before.and_then(|before| before.conditions.iter().find(|earlier| earlier.type_ == type_));
        let since = earlier.filter(|earlier| earlier.status == status).map(|earlier| earlier.last_transition_time.clone());
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message,
            last_transition_time: since.unwrap_or(Time(now)),
            observed_generation: Some(facts.generation),
        }
    };
    SearchIndexStatus {
        observed_generation: facts.generation,
        replicas: exist,
        ready_replicas: ready,
        selector: format!("{}={},{}={}", names::INDEX, facts.spec.index, names::ROLE, Role::Searcher.as_str()),
        generation: facts.served.or_else(|| facts.before?.generation),
        phase: phase.to_owned(),
        conditions: conditions.into_iter().map(condition).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Observed;

    fn spec(replicas: u32) -> SearchIndexSpec {
        SearchIndexSpec {
            tenant: "t".to_owned(),
            index: "i".to_owned(),
            uid: "movies".to_owned(),
            size: "small".to_owned(),
            replicas,
            leaving: Vec::new(),
            indexer: false,
        }
    }

    fn pod(ready: bool) -> Seen {
        let observed = Observed { status: ContainerStatus::Running, ..Observed::created("a") };
        Seen { observed, ready, in_rotation: true, retired_at: None, dead: false }
    }

    fn of(replicas: u32, pods: &[Seen], before: Option<&SearchIndexStatus>, second: i64) -> SearchIndexStatus {
        let facts = Facts { spec: &spec(replicas), generation: 3, ending: false, pods, served: None, refused: None, before };
        status(&facts, Timestamp::from_second(second).unwrap())
    }

    fn condition<'a>(status: &'a SearchIndexStatus, type_: &str) -> (&'a str, &'a str) {
        let found = status.conditions.iter().find(|condition| condition.type_ == type_).unwrap();
        (&found.status, &found.reason)
    }

    #[test]
    fn an_index_is_asleep_waking_or_awake() {
        let asleep = of(0, &[], None, 1);
        assert_eq!((asleep.phase.as_str(), condition(&asleep, "Ready").0, condition(&asleep, "Asleep").0), ("Asleep", "False", "True"));
        let waking = of(1, &[pod(false)], None, 1);
        assert_eq!((waking.phase.as_str(), condition(&waking, "Ready")), ("Waking", ("False", "NoneReady")));
        assert_eq!(condition(&waking, "Progressing"), ("True", "Scaling"));
        let awake = of(1, &[pod(true)], None, 1);
        assert_eq!((awake.phase.as_str(), condition(&awake, "Ready"), awake.ready_replicas), ("Awake", ("True", "AllReady"), 1));
        assert_eq!(condition(&awake, "Progressing"), ("False", "Settled"));
        assert_eq!(awake.observed_generation, 3);
    }

    #[test]
    fn a_failure_is_told_with_its_reason_whether_others_answer_or_not() {
        let mut failed = pod(false);
        failed.observed.status = ContainerStatus::Failed;
        failed.observed.note = Some("it used more memory than its size has and was killed".to_owned());
        let degraded = of(2, &[pod(true), failed], None, 1);
        assert_eq!((degraded.phase.as_str(), condition(&degraded, "Degraded")), ("Degraded", ("True", "ContainerFailed")));
        let message = &degraded.conditions.iter().find(|condition| condition.type_ == "Degraded").unwrap().message;
        assert!(message.contains("more memory than its size has"), "{message}");
        let facts =
            Facts { spec: &spec(1), generation: 1, ending: false, pods: &[], served: Some(7), refused: Some("no such size"), before: None };
        assert_eq!(condition(&status(&facts, Timestamp::UNIX_EPOCH), "Degraded"), ("True", "NotPossible"));
    }

    #[test]
    fn the_time_of_a_condition_is_that_of_its_last_change() {
        let first = of(1, &[pod(false)], None, 10);
        let second = of(1, &[pod(true)], Some(&first), 20);
        let time = |status: &SearchIndexStatus, type_: &str| {
            status.conditions.iter().find(|condition| condition.type_ == type_).unwrap().last_transition_time.0.as_second()
        };
        assert_eq!((time(&second, "Ready"), time(&second, "Asleep")), (20, 10));
        assert_eq!(of(1, &[pod(true)], Some(&second), 30), second, "what stays the same is not written again");
    }
}
