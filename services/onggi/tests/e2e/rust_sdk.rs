//! The official Rust client, unmodified. It is a dependency of this test and not a project of its own, because most of what it needs is built anyway.

use std::{collections::HashMap, time::Duration};

use meilisearch_sdk::{
    client::{Client, SwapIndexes},
    documents::{DocumentDeletionQuery, DocumentsQuery},
    errors::{Error, ErrorCode},
    key::{Action, KeyBuilder, KeyUpdater},
    search::{FacetSearchQuery, FederationOptions, MatchingStrategies, MergeFacets, SearchQuery, Selectors},
    settings::{
        FacetingSettings, LocalizedAttributes, MinWordSizeForTypos, PaginationSetting, PrefixSearchSettings, Settings,
        TypoToleranceSettings,
    },
    task_info::TaskInfo,
    tasks::{Task, TasksSearchQuery},
};
use serde_json::{Value, json};

use crate::sdks::some_documents;

const WAIT: (Option<Duration>, Option<Duration>) = (Some(Duration::from_millis(10)), Some(Duration::from_mins(1)));

async fn done(client: &Client, info: Result<TaskInfo, Error>) {
    let task = client.wait_for_task(info.unwrap(), WAIT.0, WAIT.1).await.unwrap();
    assert!(matches!(task, Task::Succeeded { .. }), "{task:?}");
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> ErrorCode {
    match answer.unwrap_err() {
        Error::Meilisearch(error) => error.error_code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_rust_client_works_unmodified() {
    let onggi = crate::onggi().await;
    let client = Client::new(onggi.url(), Some(onggi.key())).unwrap();
    assert!(client.is_healthy().await);
    let documents = some_documents(3000);
    done(&client, client.create_index("packages", Some("id")).await).await;
    let index = client.index("packages");
    let settings = Settings::new()
        .with_searchable_attributes(["name", "title", "description"])
        .with_filterable_attributes(["section", "installed_size_kb"])
        .with_sortable_attributes(["installed_size_kb"])
        .with_pagination(PaginationSetting { max_total_hits: 10_000 });
    done(&client, index.set_settings(&settings).await).await;
    done(&client, index.add_documents(&documents, Some("id")).await).await;
    assert_eq!(index.get_stats().await.unwrap().number_of_documents, documents.len());
    let first: Value = index.get_document(documents[0]["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(first, documents[0]);
    let page = DocumentsQuery::new(&index).with_limit(2).with_offset(1).with_fields(["id"]).execute::<Value>().await.unwrap();
    assert_eq!((page.results[0].clone(), page.total as usize), (json!({"id": documents[1]["id"]}), documents.len()));

    searches(&client, &documents).await;
    several_searches(&client, &documents).await;
    settings_one_by_one(&client).await;
    keys_and_tokens(&client, onggi.url()).await;

    done(&client, DocumentDeletionQuery::new(&index).with_filter("section = games").execute::<Value>().await).await;
    done(&client, index.delete_documents(&[documents[1]["id"].as_str().unwrap()]).await).await;
    assert_eq!(refused(index.get_document::<Value>(documents[1]["id"].as_str().unwrap()).await), ErrorCode::DocumentNotFound);
    done(&client, client.create_index("other", Some("id")).await).await;
    let swap = SwapIndexes { indexes: ("packages".to_owned(), "other".to_owned()), rename: None };
    done(&client, client.swap_indexes([&swap]).await).await;
    assert_eq!(client.index("packages").get_stats().await.unwrap().number_of_documents, 0);
    let tasks =
        TasksSearchQuery::new(&client).with_index_uids(["packages"]).with_types(["documentAdditionOrUpdate"]).execute().await.unwrap();
    assert_eq!(tasks.results.len(), 1);
    done(&client, index.delete().await).await;
    assert_eq!(refused(client.get_index("packages").await), ErrorCode::IndexNotFound);
}

/// Every parameter of a search.
async fn searches(client: &Client, documents: &[Value]) {
    let index = client.index("packages");
    let found = SearchQuery::new(&index)
        .with_query("game")
        .with_offset(0)
        .with_limit(4)
        .with_array_filter(vec!["section = games", "installed_size_kb > 0"])
        .with_sort(&["installed_size_kb:asc"])
        .with_distinct("installed_size_kb")
        .with_facets(Selectors::Some(&["section", "installed_size_kb"]))
        .with_attributes_to_retrieve(Selectors::Some(&["id", "title", "section"]))
        .with_attributes_to_search_on(&["title", "description"])
        .with_attributes_to_highlight(Selectors::All)
        .with_highlight_pre_tag("<b>")
        .with_highlight_post_tag("</b>")
        .with_attributes_to_crop(Selectors::Some(&[("description", None)]))
        .with_crop_length(5)
        .with_crop_marker("~")
        .with_show_matches_position(true)
        .with_show_ranking_score(true)
        .with_show_ranking_score_details(true)
        .with_ranking_score_threshold(0.01)
        .with_matching_strategy(MatchingStrategies::FREQUENCY)
        .with_locales(&["eng"])
        .execute::<Value>()
        .await
        .unwrap();
    assert!(!found.hits.is_empty() && found.hits.len() <= 4 && found.limit == Some(4));
    for hit in &found.hits {
        assert_eq!(hit.result["section"], "games");
        assert!(Value::from(hit.formatted_result.clone().unwrap()).to_string().contains("<b>"));
        assert!(!hit.matches_position.as_ref().unwrap().is_empty() && hit.ranking_score_details.is_some());
        assert!((0.01..=1.0).contains(&hit.ranking_score.unwrap()));
    }
    assert_eq!(found.facet_distribution.unwrap()["section"].keys().collect::<Vec<_>>(), ["games"]);
    assert!(found.facet_stats.unwrap()["installed_size_kb"].max > 0.0);
    let in_games = documents.iter().filter(|document| document["section"] == "games").count();
    let paged =
        SearchQuery::new(&index).with_filter("section = games").with_page(2).with_hits_per_page(3).execute::<Value>().await.unwrap();
    assert_eq!((paged.total_hits, paged.page, paged.hits.len()), (Some(in_games), Some(2), 3));
    let values = FacetSearchQuery::new(&index, "section").with_facet_query("ga").execute().await.unwrap();
    assert_eq!((values.facet_hits[0].value.as_str(), values.facet_hits[0].count), ("games", in_games));
    let wrong = SearchQuery::new(&index).with_filter("maintainer = x").execute::<Value>().await;
    assert_eq!(refused(wrong), ErrorCode::InvalidSearchFilter);
}

/// Side by side, and as one list.
async fn several_searches(client: &Client, documents: &[Value]) {
    let index = client.index("packages");
    let game = SearchQuery::new(&index).with_query("game").with_limit(1).build();
    let library = SearchQuery::new(&index).with_query("library").build();
    let both = client.multi_search().with_search_query(game).with_search_query(library.clone()).execute::<Value>().await.unwrap();
    assert_eq!((both.results.len(), both.results[0].hits.len()), (2, 1));
    assert_eq!(both.results[1].index_uid.as_deref(), Some("packages"));
    let game = SearchQuery::new(&index).with_query("game").build();
    let federation = FederationOptions {
        limit: Some(6),
        facets_by_index: Some(HashMap::from([("packages".to_owned(), vec!["section".to_owned()])])),
        merge_facets: Some(MergeFacets { max_values_per_facet: Some(4) }),
        ..FederationOptions::default()
    };
    let mut query = client.multi_search();
    query.with_search_query(game).with_search_query_and_weight(library, 3.0);
    let merged = query.clone().with_federation(federation).execute::<Value>().await.unwrap();
    assert_eq!((merged.hits.len(), merged.limit), (6, 6));
    let from = merged.hits[0].federation.as_ref().unwrap();
    assert_eq!((from.index_uid.as_str(), from.queries_position), ("packages", 1));
    assert!(merged.facet_distribution.unwrap()["section"].len() <= 4 && merged.estimated_total_hits <= documents.len());
}

/// Each setting: set, read, and all reset.
async fn settings_one_by_one(client: &Client) {
    done(client, client.create_index("shelf", Some("id")).await).await;
    let shelf = client.index("shelf");
    let synonyms = HashMap::from([("tome".to_owned(), vec!["book".to_owned()])]);
    done(client, shelf.set_synonyms(&synonyms).await).await;
    assert_eq!(shelf.get_synonyms().await.unwrap(), synonyms);
    done(client, shelf.set_stop_words(["the"]).await).await;
    assert_eq!(shelf.get_stop_words().await.unwrap(), ["the"]);
    done(client, shelf.set_ranking_rules(["words", "year:desc"]).await).await;
    assert_eq!(shelf.get_ranking_rules().await.unwrap(), ["words", "year:desc"]);
    done(client, shelf.set_displayed_attributes(["id", "title"]).await).await;
    assert_eq!(shelf.get_displayed_attributes().await.unwrap(), ["id", "title"]);
    done(client, shelf.set_distinct_attribute("sku").await).await;
    assert_eq!(shelf.get_distinct_attribute().await.unwrap().as_deref(), Some("sku"));
    done(client, shelf.set_faceting(&FacetingSettings { max_values_per_facet: 3, sort_facet_values_by: None }).await).await;
    assert_eq!(shelf.get_faceting().await.unwrap().max_values_per_facet, 3);
    done(client, shelf.set_dictionary(["J.R.R."]).await).await;
    assert_eq!(shelf.get_dictionary().await.unwrap(), ["J.R.R."]);
    let typos = TypoToleranceSettings {
        enabled: Some(true),
        disable_on_attributes: Some(vec!["sku".to_owned()]),
        disable_on_words: Some(vec![]),
        min_word_size_for_typos: Some(MinWordSizeForTypos { one_typo: Some(4), two_typos: Some(8) }),
        disable_on_numbers: Some(true),
    };
    done(client, shelf.set_typo_tolerance(&typos).await).await;
    assert_eq!(shelf.get_typo_tolerance().await.unwrap().disable_on_attributes.unwrap(), ["sku"]);
    done(client, shelf.set_separator_tokens(&vec!["|".to_owned()]).await).await;
    assert_eq!(shelf.get_separator_tokens().await.unwrap(), ["|"]);
    done(client, shelf.set_non_separator_tokens(&vec!["#".to_owned()]).await).await;
    assert_eq!(shelf.get_non_separator_tokens().await.unwrap(), ["#"]);
    done(client, shelf.set_proximity_precision("byAttribute".to_owned()).await).await;
    assert_eq!(shelf.get_proximity_precision().await.unwrap(), "byAttribute");
    done(client, shelf.set_facet_search(false).await).await;
    assert!(!shelf.get_facet_search().await.unwrap());
    done(client, shelf.set_prefix_search(PrefixSearchSettings::Disabled).await).await;
    assert_eq!(shelf.get_prefix_search().await.unwrap(), PrefixSearchSettings::Disabled);
    done(client, shelf.set_search_cutoff_ms(Some(400)).await).await;
    assert_eq!(shelf.get_search_cutoff_ms().await.unwrap(), Some(400));
    let languages = vec![LocalizedAttributes { locales: vec!["kor".to_owned()], attribute_patterns: vec!["title_ko".to_owned()] }];
    done(client, shelf.set_localized_attributes(&languages).await).await;
    assert_eq!(shelf.get_localized_attributes().await.unwrap().unwrap()[0].locales, ["kor"]);
    done(client, shelf.reset_settings().await).await;
    let settings = shelf.get_settings().await.unwrap();
    assert_eq!((settings.stop_words, settings.search_cutoff_ms), (Some(vec![]), None));
    done(client, shelf.delete().await).await;
}

async fn keys_and_tokens(client: &Client, url: &str) {
    let mut wanted = KeyBuilder::new();
    wanted.with_action(Action::Search).with_index("packages").with_name("shop");
    let key = client.create_key(&wanted).await.unwrap();
    assert_eq!(client.get_key(&key).await.unwrap().key, key.key);
    let searcher = Client::new(url, Some(&key.key)).unwrap();
    let index = searcher.index("packages");
    assert!(!SearchQuery::new(&index).with_query("game").execute::<Value>().await.unwrap().hits.is_empty());
    assert_eq!(refused(index.delete_all_documents().await), ErrorCode::InvalidApiKey);
    let rules = json!({"packages": {"filter": "section = games"}});
    let token = client.generate_tenant_token(key.uid.clone(), rules, Some(&key.key), None).unwrap();
    let tenant = Client::new(url, Some(token)).unwrap();
    let index = tenant.index("packages");
    let all = SearchQuery::new(&index).with_limit(1000).build();
    let shown = tenant.multi_search().with_search_query(all).execute::<Value>().await.unwrap();
    assert!(!shown.results[0].hits.is_empty() && shown.results[0].hits.iter().all(|hit| hit.result["section"] == "games"));
    let renamed = client.update_key(KeyUpdater::new(&key).with_name("shop 2")).await.unwrap();
    assert_eq!(renamed.name.as_deref(), Some("shop 2"));
    client.delete_key(&key).await.unwrap();
}
