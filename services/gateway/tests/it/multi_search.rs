//! Several searches in one request: side by side, and as one list.

use axum::{Router, body::Body, extract::Request, response::IntoResponse, routing::any};
use bytesize::ByteSize;
use futures::future::join;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use onggi_domain::{container::WakePolicy, federation::FederatedRequest, key::Action, limits::Limits};
use serde_json::{Value, json};

use crate::bed::{Answer, Bed, Searcher, key, limits, request};

pub(crate) async fn multi_search(bed: &Bed, key: &str, body: &Value) -> Answer {
    bed.send(request(key, Method::POST, "/multi-search", Body::from(body.to_string()))).await
}

/// A searcher that has these (document, score) for each query, and one facet; `wrong` as a query is one that it refuses.
async fn searcher(name: &str, hits: &'static [(u64, f64)]) -> Searcher {
    let answer = async move |request: Request| {
        let (parts, body) = request.into_parts();
        assert_eq!(parts.uri.path(), "/federated-search");
        let filter = parts.headers.get("x-onggi-filter").map_or("", |filter| filter.to_str().unwrap()).to_owned();
        let asked: FederatedRequest = serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
        let uid = asked.index_uid.as_str();
        if let Some(query) = asked.queries.iter().find(|query| query.search.get().contains("wrong")) {
            let message = format!("Inside `.queries[{}]`: Invalid value", query.position);
            let error = json!({"message": message, "code": "invalid_search_q", "type": "invalid_request", "link": ""});
            return (StatusCode::BAD_REQUEST, error.to_string()).into_response();
        }
        let lists = asked.queries.iter().map(|query| {
            let hit = |(document, score): &(u64, f64)| {
                let hit = json!({"id": format!("{uid}-{document}"), "query": query.position, "filter": filter});
                json!({"document": document, "values": [score], "distinct": [document % 2], "hit": hit})
            };
            let hits: Vec<Value> = hits.iter().take(asked.limit).map(hit).collect();
            let kind = if query.search.get().contains("sort") { "ascending" } else { "relevancy" };
            json!({"position": query.position, "weight": query.weight, "rules": [kind], "hits": hits})
        });
        let facets = asked.facets.map(|names| {
            let distribution: serde_json::Map<String, Value> = names.iter().map(|name| (name.clone(), json!({"x": 1, "y": 2}))).collect();
            let order: serde_json::Map<String, Value> = names.iter().map(|name| (name.clone(), json!("alpha"))).collect();
            json!({"distribution": distribution, "stats": {"price": {"min": 1.0, "max": 2.0}}, "order": order})
        });
        let lists: Vec<Value> = lists.collect();
        json!({"lists": lists, "total": 10, "facets": facets, "primaryKey": "id", "degraded": false}).to_string().into_response()
    };
    Searcher::with(name, Router::new().fallback(any(answer))).await
}

/// A tenant with the indexes `jars` and `bowls`; returns its root key.
async fn shop(bed: &Bed) -> String {
    let (tenant, root) = bed.tenant("shop").await;
    let jars = searcher("jars", &[(1, 0.9), (2, 0.5), (3, 0.1)]).await;
    let bowls = searcher("bowls", &[(1, 0.6), (2, 0.2)]).await;
    bed.index(tenant, "jars", &[&jars]).await;
    bed.index(tenant, "bowls", &[&bowls]).await;
    root
}

