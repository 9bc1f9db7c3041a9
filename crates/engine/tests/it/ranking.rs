//! What ranking is made of: split and joined words, switches in the settings, and what is said about a score.

use onggi_engine::{Searcher, search::SearchRequest};
use serde_json::{Value, json};

use crate::support::Fixture;

fn index(settings: Value, documents: &[Value]) -> Searcher {
    let mut index = Fixture::new();
    index.settings(settings);
    index.add(documents);
    index.searcher()
}

fn texts(settings: &Value, texts: &[&str]) -> Searcher {
    let documents: Vec<Value> = texts.iter().enumerate().map(|(id, text)| json!({"id": id, "text": text})).collect();
    let mut all = json!({"searchableAttributes": ["text"]});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    index(all, &documents)
}

fn hits(searcher: &Searcher, request: &Value) -> Vec<Value> {
    let request = SearchRequest::from_json(request.to_string().as_bytes()).unwrap();
    let answer = searcher.search(&request, None).unwrap().unwrap();
    answer.hits.iter().map(|hit| serde_json::from_str(hit.get()).unwrap()).collect()
}

fn ids(searcher: &Searcher, request: &Value) -> Vec<u64> {
    hits(searcher, request).iter().map(|hit| hit["id"].as_u64().unwrap()).collect()
}

#[test]
fn a_word_is_also_found_as_two_and_two_words_as_one() {
    let searcher = texts(&json!({}), &["sun flower oil", "flower of the sun", "sunflower oil", "sunny"]);
    assert_eq!(ids(&searcher, &json!({"q": "sunflower "})), [2, 0]);
    assert_eq!(ids(&searcher, &json!({"q": "sun flower "})), [0, 1, 2]);
    assert_eq!(ids(&searcher, &json!({"q": "sun flower oil", "matchingStrategy": "all"})), [0, 2]);
    let highlighted = hits(&searcher, &json!({"q": "sunflower ", "attributesToHighlight": ["text"]}));
    assert_eq!(highlighted[1]["_formatted"]["text"], "<em>sun</em> <em>flower</em> oil");
}

#[test]
fn a_word_is_split_where_both_parts_are_most_frequent() {
    let searcher = texts(&json!({}), &["the rapist", "therapist", "the rapist", "therap ist", "a there apist"]);
    assert_eq!(ids(&searcher, &json!({"q": "therapist "})), [1, 0, 2]);
}

#[test]
fn words_without_typo_tolerance_are_not_split() {
    let searcher = texts(&json!({"typoTolerance": {"enabled": false}}), &["sun flower", "sunflower"]);
    assert_eq!(ids(&searcher, &json!({"q": "sunflower "})), [1]);
}

#[test]
fn numbers_may_be_exempt_from_typos() {
    for (exempt, found) in [(true, vec![0]), (false, vec![0, 1])] {
        let searcher = texts(&json!({"typoTolerance": {"disableOnNumbers": exempt}}), &["20261124", "20261125"]);
        assert_eq!(ids(&searcher, &json!({"q": "20261124 "})), found, "{exempt}");
    }
}

#[test]
fn prefix_search_can_be_switched_off() {
    let lines = ["pineapple", "pine"];
    assert_eq!(ids(&texts(&json!({}), &lines), &json!({"q": "pine"})), [1, 0]);
    assert_eq!(ids(&texts(&json!({"prefixSearch": "disabled"}), &lines), &json!({"q": "pine"})), [1]);
}

#[test]
fn proximity_may_mean_the_same_attribute_only() {
    let documents = [
        json!({"id": 0, "a": "red", "b": "shoes"}),
        json!({"id": 1, "a": "shoes that are quite nice and good warm red"}),
        json!({"id": 2, "a": "nice red shoes that are quite good and warm"}),
    ];
    let settings = |precision: &str| json!({"searchableAttributes": ["a", "b"], "proximityPrecision": precision});
    assert_eq!(ids(&index(settings("byWord"), &documents), &json!({"q": "red shoes "}))[0], 2);
    assert_eq!(ids(&index(settings("byAttribute"), &documents), &json!({"q": "red shoes "})), [1, 2, 0]);
}

