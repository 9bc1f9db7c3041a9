//! A tenant's namespace, and what stands in it whatever the tenant's indexes are: who may talk to whom, and how much there may be.

use onggi_domain::{
    TenantId,
    container::{Selection, Size, SizeTable},
    plan::{Plan, Taken},
};
use serde_json::{Value, json};

use super::{
    config::{Egress, KubernetesConfig},
    names::{self, MANAGER, ROLE, TENANT},
};

/// Pods that there may be at a time for each searcher that is selected: itself, its successor while it is replaced, and one that is ending.
const PODS_A_SEARCHER: u64 = 3;

/// How much a tenant may have at a time: what its plan lets it select, and what runs besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// The name of the plan; empty: none is known.
    plan: String,
    /// Pods of all indexes; `None`: any number.
    pods: Option<u64>,
    /// Thousandths of a CPU, and bytes of memory, that all containers may use together; `None`: as much as the pods' sizes have.
    resources: Option<(u64, u64)>,
    /// Names of the sizes that containers may have; none: all of them.
    sizes: Vec<String>,
}

impl Allowance {
    /// The same for every tenant.
    pub(crate) fn of_everyone(config: &KubernetesConfig) -> Self {
        let pods = (config.quota_pods > 0).then_some(config.quota_pods.into());
        Self { plan: String::new(), pods, resources: None, sizes: Vec::new() }
    }

    /// What a plan lets a tenant select, or what it has selected where that is more: nobody takes away what it had under a larger plan. And room
    /// for what runs besides, so that nothing that was selected is ever refused: for each index an indexer, and the searcher that one of which none
    /// is selected runs when it is woken.
    pub(crate) fn of(plan: &Plan, selected: &[Selection], sizes: &SizeTable, config: &KubernetesConfig) -> Self {
        let taken = Taken::of(selected, sizes);
        let may_run = |size: &&Size| plan.allows_size(&size.name) || selected.iter().any(|selection| selection.size == size.name);
        let may_run: Vec<&Size> = sizes.0.iter().filter(may_run).collect();
        let indexes = taken.indexes.max(plan.max_indexes.into());
        let room = |allowed: u64, taken: u64, largest: u64| {
            let one_each = indexes.saturating_mul(largest);
            allowed.max(taken).saturating_add(one_each).saturating_mul(PODS_A_SEARCHER).saturating_add(one_each)
        };
        let cpu_millis = may_run.iter().map(|size| u64::from(size.cpu_millis)).max().unwrap_or_default();
        let memory = may_run.iter().map(|size| size.memory.as_u64()).max().unwrap_or_default();
        let pods = room(plan.max_replicas.into(), taken.replicas, 1);
        Self {
            plan: plan.name.clone(),
            pods: Some(if config.quota_pods > 0 { pods.min(config.quota_pods.into()) } else { pods }),
            resources: Some((
                room(plan.max_cpu_millis, taken.cpu_millis, cpu_millis),
                room(plan.max_memory.as_u64(), taken.memory, memory),
            )),
            sizes: may_run.iter().map(|size| size.name.clone()).collect(),
        }
    }

    /// Whether this is still so under a plan, and lets containers of a size in.
    pub(crate) fn holds(&self, plan: &Plan, size: &str) -> bool {
        self.plan == plan.name && self.sizes.iter().any(|name| name == size)
    }

    fn quota(&self) -> Value {
        let mut hard = json!({
            "persistentvolumeclaims": "0",
            "services.nodeports": "0",
            "services.loadbalancers": "0",
        });
        if let Some(pods) = self.pods {
            hard["pods"] = pods.to_string().into();
        }
        if let Some((cpu_millis, memory)) = self.resources {
            hard["limits.cpu"] = format!("{cpu_millis}m").into();
            hard["limits.memory"] = memory.to_string().into();
        }
        hard
    }

    /// No container is larger than the largest size that it may have, and one that says nothing gets little.
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
    use onggi_domain::plan::PlanTable;

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

    fn selected(replicas: u32, size: &str) -> Selection {
        Selection { replicas, ..Selection::new(size) }
    }

    #[test]
    fn an_allowance_has_room_for_what_a_plan_lets_a_tenant_select_and_for_what_runs_besides() {
        let everyone = Allowance::of_everyone(&KubernetesConfig::default()).quota();
        assert_eq!((&everyone["pods"], &everyone["limits.cpu"]), (&Value::Null, &Value::Null));
        let (plans, sizes) = (PlanTable::default(), SizeTable::default());
        let free = plans.of(Some("free"));
        let allowance = Allowance::of(free, &[], &sizes, &KubernetesConfig::default());
        let quota = allowance.quota();
        // Three searchers that are selected and three that are woken, thrice, and three indexers.
        assert_eq!((&quota["pods"], &quota["limits.cpu"], &quota["limits.memory"]), (&json!("21"), &json!("10500m"), &json!("5637144576")));
        assert_eq!(allowance.largest(&sizes)["max"]["cpu"], "500m");
        assert!(allowance.holds(free, "small") && !allowance.holds(free, "large") && !allowance.holds(plans.of(None), "small"));
        let bounded = Allowance::of(free, &[], &sizes, &KubernetesConfig { quota_pods: 7, ..KubernetesConfig::default() });
        assert_eq!(bounded.quota()["pods"], "7");
    }

    #[test]
    fn what_was_selected_under_a_larger_plan_has_room_too() {
        let (plans, sizes) = (PlanTable::default(), SizeTable::default());
        let had: Vec<Selection> = (0..4).map(|_| selected(2, "large")).collect();
        let allowance = Allowance::of(plans.of(Some("free")), &had, &sizes, &KubernetesConfig::default());
        let quota = allowance.quota();
        // Eight searchers of four CPUs and four that are woken, thrice, and four indexers.
        assert_eq!((&quota["pods"], &quota["limits.cpu"]), (&json!("40"), &json!("160000m")));
        assert_eq!(allowance.largest(&sizes)["max"]["cpu"], "4000m");
        assert!(allowance.holds(plans.of(Some("free")), "large"));
    }
}
