//! A pod as a container of an index: pure translation.

use k8s_openapi::{
    api::core::v1::{ContainerStatus as PodContainer, Pod},
    jiff::Timestamp,
};
use kube::ResourceExt;
use onggi_domain::{
    IndexId, TenantId,
    container::{ContainerStatus, Role},
    worker::Endpoint,
};

use super::names;
use crate::runtime::Observed;

/// What is known of a pod without asking it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) observed: Observed,
    /// Whether the kubelet says that it is ready.
    pub(crate) ready: bool,
    /// Whether requests are routed to it.
    pub(crate) in_rotation: bool,
    /// When it was chosen to end.
    pub(crate) retired_at: Option<Timestamp>,
    /// Whether it has ended for good, as after an eviction. Another pod is made in its place.
    pub(crate) dead: bool,
}

/// What a pod is, unless it is none of ours. `revision` says what a pod of this role and size is built from now; `secret` is the
/// index's.
pub(crate) fn seen(
    pod: &Pod,
    revision: impl Fn(Role, &str) -> Option<String>,
    secret: impl Fn(IndexId) -> std::sync::Arc<str>,
) -> Option<Seen> {
    let label = |name: &str| pod.labels().get(name).map(String::as_str);
    let index: IndexId = label(names::INDEX)?.parse().ok()?;
    let tenant: TenantId = label(names::TENANT)?.parse().ok()?;
    let role = [Role::Indexer, Role::Searcher].into_iter().find(|role| label(names::ROLE) == Some(role.as_str()))?;
    let size = label(names::SIZE)?.to_owned();
    let status = pod.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or_default();
    let container = status.and_then(|status| status.container_statuses.as_ref()?.first());
    let dead = matches!(phase, "Failed" | "Succeeded");
    let running = !dead && container.is_some_and(|container| container.state.as_ref().is_some_and(|state| state.running.is_some()));
    let address = status.and_then(|status| status.pod_ip.as_deref()?.parse::<std::net::IpAddr>().ok());
    let endpoint = address.filter(|_| running).map(|ip| Endpoint {
        name: pod.name_any(),
        address: (ip, names::WORKER_PORT).into(),
        secret: secret(index),
        zone: None,
    });
    let why_waiting = container.and_then(why_waiting);
    let container_status = match (&endpoint, dead || why_waiting.is_some()) {
        (Some(_), _) => ContainerStatus::Running,
        (None, true) => ContainerStatus::Failed,
        (None, false) => ContainerStatus::Created,
    };
    let restarts = container.map_or(0, |container| container.restart_count.max(0) as u32);
    let built_from = pod.annotations().get(names::REVISION);
    let outdated = revision(role, &size).is_some_and(|now| built_from != Some(&now));
    let observed = Observed {
        index,
        tenant,
        name: pod.name_any(),
        role,
        size,
        status: container_status,
        outdated,
        stopping: pod.metadata.deletion_timestamp.is_some(),
        endpoint,
        restarts,
        cpu_seconds: None,
        memory_bytes: None,
        since: pod.creation_timestamp().and_then(|time| time.0.to_string().parse().ok()).unwrap_or(onggi_domain::Timestamp::UNIX_EPOCH),
        note: note(pod, container, restarts, why_waiting),
    };
    let ready = status
        .and_then(|status| status.conditions.as_ref())
        .is_some_and(|conditions| conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"));
    Some(Seen {
        observed,
        ready,
        in_rotation: label(names::ROTATION) == Some("in"),
        retired_at: pod.annotations().get(names::RETIRED_AT).and_then(|time| time.parse().ok()),
        dead,
    })
}

/// Why a container that should run waits, when that is a failure: nothing that passes in the ordinary course of a start.
fn why_waiting(container: &PodContainer) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().unwrap_or_default();
    if matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
        return None;
    }
    let message = waiting.message.as_deref().unwrap_or_default();
    Some(match reason {
        "CrashLoopBackOff" => "waits before it is started again".to_owned(),
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => format!("its image cannot be had: {message}"),
        _ => format!("{reason}: {message}"),
    })
}

/// What a person should know of a pod.
fn note(pod: &Pod, container: Option<&PodContainer>, restarts: u32, why_waiting: Option<String>) -> Option<String> {
    let status = pod.status.as_ref()?;
    if status.phase.as_deref() == Some("Failed") {
        let reason = status.reason.as_deref().unwrap_or("ended");
        return Some(format!("{reason}: {}", status.message.as_deref().unwrap_or("no message")));
    }
    if let Some(why) = unschedulable(pod) {
        return Some(why);
    }
    let last = container.and_then(last_end);
    match (why_waiting, last) {
        (Some(why), Some(last)) => Some(format!("{why}; restarted {restarts} times before; last, {last}")),
        (Some(why), None) => Some(why),
        (None, Some(last)) if restarts > 0 => Some(format!("restarted {restarts} times; last, {last}")),
        _ => None,
    }
}

