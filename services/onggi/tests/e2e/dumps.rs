//! Dumps and snapshots: out of one tenant, into another.

use serde_json::{Value, json};

use crate::{documents, onggi, tenants::tenant};

#[tokio::test]
async fn a_dump_restored_into_another_tenant_has_the_same_documents_and_settings() {
    let onggi = onggi().await;
    let owner = tenant(&onggi, "owner").await;
    let settings = json!({
        "searchableAttributes": ["title", "*"], "filterableAttributes": ["group", {"attributePatterns": ["a*"]}], "stopWords": ["the"],
        "synonyms": {"pot": ["jar"]}, "typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4}}, "rankingRules": ["words", "group:asc"],
    });
    owner.done("POST", "/indexes", &json!({"uid": "jars", "primaryKey": "id"})).await;
    owner.done("PATCH", "/indexes/jars/settings", &settings).await;
    owner.done("POST", "/indexes/jars/documents", &documents(0, 300)).await;
    owner.done("DELETE", "/indexes/jars/documents/7", &Value::Null).await;
    owner
        .done(
            "POST",
            "/indexes/words/documents?primaryKey=sku",
            &json!([{"sku": 1}, {"sku": "b", "text": "옹기 \u{1f3fa}\n\"quoted\"", "n": 1.50}]),
        )
        .await;
    owner.done("POST", "/indexes", &json!({"uid": "empty"})).await;

    let task = owner.done("POST", "/dumps", &Value::Null).await;
    assert_eq!((&task["type"], &task["indexUid"]), (&json!("dumpCreation"), &Value::Null));
    let uid = task["details"]["dumpUid"].as_str().unwrap().to_owned();
    // What happens after it is not in it.
    owner.done("DELETE", "/indexes/words", &Value::Null).await;
    owner.done("POST", "/indexes/jars/documents", &documents(1000, 1)).await;
    let listed = onggi.command(&["dump", "list", "--tenant", "owner"]).await;
    assert!(listed.contains(&uid), "{listed}");

    let file = onggi.data().join("dump.tar.zst");
    let file = file.to_str().unwrap();
    onggi.command(&["dump", "fetch", &uid, "--tenant", "owner", "--out", file]).await;
    let heir = tenant(&onggi, "heir").await;
    let key = heir.key().to_owned();
    onggi.command(&["dump", "restore", file, "--key", &key]).await;

    assert_eq!(heir.get("/indexes").await["total"], 3);
    let mut expected = documents(0, 300);
    expected.as_array_mut().unwrap().retain(|document| document["id"] != 7);
    assert_eq!(heir.get("/indexes/jars/documents?limit=1000").await["results"], expected);
    assert_eq!(
        heir.get("/indexes/words/documents").await["results"],
        json!([{"sku": 1}, {"sku": "b", "text": "옹기 \u{1f3fa}\n\"quoted\"", "n": 1.50}])
    );
    assert_eq!(heir.get("/indexes/jars/settings").await, owner.get("/indexes/jars/settings").await);
    assert_eq!(heir.get("/indexes/words").await["primaryKey"], "sku");
    let found = heir.ok("POST", "/indexes/jars/search", Some(&json!({"q": "pot", "filter": "group = 3"}))).await;
    assert!(found["estimatedTotalHits"].as_u64().unwrap() > 0, "{found}");

    let again = onggi.try_command(&["dump", "restore", file, "--key", &key]).await;
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("exists already"), "{again:?}");
    let unknown = onggi.try_command(&["dump", "fetch", &uid, "--tenant", "heir", "--out", file]).await;
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no dump"), "another tenant's dump is not there: {unknown:?}");
}

#[tokio::test]
async fn a_snapshot_is_a_task_and_an_archive() {
    let onggi = onggi().await;
    let owner = tenant(&onggi, "owner").await;
    let task = owner.done("POST", "/snapshots", &Value::Null).await;
    assert_eq!((&task["type"], &task["details"]), (&json!("snapshotCreation"), &Value::Null));
    let listed = onggi.command(&["dump", "list", "--tenant", "owner"]).await;
    assert_eq!(listed.lines().count(), 2, "{listed}");
}
