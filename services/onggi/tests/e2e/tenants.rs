//! Two tenants on one Onggi: each sees its own world and cannot tell that the other's exists.

use onggi_testkit::{Api, Onggi};
use serde_json::{Value, json};

use crate::onggi;

/// Creates a tenant by the command line; returns its API with the root key.
pub(crate) async fn tenant(onggi: &Onggi, name: &str) -> Api {
    let screen = onggi.command(&["tenant", "create", name]).await;
    let key = screen.lines().find_map(|line| line.trim().strip_prefix("root key")).unwrap_or_else(|| panic!("no root key in {screen}"));
    onggi.api().with_key(key.trim())
}

#[tokio::test]
async fn two_tenants_with_the_same_index_uid_see_only_their_own() {
    let onggi = onggi().await;
    let (one, two) = (tenant(&onggi, "one").await, tenant(&onggi, "two").await);
    for (api, title) in [(&one, "red jar"), (&two, "blue jar")] {
        api.done("POST", "/indexes/products/documents", &json!([{"id": 1, "title": title}])).await;
    }
    for (api, title) in [(&one, "red jar"), (&two, "blue jar")] {
        let found = api.ok("POST", "/indexes/products/search", Some(&json!({"q": "jar"}))).await;
        let titles: Vec<&Value> = found["hits"].as_array().unwrap().iter().map(|hit| &hit["title"]).collect();
        assert_eq!(titles, [title]);
        assert_eq!(api.get("/indexes").await["total"], 1);
        assert_eq!(api.get("/tasks").await["total"], 1, "tasks are counted for each tenant");
    }
}

/// Every route below an index, with a body where one is wanted.
fn routes(uid: &str) -> Vec<(&'static str, String, Option<Value>)> {
    let at = |rest: &str| format!("/indexes/{uid}{rest}");
    vec![
        ("GET", at(""), None),
        ("GET", at("/documents"), None),
        ("GET", at("/documents/1"), None),
        ("POST", at("/documents/fetch"), Some(json!({}))),
        ("DELETE", at("/documents"), None),
        ("DELETE", at("/documents/1"), None),
        ("POST", at("/documents/delete-batch"), Some(json!([1]))),
        ("POST", at("/documents/delete"), Some(json!({"filter": "a = 1"}))),
        ("POST", at("/search"), Some(json!({}))),
        ("GET", at("/search"), None),
        ("POST", at("/facet-search"), Some(json!({"facetName": "a"}))),
        ("POST", "/multi-search".to_owned(), Some(json!({"queries": [{"indexUid": uid}]}))),
        ("POST", "/multi-search".to_owned(), Some(json!({"queries": [{"indexUid": uid}], "federation": {}}))),
        ("POST", "/multi-search".to_owned(), Some(json!({"queries": [], "federation": {"facetsByIndex": {uid: ["a"]}}}))),
        ("POST", at("/analyze"), Some(json!({"text": "a"}))),
        ("POST", at("/events"), Some(json!({"events": [{"type": "click", "query": "a", "documentId": 1, "position": 1}]}))),
        ("GET", at("/analytics"), None),
        ("GET", at("/containers?replicas=2"), None),
        ("GET", at("/settings"), None),
        ("GET", at("/settings/synonyms"), None),
        ("GET", at("/stats"), None),
        ("GET", at("/containers"), None),
        ("PATCH", at("/containers"), Some(json!({"replicas": 3}))),
        ("POST", at("/wake"), None),
        ("POST", at("/sleep"), None),
        ("GET", at("/generations"), None),
        ("GET", at("/generations/1"), None),
        ("POST", at("/generations/1/rollback"), None),
        ("POST", at("/generations/1/fork"), Some(json!({"uid": "stolen"}))),
        ("POST", at("/fields"), Some(json!({}))),
        ("POST", at("/compact"), None),
        ("GET", at("/settings/embedders"), None),
        ("DELETE", at("/settings"), None),
        ("DELETE", at("/settings/synonyms"), None),
        ("PATCH", at(""), Some(json!({"primaryKey": "a"}))),
        ("DELETE", at(""), None),
    ]
}

