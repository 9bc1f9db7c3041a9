//! Usage: runs of containers, hours, and what is stored.

use std::time::Duration;

use onggi_domain::{
    ApiError, Code, Generation, IndexId, TenantId, Timestamp,
    container::{Role, Selection},
    index::Published,
    plan::Selected,
    settings::Settings,
    tenant::TenantStatus,
    usage::Run,
};

use crate::{World, assert_error, at, new_index, uid};

const HOUR: i64 = 3600;

fn run(tenant: TenantId, index: IndexId, container: &str, from: i64, until: i64) -> Run {
    Run {
        container: container.to_owned(),
        restarts: 0,
        tenant,
        index,
        role: Role::Searcher,
        size: "small".to_owned(),
        from: at(from),
        until: at(until),
    }
}

/// The seconds of each hour, in order.
async fn hours(world: &World, tenant: TenantId) -> Vec<(i64, u64)> {
    let hours = world.metadata.usage.container_hours(tenant, at(0), at(1000 * HOUR)).await.unwrap();
    hours.iter().map(|hour| (hour.hour.as_second() / HOUR, hour.used.as_secs())).collect()
}

pub(crate) async fn a_run_is_counted_once_however_often_it_is_told(world: World) {
    let usage = &world.metadata.usage;
    let tenant = world.tenant("acme").await.id;
    let index = IndexId::generate();
    usage.saw(&[run(tenant, index, "s-1", 100, 200), run(tenant, index, "s-2", 0, 50)]).await.unwrap();
    // Another one that counts says when it saw the container first, or something older.
    usage.saw(&[run(tenant, index, "s-1", 10, 300), run(tenant, index, "s-1", 150, 250)]).await.unwrap();
    usage.saw(&[Run { restarts: 1, ..run(tenant, index, "s-1", 400, 500) }]).await.unwrap();
    usage.saw(&[]).await.unwrap();
    for _ in 0..2 {
        usage.roll_up(at(0)).await.unwrap();
        assert_eq!(hours(&world, tenant).await, [(0, 200 + 50 + 100)]);
    }
    assert!(hours(&world, world.tenant("other").await.id).await.is_empty());
}

pub(crate) async fn a_pause_of_who_counts_is_made_good_and_what_is_settled_stays(world: World) {
    let usage = &world.metadata.usage;
    let tenant = world.tenant("acme").await.id;
    let index = IndexId::generate();
    usage.saw(&[run(tenant, index, "s-1", 30 * 60, HOUR + 60)]).await.unwrap();
    usage.roll_up(at(HOUR)).await.unwrap();
    assert_eq!(hours(&world, tenant).await, [(0, 1800), (1, 60)]);
    // Nobody looks for hours; the container runs all the time.
    usage.saw(&[run(tenant, index, "s-1", 30 * 60, 4 * HOUR + 1)]).await.unwrap();
    usage.roll_up(at(4 * HOUR)).await.unwrap();
    let expected = [(0, 1800), (1, 3600), (2, 3600), (3, 3600), (4, 1)];
    assert_eq!(hours(&world, tenant).await, expected);
    // A run of which is only said now that it was there is not counted in hours that are settled.
    usage.saw(&[run(tenant, index, "s-2", 0, 4 * HOUR + 10)]).await.unwrap();
    usage.roll_up(at(2 * HOUR)).await.unwrap();
    let expected = [(0, 1800), (1, 3600), (2, 3600), (3, 3600), (4, 11)];
    assert_eq!(hours(&world, tenant).await, expected);
    usage.trim(at(100 * HOUR), at(2 * HOUR)).await.unwrap();
    usage.roll_up(at(4 * HOUR)).await.unwrap();
    assert_eq!(hours(&world, tenant).await, expected[2..], "runs that are not settled are kept");
}

pub(crate) async fn hours_are_told_apart_by_index_size_and_role(world: World) {
    let usage = &world.metadata.usage;
    let tenant = world.tenant("acme").await.id;
    let (books, films) = (IndexId::generate(), IndexId::generate());
    let large = Run { size: "large".to_owned(), ..run(tenant, books, "s-3", 0, 10) };
    let indexer = Run { role: Role::Indexer, ..run(tenant, books, "i-1", 0, 10) };
    let restarted = Run { restarts: 3, ..run(tenant, books, "s-1", 20, 30) };
    usage.saw(&[run(tenant, books, "s-1", 0, 10), large, indexer, restarted, run(tenant, films, "s-4", 0, 10)]).await.unwrap();
    usage.roll_up(at(0)).await.unwrap();
    let told = usage.container_hours(tenant, at(0), at(HOUR)).await.unwrap();
    let mut told: Vec<_> = told.iter().map(|hour| (hour.index == books, hour.size.as_str(), hour.role, hour.used)).collect();
    told.sort_unstable();
    let seconds = Duration::from_secs;
    let expected = [
        (false, "small", Role::Searcher, seconds(10)),
        (true, "large", Role::Searcher, seconds(10)),
        (true, "small", Role::Indexer, seconds(10)),
        (true, "small", Role::Searcher, seconds(20)),
    ];
    assert_eq!(told, expected);
    assert!(usage.container_hours(tenant, at(1), at(HOUR)).await.unwrap().is_empty(), "the hours that begin in the time");
}

