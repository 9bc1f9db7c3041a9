//! A streamed upload: one put when it is small, in parts when it is large.

use bytes::{Bytes, BytesMut};
use object_store::{ObjectStoreExt, WriteMultipart, path::Path};

use crate::{Error, Result, Store};

/// The size from which an object is put in parts, and the size of a part.
const PART: usize = 8 << 20;

/// Parts under way at the same time.
const PARALLEL: usize = 4;

/// An upload under way. Dropped, it leaves nothing that is visible.
pub(crate) struct Upload<'a> {
    store: &'a Store,
    object: Path,
    small: BytesMut,
    parts: Option<WriteMultipart>,
}

impl<'a> Upload<'a> {
    /// To an object of a name that nobody else uses: parts replace what is there.
    pub(crate) fn begin(store: &'a Store, object: Path) -> Self {
        Self { store, object, small: BytesMut::new(), parts: None }
    }

    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if self.parts.is_none() {
            if self.small.len() + bytes.len() <= PART {
                self.small.extend_from_slice(&bytes);
                return Ok(());
            }
            let upload = self.store.objects.put_multipart(&self.object).await.map_err(Error::store("uploading", &self.object))?;
            let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
            parts.put(self.small.split().freeze());
            self.parts = Some(parts);
        }
        let Some(parts) = &mut self.parts else { return Ok(()) };
        let ready = parts.wait_for_capacity(PARALLEL).await;
        if let Err(error) = ready {
            self.abort().await;
            return Err(Error::store("uploading", &self.object)(error));
        }
        parts.put(bytes);
        Ok(())
    }

    /// Makes the object visible. An object of that name that exists already is this one, put by an attempt that the store made twice.
    pub(crate) async fn finish(self) -> Result<()> {
        let finished = match self.parts {
            Some(parts) => parts.finish().await.map(drop),
            None => self.store.create(&self.object, self.small.freeze()).await,
        };
        match finished {
            Ok(()) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(Error::store("uploading", &self.object)(error)),
        }
    }

    /// Gives up.
    pub(crate) async fn abort(&mut self) {
        if let Some(parts) = self.parts.take() {
            // The store forgets abandoned parts by itself in time.
            let _ = parts.abort().await;
        }
    }
}
