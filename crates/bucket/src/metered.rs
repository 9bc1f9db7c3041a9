//! How long the store takes, as a metric: `onggi_bucket_seconds`, by what was done and whether it went well.

use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, path::Path,
};

/// A store around another one.
#[derive(Debug)]
pub(crate) struct Metered(pub(crate) Arc<dyn ObjectStore>);

impl fmt::Display for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An answer that was looked for is one, whatever it says: only a store that could not answer has failed.
fn record<T>(operation: &'static str, since: Instant, result: &Result<T>) {
    let outcome = match result {
        Ok(_) | Err(Error::NotFound { .. } | Error::AlreadyExists { .. } | Error::NotModified { .. }) => "ok",
        Err(_) => "error",
    };
    metrics::histogram!("onggi_bucket_seconds", "operation" => operation, "outcome" => outcome).record(since.elapsed().as_secs_f64());
}

async fn timed<T>(operation: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
    let since = Instant::now();
    let result = call.await;
    record(operation, since, &result);
    result
}

/// Each page of a listing is a call, and which objects came with which page is not seen from here: the whole is one.
fn listing(objects: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let since = Instant::now();
    let objects = objects.map(move |object| {
        if object.is_err() {
            record("list", since, &object);
        }
        Some(object)
    });
    let end = futures::stream::once(async move {
        record("list", since, &Ok(()));
        None
    });
    objects.chain(end).filter_map(futures::future::ready).boxed()
}

#[async_trait]
impl ObjectStore for Metered {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let operation = if options.mode == PutMode::Create { "create" } else { "put" };
        timed(operation, self.0.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        timed("put_multipart", self.0.put_multipart_opts(location, options)).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = if options.head { "head" } else { "get" };
        timed(operation, self.0.get_opts(location, options)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let since = Instant::now();
        self.0.delete_stream(locations).inspect(move |result| record("delete", since, result)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        listing(self.0.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        listing(self.0.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        timed("list", self.0.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        timed("copy", self.0.copy_opts(from, to, options)).await
    }
}
