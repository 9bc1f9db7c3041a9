//! What tenants select, against what runs; from an accepted write to its finished task; sleeping and waking.

use std::time::Duration;

use axum::body::Body;
use futures::future::join_all;
use http::{Request, StatusCode};
use onggi_controller::{Controller, IndexContainers, Searcher, WakeError, Woken, runtime::Runtime};
use onggi_domain::{
    Generation, IndexId, Seq,
    container::{Autoscale, ContainerStatus, IndexPhase, Role, Target},
    settings::Settings,
    worker::WorkerStatus,
};
use onggi_web::Upstream;

use crate::world::{World, eventually, post};

/// An answer of the internal API.
async fn ask(controller: &Controller, method: &str, path: &str) -> (StatusCode, bytes::Bytes) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = Upstream::local(controller.router(), "inside").send(request).await.unwrap();
    let status = response.status();
    (status, axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap())
}

async fn containers(world: &World, index: IndexId) -> IndexContainers {
    let (status, body) = ask(&world.controller, "GET", &format!("/internal/indexes/{index}/containers")).await;
    assert_eq!(status, StatusCode::OK);
    serde_json::from_slice(&body).unwrap()
}

/// What the searcher behind an endpoint says of itself.
async fn status(worker: &onggi_domain::worker::Endpoint) -> WorkerStatus {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("http://{}/status", worker.address)).bearer_auth(&worker.secret);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_new_index_answers_and_a_write_ends_when_every_searcher_serves_it() {
    let world = World::new(|_| {}).await;
    let index = world.index("movies", 2).await;
    world.routed(index, 2).await;
    for number in 1..=3 {
        let task = world.write(index).await;
        world.succeeded(&task).await;
        let published = world.metadata.indexes.get_by_id(index).await.unwrap().published.unwrap();
        assert_eq!((published.generation, published.committed_seq), (Generation(number), Some(Seq(number - 1))));
        for searcher in world.routed(index, 2).await.iter() {
            assert_eq!(status(searcher).await.generation, Some(Generation(number)));
        }
    }
}

#[tokio::test]
async fn a_sleeping_index_is_folded_and_stays_asleep() {
    let world = World::new(|config| config.indexer_warm = Duration::from_millis(10)).await;
    let index = world.index("movies", 1).await;
    world.routed(index, 1).await;
    assert_eq!(ask(&world.controller, "POST", &format!("/internal/indexes/{index}/sleep")).await.0, StatusCode::NO_CONTENT);
    world.running(index, 0).await;
    let task = world.write(index).await;
    world.succeeded(&task).await;
    assert!(world.controller.routes().get(index).is_empty());
    world.running(index, 0).await;
    let seen = containers(&world, index).await;
    assert_eq!((seen.phase, seen.wanted, seen.containers), (IndexPhase::Asleep, 0, vec![]));
    assert_eq!((seen.decisions[0].from, seen.decisions[0].to, seen.decisions[0].why.as_str()), (1, 0, "its tenant sent it to sleep"));
}

#[tokio::test]
async fn replicas_change_live_and_somebody_always_answers() {
    let world = World::new(|_| {}).await;
    let index = world.index("movies", 1).await;
    let task = world.write(index).await;
    world.succeeded(&task).await;
    world.routed(index, 1).await;
    let routes = world.controller.routes();
    let watched = tokio::spawn(async move {
        loop {
            let endpoints = routes.get(index);
            assert!(!endpoints.is_empty(), "nobody answered for a moment");
            for searcher in endpoints.iter() {
                // One that is told to end meanwhile may be gone; then the table no longer names it.
                if post(searcher, "/search").await.is_err() {
                    assert!(!routes.get(index).contains(searcher), "a searcher was ended while it was routed to");
                }
            }
        }
    });
    for replicas in [4, 2, 3, 1] {
        world.select(index, |selection| selection.replicas = replicas).await;
        world.routed(index, replicas as usize).await;
    }
    world.select(index, |selection| selection.size = "medium".to_owned()).await;
    eventually("a searcher of the new size is all there is", async || {
        let observed = world.runtime.observe_index(index).await.unwrap();
        let searchers: Vec<_> = observed.iter().filter(|container| container.role == Role::Searcher).collect();
        matches!(searchers[..], [only] if only.size == "medium").then_some(())
    })
    .await;
    world.routed(index, 1).await;
    watched.abort();
    assert!(watched.await.unwrap_err().is_cancelled());

    world.select(index, |selection| selection.replicas = 0).await;
    world.routed(index, 0).await;
    world.select(index, |selection| selection.replicas = 2).await;
    world.routed(index, 2).await;
}

