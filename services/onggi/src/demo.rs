//! `--demo`: a tenant with sample documents in three languages.

use std::io::IsTerminal;

use anyhow::Context;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use onggi_admin::portal::{SAMPLES, Sample, sample_settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;

/// Creates the indexes with two replicas each and waits until the documents are searchable. What is there already stays.
pub(crate) async fn load(url: &str, root_key: &str) -> anyhow::Result<()> {
    let client = Client::with(url, Some(root_key.to_owned()))?;
    let bars = MultiProgress::new();
    if !std::io::stderr().is_terminal() {
        bars.set_draw_target(ProgressDrawTarget::hidden());
    }
    let loads = SAMPLES.iter().map(|sample| {
        let bar = bars.add(ProgressBar::new_spinner());
        bar.set_style(ProgressStyle::with_template("  {spinner} {prefix:<12} {msg}").expect("the template is constant"));
        bar.set_prefix(sample.uid);
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        let client = client.clone();
        async move {
            let loaded = load_one(&client, sample, &bar).await.with_context(|| format!("loading {}", sample.uid));
            bar.finish_and_clear();
            loaded
        }
    });
    futures::future::try_join_all(loads).await?;
    Ok(())
}

async fn load_one(client: &Client, sample: &Sample, bar: &ProgressBar) -> anyhow::Result<()> {
    let path = format!("/indexes/{}", sample.uid);
    if let Ok(stats) = client.get(&format!("{path}/stats")).await
        && stats["numberOfDocuments"].as_u64().unwrap_or(0) > 0
    {
        return Ok(());
    }
    bar.set_message("creating");
    let created = client.json(Method::POST, "/indexes", &json!({"uid": sample.uid, "primaryKey": "id"})).await?;
    wait(client, &created).await?;
    client.json(Method::PATCH, &format!("{path}/containers"), &json!({"replicas": 2})).await?;
    client.json(Method::PATCH, &format!("{path}/settings"), &sample_settings()).await?;
    bar.set_message("uploading");
    let request = client
        .request(Method::POST, &format!("{path}/documents"))
        .header("content-type", "application/x-ndjson")
        .header("content-encoding", "zstd")
        .body(sample.documents);
    let accepted = client.send(request).await?;
    bar.set_message("indexing");
    wait(client, &accepted).await
}

async fn wait(client: &Client, accepted: &Value) -> anyhow::Result<()> {
    client.wait(accepted["taskUid"].as_u64().context("the answer names no task")?).await?;
    Ok(())
}
