//! The lists of several searches as one: merged by what they are ordered by, each document once, and their facets added up. Pure functions.
//!
//! The rule is Meilisearch's: hits are compared by the values of their rules in turn, scores times the weight of their query; the hit whose rules
//! say more wins over one with which it agrees so far, and the query that comes first over one that comes later. Queries whose rules are not of
//! the same kinds in the same order cannot be compared.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashSet},
};

use indexmap::IndexMap;
use onggi_domain::{
    ApiError, Code,
    federation::{FacetRange, FederatedFacets, FederatedHit, FederatedList, OrderRule},
    settings::FacetOrder,
};
use serde_json::{Value, value::RawValue};

/// One query's hits, and the index that they are from.
#[derive(Debug)]
pub(crate) struct List {
    /// Tells indexes apart.
    pub(crate) index: usize,
    pub(crate) list: FederatedList,
}

/// Hits of all lists.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) hits: Vec<Box<RawValue>>,
    /// Hits that share a value with an earlier one that may only be there once.
    pub(crate) rejected: u64,
}

/// An error if the results of two queries cannot be put in one order. `lists` are in the order of their queries.
pub(crate) fn check_comparable(lists: &[List]) -> Result<(), ApiError> {
    // Whoever agrees with the longest as far as both go agrees with all the others.
    let Some(longest) = lists.iter().max_by_key(|list| (list.list.rules.len(), std::cmp::Reverse(list.list.position))) else {
        return Ok(());
    };
    for FederatedList { position, rules, .. } in lists.iter().map(|list| &list.list) {
        let pairs = longest.list.rules.iter().zip(rules);
        if let Some((at, (a, b))) = pairs.enumerate().find(|(_, (a, b))| a != b) {
            let (first, second) = (longest.list.position.min(*position), longest.list.position.max(*position));
            let (a, b) = if first == longest.list.position { (a, b) } else { (b, a) };
            return Err(ApiError::new(
                Code::InvalidMultiSearchQueryRankingRules,
                format!(
                    "Inside `.queries[{second}]`: The results of queries #{first} and #{second} are incompatible: \n  1. query #{first} orders by \
                     {} (rule {at})\n  2. query #{second} orders by {} (rule {at})\n  - Hint: give both queries the same kind of `sort`, and their \
                     indexes ranking rules of the same kinds.",
                    name(*a),
                    name(*b)
                ),
            ));
        }
    }
    Ok(())
}

fn name(rule: OrderRule) -> &'static str {
    match rule {
        OrderRule::Relevancy => "relevancy",
        OrderRule::Ascending => "a value, ascending",
        OrderRule::Descending => "a value, descending",
        OrderRule::Nearest => "a distance, ascending",
        OrderRule::Farthest => "a distance, descending",
    }
}

/// Merges lists that can be compared. `distinct`: hits that share one of their distinct values with an earlier one are left out.
pub(crate) fn merge(lists: Vec<List>, skip: usize, take: usize, distinct: bool) -> Merged {
    let mut lists: Vec<(usize, FederatedList, _)> = lists
        .into_iter()
        .map(|List { index, mut list }| {
            let hits = std::mem::take(&mut list.hits).into_iter().peekable();
            (index, list, hits)
        })
        .collect();
    let mut seen = HashSet::new();
    let mut values: HashSet<String> = HashSet::new();
    let (mut merged, mut rejected, mut place) = (Vec::new(), 0, 0);
    let end = skip.saturating_add(take);
    while distinct || place < end {
        let mut best: Option<(usize, &FederatedList, &FederatedHit)> = None;
        for (at, (_, list, hits)) in lists.iter_mut().enumerate() {
            let Some(hit) = hits.peek() else { continue };
            let wins = best.is_none_or(|(_, best_list, best_hit)| compare((list, hit), (best_list, best_hit)).is_lt());
            if wins {
                best = Some((at, list, hit));
            }
        }
        let Some((at, ..)) = best else { break };
        let (index, _, hits) = &mut lists[at];
        let Some(hit) = hits.next() else { break };
        if !seen.insert((*index, hit.document)) {
            continue;
        }
        if distinct {
            let own: Vec<String> = hit.distinct.iter().map(Value::to_string).collect();
            if own.iter().any(|value| values.contains(value)) {
                rejected += 1;
                continue;
            }
            values.extend(own);
        }
        if (skip..end).contains(&place) {
            merged.push(hit.hit);
        }
        place += 1;
    }
    Merged { hits: merged, rejected }
}

