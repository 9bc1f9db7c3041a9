//! What is wrong gets a clear error with its code, and nothing else is affected.

use serde_json::{Value, json};

use crate::{documents, onggi};

/// Method, path, content type, body, then the status, the code and a part of the message that is wanted.
type Case = (&'static str, &'static str, &'static str, Vec<u8>, u16, &'static str, &'static str);

fn case(method: &'static str, path: &'static str, body: impl Into<Vec<u8>>, status: u16, code: &'static str, says: &'static str) -> Case {
    (method, path, "application/json", body.into(), status, code, says)
}

fn cases() -> Vec<Case> {
    let nested = format!("[{{\"id\":1,\"a\":{}1{}}}]", "[".repeat(200), "]".repeat(200));
    let mut bad_utf8 = b"[{\"id\":1,\"a\":\"".to_vec();
    bad_utf8.extend([0xff, 0xfe]);
    bad_utf8.extend(b"\"}]");
    vec![
        case("POST", "/indexes/jars/documents", "[{\"id\":1},\n{\"id\":}]", 400, "malformed_payload", "line 2"),
        case("POST", "/indexes/jars/documents", "", 400, "missing_payload", ""),
        case("POST", "/indexes/jars/documents", "[1]", 400, "malformed_payload", ""),
        case("POST", "/indexes/jars/documents", bad_utf8, 400, "malformed_payload", ""),
        case("POST", "/indexes/jars/documents", nested, 400, "malformed_payload", "nest"),
        case("POST", "/indexes/jars/documents", "[{\"id\":1},{\"title\":\"no id\"}]", 400, "missing_document_id", "id"),
        case("POST", "/indexes/jars/documents", "[{\"id\":\"a b\"}]", 400, "invalid_document_id", "a b"),
        case("POST", "/indexes/jars/documents", format!("[{{\"id\":\"{}\"}}]", "x".repeat(512)), 400, "invalid_document_id", "511"),
        case("POST", "/indexes/jars/documents?primaryKey=sku", "[{\"sku\":1}]", 400, "index_primary_key_already_exists", "id"),
        case("POST", "/indexes/new/documents", "[{\"name\":1}]", 400, "index_primary_key_no_candidate_found", ""),
        case("POST", "/indexes/new/documents", "[{\"a_id\":1,\"b_id\":2}]", 400, "index_primary_key_multiple_candidates_found", "a_id"),
        ("POST", "/indexes/jars/documents", "text/plain", b"x".to_vec(), 415, "invalid_content_type", "text/plain"),
        ("POST", "/indexes/jars/documents", "text/csv", b"id,price:number\n1,cheap\n".to_vec(), 400, "malformed_payload", "cheap"),
        case("POST", "/indexes/jars/documents/delete", "{}", 400, "missing_document_filter", ""),
        case("POST", "/indexes/a%20b/documents", "[{\"id\":1}]", 400, "invalid_index_uid", "a b"),
        case("POST", "/indexes", "{\"uid\":\"x y\"}", 400, "invalid_index_uid", "x y"),
        case("POST", "/indexes", "{}", 400, "missing_index_uid", "uid"),
        case("POST", "/indexes/jars/search", "{\"q\": 1}", 400, "invalid_search_q", ".q"),
        case("POST", "/indexes/jars/search", "{\"limit\": -1}", 400, "invalid_search_limit", ".limit"),
        case("POST", "/indexes/jars/search", "{\"lmit\": 1}", 400, "bad_request", "lmit"),
        case("POST", "/indexes/jars/search", "{\"q\": \"x\"", 400, "malformed_payload", "line 1"),
        case("POST", "/indexes/jars/search", "{\"filter\": \"group = 1\"}", 400, "invalid_search_filter", "group"),
        case("POST", "/indexes/jars/search", "{\"filter\": \"a = \"}", 400, "invalid_search_filter", ""),
        case("POST", "/indexes/jars/search", "{\"sort\": [\"title:asc\"]}", 400, "invalid_search_sort", "title"),
        case("POST", "/indexes/jars/search", "{\"facets\": [\"group\"]}", 400, "invalid_search_facets", "group"),
        case("PATCH", "/indexes/jars/settings", "{\"rankingRules\": [\"best\"]}", 400, "invalid_settings_ranking_rules", "best"),
        case("PATCH", "/indexes/jars/settings", "{\"stopWords\": 1}", 400, "invalid_settings_stop_words", "stopWords"),
        case("PATCH", "/indexes/jars/settings", "{\"stopWord\": []}", 400, "bad_request", "stopWord"),
        case("PATCH", "/indexes/jars/containers", "{\"replicas\": 1000}", 400, "invalid_containers", "64"),
        case("PATCH", "/indexes/jars/containers", "{\"size\": \"huge\"}", 400, "invalid_containers", "small"),
        case("POST", "/keys", "{\"indexes\":[\"*\"],\"expiresAt\":null}", 400, "missing_api_key_actions", "actions"),
        case("POST", "/keys", "{\"actions\":[\"fly\"],\"indexes\":[\"*\"],\"expiresAt\":null}", 400, "invalid_api_key_actions", "fly"),
        case("GET", "/tasks?statuses=lost", "", 400, "invalid_task_statuses", "lost"),
        case("GET", "/tasks/x", "", 400, "invalid_task_uids", "x"),
        case("GET", "/indexes/absent/documents", "", 404, "index_not_found", "absent"),
        case("GET", "/indexes/jars/documents/404", "", 404, "document_not_found", "404"),
        case("GET", "/no-such-page", "", 404, "not_found", ""),
        case("DELETE", "/health", "", 405, "method_not_allowed", ""),
    ]
}

#[tokio::test]
async fn bad_input_gets_a_clear_error_and_changes_nothing() {
    let onggi = onggi().await;
    let api = onggi.api();
    api.done("POST", "/indexes/jars/documents", &documents(0, 3)).await;
    let mut wrong = Vec::new();
    for (method, path, content_type, body, status, code, says) in cases() {
        let mut request = api.request(method.parse().unwrap(), path);
        if method != "GET" {
            request = request.header("content-type", content_type).body(body.clone());
        }
        let answer = api.send(request).await.unwrap();
        let error = answer.json();
        let complete = ["message", "code", "type", "link"].iter().all(|field| error[field].is_string());
        let message = error["message"].as_str().unwrap_or_default();
        if answer.status != status || error["code"] != code || !complete || !message.contains(says) {
            let body = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            wrong.push(format!("{method} {path} {body}\n   wanted {status} {code} {says:?}, got {} {error}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(api.get("/indexes/jars/documents").await["results"], documents(0, 3));
    assert_eq!(api.get("/indexes").await["total"], 1, "no index came into being");
    assert_eq!(api.get("/tasks").await["total"], 1, "no task came into being");
}

#[tokio::test]
async fn keys_that_are_missing_wrong_or_expired_are_refused() {
    let onggi = onggi().await;
    let api = onggi.api();
    let answer = api.with_key("").call("GET", "/indexes", None).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "missing_authorization_header"));
    let answer = api.with_key("nonsense").call("GET", "/indexes", None).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "invalid_api_key"));
    let soon = jiff::Timestamp::now() + std::time::Duration::from_secs(1);
    let key = api.ok("POST", "/keys", Some(&json!({"actions": ["*"], "indexes": ["*"], "expiresAt": soon.to_string()}))).await;
    let holder = api.with_key(key["key"].as_str().unwrap());
    let begin = std::time::Instant::now();
    while holder.call("GET", "/indexes", None).await.status == 200 {
        assert!(begin.elapsed().as_secs() < 10, "an expired key is still good");
    }
    assert_eq!(holder.call("GET", "/indexes", None).await.code(), "invalid_api_key");
}

#[tokio::test]
async fn a_decompression_bomb_and_a_body_over_the_limit_are_refused() {
    let onggi = onggi().await;
    let api = onggi.api();
    let bomb = zstd::stream::encode_all(std::io::Read::take(std::io::repeat(b' '), 1 << 30), 1).unwrap();
    let request = api
        .request(reqwest::Method::POST, "/indexes/jars/documents")
        .header("content-type", "application/json")
        .header("content-encoding", "zstd")
        .body(bomb);
    let answer = api.send(request).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"), "{answer:?}");
    let large = vec![b' '; 11 << 20];
    let request = api.request(reqwest::Method::POST, "/indexes/jars/search").header("content-type", "application/json").body(large);
    // The server may close the connection as soon as it knows, while the body is still being sent.
    if let Ok(answer) = api.send(request).await {
        assert_ne!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(api.get("/health").await["status"], "available");
}

#[tokio::test]
async fn one_bad_document_refuses_the_batch_and_names_it() {
    let onggi = onggi().await;
    let api = onggi.api();
    let mut batch = documents(0, 50);
    batch[30] = json!({"id": {"no": "object"}, "title": "bad"});
    let answer = api.call("POST", "/indexes/jars/documents", Some(&batch)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_document_id"));
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("31"), "the 31st document is named: {message}");
    let absent: Value = api.get("/indexes").await;
    assert_eq!(absent["total"], 0);
}
