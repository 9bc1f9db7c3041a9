//! Searches: what gateways have counted.

use async_trait::async_trait;
use onggi_domain::{
    IndexId, TenantId, Timestamp,
    latency::{BUCKETS, Latencies},
    usage::Counts,
};
use uuid::Uuid;

use crate::{
    CountBatch, QueryCounts, QueryOrder, Result, Searches,
    columns::{time, unsigned},
    database::{Database, Sql, Value, sql, transaction, values},
};

#[derive(sqlx::FromRow)]
struct LatencyRow {
    l0: i64,
    l1: i64,
    l2: i64,
    l3: i64,
    l4: i64,
    l5: i64,
    l6: i64,
    l7: i64,
    l8: i64,
    l9: i64,
    l10: i64,
    l11: i64,
    l12: i64,
    l13: i64,
    l14: i64,
    l15: i64,
}

impl LatencyRow {
    fn read(&self) -> Result<Latencies> {
        let columns = [
            self.l0, self.l1, self.l2, self.l3, self.l4, self.l5, self.l6, self.l7, self.l8, self.l9, self.l10, self.l11, self.l12,
            self.l13, self.l14, self.l15,
        ];
        let mut latencies = Latencies::default();
        for (bucket, column) in latencies.0.iter_mut().zip(columns) {
            *bucket = unsigned("number of searches", column)?;
        }
        Ok(latencies)
    }
}

fn latency_columns(latencies: &Latencies) -> [Value; BUCKETS] {
    latencies.0.map(Value::from)
}

#[derive(sqlx::FromRow)]
struct HourRow {
    index_id: Uuid,
    hour: i64,
    documents: i64,
    #[sqlx(flatten)]
    counts: CountsRow,
}

#[derive(sqlx::FromRow)]
struct QueryRow {
    query: String,
    #[sqlx(flatten)]
    counts: CountsRow,
}

#[derive(sqlx::FromRow)]
struct CountsRow {
    searches: i64,
    no_hits: i64,
    clicks: i64,
    positions: i64,
    conversions: i64,
    #[sqlx(flatten)]
    latencies: LatencyRow,
}

impl CountsRow {
    fn read(&self) -> Result<Counts> {
        let number = |number| unsigned("number of searches", number);
        Ok(Counts {
            searches: number(self.searches)?,
            no_hits: number(self.no_hits)?,
            clicks: number(self.clicks)?,
            positions: number(self.positions)?,
            conversions: number(self.conversions)?,
            documents: 0,
            latencies: self.latencies.read()?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct MomentRow {
    index_id: Uuid,
    searches: i64,
    #[sqlx(flatten)]
    latencies: LatencyRow,
}

#[async_trait]
impl Searches for Database {
    async fn add(&self, batch: &CountBatch) -> Result<bool> {
        transaction!(self, |tx| {
            if tx.execute(sql!("searches/begin"), values![batch.source, batch.seq, batch.until]).await? == 0 {
                return Ok(false);
            }
            for (tenant, index, counts) in &batch.indexes {
                if counts.searches > 0 {
                    let mut row = values![batch.source, batch.seq, *index, *tenant, batch.until, counts.searches];
                    row.extend(latency_columns(&counts.latencies));
                    tx.execute(sql!("searches/add_moment"), row).await?;
                }
                let mut row = values![*tenant, batch.hour, *index];
                row.extend(values![counts.searches, counts.no_hits, counts.clicks, counts.positions, counts.conversions, counts.documents]);
                row.extend(latency_columns(&counts.latencies));
                tx.execute(sql!("searches/add_hour"), row).await?;
            }
            for QueryCounts { tenant, index, query, counts } in &batch.queries {
                let mut row = values![*tenant, *index, batch.hour, query.as_str()];
                row.extend(values![counts.searches, counts.no_hits, counts.clicks, counts.positions, counts.conversions]);
                row.extend(latency_columns(&counts.latencies));
                tx.execute(sql!("searches/add_query"), row).await?;
            }
            Ok(true)
        })
    }

    async fn hours(&self, tenant: TenantId, from: Timestamp, to: Timestamp) -> Result<Vec<(IndexId, Timestamp, Counts)>> {
        let rows: Vec<HourRow> = self.all(sql!("searches/hours"), values![tenant, from, to]).await?;
        let read = |row: HourRow| {
            let documents = unsigned("number of documents", row.documents)?;
            Ok((IndexId(row.index_id), time(row.hour)?, Counts { documents, ..row.counts.read()? }))
        };
        rows.into_iter().map(read).collect()
    }

    async fn moments(&self, tenant: TenantId, since: Timestamp) -> Result<Vec<(IndexId, Counts)>> {
        let rows: Vec<MomentRow> = self.all(sql!("searches/sums" + "searches/moments"), values![tenant, since]).await?;
        let read = |row: MomentRow| {
            let searches = unsigned("number of searches", row.searches)?;
            Ok((IndexId(row.index_id), Counts { searches, latencies: row.latencies.read()?, ..Counts::default() }))
        };
        rows.into_iter().map(read).collect()
    }

    async fn queries(
        &self,
        index: IndexId,
        from: Timestamp,
        to: Timestamp,
        order: QueryOrder,
        limit: u64,
    ) -> Result<Vec<(String, Counts)>> {
        const TOP: Sql = sql!("searches/sums" + "searches/queries" + "searches/top_queries");
        const EMPTY: Sql = sql!("searches/sums" + "searches/queries" + "searches/empty_queries");
        const SLOW: Sql = sql!("searches/sums" + "searches/queries" + "searches/slow_queries");
        let statement = match order {
            QueryOrder::Searches => TOP,
            QueryOrder::NoHits => EMPTY,
            QueryOrder::Slow => SLOW,
        };
        let rows: Vec<QueryRow> = self.all(statement, values![index, from, to, limit]).await?;
        rows.into_iter().map(|row| Ok((row.query, row.counts.read()?))).collect()
    }

    async fn trim(&self, moments_before: Timestamp, hours_before: Timestamp, queries_before: Timestamp) -> Result<()> {
        transaction!(self, |tx| {
            tx.execute(sql!("searches/trim_moments"), values![moments_before]).await?;
            // A batch that is told again comes within the time that moments are kept.
            tx.execute(sql!("searches/trim_batches"), values![moments_before]).await?;
            tx.execute(sql!("searches/trim_hours"), values![hours_before]).await?;
            tx.execute(sql!("searches/trim_queries"), values![queries_before]).await?;
            Ok(())
        })
    }

    async fn keep_most(&self, from: Timestamp, to: Timestamp, most: u64) -> Result<()> {
        self.execute(sql!("searches/keep_most"), values![from, to, most]).await.map(drop)
    }
}
