//! Webhooks as rows, and the tasks that they are to be told of.

use async_trait::async_trait;
use onggi_domain::{TaskUid, TenantId, Timestamp, WebhookId, webhook::Webhook};
use uuid::Uuid;

use crate::{
    Error, Result, Webhooks,
    columns::{from_json, task_uid, time, to_json},
    database::{Database, Sql, sql, transaction, values},
};

#[derive(sqlx::FromRow)]
struct WebhookRow {
    id: Uuid,
    tenant: Uuid,
    url: String,
    headers: String,
    created_at: i64,
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = Error;

    fn try_from(row: WebhookRow) -> Result<Self> {
        Ok(Self {
            id: WebhookId(row.id),
            tenant: TenantId(row.tenant),
            url: row.url,
            headers: from_json("headers of a webhook", &row.headers)?,
            created_at: time(row.created_at)?,
        })
    }
}

impl Database {
    async fn webhooks(&self, sql: Sql, values: Vec<crate::database::Value>) -> Result<Vec<Webhook>> {
        self.all::<WebhookRow>(sql, values).await?.into_iter().map(Webhook::try_from).collect()
    }
}

#[async_trait]
impl Webhooks for Database {
    async fn create(&self, webhook: &Webhook) -> Result<()> {
        transaction!(self, |tx| {
            // Two that come together are counted one after the other.
            tx.execute(sql!("tenants/lock"), values![webhook.tenant]).await?;
            if tx.count(sql!("webhooks/count"), values![webhook.tenant]).await? >= Webhook::MAX {
                return Err(Error::Conflict("number of webhooks"));
            }
            let row = values![webhook.id, webhook.tenant, webhook.url.as_str(), to_json(&webhook.headers), webhook.created_at];
            tx.execute(sql!("webhooks/create"), row).await.map_err(|error| error.of_writing("webhook"))?;
            Ok(())
        })
    }

    async fn get(&self, tenant: TenantId, id: WebhookId) -> Result<Webhook> {
        self.one::<WebhookRow>("webhook", sql!("webhooks/get"), values![tenant, id]).await?.try_into()
    }

    async fn list(&self, tenant: TenantId) -> Result<Vec<Webhook>> {
        self.webhooks(sql!("webhooks/list"), values![tenant]).await
    }

    async fn update(&self, webhook: &Webhook) -> Result<()> {
        let row = values![webhook.tenant, webhook.id, webhook.url.as_str(), to_json(&webhook.headers)];
        found(self.execute(sql!("webhooks/update"), row).await?)
    }

    async fn delete(&self, tenant: TenantId, id: WebhookId) -> Result<()> {
        found(self.execute(sql!("webhooks/delete"), values![tenant, id]).await?)
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<Webhook>> {
        self.webhooks(sql!("webhooks/due"), values![now]).await
    }

    async fn undelivered(&self, id: WebhookId, limit: u64) -> Result<Vec<TaskUid>> {
        let rows: Vec<(i64,)> = self.all(sql!("webhooks/undelivered"), values![id, limit]).await?;
        rows.into_iter().map(|(uid,)| task_uid(uid)).collect()
    }

    async fn delivered(&self, id: WebhookId, tasks: &[TaskUid]) -> Result<()> {
        const DELIVERED: Sql = sql!("webhooks" / dialect / "delivered");
        transaction!(self, |tx| {
            tx.execute(DELIVERED, values![id, to_json(tasks)]).await?;
            tx.execute(sql!("webhooks/succeeded"), values![id]).await?;
            Ok(())
        })
    }

    async fn failed(&self, id: WebhookId, retry_at: Timestamp, oldest: Timestamp, keep: u64) -> Result<()> {
        transaction!(self, |tx| {
            tx.execute(sql!("webhooks/failed"), values![id, retry_at]).await?;
            tx.execute(sql!("webhooks/drop_old"), values![id, oldest]).await?;
            tx.execute(sql!("webhooks/drop_many"), values![id, keep]).await?;
            Ok(())
        })
    }

    async fn failures(&self, id: WebhookId) -> Result<u64> {
        self.count(sql!("webhooks/failures"), values![id]).await
    }
}

fn found(rows: u64) -> Result<()> {
    if rows == 0 { Err(Error::NotFound("webhook")) } else { Ok(()) }
}
