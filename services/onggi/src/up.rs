//! `onggi up`: every part in one process, workers as child processes.

mod screen;

use std::{
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context, bail};
use async_trait::async_trait;
use onggi_controller::{Controller, ProcessConfig, ProcessRuntime};
use onggi_domain::{IndexId, worker::Endpoint};
use onggi_gateway::{Discovery, WakeError, counting::Counting};
use onggi_metadata::{KeySecrets, Metadata};
use onggi_web::Upstream;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::UpArgs,
    config::{Config, random_secret},
    demo,
    parts::Ground,
    people,
};

/// How long requests under way may take to end after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);
/// The fewest characters of a development key.
const DEV_KEY_CHARS: usize = 8;

/// Runs until Ctrl-C or SIGTERM.
pub(crate) async fn run(mut config: Config, args: UpArgs) -> anyhow::Result<()> {
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    if let Some(key) = &args.dev_key {
        check_dev_key(key, config.listen)?;
    }
    let _lock = lock(&config)?;
    let stop = CancellationToken::new();
    let parts = Parts::build(&config, &stop).await?;
    if let Some(key) = &args.dev_key {
        onggi_admin::operator::ensure_tenant_with_key(&parts.metadata, &parts.secrets, "dev", key)
            .await
            .context("cannot create tenant dev")?;
    }

    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}: is another program there? --listen ADDR takes another address", config.listen))?;
    let url = format!("http://{}", listener.local_addr().context("asking where the listener listens")?);
    let serving = tokio::spawn(onggi_web::serve::serve(listener, parts.gateway.clone(), stop.clone().cancelled_owned(), GRACE));
    let controlling = tokio::spawn({
        let (controller, stop) = (parts.controller.clone(), stop.clone());
        async move { controller.run(stop.cancelled_owned()).await }
    });
    // Until after the last request, so that it counts too.
    let served = CancellationToken::new();
    let counting = tokio::spawn({
        let (counting, served) = (parts.counting.clone(), served.clone());
        async move { counting.run(served.cancelled_owned()).await }
    });
    let metrics = serve_metrics(&config, &stop).await?;

    screen::begin(&url, &config, metrics);
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    let shown = async {
        if args.demo {
            let keys =
                onggi_admin::operator::ensure_tenant(&parts.metadata, &parts.secrets, "demo").await.context("cannot create tenant demo")?;
            demo::load(&url, &keys.root_key).await?;
            let enter = people::demo(&parts.metadata, keys.tenant.id).await.context("cannot make the demo's account")?;
            screen::demo(&url, &keys.root_key, &keys.search_key, &enter);
        } else if args.dev_key.is_some() {
            screen::dev(&url);
        } else {
            screen::tenants(parts.metadata.tenants.list().await?.len());
        }
        screen::end();
        anyhow::Ok(())
    };
    let ended = tokio::select! {
        shown = shown => match shown {
            Ok(()) => { interrupted.await; Ok(()) }
            Err(error) => Err(error),
        },
        () = &mut interrupted => Ok(()),
    };
    stop.cancel();
    serving.await.context("the gateway")??;
    served.cancel();
    counting.await.context("counting")?;
    controlling.await.context("the controller")?;
    parts.runtime.shutdown().await;
    ended
}

fn check_dev_key(key: &str, listen: SocketAddr) -> anyhow::Result<()> {
    if key.len() < DEV_KEY_CHARS {
        bail!("--dev-key has {} characters; give {DEV_KEY_CHARS} or more", key.len());
    }
    if !listen.ip().is_loopback() {
        bail!("--dev-key works on a loopback address only, and {listen} is none: create a tenant with `onggi tenant create`");
    }
    Ok(())
}

