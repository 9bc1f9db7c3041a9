//! `SearchIndex`: what should run for one index, as an object of the cluster. `kubectl get searchindexes -A` is the operator's first screen.
//!
//! It is written from metadata; an edit by hand is undone. What may stand in it is checked by the API server (the rules below), so the
//! operator never meets an object that it cannot read.

#![allow(unreachable_pub, reason = "the derive copies the type into a function")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, CustomResourceExt, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What should run for an index.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::duplicated_attributes, reason = "columns have types in common")]
#[kube(
    group = "onggi.dev",
    version = "v1alpha1",
    kind = "SearchIndex",
    plural = "searchindexes",
    shortname = "six",
    category = "onggi",
    namespaced,
    status = "SearchIndexStatus",
    derive = "PartialEq",
    doc = "What should run for one search index: written by Onggi's controller from what its tenant selected",
    scale(spec_replicas_path = ".spec.replicas", status_replicas_path = ".status.replicas", label_selector_path = ".status.selector"),
    printcolumn(name = "Tenant", type_ = "string", json_path = ".spec.tenant", priority = "1"),
    printcolumn(name = "Index", type_ = "string", json_path = ".spec.uid"),
    printcolumn(name = "Size", type_ = "string", json_path = ".spec.size"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(name = "Generation", type_ = "integer", json_path = ".status.generation"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(
    validation = Rule::new("self.index == oldSelf.index && self.tenant == oldSelf.tenant")
        .message("index and tenant never change: a recreated index is another one"),
    validation = Rule::new("!self.leaving.exists(l, l.size == self.size)").message("a size is either selected or leaving")
)]
#[serde(rename_all = "camelCase")]
pub struct SearchIndexSpec {
    /// The tenant's id.
    #[schemars(regex(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub tenant: String,
    /// The index's id, which is never reused.
    #[schemars(regex(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub index: String,
    /// The tenant's name for the index, for people.
    #[serde(default)]
    #[schemars(length(max = 400))]
    pub uid: String,
    /// The size class of its searchers.
    #[schemars(length(max = 16), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub size: String,
    /// Searchers of that size.
    #[schemars(range(min = 0, max = 256))]
    pub replicas: u32,
    /// Searchers of other sizes that stay until others have taken their place.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub leaving: Vec<Leaving>,
    /// Whether an indexer runs.
    #[serde(default)]
    pub indexer: bool,
}

/// Searchers of a size that is not selected any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Leaving {
    /// Their size class.
    #[schemars(length(max = 16), regex(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"))]
    pub size: String,
    /// How many of them are left.
    #[schemars(range(min = 1, max = 256))]
    pub replicas: u32,
}

/// What runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchIndexStatus {
    /// The `metadata.generation` that this is about.
    #[serde(default)]
    pub observed_generation: i64,
    /// Searchers that exist.
    #[serde(default)]
    pub replicas: u32,
    /// Searchers that answer.
    #[serde(default)]
    pub ready_replicas: u32,
    /// The labels of the searchers, for the `scale` subresource.
    #[serde(default)]
    pub selector: String,
    /// The index generation that is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    /// `Asleep`, `Waking`, `Awake`, `Degraded` or `Ending`.
    #[serde(default)]
    pub phase: String,
    /// `Ready`, `Progressing`, `Degraded` and `Asleep`, with reasons for people.
    #[serde(default)]
    pub conditions: Vec<Condition>,
}

/// The definition of the resource, as JSON for `kubectl apply`.
pub fn definition() -> String {
    serde_json::to_string_pretty(&SearchIndex::crd()).expect("a definition is plain data")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_chart_has_the_definition_that_the_code_has() {
        let chart = include_str!("../../../../deploy/helm/onggi/files/searchindex.json");
        assert_eq!(chart.trim(), super::definition(), "`onggi crd > deploy/helm/onggi/files/searchindex.json` writes it anew");
    }
}
