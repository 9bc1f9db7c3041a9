//! What every write has in common: find or create the index, allocate the task, append, tell the controller.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use http::{Method, Request};
use moka::future::Cache;
use onggi_bucket::{Appender, IndexBucket};
use onggi_domain::{
    ApiError, Code, IndexId, IndexUid, TenantId, Timestamp,
    auth::Identity,
    container::Selection,
    index::Index,
    key::Action,
    log::{Operation, Record},
    plan::{Plan, Selected},
    task::{Task, TaskDetails, TaskKind},
};
use onggi_metadata::NewTask;
use onggi_web::{
    Error, Result,
    room::{Room, Rooms},
};

use crate::Deps;

/// Indexes whose appender is kept.
const APPENDERS: u64 = 10_000;
/// How long an appender, or what is known of a tenant, is kept after its last use.
const IDLE: Duration = Duration::from_mins(10);

/// The application behind the routes.
#[derive(Clone)]
pub(crate) struct Uploader {
    pub(crate) deps: Arc<Deps>,
    /// One appender an index, so that what arrives together shares an entry. A second one would be correct too, only slower.
    appenders: Cache<IndexId, Appender>,
    rooms: Arc<Rooms>,
    /// Each tenant's part of it.
    parts: Cache<TenantId, Room>,
}

/// A write that was checked.
pub(crate) struct Write {
    pub(crate) kind: TaskKind,
    pub(crate) details: TaskDetails,
    pub(crate) operation: Operation,
    /// What the caller gives along.
    pub(crate) custom_metadata: Option<String>,
}

impl Uploader {
    pub(crate) fn new(deps: Deps) -> Self {
        if let Err(error) = std::fs::create_dir_all(&deps.spool_dir) {
            tracing::warn!(path = %deps.spool_dir.display(), error = %error, "directory for large uploads could not be made");
        }
        let appenders = Cache::builder().max_capacity(APPENDERS).time_to_idle(IDLE).build();
        let rooms = Arc::new(Rooms::new(deps.limits.uploading_bytes.as_u64(), Code::Unavailable));
        let parts = Cache::builder().time_to_idle(IDLE).build();
        Self { deps: Arc::new(deps), appenders, rooms, parts }
    }

    /// Where a tenant's uploads find room.
    pub(crate) async fn room(&self, tenant: TenantId) -> Room {
        self.parts.get_with(tenant, async { self.rooms.part() }).await
    }

