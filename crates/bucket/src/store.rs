//! Opening an object store by URL, and the few reads and writes that everything above is made of.
//!
//! On a directory, `object_store` writes a file beside its final name and links or renames it into place, so a put is atomic; put-if-absent is a
//! hard link, which fails when the name is taken. By default it does not sync. Here it does (file, then directory), because an
//! acknowledged write must survive a power cut; `?fsync=false` in the URL turns that off for tests.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    memory::InMemory,
    path::Path,
    prefix::PrefixStore,
};
use url::Url;

use crate::{
    Error, Result,
    metered::Metered,
    scoped::{CredentialsFile, Scoped},
};

/// An object store and, when it is a directory, where: so that files can be hard-linked.
///
/// A file that was linked from or to the directory is one inode with two names: **nothing may ever write such a file in place**. Replace it
/// (write beside, rename) or remove it.
#[derive(Clone)]
pub struct Store {
    /// The store.
    pub objects: Arc<dyn ObjectStore>,
    /// Its root directory, when it has one.
    pub directory: Option<PathBuf>,
    /// Whether files that are linked into the directory are synced to disk first, as its puts are.
    pub fsync: bool,
}

/// Opens the object store at a URL: `file:///dir`, `memory:///`, `s3://bucket/path`. Credentials of S3 come with `options`
/// (`object_store`'s names, such as `aws_access_key_id`); what is no secret may also be in the URL, such as
/// `?endpoint=http://localhost:9000&allow_http=true&region=us-east-1`. The option `credentials_file` names a file with
/// [`ScopedCredentials`](crate::ScopedCredentials), which is read again and again. A directory is created if need be.
pub fn open_store(url: &str, options: &[(String, String)]) -> Result<Store> {
    let parsed = Url::parse(url).map_err(|error| refuse(url, format!("not a URL: {error}")))?;
    match parsed.scheme() {
        "file" => open_directory(&parsed),
        "memory" => Ok(Store { objects: Arc::new(InMemory::new()), directory: None, fsync: false }),
        "s3" | "s3a" => open_s3(&parsed, options),
        other => Err(refuse(url, format!("`{other}` is none of file, memory, s3"))),
    }
}

fn open_directory(url: &Url) -> Result<Store> {
    let directory = url.to_file_path().map_err(|()| refuse(url.as_str(), "not an absolute path".to_owned()))?;
    let fsync = !url.query_pairs().any(|(name, value)| name == "fsync" && value == "false");
    std::fs::create_dir_all(&directory).map_err(Error::local(&directory))?;
    let directory = directory.canonicalize().map_err(Error::local(&directory))?;
    let objects = LocalFileSystem::new_with_prefix(&directory).map_err(Error::store("opening", &Path::default()))?.with_fsync(fsync);
    Ok(Store { objects: Arc::new(Metered(Arc::new(objects))), directory: Some(directory), fsync })
}

/// The option that names a file with credentials for one index, instead of credentials.
const CREDENTIALS_FILE: &str = "credentials_file";

fn open_s3(url: &Url, options: &[(String, String)]) -> Result<Store> {
    let file = options.iter().find(|(name, _)| name == CREDENTIALS_FILE).map(|(_, path)| PathBuf::from(path));
    let mut builder = s3_builder(url, options)?;
    let scoped = file.is_some();
    if let Some(file) = file {
        builder = builder.with_credentials(Arc::new(CredentialsFile::new(file)));
    }
    let objects = builder.build().map_err(Error::store("opening", &Path::from(url.host_str().unwrap_or_default())))?;
    let prefix = Path::parse(url.path()).map_err(|error| refuse(url.as_str(), error.to_string()))?;
    let mut objects: Arc<dyn ObjectStore> = Arc::new(Metered(Arc::new(objects)));
    if scoped {
        objects = Arc::new(Scoped(objects));
    }
    if prefix.parts_count() > 0 {
        objects = Arc::new(PrefixStore::new(objects, prefix));
    }
    Ok(Store { objects, directory: None, fsync: false })
}

