//! The chart itself, for each platform that it has values for.

use std::path::Path;

use serde_json::json;

use crate::{
    bed::{Bed, NAMESPACE, variable},
    kubectl::output,
};

/// What is rendered is what the API server takes, field by field, under the restricted standard.
pub(crate) async fn every_platforms_values_are_accepted_by_the_api_server(_bed: &Bed) {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/helm");
    let needed = json!({
        "secret": {"secret": "0123456789abcdef0123456789abcdef", "internalSecret": "fedcba9876543210fedcba9876543210", "database": "postgres://h/d"},
        "bucket": {"url": "s3://b"},
    });
    let directory = tempfile::tempdir().expect("a temporary directory");
    let needed_file = directory.path().join("needed.json").display().to_string();
    std::fs::write(&needed_file, needed.to_string()).expect("a temporary file");
    let helm = variable("ONGGI_KUBE_HELM");
    let chart = deploy.join("onggi").display().to_string();
    let mut platforms = 0;
    for entry in std::fs::read_dir(deploy.join("values")).expect("the values").flatten() {
        let values = entry.path().display().to_string();
        let arguments = ["template", "platform", &chart, "-n", NAMESPACE, "--values", &needed_file, "--values", &values, "--no-hooks"];
        // The same names are installed already: only whether they would be taken matters, so other ones are given.
        let rendered = output(&helm, &arguments, None).await.unwrap_or_else(|error| panic!("{error}"));
        let rendered = rendered.replace("name: onggi", "name: platform").replace("nodePort: 30770", "nodePort: 32770");
        let arguments = ["apply", "--dry-run=server", "--validate=strict", "-n", NAMESPACE, "-f", "-"];
        let said = output("kubectl", &arguments, Some(&rendered)).await.unwrap_or_else(|error| panic!("{values}: {error}"));
        assert!(said.contains("deployment.apps/platform-gateway"), "{said}");
        platforms += 1;
    }
    assert_eq!(platforms, 6);
}

/// `helm test`, as the operator of the platform runs it.
pub(crate) async fn helm_test_passes(_bed: &Bed) {
    let said =
        output(&variable("ONGGI_KUBE_HELM"), &["test", "onggi", "-n", NAMESPACE], None).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(said.contains("Succeeded"), "{said}");
}

/// `onggi doctor` in a pod, whose root is read-only.
pub(crate) async fn the_operators_check_finds_nothing_wrong(bed: &Bed) {
    let told = bed.onggi("doctor").await;
    for what in ["database", "bucket", "worker"] {
        assert!(told.contains(what), "{told}");
    }
}