/// Which of two hits comes first.
fn compare((a_list, a): (&FederatedList, &FederatedHit), (b_list, b): (&FederatedList, &FederatedHit)) -> Ordering {
    let rules = a_list.rules.iter().zip(&a.values).zip(&b.values);
    let by_rule = |((rule, a), b): ((&OrderRule, &Value), &Value)| match rule {
        OrderRule::Relevancy => {
            let score = |value: &Value, list: &FederatedList| value.as_f64().unwrap_or_default() * list.weight;
            let (a, b) = (score(a, a_list), score(b, b_list));
            if (a - b).abs() <= f64::EPSILON { Ordering::Equal } else { b.total_cmp(&a) }
        }
        OrderRule::Ascending | OrderRule::Nearest => compare_values(a, b, false),
        OrderRule::Descending | OrderRule::Farthest => compare_values(a, b, true),
    };
    rules
        .map(by_rule)
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
        .then_with(|| b.values.len().cmp(&a.values.len()))
        .then_with(|| a_list.position.cmp(&b_list.position))
}

/// Numbers before strings and both before nothing, whatever the direction.
fn compare_values(a: &Value, b: &Value, descending: bool) -> Ordering {
    let directed = |order: Ordering| if descending { order.reverse() } else { order };
    let class = |value: &Value| match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        _ => 2,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => directed(a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())),
        (Value::String(a), Value::String(b)) => directed(a.cmp(b)),
        _ => class(a).cmp(&class(b)),
    }
}

/// Facets of several indexes, added up.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct MergedFacets {
    pub(crate) distribution: BTreeMap<String, IndexMap<String, u64>>,
    pub(crate) stats: BTreeMap<String, FacetRange>,
}

