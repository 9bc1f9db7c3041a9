//! Notes of the processes that were started, and the end of those that outlived the process that started them.

use std::{io, path::Path, time::Duration};

use onggi_web::process;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::{fs, time::Instant};

use super::ProcessConfig;

/// The name of a note in a container's directory.
const NOTE: &str = "process.json";
/// How often an orphan that was told to end is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// What tells a process from a later one of the same number.
#[derive(Serialize, Deserialize)]
struct Note {
    pid: u32,
    /// Clock ticks between the machine's start and the process's.
    started: u64,
    command: Vec<String>,
}

/// Notes the process of a container.
pub(super) async fn note(directory: &Path, pid: u32, command: Vec<String>) -> io::Result<()> {
    // A process that is gone already, or a system without /proc: nothing can be told of it later either.
    let Some(started) = process::started(pid) else { return Ok(()) };
    let note = Note { pid, started, command };
    fs::write(directory.join(NOTE), serde_json::to_vec(&note)?).await
}

/// Ends every process that is noted below the run directory and is still there, and removes the containers' directories.
pub(super) async fn end_all(config: &ProcessConfig) -> io::Result<()> {
    let mut indexes = fs::read_dir(&config.directory).await?;
    while let Some(index) = indexes.next_entry().await? {
        if !index.file_type().await?.is_dir() {
            continue;
        }
        let mut containers = fs::read_dir(index.path()).await?;
        while let Some(container) = containers.next_entry().await? {
            if let Some(note) = read(&container.path()).await {
                end(&note, config.stop_time).await;
            }
        }
        fs::remove_dir_all(index.path()).await?;
    }
    Ok(())
}

/// Removes a container's directory, and its index's when it was the last.
pub(super) async fn remove_directory(directory: &Path) {
    if let Err(error) = fs::remove_dir_all(directory).await
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(directory = %directory.display(), %error, "directory of a container is left behind");
    }
    if let Some(index) = directory.parent() {
        // It stays while another container has its directory there.
        let _ = fs::remove_dir(index).await;
    }
}

async fn read(directory: &Path) -> Option<Note> {
    serde_json::from_slice(&fs::read(directory.join(NOTE)).await.ok()?).ok()
}

impl Note {
    /// Whether the process that was noted still runs: the number alone may be another's by now.
    fn is_alive(&self) -> bool {
        process::started(self.pid) == Some(self.started) && process::command_line(self.pid).as_ref() == Some(&self.command)
    }
}

async fn end(note: &Note, time: Duration) {
    let Some(pid) = Pid::from_raw(note.pid as i32) else { return };
    for (signal, time) in [(Signal::TERM, time), (Signal::KILL, Duration::from_secs(5))] {
        if !note.is_alive() {
            return;
        }
        tracing::info!(pid = note.pid, ?signal, "ending a worker that was left running");
        // It may have ended between the look and the signal.
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + time;
        while note.is_alive() && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
    }
}
