//! What a tenant selects, and what runs.

use http::StatusCode;
use onggi_domain::Code;
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

#[tokio::test]
async fn a_selection_is_changed_and_shown_with_what_runs() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    let (status, view) = sandbox.send("PATCH", "/indexes/movies/containers", json!({"replicas": 3, "sleepAfterSeconds": null})).await;
    assert_eq!(status, StatusCode::OK, "{view}");
    assert_eq!(view, sandbox.get("/indexes/movies/containers").await);
    assert_eq!((&view["replicas"], &view["sleepAfterSeconds"], &view["size"]), (&json!(3), &Value::Null, &json!("small")));
    assert_eq!((&view["phase"], &view["containers"][0]["name"]), (&json!("awake"), &json!("s-1")));
    assert!(sandbox.index("movies").await.awake);
    sandbox.send("PATCH", "/indexes/movies/containers", json!({"replicas": 0})).await;
    assert!(!sandbox.index("movies").await.awake, "selecting no replica sends it to sleep");
    for (body, part) in [
        (json!({"replicas": 65}), "`.replicas`"),
        (json!({"replicas": "x"}), "`.replicas`"),
        (json!({"size": "huge"}), "small, medium, large"),
        (json!({"sleepAfterSeconds": 0}), "`.sleepAfterSeconds`"),
        (json!({"replica": 1}), "`replicas`"),
        (json!({"autoscale": {"min": 3, "max": 2, "target": {"cpuPercent": 50}}}), "`.autoscale.max`"),
        (json!({"autoscale": {"min": 1, "max": 2}}), "`.autoscale`"),
        (json!({"autoscale": {"min": 1, "max": 2, "target": {"lunch": 1}}}), "`.autoscale.target`"),
    ] {
        sandbox.refused("PATCH", "/indexes/movies/containers", body, Code::InvalidContainers, part).await;
    }
}

#[tokio::test]
async fn a_range_is_selected_in_place_of_a_number_and_shown_with_why_the_number_is_what_it_is() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    let range = json!({"min": 2, "max": 5, "target": {"concurrentSearches": 8}});
    let (status, view) = sandbox.send("PATCH", "/indexes/movies/containers", json!({"autoscale": range})).await;
    assert_eq!((status, &view["autoscale"], &view["replicas"]), (StatusCode::OK, &range, &json!(2)));
    assert_eq!((&view["wanted"], &view["decisions"][0]["why"]), (&json!(4), &json!("busy")));
    let (_, view) = sandbox.send("PATCH", "/indexes/movies/containers", json!({"replicas": 1})).await;
    assert_eq!((&view["autoscale"], &view["replicas"]), (&Value::Null, &json!(1)));
}

#[tokio::test]
async fn an_index_is_woken_and_sent_to_sleep() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    assert_eq!(sandbox.send("POST", "/indexes/movies/wake", Value::Null).await, (StatusCode::OK, json!({"phase": "awake"})));
    assert_eq!(sandbox.send("POST", "/indexes/movies/sleep", Value::Null).await, (StatusCode::OK, json!({"phase": "asleep"})));
    sandbox.refused("POST", "/indexes/none/wake", Value::Null, Code::IndexNotFound, "`none`").await;
}