fn published(generation: u64, documents: u64, stored_bytes: u64) -> Published {
    Published {
        generation: Generation(generation),
        committed_seq: None,
        documents,
        stored_bytes,
        raw_bytes: 1,
        fields: indexmap::IndexMap::new(),
    }
}

pub(crate) async fn storage_is_noted_where_it_changes(world: World) {
    let (usage, indexes) = (&world.metadata.usage, &world.metadata.indexes);
    let tenant = world.tenant("acme").await;
    let books = world.index(&tenant, "books").await;
    let record = async |generation, bytes| {
        indexes.record_generation(books.id, &published(generation, 5, bytes), &Settings::default(), None).await.unwrap();
    };
    usage.note_storage(at(10)).await.unwrap();
    record(1, 100).await;
    usage.note_storage(at(HOUR + 10)).await.unwrap();
    usage.note_storage(at(2 * HOUR)).await.unwrap();
    record(2, 300).await;
    usage.note_storage(at(3 * HOUR)).await.unwrap();
    record(3, 200).await;
    usage.note_storage(at(3 * HOUR + 1800)).await.unwrap();
    indexes.rename(books.id, &uid("novels")).await.unwrap();
    usage.note_storage(at(4 * HOUR)).await.unwrap();
    indexes.delete(books.id).await.unwrap();
    usage.note_storage(at(5 * HOUR)).await.unwrap();
    usage.note_storage(at(6 * HOUR)).await.unwrap();
    let steps = async |to| {
        let steps = usage.storage_steps(tenant.id, at(to)).await.unwrap();
        steps.iter().map(|step| (step.hour.as_second() / HOUR, step.bytes, step.uid.to_string())).collect::<Vec<_>>()
    };
    let step = |hour, bytes, name: &str| (hour, bytes, name.to_owned());
    let all = [step(0, 0, "books"), step(1, 100, "books"), step(3, 200, "books"), step(4, 200, "novels"), step(5, 0, "novels")];
    assert_eq!(steps(100 * HOUR).await, all);
    assert_eq!(steps(3 * HOUR).await, all[..2]);
    usage.trim(at(0), at(3 * HOUR + 1)).await.unwrap();
    assert_eq!(steps(100 * HOUR).await, all[2..], "the last step before the time says what was stored then");
    usage.trim(at(0), at(100 * HOUR)).await.unwrap();
    assert!(steps(100 * HOUR).await.is_empty(), "of what is deleted nothing stays");
}

pub(crate) async fn what_a_tenant_holds_is_what_its_living_indexes_hold(world: World) {
    let (usage, indexes) = (&world.metadata.usage, &world.metadata.indexes);
    let tenant = world.tenant("acme").await;
    let [books, films, gone] =
        [world.index(&tenant, "books").await, world.index(&tenant, "films").await, world.index(&tenant, "gone").await];
    for index in [&books, &films, &gone] {
        indexes.record_generation(index.id, &published(1, 5, 100), &Settings::default(), None).await.unwrap();
    }
    indexes.delete(gone.id).await.unwrap();
    let held = usage.held(tenant.id).await.unwrap();
    assert_eq!((held.indexes, held.documents, held.stored_bytes), (2, 10, 200));
    assert_eq!(usage.held(world.tenant("other").await.id).await.unwrap().documents, 0);
}

pub(crate) async fn a_tenant_has_the_plan_that_it_was_given(world: World) {
    let tenants = &world.metadata.tenants;
    let tenant = world.tenant("acme").await.id;
    assert_eq!(tenants.get(tenant).await.unwrap().plan, None);
    tenants.set_plan(tenant, Some("team")).await.unwrap();
    assert_eq!(tenants.by_name("acme").await.unwrap().plan.as_deref(), Some("team"));
    tenants.set_plan(tenant, None).await.unwrap();
    assert_eq!(tenants.list().await.unwrap()[0].plan, None);
    tenants.set_status(tenant, TenantStatus::Deleted).await.unwrap();
    assert_error!(tenants.set_plan(tenant, Some("team")).await, NotFound("tenant"));
}

