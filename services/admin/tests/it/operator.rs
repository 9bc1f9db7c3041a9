//! What the operator does to tenants.

use onggi_admin::operator::{create_tenant, ensure_tenant, ensure_tenant_with_key};
use onggi_metadata::{Error, hash_key};

use crate::sandbox::Sandbox;

#[tokio::test]
async fn each_key_of_a_new_tenant_opens_it() {
    let sandbox = Sandbox::start().await;
    let (keys, tenant) = (&sandbox.deps.metadata.keys, sandbox.keys.tenant.id);
    for (secret, root) in [(&sandbox.keys.root_key, true), (&sandbox.keys.search_key, false), (&sandbox.keys.admin_key, false)] {
        let (key, _) = keys.by_hash(&hash_key(secret)).await.unwrap();
        assert_eq!((key.tenant, key.root), (tenant, root));
    }
    let again = create_tenant(&sandbox.deps.metadata, &sandbox.deps.secrets, "acme").await;
    assert!(matches!(again, Err(Error::AlreadyExists(_))));
}

#[tokio::test]
async fn ensuring_a_tenant_finds_the_same_keys_again() {
    let sandbox = Sandbox::start().await;
    let again = ensure_tenant(&sandbox.deps.metadata, &sandbox.deps.secrets, "acme").await.unwrap();
    assert_eq!(again.tenant.id, sandbox.keys.tenant.id);
    assert_eq!((&again.root_key, &again.search_key), (&sandbox.keys.root_key, &sandbox.keys.search_key));
    let total = sandbox.deps.metadata.keys.list(again.tenant.id, 0, 10).await.unwrap().total;
    assert_eq!(total, 2);
}

#[tokio::test]
async fn a_given_root_key_replaces_the_one_before() {
    let sandbox = Sandbox::start().await;
    let (metadata, secrets) = (&sandbox.deps.metadata, &sandbox.deps.secrets);
    let first = ensure_tenant_with_key(metadata, secrets, "dev", "first-key").await.unwrap();
    ensure_tenant_with_key(metadata, secrets, "dev", "first-key").await.unwrap();
    ensure_tenant_with_key(metadata, secrets, "dev", "second-key").await.unwrap();
    let (key, _) = metadata.keys.by_hash(&hash_key("second-key")).await.unwrap();
    assert_eq!((key.tenant, key.root), (first.tenant.id, true));
    assert!(matches!(metadata.keys.by_hash(&hash_key("first-key")).await, Err(Error::NotFound(_))));
    let taken = ensure_tenant_with_key(metadata, secrets, "other", "second-key").await;
    assert!(matches!(taken, Err(Error::AlreadyExists(_))), "a secret opens one tenant");
}
