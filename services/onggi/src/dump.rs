//! `onggi dump`: archives out of the bucket into a file, and from a file through the API into a tenant.
//!
//! | in the file | what |
//! | --- | --- |
//! | `dump.json` | [`Dump`]; first |
//! | `indexes/<uid>/settings.json` | the index's settings, complete |
//! | `indexes/<uid>/documents.ndjson` | its documents as they came, in the order of their insertion |

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context, bail};
use onggi_bucket::{
    IndexBucket,
    archive::{Archive, ArchivedIndex},
};
use onggi_domain::{Generation, IndexUid, TenantId, Timestamp, limits::Limits};
use onggi_engine::{Options, Searcher, search::DocumentsRequest};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cli::{ApiArgs, DataArgs, DumpCommand, FileFormat, ImportArgs},
    client::Client,
    config::Config,
    import, operator,
};

/// The format of the file that this version writes and the newest that it reads.
const FORMAT: u32 = 1;
/// Documents that are read at once.
const PAGE: usize = 5000;
/// The level of compression.
const LEVEL: i32 = 3;
/// Size of a part that is uploaded, before compression.
const PART: bytesize::ByteSize = bytesize::ByteSize::mib(16);

/// What a file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dump {
    format: u32,
    uid: String,
    created_at: Timestamp,
    indexes: Vec<DumpedIndex>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DumpedIndex {
    uid: IndexUid,
    primary_key: Option<String>,
    documents: u64,
}

/// Runs the command.
pub(crate) async fn run(command: DumpCommand, config: Config) -> anyhow::Result<()> {
    match command {
        DumpCommand::List { tenant, data } => list(&Place::open(config, &data, &tenant).await?).await,
        DumpCommand::Fetch { uid, tenant, out, data } => fetch(&Place::open(config, &data, &tenant).await?, &uid, &out).await,
        DumpCommand::Restore { file, api } => restore(&file, &api).await,
    }
}

/// Where the archives of a tenant are.
struct Place {
    store: onggi_bucket::Store,
    tenant: TenantId,
}

impl Place {
    async fn open(config: Config, data: &DataArgs, tenant: &str) -> anyhow::Result<Self> {
        let config = crate::with_data(config, data);
        let (metadata, _) = operator::open(config.clone(), data).await?;
        let tenant = metadata.tenants.by_name(tenant).await.map_err(|error| operator::explain(error, tenant))?.id;
        let store = onggi_bucket::open_store(&config.bucket_url()?, &config.bucket_options()).context("cannot open the bucket")?;
        Ok(Self { store, tenant })
    }

    fn archive(&self, uid: &str) -> Archive {
        Archive::new(self.store.clone(), self.tenant, uid)
    }
}

async fn list(place: &Place) -> anyhow::Result<()> {
    println!("{:<28} {:>8} {:>12}  created", "uid", "indexes", "documents");
    for uid in Archive::list(&place.store, place.tenant).await? {
        if let Some(contents) = place.archive(&uid).contents().await? {
            let documents: u64 = contents.indexes.iter().map(|index| index.documents).sum();
            println!("{uid:<28} {:>8} {documents:>12}  {}", contents.indexes.len(), contents.created_at);
        }
    }
    Ok(())
}

async fn fetch(place: &Place, uid: &str, out: &Path) -> anyhow::Result<()> {
    if uid.contains(['/', '.']) {
        bail!("{uid} is not the uid of a dump: `onggi dump list` shows them");
    }
    let archive = place.archive(uid);
    let contents = archive.contents().await?.with_context(|| format!("there is no dump {uid}: `onggi dump list` shows those there are"))?;
    let directory = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch = tempfile::tempdir_in(directory).with_context(|| format!("cannot write in {}", directory.display()))?;
    let mut dump = Dump { format: FORMAT, uid: uid.to_owned(), created_at: contents.created_at, indexes: Vec::new() };
    for index in &contents.indexes {
        let documents = export(&archive.index(index.id), index, scratch.path())
            .await
            .with_context(|| format!("cannot read index {} of the dump", index.uid))?;
        dump.indexes.push(DumpedIndex { uid: index.uid.clone(), primary_key: index.primary_key.clone(), documents });
    }
    let (indexes, documents) = (dump.indexes.len(), dump.indexes.iter().map(|index| index.documents).sum::<u64>());
    let written = scratch.path().join("dump");
    let target = out.to_owned();
    tokio::task::spawn_blocking(move || {
        pack(&dump, &contents.indexes, scratch.path(), &written).context("cannot write the dump")?;
        std::fs::rename(&written, &target).with_context(|| format!("cannot write {}", target.display()))
    })
    .await??;
    println!("{indexes} indexes with {documents} documents are in {}", out.display());
    Ok(())
}

