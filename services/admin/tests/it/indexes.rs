//! Indexes, their settings, stats and generations.

use std::time::Duration;

use http::StatusCode;
use onggi_domain::{
    Code, Generation, Seq, TaskUid, Timestamp,
    generation::{Cause, IndexState, MANIFEST_FORMAT, Manifest, TaskOutcome, TaskResult},
    index::Published,
    settings::Settings,
    task::{TaskDetails, TaskKind},
};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

#[tokio::test]
async fn an_index_is_created_shown_listed_changed_and_deleted() {
    let sandbox = Sandbox::start().await;
    let task = sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    assert_eq!((&task["status"], &task["type"], &task["indexUid"]), (&json!("succeeded"), &json!("indexCreation"), &json!("movies")));
    sandbox.task("POST", "/indexes", json!({"uid": "books", "primaryKey": "isbn"})).await;

    let again = sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    assert_eq!((&again["status"], &again["error"]["code"]), (&json!("failed"), &json!("index_already_exists")));

    let list = sandbox.get("/indexes?limit=1&offset=1").await;
    assert_eq!(
        (&list["total"], &list["limit"], &list["offset"], &list["results"][0]["uid"]),
        (&json!(2), &json!(1), &json!(1), &json!("movies"))
    );
    assert_eq!(sandbox.get("/indexes/books").await["primaryKey"], "isbn");

    let task = sandbox.task("PATCH", "/indexes/movies", json!({"primaryKey": "id"})).await;
    assert_eq!((&task["status"], &task["details"]["primaryKey"]), (&json!("succeeded"), &json!("id")));
    assert_eq!(sandbox.get("/indexes/movies").await["primaryKey"], "id");
    let task = sandbox.task("PATCH", "/indexes/movies", json!({"uid": "films"})).await;
    assert_eq!(task["status"], "succeeded", "{task}");
    sandbox.refused("GET", "/indexes/movies", Value::Null, Code::IndexNotFound, "Index `movies` not found.").await;

    assert_eq!(sandbox.task("DELETE", "/indexes/films", Value::Null).await["status"], "succeeded");
    assert_eq!(sandbox.task("DELETE", "/indexes/films", Value::Null).await["error"]["code"], "index_not_found");
    assert_eq!(sandbox.task("PATCH", "/indexes/films", json!({"primaryKey": "id"})).await["error"]["code"], "index_not_found");
}

#[tokio::test]
async fn wrong_requests_about_indexes_are_refused_at_once() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "a"})).await;
    for (method, path, body, code, part) in [
        ("POST", "/indexes", json!({}), Code::MissingIndexUid, "Missing field `uid`"),
        ("POST", "/indexes", json!({"uid": "a b"}), Code::InvalidIndexUid, "`a b`"),
        ("POST", "/indexes", json!({"uid": 1}), Code::InvalidIndexUid, "expected a string, but found a number: `1`"),
        ("POST", "/indexes", json!({"uid": "b", "primaryKey": []}), Code::InvalidIndexPrimaryKey, "`.primaryKey`"),
        ("POST", "/indexes", json!({"uid": "b", "primarykey": "x"}), Code::BadRequest, "did you mean `primaryKey`?"),
        ("POST", "/indexes", Value::Null, Code::MissingPayload, "payload"),
        ("PATCH", "/indexes/a", json!({"createdAt": "x"}), Code::ImmutableIndexCreatedAt, "Immutable field `createdAt`"),
        ("GET", "/indexes?limit=x", Value::Null, Code::InvalidIndexLimit, "`x`"),
        ("GET", "/indexes?ofset=1", Value::Null, Code::BadRequest, "did you mean `offset`?"),
        ("GET", "/indexes/a/settings/nope", Value::Null, Code::NotFound, "`nope`"),
        ("POST", "/swap-indexes", json!([{"indexes": ["a"]}]), Code::InvalidSwapIndexes, "contains 1 indexes"),
        ("POST", "/swap-indexes", json!([{"indexes": ["a", "b"], "rename": 1}]), Code::InvalidSwapRename, "`.[0].rename`"),
        ("GET", "/stats?sizeFormat=big", Value::Null, Code::InvalidStatsSizeFormat, "`human`"),
        (
            "GET",
            "/indexes/a/stats?showInternalDatabaseSizes=1",
            Value::Null,
            Code::InvalidStatsShowInternalDatabaseSizes,
            "`true` or `false`",
        ),
        ("POST", "/indexes/a/fields", json!({"limit": -1}), Code::InvalidIndexLimit, "`.limit`"),
        ("POST", "/indexes/a/fields", json!({"offset": "x"}), Code::InvalidIndexOffset, "`.offset`"),
        ("POST", "/indexes/a/fields", json!({"filter": []}), Code::InvalidIndexFieldsFilter, "`.filter`"),
        ("POST", "/indexes/a/fields", json!({"filter": {"x": true}}), Code::InvalidIndexFieldsFilter, "`x`"),
        (
            "POST",
            "/indexes/a/fields",
            json!({"filter": {"attributePatterns": "a"}}),
            Code::InvalidIndexFieldsFilterAttributePatterns,
            "array of strings",
        ),
        ("POST", "/indexes/a/fields", json!({"filter": {"sortable": 1}}), Code::InvalidIndexFieldsFilterSortable, "a boolean"),
        ("POST", "/indexes/none/fields", json!({}), Code::IndexNotFound, "`none`"),
        ("POST", "/swap-indexes", json!([{}]), Code::MissingSwapIndexes, "`.[0]`"),
        ("POST", "/swap-indexes", json!([{"indexes": ["a", "a"]}]), Code::InvalidSwapDuplicateIndexFound, "`a`"),
        ("GET", "/nothing", Value::Null, Code::NotFound, "no such route"),
        ("PUT", "/indexes", Value::Null, Code::MethodNotAllowed, "method"),
    ] {
        sandbox.refused(method, path, body, code, part).await;
    }
}

