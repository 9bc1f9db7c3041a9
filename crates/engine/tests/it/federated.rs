//! The queries of a federated multi-search on one index: lists that can be merged, counted together.

use onggi_domain::{
    ApiError, Code,
    federation::{FederatedAnswer, FederatedRequest, OrderRule},
};
use onggi_engine::Searcher;
use serde_json::{Value, json};

use crate::support::Fixture;

fn shop() -> Searcher {
    let mut fixture = Fixture::new();
    fixture.settings(json!({
        "filterableAttributes": ["brand", "price"],
        "sortableAttributes": ["price", "_geo"],
        "pagination": {"maxTotalHits": 3},
        "faceting": {"sortFacetValuesBy": {"brand": "count"}},
    }));
    fixture.add(&[
        json!({"id": 1, "title": "red jar", "brand": "a", "price": 30, "_federation": "own"}),
        json!({"id": 2, "title": "blue jar", "brand": "b", "price": 10}),
        json!({"id": 3, "title": "red bowl", "brand": "b", "price": "free"}),
        json!({"id": 4, "title": "red plate", "brand": "c"}),
    ]);
    fixture.searcher()
}

fn ask(searcher: &Searcher, request: Value) -> Result<FederatedAnswer, ApiError> {
    let request: FederatedRequest = serde_json::from_value(request).unwrap();
    searcher.federated_search(&request, None).unwrap()
}

fn query(position: usize, search: &Value) -> Value {
    json!({"position": position, "weight": 1.0, "search": search})
}

#[test]
fn hits_say_where_they_come_from_and_what_they_are_ordered_by() {
    let searcher = shop();
    let sorted = json!({"position": 4, "weight": 0.5, "search": {"q": "red", "sort": ["price:asc"], "attributesToRetrieve": ["id"]}});
    let answer = ask(&searcher, json!({"indexUid": "shop", "limit": 10, "queries": [query(1, &json!({"q": "red jar"})), sorted]})).unwrap();
    assert_eq!((answer.total, answer.primary_key.as_deref(), answer.facets), (4, Some("id"), None));
    let [first, second] = &answer.lists[..] else { panic!("two lists") };
    assert_eq!((first.position, &first.rules[..]), (1, &[OrderRule::Relevancy][..]));
    assert_eq!((second.position, &second.rules[..]), (4, &[OrderRule::Relevancy, OrderRule::Ascending, OrderRule::Relevancy][..]));
    let values: Vec<&Value> = second.hits.iter().map(|hit| &hit.values[1]).collect();
    assert_eq!(values, [&json!(30.0), &json!("free"), &json!(null)]);
    let hit: Value = serde_json::from_str(second.hits[0].hit.get()).unwrap();
    assert_eq!(hit["_federation"]["indexUid"], "shop");
    assert_eq!(hit["_federation"]["queriesPosition"], 4);
    let score = second.hits[0].values[2].as_f64().unwrap();
    assert_eq!(hit["_federation"]["weightedRankingScore"], json!(score * 0.5));
    assert_eq!(first.hits[0].document, second.hits[0].document, "it is the same document in both lists");
}

#[test]
fn what_several_queries_find_is_counted_once_and_facets_are_over_all_of_it() {
    let queries = [query(0, &json!({"q": "red", "limit": 1})), query(1, &json!({"q": "jar", "filter": "price = 10"}))];
    let request = json!({"indexUid": "shop", "limit": 10, "queries": queries, "facets": ["brand", "price"]});
    let answer = ask(&shop(), request).unwrap();
    assert_eq!(answer.total, 4);
    assert_eq!(answer.lists[0].hits.len(), 3, "the limit is the multi-search's");
    let facets = serde_json::to_value(answer.facets).unwrap();
    assert_eq!(facets["distribution"]["brand"], json!({"b": 2, "a": 1, "c": 1}));
    assert_eq!(facets["stats"]["price"], json!({"min": 10.0, "max": 30.0}));
    assert_eq!(facets["order"], json!({"brand": "count", "price": "alpha"}));
}

#[test]
fn no_more_hits_are_listed_than_the_settings_let_be_reached() {
    let answer = ask(&shop(), json!({"indexUid": "shop", "limit": 10, "queries": [query(0, &json!({}))]})).unwrap();
    assert_eq!((answer.lists[0].hits.len(), answer.total, &answer.lists[0].rules[..]), (3, 4, &[][..]));
}

#[test]
fn hits_carry_the_values_that_no_two_of_them_may_share() {
    let request = json!({"indexUid": "shop", "limit": 10, "distinct": "brand", "queries": [query(0, &json!({"q": "red"}))]});
    let answer = ask(&shop(), request).unwrap();
    let values: Vec<&[Value]> = answer.lists[0].hits.iter().map(|hit| &hit.distinct[..]).collect();
    assert_eq!(values, [&[json!("a")][..], &[json!("b")], &[json!("c")]]);
}

#[test]
fn an_error_names_the_query_or_the_facets_that_it_is_in() {
    let searcher = shop();
    for (request, code, says) in [
        (json!({"queries": [query(0, &json!({})), query(3, &json!({"q": 1}))]}), Code::InvalidSearchQ, "Inside `.queries[3]`: "),
        (json!({"queries": [query(2, &json!({"filter": "title = x"}))]}), Code::InvalidSearchFilter, "Inside `.queries[2]`: "),
        (json!({"queries": [query(1, &json!({}))], "distinct": "title"}), Code::InvalidSearchDistinct, "Inside `.queries[1]`: "),
        (
            json!({"queries": [], "facets": ["title"]}),
            Code::InvalidMultiSearchFacets,
            "Inside `.federation.facetsByIndex.shop`: Invalid facet distribution: Attribute `title` is not filterable.",
        ),
    ] {
        let mut request = request;
        request["indexUid"] = "shop".into();
        request["limit"] = 20.into();
        let error = ask(&searcher, request).unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.starts_with(says), "{error}");
    }
}
