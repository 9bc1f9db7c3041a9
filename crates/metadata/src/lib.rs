//! The metadata database: tenants, members, indexes, keys, tasks and usage, in PostgreSQL or SQLite.
//!
//! One trait a resource; every implementation passes the suite in `tests/`. The only user of `sqlx`. Upper layers hold a
//! [`Metadata`] and never see SQL.

mod error;
mod keys;
pub mod traits;

use std::sync::Arc;

pub use error::{Error, Result};
pub use keys::{KeySecrets, hash_key};
pub use traits::{IndexPage, Indexes, Keys, Members, NewTask, Page, Tasks, Tenants, Usage, UsageSample};

/// Every resource of the database.
#[derive(Clone)]
pub struct Metadata {
    /// Customers.
    pub tenants: Arc<dyn Tenants>,
    /// Their people.
    pub members: Arc<dyn Members>,
    /// Their indexes.
    pub indexes: Arc<dyn Indexes>,
    /// Their keys.
    pub keys: Arc<dyn Keys>,
    /// Their tasks.
    pub tasks: Arc<dyn Tasks>,
    /// What they used.
    pub usage: Arc<dyn Usage>,
}

impl Metadata {
    /// Connects to `sqlite:PATH` (created when absent), `sqlite::memory:` or `postgres://...`. Does not migrate.
    pub async fn connect(url: &str) -> Result<Self> {
        let _ = url;
        todo!("connect")
    }

    /// Brings the schema of the database at `url` up to date; returns how many migrations were applied.
    pub async fn migrate(url: &str) -> Result<usize> {
        let _ = url;
        todo!("migrate")
    }
}
