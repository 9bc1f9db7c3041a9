//! The uploader: whatever becomes a log entry goes through here. It checks documents and settings, allocates the task, appends to
//! the index's log and tells the controller. Stands behind the gateway, which has authenticated the caller and checked action and
//! index of the path.

mod app;
mod cancel;
mod documents;
mod routes;
mod settings;
mod upload;

use std::{path::PathBuf, sync::Arc};

use onggi_domain::{container::SizeTable, limits::Limits, plan::PlanTable};
use onggi_metadata::Metadata;
use onggi_web::Upstream;

pub use routes::router;

/// What the uploader works with.
#[derive(Clone)]
pub struct Deps {
    /// Tenants, indexes and tasks.
    pub metadata: Metadata,
    /// The bucket of all indexes.
    pub store: onggi_bucket::Store,
    /// Told of each append; losing the call loses nothing.
    pub controller: Upstream,
    /// What callers may send.
    pub limits: Limits,
    /// The size classes.
    pub sizes: SizeTable,
    /// The plans and their quotas.
    pub plans: PlanTable,
    /// What the gateway shows.
    pub internal_secret: Arc<str>,
    /// Where large uploads are spooled; made when it is absent.
    pub spool_dir: PathBuf,
}
