//! API keys as rows.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use onggi_domain::{KeyId, TenantId, Timestamp, key::Key, limits::KEY_USE_SECONDS, tenant::Standing};
use uuid::Uuid;

use crate::{
    Error, Keys, Page, Result,
    columns::{from_json, from_name, optional_time, time, to_json},
    database::{Database, sql, transaction, values},
};

/// Keys of one uid that are looked at. Whoever reuses another tenant's uid comes after it, so nobody can push a key out.
const KEYS_OF_A_UID: u64 = 16;

#[derive(sqlx::FromRow)]
struct KeyRow {
    uid: Uuid,
    tenant: Uuid,
    name: Option<String>,
    description: Option<String>,
    actions: String,
    indexes: String,
    expires_at: Option<i64>,
    salted: bool,
    root: bool,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<KeyRow> for Key {
    type Error = Error;

    fn try_from(row: KeyRow) -> Result<Self> {
        Ok(Self {
            uid: KeyId(row.uid),
            tenant: TenantId(row.tenant),
            name: row.name,
            description: row.description,
            actions: from_json("actions of a key", &row.actions)?,
            indexes: from_json("indexes of a key", &row.indexes)?,
            expires_at: optional_time(row.expires_at)?,
            salted: row.salted,
            root: row.root,
            created_at: time(row.created_at)?,
            updated_at: time(row.updated_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct KeyAndTenantRow {
    #[sqlx(flatten)]
    key: KeyRow,
    tenant_status: String,
    tenant_plan: Option<String>,
}

impl KeyAndTenantRow {
    fn read(self) -> Result<(Key, Standing)> {
        let standing = Standing { status: from_name("tenant status", self.tenant_status)?, plan: self.tenant_plan };
        Ok((self.key.try_into()?, standing))
    }
}

#[async_trait]
impl Keys for Database {
    async fn create(&self, key: &Key, secret_hash: &str) -> Result<()> {
        let row = values![
            key.uid,
            key.tenant,
            secret_hash,
            key.name.as_deref(),
            key.description.as_deref(),
            to_json(&key.actions),
            to_json(&key.indexes),
            key.expires_at,
            key.salted,
            key.root,
            key.created_at,
            key.updated_at,
        ];
        self.execute(sql!("keys/create"), row).await.map_err(|error| error.of_writing("key"))?;
        Ok(())
    }

    async fn by_hash(&self, secret_hash: &str) -> Result<(Key, Standing)> {
        self.one::<KeyAndTenantRow>("key", sql!("keys/by_hash"), values![secret_hash]).await?.read()
    }

    async fn by_uid(&self, uid: KeyId) -> Result<Vec<(Key, Standing)>> {
        let rows: Vec<KeyAndTenantRow> = self.all(sql!("keys/by_uid"), values![uid, KEYS_OF_A_UID]).await?;
        rows.into_iter().map(KeyAndTenantRow::read).collect()
    }

    async fn get(&self, tenant: TenantId, uid: KeyId) -> Result<Key> {
        self.one::<KeyRow>("key", sql!("keys/get"), values![tenant, uid]).await?.try_into()
    }

    async fn list(&self, tenant: TenantId, offset: u64, limit: u64) -> Result<Page<Key>> {
        let rows: Vec<KeyRow> = self.all(sql!("keys/list"), values![tenant, limit, offset]).await?;
        Ok(Page {
            items: rows.into_iter().map(Key::try_from).collect::<Result<_>>()?,
            total: self.count(sql!("keys/count"), values![tenant]).await?,
        })
    }

    async fn update(&self, tenant: TenantId, uid: KeyId, name: Option<&str>, description: Option<&str>, now: Timestamp) -> Result<Key> {
        let row: KeyRow = self.change_one("key", sql!("keys/update"), values![tenant, uid, name, description, now]).await?;
        row.try_into()
    }

    async fn used(&self, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<()> {
        transaction!(self, |tx| {
            for (tenant, uid, time) in uses {
                let minute_before = *time - Duration::from_secs(KEY_USE_SECONDS.unsigned_abs());
                tx.execute(sql!("keys/used"), values![*tenant, *uid, *time, minute_before]).await?;
            }
            Ok(())
        })
    }

    async fn last_uses(&self, tenant: TenantId) -> Result<HashMap<KeyId, Timestamp>> {
        let rows: Vec<(Uuid, i64)> = self.all(sql!("keys/last_uses"), values![tenant]).await?;
        rows.into_iter().map(|(uid, used)| Ok((KeyId(uid), time(used)?))).collect()
    }

    async fn delete(&self, tenant: TenantId, uid: KeyId) -> Result<()> {
        match self.execute(sql!("keys/delete"), values![tenant, uid]).await? {
            0 => Err(Error::NotFound("key")),
            _ => Ok(()),
        }
    }
}
