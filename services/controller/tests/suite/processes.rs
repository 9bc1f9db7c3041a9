//! The process runtime: the conformance suite, and what only processes do.

use std::{process::Stdio, time::Duration};

use onggi_controller::{ProcessRuntime, runtime::Runtime};
use onggi_domain::container::ContainerStatus;
use tempfile::TempDir;
use tokio::{net::TcpStream, process::Command};

use crate::{
    runtime::{self as suite, listening, set},
    world::{eventually, processes, stand_in},
};

macro_rules! conforms {
    ($($test:ident)*) => {$(
        #[tokio::test]
        async fn $test() {
            let directory = TempDir::new().unwrap();
            let runtime = ProcessRuntime::start(processes(&directory)).await.unwrap();
            suite::$test(&runtime).await;
            runtime.shutdown().await;
            assert!(runtime.observe().await.unwrap().is_empty());
        }
    )*};
}

conforms!(
    a_set_runs_and_stays
    searchers_come_and_go
    another_size_runs_beside_the_old_one
    an_indexer_of_another_size_replaces_the_old_one
    an_indexer_ends_when_it_is_not_wanted
    a_crash_is_mended
    a_removed_index_is_gone
);

#[tokio::test]
async fn a_program_that_cannot_be_started_is_a_failed_container_that_says_why() {
    let directory = TempDir::new().unwrap();
    let mut config = processes(&directory);
    config.command = directory.path().join("no-such-program");
    let runtime = ProcessRuntime::start(config).await.unwrap();
    let set = set(1, false);
    runtime.apply(&set, &[]).await.unwrap();
    let note = eventually("the container has failed", async || {
        let container = runtime.observe_index(set.index).await.unwrap().remove(0);
        (container.status == ContainerStatus::Failed).then(|| container.note.unwrap())
    })
    .await;
    assert!(note.contains("no-such-program cannot be started"), "{note}");
    runtime.shutdown().await;
}

#[tokio::test]
async fn a_container_that_has_ended_leaves_no_directory() {
    let directory = TempDir::new().unwrap();
    let runtime = ProcessRuntime::start(processes(&directory)).await.unwrap();
    let set = set(2, false);
    runtime.apply(&set, &[]).await.unwrap();
    listening(&runtime, set.index, 2).await;
    let run = directory.path().join("run");
    let of_index = run.join(set.index.to_string());
    assert_eq!(std::fs::read_dir(&of_index).unwrap().count(), 2);
    runtime.remove(set.index).await.unwrap();
    listening(&runtime, set.index, 0).await;
    assert!(!of_index.exists());
    assert!(run.exists());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_crashed_runtime_left_running_is_ended_by_the_next() {
    let directory = TempDir::new().unwrap();
    let mut config = processes(&directory);
    config.args = vec!["--outlive-parent".to_owned()];
    let run = config.directory.clone();
    let mut host = Command::new(stand_in());
    // The workers inherit its standard error: a pipe would stay open as long as they live.
    host.arg("--host").arg(&run).arg(&config.bucket).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let host =
        tokio::time::timeout(Duration::from_secs(30), host.spawn().unwrap().wait_with_output()).await.expect("two workers listen").unwrap();
    let addresses = String::from_utf8(host.stdout).unwrap();
    let addresses: Vec<&str> = addresses.split_whitespace().collect();
    assert_eq!(addresses.len(), 2);
    for address in &addresses {
        TcpStream::connect(address).await.expect("it outlives its parent");
    }
    let runtime = ProcessRuntime::start(config).await.unwrap();
    for address in &addresses {
        TcpStream::connect(address).await.expect_err("it still runs");
    }
    assert!(runtime.observe().await.unwrap().is_empty());
    let left: Vec<_> = std::fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"]);
}

#[tokio::test]
async fn a_directory_is_used_by_one_runtime_at_a_time() {
    let directory = TempDir::new().unwrap();
    let first = ProcessRuntime::start(processes(&directory)).await.unwrap();
    let error = ProcessRuntime::start(processes(&directory)).await.err().expect("two runtimes would end each other's workers");
    assert!(error.to_string().contains("is used by another process"), "{error}");
    drop(first);
    ProcessRuntime::start(processes(&directory)).await.unwrap();
}
