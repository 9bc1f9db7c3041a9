//! The services' common ground, and each service on it: built here alike for `onggi up`, which joins them, and for the commands that run
//! one of them each.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use onggi_bucket::Store;
use onggi_controller::{Controller, Runtime};
use onggi_gateway::{Discovery, counting::Counting};
use onggi_metadata::{KeySecrets, Metadata};
use onggi_web::{Upstream, trace};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// What services are built on.
pub(crate) struct Ground<'a> {
    pub(crate) config: &'a Config,
    pub(crate) metadata: Metadata,
    pub(crate) secrets: KeySecrets,
    pub(crate) store: Store,
    /// What counts searches; run where there is a gateway.
    pub(crate) counting: Counting,
    /// What services show each other.
    pub(crate) internal: Arc<str>,
}

impl<'a> Ground<'a> {
    /// Opens database and bucket as they are configured.
    pub(crate) async fn open(config: &'a Config, internal: Arc<str>) -> anyhow::Result<Self> {
        let secrets = KeySecrets::new(config.server_secret()?);
        let metadata = Metadata::connect(&config.database_url()).await.context("cannot open the database")?;
        let store = onggi_bucket::open_store(&config.bucket_url()?, &config.bucket_options()).context("cannot open the bucket")?;
        let counting = Counting::new(config.analytics.clone(), &metadata);
        Ok(Self { config, metadata, secrets, store, counting, internal })
    }

    pub(crate) fn controller(&self, runtime: Arc<dyn Runtime>) -> Controller {
        let deps = onggi_controller::Deps {
            metadata: self.metadata.clone(),
            store: self.store.clone(),
            runtime,
            sizes: self.config.sizes.clone(),
            plans: self.config.plans.clone(),
            secrets: self.secrets.clone(),
            internal_secret: self.internal.clone(),
        };
        Controller::new(self.config.controller.clone(), deps)
    }

    pub(crate) fn uploader(&self, controller: Upstream) -> anyhow::Result<axum::Router> {
        let router = onggi_uploader::router(onggi_uploader::Deps {
            metadata: self.metadata.clone(),
            store: self.store.clone(),
            controller,
            limits: self.config.limits.clone(),
            sizes: self.config.sizes.clone(),
            plans: self.config.plans.clone(),
            internal_secret: self.internal.clone(),
            spool_dir: spool(self.config)?,
        });
        Ok(trace::go_on(router, "uploader"))
    }

    /// `edge` is the gateway.
    pub(crate) fn admin(&self, controller: Upstream, edge: Upstream, closing: CancellationToken) -> axum::Router {
        let router = onggi_admin::router(onggi_admin::Deps {
            metadata: self.metadata.clone(),
            secrets: self.secrets.clone(),
            store: self.store.clone(),
            controller,
            limits: self.config.limits.clone(),
            sizes: self.config.sizes.clone(),
            plans: self.config.plans.clone(),
            log_one_in: self.config.analytics.log_one_in,
            keep_queries_for: self.config.controller.keep_queries_for,
            internal_secret: self.internal.clone(),
            edge,
            portal: self.config.portal.clone(),
            closing,
        });
        trace::go_on(router, "admin")
    }

    /// The internal API of a controller.
    pub(crate) fn ask_controller(controller: &Controller) -> axum::Router {
        trace::go_on(controller.router(), "controller")
    }

    pub(crate) fn gateway(&self, discovery: Arc<dyn Discovery>, uploader: Upstream, admin: Upstream) -> axum::Router {
        onggi_gateway::router(
            onggi_gateway::GatewayConfig {
                limits: self.config.limits.clone(),
                plans: self.config.plans.clone(),
                // What tenants name is called on the same terms, whoever calls it.
                networks: self.config.controller.webhook_networks.clone(),
                sessions: self.config.portal.session_rules(),
                proxies: self.config.proxies.clone(),
                ..onggi_gateway::GatewayConfig::default()
            },
            onggi_gateway::Deps {
                metadata: self.metadata.clone(),
                secrets: self.secrets.clone(),
                counting: self.counting.clone(),
                discovery,
                uploader,
                admin,
            },
        )
    }
}

/// Where large uploads are spooled; what a crash left there is removed.
fn spool(config: &Config) -> anyhow::Result<PathBuf> {
    let path = config.data.join("spool");
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}
