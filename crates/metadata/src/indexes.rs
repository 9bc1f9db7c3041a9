//! Indexes, and the revision that orders the changes of what should run.

use async_trait::async_trait;
use onggi_domain::{
    Generation, IndexId, IndexUid, TenantId, Timestamp,
    container::Selection,
    index::{Index, Published, Swap},
    key::IndexPattern,
    plan::Selected,
    settings::Settings,
};
use uuid::Uuid;

use crate::{
    Error, IndexPage, Indexes, Page, Result, SelectionCheck,
    columns::{corrupt, from_json, optional_time, restricting, seq, time, to_json, unsigned},
    database::{Database, Sql, Transaction, Value, sql, transaction, values},
};

#[derive(sqlx::FromRow)]
struct IndexRow {
    id: Uuid,
    tenant: Uuid,
    uid: String,
    primary_key: Option<String>,
    selection: String,
    awake: bool,
    generation: Option<i64>,
    committed_seq: Option<i64>,
    documents: Option<i64>,
    stored_bytes: Option<i64>,
    raw_bytes: Option<i64>,
    fields: Option<String>,
    settings: String,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    revision: i64,
}

impl IndexRow {
    fn published(&self) -> Result<Option<Published>> {
        let Some(generation) = self.generation else { return Ok(None) };
        let number = |what, column: Option<i64>| unsigned(what, column.ok_or_else(|| corrupt(what, &"it is null"))?);
        Ok(Some(Published {
            generation: Generation(unsigned("generation", generation)?),
            committed_seq: seq(self.committed_seq)?,
            documents: number("number of documents", self.documents)?,
            stored_bytes: number("stored bytes", self.stored_bytes)?,
            raw_bytes: number("raw bytes", self.raw_bytes)?,
            fields: from_json("fields of an index", self.fields.as_deref().unwrap_or("{}"))?,
        }))
    }
}

impl TryFrom<IndexRow> for Index {
    type Error = Error;

    fn try_from(row: IndexRow) -> Result<Self> {
        Ok(Self {
            id: IndexId(row.id),
            tenant: TenantId(row.tenant),
            published: row.published()?,
            uid: row.uid.parse().map_err(|error| corrupt("index uid", &error))?,
            primary_key: row.primary_key,
            selection: from_json("selection", &row.selection)?,
            awake: row.awake,
            settings: from_json("settings", &row.settings)?,
            created_at: time(row.created_at)?,
            updated_at: time(row.updated_at)?,
            deleted_at: optional_time(row.deleted_at)?,
            revision: row.revision,
        })
    }
}

/// `generation` to `fields`, in the order of the columns.
fn published_columns(published: Option<&Published>) -> Vec<Value> {
    values![
        published.map(|published| published.generation),
        published.and_then(|published| published.committed_seq),
        published.map(|published| published.documents),
        published.map(|published| published.stored_bytes),
        published.map(|published| published.raw_bytes),
        published.map(|published| to_json(&published.fields)),
    ]
}

/// Takes the next revision. Transactions that do this wait here for each other until they commit.
pub(crate) async fn next_revision(tx: &mut Transaction) -> Result<i64> {
    let (revision,): (i64,) = tx.one("counter of revisions", sql!("indexes/next_revision"), values![]).await?;
    Ok(revision)
}

/// Marks a living index deleted.
pub(crate) async fn mark_deleted(tx: &mut Transaction, id: IndexId) -> Result<()> {
    let revision = next_revision(tx).await?;
    found(tx.execute(sql!("indexes/delete"), values![id, Timestamp::now(), revision]).await?)
}

async fn selections(tx: &mut Transaction, tenant: TenantId) -> Result<Vec<Selected>> {
    read_selections(tx.all(sql!("indexes/selections"), values![tenant]).await?)
}

fn read_selections(rows: Vec<(Uuid, String)>) -> Result<Vec<Selected>> {
    rows.into_iter().map(|(id, selection)| Ok((IndexId(id), from_json("selection", &selection)?))).collect()
}

/// Whether a change that is about one index has met it.
fn found(rows: u64) -> Result<()> {
    if rows == 0 { Err(Error::NotFound("index")) } else { Ok(()) }
}

impl Database {
    async fn index(&self, sql: Sql, values: Vec<Value>) -> Result<Index> {
        self.one::<IndexRow>("index", sql, values).await?.try_into()
    }

    async fn indexes(&self, sql: Sql, values: Vec<Value>) -> Result<Vec<Index>> {
        self.all::<IndexRow>(sql, values).await?.into_iter().map(Index::try_from).collect()
    }
}

#[async_trait]
impl Indexes for Database {
    async fn create_within(&self, index: &Index, check: &SelectionCheck<'_>) -> Result<()> {
        transaction!(self, |tx| {
            // First, so that nobody changes what is read next.
            let revision = next_revision(tx).await?;
            let before = selections(tx, index.tenant).await?;
            let mut row =
                values![index.id, index.tenant, index.uid.as_str(), index.primary_key.as_deref(), to_json(&index.selection), index.awake,];
            row.extend(published_columns(index.published.as_ref()));
            row.extend(values![to_json(&index.settings), index.created_at, index.updated_at, revision]);
            if tx.execute(sql!("indexes/create"), row).await.map_err(|error| error.of_writing("index"))? == 0 {
                return Err(Error::NotFound("tenant"));
            }
            // After the insert: that a name is taken is said before anything else.
            let mut after = before.clone();
            after.push((index.id, index.selection.clone()));
            check(&before, &after).map_err(Error::Refused)
        })
    }

