//! An S3 server in memory whose put-if-absent is atomic, as that of the real ones: what races are tested against.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use bytes::Bytes;
use futures::{TryStreamExt, stream};
use s3s::{
    S3, S3Request, S3Response, S3Result,
    auth::SimpleAuth,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CommonPrefix, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
        CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, CreateMultipartUploadInput, CreateMultipartUploadOutput,
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, GetObjectInput,
        GetObjectOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object, PutObjectInput,
        PutObjectOutput, StreamingBlob, Timestamp, UploadPartInput, UploadPartOutput,
    },
    s3_error,
    service::S3ServiceBuilder,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running server. It ends with this value.
pub struct S3Server {
    address: SocketAddr,
    objects: Arc<Objects>,
    serving: JoinHandle<()>,
}

/// The name and the secret of the only key.
pub const S3_KEY: (&str, &str) = ("onggi-test", "onggi-test-secret");
/// Entries on a page of a list.
const PAGE: usize = 1000;

#[derive(Default)]
struct Objects {
    objects: Mutex<BTreeMap<String, Stored>>,
    uploads: Mutex<BTreeMap<String, BTreeMap<i32, Bytes>>>,
}

#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    tag: String,
    modified: SystemTime,
}

impl S3Server {
    /// Serves a bucket of any name on an address; port 0 takes a free one.
    pub async fn start(address: SocketAddr) -> Self {
        let objects = Arc::new(Objects::default());
        let mut builder = S3ServiceBuilder::new(Served(objects.clone()));
        builder.set_auth(SimpleAuth::from_single(S3_KEY.0, S3_KEY.1));
        let service = builder.build();
        let listener = TcpListener::bind(address).await.expect("an address to serve S3 on");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let service = service.clone();
                tokio::spawn(async move {
                    let connection =
                        hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(stream), service);
                    // A client that goes away is no matter.
                    let _ = connection.await;
                });
            }
        });
        Self { address, objects, serving }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bucket as a URL.
    pub fn url(&self) -> String {
        format!("s3://onggi?endpoint=http://{}&allow_http=true&region=us-east-1", self.address)
    }

    /// The names of all objects below a prefix.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        self.objects.lock().keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Objects {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.objects.lock().expect("nobody panics with the lock")
    }

    fn get(&self, key: &str) -> S3Result<Stored> {
        self.lock().get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }

    /// Check and write under one lock: of two that race, one is refused.
    fn put(&self, key: String, bytes: Bytes, if_absent: bool) -> S3Result<String> {
        static VERSIONS: AtomicU64 = AtomicU64::new(1);
        let tag = format!("{:032x}", VERSIONS.fetch_add(1, Ordering::Relaxed));
        let mut objects = self.lock();
        if if_absent && objects.contains_key(&key) {
            return Err(s3_error!(PreconditionFailed));
        }
        objects.insert(key, Stored { bytes, tag: tag.clone(), modified: SystemTime::now() });
        Ok(tag)
    }
}

struct Served(Arc<Objects>);

async fn collect(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    let chunks: Vec<Bytes> = body.try_collect().await.map_err(|_| s3_error!(IncompleteBody))?;
    Ok(chunks.concat().into())
}

