//! Many tenants with many indexes, most asleep: what a restart and a change cost, against a runtime that only records what it is told.
//!
//! `ONGGI_SCALE_TENANTS=10000 cargo test -p onggi-controller --release --test suite scale -- --nocapture` prints the figures of a large platform.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use onggi_bucket::open_store;
use onggi_controller::{
    Controller, ControllerConfig, Deps,
    runtime::{Observed, Result, Runtime},
};
use onggi_domain::{
    IndexId, TenantId, Timestamp,
    container::{ContainerSet, Selection, SizeTable},
    index::Index,
    plan::PlanTable,
    tenant::{Tenant, TenantStatus},
};
use onggi_metadata::{KeySecrets, Metadata};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::world::eventually;

/// Records what is applied, and runs nothing.
struct Recording {
    applied: Mutex<Vec<(IndexId, u32)>>,
    /// An index that is not in the database.
    stray: IndexId,
    removed: Mutex<Vec<IndexId>>,
    changes: broadcast::Sender<IndexId>,
}

#[async_trait]
impl Runtime for Recording {
    async fn apply(&self, set: &ContainerSet, _: &[String]) -> Result<()> {
        self.applied.lock().push((set.index, set.searchers));
        Ok(())
    }

    async fn observe(&self) -> Result<Vec<Observed>> {
        Ok(Vec::new())
    }

    async fn observe_index(&self, _: IndexId) -> Result<Vec<Observed>> {
        Ok(Vec::new())
    }

    async fn indexes(&self) -> Result<Vec<IndexId>> {
        Ok(vec![self.stray])
    }

    async fn remove(&self, index: IndexId) -> Result<()> {
        self.removed.lock().push(index);
        Ok(())
    }

    fn changes(&self) -> broadcast::Receiver<IndexId> {
        self.changes.subscribe()
    }
}

/// Tenants with three indexes each; every hundredth index is awake.
async fn platform(metadata: &Metadata, tenants: usize) -> Vec<IndexId> {
    let mut awake = Vec::new();
    for number in 0..tenants {
        let now = Timestamp::now();
        let tenant =
            Tenant { id: TenantId::generate(), name: format!("t{number}"), status: TenantStatus::Active, plan: None, created_at: now };
        metadata.tenants.create(&tenant).await.unwrap();
        for uid in ["a", "b", "c"] {
            let mut index = Index::new(tenant.id, uid.parse().unwrap(), None, Selection::new("small"), now);
            index.awake = number % 100 == 0 && uid == "a";
            if index.awake {
                awake.push(index.id);
            }
            metadata.indexes.create(&index).await.unwrap();
        }
    }
    awake
}

/// Resident memory of this process in MiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) / 1024
}

#[tokio::test]
async fn a_restart_looks_at_what_is_awake_and_a_change_at_one_index() {
    let tenants = std::env::var("ONGGI_SCALE_TENANTS").map_or(300, |number| number.parse().unwrap());
    let directory = TempDir::new().unwrap();
    let url = format!("sqlite:{}", directory.path().join("onggi.db").display());
    Metadata::migrate(&url).await.unwrap();
    let metadata = Metadata::connect(&url).await.unwrap();
    let awake = platform(&metadata, tenants).await;

    let before = resident();
    let (stray, changes) = (IndexId::generate(), broadcast::Sender::new(16));
    let runtime = Arc::new(Recording { applied: Mutex::default(), stray, removed: Mutex::default(), changes });
    let deps = Deps {
        metadata: metadata.clone(),
        store: open_store("memory:///", &[]).unwrap(),
        runtime: runtime.clone(),
        sizes: SizeTable::default(),
        plans: PlanTable::default(),
        secrets: KeySecrets::new("a server secret of the tests"),
        internal_secret: "inside".into(),
    };
    let begin = Instant::now();
    let (controller, stop) = (Controller::new(ControllerConfig::default(), deps), CancellationToken::new());
    let running = tokio::spawn({
        let (controller, stop) = (controller.clone(), stop.clone().cancelled_owned());
        async move { controller.run(stop).await }
    });
    let has = |index: IndexId, searchers: u32| runtime.applied.lock().contains(&(index, searchers));
    eventually("all that are awake are applied", async || awake.iter().all(|index| has(*index, 1)).then_some(())).await;
    println!(
        "restart with {} indexes, {} awake: {:?}, {} MiB more",
        tenants * 3,
        awake.len(),
        begin.elapsed(),
        resident().saturating_sub(before)
    );
    let asleep = runtime.applied.lock().iter().filter(|(index, _)| !awake.contains(index)).count();
    assert_eq!(asleep, 0, "what sleeps is left alone");

    // It is found when every index has been read, so the start is over then.
    eventually("what nobody knows is removed", async || runtime.removed.lock().contains(&stray).then_some(())).await;
    assert_eq!(*runtime.removed.lock(), [stray]);

    let index = awake[0];
    let mut times = Vec::new();
    for replicas in 2..=20 {
        let begin = Instant::now();
        metadata.indexes.set_selection(index, &Selection { replicas, ..Selection::new("small") }).await.unwrap();
        controller.changed(index);
        while !has(index, replicas) {
            tokio::task::yield_now().await;
        }
        times.push(begin.elapsed());
    }
    times.sort();
    println!("a change: {:?}, at most {:?}", times[times.len() / 2], times[times.len() - 1]);
    stop.cancel();
    running.await.unwrap();
}
