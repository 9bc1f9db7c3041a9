//! Searches that gateways have counted.

use std::time::Duration;

use onggi_domain::{IndexId, TenantId, usage::Counts};
use onggi_metadata::{CountBatch, QueryCounts, QueryOrder};
use uuid::Uuid;

use crate::{World, at};

const HOUR: i64 = 3600;

fn counts(searches: u64, no_hits: u64, millis: u64) -> Counts {
    let mut counts = Counts { searches, no_hits, clicks: 1, positions: 3, conversions: 2, documents: 4, ..Counts::default() };
    counts.latencies.count(Duration::from_millis(millis), searches);
    counts
}

fn batch(source: Uuid, seq: u64, until: i64, indexes: &[(TenantId, IndexId, Counts)], queries: &[(&str, Counts)]) -> CountBatch {
    let (tenant, index, _) = indexes[0];
    let query = |(query, counts): &(&str, Counts)| QueryCounts { tenant, index, query: (*query).to_owned(), counts: *counts };
    CountBatch {
        source,
        seq,
        until: at(until),
        hour: at(until - until % HOUR),
        indexes: indexes.to_vec(),
        queries: queries.iter().map(query).collect(),
    }
}

pub(crate) async fn a_batch_counts_once_however_often_it_is_told(world: World) {
    let searches = &world.metadata.searches;
    let (tenant, index, one, two) = (TenantId::generate(), IndexId::generate(), Uuid::new_v4(), Uuid::new_v4());
    let first = batch(one, 0, 100, &[(tenant, index, counts(10, 1, 2))], &[("jar", counts(10, 1, 2))]);
    assert!(searches.add(&first).await.unwrap());
    assert!(!searches.add(&first).await.unwrap());
    assert!(searches.add(&CountBatch { source: two, ..first.clone() }).await.unwrap(), "another gateway's is another batch");
    assert!(searches.add(&CountBatch { seq: 1, until: at(HOUR + 1), hour: at(HOUR), ..first.clone() }).await.unwrap());
    let hours = searches.hours(tenant, at(0), at(HOUR)).await.unwrap();
    let mut twice = counts(10, 1, 2);
    twice.add(&counts(10, 1, 2));
    assert_eq!(hours, [(index, at(0), twice)]);
    assert_eq!(searches.hours(tenant, at(0), at(2 * HOUR)).await.unwrap().len(), 2);
    assert!(searches.hours(TenantId::generate(), at(0), at(HOUR)).await.unwrap().is_empty());
    let moments = searches.moments(tenant, at(50)).await.unwrap();
    assert_eq!((moments.len(), moments[0].1.searches, moments[0].1.latencies.total()), (1, 30, 30));
    assert_eq!(searches.moments(tenant, at(100)).await.unwrap()[0].1.searches, 10);
    let queries = searches.queries(index, at(0), at(2 * HOUR), QueryOrder::Searches, 10).await.unwrap();
    assert_eq!((queries.len(), queries[0].0.as_str(), queries[0].1.searches, queries[0].1.clicks), (1, "jar", 30, 3));
}

pub(crate) async fn batches_that_are_added_at_once_are_all_counted(world: World) {
    let (tenant, indexes) = (TenantId::generate(), [IndexId::generate(), IndexId::generate()]);
    let adding = (0..8).map(|_| {
        let metadata = world.metadata.clone();
        let counted = [(tenant, indexes[0], counts(1, 0, 1)), (tenant, indexes[1], counts(1, 0, 1))];
        let batch = batch(Uuid::new_v4(), 0, 10, &counted, &[("a", counts(1, 0, 1)), ("b", counts(1, 0, 1))]);
        tokio::spawn(async move { metadata.searches.add(&batch).await.unwrap() })
    });
    for adding in adding.collect::<Vec<_>>() {
        assert!(adding.await.unwrap());
    }
    let hours = world.metadata.searches.hours(tenant, at(0), at(HOUR)).await.unwrap();
    assert_eq!(hours.iter().map(|(.., counts)| counts.searches).collect::<Vec<_>>(), [8, 8]);
}

pub(crate) async fn queries_are_listed_by_number_failures_and_time_and_the_rare_ones_forgotten(world: World) {
    let searches = &world.metadata.searches;
    let (tenant, index, other) = (TenantId::generate(), IndexId::generate(), IndexId::generate());
    let queries = [("often", counts(50, 0, 1)), ("slow", counts(5, 0, 400)), ("empty", counts(7, 7, 1)), ("rare", counts(1, 0, 1))];
    let none = Counts::default();
    searches.add(&batch(Uuid::new_v4(), 0, 10, &[(tenant, index, none)], &queries)).await.unwrap();
    searches.add(&batch(Uuid::new_v4(), 0, 10, &[(tenant, other, none)], &[("theirs", counts(100, 0, 1))])).await.unwrap();
    let names = async |order| {
        let queries = searches.queries(index, at(0), at(HOUR), order, 2).await.unwrap();
        queries.into_iter().map(|(query, _)| query).collect::<Vec<_>>()
    };
    assert_eq!(names(QueryOrder::Searches).await, ["often", "empty"]);
    assert_eq!(names(QueryOrder::NoHits).await, ["empty"]);
    assert_eq!(names(QueryOrder::Slow).await[0], "slow");
    searches.keep_most(at(0), at(HOUR), 2).await.unwrap();
    let left = searches.queries(index, at(0), at(HOUR), QueryOrder::Searches, 10).await.unwrap();
    assert_eq!(left.iter().map(|(query, _)| query.as_str()).collect::<Vec<_>>(), ["often", "empty"]);
    assert_eq!(searches.queries(other, at(0), at(HOUR), QueryOrder::Searches, 10).await.unwrap().len(), 1);
    searches.trim(at(100), at(1), at(0)).await.unwrap();
    assert!(searches.hours(tenant, at(0), at(HOUR)).await.unwrap().is_empty());
    assert!(searches.moments(tenant, at(0)).await.unwrap().is_empty());
    assert_eq!(searches.queries(other, at(0), at(HOUR), QueryOrder::Searches, 10).await.unwrap().len(), 1);
    searches.trim(at(100), at(1), at(1)).await.unwrap();
    assert!(searches.queries(other, at(0), at(HOUR), QueryOrder::Searches, 10).await.unwrap().is_empty());
}
