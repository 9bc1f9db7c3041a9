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
    generation::Manifest,
    index::{Index, Published},
    key::Action,
    task::{Task, TaskKind},
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
    Router::new().route("/indexes/{uid}/generations", get(list)).route("/indexes/{uid}/generations/{generation}/fork", post(fork))
}

async fn list(State(admin): State<Admin>, Caller(caller): Caller, Path(uid): Path<String>) -> Result<Json<Value>> {
    let index = admin.index(&caller, &uid).await?;
    let bucket = admin.bucket(index.tenant, index.id);
    let numbers = bucket.generations().await.map_err(Error::internal)?;
    let manifests: Vec<Option<Manifest>> = stream::iter(numbers.into_iter().rev())
        .map(async |number| match bucket.manifest(number).await {
            Ok(manifest) => Ok(Some(manifest)),
            // It was let go between the two calls.
            Err(onggi_bucket::Error::NoGeneration(_)) => Ok(None),
            Err(error) => Err(Error::internal(error)),
        })
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    let current = index.published.map(|published| published.generation);
    let results: Vec<Value> = manifests.iter().flatten().map(|manifest| view(manifest, current)).collect();
    Ok(Json(json!({"results": results})))
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
    let generation = generation.parse().map_err(|_| {
        ApiError::new(Code::InvalidGeneration, format!("`{generation}` is not the number of a generation: expected 1 or more."))
    })?;
    let fields = Fields::parse(&admin.body(body).await?, &["uid"])?;
    let text = given(fields.text("uid", Code::InvalidIndexUid)?).ok_or_else(|| missing("uid", Code::MissingIndexUid))?;
    let target = text.parse().map_err(|error: ApiError| invalid("uid", &error.message, Code::InvalidIndexUid))?;
    Ok(accepted(&admin.fork(&caller, &uid, generation, target).await?))
}

impl Admin {
    /// Copies a generation to a new index; answers once that is there, whole. A crash meanwhile leaves neither an index nor a task.
    async fn fork(&self, caller: &Identity, source: &str, generation: Generation, target: IndexUid) -> Result<Task> {
        require(caller, Action::IndexesCreate, &target)?;
        let source = self.index(caller, source).await?;
        match self.bucket(source.tenant, source.id).manifest(generation).await {
            Ok(_) => {}
            Err(onggi_bucket::Error::NoGeneration(_)) => {
                let message = format!("Generation {generation} of index `{}` not found: it never was, or is no longer kept.", source.uid);
                return Err(Error::api(Code::GenerationNotFound, message));
            }
            Err(error) => return Err(Error::internal(error)),
        }
        if self.find(caller, &target).await?.is_some() {
            return Err(already_exists(&target).into());
        }
        let details = json!({"source": source.uid, "generation": generation});
        let task = new_task(caller, None, Some(target.clone()), TaskKind::IndexFork, details);
        let admin = self.clone();
        // A caller that hangs up does not leave half a copy behind.
        let fork = tokio::spawn(async move {
            let failure = match admin.copy(&source, generation, target).await {
                Ok(()) => None,
                Err(Error::Api(error)) => Some(error),
                Err(error) => return Err(error),
            };
            admin.complete(&task, failure.as_ref()).await
        });
        fork.await.map_err(Error::internal)?
    }

    /// Copies the objects first and creates the index last, so that it is never seen without its documents.
    async fn copy(&self, source: &Index, generation: Generation, target: IndexUid) -> Result<()> {
        let mut index = Index::new(source.tenant, target, None, source.selection.clone(), Timestamp::now());
        let bucket = self.bucket(index.tenant, index.id);
        // What lies below an id that is older, and has no index, is taken for what a crash has left.
        let copying = timeout(onggi_bucket::FORK_TIME, bucket.fork_from(&self.bucket(source.tenant, source.id), source.id, generation));
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