/// Writes the documents of an index to a file in `scratch`; returns how many.
async fn export(bucket: &IndexBucket, index: &ArchivedIndex, scratch: &Path) -> anyhow::Result<u64> {
    let file = documents_file(scratch, &index.uid);
    if index.generation.is_none() {
        File::create(&file)?;
        return Ok(0);
    }
    let manifest = bucket.manifest(Generation(1)).await?;
    let files = tempfile::tempdir_in(scratch)?;
    bucket.fetch(&manifest, files.path()).await?;
    tokio::task::spawn_blocking(move || {
        let meta = std::fs::read(files.path().join("meta.json"))?;
        let options = Options { memory_bytes: 0, dictionaries: None, limits: Limits::default() };
        let searcher = Searcher::open(files.path(), &meta, manifest.state, options)?;
        let mut out = BufWriter::new(File::create(&file)?);
        let mut written = 0;
        loop {
            let request = DocumentsRequest { offset: written, limit: PAGE, ..DocumentsRequest::default() };
            let page = searcher.documents(&request)??;
            for document in &page.results {
                writeln!(out, "{}", document.get())?;
            }
            written += page.results.len();
            if page.results.len() < PAGE {
                out.flush()?;
                return Ok(written as u64);
            }
        }
    })
    .await?
}

fn documents_file(scratch: &Path, uid: &IndexUid) -> std::path::PathBuf {
    scratch.join(format!("{uid}.ndjson"))
}

fn pack(dump: &Dump, indexes: &[ArchivedIndex], scratch: &Path, into: &Path) -> anyhow::Result<()> {
    let mut tar = tar::Builder::new(zstd::Encoder::new(File::create(into)?, LEVEL)?);
    let time = u64::try_from(dump.created_at.as_second()).unwrap_or(0);
    let mut add = |path: String, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(time);
        tar.append_data(&mut header, path, bytes)
    };
    add("dump.json".to_owned(), &serde_json::to_vec_pretty(dump)?)?;
    for index in indexes {
        add(format!("indexes/{}/settings.json", index.uid), &serde_json::to_vec_pretty(&index.settings)?)?;
    }
    for index in indexes {
        let file = documents_file(scratch, &index.uid);
        tar.append_path_with_name(&file, format!("indexes/{}/documents.ndjson", index.uid))?;
    }
    let file = tar.into_inner()?.finish()?;
    Ok(file.sync_all()?)
}

async fn restore(file: &Path, api: &ApiArgs) -> anyhow::Result<()> {
    let client = Client::new(api)?;
    let scratch = tempfile::tempdir().context("cannot make a temporary directory")?;
    let (from, into) = (file.to_owned(), scratch.path().to_owned());
    let unpacked = tokio::task::spawn_blocking(move || unpack(&from, &into)).await?;
    let dump = unpacked.with_context(|| format!("{} is not a dump that this version can read", file.display()))?;
    for index in &dump.indexes {
        if client.get(&format!("/indexes/{}", index.uid)).await.is_ok() {
            bail!("index {} exists already; delete it or give it another name first. Nothing was restored.", index.uid);
        }
    }
    for index in &dump.indexes {
        restore_index(&client, index, scratch.path(), api).await.with_context(|| format!("index {} was not restored", index.uid))?;
    }
    println!("{} indexes are restored", dump.indexes.len());
    Ok(())
}

/// Settings come before the documents, so that these are indexed once.
async fn restore_index(client: &Client, index: &DumpedIndex, scratch: &Path, api: &ApiArgs) -> anyhow::Result<()> {
    let uid = &index.uid;
    let accepted = client.json(Method::POST, "/indexes", &json!({"uid": uid, "primaryKey": index.primary_key})).await?;
    client.wait(accepted["taskUid"].as_u64().context("the answer names no task")?).await?;
    let folder = scratch.join("indexes").join(uid.as_str());
    let settings: Value = serde_json::from_slice(&std::fs::read(folder.join("settings.json"))?)?;
    let accepted = client.json(Method::PATCH, &format!("/indexes/{uid}/settings"), &settings).await?;
    client.wait(accepted["taskUid"].as_u64().context("the answer names no task")?).await?;
    if index.documents == 0 {
        return Ok(());
    }
    let documents = ImportArgs {
        file: folder.join("documents.ndjson"),
        index: uid.to_string(),
        primary_key: index.primary_key.clone(),
        format: Some(FileFormat::Ndjson),
        csv_delimiter: ',',
        update: false,
        part: PART,
        restart: true,
        api: api.clone(),
    };
    import::run(documents).await
}

fn unpack(file: &Path, into: &Path) -> anyhow::Result<Dump> {
    let mut tar = tar::Archive::new(zstd::Decoder::new(File::open(file)?)?);
    // Entries that would leave the directory are refused by `unpack`.
    tar.unpack(into)?;
    let bytes = std::fs::read(into.join("dump.json"))?;
    let Some(format) = serde_json::from_slice::<Value>(&bytes)?["format"].as_u64() else { bail!("dump.json names no format") };
    if format > u64::from(FORMAT) {
        bail!("it has format {format}; this version reads up to {FORMAT}");
    }
    Ok(serde_json::from_slice(&bytes)?)
}
