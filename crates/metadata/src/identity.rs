//! Identity providers as rows.

use async_trait::async_trait;
use onggi_domain::{
    TenantId,
    identity::{IdentityProvider, ProviderSettings},
    tenant::Standing,
};
use uuid::Uuid;

use crate::{
    Error, IdentityProviders, Result,
    columns::{from_json, from_name, time, to_json},
    database::{Database, sql, values},
};

#[derive(sqlx::FromRow)]
struct ProviderRow {
    tenant: Uuid,
    settings: String,
    updated_at: i64,
    tenant_status: String,
    tenant_plan: Option<String>,
}

#[async_trait]
impl IdentityProviders for Database {
    async fn get(&self, tenant: TenantId) -> Result<(IdentityProvider, Standing)> {
        let row: ProviderRow = self.one("identity provider", sql!("identity/get"), values![tenant]).await?;
        let settings: ProviderSettings = from_json("settings of an identity provider", &row.settings)?;
        let provider = IdentityProvider { tenant: TenantId(row.tenant), settings, updated_at: time(row.updated_at)? };
        let standing = Standing { status: from_name("tenant status", row.tenant_status)?, plan: row.tenant_plan };
        Ok((provider, standing))
    }

    async fn set(&self, provider: &IdentityProvider) -> Result<()> {
        let settings = &provider.settings;
        let row = values![provider.tenant, settings.issuer.as_str(), settings.audience.as_str(), to_json(settings), provider.updated_at];
        let written = self.execute(sql!("identity/set"), row).await;
        written.map(drop).map_err(|error| error.of_writing("identity provider"))
    }

    async fn remove(&self, tenant: TenantId) -> Result<()> {
        match self.execute(sql!("identity/remove"), values![tenant]).await? {
            0 => Err(Error::NotFound("identity provider")),
            _ => Ok(()),
        }
    }
}
