//! One trait a resource. Each method is one transaction.

use std::collections::HashMap;

use async_trait::async_trait;
use onggi_domain::{
    ApiError, IndexId, IndexUid, KeyId, Seq, TaskUid, TenantId, Timestamp, WebhookId,
    container::Selection,
    generation::TaskOutcome,
    identity::IdentityProvider,
    index::{Index, Published, Swap},
    key::{IndexPattern, Key},
    log::Record,
    plan::Selected,
    settings::Settings,
    task::{Task, TaskDetails, TaskFilter, TaskKind},
    tenant::{Standing, Tenant, TenantStatus},
    usage::{ContainerHour, Counts, Run, SpendingAlert, StorageStep},
    webhook::Webhook,
};
use uuid::Uuid;

mod accounts;

pub use accounts::{Invitations, Members, Sessions, Users};

use crate::Result;

/// Customers.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Creates a tenant; [`crate::Error::AlreadyExists`] when the name is taken by one that is not deleted.
    async fn create(&self, tenant: &Tenant) -> Result<()>;
    /// The tenant of this id, also when it is deleted.
    async fn get(&self, id: TenantId) -> Result<Tenant>;
    /// The tenant of this name that is not deleted.
    async fn by_name(&self, name: &str) -> Result<Tenant>;
    /// Every tenant that is not deleted, by name.
    async fn list(&self) -> Result<Vec<Tenant>>;
    /// Suspends, resumes or deletes a tenant. Deleting marks each of its indexes deleted as well.
    async fn set_status(&self, id: TenantId, status: TenantStatus) -> Result<()>;
    /// Gives a tenant another plan; none: the configuration's default.
    async fn set_plan(&self, id: TenantId, plan: Option<&str>) -> Result<()>;
    /// Removes what is kept of a deleted tenant once its last index is purged: keys, tasks, members, webhooks. Its row stays, so that
    /// its id is known to have been deleted, and so do the hours that bills are made of, until they are too old. `false`: it is not to be purged yet.
    async fn purge(&self, id: TenantId) -> Result<bool>;
    /// Deleted tenants that are to be purged, some perhaps not yet.
    async fn unpurged(&self) -> Result<Vec<TenantId>>;
}

/// One page of a list, and how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The page.
    pub items: Vec<T>,
    /// All that match.
    pub total: u64,
}

/// A page of indexes.
pub type IndexPage = Page<Index>;

/// Whether a tenant may have these selections, of all of its living indexes, in the place of those: the quotas of its plan.
pub type SelectionCheck<'a> = dyn Fn(&[Selected], &[Selected]) -> std::result::Result<(), ApiError> + Send + Sync + 'a;