/// S3 as URL and options describe it.
pub(crate) fn s3_builder(url: &Url, options: &[(String, String)]) -> Result<AmazonS3Builder> {
    let mut builder = AmazonS3Builder::new().with_bucket_name(url.host_str().unwrap_or_default());
    let in_url = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    for (name, value) in in_url.chain(options.iter().filter(|(name, _)| name != CREDENTIALS_FILE).cloned()) {
        let key: AmazonS3ConfigKey =
            name.to_ascii_lowercase().parse().map_err(|_| refuse(url.as_str(), format!("unknown option `{name}`")))?;
        builder = builder.with_config(key, value);
    }
    Ok(builder)
}

/// The URL without its query, which might hold what should not be logged.
pub(crate) fn refuse(url: &str, why: String) -> Error {
    let object = url.split('?').next().unwrap_or_default().to_owned();
    Error::Store { what: "opening the bucket", object, source: object_store::Error::Generic { store: "bucket", source: why.into() } }
}

impl Store {
    /// The whole object; `None`: there is none.
    pub(crate) async fn get(&self, object: &Path) -> Result<Option<Bytes>> {
        let found = match self.objects.get(object).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::store("reading", object)(error)),
        };
        let size = found.meta.size;
        let bytes = found.bytes().await.map_err(Error::store("reading", object))?;
        if bytes.len() as u64 != size {
            return Err(Error::store("reading", object)(too_short(bytes.len())));
        }
        Ok(Some(bytes))
    }

    /// Whether the object exists.
    pub(crate) async fn exists(&self, object: &Path) -> Result<bool> {
        match self.objects.head(object).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(Error::store("looking for", object)(error)),
        }
    }

    /// Puts an object whose name must be free.
    pub(crate) async fn create(&self, object: &Path, bytes: Bytes) -> object_store::Result<()> {
        self.objects.put_opts(object, PutPayload::from_bytes(bytes), PutMode::Create.into()).await.map(drop)
    }

    /// All objects below a prefix, in order of their names.
    pub(crate) async fn list(&self, prefix: &Path) -> Result<Vec<ObjectMeta>> {
        let mut objects: Vec<ObjectMeta> = self.objects.list(Some(prefix)).try_collect().await.map_err(Error::store("listing", prefix))?;
        objects.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(objects)
    }

    /// Removes an object; that there is none is as good.
    pub(crate) async fn delete(&self, object: &Path) -> Result<()> {
        match self.objects.delete(object).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::store("removing", object)(error)),
        }
    }

    /// Where the object is as a file, when the store is a directory.
    pub(crate) fn file(&self, object: &Path) -> Option<PathBuf> {
        self.directory.as_ref().map(|root| root.join(object.as_ref()))
    }
}

/// A read that ended early though the object is longer.
pub(crate) fn too_short(length: usize) -> object_store::Error {
    object_store::Error::Generic { store: "bucket", source: format!("the answer ended after {length} bytes").into() }
}

/// Whether trying again cannot help.
pub(crate) fn is_permanent(error: &object_store::Error) -> bool {
    use object_store::Error as E;
    matches!(
        error,
        E::PermissionDenied { .. } | E::Unauthenticated { .. } | E::NotSupported { .. } | E::NotImplemented { .. } | E::InvalidPath { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_opens_the_store_that_it_names() {
        let directory = tempfile::tempdir().unwrap();
        let url = Url::from_directory_path(directory.path().join("new")).unwrap();
        assert!(open_store(url.as_str(), &[]).unwrap().directory.is_some());
        assert!(open_store("memory:///", &[]).unwrap().directory.is_none());
        let key = ["aws_access_key_id", "aws_secret_access_key"].map(|name| (name.to_owned(), "x".to_owned()));
        let s3 = "s3://bucket/a/b?endpoint=http://localhost:1&allow_http=true&region=eu-west-1";
        assert!(open_store(s3, &key).unwrap().directory.is_none());
    }

    #[test]
    fn a_wrong_url_is_refused_with_the_reason() {
        for (url, why) in [("ftp://x/", "file, memory, s3"), ("bucket", "not a URL"), ("s3://bucket?colour=red", "`colour`")] {
            let error = open_store(url, &[]).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
