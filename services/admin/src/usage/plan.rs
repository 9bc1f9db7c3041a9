//! The plan of a tenant, and how near its quotas are.

use onggi_domain::{
    TenantId,
    plan::{MONTH_HOURS, Plan, Prices, Taken, money},
};
use onggi_web::{Error, Result};
use serde::Serialize;

use crate::app::Admin;

/// A plan as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanFields {
    pub(crate) name: String,
    pub(crate) max_indexes: u32,
    pub(crate) max_replicas_per_index: u32,
    pub(crate) max_replicas: u32,
    pub(crate) max_documents: u64,
    pub(crate) max_storage_bytes: u64,
    pub(crate) requests_per_second: u32,
    pub(crate) sizes: Vec<String>,
    pub(crate) max_cpu_millis: u64,
    pub(crate) max_memory_bytes: u64,
    pub(crate) prices: PriceFields,
}

/// The prices of a plan as they are told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PriceFields {
    pub(crate) currency: String,
    pub(crate) container_hour: std::collections::BTreeMap<String, f64>,
    pub(crate) storage_gib_month: f64,
    pub(crate) million_searches: f64,
}

/// A size as a tenant may select it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SizeView {
    /// Its name.
    pub(crate) name: String,
    /// Thousandths of a CPU.
    pub(crate) cpu_millis: u32,
    /// Memory.
    pub(crate) memory_bytes: u64,
    /// Disk.
    pub(crate) disk_bytes: u64,
    /// Documents that an index of this size may hold.
    pub(crate) max_documents: u64,
    /// Whether the plan has it.
    pub(crate) allowed: bool,
    /// One container for an hour.
    pub(crate) price_per_hour: f64,
    /// One container for a month.
    pub(crate) price_per_month: f64,
}

/// How near a quota is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Quota {
    /// Of what.
    pub(crate) name: &'static str,
    /// How much of it is used.
    pub(crate) used: u64,
    /// How much there may be.
    pub(crate) limit: u64,
}

/// The plan of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PlanView {
    /// The plan.
    pub(crate) plan: PlanFields,
    /// What can be selected.
    pub(crate) sizes: Vec<SizeView>,
    /// How near its quotas are.
    pub(crate) quotas: Vec<Quota>,
}

impl Admin {
    /// The plan of a tenant.
    pub(crate) async fn plan_of(&self, tenant: TenantId) -> Result<&Plan> {
        let name = self.0.metadata.tenants.get(tenant).await.map_err(Error::internal)?.plan;
        Ok(self.0.plans.of(name.as_deref()))
    }

    /// Plan, sizes and quotas of a tenant.
    pub(crate) async fn plan_view(&self, tenant: TenantId) -> Result<PlanView> {
        let plan = self.plan_of(tenant).await?;
        let sizes = &self.0.sizes.0;
        let allowed = sizes.iter().filter(|size| plan.allows_size(&size.name)).map(|size| size.name.clone()).collect();
        let size = |size: &onggi_domain::container::Size| {
            let price_per_hour = plan.prices.container_hour.get(&size.name).copied().unwrap_or(0.0);
            SizeView {
                name: size.name.clone(),
                cpu_millis: size.cpu_millis,
                memory_bytes: size.memory.as_u64(),
                disk_bytes: size.disk.as_u64(),
                max_documents: size.max_documents,
                allowed: plan.allows_size(&size.name),
                price_per_hour,
                price_per_month: money(price_per_hour * MONTH_HOURS),
            }
        };
        Ok(PlanView { plan: fields(plan, allowed), sizes: sizes.iter().map(size).collect(), quotas: self.quotas(tenant, plan).await? })
    }

    /// How near the quotas of a plan are.
    pub(crate) async fn quotas(&self, tenant: TenantId, plan: &Plan) -> Result<Vec<Quota>> {
        let metadata = &self.0.metadata;
        let selections = metadata.indexes.selections(tenant).await.map_err(Error::internal)?;
        let taken = Taken::of(selections.iter().map(|(_, selection)| selection), &self.0.sizes);
        let held = metadata.usage.held(tenant).await.map_err(Error::internal)?;
        let quota = |name, used, limit| Quota { name, used, limit };
        Ok(vec![
            quota("indexes", taken.indexes, plan.max_indexes.into()),
            quota("replicas", taken.replicas, plan.max_replicas.into()),
            quota("documents", held.documents, plan.max_documents),
            quota("storageBytes", held.stored_bytes, plan.max_storage.as_u64()),
            quota("cpuMillis", taken.cpu_millis, plan.max_cpu_millis),
            quota("memoryBytes", taken.memory, plan.max_memory.as_u64()),
        ])
    }
}

fn fields(plan: &Plan, sizes: Vec<String>) -> PlanFields {
    let Prices { currency, container_hour, storage_gib_month, million_searches } = plan.prices.clone();
    PlanFields {
        name: plan.name.clone(),
        max_indexes: plan.max_indexes,
        max_replicas_per_index: plan.max_replicas_per_index,
        max_replicas: plan.max_replicas,
        max_documents: plan.max_documents,
        max_storage_bytes: plan.max_storage.as_u64(),
        requests_per_second: plan.requests_per_second,
        sizes,
        max_cpu_millis: plan.max_cpu_millis,
        max_memory_bytes: plan.max_memory.as_u64(),
        prices: PriceFields { currency, container_hour, storage_gib_month, million_searches },
    }
}
