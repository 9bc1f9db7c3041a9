//! In which order answers come.

use onggi_engine::{Searcher, search::SearchRequest};
use serde_json::{Value, json};

use crate::support::Fixture;

/// An index of documents with these settings.
fn index(settings: Value, documents: &[Value]) -> Searcher {
    let mut index = Fixture::new();
    index.settings(settings);
    index.add(documents);
    index.searcher()
}

/// The ids of the answers to a request.
fn ids(searcher: &Searcher, request: &Value) -> Vec<u64> {
    let body = request.to_string();
    let request = SearchRequest::from_json(body.as_bytes()).unwrap();
    let answer = searcher.search(&request, None).unwrap().unwrap();
    answer.hits.iter().map(|hit| serde_json::from_str::<Value>(hit.get()).unwrap()["id"].as_u64().unwrap()).collect()
}

/// An index of one text attribute; ids count from 0.
fn texts(texts: &[&str]) -> Searcher {
    let documents: Vec<Value> = texts.iter().enumerate().map(|(id, text)| json!({"id": id, "text": text})).collect();
    index(json!({"searchableAttributes": ["text"]}), &documents)
}

#[test]
fn exact_before_inflected_before_prefix_before_typo() {
    let searcher = texts(&["helo world", "helloween night", "hello there and more words around it", "hellos"]);
    assert_eq!(ids(&searcher, &json!({"q": "hello"})), [2, 3, 1, 0]);
}

#[test]
fn a_last_word_is_a_prefix_unless_a_space_follows_or_it_is_quoted() {
    let searcher = texts(&["pineapple", "pine tree", "a spine"]);
    assert_eq!(ids(&searcher, &json!({"q": "pin"})), [0, 1]);
    assert_eq!(ids(&searcher, &json!({"q": "pin "})), [] as [u64; 0]);
    assert_eq!(ids(&searcher, &json!({"q": "\"pine\""})), [1]);
    assert_eq!(ids(&searcher, &json!({"q": "pine"})), [1, 0]);
}

#[test]
fn one_typo_from_five_letters_two_from_nine_and_the_first_letter_counts_double() {
    let searcher = texts(&["kefir", "synthesizer", "cat"]);
    for (q, found) in [
        ("kefri ", vec![0]),
        ("kefi", vec![0]),
        ("kefzz ", vec![]),
        ("zefir ", vec![]),
        ("sinthesiser ", vec![1]),
        ("xynthesizer ", vec![1]),
        ("xinthesizer ", vec![]),
        ("cst ", vec![]),
    ] {
        assert_eq!(ids(&searcher, &json!({"q": q})), found, "{q}");
    }
}

#[test]
fn typos_can_be_switched_off_for_all_for_words_and_for_attributes() {
    let documents = [json!({"id": 0, "title": "kefir"}), json!({"id": 1, "code": "kefir"})];
    for (typos, q, found) in [
        (json!({"enabled": false}), "kefri ", vec![]),
        (json!({"disableOnWords": ["kefri"]}), "kefri ", vec![]),
        (json!({"disableOnAttributes": ["code"]}), "kefri ", vec![0]),
        (json!({"minWordSizeForTypos": {"oneTypo": 6}}), "kefri ", vec![]),
        (json!({}), "kefri ", vec![0, 1]),
    ] {
        let searcher = index(json!({"typoTolerance": typos, "searchableAttributes": ["title", "code"]}), &documents);
        assert_eq!(ids(&searcher, &json!({"q": q})), found, "{typos}");
    }
}

#[test]
fn the_first_attribute_before_the_last_whatever_the_length() {
    let documents = [
        json!({"id": 0, "b": "shoes"}),
        json!({"id": 1, "a": "a long title that has shoes somewhere among many other words"}),
        json!({"id": 2, "c": "shoes shoes shoes"}),
    ];
    let searcher = index(json!({"searchableAttributes": ["a", "b", "c"]}), &documents);
    assert_eq!(ids(&searcher, &json!({"q": "shoes"})), [1, 0, 2]);
    assert_eq!(ids(&searcher, &json!({"q": "shoes", "attributesToSearchOn": ["c", "b"]})), [0, 2]);
}

#[test]
fn attributes_to_search_on_may_have_a_star_at_either_end() {
    let documents = [
        json!({"id": 0, "title": "jar"}),
        json!({"id": 1, "subtitle": "jar"}),
        json!({"id": 2, "info": {"name": "jar"}}),
        json!({"id": 3, "note": "jar"}),
    ];
    for searchable in [json!(["title", "subtitle", "info.name", "note"]), json!(["title", "subtitle", "info", "note"]), json!(["*"])] {
        let searcher = index(json!({"searchableAttributes": searchable}), &documents);
        for (only, found) in [("*title", vec![0, 1]), ("*.name", vec![2]), ("*n*", vec![2, 3]), ("sub*", vec![1]), ("*", vec![0, 1, 2, 3])]
        {
            let mut ids = ids(&searcher, &json!({"q": "jar", "attributesToSearchOn": [only]}));
            ids.sort_unstable();
            assert_eq!(ids, found, "{only} of {searchable}");
        }
    }
}

#[test]
fn close_before_far_and_in_order_before_turned_round() {
    let searcher = texts(&[
        "red and very nice but not so cheap leather shoes",
        "shoes red leather and very nice but not so cheap",
        "red shoes leather and very nice but not so cheap",
        "leather and very nice but not so cheap red big shoes",
    ]);
    assert_eq!(ids(&searcher, &json!({"q": "red shoes"}))[0], 2);
    assert_eq!(*ids(&searcher, &json!({"q": "red shoes"})).last().unwrap(), 0);
}