/// One `up` a data directory: two would start every worker twice.
pub(crate) fn lock(config: &Config) -> anyhow::Result<File> {
    std::fs::create_dir_all(&config.data).with_context(|| format!("cannot make {}", config.data.display()))?;
    let path = config.data.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!("another `onggi up` uses {}: stop it, or give another --data", config.data.display())
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Returns on Ctrl-C and on SIGTERM.
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("a handler for SIGTERM can be set");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

async fn serve_metrics(config: &Config, stop: &CancellationToken) -> anyhow::Result<Option<SocketAddr>> {
    let Some(address) = config.metrics_listen else { return Ok(None) };
    let router = onggi_web::telemetry::metrics_router(onggi_web::telemetry::init_metrics());
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot serve metrics on {address}"))?;
    let address = listener.local_addr().context("asking where the metrics are served")?;
    tokio::spawn(onggi_web::serve::serve(listener, router, stop.clone().cancelled_owned(), Duration::ZERO));
    Ok(Some(address))
}

/// The services, joined.
struct Parts {
    metadata: Metadata,
    secrets: KeySecrets,
    runtime: Arc<ProcessRuntime>,
    controller: Controller,
    gateway: axum::Router,
    counting: Counting,
}

impl Parts {
    async fn build(config: &Config, stop: &CancellationToken) -> anyhow::Result<Self> {
        let database = config.database_url();
        Metadata::migrate(&database).await.context("cannot bring the database up to date")?;
        let internal: Arc<str> = random_secret().into();
        let ground = Ground::open(config, internal.clone()).await?;
        let dictionaries = unpack_dictionaries(config).await?;

        let command = std::env::current_exe().context("where this program is")?;
        let process = ProcessConfig {
            env: onggi_controller::ALLOCATOR_ENV.to_vec(),
            dictionaries: Some(dictionaries),
            limits: config.limits.clone(),
            ..ProcessConfig::new(command, vec!["worker".to_owned()], absolute(&config.data.join("run"))?, config.bucket_url()?)
        };
        let runtime = Arc::new(ProcessRuntime::start(process).await.context("cannot start the runtime")?);
        let controller = ground.controller(runtime.clone());
        let control = Upstream::local(Ground::ask_controller(&controller), &internal);
        let uploader = Upstream::local(ground.uploader(control.clone())?, &internal);
        // The gateway asks the admin service, and its pages ask the gateway.
        let edge = Arc::new(OnceLock::new());
        let admin = ground.admin(control, Upstream::later(edge.clone(), &internal), stop.clone());
        let gateway = ground.gateway(Arc::new(InProcess(controller.clone())), uploader, Upstream::local(admin, &internal));
        let gateway = edge.get_or_init(|| gateway).clone();
        let Ground { metadata, secrets, counting, .. } = ground;
        Ok(Self { metadata, secrets, runtime, controller, gateway, counting })
    }
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("where {} is", path.display()))
}

async fn unpack_dictionaries(config: &Config) -> anyhow::Result<PathBuf> {
    let into = absolute(&config.data.join("dictionaries"))?;
    tokio::task::spawn_blocking(move || onggi_engine::dictionaries::unpack(&into))
        .await
        .context("unpacking the dictionaries")?
        .context("cannot unpack the dictionaries")
}

/// Finds searchers through the controller in the same process.
struct InProcess(Controller);

#[async_trait]
impl Discovery for InProcess {
    fn endpoints(&self, index: IndexId) -> Arc<[Endpoint]> {
        self.0.routes().get(index)
    }

    async fn wake(&self, index: IndexId) -> Result<(), WakeError> {
        match self.0.wake(index).await {
            Ok(_) => Ok(()),
            Err(onggi_controller::WakeError::NotFound) => Err(WakeError::NotFound),
            Err(onggi_controller::WakeError::TooSlow) => Err(WakeError::TooSlow),
            Err(stopping @ onggi_controller::WakeError::Stopping) => Err(WakeError::Failed(stopping.to_string())),
            Err(onggi_controller::WakeError::Failed(why)) => Err(WakeError::Failed(why)),
        }
    }
}
