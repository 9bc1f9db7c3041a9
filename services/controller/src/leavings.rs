//! What tenants leave behind: archives and rows of those that were deleted, and the oldest tasks of the others.

use std::sync::Arc;

use onggi_bucket::archive::Archive;
use onggi_domain::{TenantId, tenant::TenantStatus};

use crate::{Inner, Result};

impl Inner {
    /// Removes the archives of tenants that were deleted.
    pub(crate) async fn remove_archives(self: &Arc<Self>) -> Result<()> {
        let store = &self.deps.store;
        for tenant in Archive::tenants(store).await? {
            match self.deps.metadata.tenants.get(tenant).await {
                Ok(found) if found.status == TenantStatus::Deleted => {}
                // One that is not known at all may be known to a newer database than this one: nothing of it is touched.
                Ok(_) | Err(onggi_metadata::Error::NotFound(_)) => continue,
                Err(error) => return Err(error.into()),
            }
            for uid in Archive::list(store, tenant).await? {
                Archive::new(store.clone(), tenant, &uid).remove().await?;
                tracing::info!(%tenant, archive = uid, "archive of a deleted tenant is gone");
            }
        }
        Ok(())
    }

    /// Removes what the database has of deleted tenants whose last index was purged, or that never had one.
    pub(crate) async fn purge_tenants(self: &Arc<Self>) -> Result<()> {
        for tenant in self.deps.metadata.tenants.unpurged().await? {
            self.purge_tenant(tenant).await?;
        }
        Ok(())
    }

    pub(crate) async fn purge_tenant(&self, tenant: TenantId) -> Result<()> {
        if self.deps.metadata.tenants.purge(tenant).await? {
            tracing::info!(%tenant, "keys, tasks and members of a deleted tenant are gone");
        }
        Ok(())
    }

    /// Forgets the oldest tasks of tenants that have very many.
    pub(crate) async fn trim_tasks(self: &Arc<Self>) -> Result<()> {
        for tenant in self.deps.metadata.tenants.list().await? {
            let trimmed = self.deps.metadata.tasks.trim(tenant.id, self.config.keep_tasks).await?;
            if trimmed > 0 {
                tracing::info!(tenant = %tenant.id, trimmed, "oldest tasks are forgotten");
            }
        }
        Ok(())
    }
}
