//! The portal: what a customer sees of Onggi in a browser, and the same as JSON for programs (`/portal/api/...`).
//!
//! The way of a request: the gateway passes on `/portal` and what is below it; `protect` finds out who visits and refuses what does not come from
//! a page of the portal; a module's router takes extractors of `visit`, and makes a page of a template (`page`, `templates/`) with texts in the
//! visitor's language (`texts`). What a page does to indexes it does through the tenant API (`edge` here, `/portal/api/{tenant}/...` in scripts),
//! where the gateway checks what the person's role allows.

mod accounts;
mod api;
mod assets;
mod attempts;
mod config;
mod edge;
mod failure;
mod failures;
mod form;
mod icons;
mod indexes;
mod keys;
mod live;
mod members;
mod money;
mod oidc;
mod operator;
mod overview;
mod page;
mod passwords;
mod preferences;
mod protect;
mod start;
mod tasks;
mod texts;
mod usage;
mod visit;

use std::{ops::Deref, sync::Arc};

use axum::{Router, middleware::from_fn_with_state, response::Response, routing::any};
use http::{Method, Uri};
use onggi_domain::{ApiError, Code};
use onggi_web::{Upstream, portal::SessionRules};
use tokio_util::sync::CancellationToken;

use self::{attempts::Attempts, failure::Failure, failures::Failures, oidc::Providers, passwords::Passwords};
use crate::app::Admin;

pub use config::{ClientSecret, OidcConfig, PortalConfig, SignUp};
pub use start::{SAMPLES, Sample, sample_settings};

/// What the portal works with.
#[derive(Clone)]
pub(crate) struct Portal(Arc<Inner>);

pub(crate) struct Inner {
    /// The application behind the API.
    pub(crate) admin: Admin,
    pub(crate) config: PortalConfig,
    pub(crate) rules: SessionRules,
    /// The gateway.
    pub(crate) edge: Upstream,
    /// Streams of events end with it.
    pub(crate) closing: CancellationToken,
    pub(crate) streams: live::Streams,
    pub(crate) attempts: Attempts,
    pub(crate) failures: Failures,
    pub(crate) passwords: Passwords,
    pub(crate) providers: Providers,
}

impl Deref for Portal {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Every page.
pub(crate) fn router(admin: Admin) -> Router {
    let config = admin.0.portal.clone();
    let portal = Portal(Arc::new(Inner {
        rules: config.session_rules(),
        edge: admin.0.edge.clone(),
        closing: admin.0.closing.clone(),
        streams: live::Streams::new(live::OPEN),
        attempts: Attempts::default(),
        failures: Failures::default(),
        passwords: Passwords::default(),
        providers: Providers::new(&config),
        config,
        admin,
    }));
    Router::new()
        .merge(assets::router())
        .merge(preferences::router())
        .merge(accounts::router())
        .merge(oidc::router())
        .merge(members::router())
        .merge(overview::router())
        .merge(start::router())
        .merge(indexes::router())
        .merge(tasks::router())
        .merge(keys::router())
        .merge(usage::router())
        .merge(operator::router())
        .merge(api::router())
        .route("/portal/{*rest}", any(async || Failure::NotFound))
        .method_not_allowed_fallback(above)
        .layer(from_fn_with_state(portal.clone(), protect::protect))
        .with_state(portal)
}

/// A page that answered a form has the form's address, which is opened again when the page is reloaded or its language is changed: then the page
/// above it is shown, where the form is.
async fn above(method: Method, uri: Uri) -> failure::Result<Response> {
    match uri.path().rsplit_once('/') {
        Some((above, _)) if method == Method::GET && !above.starts_with("/portal/api/") => Ok(visit::see_other(above)),
        _ => Err(ApiError::new(Code::MethodNotAllowed, "This route does not take this method.").into()),
    }
}
