//! Documents that are accepted.

use std::io::Write;

use axum::body::Body;
use http::StatusCode;
use onggi_domain::{
    Code,
    container::{Size, SizeTable},
    key::{Action, IndexPattern},
    limits::Limits,
    log::{DocumentMethod, Operation, Payload},
};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

fn encode(encoding: &str, plain: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            brotli::CompressorWriter::new(&mut out, 4096, 4, 20).write_all(plain).unwrap();
            out
        }
        "zstd" => zstd::encode_all(plain, 3).unwrap(),
        _ => plain.to_vec(),
    }
}

#[tokio::test]
async fn every_format_in_every_encoding_gives_the_same_documents() {
    let sandbox = Sandbox::start().await;
    let expected = [json!({"id": 1, "name": "가\nb", "cute": true}), json!({"id": 2, "name": null, "cute": null})];
    let array = serde_json::to_string_pretty(&expected).unwrap();
    let lines = format!("{}\n\n{}", expected[0], expected[1]);
    let csv = "id:number|name|cute:boolean\n1|\"가\nb\"|true\n2||\n";
    let mut uploads = 0;
    for (content_type, query, body) in [
        ("application/json", "", array.as_str()),
        ("application/json; charset=utf-8", "?primaryKey=id", array.as_str()),
        ("application/x-ndjson", "", lines.as_str()),
        ("text/csv", "?csvDelimiter=%7C", csv),
    ] {
        for encoding in ["identity", "gzip", "deflate", "br", "zstd"] {
            let headers = [("content-type", content_type), ("content-encoding", encoding)];
            let path = format!("/indexes/pets/documents{query}");
            let (status, task) = sandbox.send(&sandbox.caller, "POST", &path, &headers, encode(encoding, body.as_bytes())).await;
            assert_eq!((status, &task["taskUid"]), (StatusCode::ACCEPTED, &json!(uploads)), "{content_type} {encoding}: {task}");
            assert_eq!((&task["type"], &task["status"]), (&json!("documentAdditionOrUpdate"), &json!("enqueued")));
            uploads += 1;
        }
    }
    let log = sandbox.log("pets").await;
    assert_eq!(log.len(), uploads);
    for record in log {
        assert_eq!(sandbox.documents("pets", &record).await, expected);
    }
}

#[tokio::test]
async fn a_single_object_is_a_document_and_put_updates() {
    let sandbox = Sandbox::start().await;
    assert_eq!(sandbox.json("PUT", "/indexes/pets/documents", &json!({"petId": "a-1"})).await.0, StatusCode::ACCEPTED);
    let log = sandbox.log("pets").await;
    let Operation::AddDocuments { method, primary_key, .. } = &log[0].operation else { panic!("{log:?}") };
    assert_eq!((*method, primary_key.as_str()), (DocumentMethod::Update, "petId"));
    assert_eq!(sandbox.index("pets").await.primary_key.as_deref(), Some("petId"));
}