#[tokio::test]
async fn replicas_in_a_range_follow_the_load_and_every_decision_is_explained() {
    let world = World::new(|config| {
        config.status_every = Duration::from_millis(20);
        config.scale_up_after = Duration::from_millis(50);
        config.scale_down_after = Duration::from_millis(300);
    })
    .await;
    let index = world.index("movies", 1).await;
    world.routed(index, 1).await;
    let range = Autoscale { min: 1, max: 3, target: Target::ConcurrentSearches(1) };
    world.select(index, |selection| selection.autoscale = Some(range)).await;
    let routes = world.controller.routes();
    let searching = tokio::spawn(async move {
        loop {
            for searcher in routes.get(index).iter() {
                // One that ends meanwhile need not answer.
                let _ = post(searcher, "/search").await;
            }
        }
    });
    world.routed(index, 3).await;
    assert_eq!(containers(&world, index).await.wanted, 3);
    searching.abort();
    world.routed(index, 1).await;
    let decisions = containers(&world, index).await.decisions;
    let numbers: Vec<_> = decisions.iter().map(|decision| (decision.from, decision.to)).collect();
    assert_eq!((numbers[0].1, numbers[numbers.len() - 1].0), (1, 1), "{decisions:?}");
    assert!(decisions.iter().any(|decision| decision.to == 3 && decision.why.contains("concurrent searches for 50ms")), "{decisions:?}");

    // A fixed number is no range any more.
    world.select(index, |selection| (selection.replicas, selection.autoscale) = (2, None)).await;
    world.routed(index, 2).await;
}

