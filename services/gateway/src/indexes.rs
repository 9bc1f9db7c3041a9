//! Which index a tenant means by a uid. An answer is believed in for less than a second, and not after the tenant changed its indexes
//! through this gateway; that an index does not exist is never remembered, so that a new one is found at once.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use onggi_domain::{ApiError, IndexId, IndexUid, TenantId, container::WakePolicy};
use onggi_metadata::Indexes;
use onggi_web::{Error, Result};

/// Indexes that are remembered.
const KNOWN_INDEXES: u64 = 100_000;

/// What the gateway needs to know of an index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) id: IndexId,
    pub(crate) wake: WakePolicy,
    /// Whether its searchers should run.
    pub(crate) awake: bool,
}

/// Finds indexes.
pub(crate) struct IndexCache {
    indexes: Arc<dyn Indexes>,
    found: Cache<(TenantId, u64, IndexUid), Found>,
}

impl IndexCache {
    pub(crate) fn new(indexes: Arc<dyn Indexes>, cache_time: Duration) -> Self {
        Self { indexes, found: Cache::builder().max_capacity(KNOWN_INDEXES).time_to_live(cache_time).build() }
    }

    /// The tenant's index of this uid. What was found in an earlier epoch is not believed in.
    pub(crate) async fn find(&self, tenant: TenantId, epoch: u64, uid: &IndexUid) -> Result<Found> {
        let look_up = async {
            let index = self.indexes.get(tenant, uid).await?;
            Ok(Found { id: index.id, wake: index.selection.wake, awake: index.awake })
        };
        let found = self.found.try_get_with((tenant, epoch, uid.clone()), look_up).await;
        found.map_err(|error: Arc<onggi_metadata::Error>| match *error {
            onggi_metadata::Error::NotFound(_) => ApiError::index_not_found(uid.as_str()).into(),
            _ => Error::internal(error),
        })
    }
}
