//! Generations as a tenant sees them: history, rollback, fork.

use serde_json::json;

use crate::{documents, index_with_documents, onggi};

#[tokio::test]
async fn a_rollback_brings_back_documents_and_settings_and_can_be_undone() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 10, 1).await;
    let good = newest(&api.get("/indexes/jars/generations").await);
    api.done("PATCH", "/indexes/jars/settings", &json!({"sortableAttributes": ["group"]})).await;
    api.done("DELETE", "/indexes/jars/documents", &json!(null)).await;
    api.done("POST", "/indexes/jars/documents", &documents(100, 1)).await;
    let bad = newest(&api.get("/indexes/jars/generations").await);
    assert!(bad > good);

    api.done("POST", &format!("/indexes/jars/generations/{good}/rollback"), &json!({})).await;
    let all = api.get("/indexes/jars/documents?limit=100").await;
    assert_eq!(all["total"], 10);
    assert_eq!(all["results"], documents(0, 10));
    assert_eq!(api.get("/indexes/jars/settings/sortable-attributes").await, json!([]));

    // Writes go on after it, and it is itself a generation that can be gone back from.
    api.done("POST", "/indexes/jars/documents", &documents(10, 1)).await;
    assert_eq!(api.get("/indexes/jars/documents").await["total"], 11);
    api.done("POST", &format!("/indexes/jars/generations/{bad}/rollback"), &json!({})).await;
    assert_eq!(api.get("/indexes/jars/documents").await["results"], documents(100, 1));
    assert_eq!(api.get("/indexes/jars/settings/sortable-attributes").await, json!(["group"]));
}

#[tokio::test]
async fn a_rollback_to_a_generation_that_is_not_there_is_refused() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 1, 1).await;
    let answer = api.call("POST", "/indexes/jars/generations/999/rollback", Some(&json!({}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "generation_not_found"));
}

#[tokio::test]
async fn a_fork_has_the_documents_of_then_and_a_life_of_its_own() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 10, 1).await;
    let generation = newest(&api.get("/indexes/jars/generations").await);
    api.done("POST", "/indexes/jars/documents", &documents(10, 10)).await;
    api.done("POST", &format!("/indexes/jars/generations/{generation}/fork"), &json!({"uid": "copy"})).await;
    assert_eq!(api.get("/indexes/copy/documents?limit=100").await["results"], documents(0, 10));
    let found = api.ok("POST", "/indexes/copy/search", Some(&json!({"q": "jar"}))).await;
    assert_eq!(found["estimatedTotalHits"], 10);

    api.done("DELETE", "/indexes/jars", &json!(null)).await;
    api.done("POST", "/indexes/copy/documents", &documents(500, 1)).await;
    assert_eq!(api.get("/indexes/copy/documents").await["total"], 11, "the source is gone, the copy lives");
    let answer = api.call("GET", "/indexes/jars/documents", None).await;
    assert_eq!(answer.code(), "index_not_found");
}

fn newest(answer: &serde_json::Value) -> u64 {
    answer["results"].as_array().into_iter().flatten().filter_map(|row| row["generation"].as_u64()).max().unwrap_or(0)
}
