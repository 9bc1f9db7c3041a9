//! The metadata database: tenants, people, indexes, keys, tasks, usage and webhooks, in PostgreSQL or SQLite.
//!
//! One trait a resource; every implementation passes the suite in `tests/`. The only user of `sqlx`. Upper layers hold a
//! [`Metadata`] and never see SQL.
//!
//! How it is laid out, for whoever changes it:
//! - `traits.rs` is the contract, `queries/<resource>/*.sql` are the statements, and `<resource>.rs` joins the two: rows to types of the
//!   domain and back. Each resource is written once; `database.rs` runs its statements on either database.
//! - Tables are in `migrations/`, the same ones for both. A migration must work with the version before it: first expand, contract in a
//!   later version.
//!
//! What the rows promise:
//! - **Revisions become visible in order.** Each change of what should run takes the next revision from the one row of `revisions` and
//!   keeps it locked until it commits. So `changed_since` never skips a change that commits late.
//! - **Task uids are contiguous** for the same reason: the counter is a column of the tenant, and a transaction that rolls back gives its
//!   uid back.
//! - **Whoever ends a task notes it for the tenant's webhooks** in the same transaction (`deliveries`), so no end goes untold.
//! - **The same run of a container, and the same batch of counts, can be told any number of times** and counts once.
//! - **A deadlock costs time and no error**: what PostgreSQL ends to resolve one is begun again (`transaction!`), such as a caller's upload
//!   that met a migration.
//! - **A task at its end never changes.** Outcomes can be settled twice, late, or before the append was noted.

mod accounts;
mod alerts;
mod api_keys;
mod columns;
mod database;
mod error;
mod identity;
mod indexes;
mod invitations;
mod keys;
mod members;
mod searches;
mod sessions;
mod tasks;
mod tenants;
pub mod traits;
mod usage;
mod webhooks;

use std::sync::Arc;

pub use error::{Error, Result};
pub use keys::{KeySecrets, hash_key, sign};
pub use traits::{
    Alerts, Backlog, CountBatch, Held, IdentityProviders, IndexPage, Indexes, Invitations, Keys, Members, NewTask, Page, QueryCounts,
    QueryOrder, Searches, SelectionCheck, Sessions, Tasks, Tenants, Usage, Users, Webhooks,
};

use crate::database::Database;

/// Every resource of the database.
#[derive(Clone)]
pub struct Metadata {
    /// Customers.
    pub tenants: Arc<dyn Tenants>,
    /// People.
    pub users: Arc<dyn Users>,
    /// Who acts for which tenant.
    pub members: Arc<dyn Members>,
    /// Who is signed in.
    pub sessions: Arc<dyn Sessions>,
    /// Who is invited.
    pub invitations: Arc<dyn Invitations>,
    /// Their indexes.
    pub indexes: Arc<dyn Indexes>,
    /// Their keys.
    pub keys: Arc<dyn Keys>,
    /// Their tasks.
    pub tasks: Arc<dyn Tasks>,
    /// What they used.
    pub usage: Arc<dyn Usage>,
    /// What they searched for.
    pub searches: Arc<dyn Searches>,
    /// What they want to be told of their spending.
    pub alerts: Arc<dyn Alerts>,
    /// Whose tokens may search their indexes.
    pub identity_providers: Arc<dyn IdentityProviders>,
    /// Where they want to be told of tasks.
    pub webhooks: Arc<dyn Webhooks>,
}

impl Metadata {
    /// Connects to `sqlite:PATH` (created when absent), `sqlite::memory:` or `postgres://...`, where `?sslmode=` says whether TLS is
    /// used. Does not migrate, except a database in memory, which is new and lives as long as this value and its clones.
    pub async fn connect(url: &str) -> Result<Self> {
        let database = Arc::new(Database::connect(url).await?);
        Ok(Self {
            tenants: database.clone(),
            users: database.clone(),
            members: database.clone(),
            sessions: database.clone(),
            invitations: database.clone(),
            indexes: database.clone(),
            keys: database.clone(),
            tasks: database.clone(),
            usage: database.clone(),
            searches: database.clone(),
            alerts: database.clone(),
            identity_providers: database.clone(),
            webhooks: database,
        })
    }

    /// Brings the schema of the database at `url` up to date; returns how many migrations were applied.
    pub async fn migrate(url: &str) -> Result<usize> {
        Database::migrate(url).await
    }
}
