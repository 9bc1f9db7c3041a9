//! The one screen that `onggi up` prints: what runs, where, and what to try.

use std::net::SocketAddr;

use onggi_admin::portal::SAMPLES;

use crate::config::Config;

/// Where it is, and where its data are.
pub(super) fn begin(url: &str, config: &Config, metrics: Option<SocketAddr>) {
    println!("onggi is up at {url}");
    println!();
    let database = if config.database.is_some() { "the configured database" } else { "SQLite" };
    let bucket = config.bucket.url.as_deref().unwrap_or("a directory as bucket");
    println!("  portal    {url}/portal");
    println!("  data      {} ({database}, {bucket}, containers as child processes)", config.data.display());
    if let Some(metrics) = metrics {
        println!("  metrics   http://{metrics}/metrics");
    }
}

/// Which tenants there are.
pub(super) fn tenants(count: usize) {
    match count {
        0 => println!("  tenants   none yet: sign up in the portal, or `onggi tenant create NAME` makes one and prints its keys"),
        count => println!("  tenants   {count}; `onggi tenant list` shows them"),
    }
}

/// How a developer goes on.
pub(super) fn dev(url: &str) {
    println!("  tenant    dev, whose root key is the one that was given");
    println!();
    println!("  point any Meilisearch SDK at {url} with that key");
}

/// The demo's keys, and lines that work.
pub(super) fn demo(url: &str, root_key: &str, search_key: &str, enter: &str) {
    println!("  tenant    demo, two replicas of each index");
    println!("    root key    {root_key}");
    println!("    search key  {search_key}");
    println!("    see it in the portal, signed in by this link, once: {url}{enter}");
    println!();
    println!("  try");
    for sample in &SAMPLES {
        println!(
            "    curl -s {}/indexes/{}/search -H 'Authorization: Bearer {search_key}' -H 'Content-Type: application/json' -d '{{\"q\":\"{}\",\"limit\":2}}'",
            url, sample.uid, sample.query
        );
    }
}

/// The last line.
pub(super) fn end() {
    println!();
    println!("stop with Ctrl-C");
}
