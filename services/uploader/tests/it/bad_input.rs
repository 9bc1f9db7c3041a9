//! Whatever is wrong with a request is refused with the code, the status and the place; nothing is written.

use bytesize::ByteSize;
use onggi_domain::{Code, Seq, limits::Limits};
use serde_json::Value;

use crate::sandbox::Sandbox;

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";

/// Method, path, content type, body, code, part of the message. The index `pets` exists with the primary key `id`.
type Case = (&'static str, &'static str, &'static str, Vec<u8>, Code, &'static str);

fn documents() -> Vec<Case> {
    let case = |path, content_type, body: &[u8], code, place| ("POST", path, content_type, body.to_vec(), code, place);
    let pets = |content_type, body: &'static [u8], code, place| case("/indexes/pets/documents", content_type, body, code, place);
    let fresh = |body: &'static [u8], code, place| case("/indexes/fresh/documents", JSON, body, code, place);
    let nested = |body: &'static [u8], code, place| case("/indexes/fresh/documents?primaryKey=o.id", JSON, body, code, place);
    let long_id = format!(r#"[{{"id":"{}"}}]"#, "x".repeat(512));
    let large = format!(r#"[{{"id":1}},{{"id":2,"a":"{}"}}]"#, "x".repeat(5000));
    let deep = format!(r#"[{{"id":1,"a":{}1{}}}]"#, "[".repeat(40), "]".repeat(40));
    let fields: Vec<String> = (0..60).map(|n| format!("\"f{n}\":0")).collect();
    let wide = format!(r#"[{{"id":1,{}}}]"#, fields.join(","));
    let bomb = format!(r#"[{{"id":1}}{}]"#, " ".repeat(200_000));
    vec![
        pets("", b"{}", Code::MissingContentType, "`application/x-ndjson`"),
        pets("text/plain", b"{}", Code::InvalidContentType, "`text/plain`"),
        case("/indexes/pets/documents?csvDelimiter=%7C", JSON, b"{}", Code::InvalidContentType, "csv delimiter"),
        case("/indexes/pets/documents?csvDelimiter=ab", CSV, b"id\n1", Code::InvalidDocumentCsvDelimiter, "2 characters: `ab`"),
        case("/indexes/pets/documents?csvDelimiter=", CSV, b"id\n1", Code::InvalidDocumentCsvDelimiter, "an empty string"),
        case("/indexes/pets/documents?primarykey=id", JSON, b"{}", Code::BadRequest, "did you mean `primaryKey`?"),
        case("/indexes/pets/documents?primaryKey=sku", JSON, b"{}", Code::IndexPrimaryKeyAlreadyExists, "`id`"),
        case("/indexes/no%20name/documents", JSON, b"{}", Code::InvalidIndexUid, "`no name`"),
        pets(JSON, b"", Code::MissingPayload, "A json payload is missing."),
        pets(JSON, b" \n ", Code::MissingPayload, "A json payload is missing."),
        pets(NDJSON, b"", Code::MissingPayload, "A ndjson payload is missing."),
        pets(CSV, b"", Code::MissingPayload, "A csv payload is missing."),
        pets(JSON, b"[{\"id\":1},\n {\"id\":}]", Code::MalformedPayload, "line 2 column 8"),
        pets(JSON, b"[{\"id\":1}", Code::MalformedPayload, "EOF while parsing a list at line 1 column 10"),
        pets(JSON, b"[{\"id\":1", Code::MalformedPayload, "EOF while parsing an object"),
        pets(JSON, b"[{\"id\":1},]", Code::MalformedPayload, "trailing comma"),
        pets(JSON, b"[{\"id\":1} {\"id\":2}]", Code::MalformedPayload, "expected `,` or `]`"),
        pets(JSON, b"{\"id\":1} x", Code::MalformedPayload, "trailing characters at line 1 column 10"),
        pets(JSON, b"[{\"id\":1},[]]", Code::MalformedPayload, "document 2 is an array"),
        pets(JSON, b"\"text\"", Code::MalformedPayload, "document 1 is a string"),
        pets(NDJSON, b"{\"id\":1}\nnull", Code::MalformedPayload, "document 2 is null at line 2 column 1"),
        pets(JSON, b"[{\"id\":1,\"a\":\"\xff\"}]", Code::MalformedPayload, "invalid UTF-8 in document 1 at line 1 column 15"),
        pets(JSON, deep.leak().as_bytes(), Code::MalformedPayload, "document 1 is nested more than 32 levels deep"),
        pets(
            JSON,
            b"[{\"id\":1},{\"name\":\"b\"}]",
            Code::MissingDocumentId,
            "Document 2 (line 1 column 11) doesn't have a `id` attribute",
        ),
        pets(JSON, b"[{\"id\":\"a b\"}]", Code::InvalidDocumentId, "`\"a b\"`"),
        pets(JSON, b"[{\"id\":1.5}]", Code::InvalidDocumentId, "Document 1 (line 1 column 2)"),
        pets(JSON, b"[{\"id\":-0}]", Code::InvalidDocumentId, "`-0`"),
        pets(JSON, b"[{\"id\":null}]", Code::InvalidDocumentId, "`null`"),
        pets(JSON, b"[{\"id\":\"\"}]", Code::InvalidDocumentId, "integer or string"),
        pets(JSON, b"[{\"id\":1,\"id\":2}]", Code::InvalidDocumentId, "more than once"),
        nested(b"[{\"o\":{\"id\":1.5}}]", Code::InvalidDocumentId, "`1.5` in `o.id`"),
        nested(b"[{\"o\":{\"id\":1},\"o.id\":1}]", Code::InvalidDocumentId, "more than once"),
        nested(b"[{\"o\":[{\"id\":1}]}]", Code::MissingDocumentId, "doesn't have a `o.id` attribute"),
        nested(b"[{\"o\":{\"id\":1,\"a\":\"\\ud800\"}}]", Code::MalformedPayload, "hex escape"),
        pets(JSON, long_id.leak().as_bytes(), Code::InvalidDocumentId, "511 bytes"),
        pets(JSON, large.leak().as_bytes(), Code::PayloadTooLarge, "Document 2 (line 1) is larger"),
        pets(JSON, wide.leak().as_bytes(), Code::MaxFieldsLimitExceeded, "Document 1 (line 1 column 2) has 61 attributes"),
        pets(JSON, bomb.leak().as_bytes(), Code::PayloadTooLarge, "100000 B"),
        fresh(b"[{\"name\":1}]", Code::IndexPrimaryKeyNoCandidateFound, "did not find any field ending with `id`"),
        fresh(
            b"[{\"petId\":1,\"ID\":2}]",
            Code::IndexPrimaryKeyMultipleCandidatesFound,
            "found 2 fields ending with `id` in their names: 'petId' and 'ID'",
        ),
        pets(CSV, b"id,a\n1,2,3", Code::MalformedPayload, "3 fields, but the header has 2 in record 1 at line 2"),
        pets(CSV, b"id,a:number\n1,2\n2,x", Code::MalformedPayload, "error parsing number \"x\""),
        pets(CSV, b"id,a:boolean\n1,yes", Code::MalformedPayload, "error parsing boolean \"yes\""),
        pets(CSV, b"id,a,a\n1,2,3", Code::MalformedPayload, "column `a` more than once"),
        pets(CSV, b"id\n1\n\xff\xfe", Code::MalformedPayload, "invalid UTF-8 in field 1 in record 2 at line 3"),
    ]
}

fn writes() -> Vec<Case> {
    let case = |method, path, body: &str, code, place| (method, path, JSON, body.as_bytes().to_vec(), code, place);
    vec![
        case("POST", "/indexes/pets/documents/delete-batch", "{}", Code::BadRequest, "expected a sequence"),
        case("POST", "/indexes/pets/documents/delete-batch", r#"{"a":"#, Code::MalformedPayload, "EOF while parsing"),
        case("POST", "/indexes/pets/documents/delete", "[{", Code::MalformedPayload, "EOF while parsing"),
        case("PATCH", "/indexes/pets/settings", r#"{"stopWords":3,"#, Code::MalformedPayload, "EOF while parsing"),
        case("POST", "/indexes/pets/documents/delete-batch", "[1,true]", Code::InvalidDocumentIds, "`[1]`"),
        case("POST", "/indexes/pets/documents/delete-batch", "", Code::MissingPayload, "missing"),
        case("POST", "/indexes/pets/documents/delete", "{}", Code::MissingDocumentFilter, "Missing field `filter`"),
        case("POST", "/indexes/pets/documents/delete", r#"{"filter":""}"#, Code::InvalidDocumentFilter, "empty filter"),
        case("POST", "/indexes/pets/documents/delete", r#"{"filter":3}"#, Code::InvalidDocumentFilter, "found: 3"),
        case("POST", "/indexes/pets/documents/delete", r#"{"filter":"age >"}"#, Code::InvalidDocumentFilter, "\n6:6 age >"),
        case("POST", "/indexes/pets/documents/delete", r#"{"filter":["a = 1", "AND"]}"#, Code::InvalidDocumentFilter, "reserved keyword"),
        case("POST", "/indexes/pets/documents/delete", r#"{"filtre":"a"}"#, Code::BadRequest, "did you mean `filter`?"),
        case("PATCH", "/indexes/pets/settings", r#"{"stopWrds":[]}"#, Code::BadRequest, "did you mean `stopWords`?"),
        case("PATCH", "/indexes/pets/settings", r#"{"stopWords":"the"}"#, Code::InvalidSettingsStopWords, "`.stopWords`"),
        case("PATCH", "/indexes/pets/settings", r#"{"rankingRules":["word"]}"#, Code::InvalidSettingsRankingRules, "`word`"),
        case(
            "PATCH",
            "/indexes/pets/settings",
            r#"{"pagination":{"maxTotalHits":"x"}}"#,
            Code::InvalidSettingsPagination,
            "`.pagination.maxTotalHits`",
        ),
        case("PATCH", "/indexes/pets/settings", r#"{"embedders":{"a":{}}}"#, Code::FeatureNotEnabled, "`embedders`"),
        case("PATCH", "/indexes/pets/settings/embedders", r#"{"a":{}}"#, Code::FeatureNotEnabled, "`embedders`"),
        case("PUT", "/indexes/pets/settings/chat", r#"{"description":"a"}"#, Code::FeatureNotEnabled, "`chat`"),
        case("PATCH", "/indexes/pets/settings/vector-store", r#""experimental""#, Code::FeatureNotEnabled, "`vectorStore`"),
        case("PUT", "/indexes/pets/settings/foreign-keys", "[{}]", Code::FeatureNotEnabled, "`foreignKeys`"),
        case("PATCH", "/indexes/pets/settings/stop-words", "[]", Code::MethodNotAllowed, "with PUT"),
        case("PUT", "/indexes/pets/settings/faceting", "{}", Code::MethodNotAllowed, "with PATCH"),
        case("PATCH", "/indexes/pets/settings", "{\n\"a", Code::MalformedPayload, "line 2"),
        case(
            "PATCH",
            "/indexes/pets/settings/typo-tolerance",
            r#"{"minWordSizeForTypos":{"oneTypo":10,"twoTypos":9}}"#,
            Code::InvalidSettingsTypoTolerance,
            "`oneTypo: 10`",
        ),
        case("PUT", "/indexes/pets/settings/search-cutoff-ms", "0", Code::InvalidSettingsSearchCutoffMs, "zero"),
        case("PUT", "/indexes/pets/settings/no-such", "0", Code::NotFound, "`no-such`"),
        case("POST", "/indexes/pets/generations/7/rollback", "", Code::GenerationNotFound, "Generation 7 of index `pets`"),
        case("POST", "/indexes/pets/generations/x/rollback", "", Code::InvalidGeneration, "`x`"),
        case("POST", "/indexes/fresh/generations/1/rollback", "", Code::IndexNotFound, "`fresh`"),
        case("POST", "/tasks/cancel", "", Code::MissingTaskFilters, "`indexUids`"),
        case("DELETE", "/indexes/pets/documents?customMetadat=a", "", Code::BadRequest, "did you mean `customMetadata`?"),
        case("POST", "/tasks/cancel?batchUids=dog", "", Code::InvalidBatchUids, "`dog`"),
        case("POST", "/tasks/cancel?uids=dog", "", Code::InvalidTaskUids, "`dog`"),
        case("POST", "/tasks/cancel?limit=1", "", Code::BadRequest, "`limit`"),
        case("POST", "/nothing", "", Code::NotFound, "no such route"),
        case("GET", "/indexes/pets/documents", "", Code::MethodNotAllowed, "method"),
    ]
}

#[tokio::test]
async fn bad_input_is_refused_with_code_status_and_place_and_nothing_is_written() {
    let limits =
        Limits { upload_bytes: ByteSize::b(100_000), document_bytes: ByteSize::kib(4), nesting: 32, fields: 50, ..Limits::default() };
    let sandbox = Sandbox::with(limits, onggi_domain::container::SizeTable::default()).await;
    let caller = &sandbox.caller;
    sandbox.json("POST", "/indexes/pets/documents", &serde_json::json!([{"id": 0}])).await;
    for (method, path, content_type, body, code, place) in documents().into_iter().chain(writes()) {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let headers: &[(&str, &str)] = if content_type.is_empty() { &[] } else { &[("content-type", content_type)] };
        let (status, error) = sandbox.send(caller, method, path, headers, body).await;
        assert_eq!(error["code"], Value::from(code.as_str()), "{method} {path} {shown}: {error}");
        assert_eq!(status.as_u16(), code.status(), "{method} {path} {shown}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(place), "{method} {path} {shown}: {message}");
        assert_eq!(error["type"], code.error_type().as_str());
        assert!(error["link"].as_str().unwrap().ends_with(code.as_str()));
    }
    let index = sandbox.index("pets").await;
    assert_eq!(sandbox.bucket(&index).head(None).await.unwrap(), Some(Seq(0)), "nothing after the first upload was written");
    let fresh = sandbox.deps.metadata.indexes.get(caller.tenant, &"fresh".parse().unwrap()).await;
    assert!(matches!(fresh, Err(onggi_metadata::Error::NotFound(_))), "no index was created");
}

#[tokio::test]
async fn uploads_that_find_no_room_are_refused_until_there_is_some() {
    let limits = Limits { uploading_bytes: ByteSize::b(1000), ..Limits::default() };
    let sandbox = Sandbox::with(limits, onggi_domain::container::SizeTable::default()).await;
    let headers = [("content-type", JSON)];
    for (bytes, code) in [(600, 503), (400, 202), (400, 202)] {
        let body = format!("[{{\"id\":1,\"text\":\"{}\"}}]", "x".repeat(bytes - 22)).into_bytes();
        let (status, answer) = sandbox.send(&sandbox.caller, "POST", "/indexes/pets/documents", &headers, body).await;
        assert_eq!(status.as_u16(), code, "{answer}");
    }
}

#[tokio::test]
async fn bad_encodings_and_bombs_are_refused() {
    let limits = Limits { decompression_ratio: 10, ..Limits::default() };
    let sandbox = Sandbox::with(limits, onggi_domain::container::SizeTable::default()).await;
    let bomb = zstd::encode_all(&vec![b' '; 8 << 20][..], 3).unwrap();
    for (encoding, body, code, place) in [
        ("zstd", bomb, Code::PayloadTooLarge, "10 times"),
        ("gzip", b"not gzip".to_vec(), Code::BadRequest, "incomplete"),
        ("br", vec![0x8b; 40], Code::BadRequest, "incomplete"),
        ("gzip, br", b"{}".to_vec(), Code::UnsupportedMediaType, "`gzip, br`"),
    ] {
        let headers = [("content-type", JSON), ("content-encoding", encoding)];
        let (status, error) = sandbox.send(&sandbox.caller, "POST", "/indexes/pets/documents", &headers, body).await;
        assert_eq!((status.as_u16(), &error["code"]), (code.status(), &Value::from(code.as_str())), "{encoding}: {error}");
        assert!(error["message"].as_str().unwrap().contains(place), "{error}");
    }
}

#[tokio::test]
async fn who_does_not_show_the_internal_secret_is_refused() {
    use tower::ServiceExt;
    let sandbox = Sandbox::start().await;
    let identity = onggi_web::identity::header(&sandbox.caller);
    let request = http::Request::builder()
        .method("DELETE")
        .uri("/indexes/pets/documents")
        .header(onggi_web::identity::IDENTITY, identity)
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(sandbox.router.clone().oneshot(request).await.unwrap().status(), http::StatusCode::FORBIDDEN);
}
