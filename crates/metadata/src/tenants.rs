//! Tenants as rows.

use async_trait::async_trait;
use onggi_domain::{
    IndexId, TenantId,
    tenant::{Tenant, TenantStatus},
};
use uuid::Uuid;

use crate::{
    Error, Result, Tenants,
    columns::{from_name, time, to_name},
    database::{Database, sql, transaction, values},
    indexes,
};

#[derive(sqlx::FromRow)]
pub(crate) struct TenantRow {
    id: Uuid,
    name: String,
    status: String,
    plan: Option<String>,
    created_at: i64,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = Error;

    fn try_from(row: TenantRow) -> Result<Self> {
        Ok(Self {
            id: TenantId(row.id),
            name: row.name,
            status: from_name("tenant status", row.status)?,
            plan: row.plan,
            created_at: time(row.created_at)?,
        })
    }
}

#[async_trait]
impl Tenants for Database {
    async fn create(&self, tenant: &Tenant) -> Result<()> {
        let row = values![tenant.id, tenant.name.as_str(), to_name(&tenant.status), tenant.plan.as_deref(), tenant.created_at];
        self.execute(sql!("tenants/create"), row).await.map_err(|error| error.of_writing("tenant"))?;
        Ok(())
    }

    async fn get(&self, id: TenantId) -> Result<Tenant> {
        self.one::<TenantRow>("tenant", sql!("tenants/get"), values![id]).await?.try_into()
    }

    async fn by_name(&self, name: &str) -> Result<Tenant> {
        self.one::<TenantRow>("tenant", sql!("tenants/by_name"), values![name]).await?.try_into()
    }

    async fn list(&self) -> Result<Vec<Tenant>> {
        self.all::<TenantRow>(sql!("tenants/list"), values![]).await?.into_iter().map(Tenant::try_from).collect()
    }

    async fn set_status(&self, id: TenantId, status: TenantStatus) -> Result<()> {
        transaction!(self, |tx| {
            if status == TenantStatus::Deleted {
                // Before anything else: nobody can create an index of the tenant between the two statements below.
                indexes::next_revision(tx).await?;
            }
            if tx.execute(sql!("tenants/set_status"), values![id, to_name(&status)]).await? == 0 {
                return Err(Error::NotFound("tenant"));
            }
            if status == TenantStatus::Deleted {
                let living: Vec<(Uuid,)> = tx.all(sql!("indexes/living_ids"), values![id]).await?;
                for (index,) in living {
                    indexes::mark_deleted(tx, IndexId(index)).await?;
                }
            }
            Ok(())
        })
    }

    async fn set_plan(&self, id: TenantId, plan: Option<&str>) -> Result<()> {
        match self.execute(sql!("tenants/set_plan"), values![id, plan]).await? {
            0 => Err(Error::NotFound("tenant")),
            _ => Ok(()),
        }
    }

    async fn purge(&self, id: TenantId) -> Result<bool> {
        let purgeable: Vec<(Uuid,)> = self.all(sql!("tenants/purgeable"), values![id]).await?;
        if purgeable.is_empty() {
            return Ok(false);
        }
        while self.execute(sql!("tenants/purge_tasks"), values![id]).await? > 0 {}
        transaction!(self, |tx| {
            for table in [
                sql!("tenants/purge/keys"),
                sql!("tenants/purge/webhooks"),
                sql!("tenants/purge/spending_alerts"),
                sql!("tenants/purge/identity_providers"),
                sql!("tenants/purge/memberships"),
                sql!("tenants/purge/members"),
                sql!("tenants/purge/invitations"),
                sql!("tenants/purge/search_moments"),
                sql!("tenants/purge/usage"),
            ] {
                tx.execute(table, values![id]).await?;
            }
            Ok(true)
        })
    }

    async fn unpurged(&self) -> Result<Vec<TenantId>> {
        let rows: Vec<(Uuid,)> = self.all(sql!("tenants/unpurged"), values![]).await?;
        Ok(rows.into_iter().map(|(id,)| TenantId(id)).collect())
    }
}