#[tokio::test]
async fn a_strangers_index_answers_with_the_same_bytes_as_one_that_does_not_exist() {
    let onggi = onggi().await;
    let (owner, stranger) = (tenant(&onggi, "owner").await, tenant(&onggi, "stranger").await);
    owner.done("POST", "/indexes/secret/documents", &json!([{"id": 1, "a": 1}])).await;
    for ((method, theirs, body), (_, absent, absent_body)) in routes("secret").into_iter().zip(routes("absent")) {
        let theirs_answer = told(&stranger, method, &theirs, body.as_ref()).await;
        let absent_answer = told(&stranger, method, &absent, absent_body.as_ref()).await;
        assert!(theirs_answer.contains("index_not_found"), "{method} {theirs}: {theirs_answer}");
        assert_eq!(theirs_answer.replace("secret", "absent"), absent_answer, "{method} {theirs}");
    }
    assert_eq!(owner.get("/indexes/secret/documents").await["total"], 1);
    let keys = owner.get("/keys").await;
    let uid = keys["results"][0]["uid"].as_str().unwrap();
    assert_eq!(stranger.call("GET", &format!("/keys/{uid}"), None).await.code(), "api_key_not_found");
    assert_eq!(stranger.call("DELETE", &format!("/keys/{uid}"), None).await.code(), "api_key_not_found");
    assert_eq!(stranger.get("/tasks?statuses=succeeded").await["total"], 0, "the owner's tasks are not the stranger's");
    assert_eq!(stranger.get("/batches?statuses=succeeded").await["total"], 0, "nor are the batches");
    let webhook = owner.ok("POST", "/webhooks", Some(&json!({"url": "https://example.com/"}))).await;
    let (theirs, absent) = (webhook["uuid"].as_str().unwrap(), "6062abda-a5aa-4414-ac91-ecd7944c0f8d");
    for (method, body) in [("GET", None), ("PATCH", Some(json!({}))), ("DELETE", None)] {
        let theirs_answer = told(&stranger, method, &format!("/webhooks/{theirs}"), body.as_ref()).await;
        let absent_answer = told(&stranger, method, &format!("/webhooks/{absent}"), body.as_ref()).await;
        assert!(theirs_answer.contains("webhook_not_found"), "{theirs_answer}");
        assert_eq!(theirs_answer.replace(theirs, absent), absent_answer);
    }
    let again = json!({"uid": uid, "actions": ["search"], "indexes": ["*"], "expiresAt": null});
    assert_eq!(stranger.call("POST", "/keys", Some(&again)).await.status, 201, "a uid that another tenant has is free");
    assert_eq!(stranger.get("/stats").await["indexes"], json!({}));
    assert_eq!(stranger.get("/stats/searches").await["indexes"], json!({}));
    for by in ["index", "size", "hour", "day"] {
        let usage = stranger.get(&format!("/usage?by={by}&indexUid=secret")).await;
        assert_eq!((&usage["results"], &usage["totals"]["documents"]), (&json!([]), &json!(0)), "{usage}");
    }
    assert_eq!(stranger.get("/plan").await["quotas"][0]["used"], 0);
}

/// What a caller is told in the end: status and body, or, of an accepted write, how its task failed.
async fn told(api: &Api, method: &str, path: &str, body: Option<&Value>) -> String {
    let answer = api.call(method, path, body).await;
    if answer.status != 202 {
        return format!("{} {}", answer.status, String::from_utf8_lossy(&answer.bytes));
    }
    let task = api.finished(&answer.json()).await;
    format!("{} {} {}", task["status"], task["indexUid"], task["error"])
}

#[tokio::test]
async fn a_suspended_tenant_is_refused_and_a_resumed_one_has_everything() {
    let onggi = onggi().await;
    let api = tenant(&onggi, "late-payer").await;
    api.done("POST", "/indexes/a/documents", &json!([{"id": 1}])).await;
    onggi.command(&["tenant", "suspend", "late-payer"]).await;
    refused(&api, "tenant_suspended").await;
    onggi.command(&["tenant", "suspend", "--resume", "late-payer"]).await;
    let begin = std::time::Instant::now();
    while api.call("GET", "/indexes/a/documents", None).await.status != 200 {
        assert!(begin.elapsed().as_secs() < 10);
    }
    onggi.command(&["tenant", "delete", "--yes", "late-payer"]).await;
    refused(&api, "invalid_api_key").await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_a_second() {
    let onggi = onggi().await;
    let api = onggi.api();
    let key = api.ok("POST", "/keys", Some(&json!({"actions": ["indexes.get"], "indexes": ["*"], "expiresAt": null}))).await;
    let holder = api.with_key(key["key"].as_str().unwrap());
    holder.get("/indexes").await;
    api.ok("DELETE", &format!("/keys/{}", key["uid"].as_str().unwrap()), None).await;
    let begin = std::time::Instant::now();
    refused(&holder, "invalid_api_key").await;
    assert!(begin.elapsed().as_millis() < 1500, "{:?}", begin.elapsed());
}

/// Waits until a key is refused with a code; panics when it is not soon.
async fn refused(api: &Api, code: &str) {
    let begin = std::time::Instant::now();
    loop {
        let answer = api.call("GET", "/indexes", None).await;
        if answer.code() == code {
            return;
        }
        assert!(begin.elapsed().as_secs() < 10, "{answer:?}");
    }
}