#[tokio::test]
async fn those_who_wake_an_index_together_wake_it_once() {
    let world = World::new(|_| {}).await;
    let index = world.index("movies", 1).await;
    world.routed(index, 1).await;
    ask(&world.controller, "POST", &format!("/internal/indexes/{index}/sleep")).await;
    world.running(index, 0).await;

    let woken = join_all((0..50).map(|_| world.controller.wake(index))).await;
    assert!(woken.iter().all(|phase| *phase == Ok(IndexPhase::Awake)));
    assert_eq!(world.runtime.observe_index(index).await.unwrap().len(), 1);
    let searcher = &world.controller.routes().get(index)[0];
    assert!(post(searcher, "/search").await.unwrap().status().is_success());

    let (status, body) = ask(&world.controller, "POST", &format!("/internal/indexes/{index}/wake")).await;
    let woken: Woken = serde_json::from_slice(&body).unwrap();
    let there = Searcher { name: searcher.name.clone(), address: searcher.address };
    assert_eq!((status, woken), (StatusCode::OK, Woken { phase: IndexPhase::Awake, searchers: vec![there] }));
    let unknown = IndexId::generate();
    assert_eq!(world.controller.wake(unknown).await, Err(WakeError::NotFound));
    assert_eq!(ask(&world.controller, "POST", &format!("/internal/indexes/{unknown}/wake")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wake_that_takes_too_long_is_refused_for_now() {
    let world = World::at_rest(|config| config.wake_time = Duration::from_millis(10)).await;
    let index = world.index("movies", 1).await;
    let (status, body) = ask(&world.controller, "POST", &format!("/internal/indexes/{index}/wake")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(String::from_utf8_lossy(&body).contains("index_waking"));
}

#[tokio::test]
async fn an_index_that_nobody_searches_sleeps_and_wakes_again() {
    let world = World::new(|config| config.status_every = Duration::from_millis(20)).await;
    let index = world.index("movies", 1).await;
    world.routed(index, 1).await;
    world.select(index, |selection| selection.sleep_after_seconds = Some(1)).await;
    world.routed(index, 0).await;
    world.running(index, 0).await;
    assert!(!world.metadata.indexes.get_by_id(index).await.unwrap().awake);
    world.select(index, |selection| selection.sleep_after_seconds = None).await;
    assert_eq!(world.controller.wake(index).await, Ok(IndexPhase::Awake));
    world.routed(index, 1).await;
}

#[tokio::test]
async fn a_searcher_that_crashes_comes_back_with_what_the_others_serve() {
    let world = World::new(|_| {}).await;
    let index = world.index("movies", 2).await;
    let task = world.write(index).await;
    world.succeeded(&task).await;
    let before = world.routed(index, 2).await;
    post(&before[0], "/crash").await.unwrap_err();
    let after = eventually("it answers at another address", async || {
        let routes = world.controller.routes().get(index);
        (routes.len() == 2 && !routes.contains(&before[0])).then_some(routes)
    })
    .await;
    for searcher in after.iter() {
        assert_eq!(status(searcher).await.generation, Some(Generation(1)));
    }
    assert!(after.contains(&before[1]));
}

#[tokio::test]
async fn a_searcher_that_does_not_load_leaves_the_rotation_and_is_replaced() {
    let world = World::new(|config| {
        config.load_time = Duration::from_millis(300);
        config.stuck_after = Duration::from_secs(1);
    })
    .await;
    let index = world.index("movies", 2).await;
    let before = world.routed(index, 2).await;
    post(&before[0], "/refuse-loads").await.unwrap();
    let task = world.write(index).await;
    world.succeeded(&task).await;
    assert_eq!(*world.controller.routes().get(index), before[1..], "only who serves the write is routed to when it is done");
    let after = world.routed(index, 2).await;
    assert!(!after.contains(&before[0]));
}

#[tokio::test]
async fn a_task_that_was_recorded_before_a_crash_is_settled_after_it() {
    let mut world = World::new(|_| {}).await;
    let index = world.index("movies", 0).await;
    let first = world.write(index).await;
    world.succeeded(&first).await;
    world.stop().await;

    // The indexer publishes what the controller does not see, and the crash comes between recording and settling.
    let second = world.accept(index).await;
    let indexer = world.runtime.observe_index(index).await.unwrap().into_iter().find(|container| container.role == Role::Indexer);
    post(&indexer.unwrap().endpoint.unwrap(), "/advance").await.unwrap();
    let manifest = eventually("generation 2 is published", async || world.bucket(index).manifest(Generation(2)).await.ok()).await;
    let recorded = world.metadata.indexes.get_by_id(index).await.unwrap().published.unwrap();
    let recorded = onggi_domain::index::Published { generation: Generation(2), committed_seq: manifest.committed_seq, ..recorded };
    world.metadata.indexes.record_generation(index, &recorded, &Settings::default(), None).await.unwrap();
    world.start();
    world.succeeded(&second).await;
}

#[tokio::test]
async fn a_task_that_was_appended_before_a_crash_is_found_in_the_log_and_one_that_was_not_is_given_up() {
    let world = World::new(|config| {
        config.repair_after = Duration::from_millis(50);
        config.abandon_after = Duration::from_millis(100);
    })
    .await;
    let index = world.index("movies", 1).await;
    let never_appended = world.allocate(index).await;
    let appended = world.allocate(index).await;
    world.append(index, &appended).await;
    world.succeeded(&appended).await;
    eventually("the other is gone", async || world.metadata.tasks.get(world.tenant, never_appended.uid).await.err()).await;
}

#[tokio::test]
async fn a_deletion_that_a_crash_interrupted_is_finished() {
    let mut world = World::new(|config| config.purge_after = Duration::ZERO).await;
    let (gone, stays) = (world.index("gone", 1).await, world.index("stays", 1).await);
    for index in [gone, stays] {
        let task = world.write(index).await;
        world.succeeded(&task).await;
    }
    let kept = world.routed(stays, 1).await;
    world.stop().await;
    world.metadata.indexes.delete(gone).await.unwrap();
    let unfinished = world.accept(gone).await;

    world.start();
    eventually("the index is forgotten", async || world.metadata.indexes.get_by_id(gone).await.err()).await;
    assert!(world.runtime.observe_index(gone).await.unwrap().is_empty());
    assert!(world.controller.routes().get(gone).is_empty());
    assert!(world.bucket(gone).latest().await.unwrap().is_none());
    assert_eq!(world.bucket(gone).head(None).await.unwrap(), None);
    let task = world.metadata.tasks.get(world.tenant, unfinished.uid).await.unwrap();
    assert_eq!(task.status, onggi_domain::task::TaskStatus::Canceled);
    assert_eq!(world.routed(stays, 1).await, kept);
    assert!(world.bucket(stays).latest().await.unwrap().is_some());
}

#[tokio::test]
async fn a_restarted_controller_takes_over_what_runs() {
    let mut world = World::new(|_| {}).await;
    let index = world.index("movies", 2).await;
    let task = world.write(index).await;
    world.succeeded(&task).await;
    let before = world.routed(index, 2).await;
    world.stop().await;
    let missed = world.accept(index).await;
    world.start();
    world.succeeded(&missed).await;
    let after = world.routed(index, 2).await;
    assert!(before.iter().all(|searcher| after.contains(searcher)));
}

#[tokio::test]
async fn the_containers_of_an_index_are_shown_to_insiders_only() {
    let world = World::new(|_| {}).await;
    let index = world.index("movies", 1).await;
    let task = world.write(index).await;
    world.succeeded(&task).await;
    world.routed(index, 1).await;
    let shown = containers(&world, index).await;
    assert_eq!(shown.phase, IndexPhase::Awake);
    let roles: Vec<_> = shown.containers.iter().map(|container| (container.role, container.status)).collect();
    assert_eq!(roles, [(Role::Indexer, ContainerStatus::Running), (Role::Searcher, ContainerStatus::Running)]);
    for container in &shown.containers {
        assert_eq!((container.generation, container.lag), (Some(Generation(1)), Some(0)));
        assert!(container.memory_bytes.is_none_or(|bytes| bytes > 0));
    }

    let request = Request::get(format!("/internal/indexes/{index}/containers")).body(Body::empty()).unwrap();
    let outside = Upstream::local(world.controller.router(), "guessed").send(request).await.unwrap();
    assert_eq!(outside.status(), StatusCode::FORBIDDEN);
    let unknown = ask(&world.controller, "GET", &format!("/internal/indexes/{}/containers", IndexId::generate())).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
}
