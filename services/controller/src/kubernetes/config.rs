//! How containers are run on Kubernetes: what the operator of the platform decides, the same for every index.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// How containers are run on Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesConfig {
    /// The namespace of Onggi's own services.
    pub namespace: String,
    /// A tenant's namespace is this and the tenant's id.
    pub namespace_prefix: String,
    /// The image of the workers.
    pub image: String,
    /// When the image is pulled: `IfNotPresent`, `Always` or `Never`.
    pub image_pull_policy: String,
    /// Names of Secrets with the registry's credentials; they must be in each tenant's namespace.
    pub image_pull_secrets: Vec<String>,
    /// Where the image holds the unpacked dictionaries.
    pub dictionaries: PathBuf,
    /// How much of a size's CPU is reserved, in percent; the rest is used when it is free.
    pub cpu_request_percent: u32,
    /// How much of a size's memory is reserved, in percent.
    pub memory_request_percent: u32,
    /// How long a worker may take to end.
    #[serde(with = "humantime_serde")]
    pub stop_time: Duration,
    /// How long a searcher that was chosen to end may stay before it is deleted by name.
    #[serde(with = "humantime_serde")]
    pub retire_time: Duration,
    /// How long a gateway may take to hear that a searcher has left the rotation. A write is done after that time at the latest even if a
    /// searcher that is out of the rotation does not say that it answers by no older generation.
    #[serde(with = "humantime_serde")]
    pub route_time: Duration,
    /// Where workers may connect to besides DNS: the bucket.
    pub bucket_egress: Vec<Egress>,
    /// The user id of workers; 0: the image's, or what the platform gives (OpenShift).
    pub run_as_user: i64,
    /// Pods that a tenant may have at the most, whatever it may select; 0: as many as that takes. What is beyond does not run.
    pub quota_pods: u32,
    /// Labels of the nodes that run workers.
    pub node_selector: BTreeMap<String, String>,
    /// The priority class of workers; empty: the cluster's default.
    pub priority_class: String,
    /// The runtime class of workers, such as `gvisor`; empty: the cluster's default.
    pub runtime_class: String,
    /// How long a leader that is silent stays leader.
    #[serde(with = "humantime_serde")]
    pub lease_time: Duration,
}

/// Addresses that workers may connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// An address block, such as `10.0.0.0/8`.
    pub cidr: String,
    /// Blocks inside it that stay out of reach.
    #[serde(default)]
    pub except: Vec<String>,
    /// The TCP port.
    pub port: u16,
}

impl Default for KubernetesConfig {
    fn default() -> Self {
        // The private ranges are where databases, the control plane and cloud metadata are.
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"];
        Self {
            namespace: "onggi".to_owned(),
            namespace_prefix: "onggi-t-".to_owned(),
            image: concat!("onggi:", env!("CARGO_PKG_VERSION")).to_owned(),
            image_pull_policy: "IfNotPresent".to_owned(),
            image_pull_secrets: Vec::new(),
            dictionaries: "/usr/share/onggi/dictionaries".into(),
            cpu_request_percent: 10,
            memory_request_percent: 25,
            stop_time: Duration::from_secs(30),
            retire_time: Duration::from_secs(20),
            route_time: Duration::from_secs(5),
            bucket_egress: vec![Egress { cidr: "0.0.0.0/0".to_owned(), except: private.map(str::to_owned).to_vec(), port: 443 }],
            run_as_user: 65532,
            quota_pods: 0,
            node_selector: BTreeMap::new(),
            priority_class: String::new(),
            runtime_class: String::new(),
            lease_time: Duration::from_secs(15),
        }
    }
}

impl KubernetesConfig {
    /// What is wrong with it, if anything.
    pub fn validate(&self) -> Result<(), String> {
        let policies = ["IfNotPresent", "Always", "Never"];
        if !policies.contains(&self.image_pull_policy.as_str()) {
            return Err(format!("kubernetes.image_pull_policy is `{}`; give one of {}", self.image_pull_policy, policies.join(", ")));
        }
        for (name, percent) in [("cpu", self.cpu_request_percent), ("memory", self.memory_request_percent)] {
            if !(1..=100).contains(&percent) {
                return Err(format!("kubernetes.{name}_request_percent is {percent}; give 1 to 100"));
            }
        }
        // A tenant's id has 36 characters, and a namespace's name 63.
        if self.namespace_prefix.is_empty() || self.namespace_prefix.len() > 27 {
            return Err("kubernetes.namespace_prefix must have 1 to 27 characters".to_owned());
        }
        if self.lease_time < Duration::from_secs(3) {
            return Err("kubernetes.lease_time must be 3 s or more".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_wrong_value_is_named() {
        assert_eq!(KubernetesConfig::default().validate(), Ok(()));
        let wrong = KubernetesConfig { cpu_request_percent: 0, ..KubernetesConfig::default() };
        assert!(wrong.validate().unwrap_err().contains("kubernetes.cpu_request_percent"));
        let wrong = KubernetesConfig { image_pull_policy: "Sometimes".to_owned(), ..KubernetesConfig::default() };
        assert!(wrong.validate().unwrap_err().contains("`Sometimes`"));
    }
}
