//! `onggi up` as a child process, its workers, and signals.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Api, api::PATIENCE};

/// The root key of tenant `dev` in every sandbox.
const DEV_KEY: &str = "sandbox-root-key";

/// A running Onggi with a directory of its own, gone with this value.
pub struct Onggi {
    binary: PathBuf,
    arguments: Vec<String>,
    directory: TempDir,
    child: Child,
    url: String,
    screen: Vec<String>,
}

/// A worker process as the operating system sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its process id.
    pub pid: u32,
    /// `indexer` or `searcher`.
    pub role: String,
    /// The id of its index.
    pub index: String,
}

impl Onggi {
    /// Starts `binary up --dev-key ... <arguments>` on a free port and waits until it says that it is up.
    pub async fn start(binary: &str, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let (child, screen, url) = spawn(Path::new(binary), &arguments, directory.path()).await;
        Self { binary: binary.into(), arguments, directory, child, url, screen }
    }

    /// The address of the API.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The API as tenant `dev` with its root key.
    pub fn api(&self) -> Api {
        Api::new(&self.url, DEV_KEY)
    }

    /// The root key of tenant `dev`.
    pub fn key(&self) -> &'static str {
        DEV_KEY
    }

    /// What it printed when it came up.
    pub fn screen(&self) -> &[String] {
        &self.screen
    }

    /// Its directory.
    pub fn data(&self) -> &Path {
        self.directory.path()
    }

    /// Runs another `onggi` command on the same data; returns its standard output, panics when it fails.
    pub async fn command(&self, arguments: &[&str]) -> String {
        let output = self.try_command(arguments).await;
        assert!(output.status.success(), "onggi {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs another `onggi` command against this Onggi.
    pub async fn try_command(&self, arguments: &[&str]) -> std::process::Output {
        let command = Command::new(&self.binary)
            .args(arguments)
            .env("ONGGI_DATA", self.directory.path())
            .env("ONGGI_URL", &self.url)
            .env("ONGGI_KEY", DEV_KEY)
            .stdin(Stdio::null())
            .output();
        tokio::time::timeout(PATIENCE, command).await.expect("the command ends").expect("the binary runs")
    }

    /// Ends `onggi up` the hard way, as a crash would, and waits until it is gone.
    pub async fn kill(&mut self) {
        self.child.start_kill().expect("the process exists");
        self.child.wait().await.expect("the process ends");
    }

    /// Ends it the hard way, and waits until its workers have ended as well: they see it a moment later, and write until then.
    pub async fn kill_all(&mut self) {
        let workers = self.workers();
        self.kill().await;
        let begin = Instant::now();
        while workers.iter().any(Worker::is_alive) {
            assert!(begin.elapsed() < PATIENCE, "they outlive it: {workers:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks `onggi up` to stop and waits until it did.
    pub async fn stop(&mut self) {
        signal(self.child.id().expect("it runs"), "TERM");
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops when asked").expect("the process ends");
    }

    /// Starts it again on the same data, on another port.
    pub async fn restart(&mut self) {
        let (child, screen, url) = spawn(&self.binary, &self.arguments, self.directory.path()).await;
        (self.child, self.screen, self.url) = (child, screen, url);
    }

    /// Its worker processes.
    pub fn workers(&self) -> Vec<Worker> {
        self.child.id().map(workers_of).unwrap_or_default()
    }

    /// Its worker processes of a role, once there are this many.
    pub async fn workers_of_role(&self, role: &str, count: usize) -> Vec<Worker> {
        let begin = Instant::now();
        loop {
            let workers: Vec<Worker> = self.workers().into_iter().filter(|worker| worker.role == role).collect();
            if workers.len() == count {
                return workers;
            }
            assert!(begin.elapsed() < PATIENCE, "not {count} {role}s: {workers:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Worker {
    /// Ends it the hard way.
    pub fn kill(&self) {
        signal(self.pid, "KILL");
    }

    /// Whether the process exists, and is more than what waits to be reaped.
    pub fn is_alive(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).is_ok_and(|stat| !is_zombie(&stat))
    }
}

async fn spawn(binary: &Path, arguments: &[String], data: &Path) -> (Child, Vec<String>, String) {
    let mut child = Command::new(binary)
        .args(["up", "--listen", "127.0.0.1:0", "--dev-key", DEV_KEY])
        .args(arguments)
        .env("ONGGI_DATA", data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
    let mut screen = Vec::new();
    let mut url = None;
    let read = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(rest) = line.strip_prefix("onggi is up at ") {
                url = Some(rest.trim().to_owned());
            }
            let last = line.starts_with("stop with");
            screen.push(line);
            if last {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE * 3, read).await.expect("onggi comes up");
    // What it prints later must not block it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let url = url.unwrap_or_else(|| panic!("onggi did not say where it is: {screen:?}"));
    (child, screen, url)
}

/// Children whose command line is `<binary> worker <role> <index>`.
/// Whether a line of `/proc/PID/stat` is that of a process that has ended.
fn is_zombie(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

fn workers_of(parent: u32) -> Vec<Worker> {
    let mut workers = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let ppid = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)).and_then(|ppid| ppid.parse::<u32>().ok());
        if ppid != Some(parent) || is_zombie(&stat) {
            continue;
        }
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let words: Vec<String> = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        if let [_, command, role, index, ..] = words.as_slice()
            && command == "worker"
        {
            workers.push(Worker { pid, role: role.clone(), index: index.clone() });
        }
    }
    workers
}

fn signal(pid: u32, name: &str) {
    // The shell's `kill` keeps unsafe code out of the tests.
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.is_ok(), "kill is not available");
}
