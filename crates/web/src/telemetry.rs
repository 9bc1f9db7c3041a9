//! Logs, metrics and probes: logs for people on a terminal and JSON otherwise, metrics and probes on an internal listener.

use std::io::IsTerminal;

use axum::routing::get;
use http::StatusCode;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Sets up logging to standard error. `filter` is a directive list such as `info,onggi_controller=debug`. Call once.
pub fn init_logs(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.compact().init();
    } else {
        builder.json().flatten_event(true).init();
    }
}

/// Installs the metrics recorder. Call once; the handle renders `/metrics`.
pub fn init_metrics() -> PrometheusHandle {
    let buckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
    // What is about generations and tasks may take hours.
    let long_buckets = [0.05, 0.1, 0.2, 0.5, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3600.0, 10_000.0];
    let long = ["onggi_controller_generation_age_seconds", "onggi_controller_task_seconds", "onggi_controller_load_seconds"];
    let builder = long
        .into_iter()
        .try_fold(PrometheusBuilder::new(), |builder, name| builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &long_buckets));
    builder
        .and_then(|builder| builder.set_buckets(&buckets))
        .and_then(PrometheusBuilder::install_recorder)
        .expect("the recorder is installed once, with buckets")
}

/// `GET /metrics` in Prometheus's text format.
pub fn metrics_router(handle: PrometheusHandle) -> axum::Router {
    axum::Router::new().route("/metrics", get(move || async move { handle.render() }))
}

/// What an orchestrator asks: `/healthz`, whether the process lives, and `/readyz`, whether requests should be sent to it.
pub fn probes_router(ready: impl Fn() -> bool + Clone + Send + Sync + 'static) -> axum::Router {
    let readiness = move || async move { if ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } };
    axum::Router::new().route("/healthz", get(async || StatusCode::OK)).route("/readyz", get(readiness))
}
