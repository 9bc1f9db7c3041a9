//! Reading generations: their manifests and which of them there are.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, path::Path};
use onggi_domain::{
    Generation,
    generation::{FileRef, MANIFEST_FORMAT, Manifest},
};
use serde::Deserialize;

use crate::{
    Error, IndexBucket, Result,
    index::{Folder, number},
    payload::missing,
};

/// Files that are looked for at the same time.
const PARALLEL: usize = 8;

impl IndexBucket {
    /// The newest generation's manifest.
    pub async fn latest(&self) -> Result<Option<Manifest>> {
        loop {
            let Some(newest) = self.numbers(Folder::Generations).await?.pop() else { return Ok(None) };
            match self.manifest(newest).await {
                // Only one that is no longer the newest can have gone since.
                Err(Error::NoGeneration(_)) => {}
                manifest => return manifest.map(Some),
            }
        }
    }

    /// The manifest of a generation.
    pub async fn manifest(&self, generation: Generation) -> Result<Manifest> {
        let object = self.manifest_object(generation);
        let bytes = self.store.get(&object).await?.ok_or(Error::NoGeneration(generation))?;
        parse(&object, &bytes)
    }

    /// Whether every file of a generation is there, in its size; the error names the first that is not.
    pub async fn check_files(&self, manifest: &Manifest) -> Result<()> {
        let checks = manifest.files.iter().map(|file| self.check_file(file)).collect::<Vec<_>>();
        stream::iter(checks).buffer_unordered(PARALLEL).try_collect().await
    }

    async fn check_file(&self, file: &FileRef) -> Result<()> {
        let object = self.object(Folder::Segments, &file.object);
        let size = self.store.objects.head(&object).await.map_err(missing(&object))?.size;
        if size == file.size { Ok(()) } else { Err(Error::damaged(&object, format!("{size} bytes instead of {}", file.size))) }
    }

    /// The numbers of all retained generations, ascending: those that a rollback may name. A rollback must be appended within the
    /// retention's `publish_time` of this check. Generations that garbage collection is about to remove are not among them.
    pub async fn generations(&self) -> Result<Vec<Generation>> {
        // In this order: a generation that goes has its floor first.
        let numbers = self.numbers(Folder::Generations).await?;
        let floor = self.numbers(Folder::Floors).await?.pop().unwrap_or(Generation(0));
        Ok(numbers.into_iter().filter(|number| *number >= floor).collect())
    }

    /// The numbers that objects of a folder have as names, ascending.
    pub(crate) async fn numbers(&self, folder: Folder) -> Result<Vec<Generation>> {
        let objects = self.store.list(&self.folder(folder)).await?;
        Ok(objects.iter().filter_map(|object| number(&object.location)).map(Generation).collect())
    }
}

/// A manifest from its object.
pub(crate) fn parse(object: &Path, bytes: &[u8]) -> Result<Manifest> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let damaged = |error: serde_json::Error| Error::damaged(object, format!("the manifest cannot be read: {error}"));
    // First the version alone: the rest of a newer one may look different.
    let Format { format } = serde_json::from_slice(bytes).map_err(damaged)?;
    if format > MANIFEST_FORMAT {
        return Err(Error::Format { object: object.to_string(), found: format, known: MANIFEST_FORMAT });
    }
    serde_json::from_slice(bytes).map_err(damaged)
}
