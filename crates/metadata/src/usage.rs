//! What tenants used.

use async_trait::async_trait;
use onggi_domain::{IndexId, TenantId, Timestamp};
use uuid::Uuid;

use crate::{
    Result, Usage, UsageSample,
    database::{Database, sql, values},
};

#[async_trait]
impl Usage for Database {
    async fn record(&self, samples: &[UsageSample]) -> Result<()> {
        let mut tx = self.begin().await?;
        for sample in samples {
            let row = values![
                sample.container.as_str(),
                sample.from,
                sample.tenant,
                sample.index,
                sample.size.as_str(),
                sample.seconds,
                sample.generation,
            ];
            tx.execute(sql!("usage/record"), row).await.map_err(|error| error.of_writing("usage"))?;
        }
        tx.commit().await
    }

    async fn container_seconds(&self, tenant: TenantId, from: Timestamp, to: Timestamp) -> Result<Vec<(IndexId, String, f64)>> {
        let rows: Vec<(Uuid, String, f64)> = self.all(sql!("usage/container_seconds"), values![tenant, from, to]).await?;
        Ok(rows.into_iter().map(|(index, size, seconds)| (IndexId(index), size, seconds)).collect())
    }
}
