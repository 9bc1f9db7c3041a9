//! Tasks and batches of real work.

use serde_json::{Value, json};

use crate::{documents, onggi};

#[tokio::test]
async fn a_cancelation_over_several_indexes_ends_when_all_that_it_names_are_at_their_end() {
    let onggi = onggi().await;
    let api = onggi.api();
    let mut uploads = Vec::new();
    for round in 0..5 {
        for uid in ["a", "b", "c"] {
            uploads.push(api.ok("POST", &format!("/indexes/{uid}/documents"), Some(&documents(round * 10, 10))).await);
        }
    }
    let accepted = api.ok("POST", "/tasks/cancel?statuses=enqueued,processing", Some(&Value::Null)).await;
    let cancelation = api.finished(&accepted).await;
    assert_eq!(cancelation["status"], "succeeded", "{cancelation}");
    let uid = accepted["taskUid"].as_u64().unwrap();
    let mut canceled = 0;
    for upload in &uploads {
        let task = api.get(&format!("/tasks/{}", upload["taskUid"])).await;
        match task["status"].as_str() {
            Some("canceled") => {
                canceled += 1;
                assert_eq!(task["canceledBy"], uid);
            }
            // A generation had taken it in already.
            status => assert_eq!(status, Some("succeeded"), "the cancelation is over, so is {task}"),
        }
    }
    assert_eq!(cancelation["details"]["canceledTasks"], canceled);
    assert_eq!(api.get(&format!("/tasks?canceledBy={uid}")).await["total"], canceled);
}

#[tokio::test]
async fn each_task_of_a_generation_is_in_its_batch() {
    let onggi = onggi().await;
    let api = onggi.api();
    let mut last = Value::Null;
    for id in 0..10 {
        last = api.ok("POST", "/indexes/jars/documents?customMetadata=part", Some(&documents(id, 1))).await;
    }
    assert_eq!(api.finished(&last).await["customMetadata"], "part");
    let batches = api.get("/batches?limit=100&indexUids=jars").await;
    let mut tasks = 0;
    for batch in batches["results"].as_array().unwrap() {
        let of_batch = api.get(&format!("/tasks?batchUids={}", batch["uid"])).await;
        assert_eq!(batch["stats"]["totalNbTasks"], of_batch["total"]);
        assert_eq!(batch["details"]["receivedDocuments"], of_batch["total"]);
        assert_eq!(api.get(&format!("/batches/{}", batch["uid"])).await, *batch);
        tasks += of_batch["total"].as_u64().unwrap();
    }
    assert_eq!(tasks, 10);
    assert_eq!(batches["results"][0]["progress"], json!(null));
}

#[tokio::test]
async fn what_does_not_exist_can_be_left_out_of_an_upload() {
    let onggi = onggi().await;
    let api = onggi.api();
    api.done("POST", "/indexes/jars/documents", &json!([{"id": 1, "a": 1}])).await;
    api.done("PUT", "/indexes/jars/documents?skipCreation=true", &json!([{"id": 1, "b": 1}, {"id": 2}])).await;
    assert_eq!(api.get("/indexes/jars/documents").await["results"], json!([{"id": 1, "a": 1, "b": 1}]));
}
