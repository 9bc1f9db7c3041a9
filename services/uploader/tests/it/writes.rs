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
    assert_eq!(Value::from(task.details), json!({"providedIds": 0, "deletedDocuments": 0, "originalFilter": null}));
}

#[tokio::test]
async fn only_uploads_have_to_say_what_they_are() {
    let sandbox = with_pets().await;
    for (method, path, body) in [
        ("PATCH", "/indexes/pets/settings", r#"{"stopWords":["the"]}"#),
        ("POST", "/indexes/pets/documents/delete-batch", "[1]"),
        ("POST", "/indexes/pets/documents", r#"{"id":1}"#),
    ] {
        for headers in [&[][..], &[("content-type", "text/plain")]] {
            let (status, answer) = sandbox.send(&sandbox.caller, method, path, headers, body).await;
            let expected = if path.ends_with("/documents") { StatusCode::UNSUPPORTED_MEDIA_TYPE } else { StatusCode::ACCEPTED };
            assert_eq!(status, expected, "{path} {headers:?}: {answer}");
        }
    }
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
async fn each_setting_refuses_a_wrong_value_with_its_own_code_alone_and_among_others() {
    let sandbox = with_pets().await;
    for (name, segment, method, code) in SETTINGS {
        let wrong = if *name == "distinctAttribute" { json!(1) } else { json!("x") };
        for (method, path, body) in [
            (*method, format!("/indexes/pets/settings/{segment}"), wrong.clone()),
            ("PATCH", "/indexes/pets/settings".to_owned(), json!({"stopWords": null, *name: wrong})),
        ] {
            let (status, error) = sandbox.json(method, &path, &body).await;
            assert_eq!((status, &error["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{method} {path} {body}");
            assert!(error["message"].as_str().unwrap().contains(name), "{error}");
        }
    }
    assert_eq!(sandbox.log("pets").await.len(), 1);
}

#[tokio::test]
async fn a_setting_of_a_feature_that_is_not_there_can_be_left_as_it_is_and_reset() {
    let sandbox = with_pets().await;
    for (method, path, body) in [
        ("PATCH", "/indexes/pets/settings/embedders", Value::Null),
        ("PATCH", "/indexes/pets/settings/embedders", json!({})),
        ("DELETE", "/indexes/pets/settings/embedders", Value::Null),
        ("DELETE", "/indexes/pets/settings/chat", Value::Null),
        ("PATCH", "/indexes/pets/settings/vector-store", Value::Null),
        ("PUT", "/indexes/pets/settings/foreign-keys", json!([])),
        ("PATCH", "/indexes/pets/settings", json!({"embedders": null, "chat": null, "vectorStore": null, "foreignKeys": []})),
    ] {
        let (status, answer) = sandbox.json(method, path, &body).await;
        assert_eq!((status, &answer["type"]), (StatusCode::ACCEPTED, &json!("settingsUpdate")), "{method} {path}: {answer}");
    }
    for record in sandbox.log("pets").await.into_iter().skip(1) {
        let Operation::UpdateSettings { patch } = record.operation else { panic!("only settings were changed") };
        assert_eq!(*patch, onggi_domain::settings::SettingsPatch::default());
    }
}

#[tokio::test]
async fn what_a_caller_gives_along_is_told_with_the_task() {
    let sandbox = with_pets().await;
    for (method, path, body) in [
        ("POST", "/indexes/pets/documents", json!([{"id": 1}])),
        ("PUT", "/indexes/pets/documents", json!([])),
        ("DELETE", "/indexes/pets/documents/1", Value::Null),
        ("POST", "/indexes/pets/documents/delete-batch", json!([1])),
        ("POST", "/indexes/pets/documents/delete", json!({"filter": "a = 1"})),
        ("DELETE", "/indexes/pets/documents", Value::Null),
        ("DELETE", "/indexes/none/documents", Value::Null),
    ] {
        let (_, answer) = sandbox.json(method, &format!("{path}?customMetadata=import%207"), &body).await;
        assert_eq!(answer["customMetadata"], "import 7", "{method} {path}: {answer}");
        let uid = serde_json::from_value(answer["taskUid"].clone()).unwrap();
        let task = sandbox.deps.metadata.tasks.get(sandbox.caller.tenant, uid).await.unwrap();
        assert_eq!(task.view()["customMetadata"], "import 7");
    }
    let long = format!("/indexes/pets/documents?customMetadata={}", "x".repeat(5000));
    let (status, error) = sandbox.json("DELETE", &long, &Value::Null).await;
    assert_eq!((status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_index_custom_metadata")));
}

#[tokio::test]
async fn an_upload_may_leave_out_what_does_not_exist() {
    use onggi_domain::log::DocumentMethod;
    let sandbox = with_pets().await;
    for method in ["POST", "PUT"] {
        for skip in ["true", "false"] {
            let path = format!("/indexes/pets/documents?skipCreation={skip}");
            assert_eq!(sandbox.json(method, &path, &json!([{"id": 1}])).await.0, StatusCode::ACCEPTED);
        }
    }
    let methods: Vec<DocumentMethod> = (sandbox.log("pets").await.into_iter().skip(1))
        .map(|record| match record.operation {
            Operation::AddDocuments { method, .. } => method,
            other => panic!("not an upload: {other:?}"),
        })
        .collect();
    let expected = [DocumentMethod::ReplaceExisting, DocumentMethod::Replace, DocumentMethod::UpdateExisting, DocumentMethod::Update];
    assert_eq!(methods, expected);
    let (status, error) = sandbox.json("POST", "/indexes/pets/documents?skipCreation=maybe", &json!([])).await;
    assert_eq!((status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("invalid_skip_creation")));
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
