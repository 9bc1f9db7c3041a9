//! Searches that find the index asleep.

use std::time::Duration;

use futures::{StreamExt, stream::FuturesUnordered};
use onggi_domain::{container::WakePolicy, limits::Limits};

use crate::bed::{Bed, Searcher, limits};

#[tokio::test]
async fn searches_that_come_together_wake_an_index_once_and_too_many_are_refused() {
    let bed = Bed::with_limits(Limits { waking_queue: 3, ..limits() }).await;
    let (tenant, root) = bed.tenant("one").await;
    let searcher = Searcher::new("woken").await;
    let index = bed.index_that(tenant, "jars", WakePolicy::OnSearch, false, &[]).await;
    bed.fleet.wakes_with(index, &[&searcher]);
    let mut searches: FuturesUnordered<_> = (0..8).map(|_| bed.search(&root, "jars")).collect();
    for _ in 0..5 {
        let refused = searches.next().await.unwrap();
        assert_eq!(refused.outcome(), (503, "index_waking".to_owned()));
        assert_eq!(refused.header("retry-after"), "1");
    }
    bed.fleet.may_wake.add_permits(1);
    for _ in 0..3 {
        let answered = searches.next().await.unwrap();
        assert_eq!((answered.status, answered.json()["by"].as_str()), (200, Some("woken")));
    }
    assert_eq!(bed.fleet.wakes(), 1);
    drop(searches);
    assert_eq!(bed.search(&root, "jars").await.status, 200);
    assert_eq!(bed.fleet.wakes(), 1, "an index that is awake is not woken");
}

#[tokio::test]
async fn an_index_that_does_not_wake_in_time_is_told_so() {
    let bed = Bed::with_limits(Limits { waking_wait: Duration::from_millis(50), ..limits() }).await;
    let (tenant, root) = bed.tenant("one").await;
    bed.index_that(tenant, "jars", WakePolicy::OnSearch, false, &[]).await;
    let answer = bed.search(&root, "jars").await;
    assert_eq!(answer.outcome(), (503, "index_waking".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn an_index_that_wakes_by_hand_is_not_woken_by_a_search() {
    let bed = Bed::new().await;
    let (tenant, root) = bed.tenant("one").await;
    bed.index_that(tenant, "jars", WakePolicy::Manual, false, &[]).await;
    let answer = bed.search(&root, "jars").await;
    assert_eq!(answer.outcome(), (503, "index_waking".to_owned()));
    assert!(answer.json()["message"].as_str().unwrap().contains("POST /indexes/jars/wake"));
    assert_eq!(bed.fleet.wakes(), 0);
}