#[tokio::test]
async fn swapping_exchanges_names_or_fails_as_a_task() {
    let sandbox = Sandbox::start().await;
    for uid in ["a", "b"] {
        sandbox.task("POST", "/indexes", json!({"uid": uid, "primaryKey": uid})).await;
    }
    let task = sandbox.task("POST", "/swap-indexes", json!([{"indexes": ["a", "b"]}])).await;
    assert_eq!((&task["status"], &task["indexUid"]), (&json!("succeeded"), &Value::Null), "{task}");
    assert_eq!(sandbox.get("/indexes/a").await["primaryKey"], "b");
    let task = sandbox.task("POST", "/swap-indexes", json!([{"indexes": ["a", "c"]}, {"indexes": ["b", "d"]}])).await;
    assert_eq!(task["error"]["message"], "Indexes `c`, `d` not found.");

    let rename = json!([{"indexes": ["a", "c"], "rename": true}]);
    let task = sandbox.task("POST", "/swap-indexes", rename.clone()).await;
    assert_eq!((&task["status"], &task["details"]["swaps"]), (&json!("succeeded"), &rename));
    assert_eq!(sandbox.get("/indexes/c").await["primaryKey"], "b");
    assert_eq!(sandbox.task("POST", "/swap-indexes", rename).await["error"]["message"], "Index `a` not found.");
    let task = sandbox.task("POST", "/swap-indexes", json!([{"indexes": ["c", "b"], "rename": true}])).await;
    assert_eq!(task["error"]["code"], "index_already_exists");
    assert_eq!(sandbox.get("/indexes/c").await["primaryKey"], "b");
}

