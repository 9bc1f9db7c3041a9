//! Tenants.

use onggi_domain::{TenantId, tenant::TenantStatus};

use crate::{World, assert_error, keys::stored_key, new_index, new_tenant, tasks::appended, uid};

pub(crate) async fn a_tenant_is_found_by_id_and_name(world: World) {
    let tenants = &world.metadata.tenants;
    let acme = world.tenant("acme").await;
    let zoo = world.tenant("Zoo").await;
    assert_eq!(tenants.get(acme.id).await.unwrap(), acme);
    assert_eq!(tenants.by_name("acme").await.unwrap(), acme);
    assert_eq!(tenants.list().await.unwrap(), [zoo, acme]);
    assert_error!(tenants.create(&new_tenant("acme")).await, AlreadyExists("tenant"));
    assert_error!(tenants.get(TenantId::generate()).await, NotFound("tenant"));
    assert_error!(tenants.by_name("nobody").await, NotFound("tenant"));
    assert_error!(tenants.set_status(TenantId::generate(), TenantStatus::Suspended).await, NotFound("tenant"));
}

pub(crate) async fn a_name_is_free_again_when_its_tenant_is_deleted(world: World) {
    let tenants = &world.metadata.tenants;
    let first = world.tenant("acme").await;
    tenants.set_status(first.id, TenantStatus::Deleted).await.unwrap();
    assert_error!(tenants.by_name("acme").await, NotFound("tenant"));
    assert!(tenants.list().await.unwrap().is_empty());
    assert_eq!(tenants.get(first.id).await.unwrap().status, TenantStatus::Deleted);

    let second = world.tenant("acme").await;
    assert_eq!(tenants.by_name("acme").await.unwrap().id, second.id);
    assert_error!(tenants.set_status(first.id, TenantStatus::Active).await, NotFound("tenant"));
    tenants.set_status(first.id, TenantStatus::Deleted).await.unwrap();
}

pub(crate) async fn deleting_a_tenant_deletes_its_indexes_and_tells_so(world: World) {
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    let (books, films) = (world.index(&acme, "books").await, world.index(&acme, "films").await);
    let kept = world.index(&other, "books").await;
    world.metadata.tenants.set_status(acme.id, TenantStatus::Suspended).await.unwrap();
    assert_eq!(world.metadata.indexes.count(acme.id).await.unwrap(), 2);

    world.metadata.tenants.set_status(acme.id, TenantStatus::Deleted).await.unwrap();
    assert_eq!(world.metadata.indexes.count(acme.id).await.unwrap(), 0);
    let changed = world.metadata.indexes.changed_since(kept.revision, 10).await.unwrap();
    let mut ids: Vec<_> = changed.iter().filter(|index| index.deleted_at.is_some()).map(|index| index.id).collect();
    ids.sort();
    assert_eq!(ids, [books.id, films.id]);
    assert_eq!(world.metadata.indexes.get(other.id, &uid("books")).await.unwrap(), kept);
}

pub(crate) async fn nothing_is_created_in_a_deleted_tenant(world: World) {
    let acme = world.tenant("acme").await;
    world.metadata.tenants.set_status(acme.id, TenantStatus::Deleted).await.unwrap();
    assert_error!(world.metadata.indexes.create(&new_index(&acme, "books")).await, NotFound("tenant"));
    assert_error!(world.metadata.indexes.create(&new_index(&new_tenant("unknown"), "books")).await, NotFound("tenant"));
}

pub(crate) async fn a_deleted_tenant_is_purged_when_its_last_index_is(world: World) {
    let tenants = &world.metadata.tenants;
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    let (books, kept) = (world.index(&acme, "books").await, world.index(&other, "books").await);
    let key = stored_key(&world, acme.id, 1).await;
    let kept_key = stored_key(&world, other.id, 1).await;
    let task = appended(&world, &books, 1).await;
    let kept_task = appended(&world, &kept, 1).await;
    assert!(!tenants.purge(acme.id).await.unwrap(), "it lives");

    tenants.set_status(acme.id, TenantStatus::Deleted).await.unwrap();
    assert!(!tenants.purge(acme.id).await.unwrap(), "its index is still to be removed");
    assert_eq!(tenants.unpurged().await.unwrap(), [acme.id]);
    world.metadata.indexes.purge(books.id).await.unwrap();
    assert!(tenants.purge(acme.id).await.unwrap());
    assert!(tenants.unpurged().await.unwrap().is_empty());
    assert_error!(world.metadata.keys.get(acme.id, key.uid).await, NotFound("key"));
    assert_error!(world.metadata.tasks.get(acme.id, task.uid).await, NotFound("task"));
    assert_eq!(tenants.get(acme.id).await.unwrap().status, TenantStatus::Deleted);

    world.metadata.keys.get(other.id, kept_key.uid).await.unwrap();
    world.metadata.tasks.get(other.id, kept_task.uid).await.unwrap();
}
