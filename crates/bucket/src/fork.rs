//! Forking: another index's generation becomes this index's first one, by copies inside the store.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use onggi_domain::{
    Generation, IndexId,
    generation::{Cause, FileRef, MANIFEST_FORMAT, Manifest},
};

use crate::{Error, IndexBucket, Result, generations, index::Folder, payload::missing};

/// Copies under way at the same time.
const PARALLEL: usize = 8;

impl IndexBucket {
    /// Copies a generation into this (empty) index's prefix inside the store and publishes it as this index's first one. Both are in
    /// the same store. May be repeated after a failure; repeated after success, it returns what it published.
    ///
    /// Nothing of this index is collected as long as it has no generation, so the copies need no lease; if the source goes meanwhile,
    /// a copy fails and nothing is published.
    pub async fn fork_from(&self, source: &IndexBucket, source_index: IndexId, generation: Generation) -> Result<Manifest> {
        let original = source.manifest(generation).await?;
        let copies: Vec<_> = original.files.iter().map(|file| self.copy_file(source, file)).collect();
        stream::iter(copies).buffer_unordered(PARALLEL).try_collect::<()>().await?;
        let manifest = Manifest {
            format: MANIFEST_FORMAT,
            generation: Generation(1),
            committed_seq: None,
            nonce: rand::random(),
            created_at: self.now(),
            cause: Cause::Fork { from: source_index, generation },
            outcomes: Vec::new(),
            ..original
        };
        self.publish_first(manifest).await
    }

    async fn copy_file(&self, source: &IndexBucket, file: &FileRef) -> Result<()> {
        let from = source.object(Folder::Segments, &file.object);
        let to = self.object(Folder::Segments, &file.object);
        self.store.objects.copy(&from, &to).await.map_err(missing(&from))?;
        let size = self.store.objects.head(&to).await.map_err(missing(&to))?.size;
        if size == file.size {
            return Ok(());
        }
        Err(Error::damaged(&from, format!("{size} bytes instead of {}", file.size)))
    }

    async fn publish_first(&self, manifest: Manifest) -> Result<Manifest> {
        let object = self.manifest_object(manifest.generation);
        let bytes = serde_json::to_vec(&manifest).expect("a manifest is plain data with text keys");
        let Err(error) = self.store.create(&object, bytes.into()).await else { return Ok(manifest) };
        let Some(found) = self.store.get(&object).await? else { return Err(Error::store("publishing", &object)(error)) };
        let found = generations::parse(&object, &found)?;
        if found.cause == manifest.cause { Ok(found) } else { Err(Error::Lost(manifest.generation)) }
    }
}
