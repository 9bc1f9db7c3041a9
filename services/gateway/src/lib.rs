//! The public edge: who asks, may they, how much, and which searcher or service answers. Keeps caches only; any number of copies
//! can run side by side.
//!
//! The way of a request: `observe` gives it an id and a span, `routes` says what it needs and who answers, `handle` drives it:
//! `authenticate` (keys, `token`, and `provider` for those of identity providers), `tenants` (rate and concurrency), then either a service behind (`forward`) or, by
//! `indexes`, a searcher of the index (`search`, with `replicas` and `waking`), or for a `multi_search` several, whose hits
//! `federation` merges, and the answer is `compress`ed. What was asked is counted (`counting`); apps report clicks (`events`). Pages of the portal, and what people who are
//! signed in there ask of the API, come by `portal`.

mod authenticate;
mod body;
mod compress;
pub mod counting;
mod discovery;
mod events;
mod federation;
mod forward;
mod handle;
mod headers;
mod indexes;
pub mod kubernetes;
mod multi_search;
mod observe;
pub mod openapi;
mod paths;
mod portal;
mod provider;
mod replicas;
pub mod routes;
mod search;
mod tenants;
mod token;
mod waking;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    middleware,
    routing::{MethodFilter, any, on},
};
use ipnet::IpNet;
use onggi_domain::{ApiError, Code, limits::Limits, plan::PlanTable};
use onggi_metadata::{KeySecrets, Metadata};
use onggi_web::{Error, Upstream, portal::SessionRules, trace};
use tower::ServiceExt;

use self::counting::Counting;

pub use discovery::{Discovery, WakeError};
pub use routes::{Destination, ROUTES, Route};

/// How the gateway behaves.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// What callers may send, and how much of it.
    pub limits: Limits,
    /// How long a key or an index that was looked up is believed in: a revocation takes at most so long. Below a second.
    pub cache_time: Duration,
    /// How much tenants may ask by their plans.
    pub plans: PlanTable,
    /// Networks in which identity providers may be besides public addresses.
    pub networks: Vec<IpNet>,
    /// How long people stay signed in at the portal.
    pub sessions: SessionRules,
    /// Networks of proxies before the gateway, which tell truly whom they ask for.
    pub proxies: Vec<IpNet>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            cache_time: Duration::from_millis(500),
            plans: PlanTable::default(),
            networks: Vec::new(),
            sessions: SessionRules::default(),
            proxies: Vec::new(),
        }
    }
}

/// What the gateway works with.
#[derive(Clone)]
pub struct Deps {
    /// Keys and indexes.
    pub metadata: Metadata,
    /// The secrets of keys, which sign tenant tokens.
    pub secrets: KeySecrets,
    /// What counts searches. Running it is the caller's affair.
    pub counting: Counting,
    /// Where searchers are.
    pub discovery: Arc<dyn Discovery>,
    /// Takes what becomes a log entry.
    pub uploader: Upstream,
    /// Everything else.
    pub admin: Upstream,
}

/// What a request is handled with.
struct Gateway {
    limits: Limits,
    keys: authenticate::Authenticator,
    portal: portal::Portal,
    tenants: tenants::Tenants,
    indexes: indexes::IndexCache,
    counting: Counting,
    providers: Arc<provider::Providers>,
    secrets: KeySecrets,
    search: search::Searchers,
    uploader: Upstream,
    admin: Upstream,
}

type Params = Result<RawPathParams, RawPathParamsRejection>;

/// The public API. Serving it, and stopping, is the caller's affair.
pub fn router(config: GatewayConfig, deps: Deps) -> Router {
    let GatewayConfig { limits, cache_time, plans, networks, sessions, proxies } = config;
    let per_second = limits.portal_requests_per_second;
    let providers = Arc::new(provider::Providers::new(deps.metadata.identity_providers, &networks, cache_time));
    let gateway = Arc::new(Gateway {
        portal: portal::Portal::new(deps.metadata.sessions, deps.secrets.clone(), sessions, cache_time, per_second, proxies),
        keys: authenticate::Authenticator::new(deps.metadata.keys, deps.secrets.clone(), providers.clone(), cache_time),
        tenants: tenants::Tenants::new(&limits, plans),
        indexes: indexes::IndexCache::new(deps.metadata.indexes, cache_time),
        counting: deps.counting,
        providers,
        secrets: deps.secrets,
        search: search::Searchers::new(deps.discovery, &limits),
        uploader: deps.uploader,
        admin: deps.admin,
        limits,
    });
    let page = async |State(gateway): State<Arc<Gateway>>, request: Request| gateway.page(request).await;
    let inside = ROUTES
        .iter()
        .filter(|route| route.to != Destination::Portal)
        .fold(Router::new(), |router, route| {
            let methods = MethodFilter::try_from(route.method.clone()).expect("the table holds methods that axum can route");
            let handler = move |State(gateway): State<Arc<Gateway>>, params: Params, request: Request| async move {
                let params = params.map_err(|error| ApiError::new(Code::BadRequest, format!("The path cannot be read: {error}.")))?;
                gateway.handle(route, &params, request).await
            };
            router.route(route.path, on(methods, handler))
        })
        .route("/portal", any(page))
        .route("/portal/{*rest}", any(page))
        .fallback(async || Error::api(Code::NotFound, "There is no such route. Check the path of the request."))
        .method_not_allowed_fallback(async || Error::api(Code::MethodNotAllowed, "This route does not have this method."))
        .with_state(gateway)
        .layer(middleware::from_fn(observe::observe))
        .layer(middleware::from_fn(|request: Request, next: middleware::Next| trace::begin("gateway", request, next)));
    let outside = compress::compressed(inside.clone()).layer(headers::cors());
    // Before a route is looked for. Pages of other sites may call the API, but nothing of the portal's, where cookies say who calls.
    Router::new().fallback(async move |request: Request| {
        let request = paths::normalize(request);
        if let Some(welcome) = portal::welcome(&request) {
            return welcome;
        }
        let router = if portal::is_portal(request.uri().path()) { inside.clone() } else { outside.clone() };
        router.oneshot(portal::unfold(request)).await.unwrap_or_else(|never| match never {})
    })
}
