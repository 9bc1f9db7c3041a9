//! Onggi on a real Kubernetes: installed by its chart, hurt in many ways, upgraded and removed. `cargo xtask test kube` makes the cluster and
//! the images and runs this; without them there is nothing to do here.
//!
//! One installation serves all scenarios, which run one after another in the order below: each begins with a working Onggi and leaves one.

mod bed;
mod chart;
mod conformance;
mod crashes;
mod fences;
mod first;
mod kubectl;
mod many;
mod noise;
mod removal;
mod replicas;
mod upgrade;

use std::{panic::AssertUnwindSafe, process::ExitCode, time::Instant};

use bed::Bed;
use futures::{FutureExt, future::LocalBoxFuture};

type Scenario = (&'static str, for<'a> fn(&'a Bed) -> LocalBoxFuture<'a, ()>);

/// A scenario by the name of its function.
macro_rules! scenarios {
    ($($module:ident :: $name:ident),* $(,)?) => {
        [$((concat!(stringify!($module), "::", stringify!($name)), |bed| $module::$name(bed).boxed_local())),*]
    };
}

fn scenarios() -> Vec<Scenario> {
    let all: [Scenario; _] = scenarios![
        chart::every_platforms_values_are_accepted_by_the_api_server,
        chart::helm_test_passes,
        chart::the_operators_check_finds_nothing_wrong,
        conformance::the_runtime_does_what_every_runtime_does,
        first::two_tenants_upload_and_search,
        first::the_javascript_client_passes_its_script,
        first::gateways_and_endpoints_have_a_zone,
        fences::every_object_passes_the_restricted_standard_and_rights_end_where_they_should,
        fences::workers_reach_their_bucket_and_nothing_else,
        replicas::replicas_follow_what_the_tenant_selects_without_a_failed_search,
        replicas::a_range_follows_the_load_and_every_decision_is_an_event,
        replicas::what_is_changed_by_hand_is_put_back,
        replicas::a_sleeping_index_of_100_megabytes_wakes_in_time,
        crashes::searchers_that_are_deleted_killed_or_evicted_cost_no_search,
        crashes::an_indexer_killed_while_it_publishes_loses_nothing,
        crashes::services_that_are_killed_lose_nothing_that_was_accepted,
        crashes::a_write_that_is_done_is_found_while_searchers_come_and_go,
        crashes::a_controller_killed_in_mid_reconcile_leaves_nothing_half_done,
        noise::a_neighbour_that_crashes_does_not_disturb,
        noise::a_neighbour_at_its_memory_limit_does_not_disturb,
        upgrade::an_upgrade_and_its_way_back_cost_no_request,
        removal::an_index_deleted_while_no_controller_runs_is_removed_later,
        removal::a_deleted_tenant_leaves_nothing,
        many::an_object_of_no_index_is_removed,
        many::two_hundred_indexes_are_quiet,
        removal::an_uninstalled_chart_leaves_the_data,
    ];
    all.to_vec()
}

fn main() -> ExitCode {
    let filter: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if std::env::var_os("ONGGI_KUBE_IMAGE").is_none() {
        println!(
            "\nno cluster: `cargo xtask test kube` makes one\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"
        );
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (passed, failed) = runtime.block_on(run(&filter));
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn run(filter: &[String]) -> (usize, usize) {
    let begin = Instant::now();
    let Ok(bed) = AssertUnwindSafe(Bed::install()).catch_unwind().await else {
        println!("test bed::install ... FAILED");
        kubectl::show_what_is_wrong().await;
        return (0, 1);
    };
    println!("test bed::install ... ok ({:.1} s)", begin.elapsed().as_secs_f64());
    let (mut passed, mut failed) = (1, 0);
    for (name, scenario) in scenarios() {
        if !filter.is_empty() && !filter.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let begin = Instant::now();
        let ended = AssertUnwindSafe(scenario(&bed)).catch_unwind().await;
        let word = if ended.is_ok() { "ok" } else { "FAILED" };
        println!("test {name} ... {word} ({:.1} s)", begin.elapsed().as_secs_f64());
        if ended.is_ok() {
            passed += 1;
        } else {
            failed += 1;
            kubectl::show_what_is_wrong().await;
        }
        bed.rest().await;
    }
    (passed, failed)
}
