//! API keys.

use onggi_domain::{
    KeyId, TenantId,
    identity::{ClaimRule, IdentityProvider, ProviderSettings},
    key::{Action, IndexPattern, Key},
    tenant::{Standing, TenantStatus},
};
use onggi_metadata::{KeySecrets, hash_key};

use crate::{World, assert_error, at};

pub(crate) fn new_key(tenant: TenantId, created: i64) -> Key {
    Key {
        uid: KeyId::generate(),
        tenant,
        name: Some("website".to_owned()),
        description: None,
        actions: vec![Action::Search, Action::DocumentsAll],
        indexes: vec![IndexPattern::try_from("prod_*".to_owned()).unwrap()],
        expires_at: Some(at(99)),
        salted: true,
        root: false,
        created_at: at(created),
        updated_at: at(created),
    }
}

pub(crate) async fn stored_key(world: &World, tenant: TenantId, created: i64) -> Key {
    let key = new_key(tenant, created);
    world.metadata.keys.create(&key, &key.uid.to_string()).await.unwrap();
    key
}

pub(crate) async fn a_key_is_found_by_its_secret_and_by_its_uid(world: World) {
    let keys = &world.metadata.keys;
    let tenant = world.tenant("acme").await.id;
    let key = new_key(tenant, 1);
    let secret = KeySecrets::new("server secret").of(&key);
    keys.create(&key, &hash_key(&secret)).await.unwrap();
    assert_eq!(keys.by_hash(&hash_key(&secret)).await.unwrap(), (key.clone(), Standing { status: TenantStatus::Active, plan: None }));
    assert_error!(keys.by_hash(&hash_key("another secret")).await, NotFound("key"));
    assert_error!(keys.create(&key, "another hash").await, AlreadyExists("key"));
    assert_error!(keys.create(&new_key(tenant, 1), &hash_key(&secret)).await, AlreadyExists("key"));
    assert_error!(keys.create(&new_key(TenantId::generate(), 1), "hash").await, NotFound("tenant"));

    world.metadata.tenants.set_status(tenant, TenantStatus::Suspended).await.unwrap();
    assert_eq!(keys.by_uid(key.uid).await.unwrap(), [(key, Standing { status: TenantStatus::Suspended, plan: None })]);
    assert!(keys.by_uid(KeyId::generate()).await.unwrap().is_empty());
}

pub(crate) async fn a_key_of_another_tenant_does_not_exist(world: World) {
    let keys = &world.metadata.keys;
    let (acme, other) = (world.tenant("acme").await.id, world.tenant("other").await.id);
    let key = stored_key(&world, acme, 1).await;
    assert_error!(keys.get(other, key.uid).await, NotFound("key"));
    assert_error!(keys.update(other, key.uid, None, None, at(2)).await, NotFound("key"));
    assert_error!(keys.delete(other, key.uid).await, NotFound("key"));
    assert!(keys.list(other, 0, 10).await.unwrap().items.is_empty());
    assert_eq!(keys.get(acme, key.uid).await.unwrap(), key);
}

pub(crate) async fn keys_are_listed_newest_first_without_the_root_key(world: World) {
    let keys = &world.metadata.keys;
    let tenant = world.tenant("acme").await.id;
    let (first, second, third) =
        (stored_key(&world, tenant, 1).await, stored_key(&world, tenant, 2).await, stored_key(&world, tenant, 3).await);
    let root = Key { root: true, ..new_key(tenant, 4) };
    keys.create(&root, "hash of root").await.unwrap();
    let page = keys.list(tenant, 0, 2).await.unwrap();
    assert_eq!((page.items, page.total), (vec![third, second], 3));
    let page = keys.list(tenant, 2, u64::MAX).await.unwrap();
    assert_eq!((page.items, page.total), (vec![first], 3));
    assert!(keys.get(tenant, root.uid).await.unwrap().root);
}

pub(crate) async fn name_and_description_change_and_nothing_else(world: World) {
    let keys = &world.metadata.keys;
    let tenant = world.tenant("acme").await.id;
    let key = stored_key(&world, tenant, 1).await;
    let changed = keys.update(tenant, key.uid, None, Some("for the shop"), at(5)).await.unwrap();
    assert_eq!(changed, Key { name: None, description: Some("for the shop".to_owned()), updated_at: at(5), ..key.clone() });
    assert_eq!(keys.get(tenant, key.uid).await.unwrap(), changed);
}