#[test]
fn synonyms_go_one_way_unless_both_are_named() {
    let lines = ["a phone", "a mobile"];
    let one_way = texts(&json!({"synonyms": {"phone": ["mobile"]}}), &lines);
    assert_eq!(ids(&one_way, &json!({"q": "phone "})), [0, 1]);
    assert_eq!(ids(&one_way, &json!({"q": "mobile "})), [1]);
    let mutual = texts(&json!({"synonyms": {"phone": ["mobile"], "mobile": ["phone"]}}), &lines);
    assert_eq!(ids(&mutual, &json!({"q": "mobile "})), [1, 0]);
}

#[test]
fn a_prefix_that_most_documents_hold_says_little() {
    let mut lines = vec!["compiler of c", "compiler for crabs"];
    lines.extend(["crane", "crow", "cat", "cow", "cup", "cap"].repeat(5));
    let searcher = texts(&json!({}), &lines);
    let found = hits(&searcher, &json!({"q": "compiler c", "showRankingScore": true}));
    assert_eq!((found[0]["id"].as_u64(), found[1]["id"].as_u64()), (Some(0), Some(1)));
    assert!(found[2]["_rankingScore"].as_f64().unwrap() < 0.1, "{}", found[2]);
}

#[test]
fn the_details_of_a_score_name_each_rule_in_its_order() {
    let settings = json!({
        "searchableAttributes": ["title", "text"], "sortableAttributes": ["price", "_geo"],
        "rankingRules": ["words", "typo", "proximity", "attribute", "sort", "exactness", "rank:desc"],
    });
    let documents = [
        json!({"id": 0, "title": "blue shirts", "price": 12, "rank": 3, "_geo": {"lat": 1.5, "lng": 2}}),
        json!({"id": 1, "text": "a sirt that is blue", "price": "n/a"}),
    ];
    let searcher = index(settings, &documents);
    let request = json!({"q": "blue shirt ", "sort": ["price:asc", "_geoPoint(1.5, 2):desc"], "showRankingScoreDetails": true});
    let found = hits(&searcher, &request);
    assert_eq!((&found[0]["id"], &found[1]["id"]), (&json!(0), &json!(1)));
    let details = &found[0]["_rankingScoreDetails"];
    assert_eq!(details["words"], json!({"order": 0, "matchingWords": 2, "maxMatchingWords": 2, "score": 1.0}));
    assert_eq!(details["typo"], json!({"order": 1, "typoCount": 0, "maxTypoCount": 1, "score": 1.0}));
    assert_eq!(details["proximity"], json!({"order": 2, "score": 1.0}));
    assert_eq!((&details["attribute"]["order"], &details["attribute"]["attributeRankingOrderScore"]), (&json!(3), &json!(1.0)));
    assert!(details["attribute"]["queryWordDistanceScore"].is_f64() && details["attribute"]["score"].is_f64(), "{details}");
    assert_eq!(details["price:asc"], json!({"order": 4, "value": 12}));
    assert_eq!(details["_geoPoint(1.5, 2):desc"], json!({"order": 5, "value": {"lat": 1.5, "lng": 2.0}, "distance": 0.0}));
    let exactness = json!({"order": 6, "matchType": "noExactMatch", "matchingWords": 1, "maxMatchingWords": 2, "score": 2.0 / 9.0});
    assert_eq!(details["exactness"], exactness);
    assert_eq!(details["rank:desc"], json!({"order": 7, "value": 3}));

    let details = &found[1]["_rankingScoreDetails"];
    assert_eq!((&details["typo"]["typoCount"], &details["typo"]["score"]), (&json!(1), &json!(0.5)));
    assert_eq!(details["attribute"]["attributeRankingOrderScore"], 0.5);
    assert_eq!(details["_geoPoint(1.5, 2):desc"], json!({"order": 5, "value": null, "distance": null}));

    let placeholder = hits(&searcher, &json!({"sort": ["price:asc"], "showRankingScoreDetails": true}));
    let names: Vec<&String> = placeholder[0]["_rankingScoreDetails"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["price:asc", "rank:desc"]);
}

