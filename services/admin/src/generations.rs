//! `/indexes/{uid}/generations`: the history that is kept, and forking one to a new index. Going back to one is a log entry: the
//! uploader takes it.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use futures::{StreamExt, TryStreamExt, stream};
use onggi_domain::{
    ApiError, Code, Generation, IndexUid, Timestamp,
    auth::Identity,
    generation::{Manifest, TaskOutcome, TaskResult},
    index::{Index, Published},
    key::Action,
    task::{Task, TaskKind, TaskStatus},
};
use onggi_web::{Caller, Error, Result};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    app::{Admin, accepted, new_task, require},
    fields::{Fields, given, invalid, missing},
    indexes::already_exists,
};

/// Manifests read at the same time.
const PARALLEL: usize = 8;

pub(crate) fn router() -> Router<Admin> {
    Router::new()
        .route("/indexes/{uid}/generations", get(list))
        .route("/indexes/{uid}/generations/{generation}", get(show))
        .route("/indexes/{uid}/generations/{generation}/fork", post(fork))
}

async fn list(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    let index = admin.index(&caller, &uid).await?;
    let numbers = admin.generations(&index).await?;
    let current = index.published.as_ref().map(|published| published.generation);
    let results: Vec<Value> = admin.manifests(&index, numbers).await?.iter().map(|manifest| view(manifest, current)).collect();
    Ok(Json(json!({"results": results})))
}

async fn show(State(admin): State<Admin>, Caller(caller): Caller, Path((uid, generation)): Path<(String, String)>) -> Result<Json<Value>> {
    let generation = number(&generation)?;
    let index = admin.index(&caller, &uid).await?;
    let manifest = admin.manifest(&index, generation).await?;
    let state = &manifest.state;
    let mut view = view(&manifest, index.published.as_ref().map(|published| published.generation));
    view["batchUid"] = json!(manifest.batch());
    view["primaryKey"] = json!(state.primary_key);
    view["rawBytes"] = json!(state.raw_bytes);
    view["fieldDistribution"] = json!(state.fields);
    // What has rights of its own elsewhere has them here.
    if caller.allows(Action::SettingsGet, Some(index.uid.as_str())) {
        view["settings"] = json!(state.settings);
    }
    if caller.allows(Action::TasksGet, Some(index.uid.as_str())) {
        view["tasks"] = manifest.outcomes.iter().map(outcome).collect();
    }
    Ok(Json(view))
}

/// What became of a task, as the generation that holds its effect has it written down.
fn outcome(outcome: &TaskOutcome) -> Value {
    let (status, error, canceled_by) = match &outcome.result {
        TaskResult::Succeeded => (TaskStatus::Succeeded, None, None),
        TaskResult::Failed { error } => (TaskStatus::Failed, Some(error), None),
        TaskResult::Canceled { by } => (TaskStatus::Canceled, None, Some(by)),
    };
    json!({
        "uid": outcome.task,
        "type": outcome.kind,
        "status": status,
        "details": outcome.details,
        "error": error,
        "canceledBy": canceled_by,
        "enqueuedAt": outcome.enqueued_at,
        "startedAt": outcome.started_at,
    })
}

fn number(text: &str) -> Result<Generation, ApiError> {
    text.parse().map_err(|_| {
        let message = format!("`{text}` is not the number of a generation: expected 1 or more.");
        ApiError::new(Code::InvalidGeneration, message)
    })
}

fn view(manifest: &Manifest, current: Option<Generation>) -> Value {
    json!({
        "generation": manifest.generation,
        "createdAt": manifest.created_at,
        "committedSeq": manifest.committed_seq,
        "documents": manifest.state.documents,
        "cause": manifest.cause,
        "bytes": manifest.files.iter().map(|file| file.size).sum::<u64>(),
        "current": current == Some(manifest.generation),
    })
}

async fn fork(
    State(admin): State<Admin>,
    Caller(caller): Caller,
    Path((uid, generation)): Path<(String, String)>,
    body: Body,
) -> Result<Response> {
    let generation = number(&generation)?;
    let fields = Fields::parse(&admin.body(body).await?, &["uid"])?;
    let text = given(fields.text("uid", Code::InvalidIndexUid)?).ok_or_else(|| missing("uid", Code::MissingIndexUid))?;
    let target = text.parse().map_err(|error: ApiError| invalid("uid", &error.message, Code::InvalidIndexUid))?;
    Ok(accepted(&admin.fork(&caller, &uid, generation, target).await?))
}

impl Admin {
    /// The generations of an index that are kept, newest first.
    pub(crate) async fn generations(&self, index: &Index) -> Result<Vec<Generation>> {
        let mut numbers = self.bucket(index.tenant, index.id).generations().await.map_err(Error::internal)?;
        numbers.reverse();
        Ok(numbers)
    }

