//! Batches: what was worked on together.

use onggi_domain::{
    Seq, Timestamp,
    generation::{TaskOutcome, TaskResult},
    task::{TaskDetails, TaskKind},
};
use onggi_metadata::NewTask;
use serde_json::{Value, json};

use onggi_domain::Code;

use crate::sandbox::Sandbox;

/// Index `a` with a generation that has taken in two uploads, and two indexes besides: batches 0, 1, 2 and 3.
async fn with_batches() -> Sandbox {
    let sandbox = Sandbox::start().await;
    for uid in ["a", "b"] {
        sandbox.task("POST", "/indexes", json!({"uid": uid})).await;
    }
    let index = sandbox.index("a").await;
    let tasks = &sandbox.deps.metadata.tasks;
    let mut outcomes = Vec::new();
    for seq in 0..2 {
        let new = NewTask {
            tenant: index.tenant,
            index: Some(index.id),
            index_uid: Some(index.uid.clone()),
            kind: TaskKind::DocumentAdditionOrUpdate,
            details: TaskDetails::new(),
            custom_metadata: None,
            targets: None,
            enqueued_at: Timestamp::now(),
        };
        let task = tasks.allocate(&new).await.unwrap();
        let Value::Object(details) = json!({"receivedDocuments": 3, "indexedDocuments": 3}) else { unreachable!() };
        outcomes.push(TaskOutcome {
            task: task.uid,
            seq: Seq(seq),
            kind: new.kind,
            result: TaskResult::Succeeded,
            details,
            enqueued_at: task.enqueued_at,
            started_at: task.enqueued_at,
        });
    }
    tasks.settle(&index, outcomes[0].task, &outcomes, Timestamp::now()).await.unwrap();
    sandbox.task("DELETE", "/indexes/b", Value::Null).await;
    sandbox
}

fn uids(list: &Value) -> Vec<u64> {
    list["results"].as_array().unwrap().iter().map(|batch| batch["uid"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_batch_is_what_one_generation_took_in() {
    let sandbox = with_batches().await;
    let batch = sandbox.get("/batches/2").await;
    assert_eq!(batch["details"], json!({"receivedDocuments": 6, "indexedDocuments": 6}));
    let stats = json!({
        "totalNbTasks": 2, "status": {"succeeded": 2}, "types": {"documentAdditionOrUpdate": 2}, "indexUids": {"a": 2},
    });
    assert_eq!((&batch["stats"], &batch["progress"]), (&stats, &Value::Null));
    assert!(batch["duration"].as_str().unwrap().starts_with("PT") && batch["startedAt"].is_string() && batch["finishedAt"].is_string());
    assert!(batch["batchStrategy"].is_string());
    assert_eq!(sandbox.get("/tasks/3").await["batchUid"], 2);
    sandbox.refused("GET", "/batches/3", Value::Null, Code::BatchNotFound, "Batch `3` not found.").await;
    sandbox.refused("GET", "/batches/x", Value::Null, Code::InvalidBatchUids, "`x`").await;
}

#[tokio::test]
async fn batches_are_listed_in_pages_and_chosen_by_their_tasks() {
    let sandbox = with_batches().await;
    let page = sandbox.get("/batches?limit=2").await;
    assert_eq!((uids(&page), &page["total"], &page["limit"]), (vec![4, 2], &json!(4), &json!(2)));
    assert_eq!((&page["from"], &page["next"]), (&json!(4), &json!(1)));
    assert_eq!(uids(&sandbox.get("/batches?reverse=true").await), [0, 1, 2, 4]);
    assert_eq!(uids(&sandbox.get("/batches?from=1").await), [1, 0]);
    assert_eq!(uids(&sandbox.get("/batches?indexUids=a&types=documentAdditionOrUpdate").await), [2]);
    assert_eq!(uids(&sandbox.get("/batches?uids=3").await), [2]);
    assert_eq!(uids(&sandbox.get("/batches?batchUids=0,2").await), [2, 0]);
    assert_eq!(uids(&sandbox.get("/batches?statuses=processing").await), [0; 0]);
    assert_eq!(uids(&sandbox.get("/tasks?batchUids=2").await), [3, 2]);
    for (query, code) in [
        ("limit=x", Code::InvalidTaskLimit),
        ("from=x", Code::InvalidTaskFrom),
        ("reverse=x", Code::InvalidTaskReverse),
        ("batchUids=x", Code::InvalidBatchUids),
        ("uids=x", Code::InvalidTaskUids),
        ("types=x", Code::InvalidTaskTypes),
        ("nope=x", Code::BadRequest),
    ] {
        sandbox.refused("GET", &format!("/batches?{query}"), Value::Null, code, "`").await;
    }
}

#[tokio::test]
async fn of_a_batch_a_key_sees_the_tasks_of_its_indexes() {
    let sandbox = with_batches().await;
    let limited = sandbox.limited_to("b*");
    let (_, list) = sandbox.send_as(&limited, "GET", "/batches", &Value::Null).await;
    assert_eq!((uids(&list), &list["total"]), (vec![4, 1], &json!(2)));
    let (status, _) = sandbox.send_as(&limited, "GET", "/batches/2", &Value::Null).await;
    assert_eq!(status, 404);
}
