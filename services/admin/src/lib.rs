//! The control-plane API of tenants: indexes, tasks, keys, settings as they are, stats, containers, generations,
//! usage, analytics; and the portal ([`portal`]). Stands behind the
//! gateway, which has authenticated the caller and checked action and index of the path; what a body names is checked here.
//!
//! One folder or file a resource: its routes translate, its methods on [`app::Admin`] decide. [`operator`] is for the command line.

mod absent;
mod analytics;
mod app;
mod archives;
mod batches;
mod containers;
mod features;
mod fields;
mod generations;
mod identity_provider;
mod indexes;
mod keys;
pub mod operator;
pub mod portal;
mod settings;
mod slots;
mod stats;
mod tasks;
mod usage;
mod webhooks;

use std::{sync::Arc, time::Duration};

use axum::Router;
use onggi_domain::{Code, container::SizeTable, limits::Limits, plan::PlanTable};
use onggi_metadata::{KeySecrets, Metadata};
use onggi_web::{Error, Upstream, identity::require_internal};
use tokio_util::sync::CancellationToken;

/// What the control-plane API works with.
#[derive(Clone)]
pub struct Deps {
    /// Tenants, indexes, keys and tasks.
    pub metadata: Metadata,
    /// Derives the secrets of keys.
    pub secrets: KeySecrets,
    /// The bucket of all indexes.
    pub store: onggi_bucket::Store,
    /// Asked for containers, told of changes.
    pub controller: Upstream,
    /// What callers may send.
    pub limits: Limits,
    /// The size classes.
    pub sizes: SizeTable,
    /// The plans and their prices.
    pub plans: PlanTable,
    /// Of how many searches one is in the log of queries.
    pub log_one_in: u64,
    /// How long hours of queries are kept.
    pub keep_queries_for: Duration,
    /// What the gateway shows.
    pub internal_secret: Arc<str>,
    /// The gateway: the portal's pages ask it in the name of their visitors.
    pub edge: Upstream,
    /// How the portal behaves.
    pub portal: portal::PortalConfig,
    /// Answers that last, such as streams of events, end with it.
    pub closing: CancellationToken,
}

/// Every route of the control-plane API, for callers that show the internal secret.
pub fn router(deps: Deps) -> Router {
    let secret = deps.internal_secret.clone();
    let admin = app::Admin(Arc::new(deps));
    Router::new()
        .merge(indexes::router())
        .merge(settings::router())
        .merge(stats::router())
        .merge(tasks::router())
        .merge(keys::router())
        .merge(containers::router())
        .merge(generations::router())
        .merge(batches::router())
        .merge(webhooks::router())
        .merge(usage::router())
        .merge(identity_provider::router())
        .merge(analytics::router())
        .merge(archives::router())
        .merge(features::router())
        .merge(absent::router())
        .fallback(async || Error::api(Code::NotFound, "There is no such route."))
        .method_not_allowed_fallback(async || Error::api(Code::MethodNotAllowed, "This route does not take this method."))
        .with_state(admin.clone())
        .merge(portal::router(admin))
        .layer(axum::middleware::from_fn_with_state(secret, require_internal))
}
