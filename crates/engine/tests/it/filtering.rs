//! Filters and facets against a plain evaluation of every document.

use std::collections::BTreeMap;

use onggi_domain::{Code, filter::parse, limits::Limits};
use onggi_engine::{Searcher, search::SearchRequest};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    random::{ATTRIBUTES, Scalar, documents, filter, meant, scalars},
    support::{Fixture, ask, hit_ids},
};

fn searcher(documents: &[Value]) -> Searcher {
    let mut index = Fixture::new();
    index.settings(json!({"filterableAttributes": ["a", "b", "c", "n", "_geo"]}));
    let half = documents.len() / 2;
    for part in [&documents[..half], &documents[half..]] {
        if !part.is_empty() {
            index.add(part);
            index.commit();
        }
    }
    index.searcher()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_that_is_written_down_is_read_as_the_same(filters in prop::collection::vec(filter(), 50)) {
        for filter in filters {
            let written = filter.to_string();
            let read = parse(&json!(written), &Limits::default(), Code::InvalidSearchFilter);
            prop_assert_eq!(read, Ok(Some(filter)), "{}", written);
        }
    }

    #[test]
    fn a_filter_finds_what_it_means(documents in documents(16), filters in prop::collection::vec(filter(), 60)) {
        let searcher = searcher(&documents);
        for filter in &filters {
            let answer = ask(&searcher, &json!({"filter": filter.to_string(), "limit": 100}));
            let found = hit_ids(&answer);
            let expected: Vec<u64> = documents.iter().filter(|document| meant(filter, document)).map(|document| document["id"].as_u64().unwrap()).collect();
            prop_assert_eq!(found, expected, "{}", filter);
        }
    }

    #[test]
    fn arrays_join_filters_as_their_texts_do(documents in documents(8), filters in prop::collection::vec(filter(), 4)) {
        let searcher = searcher(&documents);
        let [a, b, c, d] = [0, 1, 2, 3].map(|at| filters[at].to_string());
        let nested = ask(&searcher, &json!({"filter": [a, [b, c], d], "limit": 100}));
        let flat = ask(&searcher, &json!({"filter": format!("({a}) AND (({b}) OR ({c})) AND ({d})"), "limit": 100}));
        prop_assert_eq!(hit_ids(&nested), hit_ids(&flat));
    }

    #[test]
    fn facets_count_each_value_of_what_matches(documents in documents(16), filter in filter(), distinct in any::<bool>()) {
        let distinct = distinct.then_some("b");
        let answer = ask(&searcher(&documents), &json!({"filter": filter.to_string(), "facets": ATTRIBUTES, "limit": 100, "distinct": distinct}));
        let mut seen = Vec::new();
        let matching: Vec<&Value> = documents.iter().filter(|document| meant(&filter, document)).filter(|document| {
            let values = distinct.map(|name| scalars(document, name)).unwrap_or_default();
            let first = !values.iter().any(|value| seen.contains(value));
            if first {
                seen.extend(values);
            }
            first
        }).collect();
        prop_assert_eq!(hit_ids(&answer), matching.iter().map(|document| document["id"].as_u64().unwrap()).collect::<Vec<_>>());
        for name in ATTRIBUTES {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            let mut numbers: Vec<f64> = Vec::new();
            for document in &matching {
                let mut values = scalars(document, name);
                values.sort_by(|a, b| a.partial_cmp(b).unwrap());
                values.dedup();
                for value in values {
                    let shown = match value {
                        Scalar::Number(number) => {
                            numbers.push(number);
                            number.to_string()
                        }
                        Scalar::Text(text) => text,
                    };
                    *counts.entry(shown).or_default() += 1;
                }
            }
            let found: BTreeMap<String, u64> = answer["facetDistribution"][name].as_object().unwrap().iter()
                .map(|(value, count)| (onggi_engine::schema::normalize_value(value), count.as_u64().unwrap())).collect();
            prop_assert_eq!(found, counts, "{}", name);
            let range = |pick: fn(f64, f64) -> f64| numbers.iter().copied().reduce(pick);
            let expected = range(f64::min).zip(range(f64::max)).map(|(min, max)| json!({"min": min, "max": max}));
            prop_assert_eq!(answer["facetStats"].get(name), expected.as_ref(), "{}", name);
        }
    }
}

#[test]
fn dates_are_compared_as_text() {
    let searcher = searcher(&[
        json!({"id": 0, "a": "2024-01-02T00:00:00Z"}),
        json!({"id": 1, "a": "2024-05-17"}),
        json!({"id": 2, "a": "2025-01-01"}),
        json!({"id": 3, "a": 2024}),
    ]);
    for (filter, ids) in [
        ("a > 2024-01-31", vec![1, 2]),
        ("a 2024-01-01 TO 2024-12-31", vec![0, 1]),
        ("a >= 2024", vec![0, 1, 2, 3]),
        ("a < '2024-01-02T00:00:00Z'", vec![]),
        ("a <= '2024-01-02T00:00:00Z'", vec![0]),
    ] {
        assert_eq!(hit_ids(&ask(&searcher, &json!({"filter": filter}))), ids, "{filter}");
    }
}

#[test]
fn a_rule_for_attributes_is_held_by_every_request() {
    let mut index = Fixture::new();
    index.settings(json!({"filterableAttributes": [
        {"attributePatterns": ["brand", "meta.*"], "features": {"facetSearch": false, "filter": {"equality": true, "comparison": false}}},
        {"attributePatterns": ["secret"], "features": {"facetSearch": true, "filter": {"equality": false, "comparison": false}}},
        "price",
    ]}));
    index.add(&[json!({"id": 1, "brand": "a", "price": 3, "meta": {"size": 4}, "secret": "x"})]);
    let searcher = index.searcher();
    for (request, code) in [
        (json!({"filter": "brand = a AND meta.size = 4 AND price > 2 AND brand EXISTS"}), None),
        (json!({"filter": "brand > a"}), Some(Code::InvalidSearchFilter)),
        (json!({"filter": "meta.size 1 TO 5"}), Some(Code::InvalidSearchFilter)),
        (json!({"filter": "secret EXISTS"}), Some(Code::InvalidSearchFilter)),
        (json!({"facets": ["brand", "price", "meta.size"]}), None),
        (json!({"facets": ["secret"]}), Some(Code::InvalidSearchFacets)),
        (json!({"distinct": "secret"}), Some(Code::InvalidSearchDistinct)),
        (json!({"distinct": "brand"}), None),
    ] {
        let parsed = SearchRequest::from_json(request.to_string().as_bytes()).unwrap();
        assert_eq!(searcher.search(&parsed, None).unwrap().err().map(|error| error.code), code, "{request}");
    }
    let all = ask(&searcher, &json!({"facets": ["*"]}));
    assert_eq!(all["facetDistribution"], json!({"brand": {"a": 1}, "price": {"3": 1}, "meta.size": {"4": 1}}));
}
