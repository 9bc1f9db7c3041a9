//! An object store that fails on demand: before an operation's effect, after it, long after the caller has given up, half way, or by doing it twice.

use std::{
    collections::VecDeque,
    fmt,
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use object_store::{
    Attributes, CopyOptions, Error, Extensions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart, path::Path,
};
use onggi_domain::Timestamp;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// What is done to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A put that replaces, or the end of an upload in parts.
    Put,
    /// A put if absent.
    Create,
    /// A read of an object, or of a part of it.
    Get,
    /// A look at whether an object exists.
    Head,
    /// A listing.
    List,
    /// A copy.
    Copy,
    /// A removal.
    Delete,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing.
    None,
    /// It fails without effect.
    Before,
    /// It has its effect, and the caller is told that it failed.
    After,
    /// The caller is told that it failed; the effect comes when [`FaultyStore::land`] is called. Puts only; others fail without effect.
    Late,
    /// A put leaves half of the object and fails; a read ends half way.
    Torn,
    /// It is done twice, and the caller learns what the second one says.
    Twice,
}

/// Decides what goes wrong, and when: each step may wait.
pub trait Faults: fmt::Debug + Send + Sync + 'static {
    /// Before an operation.
    fn before<'a>(&'a self, operation: Operation, object: &'a Path) -> BoxFuture<'a, Fault>;

    /// After its effect, before the caller learns of it.
    fn after<'a>(&'a self, _operation: Operation, _object: &'a Path) -> BoxFuture<'a, ()> {
        futures::future::ready(()).boxed()
    }

    /// When objects are said to have been put; `None`: as the store says.
    fn now(&self) -> Option<Timestamp> {
        None
    }
}

