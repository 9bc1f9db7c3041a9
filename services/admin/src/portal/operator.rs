//! `/portal/operator`: the platform, for its operators: tenants, everything that runs, people.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::{
    Form, Router,
    body::to_bytes,
    extract::{Query, State},
    response::Response,
    routing::{get, post},
};
use bytesize::ByteSize;
use http::{Method, Request};
use onggi_domain::{
    IndexId, TenantId, Timestamp,
    account::User,
    container::{ContainerStatus, Role},
    tenant::{Tenant, TenantStatus},
};
use onggi_metadata::Error as Stored;
use serde::{Deserialize, Serialize};

use super::{
    Portal,
    failure::{Failure, Result},
    page::{Page, Section, html},
    visit::{Operator, done},
};

/// Rows of a list.
const PAGE: usize = 100;
/// The most that the controller answers about everything that runs.
const ANSWER_BYTES: usize = 64 << 20;

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/operator", get(tenants))
        .route("/portal/operator/tenants/status", post(change_status))
        .route("/portal/operator/containers", get(containers))
        .route("/portal/operator/people", get(people))
        .route("/portal/operator/people/operator", post(change_operator))
}

#[derive(Template)]
#[template(path = "operator_tenants.html")]
struct TenantsPage {
    page: Page,
    query: String,
    rows: Vec<TenantRow>,
    total: usize,
}

/// A tenant, and how much it has.
pub(crate) struct TenantRow {
    pub(crate) tenant: Tenant,
    pub(crate) indexes: u64,
    pub(crate) members: u64,
}

impl TenantRow {
    fn is_suspended(&self) -> bool {
        self.tenant.status == TenantStatus::Suspended
    }
}

#[derive(Deserialize)]
pub(crate) struct Find {
    #[serde(default)]
    pub(crate) q: String,
}

async fn tenants(State(portal): State<Portal>, operator: Operator, Query(find): Query<Find>) -> Result<Response> {
    let (rows, total) = portal.find_tenants(&find.q).await?;
    html(&TenantsPage { page: Page::operator(&operator, Section::OperatorTenants), query: find.q, rows, total })
}

impl Portal {
    /// The tenants whose name or id holds a text, the first hundred of them, and how many there are.
    pub(crate) async fn find_tenants(&self, query: &str) -> Result<(Vec<TenantRow>, usize)> {
        let metadata = &self.admin.0.metadata;
        let query = query.trim().to_lowercase();
        let mut found = metadata.tenants.list().await?;
        found.retain(|tenant| tenant.name.to_lowercase().contains(&query) || tenant.id.to_string() == query);
        let total = found.len();
        let mut rows = Vec::new();
        for tenant in found.into_iter().take(PAGE) {
            let indexes = metadata.indexes.count(tenant.id).await?;
            let members = metadata.members.list(tenant.id).await?.len() as u64;
            rows.push(TenantRow { tenant, indexes, members });
        }
        Ok((rows, total))
    }

    /// Suspends, resumes or deletes a tenant.
    pub(crate) async fn set_tenant_status(&self, operator: &Operator, tenant: TenantId, status: TenantStatus) -> Result<()> {
        self.admin.0.metadata.tenants.set_status(tenant, status).await?;
        tracing::info!(%tenant, ?status, operator = %operator.user.id, "an operator changed the status of a tenant");
        Ok(())
    }
}

#[derive(Deserialize)]
struct NewStatus {
    tenant: String,
    status: TenantStatus,
    /// The tenant's name, typed again, where it is to be deleted.
    #[serde(default)]
    confirm: String,
}

async fn change_status(State(portal): State<Portal>, operator: Operator, Form(form): Form<NewStatus>) -> Result<Response> {
    let id: TenantId = form.tenant.parse().map_err(|_| Failure::NotFound)?;
    let tenant = portal.admin.0.metadata.tenants.get(id).await?;
    if form.status == TenantStatus::Deleted && form.confirm.trim() != tenant.name {
        return Ok(done("/portal/operator", "operator.notice_not_confirmed"));
    }
    portal.set_tenant_status(&operator, id, form.status).await?;
    let notice = match form.status {
        TenantStatus::Active => "operator.notice_resumed",
        TenantStatus::Suspended => "operator.notice_suspended",
        TenantStatus::Deleted => "operator.notice_deleted",
    };
    Ok(done("/portal/operator", notice))
}

/// A container, and whose it is, as the controller tells it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Anywhere {
    pub(crate) tenant: TenantId,
    pub(crate) index: IndexId,
    pub(crate) size: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) status: ContainerStatus,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) since: Timestamp,
    pub(crate) note: Option<String>,
}

/// What containers of one size may use together, and what they do use.
#[derive(Default)]
struct Capacity {
    size: String,
    containers: u64,
    cpu_millis: u64,
    memory: u64,
    used_memory: u64,
}

impl Capacity {
    fn cpus(&self) -> String {
        format!("{:.1}", self.cpu_millis as f64 / 1000.0)
    }

