//! No request takes the searcher down: what is too large, too deep or too slow is refused or cut, and says so.

use std::time::Duration;

use bytesize::ByteSize;
use onggi_domain::{ApiError, Code, limits::Limits};
use onggi_engine::{
    Options, Searcher,
    search::{DocumentsRequest, FacetSearchRequest, SearchRequest},
};
use serde_json::{Value, json};

use crate::support::{Fixture, ask, hit_ids, options};

fn with_limits(limits: Limits) -> Searcher {
    let mut index = Fixture::with_options(Options { limits, ..options() });
    index.settings(json!({"filterableAttributes": ["*"], "sortableAttributes": ["*"]}));
    index.add(&(0..50).map(|id| json!({"id": id, "title": "clay jar", "group": format!("g{}", id % 7), "n": id})).collect::<Vec<_>>());
    index.searcher()
}

fn refusal(searcher: &Searcher, request: &Value) -> ApiError {
    match SearchRequest::from_json(request.to_string().as_bytes()) {
        Ok(request) => searcher.search(&request, None).unwrap().unwrap_err(),
        Err(error) => error,
    }
}

#[test]
fn huge_and_deep_requests_are_refused_with_the_limit_named() {
    let searcher = with_limits(Limits::default());
    let deep = |n: usize| format!("{}a = 1{}", "(".repeat(n), ")".repeat(n));
    let names: Vec<String> = (0..1001).map(|n| format!("a{n}")).collect();
    let sorts: Vec<String> = (0..17).map(|n| format!("a{n}:asc")).collect();
    let conditions = vec!["a = 1"; 1001];
    let values: Vec<String> = (0..100_001).map(|n| n.to_string()).collect();
    for (request, code, part) in [
        (json!({"q": "가".repeat(2001)}), Code::InvalidSearchQ, "2000 characters"),
        (json!({"filter": deep(200)}), Code::InvalidSearchFilter, "depth limit of 100"),
        (json!({"filter": deep(1_000_000)}), Code::InvalidSearchFilter, "depth limit of 100"),
        (json!({"filter": "NOT ".repeat(1_000_000)}), Code::InvalidSearchFilter, "depth limit of 100"),
        (json!({"filter": conditions}), Code::InvalidSearchFilter, "more than 1000 conditions"),
        (json!({"filter": conditions.join(" OR ")}), Code::InvalidSearchFilter, "more than 1000 conditions"),
        (json!({"filter": format!("a IN [{}]", values.join(","))}), Code::InvalidSearchFilter, "more than 100000 values"),
        (json!({"facets": names}), Code::InvalidSearchFacets, "at most 1000 entries"),
        (json!({"attributesToRetrieve": names}), Code::InvalidSearchAttributesToRetrieve, "at most 1000 entries"),
        (json!({"sort": sorts}), Code::InvalidSearchSort, "at most 16 orders"),
    ] {
        let error = refusal(&searcher, &request);
        assert_eq!(error.code, code, "{}", error.message);
        assert!(error.message.contains(part) && error.message.len() < 2000, "{}", error.message);
    }
    let nested = format!(r#"{{"filter": {}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(SearchRequest::from_json(nested.as_bytes()).unwrap_err().code, Code::MalformedPayload);
    assert_eq!(hit_ids(&ask(&searcher, &json!({"filter": format!("n IN [{}]", values[..60_000].join(",")), "limit": 1}))), [0]);
}

#[test]
fn the_words_of_a_query_after_the_first_ten_are_ignored() {
    let searcher = with_limits(Limits::default());
    let long = format!("{}pot", "clay ".repeat(10));
    assert_eq!(ask(&searcher, &json!({"q": long, "matchingStrategy": "all"}))["estimatedTotalHits"], 50);
}

#[test]
fn an_answer_does_not_outgrow_its_limit() {
    let searcher = with_limits(Limits { answer_bytes: ByteSize::b(2000), ..Limits::default() });
    assert_eq!(refusal(&searcher, &json!({"limit": 100})).code, Code::InvalidSearchLimit);
    assert_eq!(hit_ids(&ask(&searcher, &json!({"limit": 20}))).len(), 20);
    let page = |limit: usize| searcher.documents(&DocumentsRequest { limit, ..DocumentsRequest::default() }).unwrap();
    assert_eq!(page(50).unwrap_err().code, Code::InvalidDocumentLimit);
    assert_eq!(page(20).unwrap().results.len(), 20);
    let far = ask(&searcher, &json!({"offset": u64::MAX, "limit": u64::MAX}));
    assert_eq!((hit_ids(&far), &far["offset"]), (vec![], &json!(1000)));
    let page = DocumentsRequest { offset: usize::MAX, limit: usize::MAX, ..DocumentsRequest::default() };
    assert_eq!(searcher.documents(&page).unwrap().unwrap().results.len(), 0);
}

#[test]
fn facets_have_no_more_values_than_the_limit() {
    let searcher = with_limits(Limits { facet_values: 3, ..Limits::default() });
    let answer = ask(&searcher, &json!({"facets": ["group"], "limit": 0}));
    assert_eq!(answer["facetDistribution"]["group"], json!({"g0": 8, "g1": 7, "g2": 7}));
    let request = FacetSearchRequest::from_json(br#"{"facetName": "group"}"#).unwrap();
    assert_eq!(searcher.facet_search(&request, None).unwrap().unwrap().facet_hits.len(), 3);
}

#[test]
fn out_of_time_an_answer_is_degraded_and_a_filter_lets_nothing_through() {
    let searcher = with_limits(Limits { request_time: Duration::ZERO, ..Limits::default() });
    for request in [
        json!({"q": "clay", "facets": ["group"], "attributesToHighlight": ["*"]}),
        json!({"filter": "group CONTAINS g"}),
        json!({"filter": "NOT group = g1"}),
        json!({"filter": "_geoRadius(0, 0, 1) OR n > 3"}),
    ] {
        let answer = ask(&searcher, &request);
        assert_eq!((hit_ids(&answer), &answer["degraded"]), (vec![], &json!(true)), "{request}");
    }
    // A token's rule is a filter too.
    let request = SearchRequest::from_json(b"{}").unwrap();
    let answer = searcher.search(&request, Some(&json!("NOT group = g1"))).unwrap().unwrap();
    assert_eq!((answer.hits.len(), answer.degraded), (0, true));
    let listed = searcher.documents(&DocumentsRequest::default()).unwrap();
    assert_eq!(listed.unwrap_err().code, Code::RequestTimeout);
}

#[test]
fn a_search_stops_at_the_cutoff_of_the_settings_and_not_before() {
    let mut index = Fixture::new();
    index.add(&[json!({"id": 1, "title": "clay jar"})]);
    index.settings(json!({"searchCutoffMs": u64::MAX}));
    let answer = ask(&index.searcher(), &json!({"q": "clay"}));
    assert_eq!((hit_ids(&answer), answer.get("degraded")), (vec![1], None));
}

#[test]
fn matches_are_looked_for_in_the_beginning_of_a_long_text() {
    let mut index =
        Fixture::with_options(Options { limits: Limits { highlight_bytes: ByteSize::b(20), ..Limits::default() }, ..options() });
    index.add(&[json!({"id": 1, "title": "clay jar and a second clay jar"})]);
    let answer = ask(&index.searcher(), &json!({"q": "clay", "attributesToHighlight": ["title"]}));
    assert_eq!(answer["hits"][0]["_formatted"]["title"], "<em>clay</em> jar and a second clay jar");
}

#[test]
fn no_more_documents_are_looked_into_than_the_limit() {
    let searchable: Vec<String> = (0..10).map(|n| format!("n{n}")).collect();
    let mut index = Fixture::with_options(Options { limits: Limits { compared_documents: 3, ..Limits::default() }, ..options() });
    index.settings(json!({"searchableAttributes": searchable}));
    index.add(&(0..5).map(|id| json!({"id": id, "n9": "clay"})).collect::<Vec<_>>());
    let answer = ask(&index.searcher(), &json!({"q": "clay", "attributesToSearchOn": ["n9"]}));
    assert_eq!((hit_ids(&answer), &answer["degraded"]), (vec![0, 1, 2], &json!(true)));
}
