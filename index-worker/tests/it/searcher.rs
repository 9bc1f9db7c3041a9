//! The searcher: it answers from one generation, switches at once, refuses what it should, and keeps what it has when the next one is broken.

use http::header;
use onggi_domain::{Generation, Seq, container::Role};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::bed::{Bed, SECRET, Worker, add};

/// A bed with one generation that holds the documents `a` and `b`, and its indexer.
async fn published(bed: &Bed) -> Worker {
    bed.write(add(&[json!({"id": "a", "title": "clay jar"}), json!({"id": "b", "title": "glass bowl"})])).await;
    let indexer = bed.start(Role::Indexer).await;
    indexer.until_published(Seq(0)).await;
    indexer
}

#[tokio::test]
async fn before_anything_is_published_a_search_finds_nothing() {
    let bed = Bed::in_memory();
    let searcher = bed.searcher().await;
    let answer = searcher.search("jar").await;
    assert_eq!((answer.status, answer.header("x-onggi-generation")), (200, "0"));
    assert_eq!((&answer.json["hits"], &answer.json["estimatedTotalHits"]), (&json!([]), &json!(0)));
    assert_eq!(searcher.get("/stats").await.json, json!({"numberOfDocuments": 0, "fieldDistribution": {}}));
    assert_eq!(searcher.status().await.generation, None);
}

#[tokio::test]
async fn a_searcher_serves_the_newest_generation_and_switches_to_the_next() {
    for bed in [Bed::in_memory(), Bed::in_directory()] {
        let indexer = published(&bed).await;
        let searcher = bed.searcher().await;
        let answer = searcher.search("jar").await;
        assert_eq!((answer.status, answer.header("x-onggi-generation")), (200, "1"));
        assert_eq!(answer.ids(), ["a"]);
        assert_eq!(searcher.get("/search?q=bowl").await.ids(), ["b"]);

        let (_, seq) = bed.add("c", "stone jar").await;
        indexer.advance().await;
        indexer.until_published(seq).await;
        assert_eq!(searcher.search("stone").await.ids(), [""; 0], "a generation is loaded when the control plane says so");
        let loaded = searcher.load(Generation(2)).await;
        assert_eq!((loaded.status, &loaded.json["generation"], &loaded.json["committedSeq"]), (200, &json!(2), &json!(1)));
        assert_eq!(searcher.search("stone").await.ids(), ["c"]);
        assert_eq!(searcher.load(Generation(1)).await.json["generation"], 2, "an older one is ignored");

        let status = searcher.status().await;
        assert_eq!((status.searches, status.last_search_at.is_some(), status.error), (4, true, None));
        assert!(status.search_seconds > 0.0);
    }
}

#[tokio::test]
async fn documents_are_listed_fetched_and_named_when_absent() {
    let bed = Bed::in_memory();
    published(&bed).await;
    let searcher = bed.searcher().await;
    assert_eq!(searcher.get("/documents/b?fields=title").await.json, json!({"title": "glass bowl"}));
    assert_eq!(searcher.post("/documents/fetch", json!({"limit": 1, "offset": 1})).await.ids(), ["b"]);
    let stats = searcher.get("/stats").await.json;
    assert_eq!(stats, json!({"numberOfDocuments": 2, "fieldDistribution": {"id": 2, "title": 2}}));
    let absent = searcher.get("/documents/nobody").await;
    assert_eq!((absent.status, &absent.json["code"]), (404, &json!("document_not_found")));
    assert_eq!(absent.json["message"], "Document `nobody` not found.");
}

#[tokio::test]
async fn nobody_without_the_secret_gets_anything_but_the_probes() {
    let bed = Bed::in_memory();
    for role in [Role::Searcher, Role::Indexer] {
        let worker = bed.start(role).await;
        worker.until_ready().await;
        for path in ["/status", "/search", "/documents", "/load", "/hold", "/advance", "/no/such/route"] {
            let bare = worker.send(worker.request(Method::GET, path)).await;
            assert_eq!((bare.status, &bare.json["code"]), (401, &json!("missing_authorization_header")), "{path}");
            let wrong = worker.send(worker.request(Method::GET, path).bearer_auth("the secret of that index")).await;
            assert_eq!((wrong.status, &wrong.json["code"]), (403, &json!("invalid_api_key")), "{path}");
        }
        for path in ["/healthz", "/readyz"] {
            assert_eq!(worker.send(worker.request(Method::GET, path)).await.status, 200, "{path}");
        }
        assert_eq!(worker.get("/no/such/route").await.json["code"], "not_found");
        assert_eq!(worker.post("/status", Value::Null).await.json["code"], "method_not_allowed");
    }
}

