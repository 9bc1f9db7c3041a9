//! A commit of the engine becomes a generation: uploads under a lease, then one manifest.

use std::{collections::HashMap, path::Path, time::Duration};

use futures::{StreamExt, TryStreamExt, stream};
use onggi_bucket::{IndexBucket, Publish};
use onggi_domain::{
    Generation, Seq, Timestamp,
    generation::{Cause, FileRef, MANIFEST_FORMAT, Manifest, TaskOutcome},
};
use onggi_engine::Commit;
use uuid::Uuid;

use crate::{
    cache::META,
    error::{Error, Result},
};

/// The longest that a publish may take, from its first upload to its manifest. Garbage collection must be told no less.
pub const PUBLISH_TIME: Duration = Duration::from_mins(10);

/// Files that are uploaded at the same time.
const UPLOADS: usize = 4;

/// What a generation is made of.
pub(crate) struct Draft<'a> {
    pub(crate) generation: Generation,
    pub(crate) committed_seq: Option<Seq>,
    pub(crate) cause: Cause,
    pub(crate) outcomes: &'a [TaskOutcome],
    pub(crate) commit: &'a Commit,
    /// Where the engine's files are.
    pub(crate) directory: &'a Path,
    /// Files that a retained generation has already, by name.
    pub(crate) known: &'a HashMap<String, FileRef>,
}

impl Draft<'_> {
    /// Publishes it in the name of `worker`, or leaves nothing that matters.
    pub(crate) async fn publish(&self, bucket: &IndexBucket, worker: &str) -> Result<Manifest> {
        let publish = bucket.begin_publish(worker, PUBLISH_TIME).await?;
        let files = match self.upload(&publish).await {
            Ok(files) => files,
            Err(error) => {
                publish.abandon().await;
                return Err(error);
            }
        };
        let manifest = Manifest {
            format: MANIFEST_FORMAT,
            generation: self.generation,
            committed_seq: self.committed_seq,
            nonce: Uuid::new_v4().as_u128(),
            created_at: Timestamp::now(),
            cause: self.cause.clone(),
            files,
            state: self.commit.state.clone(),
            outcomes: self.outcomes.to_vec(),
        };
        publish.commit(&manifest).await?;
        Ok(manifest)
    }

    async fn upload(&self, publish: &Publish) -> Result<Vec<FileRef>> {
        let uploads: Vec<_> = self.commit.files.iter().map(|name| self.file(publish, name)).collect();
        let mut files: Vec<FileRef> = stream::iter(uploads).buffered(UPLOADS).try_collect().await?;
        files.push(self.upload_meta(publish).await?);
        Ok(files)
    }

    async fn file(&self, publish: &Publish, name: &str) -> Result<FileRef> {
        match self.known.get(name) {
            Some(known) => Ok(known.clone()),
            None => Ok(publish.put_file(&self.directory.join(name), name).await?),
        }
    }

    /// `meta.json` has the same name in every generation and another content: it is an object of its own in each.
    async fn upload_meta(&self, publish: &Publish) -> Result<FileRef> {
        let object = format!("meta-{}.json", Uuid::now_v7());
        let local = self.directory.join(&object);
        tokio::fs::write(&local, &self.commit.meta_json).await.map_err(Error::local(&local))?;
        let stored = publish.put_file(&local, &object).await;
        // Best effort: the directory goes as a whole in the end.
        let _ = tokio::fs::remove_file(&local).await;
        Ok(FileRef { name: META.to_owned(), ..stored? })
    }
}