#[test]
fn the_attribute_that_is_the_query_before_one_that_holds_it() {
    let searcher = texts(&["the big apple pie", "apple pie recipe", "apple pie"]);
    assert_eq!(ids(&searcher, &json!({"q": "apple pie"})), [2, 1, 0]);
}

#[test]
fn rare_words_say_more_than_common_ones() {
    let mut lines: Vec<String> = (0..40).map(|n| format!("package number {n}")).collect();
    lines.push("quokka".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(ids(&texts(&lines), &json!({"q": "package quokka "}))[0], 40);
}

#[test]
fn strategies_say_which_words_may_be_missing() {
    let searcher = texts(&["big fat liar", "big fat cat", "big dog", "liar", "tiny"]);
    assert_eq!(ids(&searcher, &json!({"q": "big fat liar", "matchingStrategy": "all"})), [0]);
    let last = ids(&searcher, &json!({"q": "big fat liar"}));
    assert_eq!((last[0], last.len()), (0, 4));
    let rarest = ids(&searcher, &json!({"q": "big cat ", "matchingStrategy": "frequency"}));
    assert_eq!(rarest, [1]);
}

#[test]
fn phrases_have_to_be_there_and_negative_words_must_not() {
    let searcher = texts(&["red running shoes", "running red shoes", "shoes for red runners", "red shoes"]);
    assert_eq!(ids(&searcher, &json!({"q": "\"red running\""})), [0]);
    assert_eq!(ids(&searcher, &json!({"q": "\"red shoes\" running"})), [1, 3]);
    assert_eq!(ids(&searcher, &json!({"q": "shoes -running"})), [2, 3]);
    assert_eq!(ids(&searcher, &json!({"q": "-running"})), [2, 3]);
    assert_eq!(ids(&searcher, &json!({"q": "shoes -\"red running\" -\"running red\""})), [2, 3]);
}

#[test]
fn synonyms_are_found_after_the_word_itself() {
    let synonyms = json!({"phone": ["mobile", "cell device"], "new york": ["nyc"]});
    let documents: Vec<Value> = ["a mobile", "my phone", "one cell device", "device cell", "nyc pizza", "york"]
        .iter()
        .enumerate()
        .map(|(id, text)| json!({"id": id, "text": text}))
        .collect();
    let searcher = index(json!({"synonyms": synonyms, "searchableAttributes": ["text"]}), &documents);
    assert_eq!(ids(&searcher, &json!({"q": "phone "})), [1, 0, 2]);
    assert_eq!(ids(&searcher, &json!({"q": "new york "}))[0], 4);
}

#[test]
fn equal_documents_stay_in_the_order_they_came_over_all_pages() {
    let lines = vec!["same words here"; 30];
    let searcher = texts(&lines);
    for q in ["same", "", "same words"] {
        let all: Vec<u64> = (0..6).flat_map(|page| ids(&searcher, &json!({"q": q, "offset": page * 5, "limit": 5}))).collect();
        assert_eq!(all, (0..30).collect::<Vec<u64>>(), "{q}");
    }
}

#[test]
fn sort_orders_what_matches_equally_well_and_custom_rules_come_at_their_place() {
    let documents = [
        json!({"id": 0, "text": "blue shirt", "price": 30, "rank": 1}),
        json!({"id": 1, "text": "blue shirt with a very long description", "price": 10, "rank": 2}),
        json!({"id": 2, "text": "blu shirt", "price": 1, "rank": 3}),
        json!({"id": 3, "text": "blue shirt", "rank": 3}),
        json!({"id": 4, "text": "blue shirt", "price": "n/a", "rank": 1}),
    ];
    let settings = |rules: Value| json!({"rankingRules": rules, "sortableAttributes": ["price"], "searchableAttributes": ["text"]});
    // The default, and what it was before `attribute` came in two parts.
    for rules in [json!(null), json!(["words", "typo", "proximity", "attribute", "sort", "exactness"])] {
        let default = index(settings(rules), &documents);
        assert_eq!(ids(&default, &json!({"q": "blue", "sort": ["price:asc"]})), [1, 0, 4, 3]);
        assert_eq!(ids(&default, &json!({"q": "blue", "sort": ["price:desc"]})), [0, 1, 4, 3]);
        assert_eq!(ids(&default, &json!({"sort": ["price:asc"]})), [2, 1, 0, 4, 3]);
    }

    let first = index(settings(json!(["sort", "words", "typo"])), &documents);
    assert_eq!(ids(&first, &json!({"q": "blue shirt", "sort": ["price:asc"]})), [2, 1, 0, 4, 3]);

    let custom = index(settings(json!(["words", "typo", "rank:desc"])), &documents);
    assert_eq!(ids(&custom, &json!({"q": "blue"})), [3, 1, 0, 4]);
    let custom = index(settings(json!(["rank:desc", "words", "typo"])), &documents);
    assert_eq!(ids(&custom, &json!({"q": "blue shirt"})), [3, 2, 1, 0, 4]);
}

#[test]
fn hangul_is_found_by_parts_of_words_and_by_leading_consonants() {
    let searcher = texts(&["전문검색엔진", "검색 인덱스", "자동차"]);
    assert_eq!(ids(&searcher, &json!({"q": "검색"})), [1, 0]);
    assert_eq!(ids(&searcher, &json!({"q": "ㅈㄷㅊ"})), [2]);
}
