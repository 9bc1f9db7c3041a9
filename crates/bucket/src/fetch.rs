//! Making a generation's files present in a local directory, each checked before it gets its name.
//!
//! A name says nothing about content: `meta.json` is another file in each generation, and after a rollback Tantivy may give to new deletes the
//! name of old ones. So what was checked is kept in `.verified/<checksum>-<size>`, and a name is a second hard link to it: the same inode is
//! the proof. Files appear there by rename, so a process that is killed leaves no half of one under a name that counts.

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path as LocalPath, PathBuf},
};

use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, path::Path};
use onggi_domain::generation::{FileRef, Manifest};
use tokio::io::{AsyncWriteExt, BufWriter};
use uuid::Uuid;

use crate::{
    Error, IndexBucket, Result,
    checksum::{self, Checksum},
    index::Folder,
    payload::missing,
};

/// Files that are checked or downloaded at the same time.
const PARALLEL: usize = 4;

/// Bytes that are written to a file at once: each write is a hop to another thread and back, and a container that wakes has little CPU.
const WRITE_BYTES: usize = 1 << 20;

/// Where checked files are, below the directory.
const VERIFIED: &str = ".verified";

impl IndexBucket {
    /// Makes a generation's files present in `directory` (hard links when the bucket is a directory, downloads otherwise), each
    /// checked for size and checksum before it gets its name there; files that are there and were checked before are kept. Files
    /// in `directory` that the manifest does not name are left alone: see [`Self::forget`].
    ///
    /// A hard link shares its bytes with the bucket: nothing may write such a file in place. A name that is there with another content,
    /// as `meta.json` of another generation is, is replaced by rename: who has it open keeps what it opened. A file that is missing, torn or
    /// changed in the bucket is [`Error::Damaged`] and names the object. One fetch at a time a directory.
    pub async fn fetch(&self, manifest: &Manifest, directory: &LocalPath) -> Result<()> {
        let verified = directory.join(VERIFIED);
        fs::create_dir_all(&verified).map_err(Error::local(&verified))?;
        let fetches: Vec<_> = manifest.files.iter().map(|file| self.fetch_file(file, directory)).collect();
        stream::iter(fetches).buffer_unordered(PARALLEL).try_collect::<()>().await
    }

    /// Removes the files from `directory` that none of the manifests names.
    pub fn forget(directory: &LocalPath, keep: &[&Manifest]) -> Result<()> {
        let files = || keep.iter().flat_map(|manifest| &manifest.files);
        let names: HashSet<&str> = files().map(|file| file.name.as_str()).collect();
        let checked: HashSet<String> = files().map(checked_name).collect();
        remove_except(directory, |name| names.contains(name))?;
        remove_except(&directory.join(VERIFIED), |name| checked.contains(name))
    }

    async fn fetch_file(&self, file: &FileRef, directory: &LocalPath) -> Result<()> {
        if !is_plain_name(&file.name) {
            let object = self.object(Folder::Segments, &file.object);
            return Err(Error::damaged(&object, format!("`{}` is not the name of a file", file.name)));
        }
        let named = directory.join(&file.name);
        let checked = directory.join(VERIFIED).join(checked_name(file));
        if !is_size(&checked, file.size) {
            let beside = directory.join(VERIFIED).join(format!("{}.part", Uuid::now_v7()));
            let outcome = self.bring(file, beside.clone(), checked.clone()).await;
            if outcome.is_err() {
                // Best effort: `forget` removes it too.
                let _ = fs::remove_file(&beside);
            }
            outcome?;
        }
        if is_same(&checked, &named) {
            return Ok(());
        }
        let beside = directory.join(VERIFIED).join(format!("{}.part", Uuid::now_v7()));
        fs::hard_link(&checked, &beside).and_then(|()| fs::rename(&beside, &named)).map_err(Error::local(&named))
    }

    /// Brings a file to `beside`, checks it and gives it its checked name.
    async fn bring(&self, file: &FileRef, beside: PathBuf, checked: PathBuf) -> Result<()> {
        let object = self.object(Folder::Segments, &file.object);
        let linked = match self.store.file(&object) {
            Some(source) => link(&source, &beside, &object)?,
            None => false,
        };
        let found = if linked {
            let path = beside.clone();
            let hashing = tokio::task::spawn_blocking(move || checksum::of_file(&path).map_err(Error::local(&path)));
            hashing.await.map_err(|_| Error::Interrupted)??
        } else {
            self.download(&object, &beside).await?
        };
        if found.0 != file.size {
            return Err(Error::damaged(&object, format!("{} bytes instead of {}", found.0, file.size)));
        }
        if found.1 != file.checksum {
            return Err(Error::damaged(&object, format!("its checksum is {} instead of {}", found.1, file.checksum)));
        }
        fs::rename(&beside, &checked).map_err(Error::local(&checked))
    }

    async fn download(&self, object: &Path, to: &LocalPath) -> Result<(u64, String)> {
        let mut bytes = self.store.objects.get(object).await.map_err(missing(object))?.into_stream();
        let file = tokio::fs::File::create(to).await.map_err(Error::local(to))?;
        let mut file = BufWriter::with_capacity(WRITE_BYTES, file);
        let mut checksum = Checksum::new();
        while let Some(piece) = bytes.try_next().await.map_err(Error::store("reading", object))? {
            checksum.update(&piece);
            file.write_all(&piece).await.map_err(Error::local(to))?;
        }
        file.flush().await.map_err(Error::local(to))?;
        Ok(checksum.finish())
    }
}

/// Links the bucket's file; false: it is on another file system.
fn link(source: &LocalPath, to: &LocalPath, object: &Path) -> Result<bool> {
    match fs::hard_link(source, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => Ok(false),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::damaged(object, "it is missing")),
        Err(error) => Err(Error::local(to)(error)),
    }
}

fn checked_name(file: &FileRef) -> String {
    format!("{}-{}", file.checksum, file.size)
}

/// A name that stays in the directory. A manifest comes from the index's own prefix, and yet.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

fn is_size(path: &LocalPath, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|found| found.len() == size)
}

fn is_same(one: &LocalPath, other: &LocalPath) -> bool {
    let identity = |path| fs::symlink_metadata(path).map(|found| (found.dev(), found.ino())).ok();
    identity(one).is_some() && identity(one) == identity(other)
}

/// Removes the files of a directory, not the directories in it.
fn remove_except(directory: &LocalPath, keep: impl Fn(&str) -> bool) -> Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::local(directory)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(Error::local(directory))?;
        let is_file = entry.file_type().map_err(Error::local(directory))?.is_file();
        if is_file && !entry.file_name().to_str().is_some_and(&keep) {
            fs::remove_file(entry.path()).map_err(Error::local(&entry.path()))?;
        }
    }
    Ok(())
}
