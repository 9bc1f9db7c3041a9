//! `onggi import`: a file in parts, each tried again until it is accepted, with a note of how far it came.

mod parts;
mod progress;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    cli::{FileFormat, ImportArgs},
    client::{Client, Refused},
};
use parts::{Part, Source};
use progress::Progress;

/// How long a part is tried again before the import gives up; what was accepted stays accepted.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs the command.
pub(crate) async fn run(args: ImportArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.api)?;
    let format = args.format.map_or_else(|| parts::format_of(&args.file), Ok)?;
    let source = Source { path: args.file.clone(), format, delimiter: args.csv_delimiter, part: args.part.as_u64() };
    let note = Note::open(&args, &source)?;
    let progress = Progress::new(source.length()?);
    let tasks = upload(&client, &args, source, note, &progress).await?;
    progress.indexing();
    let summary = settle(&client, &tasks).await?;
    progress.finish();
    println!("{summary}");
    Ok(())
}

/// Sends the parts in order; returns the tasks.
async fn upload(client: &Client, args: &ImportArgs, source: Source, mut note: Note, progress: &Progress) -> anyhow::Result<Vec<u64>> {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<anyhow::Result<Part>>(1);
    let format = source.format;
    let reader = tokio::task::spawn_blocking(move || {
        if let Err(error) = source.read(&mut |part| sender.blocking_send(Ok(part)).is_ok()) {
            // The receiver is gone only when the upload failed already.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let mut number = 0;
    while let Some(part) = receiver.recv().await {
        let part = part?;
        if number >= note.progress.tasks.len() {
            let task = send(client, args, format, &part).await?;
            note.accepted(task)?;
        }
        number += 1;
        progress.sent(part.source_bytes, part.documents);
    }
    reader.await.context("reading the file")?;
    note.done()?;
    Ok(note.progress.tasks)
}

/// Sends one part, again and again while the reason may pass.
async fn send(client: &Client, args: &ImportArgs, format: FileFormat, part: &Part) -> anyhow::Result<u64> {
    let mut query = vec![];
    if let Some(primary_key) = &args.primary_key {
        query.push(("primaryKey", primary_key.clone()));
    }
    if format == FileFormat::Csv {
        query.push(("csvDelimiter", args.csv_delimiter.to_string()));
    }
    let method = if args.update { reqwest::Method::PUT } else { reqwest::Method::POST };
    let content_type = if format == FileFormat::Csv { "text/csv" } else { "application/x-ndjson" };
    let path = format!("/indexes/{}/documents", args.index);
    let begin = tokio::time::Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        let request = client
            .request(method.clone(), &path)
            .query(&query)
            .header("content-type", content_type)
            .header("content-encoding", "zstd")
            .body(part.compressed.clone());
        let error = match client.send(request).await {
            Ok(answer) => return answer["taskUid"].as_u64().context("the answer names no task"),
            Err(error) => error,
        };
        let passing = error.downcast_ref::<Refused>().is_none_or(Refused::is_passing);
        if !passing || begin.elapsed() > PATIENCE {
            return Err(error.context(format!("documents from number {} on were not accepted", part.first_document + 1)));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// Waits for the last task, then looks for any that failed.
async fn settle(client: &Client, tasks: &[u64]) -> anyhow::Result<String> {
    let Some(last) = tasks.last() else {
        return Ok("the file holds no documents".to_owned());
    };
    let last_task = client.wait(*last).await;
    let mut documents = 0;
    for chunk in tasks.chunks(100) {
        let uids = chunk.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
        let answer = client.get(&format!("/tasks?uids={uids}&limit=100")).await?;
        for task in answer["results"].as_array().into_iter().flatten() {
            if task["status"] == json!("failed") {
                bail!("task {} failed: {}", task["uid"], task["error"]["message"].as_str().unwrap_or("no reason given"));
            }
            documents += task["details"]["indexedDocuments"].as_u64().unwrap_or(0);
        }
    }
    last_task?;
    Ok(format!("{documents} documents are searchable"))
}

/// How far an import came, kept beside the file so that the same command goes on after an interruption.
struct Note {
    path: Option<PathBuf>,
    progress: NoteContent,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct NoteContent {
    /// What makes it the same import: file size, change time, part size, target.
    identity: String,
    /// The task of each part that was accepted, in order.
    tasks: Vec<u64>,
}

impl Note {
    fn open(args: &ImportArgs, source: &Source) -> anyhow::Result<Self> {
        let identity = source.identity(&format!("{}|{}|{}|{:?}", args.api.url, args.index, args.update, args.primary_key))?;
        let fresh = NoteContent { identity, tasks: Vec::new() };
        let Some(name) = args.file.file_name().filter(|_| !source.is_stdin()) else {
            return Ok(Self { path: None, progress: fresh });
        };
        let path = args.file.with_file_name(format!(".{}.onggi-import", name.to_string_lossy()));
        let earlier = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice::<NoteContent>(&text).ok());
        let progress = match earlier {
            Some(earlier) if earlier.identity == fresh.identity && !args.restart => {
                eprintln!("going on after {} parts that were accepted earlier", earlier.tasks.len());
                earlier
            }
            _ => fresh,
        };
        Ok(Self { path: Some(path), progress })
    }

    fn accepted(&mut self, task: u64) -> anyhow::Result<()> {
        self.progress.tasks.push(task);
        let Some(path) = &self.path else { return Ok(()) };
        let text = serde_json::to_vec(&self.progress).context("a note is plain data")?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    fn done(&self) -> anyhow::Result<()> {
        match &self.path {
            Some(path) if path.exists() => std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display())),
            _ => Ok(()),
        }
    }
}