/// Indexes. A deleted index is seen by `get_by_id`, `changed_since` and `deleted` only.
#[async_trait]
pub trait Indexes: Send + Sync {
    /// Creates an index with all that is given but its revision, which is the next one; [`crate::Error::AlreadyExists`] when the tenant has
    /// one of this uid, [`crate::Error::NotFound`] when the tenant is deleted.
    async fn create(&self, index: &Index) -> Result<()> {
        self.create_within(index, &|_, _| Ok(())).await
    }
    /// The same, if the tenant may: [`crate::Error::Refused`] with what `check` says. No other index is created meanwhile.
    async fn create_within(&self, index: &Index, check: &SelectionCheck<'_>) -> Result<()>;
    /// The tenant's index of this uid.
    async fn get(&self, tenant: TenantId, uid: &IndexUid) -> Result<Index>;
    /// The index of this id, also when it is deleted.
    async fn get_by_id(&self, id: IndexId) -> Result<Index>;
    /// The tenant's indexes whose uid matches one of the patterns, by uid.
    async fn list(&self, tenant: TenantId, patterns: &[IndexPattern], offset: u64, limit: u64) -> Result<IndexPage>;
    /// Names the primary key if none is named yet; returns the one that holds now.
    async fn set_primary_key_if_absent(&self, id: IndexId, primary_key: &str) -> Result<String>;
    /// Replaces the primary key (allowed by the caller only while there are no documents).
    async fn set_primary_key(&self, id: IndexId, primary_key: Option<&str>) -> Result<()>;
    /// Gives the index another uid; [`crate::Error::AlreadyExists`] when it is taken.
    async fn rename(&self, id: IndexId, uid: &IndexUid) -> Result<()>;
    /// Exchanges the uids of pairs of indexes of one tenant, or changes one ([`crate::Error::AlreadyExists`] when it is taken), all of them or
    /// none.
    async fn swap(&self, tenant: TenantId, swaps: &[Swap]) -> Result<()>;
    /// Changes what the tenant selected; grows the revision. Selecting 0 replicas sends the index to sleep, selecting some after 0 wakes
    /// it, in the same transaction.
    async fn set_selection(&self, id: IndexId, selection: &Selection) -> Result<()> {
        self.set_selection_within(id, selection, &|_, _| Ok(())).await
    }
    /// The same, if the tenant may: [`crate::Error::Refused`] with what `check` says. Nothing else is selected meanwhile.
    async fn set_selection_within(&self, id: IndexId, selection: &Selection, check: &SelectionCheck<'_>) -> Result<()>;
    /// What is selected for each living index of a tenant.
    async fn selections(&self, tenant: TenantId) -> Result<Vec<Selected>>;
    /// Sends the index to sleep or wakes it; grows the revision when that is a change and returns whether it was one.
    async fn set_awake(&self, id: IndexId, awake: bool) -> Result<bool>;
    /// Records a published generation and its settings unless a newer one is recorded; returns whether it was recorded. Also sets
    /// `updated_at`, and the primary key when the manifest knows one.
    async fn record_generation(&self, id: IndexId, published: &Published, settings: &Settings, primary_key: Option<&str>) -> Result<bool>;
    /// Marks the index deleted and grows the revision; its uid is free at once.
    async fn delete(&self, id: IndexId) -> Result<()>;
    /// The deleted indexes whose objects are not yet removed.
    async fn deleted(&self) -> Result<Vec<Index>>;
    /// Forgets a deleted index.
    async fn purge(&self, id: IndexId) -> Result<()>;
    /// Up to `limit` indexes with a revision above `revision`, by revision, deleted ones included. Revisions become visible in
    /// order: whoever has seen N never misses a later one below it.
    async fn changed_since(&self, revision: i64, limit: u64) -> Result<Vec<Index>>;
    /// Number of the tenant's indexes.
    async fn count(&self, tenant: TenantId) -> Result<u64>;
}

/// API keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Stores a key under the hash of its secret; [`crate::Error::AlreadyExists`] when the tenant has one of this uid, or anybody one of this
    /// hash.
    async fn create(&self, key: &Key, secret_hash: &str) -> Result<()>;
    /// The key of this secret, of whichever tenant, with how that tenant stands.
    async fn by_hash(&self, secret_hash: &str) -> Result<(Key, Standing)>;
    /// The keys of this uid, one a tenant, each with how that tenant stands, the oldest first: for tenant tokens, of which the signature says
    /// which key is meant.
    async fn by_uid(&self, uid: KeyId) -> Result<Vec<(Key, Standing)>>;
    /// The tenant's key of this uid.
    async fn get(&self, tenant: TenantId, uid: KeyId) -> Result<Key>;
    /// The tenant's keys but its root key, newest first.
    async fn list(&self, tenant: TenantId, offset: u64, limit: u64) -> Result<Page<Key>>;
    /// Changes name and description; `None` clears.
    async fn update(&self, tenant: TenantId, uid: KeyId, name: Option<&str>, description: Option<&str>, now: Timestamp) -> Result<Key>;
    /// Notes when keys were used. Of uses within a minute of one that is noted already nothing changes; keys that are gone are left out.
    async fn used(&self, uses: &[(TenantId, KeyId, Timestamp)]) -> Result<()>;
    /// When each of the tenant's keys was used last, to the minute; without those that never were.
    async fn last_uses(&self, tenant: TenantId) -> Result<HashMap<KeyId, Timestamp>>;
    /// Deletes a key; from then on its secret and its tokens are unknown.
    async fn delete(&self, tenant: TenantId, uid: KeyId) -> Result<()>;
}

/// A task to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Whose it is.
    pub tenant: TenantId,
    /// The index it is about, if one.
    pub index: Option<IndexId>,
    /// That index's name.
    pub index_uid: Option<IndexUid>,
    /// What it does.
    pub kind: TaskKind,
    /// Numbers for the tenant.
    pub details: TaskDetails,
    /// What the caller gave along with it.
    pub custom_metadata: Option<String>,
    /// The tasks that it cancels, when their logs are several: it is at its end when they are.
    pub targets: Option<Vec<TaskUid>>,
    /// When it was accepted.
    pub enqueued_at: Timestamp,
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Unfinished tasks.
    pub tasks: u64,
    /// When the oldest of them was accepted.
    pub oldest: Option<Timestamp>,
    /// Log entries that carry unfinished tasks: those that are not served yet.
    pub entries: u64,
}