#[tokio::test]
async fn a_primary_key_may_lead_into_objects() {
    let sandbox = Sandbox::start().await;
    let documents = [json!({"o": {"id": 1}}), json!({"o.id": "b", "o": {"name": "c"}}), json!({"o": null, "o.id": "d"})];
    let (status, answer) = sandbox.json("POST", "/indexes/pets/documents?primaryKey=o.id", &json!(documents)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(sandbox.index("pets").await.primary_key.as_deref(), Some("o.id"));
    let headers = [("content-type", "text/csv")];
    let (status, answer) = sandbox.send(&sandbox.caller, "PUT", "/indexes/pets/documents", &headers, "o.id,name\n1,c\n").await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let log = sandbox.log("pets").await;
    assert_eq!(sandbox.documents("pets", &log[0]).await, documents);
    assert_eq!(sandbox.documents("pets", &log[1]).await, [json!({"o.id": "1", "name": "c"})]);
}

#[tokio::test]
async fn the_task_is_noted_with_the_entry_that_carries_it() {
    let sandbox = Sandbox::start().await;
    let (_, answer) = sandbox.json("POST", "/indexes/pets/documents", &json!([{"id": 1}, {"id": 2}])).await;
    let index = sandbox.index("pets").await;
    let uid = serde_json::from_value(answer["taskUid"].clone()).unwrap();
    let task = sandbox.deps.metadata.tasks.get(index.tenant, uid).await.unwrap();
    assert_eq!(task.details["receivedDocuments"], 2);
    assert_eq!(task.seq, sandbox.bucket(&index).head(None).await.unwrap());
}

#[tokio::test]
async fn no_documents_are_accepted_without_a_log_entry() {
    let sandbox = Sandbox::start().await;
    let (status, answer) = sandbox.json("POST", "/indexes/pets/documents", &json!([])).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert!(sandbox.log("pets").await.is_empty());
    let (status, answer) = sandbox.json("POST", "/indexes/pets/documents", &json!([{"id": 1}])).await;
    assert_eq!((status, &answer["taskUid"]), (StatusCode::ACCEPTED, &json!(1)));
}

#[tokio::test]
async fn a_large_upload_has_an_object_of_its_own() {
    let sandbox = Sandbox::start().await;
    let random = |n: u64| format!("{:x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let documents: Vec<Value> = (0..60_000).map(|n| json!({"id": n, "a": random(n), "b": random(n + 77)})).collect();
    let (status, answer) = sandbox.json("POST", "/indexes/pets/documents", &Value::from(documents.clone())).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let log = sandbox.log("pets").await;
    assert!(matches!(&log[0].operation, Operation::AddDocuments { documents: Payload::Object { .. }, .. }));
    assert!(sandbox.documents("pets", &log[0]).await == documents, "what was uploaded is in the log");
}

#[tokio::test]
async fn an_index_is_created_only_by_who_may() {
    let sandbox = Sandbox::start().await;
    let adder = onggi_domain::auth::Identity { root: false, actions: vec![Action::DocumentsAdd], ..sandbox.caller.clone() };
    let headers = [("content-type", "application/json")];
    let (status, error) = sandbox.send(&adder, "POST", "/indexes/pets/documents", &headers, r#"{"id":1}"#).await;
    assert_eq!((status, &error["code"]), (StatusCode::NOT_FOUND, &json!("index_not_found")));
    let creator = onggi_domain::auth::Identity {
        actions: vec![Action::DocumentsAdd, Action::IndexesCreate],
        indexes: vec![IndexPattern::try_from("pe*".to_owned()).unwrap()],
        ..adder.clone()
    };
    assert_eq!(sandbox.send(&creator, "POST", "/indexes/pets/documents", &headers, r#"{"id":1}"#).await.0, StatusCode::ACCEPTED);
    assert_eq!(sandbox.send(&adder, "POST", "/indexes/pets/documents", &headers, r#"{"id":2}"#).await.0, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn more_documents_than_the_size_holds_are_refused_with_the_numbers() {
    let mut sizes = SizeTable::default();
    sizes.0[0] = Size { max_documents: 2, ..sizes.0[0].clone() };
    let sandbox = Sandbox::with(Limits::default(), sizes).await;
    let three = json!([{"id": 1}, {"id": 2}, {"id": 3}]);
    let (status, error) = sandbox.json("POST", "/indexes/pets/documents", &three).await;
    assert_eq!((status, &error["code"]), (StatusCode::FORBIDDEN, &json!(Code::QuotaExceeded)));
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("`small` holds at most 2") && message.contains("this upload has 3"), "{message}");
    assert!(sandbox.log("pets").await.is_empty());
}

#[tokio::test]
async fn a_body_that_ends_in_the_middle_writes_nothing() {
    let sandbox = Sandbox::start().await;
    let pieces = [Ok(bytes::Bytes::from_static(b"[{\"id\":1},")), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(futures::stream::iter(pieces));
    let (status, error) =
        sandbox.send(&sandbox.caller, "POST", "/indexes/pets/documents", &[("content-type", "application/json")], body).await;
    assert_eq!((status, &error["code"]), (StatusCode::BAD_REQUEST, &json!("bad_request")));
    let missing = sandbox.deps.metadata.indexes.get(sandbox.caller.tenant, &"pets".parse().unwrap()).await;
    assert!(matches!(missing, Err(onggi_metadata::Error::NotFound(_))));
}
