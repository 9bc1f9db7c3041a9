//! What Meilisearch has and Onggi does not; archives.

use http::StatusCode;
use onggi_domain::{Code, settings::ABSENT_SETTINGS, task::TaskKind};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

#[tokio::test]
async fn a_feature_that_is_not_there_answers_as_one_that_is_switched_off() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "a"})).await;
    for (methods, path) in [
        ("POST", "/indexes/a/documents/edit"),
        ("GET POST", "/indexes/a/similar"),
        ("GET", "/tasks/0/documents"),
        ("POST", "/tasks/compact"),
        ("GET", "/metrics"),
        ("POST DELETE", "/logs/stream"),
        ("POST", "/logs/stderr"),
        ("GET PATCH", "/network"),
        ("POST", "/export"),
        ("GET", "/chats"),
        ("GET DELETE", "/chats/w"),
        ("GET PATCH DELETE", "/chats/w/settings"),
        ("POST", "/chats/w/chat/completions"),
        ("POST", "/dynamic-search-rules"),
        ("GET PATCH DELETE", "/dynamic-search-rules/r"),
        ("POST", "/render-template"),
        ("GET POST DELETE", "/mcp"),
    ] {
        for method in methods.split(' ') {
            sandbox.refused(method, path, json!({}), Code::FeatureNotEnabled, "requires the").await;
        }
    }
}

#[tokio::test]
async fn no_feature_can_be_switched_and_what_is_so_already_is_accepted() {
    let sandbox = Sandbox::start().await;
    let features = sandbox.get("/experimental-features").await;
    assert_eq!((features["containsFilter"].as_bool(), features["chatCompletions"].as_bool()), (Some(true), Some(false)));
    for body in [json!({}), json!({"containsFilter": true}), json!({"metrics": false, "network": null}), features.clone()] {
        assert_eq!(sandbox.send("PATCH", "/experimental-features", body).await, (StatusCode::OK, features.clone()));
    }
    for (body, code, part) in [
        (json!({"metrics": true}), Code::FeatureNotEnabled, "`metrics`"),
        (json!({"containsFilter": false}), Code::BadRequest, "always on"),
        (json!({"containsFilter": "yes"}), Code::BadRequest, "`.containsFilter`"),
        (json!({"containFilter": true}), Code::BadRequest, "did you mean `containsFilter`?"),
    ] {
        sandbox.refused("PATCH", "/experimental-features", body, code, part).await;
    }
}

#[tokio::test]
async fn the_settings_of_absent_features_are_shown_at_their_defaults() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "a"})).await;
    for setting in ABSENT_SETTINGS {
        let shown = sandbox.get(&format!("/indexes/a/settings/{}", setting.segment)).await;
        assert_eq!(shown, serde_json::from_str::<Value>(setting.default).unwrap());
        let absent = format!("/indexes/none/settings/{}", setting.segment);
        sandbox.refused("GET", &absent, Value::Null, Code::IndexNotFound, "`none`").await;
    }
    let all = sandbox.get("/indexes/a/settings").await;
    assert_eq!((&all["embedders"], &all["rankingRules"][0]), (&json!({}), &json!("words")));
    assert!(all.get("chat").is_none());
}

#[tokio::test]
async fn a_dump_or_snapshot_is_a_task_for_the_controller() {
    let sandbox = Sandbox::start().await;
    for (path, kind, details) in
        [("/dumps", TaskKind::DumpCreation, json!({"dumpUid": null})), ("/snapshots", TaskKind::SnapshotCreation, Value::Null)]
    {
        let (status, answer) = sandbox.send("POST", path, Value::Null).await;
        assert_eq!((status, &answer["type"]), (StatusCode::ACCEPTED, &json!(kind)));
        let task = sandbox.get(&format!("/tasks/{}", answer["taskUid"])).await;
        assert_eq!((&task["status"], &task["details"], &task["indexUid"]), (&json!("enqueued"), &details, &Value::Null));
        let (status, error) = sandbox.send_as(&sandbox.limited_to("a*"), "POST", path, &Value::Null).await;
        assert_eq!((status, &error["code"]), (StatusCode::FORBIDDEN, &json!("invalid_api_key")));
    }
    assert_eq!(sandbox.deps.metadata.tasks.unwritten_archives().await.unwrap().len(), 2);
}