/// Tasks. Uids are counted for each tenant from 0 and never reused.
#[async_trait]
pub trait Tasks: Send + Sync {
    /// Allocates the next uid and stores the task as enqueued without a seq: not yet in the log.
    async fn allocate(&self, task: &NewTask) -> Result<Task>;
    /// Allocates the next uid and stores the task at its end: what needs no log. `error`: it failed.
    async fn complete_at_once(&self, task: &NewTask, error: Option<&onggi_domain::ApiError>) -> Result<Task>;
    /// Notes the log entry that carries the task.
    async fn appended(&self, tenant: TenantId, uid: TaskUid, seq: Seq) -> Result<()>;
    /// Removes a task that was allocated and never appended.
    async fn abandon(&self, tenant: TenantId, uid: TaskUid) -> Result<()>;
    /// Marks a task that needs no outcome of a fold (a dump) as processing.
    async fn mark_started(&self, tenant: TenantId, uid: TaskUid, now: Timestamp) -> Result<()>;
    /// Ends a task that needs no outcome of a fold (a dump): failed when there is an error. A task at its end stays.
    async fn finish(
        &self,
        tenant: TenantId,
        uid: TaskUid,
        error: Option<&onggi_domain::ApiError>,
        details: &TaskDetails,
        now: Timestamp,
    ) -> Result<()>;
    /// The tenant's task, or [`crate::Error::NotFound`].
    async fn get(&self, tenant: TenantId, uid: TaskUid) -> Result<Task>;
    /// The tenant's tasks that match, of indexes that match one of the patterns (tasks without an index always do when a pattern is
    /// `*`), newest first (oldest first when `reverse`), from uid `from` on, and the number of all that match.
    async fn list(
        &self,
        tenant: TenantId,
        filter: &TaskFilter,
        patterns: &[IndexPattern],
        from: Option<TaskUid>,
        limit: u64,
        reverse: bool,
    ) -> Result<Page<Task>>;
    /// The batches with a task that matches, as `list` does, and the number of all such batches.
    async fn batches(
        &self,
        tenant: TenantId,
        filter: &TaskFilter,
        patterns: &[IndexPattern],
        from: Option<TaskUid>,
        limit: u64,
        reverse: bool,
    ) -> Result<Page<TaskUid>>;
    /// Deletes the finished tasks of a tenant but for the newest `keep` uids; returns how many.
    async fn trim(&self, tenant: TenantId, keep: u64) -> Result<u64>;
    /// The dumps and snapshots of all tenants that are not at their end, the oldest first.
    async fn unwritten_archives(&self) -> Result<Vec<Task>>;
    /// Deletes the finished tasks that match; returns how many.
    async fn delete(&self, tenant: TenantId, filter: &TaskFilter, patterns: &[IndexPattern]) -> Result<u64>;
    /// Indexes with a task that is appended and not at its end: the controller's work.
    async fn unfinished_indexes(&self) -> Result<Vec<IndexId>>;
    /// The first and the last seq of the appended tasks of an index that are not at their end; `None`: there are none. Costs the same
    /// however many there are.
    async fn unfinished_span(&self, index: IndexId) -> Result<Option<(Seq, Seq)>>;
    /// Tasks allocated before `before` that have a log index but no seq: an append that crashed. To be repaired from the log.
    async fn unappended(&self, before: Timestamp) -> Result<Vec<Task>>;
    /// Marks appended, enqueued tasks of the index with `seq` up to this one as processing.
    async fn start(&self, index: IndexId, up_to: Seq, now: Timestamp) -> Result<()>;
    /// Writes the outcomes that a generation of the index records, as one batch; restores a task that has no row. Idempotent: a task at its
    /// end stays. A cancelation over several logs ends with the last of the tasks that it names.
    async fn settle(&self, index: &Index, batch: TaskUid, outcomes: &[TaskOutcome], now: Timestamp) -> Result<()>;
    /// Ends every unfinished task of a deleted index as canceled by `by`.
    async fn cancel_all(&self, index: IndexId, by: Option<TaskUid>, now: Timestamp) -> Result<u64>;
    /// Restores the tasks of a log entry to a database that is older than the log; returns how many it did not know, or did not know to be in
    /// the log. Their uids are not given out again.
    async fn restore(&self, index: &Index, seq: Seq, records: &[Record]) -> Result<u64>;
    /// What is under way, of all tenants.
    async fn backlog(&self) -> Result<Backlog>;
    /// Number of the index's tasks that are not at their end.
    async fn pending(&self, index: IndexId) -> Result<u64>;
}