#[test]
fn attribute_rank_and_word_position_are_told_apart_and_rank_as_attribute_does() {
    let documents = [
        json!({"id": 0, "text": "blue shirt", "price": 2}),
        json!({"id": 1, "title": "blue shirt", "text": "blue", "price": 1}),
        json!({"id": 2, "title": "this one here is a long text with blue shirt", "price": 0}),
    ];
    let settings =
        |rules: Value| json!({"rankingRules": rules, "searchableAttributes": ["title", "text"], "sortableAttributes": ["price"]});
    let searcher = index(settings(json!(null)), &documents);
    let request = json!({"q": "blue shirt", "sort": ["price:asc"], "showRankingScoreDetails": true, "showRankingScore": true});
    let found = hits(&searcher, &request);
    let of = |id: u64| &found.iter().find(|hit| hit["id"] == id).unwrap()["_rankingScoreDetails"];
    assert_eq!(of(1)["attributeRank"], json!({"order": 3, "score": 1.0}));
    assert_eq!((&of(1)["price:asc"], &of(1)["wordPosition"]["order"]), (&json!({"order": 4, "value": 1}), &json!(5)));
    assert_eq!((&of(0)["attributeRank"]["score"], &of(1)["attribute"]), (&json!(0.5), &Value::Null));
    assert!(of(2)["wordPosition"]["score"].as_f64() < of(1)["wordPosition"]["score"].as_f64(), "{found:?}");
    assert_eq!(of(1)["exactness"]["order"], 6);

    let old = hits(&index(settings(json!(["words", "typo", "proximity", "attribute", "sort", "exactness"])), &documents), &request);
    let order = |hits: &[Value]| hits.iter().map(|hit| (hit["id"].clone(), hit["_rankingScore"].clone())).collect::<Vec<_>>();
    assert_eq!(order(&found), order(&old));
}

#[test]
fn the_score_is_of_the_document_and_the_query_alone_from_0_to_1() {
    let searcher = texts(&json!({}), &["blue shirt", "blue", "red shoes"]);
    let scores: Vec<f64> = hits(&searcher, &json!({"q": "blue shirt", "showRankingScore": true}))
        .iter()
        .map(|hit| hit["_rankingScore"].as_f64().unwrap())
        .collect();
    assert!(scores.len() == 2 && scores[0] > 0.95 && scores[0] <= 1.0 && scores[1] < 0.5, "{scores:?}");
    let found = hits(&searcher, &json!({"q": "blue shirt", "rankingScoreThreshold": 0.9}));
    assert_eq!((found.len(), &found[0]["id"]), (1, &json!(0)));
}

#[test]
fn the_order_is_the_same_however_documents_are_spread_over_segments() {
    let words = ["red", "blue", "shirt", "shirts", "shoe", "shoes", "sirt", "warm", "nice", "blues"];
    let documents: Vec<Value> = (0..240_usize)
        .map(|n| json!({"id": n, "text": (0..3 + n % 5).map(|w| words[(n * 7 + w * w * 3 + n / 11) % 10]).collect::<Vec<_>>().join(" ")}))
        .collect();
    let settings = json!({"searchableAttributes": ["text"]});
    let whole = index(settings.clone(), &documents);
    let mut parts = Fixture::new();
    parts.settings(settings);
    for part in documents.chunks(50) {
        parts.add(part);
        parts.commit();
    }
    let parts = parts.searcher();
    for q in ["blue shirt", "shirt", "warm sho", "red blu", "nice shirts blue", "s"] {
        for (offset, limit) in [(0, 20), (20, 20), (0, 240)] {
            let request = json!({"q": q, "offset": offset, "limit": limit, "showRankingScore": true});
            assert_eq!(hits(&whole, &request), hits(&parts, &request), "{request}");
        }
    }
}