/// At most this many replicas of all indexes.
fn at_most(replicas: u32) -> impl Fn(&[Selected], &[Selected]) -> Result<(), ApiError> {
    move |_, after| {
        let sum: u32 = after.iter().map(|(_, selection)| selection.replicas).sum();
        if sum <= replicas { Ok(()) } else { Err(ApiError::new(Code::QuotaExceeded, format!("{sum}"))) }
    }
}

pub(crate) async fn what_is_selected_is_checked_together_with_the_other_indexes(world: World) {
    let indexes = &world.metadata.indexes;
    let (tenant, other) = (world.tenant("acme").await, world.tenant("other").await);
    world.index(&other, "theirs").await;
    let books = world.index(&tenant, "books").await;
    indexes.create_within(&new_index(&tenant, "films"), &at_most(2)).await.unwrap();
    assert_error!(indexes.create_within(&new_index(&tenant, "more"), &at_most(2)).await, Refused);
    assert_error!(indexes.get(tenant.id, &uid("more")).await, NotFound("index"));
    assert_error!(indexes.create_within(&new_index(&tenant, "films"), &at_most(2)).await, AlreadyExists("index"));
    let selection = Selection { replicas: 3, ..Selection::new("small") };
    assert_error!(indexes.set_selection_within(books.id, &selection, &at_most(3)).await, Refused);
    assert_eq!(indexes.get_by_id(books.id).await.unwrap(), books);
    indexes.set_selection_within(books.id, &selection, &at_most(4)).await.unwrap();
    let selected: Vec<u32> = indexes.selections(tenant.id).await.unwrap().iter().map(|(_, selection)| selection.replicas).collect();
    assert_eq!(selected, [3, 1]);
}

pub(crate) async fn indexes_that_are_created_at_once_keep_the_quota_together(world: World) {
    let tenant = world.tenant("acme").await;
    let creating = (0..8).map(|number| {
        let (metadata, index) = (world.metadata.clone(), new_index(&tenant, &format!("i-{number}")));
        tokio::spawn(async move { metadata.indexes.create_within(&index, &at_most(3)).await.is_ok() })
    });
    let mut created = 0;
    for creating in creating.collect::<Vec<_>>() {
        created += usize::from(creating.await.unwrap());
    }
    assert_eq!((created, world.metadata.indexes.count(tenant.id).await.unwrap()), (3, 3));
}

pub(crate) async fn an_alert_is_passed_once_a_month_and_told_until_it_is_heard(world: World) {
    let alerts = &world.metadata.alerts;
    let tenant = world.tenant("acme").await.id;
    assert_eq!(alerts.get(tenant).await.unwrap(), None);
    assert_error!(alerts.set(TenantId::generate(), 1.0, None).await, NotFound("tenant"));
    alerts.set(tenant, 10.5, Some("https://example.com/")).await.unwrap();
    let march: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let april: Timestamp = "2026-04-01T00:00:00Z".parse().unwrap();
    let later = |month: Timestamp| Timestamp::from_second(month.as_second() + 1000).unwrap();
    assert!(alerts.due(april).await.unwrap().is_empty());
    assert!(alerts.passed(tenant, later(march), 11.0, march).await.unwrap());
    assert!(!alerts.passed(tenant, later(march), 12.0, march).await.unwrap(), "once a month");
    let due = alerts.due(later(march)).await.unwrap();
    assert_eq!((due.len(), due[0].passed_cost, due[0].untold, due[0].amount), (1, Some(11.0), true, 10.5));
    assert_eq!(alerts.failed(tenant).await.unwrap(), 1);
    alerts.rest(tenant, april).await.unwrap();
    assert!(alerts.due(later(march)).await.unwrap().is_empty(), "it rests");
    assert_eq!(alerts.due(april).await.unwrap().len(), 1);
    alerts.told(tenant, later(march)).await.unwrap();
    assert!(alerts.due(april).await.unwrap().is_empty());
    assert!(alerts.passed(tenant, later(april), 20.0, april).await.unwrap(), "another month");
    alerts.set(tenant, 10.5, None).await.unwrap();
    let kept = alerts.get(tenant).await.unwrap().unwrap();
    assert_eq!((kept.passed_at, kept.untold), (Some(later(april)), false), "the same amount was passed already");
    alerts.set(tenant, 30.0, None).await.unwrap();
    assert_eq!(alerts.get(tenant).await.unwrap().unwrap().passed_at, None);
    assert_eq!(alerts.list().await.unwrap().len(), 1);
    alerts.remove(tenant).await.unwrap();
    alerts.remove(tenant).await.unwrap();
    assert!(alerts.list().await.unwrap().is_empty());

    // Nobody is told of what a deleted tenant spent.
    alerts.set(tenant, 10.5, None).await.unwrap();
    world.metadata.tenants.set_status(tenant, TenantStatus::Deleted).await.unwrap();
    assert!(alerts.list().await.unwrap().is_empty());
}