/// What a tenant holds, as the controller has recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Indexes.
    pub indexes: u64,
    /// Documents of all of them.
    pub documents: u64,
    /// Bytes of all of them.
    pub stored_bytes: u64,
}

/// What tenants used: runs of containers and what is stored, by the hour.
#[async_trait]
pub trait Usage: Send + Sync {
    /// Stores runs, or how far those that are stored already were seen. When a run began is what was said first, however often it is said.
    async fn saw(&self, runs: &[Run]) -> Result<()>;
    /// Computes the hours from the last settled one on anew, from the runs; hours that end before `settled` are not computed again.
    async fn roll_up(&self, settled: Timestamp) -> Result<()>;
    /// Notes what each index stores and how it is called, from the hour of `now` on, where that has changed.
    async fn note_storage(&self, now: Timestamp) -> Result<()>;
    /// Forgets runs that ended before a time and are settled, and hours before another.
    async fn trim(&self, runs_before: Timestamp, hours_before: Timestamp) -> Result<()>;
    /// What the containers of a tenant ran for, of the hours that begin between two times.
    async fn container_hours(&self, tenant: TenantId, from: Timestamp, to: Timestamp) -> Result<Vec<ContainerHour>>;
    /// What the indexes of a tenant stored before a time, by index in order.
    async fn storage_steps(&self, tenant: TenantId, to: Timestamp) -> Result<Vec<StorageStep>>;
    /// What the tenant holds now.
    async fn held(&self, tenant: TenantId) -> Result<Held>;
}

/// What a gateway has counted in a short while. It may be told several times and counts once.
#[derive(Debug, Clone, PartialEq)]
pub struct CountBatch {
    /// Who counted: an id that a process makes at its start.
    pub source: Uuid,
    /// The number of the batch.
    pub seq: u64,
    /// When the counting ended.
    pub until: Timestamp,
    /// The hour that it is added to.
    pub hour: Timestamp,
    /// Counts by index, in the order of the ids, so that two that are added at the same time do not wait for each other in a circle.
    pub indexes: Vec<(TenantId, IndexId, Counts)>,
    /// Counts by index and query, in order.
    pub queries: Vec<QueryCounts>,
}

/// Counts of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryCounts {
    /// The tenant.
    pub tenant: TenantId,
    /// The index.
    pub index: IndexId,
    /// What was searched for.
    pub query: String,
    /// How often, and what became of it.
    pub counts: Counts,
}

/// What queries are ordered by; the largest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryOrder {
    /// How often they were asked.
    Searches,
    /// How often they found nothing.
    NoHits,
    /// How often they took long.
    Slow,
}