/// Adds facets of the same name up; of each at most so many values, in the order of the indexes. An error if they do not agree on that.
pub(crate) fn merge_facets(indexes: Vec<(&str, FederatedFacets)>, most: Option<usize>) -> Result<MergedFacets, ApiError> {
    let mut merged = MergedFacets::default();
    let mut orders: BTreeMap<String, (FacetOrder, &str)> = BTreeMap::new();
    for (uid, facets) in indexes {
        for (facet, order) in facets.order {
            let (known, first) = *orders.entry(facet.clone()).or_insert((order, uid));
            if known != order {
                let shown = |order| if order == FacetOrder::Alpha { "alphabetically" } else { "by count" };
                return Err(ApiError::new(
                    Code::InvalidMultiSearchFacetOrder,
                    format!(
                        "Inside `.federation.facetsByIndex.{uid}`: Inconsistent order for values in facet `{facet}`: index `{first}` orders {}, \
                         but index `{uid}` orders {}.\n - Hint: Remove `federation.mergeFacets` or change `faceting.sortFacetValuesBy` to be \
                         consistent in settings.",
                        shown(known),
                        shown(order)
                    ),
                ));
            }
        }
        for (facet, values) in facets.distribution {
            let sums = merged.distribution.entry(facet).or_default();
            for (value, count) in values {
                *sums.entry(value).or_default() += count;
            }
        }
        for (facet, range) in facets.stats {
            let sum = merged.stats.entry(facet).or_insert(range);
            *sum = FacetRange { min: sum.min.min(range.min), max: sum.max.max(range.max) };
        }
    }
    for (facet, values) in &mut merged.distribution {
        match orders.get(facet) {
            Some((FacetOrder::Count, _)) => values.sort_by(|a_value, a, b_value, b| b.cmp(a).then_with(|| a_value.cmp(b_value))),
            _ => values.sort_keys(),
        }
        values.truncate(most.unwrap_or(usize::MAX));
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn list(index: usize, position: usize, weight: f64, rules: &[OrderRule], hits: &[(u64, Value)]) -> List {
        let hit = |(document, values): &(u64, Value)| FederatedHit {
            document: *document,
            values: values.as_array().unwrap().clone(),
            distinct: vec![json!(document % 3)],
            hit: serde_json::value::to_raw_value(&json!({"index": index, "document": document, "query": position})).unwrap(),
        };
        List { index, list: FederatedList { position, weight, rules: rules.to_vec(), hits: hits.iter().map(hit).collect() } }
    }

    /// (index, document, query) of the merged hits.
    fn merged(lists: Vec<List>, skip: usize, take: usize, distinct: bool) -> Vec<(u64, u64, u64)> {
        let hits = merge(lists, skip, take, distinct).hits;
        let place = |hit: Box<RawValue>| {
            let hit: Value = serde_json::from_str(hit.get()).unwrap();
            (hit["index"].as_u64().unwrap(), hit["document"].as_u64().unwrap(), hit["query"].as_u64().unwrap())
        };
        hits.into_iter().map(place).collect()
    }

    use OrderRule::{Ascending, Descending, Nearest, Relevancy};

    #[test]
    fn the_higher_weighted_score_comes_first_and_the_earlier_query_when_they_are_equal() {
        let lists = || {
            vec![
                list(0, 0, 1.0, &[Relevancy], &[(1, json!([0.9])), (2, json!([0.5]))]),
                list(1, 1, 2.0, &[Relevancy], &[(1, json!([0.45])), (2, json!([0.4])), (3, json!([0.1]))]),
            ]
        };
        assert_eq!(merged(lists(), 0, 20, false), [(0, 1, 0), (1, 1, 1), (1, 2, 1), (0, 2, 0), (1, 3, 1)]);
        assert_eq!(merged(lists(), 1, 2, false), [(1, 1, 1), (1, 2, 1)]);
        assert_eq!(merged(lists(), 9, 2, false), []);
    }

    #[test]
    fn sorted_values_are_compared_as_in_one_index() {
        let rules = [Ascending, Relevancy];
        let lists = vec![
            list(0, 0, 1.0, &rules, &[(1, json!([2, 0.1])), (2, json!(["a", 0.9])), (3, json!([null, 1.0]))]),
            list(1, 1, 1.0, &rules, &[(1, json!([1, 0.1])), (2, json!([2, 0.3])), (3, json!(["b", 0.1]))]),
        ];
        assert_eq!(merged(lists, 0, 20, false), [(1, 1, 1), (1, 2, 1), (0, 1, 0), (0, 2, 0), (1, 3, 1), (0, 3, 0)]);
        let down = vec![
            list(0, 0, 1.0, &[Descending], &[(1, json!([9])), (2, json!([null]))]),
            list(1, 1, 1.0, &[Descending], &[(1, json!([10])), (2, json!([3]))]),
        ];
        assert_eq!(merged(down, 0, 20, false), [(1, 1, 1), (0, 1, 0), (1, 2, 1), (0, 2, 0)]);
    }

    #[test]
    fn a_document_that_several_queries_find_is_there_once_with_the_query_that_ranks_it_best() {
        let lists = vec![
            list(0, 0, 1.0, &[Relevancy], &[(1, json!([0.8])), (2, json!([0.2]))]),
            list(0, 1, 1.0, &[Relevancy], &[(2, json!([0.9])), (1, json!([0.1]))]),
            list(1, 2, 1.0, &[Relevancy], &[(1, json!([0.85]))]),
        ];
        assert_eq!(merged(lists, 0, 20, false), [(0, 2, 1), (1, 1, 2), (0, 1, 0)]);
    }

    #[test]
    fn hits_that_share_a_distinct_value_with_an_earlier_one_are_left_out_and_counted() {
        let lists = || {
            vec![
                list(0, 0, 1.0, &[Relevancy], &[(1, json!([0.9])), (4, json!([0.5]))]),
                list(1, 1, 1.0, &[Relevancy], &[(1, json!([0.8])), (2, json!([0.7]))]),
            ]
        };
        assert_eq!(merged(lists(), 0, 1, true), [(0, 1, 0)]);
        assert_eq!(merged(lists(), 0, 20, true), [(0, 1, 0), (1, 2, 1)]);
        assert_eq!(merge(lists(), 0, 1, true).rejected, 2, "also those behind the page");
    }

    #[test]
    fn queries_with_rules_of_different_kinds_cannot_be_merged() {
        let check = |rules: &[&[OrderRule]]| {
            let lists: Vec<List> = rules.iter().enumerate().map(|(at, rules)| list(at, at, 1.0, rules, &[])).collect();
            check_comparable(&lists)
        };
        assert!(check(&[]).is_ok());
        assert!(check(&[&[Relevancy], &[Relevancy, Ascending, Relevancy], &[], &[Relevancy, Ascending]]).is_ok());
        for (rules, queries) in [
            ([&[Relevancy][..], &[Ascending][..], &[][..]], "#0 and #1"),
            ([&[Ascending][..], &[][..], &[Descending, Relevancy][..]], "#0 and #2"),
            ([&[Relevancy, Ascending][..], &[Relevancy, Nearest][..], &[Relevancy][..]], "#0 and #1"),
        ] {
            let error = check(&rules).unwrap_err();
            assert_eq!(error.code, Code::InvalidMultiSearchQueryRankingRules);
            assert!(error.message.contains(queries), "{error}");
        }
    }

    fn facets(json: Value) -> FederatedFacets {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn facets_of_the_same_name_are_added_up_in_the_order_of_the_indexes() {
        let shop = || {
            facets(json!({
                "distribution": {"brand": {"b": 2, "a": 1}, "price": {"10": 1}}, "stats": {"price": {"min": 1.0, "max": 10.0}},
                "order": {"brand": "count", "price": "alpha"},
            }))
        };
        let blog = facets(json!({
            "distribution": {"brand": {"a": 3, "c": 1}, "price": {"9": 1}, "author": {"x": 1}}, "stats": {"price": {"min": -2.0, "max": 9.0}},
            "order": {"brand": "count", "price": "alpha", "author": "alpha"},
        }));
        let merged = merge_facets(vec![("shop", shop()), ("blog", blog)], Some(2)).unwrap();
        assert_eq!(
            serde_json::to_string(&merged.distribution).unwrap(),
            r#"{"author":{"x":1},"brand":{"a":4,"b":2},"price":{"10":1,"9":1}}"#
        );
        assert_eq!(merged.stats["price"], FacetRange { min: -2.0, max: 10.0 });
        let other = facets(json!({"distribution": {}, "stats": {}, "order": {"brand": "alpha"}}));
        let error = merge_facets(vec![("shop", shop()), ("other", other)], None).unwrap_err();
        assert_eq!(error.code, Code::InvalidMultiSearchFacetOrder);
        assert!(error.message.contains("facet `brand`: index `shop` orders by count, but index `other` orders alphabetically"), "{error}");
    }

    /// Document, score, value.
    type SomeHit = (u64, f64, Option<i8>);

    /// Index, weight and hits of each list: documents that several of them may hold.
    fn some_lists() -> impl Strategy<Value = Vec<(usize, f64, Vec<SomeHit>)>> {
        let hits = prop::collection::vec((0_u64..20, 0.0..1.0, prop::option::of(-3_i8..3)), 0..12);
        prop::collection::vec((0_usize..3, prop::sample::select(vec![0.0, 0.5, 1.0, 3.0]), hits), 0..6)
    }

    proptest! {
        #[test]
        fn merging_is_sorting_everything_and_keeping_the_first_of_each_document(given in some_lists(), skip in 0_usize..9, take in 0_usize..30) {
            let rules = [Descending, Relevancy];
            let lists = || -> Vec<List> {
                given.iter().enumerate().map(|(position, (index, weight, hits))| {
                    let mut known = HashSet::new();
                    let hits: Vec<(u64, Value)> = hits.iter().filter(|hit| known.insert(hit.0))
                        .map(|(document, score, value)| (*document, json!([value, score]))).collect();
                    let mut list = list(*index, position, *weight, &rules, &hits);
                    let order = FederatedList { hits: Vec::new(), rules: rules.to_vec(), ..list.list };
                    list.list.hits.sort_by(|a, b| compare((&order, a), (&order, b)));
                    list.list = FederatedList { hits: list.list.hits, ..order };
                    list
                }).collect()
            };
            let mut all: Vec<(usize, FederatedList, FederatedHit)> = Vec::new();
            for List { index, mut list } in lists() {
                for hit in std::mem::take(&mut list.hits) {
                    all.push((index, FederatedList { hits: Vec::new(), rules: list.rules.clone(), ..list }, hit));
                }
            }
            all.sort_by(|(_, a_list, a), (_, b_list, b)| compare((a_list, a), (b_list, b)));
            let mut known = HashSet::new();
            let expected: Vec<(u64, u64, u64)> = all.iter().filter(|(index, _, hit)| known.insert((*index, hit.document)))
                .map(|(index, list, hit)| (*index as u64, hit.document, list.position as u64)).skip(skip).take(take).collect();
            prop_assert_eq!(merged(lists(), skip, take, false), expected);
        }
    }
}
