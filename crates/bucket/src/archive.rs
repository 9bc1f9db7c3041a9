//! Archives of a tenant: a copy of a generation of each of its indexes, with the settings, below a prefix of its own. Nothing there is ever
//! changed, and no index's garbage collection goes there.
//!
//! | object below `archives/<tenant>/<uid>/` | what |
//! | --- | --- |
//! | `contents.json` | [`Contents`]; written last, so an archive without it is none |
//! | `<index id>/` | the index's segments and manifest, as below an index's prefix, as its generation 1 |

use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use onggi_domain::{Generation, IndexId, IndexUid, TenantId, Timestamp, settings::Settings};
use serde::{Deserialize, Serialize};

use crate::{Error, IndexBucket, Result, Store};

/// The format of [`Contents`] that this version writes and the newest that it reads.
const FORMAT: u32 = 1;
const CONTENTS: &str = "contents.json";

/// What an archive holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// The version of this format.
    pub format: u32,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The indexes.
    pub indexes: Vec<ArchivedIndex>,
}

/// An index in an archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedIndex {
    /// Its name then.
    pub uid: IndexUid,
    /// Its id, which is also where its objects are.
    pub id: IndexId,
    /// The generation that was copied; `None`: it had none, and so no documents.
    pub generation: Option<Generation>,
    /// The attribute that holds each document's id.
    pub primary_key: Option<String>,
    /// Its settings.
    pub settings: Settings,
    /// Number of documents.
    pub documents: u64,
}

/// An archive of a tenant.
#[derive(Clone)]
pub struct Archive {
    store: Store,
    prefix: String,
}

impl Archive {
    /// The archive of this name, whether it is there or not.
    pub fn new(store: Store, tenant: TenantId, uid: &str) -> Self {
        Self { store, prefix: format!("archives/{tenant}/{uid}") }
    }

    /// The tenants that have archives.
    pub async fn tenants(store: &Store) -> Result<Vec<TenantId>> {
        let prefix = Path::from("archives");
        let found = store.objects.list_with_delimiter(Some(&prefix)).await.map_err(Error::store("listing", &prefix))?;
        Ok(found.common_prefixes.iter().filter_map(|path| path.filename()?.parse().ok()).collect())
    }

    /// The names of the tenant's archives, in the order of their names; also of those that are not whole.
    pub async fn list(store: &Store, tenant: TenantId) -> Result<Vec<String>> {
        let prefix = Path::from(format!("archives/{tenant}"));
        let found = store.objects.list_with_delimiter(Some(&prefix)).await.map_err(Error::store("listing", &prefix))?;
        let mut names: Vec<String> = found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Copies these indexes, each from its bucket, and writes what the archive holds. May be repeated after a failure; repeated after
    /// success, it changes nothing.
    pub async fn write(&self, created_at: Timestamp, indexes: Vec<(IndexBucket, ArchivedIndex)>) -> Result<()> {
        if self.contents().await?.is_some() {
            return Ok(());
        }
        let mut archived = Vec::new();
        for (source, index) in indexes {
            if let Some(generation) = index.generation {
                let copy = self.index(index.id);
                match copy.fork_from(&source, index.id, generation).await {
                    // An earlier try has copied another generation of it.
                    Err(Error::Lost(_)) => {
                        copy.remove_all().await?;
                        copy.fork_from(&source, index.id, generation).await?;
                    }
                    copied => drop(copied?),
                }
            }
            archived.push(index);
        }
        let contents = Contents { format: FORMAT, created_at, indexes: archived };
        let bytes = serde_json::to_vec(&contents).expect("contents are plain data with text keys");
        let object = self.object(CONTENTS);
        self.store.objects.put(&object, bytes.into()).await.map(drop).map_err(Error::store("writing", &object))
    }

    /// What the archive holds; `None`: there is none, or it is not whole.
    pub async fn contents(&self) -> Result<Option<Contents>> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let object = self.object(CONTENTS);
        let Some(bytes) = self.store.get(&object).await? else { return Ok(None) };
        let damaged = |error: serde_json::Error| Error::damaged(&object, format!("what the archive holds cannot be read: {error}"));
        // First the version alone: the rest of a newer one may look different.
        let Format { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if format > FORMAT {
            return Err(Error::damaged(&object, format!("it has format {format}; this version reads up to {FORMAT}")));
        }
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    /// The objects of an index in the archive: its generation 1.
    pub fn index(&self, id: IndexId) -> IndexBucket {
        IndexBucket::new(self.store.clone(), &format!("{}/{id}", self.prefix))
    }

    /// Removes the archive; what it holds goes first.
    pub async fn remove(&self) -> Result<()> {
        self.store.delete(&self.object(CONTENTS)).await?;
        IndexBucket::new(self.store.clone(), &self.prefix).remove_all().await.map(drop)
    }

    fn object(&self, name: &str) -> Path {
        Path::from(self.prefix.as_str()).join(name)
    }
}
