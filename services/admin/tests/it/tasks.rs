//! Lists of tasks and their deletion.

use onggi_domain::Code;
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

async fn with_four_tasks() -> Sandbox {
    let sandbox = Sandbox::start().await;
    for uid in ["a", "b", "a", "c"] {
        sandbox.task("POST", "/indexes", json!({"uid": uid})).await;
    }
    sandbox
}

fn uids(list: &Value) -> Vec<u64> {
    list["results"].as_array().unwrap().iter().map(|task| task["uid"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn tasks_are_listed_newest_first_in_pages_that_lead_on() {
    let sandbox = with_four_tasks().await;
    let page = sandbox.get("/tasks?limit=3").await;
    assert_eq!(uids(&page), [3, 2, 1]);
    assert_eq!((&page["total"], &page["limit"], &page["from"], &page["next"]), (&json!(4), &json!(3), &json!(3), &json!(0)));
    let rest = sandbox.get("/tasks?limit=3&from=0").await;
    assert_eq!((uids(&rest), &rest["from"], &rest["next"]), (vec![0], &json!(0), &Value::Null));
    assert_eq!(uids(&sandbox.get("/tasks?reverse=true&limit=2").await), [0, 1]);
    assert_eq!(uids(&sandbox.get("/tasks?statuses=failed").await), [2]);
    assert_eq!(uids(&sandbox.get("/tasks?indexUids=a,c&types=indexCreation").await), [3, 2, 0]);
    assert_eq!(uids(&sandbox.get("/tasks?afterEnqueuedAt=2999-01-01").await), [0; 0]);
}

#[tokio::test]
async fn tasks_are_deleted_by_a_filter() {
    let sandbox = with_four_tasks().await;
    sandbox.refused("DELETE", "/tasks", Value::Null, Code::MissingTaskFilters, "`uids`").await;
    let task = sandbox.task("DELETE", "/tasks?statuses=failed", Value::Null).await;
    assert_eq!(task["details"], json!({"matchedTasks": 1, "deletedTasks": 1, "originalFilter": "?statuses=failed"}));
    sandbox.refused("GET", "/tasks/2", Value::Null, Code::TaskNotFound, "Task `2` not found.").await;
}

#[tokio::test]
async fn wrong_filters_are_refused() {
    let sandbox = Sandbox::start().await;
    for (query, code) in [
        ("limit=x", Code::InvalidTaskLimit),
        ("from=-1", Code::InvalidTaskFrom),
        ("reverse=x", Code::InvalidTaskReverse),
        ("statuses=x", Code::InvalidTaskStatuses),
        ("nope=x", Code::BadRequest),
    ] {
        sandbox.refused("GET", &format!("/tasks?{query}"), Value::Null, code, "`").await;
    }
    sandbox.refused("GET", "/tasks/x", Value::Null, Code::InvalidTaskUids, "`x`").await;
}
