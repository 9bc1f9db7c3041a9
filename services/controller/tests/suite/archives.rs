//! Dumps, snapshots, and old tasks.

use std::time::Duration;

use onggi_bucket::archive::Archive;
use onggi_domain::{
    Generation, Timestamp,
    task::{TaskDetails, TaskKind, TaskStatus},
};
use onggi_metadata::NewTask;

use crate::world::{World, eventually};

fn archive(world: &World, kind: TaskKind) -> NewTask {
    NewTask {
        tenant: world.tenant,
        index: None,
        index_uid: None,
        kind,
        details: TaskDetails::new(),
        custom_metadata: None,
        targets: None,
        enqueued_at: Timestamp::now(),
    }
}

#[tokio::test]
async fn a_dump_copies_the_newest_generation_of_every_index_and_old_ones_go() {
    let world = World::new(|config| {
        config.archives_every = Duration::from_millis(10);
        config.keep_archives = 2;
    })
    .await;
    let (written, empty) = (world.index("movies", 1).await, world.index("empty", 0).await);
    let task = world.write(written).await;
    world.succeeded(&task).await;

    let mut names = Vec::new();
    for kind in [TaskKind::DumpCreation, TaskKind::SnapshotCreation, TaskKind::DumpCreation] {
        let task = world.metadata.tasks.allocate(&archive(&world, kind)).await.unwrap();
        let task = eventually("the archive is written", async || {
            let task = world.metadata.tasks.get(world.tenant, task.uid).await.unwrap();
            task.status.is_final().then_some(task)
        })
        .await;
        assert_eq!((task.status, task.batch), (TaskStatus::Succeeded, Some(task.uid)));
        names = Archive::list(world.store(), world.tenant).await.unwrap();
        let newest = names.last().unwrap().clone();
        assert_eq!(task.details.get("dumpUid").and_then(|uid| uid.as_str()), (kind == TaskKind::DumpCreation).then_some(newest.as_str()));
    }
    assert_eq!(names.len(), 2, "{names:?}");
    let dump = Archive::new(world.store().clone(), world.tenant, &names[1]);
    let contents = dump.contents().await.unwrap().unwrap();
    let held: Vec<_> = contents.indexes.iter().map(|index| (index.uid.as_str(), index.id, index.generation)).collect();
    assert_eq!(held, [("empty", empty, None), ("movies", written, Some(Generation(1)))]);
    let copy = dump.index(written).manifest(Generation(1)).await.unwrap();
    let original = world.bucket(written).manifest(Generation(1)).await.unwrap();
    assert_eq!((copy.state, copy.files), (original.state, original.files));
}

#[tokio::test]
async fn an_archive_that_was_begun_before_a_crash_is_written_by_the_next_controller() {
    let mut world = World::at_rest(|_| {}).await;
    world.index("movies", 0).await;
    let task = world.metadata.tasks.allocate(&archive(&world, TaskKind::DumpCreation)).await.unwrap();
    world.metadata.tasks.mark_started(world.tenant, task.uid, Timestamp::now()).await.unwrap();
    world.start();
    let task = eventually("the dump is written", async || {
        let task = world.metadata.tasks.get(world.tenant, task.uid).await.unwrap();
        task.status.is_final().then_some(task)
    })
    .await;
    assert_eq!(task.status, TaskStatus::Succeeded);
    world.stop().await;
}

#[tokio::test]
async fn the_archives_of_a_deleted_tenant_go() {
    let world = World::new(|config| {
        config.archives_every = Duration::from_millis(10);
        config.collect_every = Duration::from_millis(10);
    })
    .await;
    let task = world.metadata.tasks.allocate(&archive(&world, TaskKind::DumpCreation)).await.unwrap();
    let list = async || Archive::list(world.store(), world.tenant).await.unwrap();
    world.succeeded(&task).await;
    assert_eq!(list().await.len(), 1);
    world.metadata.tenants.set_status(world.tenant, onggi_domain::tenant::TenantStatus::Deleted).await.unwrap();
    eventually("they are gone", async || list().await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn the_oldest_tasks_are_forgotten() {
    let mut world = World::at_rest(|config| {
        config.keep_tasks = 2;
        config.collect_every = Duration::from_millis(10);
    })
    .await;
    for _ in 0..5 {
        world.metadata.tasks.complete_at_once(&archive(&world, TaskKind::TaskDeletion), None).await.unwrap();
    }
    world.start();
    eventually("old tasks are gone", async || {
        let filter = onggi_domain::task::TaskFilter::default();
        let all = [onggi_domain::key::IndexPattern::all()];
        let page = world.metadata.tasks.list(world.tenant, &filter, &all, None, 10, true).await.unwrap();
        (page.items.iter().map(|task| task.uid.0).collect::<Vec<_>>() == [3, 4]).then_some(())
    })
    .await;
    world.stop().await;
}