    /// The caller's index of this name, if there is one.
    pub(crate) async fn find(&self, tenant: TenantId, uid: &IndexUid) -> Result<Option<Index>> {
        match self.deps.metadata.indexes.get(tenant, uid).await {
            Ok(index) => Ok(Some(index)),
            Err(onggi_metadata::Error::NotFound(_)) => Ok(None),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// The caller's index of this name, or `None` when it is absent and the caller may create it.
    pub(crate) async fn find_or_may_create(&self, caller: &Identity, uid: &IndexUid) -> Result<Option<Index>> {
        let found = self.find(caller.tenant, uid).await?;
        if found.is_none() && !caller.allows(Action::IndexesCreate, Some(uid.as_str())) {
            return Err(ApiError::index_not_found(uid.as_str()).into());
        }
        Ok(found)
    }

    /// Creates an index of the default size; returns the one that another request has created meanwhile if so.
    pub(crate) async fn create(&self, tenant: TenantId, uid: &IndexUid, primary_key: Option<String>) -> Result<Index> {
        let selection = Selection::new(self.deps.sizes.default_size());
        let index = Index::new(tenant, uid.clone(), primary_key, selection, Timestamp::now());
        let plan = self.plan(tenant).await?;
        let check = |before: &[Selected], after: &[Selected]| plan.check_selections(before, after, &self.deps.sizes);
        match self.deps.metadata.indexes.create_within(&index, &check).await {
            Ok(()) => Ok(index),
            Err(onggi_metadata::Error::Refused(error)) => Err(error.into()),
            Err(onggi_metadata::Error::AlreadyExists(_)) => {
                self.find(tenant, uid).await?.ok_or_else(|| ApiError::index_not_found(uid.as_str()).into())
            }
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// The plan of a tenant.
    pub(crate) async fn plan(&self, tenant: TenantId) -> Result<&Plan> {
        let name = self.deps.metadata.tenants.get(tenant).await.map_err(Error::internal)?.plan;
        Ok(self.deps.plans.of(name.as_deref()))
    }

    /// The objects of an index.
    pub(crate) fn bucket(&self, tenant: TenantId, index: IndexId) -> IndexBucket {
        IndexBucket::new(self.deps.store.clone(), &IndexBucket::prefix(tenant, index))
    }

    /// Accepts a write: returns its task once the entry is durable. Goes on when the caller goes away.
    pub(crate) async fn submit(&self, index: &Index, write: Write) -> Result<Task> {
        let uploader = self.clone();
        let task = new_task(index.tenant, Some(index.id), Some(index.uid.clone()), write.kind, write.details);
        let task = NewTask { custom_metadata: write.custom_metadata, ..task };
        tokio::spawn(async move {
            let index = task.index.expect("a write is about an index");
            uploader.submit_to(&task, &[(index, write.operation)]).await
        })
        .await
        .map_err(Error::internal)?
    }

    /// Allocates the task and appends one record for each index; the task's entry is the last one that was appended.
    pub(crate) async fn submit_to(&self, task: &NewTask, writes: &[(IndexId, Operation)]) -> Result<Task> {
        let mut task = self.deps.metadata.tasks.allocate(task).await.map_err(Error::internal)?;
        for (index, operation) in writes {
            let record = Record { task: task.uid, enqueued_at: task.enqueued_at, operation: operation.clone() };
            let appended = self.appender(task.tenant, *index).await.append(record).await;
            task.seq = Some(appended.map_err(|error| {
                tracing::error!(tenant = %task.tenant, %index, task = %task.uid, error = %error, "append failed");
                // Whether the entry was put is not known: the controller looks into the log and notes or removes the task.
                let message = "The write could not be stored. Try again: a write that is sent twice has the effect of one.";
                Error::api(Code::Unavailable, message)
            })?);
        }
        if let Some(seq) = task.seq
            && let Err(error) = self.deps.metadata.tasks.appended(task.tenant, task.uid, seq).await
        {
            // The entry is durable, so the write is accepted; the controller repairs the row from the log.
            tracing::warn!(tenant = %task.tenant, task = %task.uid, error = %error, "append could not be noted");
        }
        for (index, _) in writes {
            self.notify(*index);
        }
        Ok(task)
    }

    /// A task that needs no log entry: it is at its end already, failed when there is an error.
    pub(crate) async fn complete(&self, task: &NewTask, error: Option<&ApiError>) -> Result<Task> {
        self.deps.metadata.tasks.complete_at_once(task, error).await.map_err(Error::internal)
    }

    async fn appender(&self, tenant: TenantId, index: IndexId) -> Appender {
        self.appenders.get_with(index, async { Appender::new(self.bucket(tenant, index)) }).await
    }

    /// Tells the controller to look now; it also looks on its own.
    fn notify(&self, index: IndexId) {
        let controller = self.deps.controller.clone();
        tokio::spawn(async move {
            let request = Request::builder().method(Method::POST).uri(format!("/internal/indexes/{index}/changed")).body(Body::empty());
            match controller.send(request.expect("the path is plain ASCII")).await {
                Ok(response) if response.status().is_success() => {}
                Ok(response) => tracing::debug!(%index, status = response.status().as_u16(), "controller did not take the notice"),
                Err(error) => tracing::debug!(%index, error = %error, "controller could not be told"),
            }
        });
    }
}

/// A task that is accepted now.
pub(crate) fn new_task(
    tenant: TenantId,
    index: Option<IndexId>,
    index_uid: Option<IndexUid>,
    kind: TaskKind,
    details: TaskDetails,
) -> NewTask {
    NewTask { tenant, index, index_uid, kind, details, custom_metadata: None, targets: None, enqueued_at: Timestamp::now() }
}

/// Task details from a JSON object.
pub(crate) fn details(json: serde_json::Value) -> TaskDetails {
    match json {
        serde_json::Value::Object(details) => details,
        _ => TaskDetails::new(),
    }
}
