//! One container: a process that is started, watched, restarted after a crash, and ended when it is told to.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use onggi_domain::{
    IndexId, Timestamp,
    container::{ContainerSet, ContainerStatus, Role},
    worker::{Endpoint, WorkerConfig, WorkerReady},
};
use onggi_web::process;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Host, Membership, ProcessConfig, orphans};
use crate::runtime::Observed;

/// One container. It is what it is from its creation to its end, whichever process runs it.
pub(super) struct Container {
    pub(super) name: String,
    pub(super) index: IndexId,
    pub(super) role: Role,
    membership: Membership,
    since: Timestamp,
    stop: CancellationToken,
    state: Mutex<State>,
}

struct State {
    status: ContainerStatus,
    endpoint: Option<Endpoint>,
    pid: Option<u32>,
    restarts: u32,
    last_end: Option<String>,
}

/// A process that listens.
struct Process {
    child: Child,
    /// Kept open: its end tells the worker that this process is gone.
    _stdin: ChildStdin,
}

/// How a process ended.
enum Ended {
    /// It was told to.
    Stopped,
    /// By itself, for this reason.
    Crashed(String),
}

impl Container {
    pub(super) fn new(set: &ContainerSet, role: Role, secret: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            name: format!("{}-{:016x}", role.as_str(), rand::random::<u64>()),
            index: set.index,
            role,
            membership: Membership { tenant: set.tenant, size: set.size.clone(), secret },
            since: Timestamp::now(),
            stop: CancellationToken::new(),
            state: Mutex::new(State { status: ContainerStatus::Created, endpoint: None, pid: None, restarts: 0, last_end: None }),
        })
    }

    /// Begins to end it.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether it counts as one of a set.
    pub(super) fn counts(&self, role: Role, size: &str) -> bool {
        self.role == role && !self.stop.is_cancelled() && self.has_size(size)
    }

    pub(super) fn has_size(&self, size: &str) -> bool {
        self.membership.size.name == size
    }

    pub(super) fn observe(&self) -> Observed {
        let (mut observed, pid) = {
            let state = self.state.lock();
            let note = state.last_end.as_ref().map(|why| match (state.status, state.restarts) {
                (ContainerStatus::Failed, restarts) => format!("{why}; restarted {restarts} times before"),
                (_, restarts) => format!("restarted {restarts} times; last, {why}"),
            });
            let observed = Observed {
                index: self.index,
                tenant: self.membership.tenant,
                name: self.name.clone(),
                role: self.role,
                size: self.membership.size.name.clone(),
                status: state.status,
                outdated: false,
                stopping: self.stop.is_cancelled(),
                endpoint: state.endpoint.clone(),
                restarts: state.restarts,
                cpu_seconds: None,
                memory_bytes: None,
                since: self.since,
                note,
            };
            (observed, state.pid)
        };
        observed.cpu_seconds = pid.and_then(process::cpu_seconds);
        observed.memory_bytes = pid.and_then(process::private_memory);
        observed
    }

    /// Its whole life.
    pub(super) async fn run(self: Arc<Self>, host: Arc<Host>) {
        let directory = host.directory(self.index, &self.name);
        let mut rest = host.config.shortest_rest;
        loop {
            let started = Instant::now();
            let Ended::Crashed(why) = self.run_process(&host, &directory).await else { break };
            if started.elapsed() >= host.config.stable_after {
                rest = host.config.shortest_rest;
            }
            tracing::warn!(index = %self.index, container = self.name, why, rest = ?rest, "container ended, it is restarted");
            self.set(&host, |state| {
                *state =
                    State { status: ContainerStatus::Failed, endpoint: None, pid: None, last_end: Some(why), restarts: state.restarts };
            });
            if self.stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_none() {
                break;
            }
            rest = (rest * 2).min(host.config.longest_rest);
            self.set(&host, |state| {
                state.status = ContainerStatus::Created;
                state.restarts += 1;
            });
        }
        orphans::remove_directory(&directory).await;
        host.forget(&self);
    }

    fn set(&self, host: &Host, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        host.changed(self.index);
    }

    /// One process, from its start to its end.
    async fn run_process(&self, host: &Host, directory: &Path) -> Ended {
        let started = tokio::time::timeout(host.config.start_time, self.start_process(host, directory));
        let mut process = match self.stop.run_until_cancelled(started).await {
            // A process that has not listened yet has nothing to drain: dropping it kills it.
            None => return Ended::Stopped,
            Some(Err(_)) => return Ended::Crashed(format!("did not listen within {:?}", host.config.start_time)),
            Some(Ok(Err(why))) => return Ended::Crashed(why),
            Some(Ok(Ok(process))) => process,
        };
        match self.stop.run_until_cancelled(process.child.wait()).await {
            Some(Ok(status)) => Ended::Crashed(status.to_string()),
            Some(Err(error)) => Ended::Crashed(format!("cannot be waited for: {error}")),
            None => {
                self.set(host, |state| state.endpoint = None);
                end(&mut process.child, host.config.stop_time).await;
                Ended::Stopped
            }
        }
    }

    /// Program and arguments, and then role and index: for people who look at the list of processes.
    fn command_line(&self, config: &ProcessConfig) -> Vec<String> {
        let program = std::iter::once(config.command.to_string_lossy().into_owned());
        program.chain(config.args.iter().cloned()).chain([self.role.as_str().to_owned(), self.index.to_string()]).collect()
    }

    /// Starts a process and waits until it listens.
    async fn start_process(&self, host: &Host, directory: &Path) -> Result<Process, String> {
        let work = directory.join("work");
        tokio::fs::create_dir_all(&work).await.map_err(|error| format!("{}: {error}", work.display()))?;
        let command = self.command_line(&host.config);
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .envs(host.config.env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            // An interrupt from the terminal is for this process only, which then ends its workers in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", host.config.command.display()))?;
        if let Some(pid) = child.id() {
            self.state.lock().pid = Some(pid);
            orphans::note(directory, pid, command).await.map_err(|error| format!("{}: {error}", directory.display()))?;
        }
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut config = serde_json::to_vec(&self.worker_config(host, work)).expect("a worker's configuration is plain data");
        config.push(b'\n');
        let written = async { stdin.write_all(&config).await.and(stdin.flush().await) };
        let mut lines = BufReader::new(stdout).lines();
        let line = match written.await {
            Ok(()) => lines.next_line().await.ok().flatten(),
            Err(_) => None,
        };
        let Some(line) = line else {
            let status = child.wait().await.map_err(|error| error.to_string())?;
            return Err(format!("ended before it listened: {status}"));
        };
        let ready: WorkerReady =
            serde_json::from_str(&line).map_err(|error| format!("says `{line}` instead of where it listens: {error}"))?;
        let endpoint = Endpoint { name: self.name.clone(), address: ready.listening, secret: self.membership.secret.clone(), zone: None };
        // A worker says nothing more there, but it must not block if it does.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.set(host, |state| {
            state.status = ContainerStatus::Running;
            state.endpoint = Some(endpoint);
        });
        Ok(Process { child, _stdin: stdin })
    }

    fn worker_config(&self, host: &Host, directory: std::path::PathBuf) -> WorkerConfig {
        let Membership { tenant, size, secret } = &self.membership;
        WorkerConfig {
            index: self.index,
            role: self.role,
            name: self.name.clone(),
            bucket: host.config.bucket.clone(),
            prefix: onggi_bucket::IndexBucket::prefix(*tenant, self.index),
            directory,
            listen: ([127, 0, 0, 1], 0).into(),
            secret: secret.to_string(),
            memory_bytes: size.memory.as_u64(),
            disk_bytes: size.disk.as_u64(),
            dictionaries: host.config.dictionaries.clone(),
            limits: host.config.limits.clone(),
        }
    }
}

/// Asks a process to end, and kills it if it does not in time.
async fn end(child: &mut Child, time: Duration) {
    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid as i32)) {
        // It may have ended a moment ago.
        let _ = kill_process(pid, Signal::TERM);
    }
    if tokio::time::timeout(time, child.wait()).await.is_err() {
        tracing::warn!(pid = child.id(), "worker did not end in time and is killed");
        if let Err(error) = child.kill().await {
            tracing::warn!(%error, "worker cannot be killed");
        }
    }
}
