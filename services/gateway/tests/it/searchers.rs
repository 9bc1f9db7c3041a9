//! Which searcher answers, and what happens when one does not.

use std::sync::Arc;

use axum::{Router, response::IntoResponse, routing::any};
use futures::future::join_all;
use http::{Method, StatusCode};
use onggi_domain::container::WakePolicy;
use tokio::sync::{Semaphore, mpsc};

use crate::bed::{Bed, Searcher, limits, request};

/// A searcher that says that it was asked and answers when it may.
async fn slow(name: &'static str, arrived: mpsc::UnboundedSender<&'static str>, may_answer: Arc<Semaphore>) -> Searcher {
    let answer = async move || {
        arrived.send(name).unwrap();
        may_answer.acquire().await.unwrap().forget();
        name
    };
    Searcher::with(name, Router::new().fallback(any(answer))).await
}

/// A searcher that refuses because it drains.
async fn draining(name: &str) -> Searcher {
    let refuse = async || (StatusCode::SERVICE_UNAVAILABLE, [("x-onggi-draining", "1")]).into_response();
    Searcher::with(name, Router::new().fallback(any(refuse))).await
}

#[tokio::test]
async fn the_least_loaded_searcher_is_asked() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let may_answer = Arc::new(Semaphore::new(0));
    let (a, b) = (slow("a", arrived.clone(), may_answer.clone()).await, slow("b", arrived, may_answer.clone()).await);
    bed.index(tenant, "jars", &[&a, &b]).await;
    let six = async {
        let mut asked = Vec::new();
        for _ in 0..6 {
            asked.push(arrivals.recv().await.unwrap());
        }
        may_answer.add_permits(6);
        asked
    };
    let (asked, answers) = tokio::join!(six, join_all((0..6).map(|_| bed.search(&root, "jars"))));
    assert_eq!(asked.iter().filter(|name| **name == "a").count(), 3, "{asked:?}");
    assert!(answers.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn another_searcher_answers_when_one_is_dead_dying_draining_or_a_stranger() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let stranger = Searcher::with("stranger", Router::new().fallback(any(async || StatusCode::FORBIDDEN))).await;
    for (uid, bad) in [
        ("dead", Searcher::dead("dead").await),
        ("dying", Searcher::dying("dying").await),
        ("drains", draining("drains").await),
        ("not", stranger),
    ] {
        let alive = Searcher::new("alive").await;
        bed.index(tenant, uid, &[&bad, &alive]).await;
        for answer in join_all((0..20).map(|_| bed.search(&root, uid))).await {
            assert_eq!(answer.status, 200, "{uid}: {answer:?}");
            let json = answer.json();
            assert_eq!((json["by"].as_str(), json["body"].as_str()), (Some("alive"), Some("{\"q\":\"jar\"}")), "{uid}");
        }
        assert_eq!(alive.asked(), 20);
    }
}

#[tokio::test]
async fn a_question_that_two_searchers_died_of_is_not_asked_again() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let dying = [Searcher::dying("a").await, Searcher::dying("b").await, Searcher::dying("c").await];
    bed.index(tenant, "jars", &[&dying[0], &dying[1], &dying[2]]).await;
    let answer = bed.search(&root, "jars").await;
    assert_eq!(answer.outcome(), (503, "unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(dying.iter().map(Searcher::asked).sum::<usize>(), 2);
}

#[tokio::test]
async fn an_only_searcher_that_died_is_waited_for() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let (dead, restarted) = (Searcher::dead("a").await, Searcher::new("a again").await);
    let index = bed.index_that(tenant, "jars", WakePolicy::OnSearch, true, &[&dead]).await;
    bed.fleet.wakes_with(index, &[&restarted]);
    bed.fleet.may_wake.add_permits(1);
    assert_eq!(bed.search(&root, "jars").await.json()["by"], "a again");
}

#[tokio::test]
async fn what_a_searcher_says_of_its_generation_passes_through() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let answer = async |request: axum::extract::Request| {
        let tag = [("etag", "\"7-abc\""), ("x-onggi-generation", "7"), ("x-onggi-other", "inside")];
        match request.headers().get("if-none-match") {
            Some(known) if known == "\"7-abc\"" => (StatusCode::NOT_MODIFIED, tag).into_response(),
            _ => (tag, "{\"hits\":[]}").into_response(),
        }
    };
    let searcher = Searcher::with("a", Router::new().fallback(any(answer))).await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let first = bed.search(&root, "jars").await;
    assert_eq!((first.status, &first.bytes[..]), (200, &b"{\"hits\":[]}"[..]));
    let mut again = request(&root, Method::GET, "/indexes/jars/search?q=jar", axum::body::Body::empty());
    again.headers_mut().insert("if-none-match", first.headers["etag"].clone());
    let again = bed.send(again).await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    for answer in [first, again] {
        assert_eq!((answer.header("etag"), answer.header("x-onggi-generation"), answer.header("x-onggi-other")), ("\"7-abc\"", "7", ""));
    }
}

#[tokio::test]
async fn an_index_is_found_as_soon_as_it_is_there_and_gone_as_soon_as_it_is_deleted() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    assert_eq!(bed.search(&root, "jars").await.status, 404);
    let index = bed.index(tenant, "jars", &[&searcher]).await;
    assert_eq!(bed.search(&root, "jars").await.status, 200);
    bed.metadata.indexes.delete(index).await.unwrap();
    assert_eq!(bed.call(&root, Method::DELETE, "/indexes/jars").await.status, 200);
    assert_eq!(bed.search(&root, "jars").await.status, 404);
}

#[tokio::test]
async fn a_searcher_that_takes_too_long_is_given_up() {
    let limits = onggi_domain::limits::Limits { request_time: std::time::Duration::from_millis(50), ..limits() };
    let bed = Bed::with_limits(limits).await;
    let (tenant, root) = bed.tenant("one").await;
    let (arrived, _arrivals) = mpsc::unbounded_channel();
    let never = slow("a", arrived, Arc::new(Semaphore::new(0))).await;
    bed.index(tenant, "jars", &[&never]).await;
    assert_eq!(bed.search(&root, "jars").await.outcome(), (504, "request_timeout".to_owned()));
}