    async fn get(&self, tenant: TenantId, uid: &IndexUid) -> Result<Index> {
        self.index(sql!("indexes/get"), values![tenant, uid.as_str()]).await
    }

    async fn get_by_id(&self, id: IndexId) -> Result<Index> {
        self.index(sql!("indexes/get_by_id"), values![id]).await
    }

    async fn list(&self, tenant: TenantId, patterns: &[IndexPattern], offset: u64, limit: u64) -> Result<IndexPage> {
        const LIST: Sql = sql!("indexes/select" + "indexes" / dialect / "matching" + "indexes/page");
        const COUNT: Sql = sql!("indexes/count_all" + "indexes" / dialect / "matching");
        Ok(Page {
            items: self.indexes(LIST, values![tenant, restricting(patterns), limit, offset]).await?,
            total: self.count(COUNT, values![tenant, restricting(patterns)]).await?,
        })
    }

    async fn set_primary_key_if_absent(&self, id: IndexId, primary_key: &str) -> Result<String> {
        let values = values![id, primary_key];
        let (holds,): (String,) = self.change_one("index", sql!("indexes/set_primary_key_if_absent"), values).await?;
        Ok(holds)
    }

    async fn set_primary_key(&self, id: IndexId, primary_key: Option<&str>) -> Result<()> {
        found(self.execute(sql!("indexes/set_primary_key"), values![id, primary_key]).await?)
    }

    async fn rename(&self, id: IndexId, uid: &IndexUid) -> Result<()> {
        let rows = self.execute(sql!("indexes/rename"), values![id, uid.as_str()]).await;
        found(rows.map_err(|error| error.of_writing("index"))?)
    }

    async fn swap(&self, tenant: TenantId, swaps: &[Swap]) -> Result<()> {
        transaction!(self, |tx| {
            // Two swaps of a tenant would lock its indexes in different orders.
            tx.execute(sql!("tenants/lock"), values![tenant]).await?;
            for Swap { from: one, to: other, rename } in swaps {
                let (one, other) = (one.as_str(), other.as_str());
                // A uid is unique at every moment, so one of the two waits under a name that no uid can be.
                let aside = format!("/{one}");
                let steps: &[_] = if *rename { &[(one, other)] } else { &[(one, &aside), (other, one), (&aside, other)] };
                for (from, to) in steps {
                    let renamed = tx.execute(sql!("indexes/rename_uid"), values![tenant, *from, *to]).await;
                    found(renamed.map_err(|error| error.of_writing("index"))?)?;
                }
            }
            Ok(())
        })
    }

    async fn set_selection_within(&self, id: IndexId, selection: &Selection, check: &SelectionCheck<'_>) -> Result<()> {
        transaction!(self, |tx| {
            // First, so that nobody changes what is read next.
            let revision = next_revision(tx).await?;
            let (tenant,): (Uuid,) = tx.one("index", sql!("indexes/tenant_of"), values![id]).await?;
            let before = selections(tx, TenantId(tenant)).await?;
            let mut after = before.clone();
            for (_, known) in after.iter_mut().filter(|(other, _)| *other == id) {
                known.clone_from(selection);
            }
            check(&before, &after).map_err(Error::Refused)?;
            let (current, awake): (String, bool) = tx.one("index", sql!("indexes/selected"), values![id]).await?;
            let current: Selection = from_json("selection", &current)?;
            let awake = selection.replicas > 0 && (awake || current.replicas == 0);
            found(tx.execute(sql!("indexes/set_selection"), values![id, to_json(selection), awake, revision]).await?)
        })
    }

    async fn selections(&self, tenant: TenantId) -> Result<Vec<Selected>> {
        read_selections(self.all(sql!("indexes/selections"), values![tenant]).await?)
    }

    async fn set_awake(&self, id: IndexId, awake: bool) -> Result<bool> {
        // Usually nothing changes, and then nobody has to wait for the counter.
        let (_, now): (String, bool) = self.one("index", sql!("indexes/selected"), values![id]).await?;
        if now == awake {
            return Ok(false);
        }
        transaction!(self, |tx| {
            let revision = next_revision(tx).await?;
            Ok(tx.execute(sql!("indexes/set_awake"), values![id, awake, revision]).await? > 0)
        })
    }

    async fn record_generation(&self, id: IndexId, published: &Published, settings: &Settings, primary_key: Option<&str>) -> Result<bool> {
        let mut row = values![id];
        row.extend(published_columns(Some(published)));
        row.extend(values![to_json(settings), primary_key, Timestamp::now()]);
        if self.execute(sql!("indexes/record_generation"), row).await? > 0 {
            return Ok(true);
        }
        self.get_by_id(id).await.map(|_| false)
    }

    async fn delete(&self, id: IndexId) -> Result<()> {
        transaction!(self, |tx| { mark_deleted(tx, id).await })
    }

    async fn deleted(&self) -> Result<Vec<Index>> {
        self.indexes(sql!("indexes/deleted"), values![]).await
    }

    async fn purge(&self, id: IndexId) -> Result<()> {
        found(self.execute(sql!("indexes/purge"), values![id]).await?)?;
        self.execute(sql!("indexes/purge_queries"), values![id]).await?;
        Ok(())
    }

    async fn changed_since(&self, revision: i64, limit: u64) -> Result<Vec<Index>> {
        self.indexes(sql!("indexes/changed_since"), values![revision, limit]).await
    }

    async fn count(&self, tenant: TenantId) -> Result<u64> {
        Database::count(self, sql!("indexes/count"), values![tenant]).await
    }
}