fn ids(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_query_has_its_answer_from_its_index_in_order() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let (jars, bowls) = (Searcher::new("jars").await, Searcher::new("bowls").await);
    bed.index(tenant, "jars", &[&jars]).await;
    bed.index(tenant, "bowls", &[&bowls]).await;
    let queries = json!([{"indexUid": "jars", "q": "red", "limit": 3}, {"indexUid": "bowls", "filter": ["a = 1"]}, {"indexUid": "jars"}]);
    let answer = multi_search(&bed, &root, &json!({"queries": queries})).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let results = answer.json()["results"].clone();
    for (result, (uid, body)) in
        results.as_array().unwrap().iter().zip([("jars", r#"{"q":"red","limit":3}"#), ("bowls", r#"{"filter":["a = 1"]}"#), ("jars", "{}")])
    {
        assert_eq!((&result["indexUid"], &result["by"], &result["body"]), (&json!(uid), &json!(uid), &json!(body)));
        assert_eq!((&result["method"], &result["path"]), (&json!("POST"), &json!("/search")));
        assert_eq!(result["headers"]["x-onggi-index-uid"], uid);
        assert_eq!(result["headers"]["x-request-id"], answer.header("x-request-id"));
    }
    assert_eq!(results.as_array().unwrap().len(), 3);
    assert_eq!(multi_search(&bed, &root, &json!({"queries": []})).await.json(), json!({"results": []}));
}

#[tokio::test]
async fn an_error_names_the_first_query_that_has_one() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let refuse = async || {
        let error = json!({"message": "Invalid value", "code": "invalid_search_q", "type": "invalid_request", "link": ""});
        (StatusCode::BAD_REQUEST, error.to_string())
    };
    let (fine, strict) = (Searcher::new("a").await, Searcher::with("b", Router::new().fallback(any(refuse))).await);
    bed.index(tenant, "fine", &[&fine]).await;
    bed.index(tenant, "strict", &[&strict]).await;
    let outcome = async |uids: &[&str]| {
        let queries: Vec<Value> = uids.iter().map(|uid| json!({"indexUid": uid})).collect();
        let answer = multi_search(&bed, &root, &json!({"queries": queries})).await;
        (answer.outcome(), answer.json()["message"].as_str().unwrap_or_default().to_owned())
    };
    let refused = ((400, "invalid_search_q".to_owned()), "Inside `.queries[1]`: Invalid value".to_owned());
    assert_eq!(outcome(&["fine", "strict", "absent", "strict"]).await, refused);
    let absent = ((400, "index_not_found".to_owned()), "Inside `.queries[0]`: Index `absent` not found.".to_owned());
    assert_eq!(outcome(&["absent", "strict"]).await, absent);
    assert_eq!(multi_search(&bed, &root, &json!({"queries": [{}]})).await.outcome(), (400, "missing_index_uid".to_owned()));
    assert_eq!(bed.call(&root, Method::POST, "/multi-search").await.outcome(), (400, "missing_payload".to_owned()));
}

#[tokio::test]
async fn the_rights_of_the_key_and_the_rules_of_the_token_hold_for_each_query() {
    let bed = Bed::new().await;
    let (tenant, _) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    for uid in ["prod_jars", "prod_bowls", "dev_jars"] {
        bed.index(tenant, uid, &[&searcher]).await;
    }
    let stored = key(tenant, &[Action::Search], &["prod_*"]);
    let secret = bed.store(&stored).await;
    let ask = async |key: &str, uids: [&str; 2], federated: bool| {
        let queries = json!([{"indexUid": uids[0]}, {"indexUid": uids[1]}]);
        let federation = if federated { json!({}) } else { Value::Null };
        multi_search(&bed, key, &json!({"queries": queries, "federation": federation})).await
    };
    assert_eq!(ask(&secret, ["prod_jars", "prod_bowls"], false).await.status, 200);
    let rules = json!({"prod_jars": {"filter": "user = 1"}, "prod_bowls": {}});
    let claims = json!({"searchRules": rules, "apiKeyUid": stored.uid});
    let signing = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &signing).unwrap();
    let answer = ask(&token, ["prod_jars", "prod_bowls"], false).await;
    let filter = |at: usize| answer.json()["results"][at]["headers"]["x-onggi-filter"].clone();
    assert_eq!((filter(0), filter(1)), (json!("%22user+%3D+1%22"), Value::Null));
    let asked = searcher.asked();
    for federated in [false, true] {
        for key in [&secret, &token] {
            // Whether the index exists or not.
            for uid in ["dev_jars", "dev_jugs"] {
                let refused = ask(key, ["prod_jars", uid], federated).await;
                assert_eq!(refused.outcome(), (403, "invalid_api_key".to_owned()));
                assert!(refused.json()["message"].as_str().unwrap().starts_with("Inside `.queries[1]`: "), "{refused:?}");
            }
        }
    }
    let facets = json!({"queries": [], "federation": {"facetsByIndex": {"dev_jars": ["a"]}}});
    assert_eq!(multi_search(&bed, &secret, &facets).await.outcome(), (403, "invalid_api_key".to_owned()));
    assert_eq!(searcher.asked(), asked, "nobody is asked anything before all rights are checked");
}

#[tokio::test]
async fn hits_of_a_federated_search_are_merged_by_their_weighted_scores() {
    let bed = Bed::new().await;
    let root = shop(&bed).await;
    let ask = async |federation: Value, weight: f64| {
        let queries = json!([{"indexUid": "jars", "q": "a"}, {"indexUid": "bowls", "q": "a", "federationOptions": {"weight": weight}}]);
        multi_search(&bed, &root, &json!({"queries": queries, "federation": federation})).await
    };
    let answer = ask(json!({}), 1.0).await;
    assert_eq!(ids(&answer), ["jars-1", "bowls-1", "jars-2", "bowls-2", "jars-3"]);
    let json = answer.json();
    assert_eq!((&json["limit"], &json["offset"], &json["estimatedTotalHits"]), (&json!(20), &json!(0), &json!(20)));
    assert!(json["processingTimeMs"].is_u64() && json["facetDistribution"].is_null() && json["facetsByIndex"].is_null(), "{json}");
    assert_eq!(ids(&ask(json!({}), 3.0).await), ["bowls-1", "jars-1", "bowls-2", "jars-2", "jars-3"]);
    assert_eq!(ids(&ask(json!({"offset": 1, "limit": 2}), 1.0).await), ["bowls-1", "jars-2"]);
    let paged = ask(json!({"page": 2, "hitsPerPage": 2}), 1.0).await;
    assert_eq!(ids(&paged), ["jars-2", "bowls-2"]);
    let json = paged.json();
    assert_eq!(
        (&json["page"], &json["hitsPerPage"], &json["totalPages"], &json["totalHits"]),
        (&json!(2), &json!(2), &json!(10), &json!(20))
    );
    let distinct = ask(json!({"distinct": "parity"}), 1.0).await;
    assert_eq!(ids(&distinct), ["jars-1", "jars-2"]);
    assert_eq!(distinct.json()["estimatedTotalHits"], 17, "those that were left out are not counted");
}

#[tokio::test]
async fn a_document_that_several_queries_find_is_merged_once() {
    let bed = Bed::new().await;
    let root = shop(&bed).await;
    let queries = json!([{"indexUid": "jars"}, {"indexUid": "jars", "federationOptions": {"weight": 2}}]);
    let answer = multi_search(&bed, &root, &json!({"queries": queries, "federation": {}})).await;
    assert_eq!(ids(&answer), ["jars-1", "jars-2", "jars-3"]);
    assert!(answer.json()["hits"].as_array().unwrap().iter().all(|hit| hit["query"] == 1));
    assert_eq!(answer.json()["estimatedTotalHits"], 10, "the searcher is asked once and counts what both find");
}

#[tokio::test]
async fn facets_of_a_federated_search_are_told_by_index_or_added_up() {
    let bed = Bed::new().await;
    let root = shop(&bed).await;
    let ask = async |queries: Value, federation: Value| {
        let answer = multi_search(&bed, &root, &json!({"queries": queries, "federation": federation})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let both = json!([{"indexUid": "jars"}, {"indexUid": "bowls"}]);
    let facets = json!({"jars": ["color"], "bowls": ["color", "price"]});
    let by_index = ask(both.clone(), json!({"facetsByIndex": facets})).await;
    assert_eq!(by_index["facetsByIndex"]["bowls"]["distribution"], json!({"color": {"x": 1, "y": 2}, "price": {"x": 1, "y": 2}}));
    assert_eq!(by_index["facetsByIndex"]["jars"]["stats"], json!({"price": {"min": 1.0, "max": 2.0}}));
    let merged = ask(both, json!({"facetsByIndex": facets, "mergeFacets": {"maxValuesPerFacet": 1}})).await;
    assert_eq!(merged["facetDistribution"], json!({"color": {"x": 2}, "price": {"x": 1}}));
    assert_eq!(merged["facetStats"]["price"], json!({"min": 1.0, "max": 2.0}));
    assert!(merged["facetsByIndex"].is_null());
    let unused = ask(json!([{"indexUid": "jars"}]), json!({"facetsByIndex": {"bowls": ["color"]}})).await;
    assert_eq!(unused["facetsByIndex"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_with_the_query_named() {
    let bed = Bed::new().await;
    let root = shop(&bed).await;
    for (queries, federation, code, says) in [
        (
            json!([{"indexUid": "jars"}, {"indexUid": "bowls", "q": "wrong"}]),
            json!({}),
            "invalid_search_q",
            "Inside `.queries[1]`: Invalid",
        ),
        (json!([{"indexUid": "jars"}, {"indexUid": "no"}]), json!({}), "index_not_found", "Inside `.queries[1]`: Index `no` not found."),
        (json!([{"indexUid": "jars", "limit": 1}]), json!({}), "invalid_multi_search_query_pagination", "Inside `.queries[0]`: "),
        (
            json!([{"indexUid": "jars"}, {"indexUid": "bowls", "sort": ["a:asc"]}]),
            json!({}),
            "invalid_multi_search_query_ranking_rules",
            "#0 and #1 are incompatible",
        ),
        (
            json!([]),
            json!({"facetsByIndex": {"no": ["a"]}}),
            "index_not_found",
            "Inside `.federation.facetsByIndex.no`: Index `no` not found.",
        ),
    ] {
        let answer = multi_search(&bed, &root, &json!({"queries": queries, "federation": federation})).await;
        assert_eq!(answer.outcome(), (400, code.to_owned()), "{queries}");
        assert!(answer.json()["message"].as_str().unwrap().contains(says), "{answer:?}");
    }
}

#[tokio::test]
async fn sleeping_indexes_wake_side_by_side() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    for uid in ["jars", "bowls", "plates"] {
        let index = bed.index_that(tenant, uid, WakePolicy::OnSearch, false, &[]).await;
        bed.fleet.wakes_with(index, &[&searcher]);
    }
    let queries = json!([{"indexUid": "jars"}, {"indexUid": "bowls"}, {"indexUid": "plates"}, {"indexUid": "jars"}]);
    let body = json!({"queries": queries});
    let wake = async {
        while bed.fleet.wakes() < 3 {
            tokio::task::yield_now().await;
        }
        bed.fleet.may_wake.add_permits(3);
    };
    let (answer, ()) = join(multi_search(&bed, &root, &body), wake).await;
    assert_eq!((answer.status, bed.fleet.wakes()), (200, 3), "none waits for another, and each is woken once");
}

#[tokio::test]
async fn a_multi_search_counts_as_its_queries_and_its_answers_have_a_limit() {
    let queries = |count: usize| json!({"queries": vec![json!({"indexUid": "jars"}); count]});
    let limits = || Limits { multi_search_queries: 5, multi_search_bytes: ByteSize::b(3000), ..limits() };
    let bed = Bed::with_limits(Limits { requests_per_second: 4, ..limits() }).await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    assert_eq!(multi_search(&bed, &root, &queries(6)).await.outcome(), (400, "bad_request".to_owned()));
    assert_eq!(multi_search(&bed, &root, &queries(5)).await.outcome(), (429, "too_many_requests".to_owned()));

    let bed = Bed::with_limits(limits()).await;
    let (tenant, root) = bed.tenant("one").await;
    let large = async || format!("{{\"hits\":\"{}\"}}", "x".repeat(1000));
    let searcher = Searcher::with("a", Router::new().fallback(any(large))).await;
    bed.index(tenant, "jars", &[&searcher]).await;
    assert_eq!(multi_search(&bed, &root, &queries(2)).await.status, 200);
    let refused = multi_search(&bed, &root, &queries(3)).await;
    assert_eq!(refused.outcome(), (400, "bad_request".to_owned()));
    assert!(refused.json()["message"].as_str().unwrap().contains("too large together"), "{refused:?}");
}

#[tokio::test]
async fn who_asks_for_names_gets_them() {
    let bed = Bed::new().await;
    let root = shop(&bed).await;
    let body = json!({"queries": [{"indexUid": "jars"}, {"indexUid": "bowls"}], "federation": {}});
    let plain = multi_search(&bed, &root, &body).await.json();
    assert!(plain["requestUid"].is_null() && plain["metadata"].is_null());
    let mut request = request(&root, Method::POST, "/multi-search", Body::from(body.to_string()));
    request.headers_mut().insert("meili-include-metadata", "true".parse().unwrap());
    let answer = bed.send(request).await;
    let json = answer.json();
    assert_eq!(json["requestUid"], answer.header("x-request-id"));
    assert_eq!((&json["metadata"][1]["indexUid"], &json["metadata"][1]["primaryKey"]), (&json!("bowls"), &json!("id")));
    assert!(json["metadata"][0]["queryUid"] != json["metadata"][1]["queryUid"]);
}
