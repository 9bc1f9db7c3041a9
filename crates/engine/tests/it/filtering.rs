//! Filters and facets against a plain evaluation of every document.

use std::collections::BTreeMap;

use onggi_engine::{Searcher, search::SearchRequest};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::Fixture;

/// A condition, as it is written and as it is meant.
#[derive(Debug, Clone)]
enum Condition {
    Equal(&'static str, String),
    NotEqual(&'static str, String),
    In(&'static str, Vec<String>),
    Compare(&'static str, &'static str, i32),
    Between(&'static str, i32, i32),
    Exists(&'static str),
    Null(&'static str),
    Empty(&'static str),
    StartsWith(&'static str, String),
    Contains(&'static str, String),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

fn written(condition: &Condition) -> String {
    match condition {
        Condition::Equal(name, value) => format!("{name} = '{value}'"),
        Condition::NotEqual(name, value) => format!("{name} != '{value}'"),
        Condition::In(name, values) => format!("{name} IN [{}]", values.iter().map(|v| format!("'{v}'")).collect::<Vec<_>>().join(", ")),
        Condition::Compare(name, sign, value) => format!("{name} {sign} {value}"),
        Condition::Between(name, from, to) => format!("{name} {from} TO {to}"),
        Condition::Exists(name) => format!("{name} EXISTS"),
        Condition::Null(name) => format!("{name} IS NULL"),
        Condition::Empty(name) => format!("{name} IS EMPTY"),
        Condition::StartsWith(name, value) => format!("{name} STARTS WITH '{value}'"),
        Condition::Contains(name, value) => format!("{name} CONTAINS '{value}'"),
        Condition::Not(part) => format!("NOT ({})", written(part)),
        Condition::And(a, b) => format!("({}) AND ({})", written(a), written(b)),
        Condition::Or(a, b) => format!("({}) OR ({})", written(a), written(b)),
    }
}

fn scalars(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().flat_map(|item| scalars(Some(item))).collect(),
        Some(Value::Null) | None => Vec::new(),
        // An empty string is no value: `IS EMPTY` finds it.
        Some(Value::String(text)) if text.is_empty() => Vec::new(),
        Some(value) => vec![value],
    }
}

fn equal(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Number(number) => wanted.parse::<f64>().is_ok_and(|wanted| number.as_f64() == Some(wanted)),
        Value::Bool(flag) => flag.to_string() == wanted.to_lowercase(),
        Value::String(text) => text.to_lowercase() == wanted.to_lowercase(),
        _ => false,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_lowercase()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn meant(condition: &Condition, document: &Value) -> bool {
    let any = |name: &str, fits: &dyn Fn(&Value) -> bool| scalars(document.get(name)).into_iter().any(fits);
    match condition {
        Condition::Equal(name, wanted) => any(name, &|value| equal(value, wanted)),
        Condition::NotEqual(name, wanted) => !any(name, &|value| equal(value, wanted)),
        Condition::In(name, values) => any(name, &|value| values.iter().any(|wanted| equal(value, wanted))),
        Condition::Compare(name, sign, wanted) => any(name, &|value| {
            value.as_f64().is_some_and(|value| match *sign {
                "<" => value < f64::from(*wanted),
                "<=" => value <= f64::from(*wanted),
                ">" => value > f64::from(*wanted),
                _ => value >= f64::from(*wanted),
            })
        }),
        Condition::Between(name, from, to) => {
            any(name, &|value| value.as_f64().is_some_and(|value| (f64::from(*from)..=f64::from(*to)).contains(&value)))
        }
        Condition::Exists(name) => document.get(name).is_some(),
        Condition::Null(name) => document.get(name).is_some_and(Value::is_null),
        Condition::Empty(name) => document.get(name).is_some_and(|value| *value == json!("") || *value == json!([]) || *value == json!({})),
        Condition::StartsWith(name, prefix) => any(name, &|value| text(value).is_some_and(|text| text.starts_with(&prefix.to_lowercase()))),
        Condition::Contains(name, part) => any(name, &|value| text(value).is_some_and(|text| text.contains(&part.to_lowercase()))),
        Condition::Not(part) => !meant(part, document),
        Condition::And(a, b) => meant(a, document) && meant(b, document),
        Condition::Or(a, b) => meant(a, document) || meant(b, document),
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "c"])
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(["Red", "red", "Reddish", "blue", "1", "2.5", "true", "ÉTÉ", "été"].map(str::to_owned).to_vec())
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        (name(), word()).prop_map(|(name, value)| Condition::Equal(name, value)),
        (name(), word()).prop_map(|(name, value)| Condition::NotEqual(name, value)),
        (name(), prop::collection::vec(word(), 0..3)).prop_map(|(name, values)| Condition::In(name, values)),
        (name(), prop::sample::select(vec!["<", "<=", ">", ">="]), -3..4)
            .prop_map(|(name, sign, value)| Condition::Compare(name, sign, value)),
        (name(), -3..4, -3..4).prop_map(|(name, from, to)| Condition::Between(name, from, to)),
        name().prop_map(Condition::Exists),
        name().prop_map(Condition::Null),
        name().prop_map(Condition::Empty),
        (name(), word()).prop_map(|(name, value)| Condition::StartsWith(name, value)),
        (name(), word()).prop_map(|(name, value)| Condition::Contains(name, value)),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Condition::Not(Box::new(part))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Condition::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| Condition::Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        word().prop_map(Value::from),
        (-3..4).prop_map(Value::from),
        (-3..4).prop_map(|n| json!(f64::from(n) + 0.5)),
        any::<bool>().prop_map(Value::from),
        Just(json!("")),
        Just(Value::Null),
    ];
    prop_oneof![3 => scalar.clone(), 1 => prop::collection::vec(scalar, 0..3).prop_map(Value::from)]
}

fn documents() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(prop::collection::btree_map(name(), value(), 0..4), 1..12).prop_map(|documents| {
        let with_id = |(id, fields): (usize, BTreeMap<&str, Value>)| {
            let mut document = json!({"id": id});
            for (name, value) in fields {
                document[name] = value;
            }
            document
        };
        documents.into_iter().enumerate().map(with_id).collect()
    })
}

fn searcher(documents: &[Value]) -> Searcher {
    let mut index = Fixture::new();
    index.settings(json!({"filterableAttributes": ["a", "b", "c"]}));
    let half = documents.len() / 2;
    for part in [&documents[..half], &documents[half..]] {
        if !part.is_empty() {
            index.add(part);
            index.commit();
        }
    }
    index.searcher()
}

fn ask(searcher: &Searcher, request: &Value) -> Value {
    let request = SearchRequest::from_json(request.to_string().as_bytes()).unwrap();
    serde_json::to_value(searcher.search(&request, None).unwrap().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_finds_what_it_means(documents in documents(), conditions in prop::collection::vec(condition(), 30)) {
        let searcher = searcher(&documents);
        for condition in &conditions {
            let answer = ask(&searcher, &json!({"filter": written(condition), "limit": 100}));
            let found: Vec<&Value> = answer["hits"].as_array().unwrap().iter().map(|hit| &hit["id"]).collect();
            let expected: Vec<&Value> = documents.iter().filter(|document| meant(condition, document)).map(|document| &document["id"]).collect();
            prop_assert_eq!(found, expected, "{}", written(condition));
        }
    }

    #[test]
    fn facets_count_each_value_of_what_matches(documents in documents(), condition in condition()) {
        let answer = ask(&searcher(&documents), &json!({"filter": written(&condition), "facets": ["a"], "limit": 0}));
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for document in documents.iter().filter(|document| meant(&condition, document)) {
            let mut values: Vec<String> = scalars(document.get("a")).into_iter().map(|value| match value {
                Value::String(text) => text.to_lowercase(),
                Value::Number(number) => format!("#{}", number.as_f64().unwrap()),
                other => other.to_string(),
            }).collect();
            values.sort();
            values.dedup();
            for value in values {
                *expected.entry(value).or_default() += 1;
            }
        }
        let mut shown: BTreeMap<String, u64> = BTreeMap::new();
        for (value, count) in expected {
            *shown.entry(value.trim_start_matches('#').to_owned()).or_default() += count;
        }
        let mut expected: Vec<u64> = shown.into_values().collect();
        let mut found: Vec<u64> = answer["facetDistribution"]["a"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).collect();
        expected.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
    }
}
