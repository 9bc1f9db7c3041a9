//! Usage.

use onggi_domain::{Generation, IndexId, TenantId};
use onggi_metadata::UsageSample;

use crate::{World, assert_error, at};

fn sample(tenant: TenantId, index: IndexId, container: &str, from: i64) -> UsageSample {
    UsageSample {
        tenant,
        index,
        container: container.to_owned(),
        size: "small".to_owned(),
        from: at(from),
        seconds: 10.0,
        generation: Some(Generation(3)),
    }
}

pub(crate) async fn an_interval_of_a_container_is_stored_once(world: World) {
    let usage = &world.metadata.usage;
    let tenant = world.tenant("acme").await.id;
    let index = IndexId::generate();
    let first = sample(tenant, index, "s-1", 0);
    usage.record(std::slice::from_ref(&first)).await.unwrap();
    usage.record(&[UsageSample { seconds: 99.0, ..first.clone() }, sample(tenant, index, "s-1", 10)]).await.unwrap();
    usage.record(&[]).await.unwrap();
    assert_eq!(usage.container_seconds(tenant, at(0), at(100)).await.unwrap(), [(index, "small".to_owned(), 20.0)]);
    assert_error!(usage.record(&[sample(TenantId::generate(), index, "s-2", 0)]).await, NotFound("tenant"));
}

pub(crate) async fn container_seconds_are_summed_by_index_and_size(world: World) {
    let usage = &world.metadata.usage;
    let (acme, other) = (world.tenant("acme").await.id, world.tenant("other").await.id);
    let (books, films) = (IndexId::generate(), IndexId::generate());
    let large = UsageSample { size: "large".to_owned(), ..sample(acme, books, "s-3", 10) };
    let samples = [
        sample(acme, books, "s-1", 0),
        sample(acme, books, "s-1", 10),
        sample(acme, books, "s-2", 10),
        large,
        sample(acme, films, "s-4", 10),
        sample(acme, films, "s-4", 20),
        sample(other, IndexId::generate(), "s-5", 10),
    ];
    usage.record(&samples).await.unwrap();
    let row = |index, size: &str, seconds| (index, size.to_owned(), seconds);
    // From the beginning of the time on, up to its end: neighbouring times share no interval.
    assert_eq!(
        usage.container_seconds(acme, at(10), at(20)).await.unwrap(),
        [row(books, "large", 10.0), row(books, "small", 20.0), row(films, "small", 10.0)]
    );
    assert_eq!(usage.container_seconds(acme, at(20), at(30)).await.unwrap(), [row(films, "small", 10.0)]);
}
