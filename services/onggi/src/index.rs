//! `onggi index` and `onggi search`: what a tenant does, through the API of a running Onggi.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    cli::{IndexCommand, SearchArgs},
    client::Client,
};

/// Runs `onggi index ...`.
pub(crate) async fn run(command: IndexCommand) -> anyhow::Result<()> {
    match command {
        IndexCommand::List { api } => list(&Client::new(&api)?).await,
        IndexCommand::Create { uid, primary_key, api } => {
            let client = Client::new(&api)?;
            let accepted = client.json(Method::POST, "/indexes", &json!({"uid": uid, "primaryKey": primary_key})).await?;
            client.wait(accepted["taskUid"].as_u64().unwrap_or_default()).await?;
            println!("index {uid} is there");
            Ok(())
        }
        IndexCommand::Containers { uid, replicas, autoscale, size, sleep_after, api } => {
            let client = Client::new(&api)?;
            let path = format!("/indexes/{uid}/containers");
            let mut patch = serde_json::Map::new();
            for (name, value) in [
                ("replicas", replicas.map(Value::from)),
                ("autoscale", autoscale.map(|range| json!(range))),
                ("size", size.map(Value::from)),
                ("sleepAfterSeconds", sleep_after.map(Value::from)),
            ] {
                if let Some(value) = value {
                    patch.insert(name.to_owned(), value);
                }
            }
            if !patch.is_empty() {
                client.json(Method::PATCH, &path, &Value::Object(patch)).await?;
            }
            show_containers(&client.get(&path).await?);
            Ok(())
        }
        IndexCommand::Generations { uid, api } => {
            let answer = Client::new(&api)?.get(&format!("/indexes/{uid}/generations")).await?;
            println!("{:>10}  {:<30} {:>12}  cause", "generation", "created", "documents");
            for row in answer["results"].as_array().into_iter().flatten() {
                let cause = row["cause"]["kind"].as_str().unwrap_or_default();
                println!(
                    "{:>10}  {:<30} {:>12}  {cause}",
                    row["generation"].to_string(),
                    text(&row["createdAt"]),
                    row["documents"].to_string()
                );
            }
            Ok(())
        }
        IndexCommand::Rollback { uid, generation, api } => {
            let client = Client::new(&api)?;
            let accepted = client.json(Method::POST, &format!("/indexes/{uid}/generations/{generation}/rollback"), &json!({})).await?;
            client.wait(accepted["taskUid"].as_u64().unwrap_or_default()).await?;
            println!("index {uid} has the documents and settings of generation {generation} again, as a new generation");
            Ok(())
        }
    }
}

async fn list(client: &Client) -> anyhow::Result<()> {
    let indexes = client.get("/indexes?limit=1000").await?;
    let stats = client.get("/stats").await?;
    println!("{:<30} {:>12}  {:<14} updated", "index", "documents", "primary key");
    for index in indexes["results"].as_array().into_iter().flatten() {
        let uid = text(&index["uid"]);
        let documents = stats["indexes"][&uid]["numberOfDocuments"].to_string();
        println!("{uid:<30} {documents:>12}  {:<14} {}", text(&index["primaryKey"]), text(&index["updatedAt"]));
    }
    Ok(())
}

fn show_containers(answer: &Value) {
    let asleep_after = answer["sleepAfterSeconds"].as_u64().map_or("never".to_owned(), |seconds| format!("after {seconds} s"));
    let range = &answer["autoscale"];
    let range = if range.is_null() { String::new() } else { format!(" of {} to {}", range["min"], range["max"]) };
    let replicas = if range.is_empty() { &answer["replicas"] } else { &answer["wanted"] };
    println!("{}: {replicas}{range} x {}, sleeps {asleep_after}", text(&answer["phase"]), text(&answer["size"]));
    for container in answer["containers"].as_array().into_iter().flatten() {
        let memory = container["memoryBytes"].as_u64().map_or(String::new(), |bytes| bytesize::ByteSize(bytes).to_string());
        let generation = container["generation"].as_u64().map_or(String::new(), |generation| format!("generation {generation}"));
        println!(
            "  {:<9} {:<8} {generation:<16} {memory:>10}  {}",
            text(&container["role"]),
            text(&container["status"]),
            text(&container["note"])
        );
    }
    for decision in answer["decisions"].as_array().into_iter().flatten().take(5) {
        println!("  {} from {} to {}: {}", text(&decision["at"]), decision["from"], decision["to"], text(&decision["why"]));
    }
}

/// Runs `onggi search`.
pub(crate) async fn search(args: SearchArgs) -> anyhow::Result<()> {
    let body = json!({
        "q": args.query.join(" "),
        "limit": args.limit,
        "filter": args.filter,
        "attributesToHighlight": ["*"],
        "highlightPreTag": "\u{1b}[1m",
        "highlightPostTag": "\u{1b}[0m",
    });
    let answer = Client::new(&args.api)?.json(Method::POST, &format!("/indexes/{}/search", args.index), &body).await?;
    if args.json {
        println!("{answer:#}");
        return Ok(());
    }
    for hit in answer["hits"].as_array().into_iter().flatten() {
        for (name, value) in hit["_formatted"].as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let short: String = value.chars().take(120).collect();
            println!("{name:>14}  {short}");
        }
        println!();
    }
    println!("about {} hits in {} ms", answer["estimatedTotalHits"], answer["processingTimeMs"]);
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