    /// What these generations consist of, without those that were let go meanwhile.
    pub(crate) async fn manifests(&self, index: &Index, generations: Vec<Generation>) -> Result<Vec<Manifest>> {
        let bucket = self.bucket(index.tenant, index.id);
        let manifests: Vec<Option<Manifest>> = stream::iter(generations)
            .map(async |number| match bucket.manifest(number).await {
                Ok(manifest) => Ok(Some(manifest)),
                Err(onggi_bucket::Error::NoGeneration(_)) => Ok(None),
                Err(error) => Err(Error::internal(error)),
            })
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        Ok(manifests.into_iter().flatten().collect())
    }

    /// What a generation of an index consists of.
    pub(crate) async fn manifest(&self, index: &Index, generation: Generation) -> Result<Manifest> {
        match self.bucket(index.tenant, index.id).manifest(generation).await {
            Ok(manifest) => Ok(manifest),
            Err(onggi_bucket::Error::NoGeneration(_)) => {
                let message = format!("Generation {generation} of index `{}` not found: it never was, or is no longer kept.", index.uid);
                Err(Error::api(Code::GenerationNotFound, message))
            }
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Copies a generation to a new index; answers once that is there, whole. A crash meanwhile leaves neither an index nor a task.
    async fn fork(&self, caller: &Identity, source: &str, generation: Generation, target: IndexUid) -> Result<Task> {
        require(caller, Action::IndexesCreate, &target)?;
        let source = self.index(caller, source).await?;
        let manifest = self.manifest(&source, generation).await?;
        if self.find(caller, &target).await?.is_some() {
            return Err(already_exists(&target).into());
        }
        let details = json!({"source": source.uid, "generation": generation});
        let task = new_task(caller, None, Some(target.clone()), TaskKind::IndexFork, details);
        let index = Index::new(source.tenant, target, None, source.selection.clone(), Timestamp::now());
        // Before anything is copied, and when the index is stored once more.
        self.check_fork(&index, &Published::from(&manifest)).await?;
        let admin = self.clone();
        // A caller that hangs up does not leave half a copy behind.
        let fork = tokio::spawn(async move {
            let failure = match admin.copy(&source, generation, index).await {
                Ok(()) => None,
                Err(Error::Api(error)) => Some(error),
                Err(error) => return Err(error),
            };
            admin.complete(&task, failure.as_ref()).await
        });
        fork.await.map_err(Error::internal)?
    }

    /// Whether the tenant's plan has room for a fork.
    async fn check_fork(&self, index: &Index, copied: &Published) -> Result<()> {
        let metadata = &self.0.metadata;
        let plan = self.plan_of(index.tenant).await?;
        let before = metadata.indexes.selections(index.tenant).await.map_err(Error::internal)?;
        let mut after = before.clone();
        after.push((index.id, index.selection.clone()));
        plan.check_selections(&before, &after, &self.0.sizes)?;
        let held = metadata.usage.held(index.tenant).await.map_err(Error::internal)?;
        let (documents, bytes) = (held.documents.saturating_add(copied.documents), held.stored_bytes.saturating_add(copied.stored_bytes));
        Ok(plan.check_room(documents, bytes)?)
    }

    /// Copies the objects first and creates the index last, so that it is never seen without its documents.
    async fn copy(&self, source: &Index, generation: Generation, mut index: Index) -> Result<()> {
        let (bucket, original) = (self.bucket(index.tenant, index.id), self.bucket(source.tenant, source.id));
        // What lies below an id that is older, and has no index, is taken for what a crash has left.
        let copying = timeout(onggi_bucket::FORK_TIME, bucket.fork_from(&original, source.id, generation));
        let copied = copying.await.map_err(|_| Error::internal("the copies of a fork took too long"))?;
        let manifest = copied.map_err(Error::internal)?;
        index.primary_key.clone_from(&manifest.state.primary_key);
        index.settings = manifest.state.settings.clone();
        index.published = Some(Published::from(&manifest));
        match self.store(&index).await {
            Ok(()) => {}
            Err(onggi_metadata::Error::Refused(error)) => {
                bucket.remove_all().await.map_err(Error::internal)?;
                return Err(error.into());
            }
            Err(onggi_metadata::Error::AlreadyExists(_)) => {
                bucket.remove_all().await.map_err(Error::internal)?;
                return Err(already_exists(&index.uid).into());
            }
            Err(error) => return Err(Error::internal(error)),
        }
        self.notify(index.id);
        Ok(())
    }
}
