//! The conformance suite on the cluster that this process runs in: `cargo xtask test kube` makes it a pod of the test cluster. Elsewhere
//! there is nothing to test.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use onggi_controller::kubernetes::{Egress, KubernetesConfig, KubernetesRuntime, WorkerTerms, client};
use onggi_domain::{container::SizeTable, limits::Limits};
use tokio_util::sync::CancellationToken;

use crate::runtime as suite;

/// The runtime with containers that run the stand-in; `None` outside a cluster.
async fn runtime() -> Option<KubernetesRuntime> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let image = std::env::var("ONGGI_KUBE_STAND_IN").ok()?;
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let bucket = variable("ONGGI_KUBE_BUCKET");
    let config = KubernetesConfig {
        namespace: variable("ONGGI_KUBE_NAMESPACE"),
        // Each is an installation of its own, which leaves the others alone.
        namespace_prefix: format!("onggi-c{}-", NEXT.fetch_add(1, Ordering::Relaxed)),
        image,
        image_pull_policy: "Never".to_owned(),
        cpu_request_percent: 1,
        memory_request_percent: 5,
        bucket_egress: vec![Egress {
            cidr: "198.18.0.1/32".to_owned(),
            except: Vec::new(),
            port: variable("ONGGI_KUBE_EGRESS_PORT").parse().unwrap(),
        }],
        ..KubernetesConfig::default()
    };
    let credential = |name: &str| (name.to_lowercase(), variable(name));
    let terms = WorkerTerms {
        bucket,
        bucket_options: vec![credential("AWS_ACCESS_KEY_ID"), credential("AWS_SECRET_ACCESS_KEY")],
        limits: Limits::default(),
        sizes: SizeTable::default(),
        internal_secret: "an internal secret of the conformance suite".into(),
        sts: None,
        plans: None,
    };
    Some(KubernetesRuntime::start(client().await.unwrap(), config, terms).await)
}

macro_rules! conforms {
    ($($test:ident)*) => {$(
        #[tokio::test]
        async fn $test() {
            let Some(runtime) = runtime().await else { return };
            let (runtime, ended) = (Arc::new(runtime), CancellationToken::new());
            let operating = tokio::spawn({
                let (runtime, ended) = (runtime.clone(), ended.clone());
                async move { runtime.operate(ended.cancelled()).await }
            });
            suite::$test(&*runtime).await;
            ended.cancel();
            operating.await.unwrap();
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
