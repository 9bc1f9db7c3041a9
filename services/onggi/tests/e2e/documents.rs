//! Documents and tasks as a backend uses them.

use serde_json::json;

use crate::{documents, onggi};

#[tokio::test]
async fn an_accepted_document_is_found_when_its_task_succeeded() {
    let onggi = onggi().await;
    let api = onggi.api();
    for id in 0..20 {
        api.done("POST", "/indexes/jars/documents", &json!([{"id": id, "title": format!("jar{id}")}])).await;
        let found = api.ok("POST", "/indexes/jars/search", Some(&json!({"q": format!("jar{id}")}))).await;
        assert_eq!(found["hits"][0]["id"], id, "read your writes");
    }
}

#[tokio::test]
async fn tasks_are_listed_filtered_canceled_and_deleted() {
    let onggi = onggi().await;
    let api = onggi.api();
    api.done("POST", "/indexes/jars/documents", &documents(0, 3)).await;
    api.done("DELETE", "/indexes/jars/documents/1", &json!(null)).await;
    let failed = api.ok("DELETE", "/indexes/absent-index", None).await;
    let all = api.get("/tasks?statuses=succeeded").await;
    assert_eq!(all["total"], 2);
    assert_eq!(all["results"][0]["type"], "documentDeletion", "newest first");
    assert_eq!(all["results"][0]["details"]["deletedDocuments"], 1);
    assert_eq!(all["results"][1]["details"]["indexedDocuments"], 3);
    drop(failed);
    let canceled = api.done("POST", "/tasks/cancel?uids=0", &json!(null)).await;
    assert_eq!(canceled["details"]["canceledTasks"], 0, "what is done cannot be canceled");
    let deleted = api.ok("DELETE", "/tasks?uids=0", None).await;
    let deleted = api.finished(&deleted).await;
    assert_eq!(deleted["details"]["deletedTasks"], 1);
    assert_eq!(api.call("GET", "/tasks/0", None).await.code(), "task_not_found");
}

#[tokio::test]
async fn documents_come_back_as_they_came_in_the_order_in_which_they_came() {
    let onggi = onggi().await;
    let api = onggi.api();
    let sent = json!([
        {"z": 1, "id": "b", "nested": {"deep": [1, 2.50, null, {"x": "ㅅ"}]}, "big": 12_345_678_901_234_567_890_u64},
        {"id": "a", "text": "tab\tand \"quotes\"", "empty": ""},
    ]);
    api.done("POST", "/indexes/jars/documents", &sent).await;
    assert_eq!(api.get("/indexes/jars/documents").await["results"], sent);
    let answer = api.call("GET", "/indexes/jars/documents/b", None).await;
    assert!(String::from_utf8_lossy(&answer.bytes).starts_with("{\"z\":1,\"id\":\"b\""), "field order is kept");
}

#[tokio::test]
async fn uploads_in_every_format_and_encoding_give_the_same_documents() {
    let onggi = onggi().await;
    let api = onggi.api();
    let ndjson = "{\"id\":1,\"name\":\"one\"}\n{\"id\":2,\"name\":\"two\"}\n";
    let gzip = {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(ndjson.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let uploads: [(&str, &str, Vec<u8>); 5] = [
        ("application/json", "", br#"[{"id":1,"name":"one"},{"id":2,"name":"two"}]"#.to_vec()),
        ("application/x-ndjson", "", ndjson.into()),
        ("application/x-ndjson", "gzip", gzip),
        ("application/x-ndjson", "zstd", zstd::encode_all(ndjson.as_bytes(), 1).unwrap()),
        ("text/csv", "", b"id:number,name\n1,one\n2,two\n".to_vec()),
    ];
    for (number, (content_type, encoding, body)) in uploads.into_iter().enumerate() {
        let mut request = api
            .request(reqwest::Method::POST, &format!("/indexes/format-{number}/documents"))
            .header("content-type", content_type)
            .body(body);
        if !encoding.is_empty() {
            request = request.header("content-encoding", encoding);
        }
        let answer = api.send(request).await.unwrap();
        assert_eq!(answer.status, 202, "{content_type} {encoding}: {}", String::from_utf8_lossy(&answer.bytes));
        api.finished(&answer.json()).await;
        let page = api.get(&format!("/indexes/format-{number}/documents")).await;
        assert_eq!(page["results"], json!([{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]), "{content_type} {encoding}");
    }
}