/// Faults in a row: each is for the next operation of its kind on an object whose name contains its text.
#[derive(Debug, Default)]
pub struct Script(Mutex<VecDeque<(Operation, &'static str, Fault)>>);

impl Script {
    /// Adds a fault at the end.
    pub fn push(&self, operation: Operation, object: &'static str, fault: Fault) {
        self.0.lock().push_back((operation, object, fault));
    }

    /// Whether all faults have happened.
    pub fn is_done(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl Faults for Script {
    fn before<'a>(&'a self, operation: Operation, object: &'a Path) -> BoxFuture<'a, Fault> {
        let mut script = self.0.lock();
        let due = script.front().is_some_and(|(kind, text, _)| *kind == operation && object.as_ref().contains(text));
        let fault = if due { script.pop_front().map_or(Fault::None, |(_, _, fault)| fault) } else { Fault::None };
        futures::future::ready(fault).boxed()
    }
}

/// A store around another one, with faults.
#[derive(Debug, Clone)]
pub struct FaultyStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    inner: Arc<dyn ObjectStore>,
    faults: Arc<dyn Faults>,
    late: Mutex<Vec<(Path, PutPayload, PutOptions)>>,
    put_at: Mutex<FxHashMap<Path, Timestamp>>,
}

impl FaultyStore {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn ObjectStore>, faults: Arc<dyn Faults>) -> Self {
        Self { shared: Arc::new(Shared { inner, faults, late: Mutex::default(), put_at: Mutex::default() }) }
    }

    /// Lets late puts have their effect, or find that their object exists; returns how many there were.
    pub async fn land(&self) -> usize {
        let late = std::mem::take(&mut *self.shared.late.lock());
        let count = late.len();
        for (object, payload, options) in late {
            // Nobody waits for the outcome any more.
            let _ = self.shared.put(&object, payload, options).await;
        }
        count
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.shared.inner)
    }
}

fn failed(operation: Operation, object: &Path) -> Error {
    Error::Generic { store: "faulty", source: format!("{operation:?} of {object} failed as it was told to").into() }
}

impl Shared {
    async fn put(&self, object: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let result = self.inner.put_opts(object, payload, options).await?;
        self.stamp(object);
        Ok(result)
    }

    fn stamp(&self, object: &Path) {
        if let Some(now) = self.faults.now() {
            self.put_at.lock().insert(object.clone(), now);
        }
    }

    fn restamp(&self, mut meta: ObjectMeta) -> ObjectMeta {
        if let Some(put_at) = self.put_at.lock().get(&meta.location) {
            let since_epoch = Duration::from_micros(put_at.as_microsecond().unsigned_abs());
            meta.last_modified = (SystemTime::UNIX_EPOCH + since_epoch).into();
        }
        meta
    }
}

/// The first half of an object.
fn half(payload: &PutPayload) -> PutPayload {
    let bytes: Vec<u8> = payload.iter().flatten().copied().collect();
    Bytes::from(bytes[..bytes.len() / 2].to_vec()).into()
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let shared = &self.shared;
        let operation = if opts.mode == PutMode::Create { Operation::Create } else { Operation::Put };
        let outcome = match shared.faults.before(operation, location).await {
            Fault::None => shared.put(location, payload, opts).await,
            Fault::Before => Err(failed(operation, location)),
            Fault::After => shared.put(location, payload, opts).await.and(Err(failed(operation, location))),
            Fault::Late => {
                shared.late.lock().push((location.clone(), payload, opts));
                Err(failed(operation, location))
            }
            Fault::Torn => shared.put(location, half(&payload), opts).await.and(Err(failed(operation, location))),
            Fault::Twice => match shared.put(location, payload.clone(), opts.clone()).await {
                Ok(_) => shared.put(location, payload, opts).await,
                Err(error) => Err(error),
            },
        };
        shared.faults.after(operation, location).await;
        outcome
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.shared.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(FaultyUpload { inner, shared: Arc::clone(&self.shared), location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = if options.head { Operation::Head } else { Operation::Get };
        let fault = self.shared.faults.before(operation, location).await;
        if matches!(fault, Fault::Before | Fault::After | Fault::Late) {
            return Err(failed(operation, location));
        }
        let mut found = self.shared.inner.get_opts(location, options).await?;
        found.meta = self.shared.restamp(found.meta);
        if fault == Fault::Torn && operation == Operation::Get {
            let Range { start, end } = found.range.clone();
            let bytes = found.bytes().await?;
            let half = bytes.slice(..bytes.len() / 2);
            let meta = ObjectMeta {
                size: end,
                ..self.shared.inner.get_opts(location, GetOptions { head: true, ..GetOptions::default() }).await?.meta
            };
            let payload = GetResultPayload::Stream(futures::stream::once(async { Ok(half) }).boxed());
            found = GetResult { payload, meta, range: start..end, attributes: Attributes::default(), extensions: Extensions::default() };
        }
        self.shared.faults.after(operation, location).await;
        Ok(found)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let shared = Arc::clone(&self.shared);
        locations
            .then(move |location| {
                let shared = Arc::clone(&shared);
                async move {
                    let location = location?;
                    let fault = shared.faults.before(Operation::Delete, &location).await;
                    if matches!(fault, Fault::Before | Fault::Late | Fault::Torn) {
                        return Err(failed(Operation::Delete, &location));
                    }
                    let mut outcome = delete(&shared, &location).await;
                    if fault == Fault::Twice && outcome.is_ok() {
                        outcome = delete(&shared, &location).await;
                    }
                    shared.faults.after(Operation::Delete, &location).await;
                    if fault == Fault::After { Err(failed(Operation::Delete, &location)) } else { outcome }
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let shared = Arc::clone(&self.shared);
        let prefix = prefix.cloned().unwrap_or_default();
        let listing = async move {
            let fault = shared.faults.before(Operation::List, &prefix).await;
            if fault != Fault::None && fault != Fault::Twice {
                return futures::stream::once(async move { Err(failed(Operation::List, &prefix)) }).boxed();
            }
            // As a whole, so that the order of steps is not the store's secret.
            let objects: Vec<Result<ObjectMeta>> = shared.inner.list(Some(&prefix)).collect().await;
            let objects: Vec<_> = objects.into_iter().map(|object| object.map(|meta| shared.restamp(meta))).collect();
            shared.faults.after(Operation::List, &prefix).await;
            futures::stream::iter(objects).boxed()
        };
        listing.flatten_stream().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let everything = Path::default();
        let prefix = prefix.unwrap_or(&everything);
        match self.shared.faults.before(Operation::List, prefix).await {
            Fault::None | Fault::Twice => self.shared.inner.list_with_delimiter(Some(prefix)).await,
            _ => Err(failed(Operation::List, prefix)),
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let fault = self.shared.faults.before(Operation::Copy, to).await;
        if matches!(fault, Fault::Before | Fault::Late | Fault::Torn) {
            return Err(failed(Operation::Copy, to));
        }
        self.shared.inner.copy_opts(from, to, options.clone()).await?;
        if fault == Fault::Twice {
            self.shared.inner.copy_opts(from, to, options).await?;
        }
        self.shared.stamp(to);
        self.shared.faults.after(Operation::Copy, to).await;
        if fault == Fault::After { Err(failed(Operation::Copy, to)) } else { Ok(()) }
    }
}

async fn delete(shared: &Shared, location: &Path) -> Result<Path> {
    let one = futures::stream::iter([Ok(location.clone())]).boxed();
    shared.inner.delete_stream(one).next().await.unwrap_or_else(|| Ok(location.clone()))
}

/// An upload in parts whose end may fail.
#[derive(Debug)]
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    shared: Arc<Shared>,
    location: Path,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let fault = self.shared.faults.before(Operation::Put, &self.location).await;
        if matches!(fault, Fault::Before | Fault::Late | Fault::Torn) {
            return Err(failed(Operation::Put, &self.location));
        }
        let result = self.inner.complete().await?;
        self.shared.stamp(&self.location);
        self.shared.faults.after(Operation::Put, &self.location).await;
        if fault == Fault::After { Err(failed(Operation::Put, &self.location)) } else { Ok(result) }
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