#[tokio::test]
async fn a_key_for_some_indexes_sees_those_only() {
    let sandbox = Sandbox::start().await;
    for uid in ["prod_a", "dev_a"] {
        sandbox.task("POST", "/indexes", json!({"uid": uid})).await;
    }
    let limited = sandbox.limited_to("prod_*");
    let (_, list) = sandbox.send_as(&limited, "GET", "/indexes", &Value::Null).await;
    assert_eq!((&list["total"], &list["results"][0]["uid"]), (&json!(1), &json!("prod_a")));
    let (_, stats) = sandbox.send_as(&limited, "GET", "/stats", &Value::Null).await;
    assert_eq!(stats["indexes"].as_object().unwrap().keys().collect::<Vec<_>>(), ["prod_a"]);
    let (status, error) = sandbox.send_as(&limited, "POST", "/indexes", &json!({"uid": "dev_b"})).await;
    assert_eq!((status, &error["code"]), (StatusCode::FORBIDDEN, &json!("invalid_api_key")));
    let (_, tasks) = sandbox.send_as(&limited, "GET", "/tasks", &Value::Null).await;
    assert_eq!((&tasks["total"], &tasks["results"][0]["indexUid"]), (&json!(1), &json!("prod_a")));
    let (status, _) = sandbox.send_as(&limited, "GET", "/tasks/1", &Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn settings_and_stats_are_those_of_the_newest_generation() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "movies"})).await;
    let mut defaults = serde_json::to_value(Settings::default()).unwrap();
    defaults["embedders"] = json!({});
    assert_eq!(sandbox.get("/indexes/movies/settings").await, defaults);
    let settings = Settings { distinct_attribute: Some("sku".to_owned()), ..Settings::default() };
    let fields = [("title".to_owned(), 2), ("id".to_owned(), 3)].into_iter().collect();
    let published =
        Published { generation: Generation(1), committed_seq: Some(Seq(4)), documents: 3, stored_bytes: 500, raw_bytes: 90, fields };
    let id = sandbox.index("movies").await.id;
    sandbox.deps.metadata.indexes.record_generation(id, &published, &settings, Some("id")).await.unwrap();
    assert_eq!(sandbox.get("/indexes/movies/settings/distinct-attribute").await, "sku");
    let stats = sandbox.get("/stats").await;
    assert_eq!((&stats["databaseSize"], &stats["indexes"]["movies"]["numberOfDocuments"]), (&json!(500), &json!(3)));
    assert!(stats["lastUpdate"].is_string());
    let expected = json!({
        "numberOfDocuments": 3, "rawDocumentDbSize": 90, "avgDocumentSize": 30, "isIndexing": false,
        "numberOfEmbeddings": 0, "numberOfEmbeddedDocuments": 0, "fieldDistribution": {"id": 3, "title": 2},
    });
    assert_eq!(sandbox.get("/indexes/movies/stats").await, expected);
    let human = sandbox.get("/indexes/movies/stats?sizeFormat=human&showInternalDatabaseSizes=true").await;
    assert!(human["rawDocumentDbSize"].as_str().unwrap().ends_with('B'), "{human}");
    assert_eq!(human["internalDatabaseSizes"], json!({}));
    let task = sandbox.task("POST", "/indexes/movies/compact", Value::Null).await;
    assert_eq!(
        (&task["type"], &task["status"], &task["details"]["indexUid"]),
        (&json!("indexCompaction"), &json!("succeeded"), &json!("movies"))
    );
    assert_eq!(sandbox.task("POST", "/indexes/none/compact", Value::Null).await["error"]["code"], "index_not_found");
    let fields = sandbox.get_with("/indexes/movies/fields", json!({"filter": {"attributePatterns": ["t*"]}})).await;
    assert_eq!((&fields["total"], &fields["offset"], &fields["limit"]), (&json!(1), &json!(0), &json!(20)));
    let title = json!({
        "name": "title", "displayed": {"enabled": true}, "searchable": {"enabled": true}, "sortable": {"enabled": false},
        "distinct": {"enabled": false}, "rankingRule": {"enabled": false},
        "filterable": {"enabled": false, "sortBy": "alpha", "facetSearch": false, "equality": false, "comparison": false},
        "localized": {"locales": []},
    });
    assert_eq!(fields["results"], json!([title]));
    let page = sandbox.get_with("/indexes/movies/fields", json!({"offset": 1, "limit": 5, "filter": {"displayed": true}})).await;
    assert_eq!((&page["total"], page["results"].as_array().unwrap().len()), (&json!(2), 1));
    let task = sandbox.task("PATCH", "/indexes/movies", json!({"primaryKey": "sku"})).await;
    assert_eq!(task["error"]["code"], "index_primary_key_already_exists");
}

