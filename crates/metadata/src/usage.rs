//! What containers and storage tenants used.

use std::time::Duration;

use async_trait::async_trait;
use onggi_domain::{
    IndexId, TenantId, Timestamp,
    usage::{ContainerHour, Run, StorageStep, by_hour, hour_of},
};
use uuid::Uuid;

use crate::{
    Held, Result, Usage,
    columns::{corrupt, from_name, time, to_name, unsigned},
    database::{Database, sql, transaction, values},
};

#[derive(sqlx::FromRow)]
struct RunRow {
    container: String,
    restarts: i64,
    tenant: Uuid,
    index_id: Uuid,
    role: String,
    size: String,
    started_at: i64,
    seen_until: i64,
}

impl TryFrom<RunRow> for Run {
    type Error = crate::Error;

    fn try_from(row: RunRow) -> Result<Self> {
        Ok(Self {
            container: row.container,
            restarts: u32::try_from(row.restarts).map_err(|error| corrupt("number of restarts", &error))?,
            tenant: TenantId(row.tenant),
            index: IndexId(row.index_id),
            role: from_name("role", row.role)?,
            size: row.size,
            from: time(row.started_at)?,
            until: time(row.seen_until)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct HourRow {
    tenant: Uuid,
    hour: i64,
    index_id: Uuid,
    size: String,
    role: String,
    micros: i64,
}

impl TryFrom<HourRow> for ContainerHour {
    type Error = crate::Error;

    fn try_from(row: HourRow) -> Result<Self> {
        Ok(Self {
            tenant: TenantId(row.tenant),
            index: IndexId(row.index_id),
            size: row.size,
            role: from_name("role", row.role)?,
            hour: time(row.hour)?,
            used: Duration::from_micros(unsigned("time that containers ran", row.micros)?),
        })
    }
}

#[derive(sqlx::FromRow)]
struct StepRow {
    index_id: Uuid,
    uid: String,
    hour: i64,
    bytes: i64,
}

#[async_trait]
impl Usage for Database {
    async fn saw(&self, runs: &[Run]) -> Result<()> {
        transaction!(self, |tx| {
            for run in runs {
                let row = values![
                    run.container.as_str(),
                    i64::from(run.restarts),
                    run.tenant,
                    run.index,
                    to_name(&run.role),
                    run.size.as_str(),
                    run.from,
                    run.until,
                ];
                tx.execute(sql!("usage/saw"), row).await?;
            }
            Ok(())
        })
    }

    async fn roll_up(&self, settled: Timestamp) -> Result<()> {
        transaction!(self, |tx| {
            let (since,): (i64,) = tx.one("progress of usage", sql!("usage/begin"), values![]).await?;
            let rows: Vec<RunRow> = tx.all(sql!("usage/runs"), values![since]).await?;
            let runs: Vec<Run> = rows.into_iter().map(Run::try_from).collect::<Result<_>>()?;
            for hour in by_hour(&runs, time(since)?) {
                let micros = i64::try_from(hour.used.as_micros()).unwrap_or(i64::MAX);
                let row = values![hour.tenant, hour.hour, hour.index, hour.size.as_str(), to_name(&hour.role), micros];
                tx.execute(sql!("usage/set_hour"), row).await?;
            }
            tx.execute(sql!("usage/settle"), values![hour_of(settled)]).await?;
            Ok(())
        })
    }

    async fn note_storage(&self, now: Timestamp) -> Result<()> {
        transaction!(self, |tx| {
            tx.execute(sql!("usage/begin"), values![]).await?;
            tx.execute(sql!("usage/storage_changed"), values![hour_of(now)]).await?;
            tx.execute(sql!("usage/storage_gone"), values![hour_of(now)]).await?;
            Ok(())
        })
    }

    async fn trim(&self, runs_before: Timestamp, hours_before: Timestamp) -> Result<()> {
        transaction!(self, |tx| {
            let (settled,): (i64,) = tx.one("progress of usage", sql!("usage/begin"), values![]).await?;
            tx.execute(sql!("usage/trim_runs"), values![runs_before.min(time(settled)?)]).await?;
            tx.execute(sql!("usage/trim_hours"), values![hours_before]).await?;
            tx.execute(sql!("usage/trim_storage"), values![hours_before]).await?;
            Ok(())
        })
    }

    async fn container_hours(&self, tenant: TenantId, from: Timestamp, to: Timestamp) -> Result<Vec<ContainerHour>> {
        let rows: Vec<HourRow> = self.all(sql!("usage/container_hours"), values![tenant, from, to]).await?;
        rows.into_iter().map(ContainerHour::try_from).collect()
    }

    async fn storage_steps(&self, tenant: TenantId, to: Timestamp) -> Result<Vec<StorageStep>> {
        let rows: Vec<StepRow> = self.all(sql!("usage/storage_steps"), values![tenant, to]).await?;
        let step = |row: StepRow| {
            Ok(StorageStep {
                index: IndexId(row.index_id),
                uid: row.uid.parse().map_err(|error| corrupt("index uid", &error))?,
                hour: time(row.hour)?,
                bytes: unsigned("stored bytes", row.bytes)?,
            })
        };
        rows.into_iter().map(step).collect()
    }

    async fn held(&self, tenant: TenantId) -> Result<Held> {
        let (indexes, documents, bytes): (i64, i64, i64) = self.one("indexes", sql!("usage/held"), values![tenant]).await?;
        let number = |number| unsigned("what a tenant holds", number);
        Ok(Held { indexes: number(indexes)?, documents: number(documents)?, stored_bytes: number(bytes)? })
    }
}
