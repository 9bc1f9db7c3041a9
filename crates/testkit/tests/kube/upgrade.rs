//! Another version, and back.

use std::time::Instant;

use onggi_testkit::Load;

use crate::{
    bed::{Bed, index_with_documents, ready, report, variable},
    crashes::{Uploads, nothing_is_missing},
    kubectl::{eventually, list},
};

/// What one more migration does that the other version would bring along: it expands, and the version before goes on beside it.
const NEXT_MIGRATION: &str = "ALTER TABLE indexes ADD COLUMN of_the_next_version TEXT NOT NULL DEFAULT 'x';
    ALTER TABLE tasks ADD COLUMN of_the_next_version BIGINT;
    CREATE TABLE of_the_next_version (tenant UUID PRIMARY KEY REFERENCES tenants (id));
    CREATE INDEX of_the_next_version_uid ON indexes (of_the_next_version);
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'next', TRUE, ''::bytea, 1)";

/// Services and workers of the other image replace those of the one before, twice, with a migration in between, and callers do not notice.
pub(crate) async fn an_upgrade_and_its_way_back_cost_no_request(bed: &Bed) {
    let tenant = bed.tenant("upgrade").await;
    let api = &tenant.api;
    index_with_documents(api, "jars", 100, 2).await;
    let load = Load::start(api, "jars", "jar", 2);
    let uploads = Uploads::start(api.clone(), 1000);
    for image in [variable("ONGGI_KUBE_OTHER_IMAGE"), variable("ONGGI_KUBE_IMAGE")] {
        let begin = Instant::now();
        if image == variable("ONGGI_KUBE_OTHER_IMAGE") {
            bed.postgres.query(NEXT_MIGRATION).await;
            report("migration under load", begin.elapsed());
        }
        bed.helm(&image).await.unwrap_or_else(|error| panic!("{error}"));
        report(&format!("services run {image}"), begin.elapsed());
        eventually("workers run it too", async || {
            let pods = list(&format!("pods -n {} -l onggi.dev/role=searcher", tenant.namespace)).await;
            let is_new = |pod: &serde_json::Value| pod["spec"]["containers"][0]["image"] == image.as_str();
            (pods.len() == 2 && pods.iter().all(is_new)).then_some(())
        })
        .await;
        ready(api, "jars", 2).await;
        report(&format!("workers run {image}"), begin.elapsed());
        load.more(100).await;
    }
    let load = load.finish().await;
    let (mut accepted, refused) = uploads.finish().await;
    assert!(load.failures.is_empty(), "{} of {} searches failed, first: {:?}", load.failures.len(), load.answered, load.failures.first());
    assert!(refused.is_empty(), "{} uploads were refused, first: {:?}", refused.len(), refused.first());
    accepted.extend(0..100);
    nothing_is_missing(api, &accepted).await;
}