#[tokio::test]
async fn one_that_is_held_back_answers_by_no_older_generation() {
    let bed = Bed::in_memory();
    let indexer = published(&bed).await;
    let searcher = bed.searcher().await;
    let serves = searcher.status().await.generation.unwrap();
    for (generation, answers) in [(serves, true), (serves.next(), false), (serves, false)] {
        assert_eq!(searcher.post("/hold", json!({"generation": generation})).await.status, 204);
        for path in ["/search?q=jar", "/documents", "/stats"] {
            let answer = searcher.get(path).await;
            assert_eq!((answer.status == 200, answer.header("x-onggi-draining") == "1"), (answers, !answers), "{path}");
        }
        assert_eq!(searcher.get("/readyz").await.status == 200, answers);
    }
    let (_, seq) = bed.add("c", "clay pot").await;
    indexer.advance().await;
    indexer.until_published(seq).await;
    assert_eq!(searcher.load(serves.next()).await.status, 200);
    assert_eq!(searcher.search("pot").await.ids(), ["c"]);
    assert_eq!(searcher.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let bed = Bed::in_memory();
    let mut config = bed.config(Role::Searcher);
    config.limits.body_bytes = bytesize::ByteSize::b(100);
    let searcher = bed.start_with(config).await;
    searcher.until_ready().await;
    let send = async |body: &str| {
        let request = searcher.request(Method::POST, "/search").bearer_auth(SECRET).body(body.to_owned());
        let answer = searcher.send(request).await;
        (answer.status, answer.json["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(send("{\"q\":").await, (400, "malformed_payload".to_owned()));
    assert_eq!(send("{\"limit\":\"x\"}").await, (400, "invalid_search_limit".to_owned()));
    assert_eq!(send(&format!("{{\"q\":\"{}\"}}", "x".repeat(100))).await, (413, "payload_too_large".to_owned()));
    let broken_rule = searcher.request(Method::GET, "/search?q=jar").bearer_auth(SECRET).header("x-onggi-filter", "%7B");
    assert_eq!(searcher.send(broken_rule).await.status, 500, "a rule that cannot be read is never no rule");
}

#[tokio::test]
async fn who_has_the_answer_already_is_told_so_until_the_generation_changes() {
    let bed = Bed::in_memory();
    let indexer = published(&bed).await;
    let searcher = bed.searcher().await;
    let tag = searcher.search("jar").await.header("etag").to_owned();
    let again = async |path: &str| {
        let request = searcher.request(Method::GET, path).bearer_auth(SECRET).header(header::IF_NONE_MATCH, &tag);
        searcher.send(request).await
    };
    let known = again("/search?q=jar").await;
    assert_eq!((known.status, known.header("etag"), known.header("x-onggi-generation")), (304, tag.as_str(), "1"));
    assert_eq!(again("/search?q=bowl").await.status, 200);

    let (_, seq) = bed.add("c", "stone jar").await;
    indexer.advance().await;
    indexer.until_published(seq).await;
    searcher.load(Generation(2)).await;
    let changed = again("/search?q=jar").await;
    assert_eq!((changed.status, changed.header("etag") == tag), (200, false));
}

#[tokio::test]
async fn a_torn_file_is_named_and_the_old_generation_goes_on_until_it_is_whole_again() {
    let bed = Bed::in_directory();
    let indexer = published(&bed).await;
    let searcher = bed.searcher().await;
    let before = bed.latest().await;
    let (_, seq) = bed.add("c", "stone jar").await;
    indexer.advance().await;
    indexer.until_published(seq).await;

    let new = bed.latest().await.files.into_iter().find(|file| !before.files.contains(file) && file.size > 1).unwrap();
    let object = bed.object(&format!("segments/{}", new.object));
    let whole = std::fs::read(&object).unwrap();
    // Removed first: the indexer's own file may be a link to the same bytes.
    std::fs::remove_file(&object).unwrap();
    std::fs::write(&object, &whole[..whole.len() / 2]).unwrap();

    let refused = searcher.load(Generation(2)).await;
    assert_eq!((refused.status, &refused.json["code"]), (500, &json!("internal")));
    assert!(refused.json["message"].as_str().unwrap().contains(&new.object), "{}", refused.json);
    let status = searcher.status().await;
    assert!(status.error.unwrap().contains(&new.object));
    assert_eq!(status.generation, Some(Generation(1)));
    assert_eq!(searcher.search("jar").await.ids(), ["a"]);

    std::fs::write(&object, &whole).unwrap();
    assert_eq!(searcher.load(Generation(2)).await.status, 200);
    assert_eq!(searcher.status().await.error, None);
    assert_eq!(searcher.search("stone").await.ids(), ["c"]);
}

#[tokio::test]
async fn loads_that_come_together_are_all_answered() {
    let bed = Bed::in_memory();
    let indexer = published(&bed).await;
    let searcher = bed.searcher().await;
    let (_, seq) = bed.add("c", "stone jar").await;
    indexer.advance().await;
    indexer.until_published(seq).await;
    let (one, absent, two) = tokio::join!(searcher.load(Generation(2)), searcher.load(Generation(9)), searcher.load(Generation(2)));
    assert_eq!(absent.status, 500);
    // The attempt at 9 may have been the one that answered these: they are asked again and nothing stands in their way.
    for answer in [one, two] {
        assert!([200, 500].contains(&answer.status));
    }
    assert_eq!(searcher.load(Generation(2)).await.json["generation"], 2);
}

#[tokio::test]
async fn files_that_no_generation_in_use_has_are_removed() {
    let bed = Bed::in_memory();
    let indexer = published(&bed).await;
    let searcher = bed.searcher().await;
    let (_, seq) = bed.write(onggi_domain::log::Operation::DeleteAllDocuments).await;
    indexer.advance().await;
    indexer.until_published(seq).await;
    searcher.load(Generation(2)).await;
    let needed: Vec<String> = bed.latest().await.files.into_iter().map(|file| file.name).collect();
    let present = || -> Vec<String> {
        let files = std::fs::read_dir(searcher.directory.join("files")).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).filter(|name| name.contains(".store")).collect()
    };
    searcher.until("/status", |_| present().iter().all(|name| needed.contains(name))).await;
    assert_eq!(searcher.search("").await.json["hits"], json!([]));
}

#[tokio::test]
async fn a_generation_that_does_not_fit_the_disk_is_not_loaded() {
    let bed = Bed::in_memory();
    let searcher = {
        let mut config = bed.config(Role::Searcher);
        config.disk_bytes = 10;
        bed.start_with(config).await
    };
    searcher.until_ready().await;
    published(&bed).await;
    let refused = searcher.load(Generation(1)).await;
    assert!(refused.json["message"].as_str().unwrap().contains("local disk"), "{}", refused.json);
    assert_eq!(searcher.search("jar").await.status, 200);
}

#[tokio::test]
async fn a_worker_that_drains_finishes_what_is_under_way_and_refuses_the_rest() {
    let bed = Bed::in_memory();
    published(&bed).await;
    let mut searcher = bed.searcher().await;
    let body = r#"{"q":"jar"}"#;
    let mut slow = TcpStream::connect(searcher.address).await.unwrap();
    let head = format!(
        "POST /search HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{{",
        body.len()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    searcher.until("/status", |status| status.json["inFlight"] == 1).await;

    searcher.stop.cancel();
    let refused = searcher.until("/stats", |answer| answer.status == 503).await;
    assert_eq!((refused.header("x-onggi-draining"), &refused.json["code"]), ("1", &json!("unavailable")));
    assert_eq!(searcher.get("/readyz").await.status, 503);

    slow.write_all(&body.as_bytes()[1..]).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    (&mut searcher.running).await.unwrap().unwrap();
    assert!(TcpStream::connect(searcher.address).await.is_err());
}

#[tokio::test]
async fn queries_of_a_federated_search_are_answered_from_one_generation_with_the_tokens_rule() {
    let bed = Bed::in_memory();
    published(&bed).await;
    let searcher = bed.searcher().await;
    let ask = async |rule: &str| {
        let queries = json!([
            {"position": 0, "weight": 1.0, "search": {"q": "jar"}},
            {"position": 2, "weight": 2.0, "search": {"q": "bowl"}},
        ]);
        let body = json!({"indexUid": "shop", "queries": queries, "limit": 20, "facets": null, "distinct": null});
        let request = searcher.request(Method::POST, "/federated-search").bearer_auth(SECRET).body(body.to_string());
        searcher.send(if rule.is_empty() { request } else { request.header("x-onggi-filter", rule) }).await
    };
    let answer = ask("").await;
    assert_eq!((answer.status, answer.header("x-onggi-generation")), (200, "1"));
    let hit = |list: usize| answer.json["lists"][list]["hits"][0]["hit"].clone();
    assert_eq!((hit(0)["id"].as_str(), hit(1)["id"].as_str()), (Some("a"), Some("b")));
    assert_eq!((&hit(1)["_federation"]["queriesPosition"], &answer.json["total"]), (&json!(2), &json!(2)));
    let refused = ask("%22title+%3D+x%22").await;
    assert_eq!((refused.status, &refused.json["code"]), (400, &json!("invalid_search_filter")));
}

#[tokio::test]
async fn who_asks_for_the_name_of_a_search_gets_one_and_no_tag() {
    let bed = Bed::in_memory();
    published(&bed).await;
    let searcher = bed.searcher().await;
    let tag = searcher.search("jar").await.header("etag").to_owned();
    let request = searcher.request(Method::GET, "/search?q=jar").bearer_auth(SECRET);
    let named = request
        .header("meili-include-metadata", "true")
        .header("x-onggi-index-uid", "shop")
        .header("x-request-id", "0198c1a0-0000-7000-8000-000000000000")
        .header(header::IF_NONE_MATCH, &tag);
    let answer = searcher.send(named).await;
    assert_eq!((answer.status, answer.header("etag")), (200, ""));
    assert_eq!(answer.json["requestUid"], "0198c1a0-0000-7000-8000-000000000000");
    assert_eq!((&answer.json["metadata"]["indexUid"], &answer.json["metadata"]["primaryKey"]), (&json!("shop"), &json!("id")));
    assert!(answer.json["metadata"]["queryUid"].is_string());
    assert!(searcher.search("jar").await.json["metadata"].is_null());
}
