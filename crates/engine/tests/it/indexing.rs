//! What operations do to documents, counts and settings.

use std::fs;

use onggi_domain::{
    Code,
    limits::Limits,
    log::{DocumentMethod, Operation},
};
use onggi_engine::{Indexer, Options, Searcher, search::SearchRequest};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Fixture, documents, options};

#[test]
fn documents_come_back_as_they_came_in_the_order_they_came() {
    let mut index = Fixture::new();
    index.indexer.begin_documents(DocumentMethod::Replace, "id").unwrap();
    index.indexer.add_documents(b"{\"id\":2, \"price\": 1.50}\n{\"id\":\"a\",\"x\":[ ]}\n").unwrap();
    let details = index.indexer.end_documents().unwrap().unwrap();
    assert_eq!(Value::from(details), json!({"receivedDocuments": 2, "indexedDocuments": 2}));
    let searcher = index.searcher();
    assert_eq!(searcher.document("2", None).unwrap().unwrap().get(), r#"{"id":2, "price": 1.50}"#);
    assert_eq!(documents(&searcher), [json!({"id": 2, "price": 1.5}), json!({"id": "a", "x": []})]);
}

#[test]
fn what_does_not_exist_can_be_left_out() {
    let mut index = Fixture::new();
    index.add(&[json!({"id": 1, "a": 1, "b": 1})]);
    let documents = [json!({"id": 1, "a": 2}), json!({"id": 2, "new": 1})];
    index.add_in_blocks(DocumentMethod::UpdateExisting, &documents, 1).unwrap();
    assert_eq!(index.documents(), [json!({"id": 1, "a": 2, "b": 1})]);
    index.add_in_blocks(DocumentMethod::ReplaceExisting, &documents, 2).unwrap();
    assert_eq!(index.documents(), [json!({"id": 1, "a": 2})]);
    let fields: Vec<String> = index.commit().state.fields.keys().cloned().collect();
    assert!(!fields.contains(&"new".to_owned()), "{fields:?}");
}

#[test]
fn a_replaced_document_keeps_its_place() {
    let mut index = Fixture::new();
    index.add(&[json!({"id": 1, "a": 1}), json!({"id": 2}), json!({"id": 1, "b": 1})]);
    assert_eq!(index.documents(), [json!({"id": 1, "b": 1}), json!({"id": 2})]);
    index.add(&[json!({"id": 2, "c": 1})]);
    index.add(&[json!({"id": 1, "c": 1})]);
    assert_eq!(index.documents(), [json!({"id": 1, "c": 1}), json!({"id": 2, "c": 1})]);
    let state = index.commit().state;
    assert_eq!((state.documents, state.next_ord), (2, 2));
    let counts: Vec<(&str, u64)> = state.fields.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(counts, [("id", 2), ("a", 0), ("b", 0), ("c", 2)]);
    assert_eq!(state.raw_bytes, 2 * r#"{"id":1,"c":1}"#.len() as u64);
}

#[test]
fn an_update_merges_with_what_is_stored_and_with_what_is_not_committed_yet() {
    let mut index = Fixture::new();
    index.add(&[json!({"id": 1, "a": {"x": 1}, "b": 1})]);
    index.update(&[json!({"id": 1, "a": {"y": 1}}), json!({"id": 1, "c": 1}), json!({"id": 2, "d": 1})]);
    let expected = [json!({"id": 1, "a": {"y": 1}, "b": 1, "c": 1}), json!({"id": 2, "d": 1})];
    assert_eq!(index.documents(), expected);
    index.update(&[json!({"id": 2, "e": 1})]);
    assert_eq!(index.documents()[1], json!({"id": 2, "d": 1, "e": 1}));
}

#[test]
fn deletions_say_how_many_there_were() {
    let mut index = Fixture::new();
    index.settings(json!({"filterableAttributes": ["n"]}));
    let all: Vec<Value> = (0..6).map(|n| json!({"id": n, "n": n})).collect();
    index.add(&all);
    let ids = ["1", "1", "unknown"].map(str::to_owned).to_vec();
    let details = index.apply(&Operation::DeleteDocuments { ids }).unwrap();
    assert_eq!(Value::from(details), json!({"providedIds": 3, "deletedDocuments": 1, "originalFilter": null}));
    let details = index.apply(&Operation::DeleteByFilter { filter: json!("n = 4") }).unwrap();
    assert_eq!(details["deletedDocuments"], 1);
    assert_eq!(index.documents().len(), 4);
    let error = index.apply(&Operation::DeleteByFilter { filter: json!("m = 4") }).unwrap_err();
    assert_eq!(error.code, Code::InvalidDocumentFilter);
    index.add(&[json!({"id": 7})]);
    assert_eq!(index.apply(&Operation::DeleteAllDocuments).unwrap()["deletedDocuments"], 5);
    index.add(&[json!({"id": 8})]);
    assert_eq!(index.documents(), [json!({"id": 8})]);
    assert_eq!(index.commit().state.documents, 1);
}

#[test]
fn settings_that_change_the_columns_rebuild_and_keep_the_order() {
    let mut index = Fixture::new();
    let all: Vec<Value> = (0..50).map(|n| json!({"id": n, "even": n % 2 == 0})).collect();
    index.add(&all);
    index.add(&[json!({"id": 3, "even": true})]);
    let details = index.settings(json!({"filterableAttributes": ["even"], "stopWords": ["the"]}));
    assert_eq!(details["stopWords"], json!(["the"]));
    assert_eq!(index.apply(&Operation::DeleteByFilter { filter: json!("even = TRUE") }).unwrap()["deletedDocuments"], 26);
    let left: Vec<u64> = index.documents().iter().map(|document| document["id"].as_u64().unwrap()).collect();
    let expected: Vec<u64> = (0..50).filter(|n| n % 2 == 1 && *n != 3).collect();
    assert_eq!(left, expected);
}

#[test]
fn a_task_that_fails_changes_nothing() {
    for block in [1, 2, usize::MAX] {
        let mut index = Fixture::with_options(Options { limits: Limits { fields: 4, ..Limits::default() }, ..options() });
        index.add(&[json!({"id": 1, "a": 1})]);
        let before = index.commit().state;
        let refused = [json!({"id": 1, "b": 1}), json!({"id": 2}), json!({"id": 3, "c": 1, "d": 1, "e": 1}), json!({"id": 4})];
        let error = index.add_in_blocks(DocumentMethod::Replace, &refused, block).unwrap_err();
        assert_eq!(error.code, Code::MaxFieldsLimitExceeded);
        assert_eq!(index.commit().state, before, "in blocks of {block}");
        assert_eq!(index.documents(), [json!({"id": 1, "a": 1})]);
        index.add(&[json!({"id": 2, "a": 2})]);
        assert_eq!(index.documents().len(), 2);
    }
}

#[test]
fn an_update_keeps_a_point_that_was_taken_when_nothing_used_it() {
    for block in [1, usize::MAX] {
        let mut index = Fixture::new();
        index.add(&[json!({"id": 1, "_geo": {"lat": "", "lng": ""}}), json!({"id": 2, "_geo": {"lat": 1, "lng": 2}})]);
        index.settings(json!({"filterableAttributes": ["_geo"]}));
        let update = [json!({"id": 1, "title": "x"}), json!({"id": 2, "title": "y"})];
        index.add_in_blocks(DocumentMethod::Update, &update, block).unwrap();
        assert_eq!(index.documents()[0], json!({"id": 1, "_geo": {"lat": "", "lng": ""}, "title": "x"}));
        let request = SearchRequest::from_json(br#"{"filter": "_geoRadius(1, 2, 1000)"}"#).unwrap();
        let found = index.searcher().search(&request, None).unwrap().unwrap();
        assert_eq!(found.hits.len(), 1);
        let error = index.add_in_blocks(DocumentMethod::Update, &[json!({"id": 1, "_geo": {"lat": "", "lng": ""}})], block).unwrap_err();
        assert_eq!(error.code, Code::InvalidDocumentGeoField);
    }
}

#[test]
fn an_id_is_an_attribute_of_the_document_whatever_its_name_looks_like() {
    for (key, nested) in [("a.b", json!({"b": "other"})), ("_geo.lat", json!({"lat": 1, "lng": 2}))] {
        let mut index = Fixture::new();
        let outer = key.split('.').next().unwrap();
        let document = json!({outer: nested, key: 7});
        index.indexer.begin_documents(DocumentMethod::Replace, key).unwrap();
        index.indexer.add_documents(document.to_string().as_bytes()).unwrap();
        index.indexer.end_documents().unwrap().unwrap();
        assert!(index.searcher().document("7", None).unwrap().is_some());
    }
}

#[test]
fn an_id_may_lie_within_objects_and_stays_in_every_kind_of_update() {
    let mut index = Fixture::new();
    let mut add = |method: DocumentMethod, document: Value| {
        index.indexer.begin_documents(method, "o.id").unwrap();
        index.indexer.add_documents(document.to_string().as_bytes()).unwrap();
        index.indexer.end_documents().unwrap().unwrap();
    };
    add(DocumentMethod::Replace, json!({"o": {"id": 1, "p": 2}, "a": 1}));
    add(DocumentMethod::Replace, json!({"o.id": "x", "a": 1}));
    // An update replaces attributes of the document itself, the one with the id too.
    add(DocumentMethod::Update, json!({"o": {"id": "1"}, "b": 2}));
    // Both spellings of one id end up in one document.
    add(DocumentMethod::Update, json!({"o": {"id": "x"}, "b": 2}));
    add(DocumentMethod::Update, json!({"o": {"id": "x"}, "c": 3}));
    index.settings(json!({"filterableAttributes": ["o.id"]}));
    let searcher = index.searcher();
    let document = |id: &str| searcher.document(id, None).unwrap().map(|raw| serde_json::from_str::<Value>(raw.get()).unwrap());
    assert_eq!(document("1"), Some(json!({"o": {"id": "1"}, "a": 1, "b": 2})));
    assert_eq!(document("x"), Some(json!({"o.id": "x", "a": 1, "o": {"id": "x"}, "b": 2, "c": 3})));
    assert_eq!(index.apply(&Operation::DeleteDocuments { ids: vec!["1".to_owned()] }).unwrap()["deletedDocuments"], 1);
    assert_eq!(index.documents().len(), 1);
}

#[test]
fn many_deletions_are_committed_as_they_come() {
    let mut index = Fixture::with_options(Options { memory_bytes: 1 << 20, ..options() });
    let documents: Vec<_> = (0..3000).map(|id| json!({"id": id, "even": id % 2 == 0})).collect();
    index.settings(json!({"filterableAttributes": ["even"]}));
    index.add(&documents);
    let deleted = index.apply(&Operation::DeleteByFilter { filter: json!("even = true") }).unwrap();
    assert_eq!(deleted["deletedDocuments"], 1500);
    index.add(&documents[1000..2000]);
    let state = index.commit().state;
    assert_eq!((state.documents, index.documents().len()), (2000, 2000));
}

#[test]
fn the_primary_key_stays_once_there_are_documents() {
    let mut index = Fixture::new();
    index.apply(&Operation::SetPrimaryKey { primary_key: "sku".to_owned() }).unwrap();
    index.apply(&Operation::SetPrimaryKey { primary_key: "id".to_owned() }).unwrap();
    index.add(&[json!({"id": 1})]);
    let error = index.apply(&Operation::SetPrimaryKey { primary_key: "sku".to_owned() }).unwrap_err();
    assert_eq!(error.code, Code::IndexPrimaryKeyAlreadyExists);
    assert_eq!(index.commit().state.primary_key.as_deref(), Some("id"));
}

#[test]
fn a_commit_can_be_carried_on_elsewhere_by_hard_links_without_touching_the_original() {
    let mut index = Fixture::new();
    // So many that one deletion is no reason to merge, which would hold files in the background.
    let all: Vec<Value> = (1..9).map(|id| json!({"id": id})).collect();
    index.add(&all);
    let commit = index.commit();
    let elsewhere = tempfile::tempdir().unwrap();
    for file in &commit.files {
        fs::hard_link(index.directory.path().join(file), elsewhere.path().join(file)).unwrap();
    }
    fs::write(elsewhere.path().join("meta.json"), &commit.meta_json).unwrap();
    let originals: Vec<Vec<u8>> = commit.files.iter().map(|file| fs::read(index.directory.path().join(file)).unwrap()).collect();

    let mut carried_on = Indexer::open(elsewhere.path(), commit.state.clone(), options()).unwrap();
    carried_on.apply(&Operation::DeleteDocuments { ids: vec!["1".to_owned()] }).unwrap().unwrap();
    let next = carried_on.commit().unwrap();
    let searcher = Searcher::open(elsewhere.path(), &next.meta_json, next.state, options()).unwrap();
    assert_eq!(documents(&searcher), all[1..]);
    let after: Vec<Vec<u8>> = commit.files.iter().map(|file| fs::read(index.directory.path().join(file)).unwrap()).collect();
    assert_eq!(originals, after);
    assert_eq!(index.documents(), all);

    carried_on.apply(&Operation::DeleteAllDocuments).unwrap().unwrap();
    carried_on.commit().unwrap();
    let left: Vec<_> = commit.files.iter().filter(|file| elsewhere.path().join(file).exists()).collect();
    assert!(left.is_empty(), "files that nothing needs are removed: {left:?}");
}

#[test]
fn a_damaged_line_is_an_error_that_says_so() {
    let mut index = Fixture::new();
    index.indexer.begin_documents(DocumentMethod::Replace, "id").unwrap();
    index.indexer.add_documents(b"{\"id\":1}\n{\"id\":").unwrap();
    let error = index.indexer.end_documents().unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

/// A step of the property test; ids and attributes are few, so that steps meet.
#[derive(Debug, Clone)]
enum Step {
    Add(DocumentMethod, Vec<(u8, u8, u8)>),
    Delete(Vec<u8>),
    DeleteAll,
    Search(Vec<&'static str>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let method = prop_oneof![Just(DocumentMethod::Replace), Just(DocumentMethod::Update)];
    let documents = prop::collection::vec((0..8_u8, 0..4_u8, any::<u8>()), 1..6);
    let step = prop_oneof![
        6 => (method, documents).prop_map(|(method, documents)| Step::Add(method, documents)),
        2 => prop::collection::vec(0..8_u8, 1..4).prop_map(Step::Delete),
        1 => Just(Step::DeleteAll),
        1 => prop_oneof![Just(vec!["*"]), Just(vec!["a1", "a0"])].prop_map(Step::Search),
    ];
    prop::collection::vec(step, 1..12)
}

/// Applies steps with a commit after each whose bit is set; the documents, and the state without what depends on when it was written.
fn fold(steps: &[Step], commits: u16) -> (Vec<Value>, Value) {
    let mut index = Fixture::new();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Add(method, documents) => {
                let documents: Vec<Value> =
                    documents.iter().map(|(id, name, value)| json!({"id": id, format!("a{name}"): value})).collect();
                index.add_in_blocks(*method, &documents, 2).unwrap();
            }
            Step::Delete(ids) => {
                index.apply(&Operation::DeleteDocuments { ids: ids.iter().map(u8::to_string).collect() }).unwrap();
            }
            Step::DeleteAll => {
                index.apply(&Operation::DeleteAllDocuments).unwrap();
            }
            Step::Search(attributes) => {
                index.settings(json!({"searchableAttributes": attributes}));
            }
        }
        if commits >> (number % 16) & 1 == 1 {
            index.commit();
        }
    }
    let documents = index.documents();
    (documents, serde_json::to_value(index.commit().state).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn where_commits_fall_changes_nothing(steps in steps(), commits in any::<u16>()) {
        let (documents, state) = fold(&steps, 0);
        prop_assert_eq!(&fold(&steps, commits), &(documents.clone(), state.clone()));
        prop_assert_eq!(state["documents"].as_u64(), Some(documents.len() as u64));
        let bytes: usize = documents.iter().map(|document| document.to_string().len()).sum();
        prop_assert_eq!(state["rawBytes"].as_u64(), Some(bytes as u64));
        for (name, count) in state["fields"].as_object().unwrap() {
            let expected = documents.iter().filter(|document| document.get(name).is_some()).count();
            prop_assert_eq!(count.as_u64(), Some(expected as u64), "{}", name);
        }
    }
}
