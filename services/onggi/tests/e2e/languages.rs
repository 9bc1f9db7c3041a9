//! Korean as an app's users meet it, and the analysis as an editor of the dictionary does.

use serde_json::json;

use crate::onggi;

#[tokio::test]
async fn a_draft_dictionary_is_tried_and_then_lives_with_the_next_generation() {
    let onggi = onggi().await;
    let api = onggi.api();
    let documents =
        json!([{"id": 1, "title": "새로 나온 옹기검색을 씁니다"}, {"id": 2, "title": "자유 소프트웨어"}, {"id": 3, "title": "안녕 세계"}]);
    api.done("POST", "/indexes/jars/documents", &documents).await;
    let entry = "옹기검색=옹기+검색";
    let draft = api
        .ok(
            "POST",
            "/indexes/jars/analyze",
            Some(&json!({"text": "옹기검색을", "attribute": "title", "locales": ["ko"], "dictionary": [entry]})),
        )
        .await;
    assert_eq!(draft["draft"]["tokens"][0]["form"], "옹기검색");
    assert_eq!(draft["changes"]["reindexes"], true);
    api.done("PUT", "/indexes/jars/settings/dictionary", &json!([entry])).await;
    assert_eq!(api.get("/indexes/jars/settings/dictionary").await, json!([entry]));
    let live = api.ok("POST", "/indexes/jars/analyze", Some(&json!({"text": "옹기검색을"}))).await;
    assert_eq!(live["tokens"], draft["draft"]["tokens"]);
    for (q, id) in [("옹기검색", 1), ("ㅅㅍㅌ", 2), ("소ㅍ", 2), ("dkssud", 3)] {
        let answer = api.ok("POST", "/indexes/jars/search", Some(&json!({"q": q}))).await;
        assert_eq!(answer["hits"][0]["id"], id, "{q}");
    }
}

#[tokio::test]
async fn wrong_analyses_dictionaries_and_locales_are_refused_with_their_codes() {
    let onggi = onggi().await;
    let api = onggi.api();
    api.done("POST", "/indexes/jars/documents", &json!([{"id": 1}])).await;
    let localized = json!({"localizedAttributes": [{"attributePatterns": ["*"], "locales": ["kr"]}]});
    for (method, path, body, code) in [
        ("POST", "/indexes/jars/analyze", json!({}), "missing_analyze_text"),
        ("POST", "/indexes/jars/analyze", json!({"text": "x".repeat(30_000)}), "invalid_analyze_text"),
        ("POST", "/indexes/jars/analyze", json!({"text": "x", "attribute": 1}), "invalid_analyze_attribute"),
        ("POST", "/indexes/jars/analyze", json!({"text": "x", "locales": ["kr"]}), "invalid_search_locales"),
        ("POST", "/indexes/jars/search", json!({"q": "x", "locales": ["kr"]}), "invalid_search_locales"),
        ("PATCH", "/indexes/jars/settings", localized, "invalid_settings_localized_attributes"),
        ("PATCH", "/indexes/jars/settings", json!({"dictionary": ["옹기=옹+가"]}), "invalid_settings_dictionary"),
    ] {
        let answer = api.call(method, path, Some(&body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{method} {path} {}", String::from_utf8_lossy(&answer.bytes));
    }
}