#[async_trait::async_trait]
impl S3 for Served {
    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        let if_absent = input.if_none_match.is_some();
        let bytes = collect(input.body).await?;
        let tag = self.0.put(input.key, bytes, if_absent)?;
        Ok(S3Response::new(PutObjectOutput { e_tag: Some(ETag::Strong(tag)), ..PutObjectOutput::default() }))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let stored = self.0.get(&req.input.key)?;
        let whole = stored.bytes.len() as u64;
        let (bytes, content_range) = match req.input.range {
            Some(range) => {
                let range = range.check(whole)?;
                let text = format!("bytes {}-{}/{whole}", range.start, range.end - 1);
                (stored.bytes.slice(range.start as usize..range.end as usize), Some(text))
            }
            None => (stored.bytes, None),
        };
        let length = bytes.len() as i64;
        let body = StreamingBlob::wrap(stream::iter([Ok::<_, std::io::Error>(bytes)]));
        Ok(S3Response::new(GetObjectOutput {
            body: Some(body),
            content_length: Some(length),
            content_range,
            e_tag: Some(ETag::Strong(stored.tag)),
            last_modified: Some(Timestamp::from(stored.modified)),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let stored = self.0.get(&req.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(stored.bytes.len() as i64),
            e_tag: Some(ETag::Strong(stored.tag)),
            last_modified: Some(Timestamp::from(stored.modified)),
            ..HeadObjectOutput::default()
        }))
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.0.lock().remove(&req.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(&self, req: S3Request<DeleteObjectsInput>) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let keys = req.input.delete.objects.into_iter().map(|object| object.key);
        let delete = |key: String| {
            self.0.lock().remove(&key);
            DeletedObject { key: Some(key), ..DeletedObject::default() }
        };
        let deleted = Some(keys.map(delete).collect());
        Ok(S3Response::new(DeleteObjectsOutput { deleted, ..DeleteObjectsOutput::default() }))
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        let CopySource::Bucket { key, .. } = &req.input.copy_source else { return Err(s3_error!(NotImplemented)) };
        let bytes = self.0.get(key)?.bytes;
        let tag = self.0.put(req.input.key, bytes, false)?;
        let result = CopyObjectResult {
            e_tag: Some(ETag::Strong(tag)),
            last_modified: Some(Timestamp::from(SystemTime::now())),
            ..CopyObjectResult::default()
        };
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() }))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.clone().or(input.start_after).unwrap_or_default();
        let delimiter = input.delimiter.clone().unwrap_or_default();
        let (mut contents, mut prefixes, mut last, mut truncated) = (Vec::new(), Vec::<String>::new(), String::new(), false);
        for (key, stored) in self.0.lock().iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after) {
            let folder = (!delimiter.is_empty()).then(|| key[prefix.len()..].find(&delimiter)).flatten();
            let folder = folder.map(|at| key[..prefix.len() + at + delimiter.len()].to_owned());
            if folder.as_ref().is_some_and(|folder| prefixes.last() == Some(folder) || after.starts_with(folder.as_str())) {
                last.clone_from(key);
                continue;
            }
            if contents.len() + prefixes.len() == PAGE {
                truncated = true;
                break;
            }
            last.clone_from(key);
            match folder {
                Some(folder) => prefixes.push(folder),
                None => contents.push(Object {
                    key: Some(key.clone()),
                    size: Some(stored.bytes.len() as i64),
                    e_tag: Some(ETag::Strong(stored.tag.clone())),
                    last_modified: Some(Timestamp::from(stored.modified)),
                    ..Object::default()
                }),
            }
        }
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: Some((contents.len() + prefixes.len()) as i32),
            contents: Some(contents),
            common_prefixes: Some(prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect()),
            is_truncated: Some(truncated),
            next_continuation_token: truncated.then_some(last),
            name: Some(input.bucket),
            prefix: input.prefix,
            max_keys: Some(PAGE as i32),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        static UPLOADS: AtomicU64 = AtomicU64::new(1);
        let mut uploads = self.0.uploads.lock().expect("nobody panics with the lock");
        let id = UPLOADS.fetch_add(1, Ordering::Relaxed).to_string();
        uploads.insert(id.clone(), BTreeMap::new());
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(req.input.bucket),
            key: Some(req.input.key),
            upload_id: Some(id),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        let bytes = collect(req.input.body).await?;
        let mut uploads = self.0.uploads.lock().expect("nobody panics with the lock");
        let parts = uploads.get_mut(&req.input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        parts.insert(req.input.part_number, bytes);
        let tag = ETag::Strong(format!("{:032x}", req.input.part_number));
        Ok(S3Response::new(UploadPartOutput { e_tag: Some(tag), ..UploadPartOutput::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let parts = self.0.uploads.lock().expect("nobody panics with the lock").remove(&input.upload_id);
        let parts: Vec<Bytes> = parts.ok_or_else(|| s3_error!(NoSuchUpload))?.into_values().collect();
        let tag = self.0.put(input.key.clone(), parts.concat().into(), input.if_none_match.is_some())?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(tag)),
            ..CompleteMultipartUploadOutput::default()
        }))
    }

    async fn abort_multipart_upload(&self, req: S3Request<AbortMultipartUploadInput>) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.0.uploads.lock().expect("nobody panics with the lock").remove(&req.input.upload_id);
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}
