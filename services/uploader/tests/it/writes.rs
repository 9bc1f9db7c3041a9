//! Deletions, settings and cancelation that are accepted.

use http::StatusCode;
use onggi_domain::{
    log::Operation,
    settings::{SETTINGS, Settings},
    task::TaskStatus,
};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

async fn with_pets() -> Sandbox {
    let sandbox = Sandbox::start().await;
    let (status, answer) = sandbox.json("POST", "/indexes/pets/documents", &json!([{"id": 0}])).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    sandbox
}

#[tokio::test]
async fn every_way_to_delete_is_a_record() {
    let sandbox = with_pets().await;
    for (method, path, body) in [
        ("DELETE", "/indexes/pets/documents/a-1", Value::Null),
        ("POST", "/indexes/pets/documents/delete-batch", json!([1, "b"])),
        ("POST", "/indexes/pets/documents/delete", json!({"filter": ["a = 1", ["b = 2"]]})),
        ("DELETE", "/indexes/pets/documents", Value::Null),
    ] {
        let (status, answer) = sandbox.json(method, path, &body).await;
        assert_eq!((status, &answer["type"]), (StatusCode::ACCEPTED, &json!("documentDeletion")), "{path}: {answer}");
    }
    let operations: Vec<Operation> = sandbox.log("pets").await.into_iter().skip(1).map(|record| record.operation).collect();
    assert_eq!(
        operations,
        [
            Operation::DeleteDocuments { ids: vec!["a-1".to_owned()] },
            Operation::DeleteDocuments { ids: vec!["1".to_owned(), "b".to_owned()] },
            Operation::DeleteByFilter { filter: json!(["a = 1", ["b = 2"]]) },
            Operation::DeleteAllDocuments,
        ]
    );
}

#[tokio::test]
async fn deleting_from_an_index_that_is_not_there_is_a_failed_task() {
    let sandbox = Sandbox::start().await;
    let (status, answer) = sandbox.json("DELETE", "/indexes/none/documents", &Value::Null).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let uid = serde_json::from_value(answer["taskUid"].clone()).unwrap();
    let task = sandbox.deps.metadata.tasks.get(sandbox.caller.tenant, uid).await.unwrap();
    assert_eq!((task.status, task.error.unwrap().code.as_str()), (TaskStatus::Failed, "index_not_found"));
}

#[tokio::test]
async fn each_setting_is_set_by_its_route_and_reset_by_deleting_it() {
    let sandbox = Sandbox::start().await;
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    for (name, segment, method, _) in SETTINGS {
        let path = format!("/indexes/pets/settings/{segment}");
        let (status, answer) = sandbox.json(method, &path, &defaults[name]).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{method} {path}: {answer}");
        assert_eq!(sandbox.json("DELETE", &path, &Value::Null).await.0, StatusCode::ACCEPTED);
    }
    assert_eq!(
        sandbox.json("PATCH", "/indexes/pets/settings", &json!({"stopWords": ["the"], "embedders": {}})).await.0,
        StatusCode::ACCEPTED
    );
    assert_eq!(sandbox.json("DELETE", "/indexes/pets/settings", &Value::Null).await.0, StatusCode::ACCEPTED);
    let mut settings = Settings::default();
    let mut seen = Vec::new();
    for record in sandbox.log("pets").await {
        let Operation::UpdateSettings { patch } = record.operation else { panic!("only settings were changed") };
        settings.apply(&patch);
        seen.push(settings.stop_words.len());
    }
    assert_eq!(seen.len(), 2 * SETTINGS.len() + 2);
    assert_eq!(seen[seen.len() - 2..], [1, 0]);
    assert_eq!(settings, Settings::default());
}

#[tokio::test]
async fn canceling_writes_one_record_to_each_index_under_one_task() {
    let sandbox = with_pets().await;
    sandbox.json("POST", "/indexes/toys/documents", &json!([{"id": 1}])).await;
    let (status, answer) = sandbox.json("POST", "/tasks/cancel?statuses=enqueued,processing", &Value::Null).await;
    assert_eq!((status, &answer["type"]), (StatusCode::ACCEPTED, &json!("taskCancelation")), "{answer}");
    let mut canceled = Vec::new();
    for uid in ["pets", "toys"] {
        let record = sandbox.log(uid).await.pop().unwrap();
        assert_eq!(json!(record.task), answer["taskUid"]);
        let Operation::Cancel { tasks } = record.operation else { panic!("{uid} has no cancelation") };
        canceled.extend(tasks.iter().map(|task| task.0));
    }
    assert_eq!(canceled, [0, 1]);
    let task = serde_json::from_value(answer["taskUid"].clone()).unwrap();
    let task = sandbox.deps.metadata.tasks.get(sandbox.caller.tenant, task).await.unwrap();
    assert_eq!(task.details["matchedTasks"], 2);
    assert_eq!(task.details["originalFilter"], "?statuses=enqueued,processing");
}

#[tokio::test]
async fn canceling_nothing_is_done_at_once() {
    let sandbox = with_pets().await;
    let (status, answer) = sandbox.json("POST", "/tasks/cancel?uids=77", &Value::Null).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let uid = serde_json::from_value(answer["taskUid"].clone()).unwrap();
    let task = sandbox.deps.metadata.tasks.get(sandbox.caller.tenant, uid).await.unwrap();
    assert_eq!((task.status, &task.details["canceledTasks"]), (TaskStatus::Succeeded, &json!(0)));
    assert_eq!(sandbox.log("pets").await.len(), 1);
}
