//! Accepting documents: which index, which primary key, is there room, then into the log.

use onggi_domain::{
    ApiError, Code, IndexUid,
    auth::Identity,
    index::Index,
    log::{DocumentMethod, Operation, Payload},
    task::{Task, TaskKind},
};
use onggi_metadata::NewTask;
use onggi_web::{Error, Result};
use serde_json::json;

use crate::{
    app::{Uploader, Write, details, new_task},
    documents::{Accepted, Decoded, Format, Input, Spooled, accept},
};

/// An upload as the caller wants it.
pub(crate) struct Upload {
    pub(crate) method: DocumentMethod,
    pub(crate) format: Format,
    /// The delimiter of CSV.
    pub(crate) delimiter: u8,
    /// The attribute of the id, if the caller names one.
    pub(crate) primary_key: Option<String>,
    /// What the caller gives along.
    pub(crate) custom_metadata: Option<String>,
}

impl Uploader {
    /// Accepts the documents of a body, all or none.
    pub(crate) async fn upload(&self, caller: &Identity, uid: &IndexUid, upload: Upload, body: Decoded) -> Result<Task> {
        let found = self.find_or_may_create(caller, uid).await?;
        let current = found.as_ref().and_then(|index| index.primary_key.clone());
        if let (Some(current), Some(given)) = (&current, &upload.primary_key)
            && current != given
        {
            return Err(has_other_primary_key(uid, current).into());
        }
        let primary_key = current.or(upload.primary_key);
        let input = Input {
            format: upload.format,
            delimiter: upload.delimiter,
            primary_key,
            spool: &self.deps.spool_dir,
            limits: &self.deps.limits,
        };
        // Until they are stored.
        let mut held = self.room(caller.tenant).await.held();
        let accepted = accept(body, input, &mut held).await?;
        let index = match found {
            Some(index) => index,
            None => self.create(caller.tenant, uid, accepted.primary_key.clone()).await?,
        };
        self.check_room(&index, accepted.documents)?;
        self.check_quota(&index, accepted.documents, accepted.raw_bytes).await?;
        self.append_documents(&index, upload.method, accepted, upload.custom_metadata).await
    }

    /// Whether the documents fit into the index's size class. Those that replace others are counted as well: which they are is known
    /// to the indexer only.
    fn check_room(&self, index: &Index, documents: u64) -> Result<()> {
        let size = self.deps.sizes.get(&index.selection.size)?;
        let present = index.published.as_ref().map_or(0, |published| published.documents);
        if present.saturating_add(documents) <= size.max_documents {
            return Ok(());
        }
        let (uid, name, max) = (&index.uid, &size.name, size.max_documents);
        Err(Error::api(
            Code::QuotaExceeded,
            format!(
                "Index `{uid}` has {present} documents and this upload has {documents}, but the size `{name}` holds at most {max}. Select a \
                 larger size with `PATCH /indexes/{uid}/containers`, or delete documents."
            ),
        ))
    }

    /// Whether the documents fit into the tenant's plan, by what the controller has recorded of all of its indexes.
    async fn check_quota(&self, index: &Index, documents: u64, bytes: u64) -> Result<()> {
        let plan = self.plan(index.tenant).await?;
        let held = self.deps.metadata.usage.held(index.tenant).await.map_err(Error::internal)?;
        Ok(plan.check_room(held.documents.saturating_add(documents), held.stored_bytes.saturating_add(bytes))?)
    }

    async fn append_documents(
        &self,
        index: &Index,
        method: DocumentMethod,
        accepted: Accepted,
        custom_metadata: Option<String>,
    ) -> Result<Task> {
        let documents = accepted.documents;
        let kind = TaskKind::DocumentAdditionOrUpdate;
        let primary_key = match accepted.primary_key {
            Some(primary_key) if documents > 0 => primary_key,
            _ => {
                let details = details(json!({"receivedDocuments": 0, "indexedDocuments": 0}));
                let task = new_task(index.tenant, Some(index.id), Some(index.uid.clone()), kind, details);
                return self.complete(&NewTask { custom_metadata, ..task }, None).await;
            }
        };
        let holds = self.deps.metadata.indexes.set_primary_key_if_absent(index.id, &primary_key).await.map_err(Error::internal)?;
        if holds != primary_key {
            return Err(has_other_primary_key(&index.uid, &holds).into());
        }
        let payload = match accepted.spooled {
            Spooled::Inline(bytes) => Payload::Inline { documents, raw_bytes: accepted.raw_bytes, bytes },
            Spooled::Large(stream) => {
                let put = self.bucket(index.tenant, index.id).put_payload(stream).await;
                let (name, size, checksum) = put.map_err(|error| not_stored(index, &error))?;
                Payload::Object { documents, raw_bytes: accepted.raw_bytes, name, size, checksum }
            }
        };
        let operation = Operation::AddDocuments { method, primary_key, documents: payload };
        let details = details(json!({"receivedDocuments": documents, "indexedDocuments": null}));
        self.submit(index, Write { kind, details, operation, custom_metadata }).await
    }
}

fn has_other_primary_key(uid: &IndexUid, current: &str) -> ApiError {
    ApiError::new(Code::IndexPrimaryKeyAlreadyExists, format!("Index `{uid}`: Index already has a primary key: `{current}`."))
}

fn not_stored(index: &Index, error: &onggi_bucket::Error) -> Error {
    tracing::error!(tenant = %index.tenant, index = %index.id, error = %error, "documents could not be stored");
    Error::api(Code::Unavailable, "The documents could not be stored; nothing was written. Try again.")
}
