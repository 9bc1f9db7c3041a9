//! What things are called, and the labels by which they are found again.

use onggi_domain::{
    IndexId, TenantId,
    container::{ContainerSet, Role},
};
use serde_json::{Value, json};

/// Who writes: the field manager of server-side apply, and the reporter of events.
pub(crate) const MANAGER: &str = "onggi";
/// The index's id, on everything that belongs to it.
pub(crate) const INDEX: &str = "onggi.dev/index";
/// The tenant's id, on everything that belongs to it.
pub(crate) const TENANT: &str = "onggi.dev/tenant";
/// `indexer` or `searcher`, on pods and their Deployments; on Services and their EndpointSlices the role that they lead to.
pub(crate) const ROLE: &str = "onggi.dev/role";
/// The size class of a pod.
pub(crate) const SIZE: &str = "onggi.dev/size";
/// `in` or `out`, on searchers: whether requests are routed to it.
pub(crate) const ROTATION: &str = "onggi.dev/rotation";
/// What a pod was built from: another value is another image or another configuration.
pub(crate) const REVISION: &str = "onggi.dev/revision";
/// When a searcher was chosen to end.
pub(crate) const RETIRED_AT: &str = "onggi.dev/retired-at";
/// Which pod a ReplicaSet ends first.
pub(crate) const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Keeps a `SearchIndex` until its pods are gone.
pub(crate) const FINALIZER: &str = "onggi.dev/containers";
/// The account that workers run as; it has no token and no rights.
pub(crate) const WORKER_ACCOUNT: &str = "onggi-worker";
/// Where workers listen.
pub(crate) const WORKER_PORT: u16 = 7710;

/// The name of an index's Service, Secret and PodDisruptionBudget, and the beginning of its Deployments' names. Short, because a pod's
/// name is made of it; a letter first, because a Service's name wants one.
pub(crate) fn base(index: IndexId) -> String {
    format!("i-{}", index.0.simple())
}

/// The Deployment of the searchers of a size.
pub(crate) fn searchers(index: IndexId, size: &str) -> String {
    format!("{}-{size}", base(index))
}

/// The Deployment of the indexer. No size can have this name: a size has at most 16 characters, and this one is refused.
pub(crate) fn indexer(index: IndexId) -> String {
    searchers(index, Role::Indexer.as_str())
}

/// A tenant's namespace.
pub(crate) fn namespace(prefix: &str, tenant: TenantId) -> String {
    format!("{prefix}{tenant}")
}

/// The labels of everything that belongs to an index.
pub(crate) fn labels(tenant: TenantId, index: IndexId) -> Value {
    json!({
        "app.kubernetes.io/name": "onggi-worker",
        "app.kubernetes.io/managed-by": MANAGER,
        TENANT: tenant.to_string(),
        INDEX: index.to_string(),
    })
}

/// The labels that select the pods of a role.
pub(crate) fn selector(index: IndexId, role: Role) -> Value {
    json!({INDEX: index.to_string(), ROLE: role.as_str()})
}

/// Whether the name of a size can be part of names and labels.
pub(crate) fn is_size_name(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=16).contains(&name.len())
        && name.bytes().all(valid)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name != Role::Indexer.as_str()
}

/// What is wrong with the set for this runtime, if anything.
pub(crate) fn check(set: &ContainerSet) -> Result<(), String> {
    if is_size_name(&set.size.name) {
        return Ok(());
    }
    Err(format!("size class `{}` cannot be run: a name has 1 to 16 of a-z, 0-9 and -, and is not `indexer`", set.size.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pods_name_keeps_the_hash_of_its_template() {
        // Kubernetes cuts what a pod's name is generated from after 58 characters.
        let name = searchers(IndexId::generate(), &"x".repeat(12));
        assert!(name.len() + "-0123456789-".len() <= 58 + 1, "{name}");
        assert!(namespace("onggi-t-", TenantId::generate()).len() <= 63);
    }

    #[test]
    fn a_size_has_a_name_that_can_be_part_of_a_label() {
        for good in ["small", "x-large", "4xl", &"x".repeat(16)] {
            assert!(is_size_name(good), "{good}");
        }
        for bad in ["", "Small", "-small", "small-", "s_m", "indexer", &"x".repeat(17)] {
            assert!(!is_size_name(bad), "{bad}");
        }
    }
}