/// Searches, as gateways have counted them.
#[async_trait]
pub trait Searches: Send + Sync {
    /// Adds a batch; returns whether it was not there yet.
    async fn add(&self, batch: &CountBatch) -> Result<bool>;
    /// The counts of a tenant's indexes in the hours that begin between two times.
    async fn hours(&self, tenant: TenantId, from: Timestamp, to: Timestamp) -> Result<Vec<(IndexId, Timestamp, Counts)>>;
    /// Searches of a tenant's indexes and their times since a moment that is not long ago.
    async fn moments(&self, tenant: TenantId, since: Timestamp) -> Result<Vec<(IndexId, Counts)>>;
    /// The first queries of an index in the hours that begin between two times.
    async fn queries(&self, index: IndexId, from: Timestamp, to: Timestamp, order: QueryOrder, limit: u64)
    -> Result<Vec<(String, Counts)>>;
    /// Forgets what is older: moments (and which batches were added; none that is older is added any more), hours, queries.
    async fn trim(&self, moments_before: Timestamp, hours_before: Timestamp, queries_before: Timestamp) -> Result<()>;
    /// Of the hours that begin between two times, keeps the `most` queries that were asked most of each index, and those that most often
    /// found nothing.
    async fn keep_most(&self, from: Timestamp, to: Timestamp, most: u64) -> Result<()>;
}

/// What tenants want to be told of their spending; one alert a tenant.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// The alert of a tenant.
    async fn get(&self, tenant: TenantId) -> Result<Option<SpendingAlert>>;
    /// The alerts of all tenants that are not deleted.
    async fn list(&self) -> Result<Vec<SpendingAlert>>;
    /// Sets amount and address. Another amount may be passed anew in the same month.
    async fn set(&self, tenant: TenantId, amount: f64, url: Option<&str>) -> Result<()>;
    /// Removes the alert, if there is one.
    async fn remove(&self, tenant: TenantId) -> Result<()>;
    /// Notes that the cost of the month that began at `month` has passed the amount; returns whether that was not noted yet.
    async fn passed(&self, tenant: TenantId, at: Timestamp, cost: f64, month: Timestamp) -> Result<bool>;
    /// The alerts whose message is still to be delivered, and is not resting.
    async fn due(&self, now: Timestamp) -> Result<Vec<SpendingAlert>>;
    /// The message of that time was delivered.
    async fn told(&self, tenant: TenantId, passed_at: Timestamp) -> Result<()>;
    /// It could not be delivered. Returns how often that was so, this time included.
    async fn failed(&self, tenant: TenantId) -> Result<u64>;
    /// It is not to be tried again before a time.
    async fn rest(&self, tenant: TenantId, retry_at: Timestamp) -> Result<()>;
}

/// Identity providers, one a tenant.
#[async_trait]
pub trait IdentityProviders: Send + Sync {
    /// The tenant's provider, with how the tenant stands.
    async fn get(&self, tenant: TenantId) -> Result<(IdentityProvider, Standing)>;
    /// Sets it in the place of another.
    async fn set(&self, provider: &IdentityProvider) -> Result<()>;
    /// Removes it.
    async fn remove(&self, tenant: TenantId) -> Result<()>;
}

/// Webhooks, and which tasks each is still to be told of. Whatever ends a task notes it here.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Stores a webhook; [`crate::Error::Conflict`] when the tenant has [`Webhook::MAX`].
    async fn create(&self, webhook: &Webhook) -> Result<()>;
    /// The tenant's webhook of this id.
    async fn get(&self, tenant: TenantId, id: WebhookId) -> Result<Webhook>;
    /// The tenant's webhooks, the oldest first.
    async fn list(&self, tenant: TenantId) -> Result<Vec<Webhook>>;
    /// Changes url and headers, and forgets failures.
    async fn update(&self, webhook: &Webhook) -> Result<()>;
    /// Deletes a webhook and what it was still to be told.
    async fn delete(&self, tenant: TenantId, id: WebhookId) -> Result<()>;
    /// The webhooks that have something to be told and are not resting after a failure.
    async fn due(&self, now: Timestamp) -> Result<Vec<Webhook>>;
    /// The next tasks that a webhook is to be told of, by uid.
    async fn undelivered(&self, id: WebhookId, limit: u64) -> Result<Vec<TaskUid>>;
    /// A webhook was told of these tasks.
    async fn delivered(&self, id: WebhookId, tasks: &[TaskUid]) -> Result<()>;
    /// A webhook could not be told: it rests until `retry_at`. What was noted before `oldest`, and all but the newest `keep`, is given up.
    /// It costs nothing when the webhook is gone.
    async fn failed(&self, id: WebhookId, retry_at: Timestamp, oldest: Timestamp, keep: u64) -> Result<()>;
    /// How often a webhook failed since it last succeeded.
    async fn failures(&self, id: WebhookId) -> Result<u64>;
}
