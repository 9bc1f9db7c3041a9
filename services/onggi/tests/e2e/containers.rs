//! Replicas change, indexes sleep and wake, and no search fails meanwhile.

use onggi_testkit::Load;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{configured, index_with_documents, onggi, ready};

#[tokio::test]
async fn replicas_change_live_without_a_failed_search() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 200, 1).await;
    let load = Load::start(&api, "jars", "jar", 4);
    for replicas in [4, 2] {
        api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"replicas": replicas}))).await;
        ready(&api, "jars", replicas).await;
        assert_eq!(onggi.workers_of_role("searcher", replicas).await.len(), replicas);
        load.more(100).await;
    }
    // Nothing selected: it sleeps at once, and the next search of the load wakes one searcher.
    api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"replicas": 0}))).await;
    load.more(100).await;
    ready(&api, "jars", 1).await;
    let report = load.finish().await;
    assert!(report.failures.is_empty(), "{} of {} failed, first: {:?}", report.failures.len(), report.answered, report.failures.first());
}

#[tokio::test]
async fn replicas_in_a_range_follow_the_searches_and_say_why() {
    let times = "[controller]\nstatus_every = \"200ms\"\nscale_up_after = \"500ms\"\nscale_down_after = \"2s\"\n";
    let (onggi, _config) = configured(times).await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 500, 1).await;
    let range = json!({"min": 1, "max": 3, "target": {"concurrentSearches": 2}});
    let view = api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"autoscale": range}))).await;
    assert_eq!((&view["autoscale"], &view["replicas"]), (&range, &json!(1)));

    let mut searching = JoinSet::new();
    for _ in 0..12 {
        let (api, body) = (api.clone(), json!({"q": "jar number", "limit": 500, "attributesToHighlight": ["*"]}));
        searching.spawn(async move {
            loop {
                api.ok("POST", "/indexes/jars/search", Some(&body)).await;
            }
        });
    }
    let busy = ready(&api, "jars", 3).await;
    let up = &busy["decisions"][0];
    assert_eq!((&busy["wanted"], &up["to"]), (&json!(3), &json!(3)), "{busy}");
    assert!(up["why"].as_str().is_some_and(|why| why.contains("concurrent searches for 500ms")), "{up}");
    assert!(searching.try_join_next().is_none(), "a search failed while searchers came");
    searching.shutdown().await;
    let calm = ready(&api, "jars", 1).await;
    let down = &calm["decisions"][0];
    assert_eq!((&calm["wanted"], &down["to"]), (&json!(1), &json!(1)), "{calm}");
    assert!(down["why"].as_str().is_some_and(|why| why.starts_with("at most")), "{down}");
}

#[tokio::test]
async fn an_index_sleeps_when_told_and_wakes_once_for_many_searches() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 50, 2).await;
    api.ok("POST", "/indexes/jars/sleep", None).await;
    api.until("/indexes/jars/containers", |answer| {
        answer["phase"] == "asleep" && answer["containers"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
    onggi.workers_of_role("searcher", 0).await;

    let body = json!({"q": "jar"});
    let searches = (0..20).map(|_| api.call("POST", "/indexes/jars/search", Some(&body)));
    for answer in futures::future::join_all(searches).await {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["estimatedTotalHits"], 50);
    }
    ready(&api, "jars", 2).await;
    assert_eq!(onggi.workers_of_role("searcher", 2).await.len(), 2, "concurrent searches woke it once");
}

#[tokio::test]
async fn an_idle_index_goes_to_sleep_by_itself_and_takes_documents_asleep() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 10, 1).await;
    api.ok("PATCH", "/indexes/jars/containers", Some(&json!({"sleepAfterSeconds": 1}))).await;
    api.until("/indexes/jars/containers", |answer| answer["phase"] == "asleep").await;
    api.done("POST", "/indexes/jars/documents", &crate::documents(10, 5)).await;
    let containers = api.get("/indexes/jars/containers").await;
    assert_eq!(containers["phase"], "asleep", "a write does not wake searchers");
    let found = api.ok("POST", "/indexes/jars/search", Some(&json!({"q": ""}))).await;
    assert_eq!(found["estimatedTotalHits"], 15);
}

#[tokio::test]
async fn every_answer_names_its_generation_and_honours_if_none_match() {
    let onggi = onggi().await;
    let api = onggi.api();
    index_with_documents(&api, "jars", 10, 1).await;
    let body = json!({"q": "jar"});
    let first = api.call("POST", "/indexes/jars/search", Some(&body)).await;
    let generation: u64 = first.header("x-onggi-generation").expect("a generation").parse().expect("a number");
    let etag = first.header("etag").expect("an ETag").to_owned();
    let request = || api.request(reqwest::Method::POST, "/indexes/jars/search").json(&body).header("if-none-match", &etag);
    let same = api.send(request()).await.unwrap();
    assert_eq!((same.status, same.bytes.len()), (304, 0));
    api.done("POST", "/indexes/jars/documents", &crate::documents(10, 1)).await;
    let changed = api.send(request()).await.unwrap();
    assert_eq!(changed.status, 200);
    let newer: u64 = changed.header("x-onggi-generation").expect("a generation").parse().expect("a number");
    assert!(newer > generation);
}
