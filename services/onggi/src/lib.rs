//! The `onggi` program: `up` joins all services in one process, `worker` is what runs in containers, the rest are the
//! operator's and the tenant's commands.

mod backup;
pub mod cli;
mod client;
mod config;
mod demo;
#[cfg(test)]
mod deployed;
mod doctor;
#[cfg(test)]
mod documented;
mod dump;
mod import;
mod index;
mod operator;
mod parts;
mod people;
mod services;
mod up;

use std::{num::NonZero, path::Path, time::Duration};

use anyhow::Context;
use cli::{Cli, Command, ConfigCommand, DataArgs, WorkerArgs};
use config::Config;
use onggi_metadata::Metadata;
use onggi_web::trace::Traces;
use onggi_worker::Part;

/// How long `onggi health` waits.
const PATIENCE: Duration = Duration::from_secs(4);

/// Runs a command to its end.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    if let Command::Worker(args) = &cli.command {
        return worker(cli.config.as_deref(), args);
    }
    let config = Config::load(cli.config.as_deref())?;
    onggi_web::telemetry::init_logs(&config.log);
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let traces = {
        let _inside = runtime.enter();
        match cli.command.service() {
            Some(service) => Traces::begin(&config.telemetry, service).map_err(|why| anyhow::anyhow!("traces cannot be sent: {why}"))?,
            None => None,
        }
    };
    let ended = runtime.block_on(run_with(cli.command, config));
    if let Some(traces) = traces {
        traces.end();
    }
    ended
}

async fn run_with(command: Command, config: Config) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => {
            let config = with_data(config, &args.data);
            up::run(config, args).await
        }
        Command::Tenant(command) => Box::pin(operator::tenant(command, config)).await,
        Command::Operator(command) => people::operator(command, config).await,
        Command::Key(command) => operator::key(command, config).await,
        Command::Index(command) => index::run(command).await,
        Command::Dump(command) => Box::pin(dump::run(command, config)).await,
        Command::Backup(command) => backup::run(command, config).await,
        Command::Import(args) => import::run(args).await,
        Command::Search(args) => index::search(args).await,
        Command::Doctor(data) => doctor::run(&with_data(config, &data)).await,
        Command::Migrate(data) => {
            let applied = Metadata::migrate(&with_data(config, &data).database_url()).await?;
            println!("{applied} migrations applied");
            Ok(())
        }
        Command::Config(ConfigCommand::Show) => {
            print!("{}", config.show()?);
            Ok(())
        }
        Command::Health(api) => {
            let client = client::Client::new(&api)?;
            let answer = tokio::time::timeout(PATIENCE, client.get("/health")).await;
            answer.with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))??;
            println!("{} answers", api.url);
            Ok(())
        }
        Command::Gateway => services::gateway(&config).await,
        Command::Uploader => services::uploader(&config).await,
        Command::Admin => services::admin(&config).await,
        Command::Controller => services::controller(&config).await,
        Command::Crd => {
            println!("{}", onggi_controller::kubernetes::crd::definition());
            Ok(())
        }
        Command::Dictionaries { into } => {
            onggi_engine::dictionaries::unpack(&into).context("cannot unpack the dictionaries")?;
            Ok(())
        }
        Command::Worker(_) => anyhow::bail!("a worker has a runtime of its own"),
    }
}

fn with_data(mut config: Config, args: &DataArgs) -> Config {
    if let Some(data) = &args.data {
        config.data.clone_from(data);
    }
    config
}

/// A worker has few threads with small stacks, so that a thousand of them fit on a machine. Searches and whatever else takes long have threads of their
/// own: one that serves HTTP has enough for the searches of four cores, and does not wake others to share the little there is.
fn worker(config: Option<&Path>, args: &WorkerArgs) -> anyhow::Result<()> {
    onggi_web::telemetry::init_logs(&std::env::var("ONGGI_WORKER_LOG").unwrap_or_else(|_| "warn".to_owned()));
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / 4).max(1))
        .max_blocking_threads(8)
        .thread_stack_size(1 << 20)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = match (args.role, config) {
        (Some(role), Some(file)) => {
            let part = Part {
                role,
                name: args.name.clone().unwrap_or_default(),
                memory_bytes: args.memory_bytes.unwrap_or_default(),
                disk_bytes: args.disk_bytes.unwrap_or_default(),
            };
            runtime.block_on(onggi_worker::start_from_file(file, part))
        }
        _ => runtime.block_on(onggi_worker::start_from_stdin()),
    };
    // A fold that was cut off may still hold a blocking thread: nobody waits for it.
    runtime.shutdown_background();
    ended
}