#[tokio::test]
async fn generations_are_listed_and_forked() {
    let sandbox = Sandbox::start().await;
    sandbox.task("POST", "/indexes", json!({"uid": "movies", "primaryKey": "id"})).await;
    assert_eq!(sandbox.get("/indexes/movies/generations").await, json!({"results": []}));
    let index = sandbox.index("movies").await;
    let settings = Settings { distinct_attribute: Some("sku".to_owned()), ..Settings::default() };
    let manifest = Manifest {
        format: MANIFEST_FORMAT,
        generation: Generation(1),
        committed_seq: Some(Seq(0)),
        nonce: 1,
        created_at: Timestamp::now(),
        cause: Cause::Fold,
        files: Vec::new(),
        state: IndexState { documents: 7, ..IndexState::empty(settings.clone(), Some("id".to_owned())) },
        outcomes: vec![TaskOutcome {
            task: TaskUid(0),
            seq: Seq(0),
            kind: TaskKind::DocumentAdditionOrUpdate,
            result: TaskResult::Succeeded,
            details: TaskDetails::new(),
            enqueued_at: Timestamp::now(),
            started_at: Timestamp::now(),
        }],
    };
    let bucket = sandbox.bucket(&index);
    bucket.begin_publish("w", Duration::from_mins(1)).await.unwrap().commit(&manifest).await.unwrap();
    let list = sandbox.get("/indexes/movies/generations").await;
    assert_eq!((&list["results"][0]["generation"], &list["results"][0]["documents"]), (&json!(1), &json!(7)));
    assert_eq!((&list["results"][0]["current"], &list["results"][0]["cause"]), (&json!(false), &json!({"kind": "fold"})));

    let whole = sandbox.get("/indexes/movies/generations/1").await;
    assert_eq!((&whole["settings"]["distinctAttribute"], &whole["primaryKey"]), (&json!("sku"), &json!("id")));
    assert_eq!((&whole["batchUid"], &whole["tasks"][0]["status"]), (&json!(0), &json!("succeeded")), "{whole}");
    sandbox.refused("GET", "/indexes/movies/generations/9", json!({}), Code::GenerationNotFound, "Generation 9").await;
    sandbox.refused("GET", "/indexes/movies/generations/x", json!({}), Code::InvalidGeneration, "`x`").await;

    let fork = "/indexes/movies/generations/1/fork";
    sandbox.refused("POST", fork, json!({"uid": "movies"}), Code::IndexAlreadyExists, "`movies`").await;
    sandbox.refused("POST", fork, json!({}), Code::MissingIndexUid, "uid").await;
    sandbox.refused("POST", "/indexes/movies/generations/9/fork", json!({"uid": "b"}), Code::GenerationNotFound, "Generation 9").await;
    let (status, answer) = sandbox.send("POST", fork, json!({"uid": "copy"})).await;
    assert_eq!((status, &answer["type"]), (StatusCode::ACCEPTED, &json!("indexFork")));
    let path = format!("/tasks/{}", answer["taskUid"]);
    let task = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let task = sandbox.get(&path).await;
            if !["enqueued", "processing"].contains(&task["status"].as_str().unwrap()) {
                return task;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a fork ends");
    assert_eq!((&task["status"], &task["details"]["source"]), (&json!("succeeded"), &json!("movies")), "{task}");
    let copy = sandbox.index("copy").await;
    assert_eq!((copy.published.unwrap().documents, copy.primary_key.as_deref(), copy.settings), (7, Some("id"), settings));

    // What the plan has no room for is refused before anything is copied, and leaves no task.
    let large = Manifest { generation: Generation(2), state: IndexState { documents: 100_000, ..manifest.state.clone() }, ..manifest };
    bucket.begin_publish("w", Duration::from_mins(1)).await.unwrap().commit(&large).await.unwrap();
    sandbox.deps.metadata.tenants.set_plan(sandbox.caller.tenant, Some("free")).await.unwrap();
    let tasks = sandbox.get("/tasks").await["total"].clone();
    let fork_large = "/indexes/movies/generations/2/fork";
    sandbox.refused("POST", fork_large, json!({"uid": "third"}), Code::QuotaExceeded, "documents").await;
    assert_eq!(sandbox.get("/tasks").await["total"], tasks);
    sandbox.task("POST", "/indexes", json!({"uid": "third"})).await;
    sandbox.refused("POST", fork, json!({"uid": "fourth"}), Code::QuotaExceeded, "indexes").await;
}

#[tokio::test]
async fn the_version_is_one_that_clients_know() {
    let version = Sandbox::start().await.get("/version").await;
    assert!(version["pkgVersion"].as_str().unwrap().starts_with("1."));
    assert!(version["commitSha"].is_string() && version["commitDate"].is_string() && version["onggi"].is_string());
}
