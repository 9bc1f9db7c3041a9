//! Publishing: uploads under a lease, then one manifest, put if absent.
//!
//! Why a manifest never refers to what garbage collection removes, and why a number is never used twice, is written down in
//! `retention.rs`. What it needs of a publish is done here, in this order: the lease, the uploads under names of their own, a look at which
//! generation is the newest, and the manifest, within the lease.

use std::{
    collections::HashSet,
    path::{Path as LocalPath, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use object_store::{ObjectStoreExt, PutPayload, path::Path};
use onggi_domain::{
    Generation, Timestamp,
    generation::{Cause, FileRef, Manifest},
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use crate::{
    Error, IndexBucket, Result,
    checksum::{self, Checksum},
    generations,
    index::Folder,
    store::is_permanent,
    upload::Upload,
};

/// How often a manifest is put after failures of the store.
const ATTEMPTS: usize = 4;

/// Bytes of a file that are read at a time.
const BLOCK: usize = 1 << 20;

/// An indexer's promise to publish by a time or not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) started: Timestamp,
    pub(crate) expires: Timestamp,
}

/// A publish under way: uploads under a lease, then one manifest.
pub struct Publish {
    bucket: IndexBucket,
    lease: Lease,
    object: Path,
    /// The objects that this publish has put.
    put: Arc<Mutex<HashSet<String>>>,
}

impl IndexBucket {
    /// Begins to publish: takes a lease of `publish_time` in the name of `worker`, which no other worker has.
    pub async fn begin_publish(&self, worker: &str, publish_time: Duration) -> Result<Publish> {
        let started = self.now();
        let lease = Lease { started, expires: started + publish_time };
        let object = self.object(Folder::Leases, worker);
        let json = serde_json::to_vec(&lease).expect("a lease is plain data");
        self.store.objects.put(&object, PutPayload::from(json)).await.map_err(Error::store("taking the lease", &object))?;
        Ok(Publish { bucket: self.clone(), lease, object, put: Arc::default() })
    }
}

impl Publish {
    /// Uploads a local file as a segment file and returns its reference, named as the local file is. It becomes a hard link when the bucket is a
    /// directory: nothing may write it in place from then on. The name in the bucket begins with `object` and is never used twice: two
    /// indexers may have different files of one name, and one from an earlier publish may be about to be collected. Files that
    /// a generation has already need not be put again.
    pub async fn put_file(&self, path: &LocalPath, object: &str) -> Result<FileRef> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let object = format!("{object}-{}", Uuid::now_v7().simple());
        let location = self.bucket.object(Folder::Segments, &object);
        let linked = match self.bucket.store.file(&location) {
            Some(target) => link(path.to_owned(), target, self.bucket.store.fsync).await?,
            None => None,
        };
        let (size, checksum) = match linked {
            Some(linked) => linked,
            None => self.upload(path, location).await?,
        };
        self.put.lock().insert(object.clone());
        Ok(FileRef { name, object, size, checksum })
    }

    /// Puts the manifest if its number is free and the lease holds: [`Error::Lost`], [`Error::LeaseExpired`]. An ambiguous put is
    /// settled by reading back and comparing nonces. Ends the lease.
    ///
    /// The generation before must be the newest one ([`Error::NoGeneration`] if it is not there at all), and every file one that this publish
    /// has put, or that the generation before or the target of the rollback has ([`Error::Damaged`]).
    pub async fn commit(self, manifest: &Manifest) -> Result<()> {
        let outcome = self.try_commit(manifest).await;
        self.abandon().await;
        outcome
    }

    /// Gives up; what was uploaded is left to garbage collection.
    pub async fn abandon(self) {
        if let Err(error) = self.bucket.store.delete(&self.object).await {
            tracing::debug!(%error, "the lease ends by itself");
        }
    }

    async fn try_commit(&self, manifest: &Manifest) -> Result<()> {
        let object = self.bucket.manifest_object(manifest.generation);
        let base = self.base(manifest.generation).await?;
        self.check_files(manifest, base.as_ref()).await?;
        self.sync_names().await?;
        let bytes = Bytes::from(serde_json::to_vec(manifest).expect("a manifest is plain data with text keys"));
        let mut failures = 0;
        loop {
            if self.bucket.now() >= self.lease.expires {
                return Err(Error::LeaseExpired);
            }
            let Err(error) = self.bucket.store.create(&object, bytes.clone()).await else { return Ok(()) };
            if is_permanent(&error) {
                return Err(Error::store("publishing", &object)(error));
            }
            match self.bucket.store.get(&object).await {
                Ok(Some(found)) if generations::parse(&object, &found)?.nonce == manifest.nonce => return Ok(()),
                Ok(Some(_)) => return Err(Error::Lost(manifest.generation)),
                Ok(None) | Err(_) if failures < ATTEMPTS => failures += 1,
                Ok(None) | Err(_) => return Err(Error::store("publishing", &object)(error)),
            }
        }
    }

    /// The generation before `next`, which must be the newest.
    async fn base(&self, next: Generation) -> Result<Option<Manifest>> {
        let newest = self.bucket.numbers(Folder::Generations).await?.pop().unwrap_or(Generation(0));
        let base = Generation(next.0.saturating_sub(1));
        if newest >= next {
            return Err(Error::Lost(next));
        }
        if newest < base {
            return Err(Error::NoGeneration(base));
        }
        if base.0 == 0 { Ok(None) } else { self.bucket.manifest(base).await.map(Some) }
    }

    async fn check_files(&self, manifest: &Manifest, base: Option<&Manifest>) -> Result<()> {
        let mut known = self.put.lock().clone();
        known.extend(objects(base));
        if let Cause::Rollback { to } = manifest.cause {
            known.extend(objects(Some(&self.bucket.manifest(to).await?)));
        }
        match manifest.files.iter().find(|file| !known.contains(&file.object)) {
            None => Ok(()),
            Some(file) => {
                let object = self.bucket.object(Folder::Segments, &file.object);
                Err(Error::damaged(&object, "neither this publish nor the generation that it builds on has put it"))
            }
        }
    }

    /// In a directory: the names of all linked files reach the disk together, before the manifest that needs them.
    async fn sync_names(&self) -> Result<()> {
        let store = &self.bucket.store;
        let Some(folder) = store.file(&self.bucket.folder(Folder::Segments)) else { return Ok(()) };
        if !store.fsync || self.put.lock().is_empty() {
            return Ok(());
        }
        let synced = async { tokio::fs::File::open(&folder).await?.sync_all().await };
        synced.await.map_err(Error::local(&folder))
    }

    async fn upload(&self, path: &LocalPath, object: Path) -> Result<(u64, String)> {
        let mut file = tokio::fs::File::open(path).await.map_err(Error::local(path))?;
        let mut checksum = Checksum::new();
        let mut upload = Upload::begin(&self.bucket.store, object);
        loop {
            let mut block = bytes::BytesMut::with_capacity(BLOCK);
            if file.read_buf(&mut block).await.map_err(Error::local(path))? == 0 {
                break;
            }
            checksum.update(&block);
            upload.write(block.freeze()).await?;
        }
        upload.finish().await?;
        Ok(checksum.finish())
    }
}

fn objects(manifest: Option<&Manifest>) -> impl Iterator<Item = String> {
    manifest.into_iter().flat_map(|manifest| &manifest.files).map(|file| file.object.clone())
}

/// Links a file into the bucket's directory and returns its size and checksum; `None`: they are on different file systems.
async fn link(path: PathBuf, target: PathBuf, fsync: bool) -> Result<Option<(u64, String)>> {
    let linking = tokio::task::spawn_blocking(move || link_blocking(&path, &target, fsync));
    linking.await.map_err(|_| Error::Interrupted)?
}

fn link_blocking(path: &LocalPath, target: &LocalPath, fsync: bool) -> Result<Option<(u64, String)>> {
    let folder = target.parent().unwrap_or(target);
    std::fs::create_dir_all(folder).map_err(Error::local(folder))?;
    let file = std::fs::File::options().write(true).open(path).map_err(Error::local(path))?;
    // Garbage collection goes by age: in the bucket it is new, however old the file is.
    file.set_modified(SystemTime::now()).map_err(Error::local(path))?;
    if fsync {
        file.sync_all().map_err(Error::local(path))?;
    }
    let found = checksum::of_file(path).map_err(Error::local(path))?;
    match std::fs::hard_link(path, target) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => return Ok(None),
        Err(error) => return Err(Error::local(target)(error)),
    }
    Ok(Some(found))
}
