//! From an installation to search results.

use std::path::PathBuf;

use serde_json::json;

use crate::{
    bed::{Bed, NAMESPACE, ZONE, documents, index_with_documents},
    kubectl::{eventually, kubectl, list, names, output},
};

/// Two tenants with an index of the same name each see their own documents, in containers and a namespace of their own.
pub(crate) async fn two_tenants_upload_and_search(bed: &Bed) {
    let (a, b) = (bed.tenant("first-a").await, bed.tenant("first-b").await);
    index_with_documents(&a.api, "jars", 30, 1).await;
    index_with_documents(&b.api, "jars", 20, 2).await;
    for (tenant, hits) in [(&a, 30), (&b, 20)] {
        let found = tenant.api.ok("POST", "/indexes/jars/search", Some(&json!({"q": "jar"}))).await;
        assert_eq!(found["estimatedTotalHits"], hits);
    }
    assert_eq!(names(&format!("pods -n {} -l onggi.dev/role=searcher", a.namespace)).await.len(), 1);
    assert_eq!(names(&format!("pods -n {} -l onggi.dev/role=searcher", b.namespace)).await.len(), 2);
    let stranger = a.api.with_key(&b.root_key);
    assert_eq!(stranger.get("/indexes/jars/stats").await["numberOfDocuments"], 20, "a key leads to its own tenant");
    // What is accepted is searchable when its task has succeeded.
    a.api.done("POST", "/indexes/jars/documents", &documents(30, 5)).await;
    let found = a.api.ok("POST", "/indexes/jars/search", Some(&json!({"q": "jar"}))).await;
    assert_eq!(found["estimatedTotalHits"], 35);
}

/// The gateways know where they are and where each searcher is.
pub(crate) async fn gateways_and_endpoints_have_a_zone(bed: &Bed) {
    let tenant = bed.tenant("first-zone").await;
    index_with_documents(&tenant.api, "jars", 10, 1).await;
    let slices = list(&format!("endpointslices -n {}", tenant.namespace)).await;
    assert_eq!(slices[0]["endpoints"][0]["zone"], ZONE);
    for pod in names(&format!("pods -n {NAMESPACE} -l app.kubernetes.io/component=gateway")).await {
        eventually("it has found its zone", async || {
            let log = kubectl(&format!("-n {NAMESPACE} logs {pod}")).await;
            (log.contains("own zone are preferred") && log.contains(ZONE)).then_some(())
        })
        .await;
    }
}

/// The script that the official client passes on `onggi up`.
pub(crate) async fn the_javascript_client_passes_its_script(bed: &Bed) {
    let tenant = bed.tenant("first-js").await;
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../services/onggi");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let corpus = directory.path().join("documents.ndjson");
    let mut target = std::fs::File::create(&corpus).expect("a file");
    let shipped = std::fs::File::open(here.join("../admin/samples/packages.en.ndjson.zst")).expect("the demo's documents");
    zstd::stream::copy_decode(shipped, &mut target).expect("the demo's documents");
    let variables = [format!("ONGGI_URL={}", bed.url), format!("ONGGI_KEY={}", tenant.root_key), format!("DOCUMENTS={}", corpus.display())];
    let directory = here.join("tests/sdk/js").display().to_string();
    let mut arguments = vec!["-C", &directory];
    arguments.extend(variables.iter().map(String::as_str));
    arguments.extend(["node", "main.mjs"]);
    let said = output("env", &arguments, None).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(said.ends_with("ok\n"), "the script did not reach its end: {said}");
}
