//! What the operator of the platform does to tenants, on the database itself: no HTTP here.

use onggi_domain::{
    KeyId, TenantId, Timestamp,
    key::{Action, IndexPattern, Key},
    tenant::{Tenant, TenantStatus},
};
use onggi_metadata::{Error, KeySecrets, Metadata, Result, hash_key};

const SEARCH_KEY_NAME: &str = "Default Search API Key";
const ADMIN_KEY_NAME: &str = "Default Admin API Key";

/// A tenant and the secrets of the keys that it begins with.
#[derive(Clone)]
pub struct TenantKeys {
    /// The tenant.
    pub tenant: Tenant,
    /// May do everything, also manage keys.
    pub root_key: String,
    /// May search all indexes: for websites and apps.
    pub search_key: String,
    /// May do everything on all indexes: for the tenant's backend.
    pub admin_key: String,
}

/// Creates a tenant with its root key and the two default keys. [`Error::AlreadyExists`]: there is one of this name.
pub async fn create_tenant(metadata: &Metadata, secrets: &KeySecrets, name: &str) -> Result<TenantKeys> {
    let tenant = new_tenant(metadata, name).await?;
    let root_key = secrets.of(&new_root_key(tenant.id));
    create_root_key(metadata, tenant.id, &root_key).await?;
    with_default_keys(metadata, secrets, tenant, root_key).await
}

/// Gives a tenant another plan; none: the configuration's default. What it has beyond that stays as it is.
pub async fn set_plan(metadata: &Metadata, name: &str, plan: Option<&str>) -> Result<()> {
    let tenant = metadata.tenants.by_name(name).await?;
    metadata.tenants.set_plan(tenant.id, plan).await
}

/// The tenant of this name, created if it is absent.
pub async fn ensure_tenant(metadata: &Metadata, secrets: &KeySecrets, name: &str) -> Result<TenantKeys> {
    let tenant = existing_or_new(metadata, name).await?;
    let root_key = existing_root_key(metadata, secrets, tenant.id).await?;
    ensure_root_key(metadata, tenant.id, &root_key).await?;
    with_default_keys(metadata, secrets, tenant, root_key).await
}

/// The tenant of this name, created if it is absent, with this root key instead of any other. [`Error::AlreadyExists`]: the secret is
/// that of another key.
pub async fn ensure_tenant_with_key(metadata: &Metadata, secrets: &KeySecrets, name: &str, root_key: &str) -> Result<TenantKeys> {
    let tenant = existing_or_new(metadata, name).await?;
    ensure_root_key(metadata, tenant.id, root_key).await?;
    with_default_keys(metadata, secrets, tenant, root_key.to_owned()).await
}

/// A tenant's root key has the tenant's own id, so that it is found without being listed.
fn root_uid(tenant: TenantId) -> KeyId {
    KeyId(tenant.0)
}

async fn new_tenant(metadata: &Metadata, name: &str) -> Result<Tenant> {
    let tenant =
        Tenant { id: TenantId::generate(), name: name.to_owned(), status: TenantStatus::Active, plan: None, created_at: Timestamp::now() };
    metadata.tenants.create(&tenant).await?;
    Ok(tenant)
}

async fn existing_or_new(metadata: &Metadata, name: &str) -> Result<Tenant> {
    match metadata.tenants.by_name(name).await {
        Err(Error::NotFound(_)) => new_tenant(metadata, name).await,
        found => found,
    }
}

async fn ensure_root_key(metadata: &Metadata, tenant: TenantId, secret: &str) -> Result<()> {
    match metadata.keys.by_hash(&hash_key(secret)).await {
        Ok((key, _)) if key.tenant == tenant && key.root => return Ok(()),
        Ok(_) => return Err(Error::AlreadyExists("a key with this secret")),
        Err(Error::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    match metadata.keys.delete(tenant, root_uid(tenant)).await {
        Ok(()) | Err(Error::NotFound(_)) => {}
        Err(error) => return Err(error),
    }
    create_root_key(metadata, tenant, secret).await
}

async fn create_root_key(metadata: &Metadata, tenant: TenantId, secret: &str) -> Result<()> {
    metadata.keys.create(&new_root_key(tenant), &hash_key(secret)).await
}

fn new_root_key(tenant: TenantId) -> Key {
    Key { root: true, uid: root_uid(tenant), ..new_key(tenant, "Root key", "May do everything.", Action::All) }
}

/// The derived secret of the tenant's root key, as the key that is stored has it.
async fn existing_root_key(metadata: &Metadata, secrets: &KeySecrets, tenant: TenantId) -> Result<String> {
    match metadata.keys.get(tenant, root_uid(tenant)).await {
        Ok(key) => Ok(secrets.of(&key)),
        Err(Error::NotFound(_)) => Ok(secrets.of(&new_root_key(tenant))),
        Err(error) => Err(error),
    }
}

/// Adds those of the two default keys that are missing.
async fn with_default_keys(metadata: &Metadata, secrets: &KeySecrets, tenant: Tenant, root_key: String) -> Result<TenantKeys> {
    let present = metadata.keys.list(tenant.id, 0, 1000).await?.items;
    let ensure = async |name: &str, description: &str, action| {
        if let Some(key) = present.iter().find(|key| key.name.as_deref() == Some(name)) {
            return Ok(secrets.of(key));
        }
        let key = new_key(tenant.id, name, description, action);
        let secret = secrets.of(&key);
        metadata.keys.create(&key, &hash_key(&secret)).await.map(|()| secret)
    };
    let search_key = ensure(SEARCH_KEY_NAME, "Use it to search from the frontend", Action::Search).await?;
    let admin_key = ensure(
        ADMIN_KEY_NAME,
        "Use it for anything that is not a search operation. Caution! Do not expose it on a public frontend",
        Action::All,
    )
    .await?;
    Ok(TenantKeys { tenant, root_key, search_key, admin_key })
}

fn new_key(tenant: TenantId, name: &str, description: &str, action: Action) -> Key {
    let now = Timestamp::now();
    Key {
        uid: KeyId(uuid::Uuid::new_v4()),
        tenant,
        name: Some(name.to_owned()),
        description: Some(description.to_owned()),
        actions: vec![action],
        indexes: vec![IndexPattern::all()],
        expires_at: None,
        salted: true,
        root: false,
        created_at: now,
        updated_at: now,
    }
}
