//! `kubectl`, and waiting for what it shows.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

/// What is too long for anything that a scenario waits for.
const DEADLINE: Duration = Duration::from_mins(2);

/// Runs a program; its standard output, or what it said when it failed.
pub(crate) async fn output(program: &str, arguments: &[&str], stdin: Option<&str>) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() }).kill_on_drop(true);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| format!("{program}: {error}"))?;
    if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
        pipe.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
    }
    let output =
        tokio::time::timeout(DEADLINE * 2, child.wait_with_output()).await.map_err(|_| format!("{program} {arguments:?} does not end"))?;
    let output = output.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(format!("{program} {arguments:?}: {}", text(&output.stderr))) }
}

/// `kubectl` with these arguments, separated by spaces; panics when it fails.
pub(crate) async fn kubectl(arguments: &str) -> String {
    try_kubectl(arguments).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The same; what it says when it fails is for the caller.
pub(crate) async fn try_kubectl(arguments: &str) -> Result<String, String> {
    output("kubectl", &arguments.split_whitespace().collect::<Vec<_>>(), None).await
}

/// `kubectl get ... -o json`.
pub(crate) async fn get(arguments: &str) -> Value {
    let text = kubectl(&format!("get {arguments} -o json")).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("kubectl get {arguments}: {error}"))
}

/// The items of a list.
pub(crate) async fn list(arguments: &str) -> Vec<Value> {
    get(arguments).await["items"].as_array().cloned().unwrap_or_default()
}

/// The names of the items of a list.
pub(crate) async fn names(arguments: &str) -> Vec<String> {
    list(arguments).await.iter().map(|item| item["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
}

/// `kubectl apply` of manifests, or what was wrong.
pub(crate) async fn apply(manifest: &Value) -> Result<String, String> {
    output("kubectl", &["apply", "-f", "-"], Some(&manifest.to_string())).await
}

/// Looks again and again until there is something, or fails the scenario.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(begin.elapsed() < DEADLINE, "waited in vain until {what}");
    }
}

/// Prints what a person needs to find out why a scenario failed.
pub(crate) async fn show_what_is_wrong() {
    for arguments in [
        "get searchindexes,deployments,pods -A -o wide",
        "get events -A --field-selector type=Warning --sort-by=.lastTimestamp",
        "-n onggi logs -l app.kubernetes.io/component=controller --tail=60 --prefix",
        "-n onggi logs -l app.kubernetes.io/component=gateway --tail=20 --prefix",
    ] {
        show(arguments).await;
    }
    for pod in list("pods -A -l app.kubernetes.io/name=onggi-worker").await {
        let status = &pod["status"]["containerStatuses"][0];
        if status["ready"] != true || status["restartCount"] != 0 {
            let field = |name: &str| pod["metadata"][name].as_str().unwrap_or_default().to_owned();
            show(&format!("-n {} logs {} --tail=20", field("namespace"), field("name"))).await;
        }
    }
}

async fn show(arguments: &str) {
    let (Ok(text) | Err(text)) = try_kubectl(arguments).await;
    eprintln!("$ kubectl {arguments}\n{text}");
}