    /// How much of the memory is used, in percent.
    fn filled(&self) -> u64 {
        (self.used_memory * 100).checked_div(self.memory).unwrap_or(0).min(100)
    }
}

struct ContainerRow {
    container: Anywhere,
    tenant: String,
    index: String,
}

impl ContainerRow {
    fn tone(&self) -> &'static str {
        match self.container.status {
            ContainerStatus::Running => "good",
            ContainerStatus::Failed => "bad",
            ContainerStatus::Created | ContainerStatus::Warming => "info",
        }
    }

    fn status(&self) -> &'static str {
        match self.container.status {
            ContainerStatus::Running => "operator.running",
            ContainerStatus::Failed => "operator.failed",
            ContainerStatus::Created => "operator.asked_for",
            ContainerStatus::Warming => "operator.warming",
        }
    }
}

#[derive(Template)]
#[template(path = "operator_containers.html")]
struct ContainersPage {
    page: Page,
    capacities: Vec<Capacity>,
    all: Capacity,
    failed: u64,
    rows: Vec<ContainerRow>,
    total: u64,
}

impl Portal {
    /// Everything that runs.
    pub(crate) async fn everything(&self) -> Result<Vec<Anywhere>> {
        let request = Request::builder().method(Method::GET).uri("/internal/containers").body(axum::body::Body::empty());
        let request = request.map_err(Failure::internal)?;
        let response = self.admin.0.controller.send(request).await.map_err(Failure::internal)?;
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES).await.map_err(|error| Failure::internal(&*error.into_inner()))?;
        serde_json::from_slice(&bytes).map_err(Failure::internal)
    }
}

async fn containers(State(portal): State<Portal>, operator: Operator) -> Result<Response> {
    let mut containers = portal.everything().await?;
    let metadata = &portal.admin.0.metadata;
    let names: HashMap<TenantId, String> = metadata.tenants.list().await?.into_iter().map(|tenant| (tenant.id, tenant.name)).collect();
    let mut sizes: BTreeMap<String, Capacity> = BTreeMap::new();
    let mut all = Capacity::default();
    for container in &containers {
        let size = portal.admin.0.sizes.get(&container.size).ok();
        let used = container.memory_bytes.unwrap_or(0);
        let of_size =
            sizes.entry(container.size.clone()).or_insert_with(|| Capacity { size: container.size.clone(), ..Capacity::default() });
        for sum in [of_size, &mut all] {
            sum.containers += 1;
            sum.cpu_millis += size.map_or(0, |size| u64::from(size.cpu_millis));
            sum.memory += size.map_or(0, |size| ByteSize::as_u64(&size.memory));
            sum.used_memory += used;
        }
    }
    let failed = containers.iter().filter(|container| container.status == ContainerStatus::Failed).count() as u64;
    containers.sort_by(|a, b| {
        (a.status != ContainerStatus::Failed, a.tenant, a.index, &a.name).cmp(&(
            b.status != ContainerStatus::Failed,
            b.tenant,
            b.index,
            &b.name,
        ))
    });
    let total = containers.len() as u64;
    let mut rows = Vec::new();
    for container in containers.into_iter().take(PAGE) {
        let index =
            metadata.indexes.get_by_id(container.index).await.map_or_else(|_| container.index.to_string(), |index| index.uid.to_string());
        let tenant = names.get(&container.tenant).cloned().unwrap_or_else(|| container.tenant.to_string());
        rows.push(ContainerRow { container, tenant, index });
    }
    let page = Page::operator(&operator, Section::OperatorContainers);
    html(&ContainersPage { page, capacities: sizes.into_values().collect(), all, failed, rows, total })
}

#[derive(Template)]
#[template(path = "operator_people.html")]
struct PeoplePage {
    page: Page,
    people: Vec<User>,
    total: u64,
    own: String,
}

async fn people(State(portal): State<Portal>, operator: Operator) -> Result<Response> {
    let found = portal.admin.0.metadata.users.list(0, PAGE as u64).await?;
    let page = Page::operator(&operator, Section::OperatorPeople);
    html(&PeoplePage { page, people: found.items, total: found.total, own: operator.user.id.to_string() })
}

#[derive(Deserialize)]
struct NewOperator {
    user: String,
    operator: bool,
}

async fn change_operator(State(portal): State<Portal>, operator: Operator, Form(form): Form<NewOperator>) -> Result<Response> {
    let user = form.user.parse().map_err(|_| Failure::NotFound)?;
    // Somebody has to be left who can undo it.
    if user == operator.user.id {
        return Err(Failure::Forbidden);
    }
    match portal.admin.0.metadata.users.set_operator(user, form.operator).await {
        Err(Stored::Conflict(_)) => return Err(Failure::Forbidden),
        changed => changed?,
    }
    tracing::info!(%user, is_operator = form.operator, operator = %operator.user.id, "an operator was named, or is no longer one");
    Ok(done("/portal/operator/people", "operator.notice_people"))
}
