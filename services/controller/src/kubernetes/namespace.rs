//! A tenant's namespace, and what stands in it whatever the tenant's indexes are: who may talk to whom, and how much there may be.

use onggi_domain::{TenantId, container::SizeTable, plan::Plan};
use serde_json::{Value, json};

use super::{
    config::{Egress, KubernetesConfig},
    names::{self, MANAGER, ROLE, TENANT},
};

/// How much a tenant may have at a time: what its plan lets it select, and what runs besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Pods of all indexes.
    pub(crate) pods: u64,
    /// Thousandths of a CPU, and bytes of memory, that all containers may use together; `None`: as much as the pods' sizes have.
    pub(crate) resources: Option<(u64, u64)>,
    /// Names of the sizes that may be selected; none: all of them.
    pub(crate) sizes: Vec<String>,
}

impl Allowance {
    /// The same for every tenant.
    pub(crate) fn of_everyone(config: &KubernetesConfig) -> Self {
        Self { pods: config.quota_pods.into(), resources: None, sizes: Vec::new() }
    }

    /// What a plan lets a tenant select, and room for what runs besides: a searcher more for each while they are replaced, an indexer for each index.
    pub(crate) fn of(plan: &Plan, config: &KubernetesConfig) -> Self {
        let pods = u64::from(plan.max_replicas) * 2 + u64::from(plan.max_indexes);
        Self {
            pods: pods.min(config.quota_pods.into()),
            resources: Some((plan.max_cpu_millis.saturating_mul(3), plan.max_memory.as_u64().saturating_mul(3))),
            sizes: plan.sizes.clone(),
        }
    }

    fn quota(&self) -> Value {
        let mut hard = json!({
            "pods": self.pods.to_string(),
            "persistentvolumeclaims": "0",
            "services.nodeports": "0",
            "services.loadbalancers": "0",
        });
        if let Some((cpu_millis, memory)) = self.resources {
            hard["limits.cpu"] = format!("{cpu_millis}m").into();
            hard["limits.memory"] = memory.to_string().into();
        }
        hard
    }

    /// No container is larger than the largest size that may be selected, and one that says nothing gets little.
    fn largest(&self, sizes: &SizeTable) -> Value {
        let allowed = || sizes.0.iter().filter(|size| self.sizes.is_empty() || self.sizes.contains(&size.name));
        let cpu = allowed().map(|size| size.cpu_millis).max().unwrap_or(1000);
        let memory = allowed().map(|size| size.memory.as_u64()).max().unwrap_or(1 << 30);
        json!({
            "type": "Container",
            "max": {"cpu": format!("{cpu}m"), "memory": memory.to_string()},
            "default": {"cpu": "100m", "memory": "64Mi"},
            "defaultRequest": {"cpu": "10m", "memory": "16Mi"},
        })
    }
}

/// The namespace, and the objects in it, in the order in which they are applied.
pub(crate) fn objects(tenant: TenantId, config: &KubernetesConfig, sizes: &SizeTable, allowance: &Allowance) -> Vec<Value> {
    let namespace = names::namespace(&config.namespace_prefix, tenant);
    let labels = json!({"app.kubernetes.io/managed-by": MANAGER, TENANT: tenant.to_string()});
    let metadata = |name: &str| json!({"name": name, "namespace": namespace, "labels": labels});
    let mut namespace_labels = labels.clone();
    for mode in ["enforce", "warn", "audit"] {
        namespace_labels[format!("pod-security.kubernetes.io/{mode}")] = "restricted".into();
    }
    vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": namespace_labels}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata("deny"),
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata("workers"), "spec": workers(config)}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(names::WORKER_ACCOUNT), "automountServiceAccountToken": false}),
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata("tenant"), "spec": {"hard": allowance.quota()}}),
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata("tenant"), "spec": {"limits": [allowance.largest(sizes)]}}),
    ]
}

/// Workers are reached by the gateway and the controller, and reach DNS and the bucket. Everything else is denied.
fn workers(config: &KubernetesConfig) -> Value {
    let services = json!({
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": config.namespace}},
        "podSelector": {"matchExpressions": [
            {"key": "app.kubernetes.io/component", "operator": "In", "values": ["gateway", "controller"]}]},
    });
    let port = |protocol: &str, port: u16| json!({"protocol": protocol, "port": port});
    let dns = json!({
        "to": [{
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }],
        "ports": [port("UDP", 53), port("TCP", 53)],
    });
    let bucket = config.bucket_egress.iter().map(|Egress { cidr, except, port: number }| {
        let block = if except.is_empty() { json!({"cidr": cidr}) } else { json!({"cidr": cidr, "except": except}) };
        json!({"to": [{"ipBlock": block}], "ports": [port("TCP", *number)]})
    });
    json!({
        "podSelector": {"matchExpressions": [{"key": ROLE, "operator": "Exists"}]},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [services], "ports": [port("TCP", names::WORKER_PORT)]}],
        "egress": std::iter::once(dns).chain(bucket).collect::<Vec<Value>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(kind: &str, name: &str) -> Value {
        let config = KubernetesConfig::default();
        let all = objects(TenantId(uuid::Uuid::nil()), &config, &SizeTable::default(), &Allowance::of_everyone(&config));
        let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
        all.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} {name}")).clone()
    }

    #[test]
    fn a_namespace_enforces_the_restricted_standard() {
        let namespace = find("Namespace", "onggi-t-00000000-0000-0000-0000-000000000000");
        assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    }

    #[test]
    fn everything_is_denied_but_what_workers_need() {
        let deny = find("NetworkPolicy", "deny");
        assert_eq!(deny["spec"], json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
        let workers = find("NetworkPolicy", "workers");
        assert_eq!(workers["spec"]["ingress"].as_array().unwrap().len(), 1);
        let egress = workers["spec"]["egress"].as_array().unwrap();
        assert_eq!(egress.len(), 2);
        let block = &egress[1]["to"][0]["ipBlock"];
        assert!(block["except"].as_array().unwrap().contains(&json!("169.254.0.0/16")), "cloud metadata is out of reach");
    }

    #[test]
    fn the_limits_of_a_namespace_let_the_largest_size_in() {
        let limits = find("LimitRange", "tenant");
        assert_eq!(limits["spec"]["limits"][0]["max"]["cpu"], "4000m");
    }

    #[test]
    fn an_allowance_bounds_pods_and_what_they_use_together_and_the_largest_of_its_sizes() {
        let everyone = Allowance::of_everyone(&KubernetesConfig { quota_pods: 7, ..KubernetesConfig::default() }).quota();
        assert_eq!((&everyone["pods"], &everyone["limits.cpu"]), (&json!("7"), &Value::Null));
        let allowance = Allowance { pods: 9, resources: Some((4500, 3 << 30)), sizes: vec!["small".to_owned()] };
        let quota = allowance.quota();
        assert_eq!((&quota["limits.cpu"], &quota["limits.memory"]), (&json!("4500m"), &json!("3221225472")));
        assert_eq!(allowance.largest(&SizeTable::default())["max"]["cpu"], "500m");
    }
}