/// How a container's process ended last.
fn last_end(container: &PodContainer) -> Option<String> {
    let ended = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let ended = ended.or_else(|| container.state.as_ref()?.terminated.as_ref())?;
    Some(match ended.reason.as_deref() {
        Some("OOMKilled") => "it used more memory than its size has and was killed".to_owned(),
        _ => format!("exit status: {}", ended.exit_code),
    })
}

fn unschedulable(pod: &Pod) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let condition = conditions.iter().find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some(format!("no node has room for it: {}", condition.message.as_deref().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(labels: &Value, status: &Value) -> Seen {
        let mut all = json!({
            names::INDEX: "00000000-0000-0000-0000-000000000001", names::TENANT: "00000000-0000-0000-0000-000000000002",
            names::ROLE: "searcher", names::SIZE: "small", names::ROTATION: "in",
        });
        all.as_object_mut().unwrap().extend(labels.as_object().unwrap().clone());
        let pod = json!({
            "metadata": {"name": "a", "labels": all, "annotations": {names::REVISION: "1"}, "creationTimestamp": "2030-01-01T00:00:00Z"},
            "status": status,
        });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        seen(&pod, |_, _| Some("1".to_owned()), |_| "s".into()).unwrap()
    }

    fn container(state: &Value, last: &Value, restarts: u32) -> Value {
        json!({"phase": "Running", "podIP": "10.0.0.7", "containerStatuses": [
            {"name": "worker", "ready": false, "image": "i", "imageID": "i", "restartCount": restarts, "state": state, "lastState": last}]})
    }

    #[test]
    fn a_pod_that_runs_has_an_endpoint_and_one_that_starts_has_none() {
        let starting = pod(&json!({}), &json!({"phase": "Pending"}));
        assert_eq!((starting.observed.status, starting.observed.endpoint, starting.observed.note), (ContainerStatus::Created, None, None));
        let creating = pod(&json!({}), &container(&json!({"waiting": {"reason": "ContainerCreating"}}), &json!({}), 0));
        assert_eq!((creating.observed.status, creating.observed.note), (ContainerStatus::Created, None));
        let running = pod(&json!({}), &container(&json!({"running": {}}), &json!({}), 0));
        assert_eq!(running.observed.status, ContainerStatus::Running);
        assert_eq!(running.observed.endpoint.unwrap().address, "10.0.0.7:7710".parse().unwrap());
        assert!(!running.ready && !running.dead && running.in_rotation);
    }

    #[test]
    fn a_crash_says_how_it_ended_and_how_often() {
        let crashed =
            container(&json!({"waiting": {"reason": "CrashLoopBackOff"}}), &json!({"terminated": {"exitCode": 7, "reason": "Error"}}), 3);
        let crashed = pod(&json!({}), &crashed).observed;
        assert_eq!((crashed.status, crashed.restarts), (ContainerStatus::Failed, 3));
        assert_eq!(crashed.note.unwrap(), "waits before it is started again; restarted 3 times before; last, exit status: 7");
        let again = container(&json!({"running": {}}), &json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}), 1);
        let again = pod(&json!({}), &again).observed;
        assert_eq!((again.status, again.endpoint.is_some()), (ContainerStatus::Running, true));
        assert_eq!(again.note.unwrap(), "restarted 1 times; last, it used more memory than its size has and was killed");
    }

    #[test]
    fn an_evicted_pod_is_dead_and_one_without_a_node_says_so() {
        let evicted = pod(&json!({}), &json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}));
        assert!(evicted.dead);
        assert_eq!(
            (evicted.observed.status, evicted.observed.note.unwrap()),
            (ContainerStatus::Failed, "Evicted: low on memory".to_owned())
        );
        let status = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]});
        assert_eq!(pod(&json!({}), &status).observed.note.unwrap(), "no node has room for it: 0/1 nodes are available");
    }

    #[test]
    fn a_pod_of_another_revision_is_outdated_and_a_stranger_is_none_of_ours() {
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "a", "labels": {
            names::INDEX: "00000000-0000-0000-0000-000000000001", names::TENANT: "00000000-0000-0000-0000-000000000002",
            names::ROLE: "searcher", names::SIZE: "small"}}}))
        .unwrap();
        let outdated = |revision: Option<&str>| seen(&pod, |_, _| revision.map(str::to_owned), |_| "s".into()).unwrap().observed.outdated;
        assert!(outdated(Some("2")));
        assert!(!outdated(None), "of a size that is not known any more nothing newer can be built");
        assert_eq!(seen(&Pod::default(), |_, _| None, |_| "s".into()), None);
    }
}
