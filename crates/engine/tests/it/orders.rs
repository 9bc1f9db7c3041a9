//! `sort` against a plain sort of every document, and the same answer whoever gives it and however its documents came.

use std::cmp::Ordering;

use onggi_engine::Searcher;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    random::{ATTRIBUTES, Scalar, documents, filter, scalars},
    support::{Fixture, ask, hit_ids},
};

fn settings() -> Value {
    json!({
        "filterableAttributes": ["a", "b", "c", "n", "_geo"],
        "sortableAttributes": ["a", "b", "c", "n", "_geo"],
        "rankingRules": ["sort", "words", "typo", "proximity", "attribute", "exactness"],
    })
}

/// What is compared: of several numbers, or else strings, the first in the order asked for.
fn key(document: &Value, name: &str, descending: bool) -> Option<Scalar> {
    let values = scalars(document, name);
    let numbers: Vec<Scalar> = values.iter().filter(|value| matches!(value, Scalar::Number(_))).cloned().collect();
    let values = if numbers.is_empty() { values } else { numbers };
    let order = |a: &Scalar, b: &Scalar| a.partial_cmp(b).unwrap();
    if descending { values.into_iter().max_by(order) } else { values.into_iter().min_by(order) }
}

fn compare(a: &Value, b: &Value, name: &str, descending: bool) -> Ordering {
    match (key(a, name, descending), key(b, name, descending)) {
        (Some(Scalar::Number(a)), Some(Scalar::Number(b))) if descending => b.total_cmp(&a),
        (Some(Scalar::Text(a)), Some(Scalar::Text(b))) if descending => b.cmp(&a),
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap(),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// An answer without what differs each time.
fn lasting(mut answer: Value) -> Value {
    answer.as_object_mut().unwrap().remove("processingTimeMs");
    answer
}

/// How many segments a searcher reads.
fn segments(searcher: &Searcher) -> usize {
    let shown = format!("{searcher:?}");
    shown.split("segments: ").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn documents_are_sorted_as_asked(
        documents in documents(24),
        sorts in prop::collection::vec(prop::collection::vec((prop::sample::select(&ATTRIBUTES[..]), any::<bool>()), 1..4), 20),
        part in prop::sample::select(vec![5, 24]),
    ) {
        let mut index = Fixture::new();
        index.settings(settings());
        for part in documents.chunks(part) {
            index.add(part);
            index.commit();
        }
        let searcher = index.searcher();
        for sort in sorts {
            let written: Vec<String> = sort.iter().map(|(name, descending)| format!("{name}:{}", if *descending { "desc" } else { "asc" })).collect();
            let mut expected = documents.clone();
            // An attribute that was named before decides nothing any more.
            let named_first = sort.iter().enumerate().filter(|(at, key)| sort[..*at].iter().all(|known| known.0 != key.0)).map(|(_, key)| key);
            expected.sort_by(|a, b| {
                named_first.clone().map(|(name, descending)| compare(a, b, name, *descending)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            });
            let expected: Vec<u64> = expected.iter().map(|document| document["id"].as_u64().unwrap()).collect();
            prop_assert_eq!(hit_ids(&ask(&searcher, &json!({"sort": written, "limit": 100}))), &expected[..], "{:?}", &written);
            let mut paged = Vec::new();
            for page in 1..=expected.len().div_ceil(3) {
                paged.extend(hit_ids(&ask(&searcher, &json!({"sort": written, "page": page, "hitsPerPage": 3}))));
            }
            prop_assert_eq!(paged, expected, "in pages: {:?}", &written);
        }
    }

    #[test]
    fn replicas_and_merged_segments_answer_alike(
        documents in documents(40),
        filters in prop::collection::vec(filter(), 6),
        replaced in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut requests: Vec<Value> = filters.iter().map(|filter| json!({"filter": filter.to_string(), "facets": ["*"], "limit": 100})).collect();
        requests.extend([
            json!({"sort": ["a:asc", "n.x:desc"], "facets": ["b"], "limit": 100}),
            json!({"sort": ["_geoPoint(10, 20):asc"], "limit": 100}),
            json!({"distinct": "c", "facets": ["*"], "limit": 100}),
        ]);
        let texts = ["red", "blu", "reddihs", "\"red\"", "été -blue", "옹기 red", "true 2024"];
        let searches: Vec<Value> = texts.iter().map(|q| json!({"q": q, "facets": ["*"], "limit": 100, "showRankingScore": true, "attributesToHighlight": ["*"]})).collect();

        // Many small commits, and all at once: the same documents in as many and in one segment.
        let (mut small, mut whole) = (Fixture::new(), Fixture::new());
        for index in [&mut small, &mut whole] {
            index.settings(settings());
        }
        for part in documents.chunks(2) {
            small.add(part);
            small.commit();
        }
        whole.add(&documents);
        let (one, other, merged) = (small.searcher(), small.searcher(), whole.searcher());
        prop_assert_eq!(segments(&merged), 1);
        prop_assert!(documents.len() <= 2 || segments(&one) > 1);
        for request in requests.iter().chain(&searches) {
            let answer = lasting(ask(&one, request));
            prop_assert_eq!(&answer, &lasting(ask(&other, request)), "from another replica: {}", request);
            prop_assert_eq!(&answer, &lasting(ask(&merged, request)), "after a merge: {}", request);
        }

        // Replaced documents leave their places and their words to others; what does not weigh words stays exact.
        for at in &replaced {
            let document = at.get(&documents).clone();
            small.add(std::slice::from_ref(&document));
            small.commit();
        }
        let deleted = small.searcher();
        for request in &requests {
            prop_assert_eq!(lasting(ask(&deleted, request)), lasting(ask(&merged, request)), "after replacements: {}", request);
        }
    }
}

#[test]
fn texts_that_differ_in_case_only_are_one_to_what_comes_after() {
    let mut index = Fixture::new();
    index.settings(json!({"sortableAttributes": ["brand", "price"], "filterableAttributes": ["brand"]}));
    let sorted = json!({"sort": ["brand:asc", "price:asc"]});
    index.add(&[
        json!({"id": 1, "brand": "red", "price": 2}),
        json!({"id": 2, "brand": "Red", "price": 1}),
        json!({"id": 3, "brand": "RED", "price": 3}),
    ]);
    assert_eq!(hit_ids(&ask(&index.searcher(), &sorted)), [2, 1, 3], "in one segment");
    index.add(&[json!({"id": 4, "brand": "rEd", "price": 0}), json!({"id": 5, "brand": "blue", "price": 9})]);
    assert_eq!(hit_ids(&ask(&index.searcher(), &sorted)), [5, 4, 2, 1, 3], "in two");
    let distinct = json!({"sort": ["price:desc"], "distinct": "brand"});
    assert_eq!(hit_ids(&ask(&index.searcher(), &distinct)), [5, 3]);
}
