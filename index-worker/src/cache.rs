//! The worker's own directory: verified copies (or hard links) of the bucket's files, within the disk that the container has.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use bytesize::ByteSize;
use onggi_bucket::IndexBucket;
use onggi_domain::generation::Manifest;
use tempfile::TempDir;

use crate::error::{Error, Result};

/// Tantivy's list of the files of a commit, which each generation has its own of.
pub(crate) const META: &str = "meta.json";

/// Where a worker keeps files.
pub(crate) struct Cache {
    /// Its own directory.
    directory: PathBuf,
    /// Immutable files of generations, each checked before it got its name.
    files: PathBuf,
    limit: ByteSize,
}

impl Cache {
    /// Begins in `directory`; what an earlier process left half done there is removed.
    pub(crate) fn open(directory: &Path, limit: ByteSize) -> Result<Self> {
        let files = directory.join("files");
        std::fs::create_dir_all(&files).map_err(Error::local(&files))?;
        for entry in std::fs::read_dir(directory).map_err(Error::local(directory))? {
            let path = entry.map_err(Error::local(directory))?.path();
            if path != files && path.is_dir() {
                std::fs::remove_dir_all(&path).map_err(Error::local(&path))?;
            }
        }
        Ok(Self { directory: directory.to_owned(), files, limit })
    }

    /// Where the files of generations are.
    pub(crate) fn files(&self) -> &Path {
        &self.files
    }

    /// An empty directory that disappears when the value is dropped.
    pub(crate) fn scratch(&self) -> Result<TempDir> {
        tempfile::tempdir_in(&self.directory).map_err(Error::local(&self.directory))
    }

    /// Makes a generation's files present and verified beside those `in_use`, and returns its `meta.json`.
    pub(crate) async fn fetch(&self, bucket: &IndexBucket, manifest: &Manifest, in_use: &[&Manifest]) -> Result<Vec<u8>> {
        let needed = bytes_together(manifest, in_use);
        if needed > self.limit {
            return Err(Error::DiskFull { generation: manifest.generation, needed, limit: self.limit });
        }
        if !manifest.files.iter().any(|file| file.name == META) {
            return Err(Error::NoMeta(manifest.generation));
        }
        bucket.fetch(manifest, &self.files).await?;
        let meta = self.files.join(META);
        tokio::fs::read(&meta).await.map_err(Error::local(&meta))
    }

    /// Removes the files that none of these generations has.
    pub(crate) fn keep_only(&self, generations: &[&Manifest]) -> Result<()> {
        Ok(IndexBucket::forget(&self.files, generations)?)
    }
}

/// The size of a generation's files and those of others, each file once.
fn bytes_together(manifest: &Manifest, others: &[&Manifest]) -> ByteSize {
    let files: HashMap<&str, u64> = std::iter::once(&manifest)
        .chain(others)
        .flat_map(|manifest| &manifest.files)
        .map(|file| (file.object.as_str(), file.size))
        .collect();
    ByteSize::b(files.values().sum())
}
