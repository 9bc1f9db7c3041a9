//! Spending alerts as rows.

use async_trait::async_trait;
use onggi_domain::{TenantId, Timestamp, usage::SpendingAlert};
use uuid::Uuid;

use crate::{
    Alerts, Error, Result,
    columns::{optional_time, unsigned},
    database::{Database, sql, values},
};

#[derive(sqlx::FromRow)]
struct AlertRow {
    tenant: Uuid,
    amount: f64,
    url: Option<String>,
    passed_at: Option<i64>,
    passed_cost: Option<f64>,
    untold: bool,
}

impl TryFrom<AlertRow> for SpendingAlert {
    type Error = Error;

    fn try_from(row: AlertRow) -> Result<Self> {
        Ok(Self {
            tenant: TenantId(row.tenant),
            amount: row.amount,
            url: row.url,
            passed_at: optional_time(row.passed_at)?,
            passed_cost: row.passed_cost,
            untold: row.untold,
        })
    }
}

#[async_trait]
impl Alerts for Database {
    async fn get(&self, tenant: TenantId) -> Result<Option<SpendingAlert>> {
        self.all::<AlertRow>(sql!("alerts/get"), values![tenant]).await?.pop().map(SpendingAlert::try_from).transpose()
    }

    async fn list(&self) -> Result<Vec<SpendingAlert>> {
        self.all::<AlertRow>(sql!("alerts/list"), values![]).await?.into_iter().map(SpendingAlert::try_from).collect()
    }

    async fn set(&self, tenant: TenantId, amount: f64, url: Option<&str>) -> Result<()> {
        let written = self.execute(sql!("alerts/set"), values![tenant, amount, url]).await;
        written.map(drop).map_err(|error| error.of_writing("spending alert"))
    }

    async fn remove(&self, tenant: TenantId) -> Result<()> {
        self.execute(sql!("alerts/remove"), values![tenant]).await.map(drop)
    }

    async fn passed(&self, tenant: TenantId, at: Timestamp, cost: f64, month: Timestamp) -> Result<bool> {
        Ok(self.execute(sql!("alerts/passed"), values![tenant, at, cost, month]).await? > 0)
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<SpendingAlert>> {
        self.all::<AlertRow>(sql!("alerts/due"), values![now]).await?.into_iter().map(SpendingAlert::try_from).collect()
    }

    async fn told(&self, tenant: TenantId, passed_at: Timestamp) -> Result<()> {
        self.execute(sql!("alerts/told"), values![tenant, passed_at, false]).await.map(drop)
    }

    async fn rest(&self, tenant: TenantId, retry_at: Timestamp) -> Result<()> {
        self.execute(sql!("alerts/rest"), values![tenant, retry_at]).await.map(drop)
    }

    async fn failed(&self, tenant: TenantId) -> Result<u64> {
        let (failures,): (i64,) = self.change_one("spending alert", sql!("alerts/failed"), values![tenant]).await?;
        unsigned("number of failures", failures)
    }
}
