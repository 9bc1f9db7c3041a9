//! What is deleted leaves nothing, and what is not deleted stays.

use serde_json::json;

use crate::{
    bed::{Bed, NAMESPACE, index_with_documents, rolled_out, variable},
    kubectl::{eventually, kubectl, names, output},
};

/// A deletion is finished by whichever controller comes next.
pub(crate) async fn an_index_deleted_while_no_controller_runs_is_removed_later(bed: &Bed) {
    let tenant = bed.tenant("late-removal").await;
    index_with_documents(&tenant.api, "jars", 10, 1).await;
    kubectl(&format!("-n {NAMESPACE} scale deployment/onggi-controller --replicas=0")).await;
    eventually("no controller runs", async || {
        names(&format!("pods -n {NAMESPACE} -l app.kubernetes.io/component=controller")).await.is_empty().then_some(())
    })
    .await;
    let accepted = tenant.api.ok("DELETE", "/indexes/jars", None).await;
    assert_eq!(names(&format!("searchindexes -n {}", tenant.namespace)).await.len(), 1);
    kubectl(&format!("-n {NAMESPACE} scale deployment/onggi-controller --replicas=2")).await;
    rolled_out("onggi-controller").await;
    let id = tenant.namespace.trim_start_matches("onggi-t-").to_owned();
    eventually("nothing of it is left", async || {
        let objects = names(&format!("searchindexes,deployments,pods -n {}", tenant.namespace)).await;
        let of_tenant = bed.s3.names("").into_iter().filter(|name| name.contains(&id)).count();
        (objects.is_empty() && of_tenant == 0).then_some(())
    })
    .await;
    assert_eq!(tenant.api.finished(&accepted).await["status"], "succeeded");
}

/// Neither in the cluster nor in the bucket nor, but for its name and what bills are made of, in the database.
pub(crate) async fn a_deleted_tenant_leaves_nothing(bed: &Bed) {
    let tenant = bed.tenant("leaver").await;
    index_with_documents(&tenant.api, "jars", 10, 1).await;
    index_with_documents(&tenant.api, "pots", 10, 1).await;
    bed.onggi("tenant delete leaver --yes").await;
    let id = tenant.namespace.trim_start_matches("onggi-t-").to_owned();
    eventually("nothing of it is left", async || {
        let namespaces = names("namespaces").await;
        let of_tenant = bed.s3.names("").into_iter().filter(|name| name.contains(&id)).count();
        let count = ["indexes", "keys", "tasks", "memberships", "webhooks", "query_hours"]
            .map(|table| format!("(SELECT count(*) FROM {table} WHERE tenant = '{id}')"))
            .join(" + ");
        let rows = bed.postgres.query(&format!("SELECT {count}")).await;
        (!namespaces.contains(&tenant.namespace) && of_tenant == 0 && rows == "0").then_some(())
    })
    .await;
    assert_eq!(tenant.api.call("GET", "/indexes", None).await.status, 403, "its keys are unknown");
}

/// Removing the chart removes the services. What they were told stays, and the same chart finds it again.
pub(crate) async fn an_uninstalled_chart_leaves_the_data(bed: &Bed) {
    let tenant = bed.tenant("stayer").await;
    index_with_documents(&tenant.api, "jars", 10, 1).await;
    output(&variable("ONGGI_KUBE_HELM"), &["uninstall", "onggi", "-n", NAMESPACE, "--wait"], None)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(names(&format!("deployments -n {NAMESPACE}")).await, Vec::<String>::new());
    assert_eq!(names(&format!("searchindexes -n {}", tenant.namespace)).await.len(), 1, "its containers go on");
    bed.helm(&variable("ONGGI_KUBE_IMAGE")).await.unwrap_or_else(|error| panic!("{error}"));
    let service = crate::kubectl::get(&format!("service onggi-gateway -n {NAMESPACE}")).await;
    let url = format!("http://127.0.0.1:{}", service["spec"]["ports"][0]["nodePort"]);
    let api = onggi_testkit::Api::new(&url, &tenant.root_key);
    let found = eventually("a search is answered", async || {
        let request = api.request(reqwest::Method::POST, "/indexes/jars/search").json(&json!({"q": "jar"}));
        api.send(request).await.ok().filter(|answer| answer.status == 200)
    })
    .await;
    assert_eq!(found.json()["estimatedTotalHits"], 10);
}
