//! The store as a worker sees it whose credentials are for its prefix: read from a file that is written anew before they expire.
//!
//! S3 tells who may not list the whole bucket that an object which is not there is forbidden. Here such an object is looked for in the
//! listing of its folder, which is allowed, so that it is simply not there; what is in the listing and forbidden is an error.

use std::{
    fmt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, CredentialProvider, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, aws::AwsCredential, path::Path,
};
use parking_lot::Mutex;

use crate::sts::ScopedCredentials;

/// How long what was read of the file is used.
const FRESH: Duration = Duration::from_secs(20);

/// Credentials from a file with [`ScopedCredentials`] as JSON.
#[derive(Debug)]
pub(crate) struct CredentialsFile {
    path: PathBuf,
    read: Mutex<Option<(Instant, Arc<AwsCredential>)>>,
}

impl CredentialsFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, read: Mutex::default() }
    }
}

#[async_trait]
impl CredentialProvider for CredentialsFile {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let known = self.read.lock().clone();
        if let Some((_, credential)) = known.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(Arc::clone(credential));
        }
        let failed = |why: String| Error::Generic { store: "S3", source: format!("{}: {why}", self.path.display()).into() };
        let text = tokio::fs::read(&self.path).await.map_err(|error| failed(error.to_string()))?;
        // What is wrong with it is told without what it holds.
        let found: ScopedCredentials =
            serde_json::from_slice(&text).map_err(|error| failed(format!("not credentials: {:?}", error.classify())))?;
        let credential =
            Arc::new(AwsCredential { key_id: found.access_key_id, secret_key: found.secret_access_key, token: Some(found.session_token) });
        *self.read.lock() = Some((Instant::now(), Arc::clone(&credential)));
        Ok(credential)
    }
}

/// A store to which an object that is not there is forbidden.
#[derive(Debug)]
pub(crate) struct Scoped(pub(crate) Arc<dyn ObjectStore>);

impl fmt::Display for Scoped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Scoped {
    /// Whether the listing of the object's folder has it.
    async fn is_listed(&self, object: &Path) -> Result<bool> {
        let folder: Path = object.parts().take(object.parts_count().saturating_sub(1)).collect();
        // Listings are in order of names, which are made of digits, small letters, dots and hyphens: what is named by the letter before the
        // last one and then `z`s comes right before.
        let mut before = object.to_string();
        let lower = match before.pop() {
            Some('a') => Some('9'),
            Some(last) => u32::from(last).checked_sub(1).and_then(char::from_u32),
            None => None,
        };
        before.extend(lower);
        before.push_str("zzzz");
        let mut listing = self.0.list_with_offset(Some(&folder), &Path::from(before));
        Ok(listing.next().await.transpose()?.is_some_and(|first| first.location == *object))
    }
}

#[async_trait]
impl ObjectStore for Scoped {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match self.0.get_opts(location, options).await {
            Err(Error::PermissionDenied { path, source }) => match self.is_listed(location).await {
                Ok(false) => Err(Error::NotFound { path, source }),
                _ => Err(Error::PermissionDenied { path, source }),
            },
            other => other,
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use object_store::{ObjectStoreExt, memory::InMemory};
    use onggi_domain::Timestamp;

    use super::*;

    /// Forbids what is not there, as S3 does, and what is named `secret`.
    #[derive(Debug)]
    struct Forbidding(InMemory);

    impl fmt::Display for Forbidding {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }

    #[async_trait]
    impl ObjectStore for Forbidding {
        async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
            self.0.put_opts(location, payload, options).await
        }

        async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
            self.0.put_multipart_opts(location, options).await
        }

        async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
            let forbidden = |path: String| Error::PermissionDenied { path, source: "403".into() };
            if location.filename() == Some("secret") {
                return Err(forbidden(location.to_string()));
            }
            match self.0.get_opts(location, options).await {
                Err(Error::NotFound { path, .. }) => Err(forbidden(path)),
                other => other,
            }
        }

        fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
            self.0.delete_stream(locations)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
            self.0.list(prefix)
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
            self.0.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
            self.0.copy_opts(from, to, options).await
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_there_and_what_is_forbidden_is_forbidden() {
        let inner = InMemory::new();
        for name in ["i/log/00000000000000000009", "i/log/00000000000000000011", "i/secret", "i/secrets"] {
            inner.put(&name.into(), "x".into()).await.unwrap();
        }
        let store = Scoped(Arc::new(Forbidding(inner)));
        assert!(store.get(&"i/log/00000000000000000009".into()).await.is_ok());
        for absent in ["i/log/00000000000000000010", "i/log/00000000000000000012", "i/secre", "j/x"] {
            let error = store.get(&absent.into()).await.unwrap_err();
            assert!(matches!(error, Error::NotFound { .. }), "{absent}: {error}");
        }
        let error = store.get(&"i/secret".into()).await.unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{error}");
    }

    #[tokio::test]
    async fn credentials_come_from_the_file_and_an_error_does_not_show_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let credentials = ScopedCredentials {
            access_key_id: "id".to_owned(),
            secret_access_key: "hidden".to_owned(),
            session_token: "token".to_owned(),
            expires_at: Timestamp::now(),
        };
        std::fs::write(file.path(), serde_json::to_vec(&credentials).unwrap()).unwrap();
        let provider = CredentialsFile::new(file.path().to_owned());
        let read = provider.get_credential().await.unwrap();
        assert_eq!((read.key_id.as_str(), read.token.as_deref()), ("id", Some("token")));
        std::fs::write(file.path(), "{\"secretAccessKey\": \"hidden\"").unwrap();
        assert!(provider.get_credential().now_or_never().unwrap().is_ok(), "what was read is used for a while");
        let error = CredentialsFile::new(file.path().to_owned()).get_credential().await.unwrap_err().to_string();
        assert!(!error.contains("hidden"), "{error}");
    }
}