pub(crate) async fn a_key_remembers_when_it_was_used_to_the_minute(world: World) {
    let keys = &world.metadata.keys;
    let (acme, other) = (world.tenant("acme").await.id, world.tenant("other").await.id);
    let (one, two) = (stored_key(&world, acme, 1).await, stored_key(&world, acme, 2).await);
    let theirs = Key { tenant: other, ..one.clone() };
    keys.create(&theirs, "another hash").await.unwrap();
    assert!(keys.last_uses(acme).await.unwrap().is_empty());
    keys.used(&[(acme, one.uid, at(1000)), (acme, KeyId::generate(), at(1000))]).await.unwrap();
    assert_eq!(keys.last_uses(acme).await.unwrap().into_iter().collect::<Vec<_>>(), [(one.uid, at(1000))]);
    // Of another gateway, within the same minute, or late.
    for (told, kept) in [(1059, 1000), (900, 1000), (1060, 1060)] {
        keys.used(&[(acme, one.uid, at(told))]).await.unwrap();
        assert_eq!(keys.last_uses(acme).await.unwrap()[&one.uid], at(kept), "{told}");
    }
    assert!(!keys.last_uses(acme).await.unwrap().contains_key(&two.uid));
    assert!(keys.last_uses(other).await.unwrap().is_empty());
    assert_eq!(keys.get(acme, one.uid).await.unwrap(), one, "nothing else changes");
}

pub(crate) async fn a_deleted_key_is_unknown(world: World) {
    let keys = &world.metadata.keys;
    let tenant = world.tenant("acme").await.id;
    let key = stored_key(&world, tenant, 1).await;
    keys.delete(tenant, key.uid).await.unwrap();
    assert_error!(keys.by_hash(&key.uid.to_string()).await, NotFound("key"));
    assert!(keys.by_uid(key.uid).await.unwrap().is_empty());
    assert_error!(keys.delete(tenant, key.uid).await, NotFound("key"));
}

pub(crate) async fn two_tenants_may_have_keys_of_one_uid(world: World) {
    let keys = &world.metadata.keys;
    let (acme, other) = (world.tenant("acme").await.id, world.tenant("other").await.id);
    let first = stored_key(&world, acme, 2).await;
    let second = Key { tenant: other, created_at: at(1), ..first.clone() };
    keys.create(&second, "another hash").await.unwrap();
    let found: Vec<Key> = keys.by_uid(first.uid).await.unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(found, [second.clone(), first.clone()], "the oldest first");
    assert_eq!(keys.get(other, first.uid).await.unwrap(), second);
    keys.delete(other, first.uid).await.unwrap();
    assert_eq!(keys.get(acme, first.uid).await.unwrap(), first);
}

pub(crate) async fn an_identity_provider_is_set_replaced_and_removed(world: World) {
    let providers = &world.metadata.identity_providers;
    let (acme, other) = (world.tenant("acme").await.id, world.tenant("other").await.id);
    assert_error!(providers.get(acme).await, NotFound("identity provider"));
    let settings = |issuer: &str| ProviderSettings {
        issuer: issuer.to_owned(),
        audience: "app".to_owned(),
        jwks_uri: Some("https://id.example/keys".to_owned()),
        jwks: None,
        rules: vec![ClaimRule { when: None, indexes: vec![IndexPattern::all()], filter: Some("a = {sub}".to_owned()) }],
    };
    // Two tenants may trust the same provider: who is meant says the caller.
    for tenant in [acme, other] {
        providers.set(&IdentityProvider { tenant, settings: settings("https://id.example"), updated_at: at(1) }).await.unwrap();
    }
    let changed = IdentityProvider { tenant: acme, settings: settings("https://login.example"), updated_at: at(2) };
    providers.set(&changed).await.unwrap();
    world.metadata.tenants.set_status(acme, TenantStatus::Suspended).await.unwrap();
    assert_eq!(providers.get(acme).await.unwrap(), (changed, Standing { status: TenantStatus::Suspended, plan: None }));
    assert_eq!(providers.get(other).await.unwrap().0.settings.issuer, "https://id.example");
    providers.remove(acme).await.unwrap();
    assert_error!(providers.remove(acme).await, NotFound("identity provider"));
    let unknown = IdentityProvider { tenant: onggi_domain::TenantId::generate(), settings: settings("x"), updated_at: at(1) };
    assert_error!(providers.set(&unknown).await, NotFound("tenant"));
}
