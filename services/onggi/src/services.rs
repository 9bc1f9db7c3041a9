//! One service a process, as they run on Kubernetes: `onggi gateway`, `uploader`, `admin`, `controller`. They find each other by the
//! addresses in `[services]` and show each other the internal secret. Each serves its API on `listen`, and probes and metrics on
//! `services.probes`, which is for the cluster only.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use arc_swap::ArcSwapOption;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use onggi_controller::kubernetes::{self, Candidate, KubernetesRuntime, TenantPlans, WorkerTerms};
use onggi_domain::{ApiError, Code};
use onggi_gateway::kubernetes::Slices;
use onggi_web::{
    Upstream,
    identity::{INTERNAL, require_internal},
    serve::{Drain, serve, serve_and_drain},
    telemetry,
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{config::Config, parts::Ground};

/// How long a request under way may take once the process is to end. Longer than any but an upload.
const GRACE: Duration = Duration::from_secs(20);

/// The public edge.
pub(crate) async fn gateway(config: &Config) -> anyhow::Result<()> {
    let stop = stopped();
    let internal = internal_secret(config)?;
    let ground = Ground::open(config, internal.clone()).await?;
    let controller = upstream(&config.services.controller, &internal)?;
    let own = config.services.address.map(|address| (config.kubernetes.namespace.as_str(), address.ip()));
    let discovery = Slices::watch(controller, internal.clone(), own).await.context("cannot reach the cluster's API")?;
    let uploader = upstream(&config.services.uploader, &internal)?;
    let admin = upstream(&config.services.admin, &internal)?;
    let router = ground.gateway(discovery.clone(), uploader, admin);
    // Until after the last request, so that it counts too.
    let served = CancellationToken::new();
    let counting = tokio::spawn({
        let (counting, served) = (ground.counting.clone(), served.clone());
        async move { counting.run(served.cancelled_owned()).await }
    });
    run(config, "gateway", router, move || discovery.is_complete(), stop).await?;
    served.cancel();
    counting.await.context("counting")
}

/// Takes what becomes log entries.
pub(crate) async fn uploader(config: &Config) -> anyhow::Result<()> {
    let stop = stopped();
    let internal = internal_secret(config)?;
    let router = Ground::open(config, internal.clone()).await?.uploader(upstream(&config.services.controller, &internal)?)?;
    run(config, "uploader", router, || true, stop).await
}

/// Everything else of the API.
pub(crate) async fn admin(config: &Config) -> anyhow::Result<()> {
    let stop = stopped();
    let internal = internal_secret(config)?;
    let ground = Ground::open(config, internal.clone()).await?;
    let (controller, edge) = (upstream(&config.services.controller, &internal)?, upstream(&config.services.gateway, &internal)?);
    let router = ground.admin(controller, edge, stop.clone());
    run(config, "admin", router, || true, stop).await
}

/// What is selected becomes what runs. Several processes may run: one leads, the others send on to it what they are asked.
pub(crate) async fn controller(config: &Config) -> anyhow::Result<()> {
    let stop = stopped();
    let internal = internal_secret(config)?;
    let ground = Ground::open(config, internal.clone()).await?;
    let client = kubernetes::client().await.context("cannot reach the cluster's API")?;
    let address = config.services.address.unwrap_or(config.listen).to_string();
    let candidate = Candidate::new(client.clone(), &config.kubernetes.namespace, address, config.kubernetes.lease_time);
    let leading = Arc::new(ArcSwapOption::<Router>::empty());
    let ask_leader = AskLeader { leading: leading.clone(), leader: candidate.leader(), internal: internal.clone() };
    let router =
        Router::new().fallback(ask).with_state(ask_leader).layer(axum::middleware::from_fn_with_state(internal.clone(), require_internal));
    // Only a leader works; whether one is ready does not depend on who leads.
    let serving = tokio::spawn({
        let (config, stop) = (config.clone(), stop.clone());
        async move { run(&config, "controller", router, || true, stop).await }
    });

    if let Some(since) = stop.run_until_cancelled(candidate.lead()).await {
        tracing::info!("leading");
        let terms = WorkerTerms {
            bucket: config.bucket_url()?,
            bucket_options: config.bucket_options(),
            limits: config.limits.clone(),
            sizes: config.sizes.clone(),
            internal_secret: internal,
            sts: config.sts()?,
            plans: Some(TenantPlans {
                tenants: ground.metadata.tenants.clone(),
                indexes: ground.metadata.indexes.clone(),
                table: config.plans.clone(),
            }),
        };
        let ended = CancellationToken::new();
        let work = async {
            let runtime = Arc::new(KubernetesRuntime::start(client, config.kubernetes.clone(), terms).await);
            let controller = ground.controller(runtime.clone());
            leading.store(Some(Arc::new(Ground::ask_controller(&controller))));
            tokio::join!(controller.run(ended.cancelled()), runtime.operate(ended.cancelled()));
        };
        let watch = async {
            let lost = tokio::select! {
                () = candidate.stay(since) => true,
                () = stop.cancelled() => false,
            };
            ended.cancel();
            lost
        };
        let (lost, ()) = tokio::join!(watch, work);
        leading.store(None);
        if lost {
            // Nothing of what this process believes is worth keeping.
            bail!("the leadership was lost; starting again as one that waits for it");
        }
        candidate.resign().await;
    }
    serving.await.context("serving")?
}

/// Answers for the leader, or asks it.
#[derive(Clone)]
struct AskLeader {
    leading: Arc<ArcSwapOption<Router>>,
    leader: watch::Receiver<Option<String>>,
    internal: Arc<str>,
}

async fn ask(State(state): State<AskLeader>, mut request: Request<Body>) -> Response {
    if let Some(router) = state.leading.load_full() {
        return Router::clone(&router).oneshot(request).await.unwrap_or_else(|never| match never {});
    }
    let nobody = || {
        let message = "No controller leads just now. Try again in a moment.";
        onggi_web::Error::from(ApiError::new(Code::Unavailable, message)).into_response()
    };
    // What was sent on once is not sent on again: two that each take the other for the leader would do that for ever.
    let leader = state.leader.borrow().clone().filter(|_| !request.headers().contains_key(SENT_ON));
    let Some(leader) = leader.and_then(|address| format!("http://{address}").parse().ok()) else { return nobody() };
    request.headers_mut().insert(SENT_ON, http::HeaderValue::from_static("1"));
    request.headers_mut().remove(INTERNAL);
    Upstream::remote(leader, &state.internal).send(request).await.unwrap_or_else(|_| nobody())
}

/// Set on what one controller asks another.
const SENT_ON: http::HeaderName = http::HeaderName::from_static("x-onggi-sent-on");

/// Serves until `stop`, then drains.
async fn run(
    config: &Config,
    service: &'static str,
    router: Router,
    ready: impl Fn() -> bool + Clone + Send + Sync + 'static,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let listener = listen(config.listen).await?;
    let probes = listen(config.services.probes).await?;
    let stopping = stop.clone();
    let is_ready = move || !stopping.is_cancelled() && ready();
    let inside = telemetry::probes_router(is_ready).merge(telemetry::metrics_router(telemetry::init_metrics()));
    let over = CancellationToken::new();
    let probing = tokio::spawn(serve(probes, inside, over.clone().cancelled_owned(), Duration::ZERO));
    tracing::info!(service, listen = %config.listen, probes = %config.services.probes, version = env!("CARGO_PKG_VERSION"), "serving");
    let drain = Drain { announce: config.services.drain, grace: GRACE };
    serve_and_drain(listener, router, stop.cancelled_owned(), drain).await.context("serving")?;
    over.cancel();
    probing.await.context("serving the probes")?.context("serving the probes")
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// A token that is cancelled by Ctrl-C or SIGTERM.
fn stopped() -> CancellationToken {
    let stop = CancellationToken::new();
    let guard = stop.clone();
    tokio::spawn(async move {
        crate::up::interrupted().await;
        guard.cancel();
    });
    stop
}

fn internal_secret(config: &Config) -> anyhow::Result<Arc<str>> {
    let secret =
        config.internal_secret.as_ref().context("configuration: internal_secret is missing: the services show it to each other")?;
    Ok(secret.0.as_str().into())
}

fn upstream(url: &url::Url, internal: &str) -> anyhow::Result<Upstream> {
    let base = url.as_str().parse().with_context(|| format!("configuration: {url} is not an address of a service"))?;
    Ok(Upstream::remote(base, internal))
}
