//! `POST /dumps` and `POST /snapshots`: asks for an archive of all indexes of the tenant. The controller writes it.

use axum::{Router, extract::State, response::Response, routing::post};
use onggi_domain::{ApiError, Code, auth::Identity, key::IndexPattern, task::TaskKind};
use onggi_web::{Caller, Error, Result};
use serde_json::{Value, json};

use crate::app::{Admin, accepted, new_task};

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/dumps", post(dump)).route("/snapshots", post(snapshot))
}

async fn dump(State(admin): State<Admin>, Caller(caller): Caller) -> Result<Response> {
    admin.archive(&caller, TaskKind::DumpCreation, json!({"dumpUid": null})).await
}

async fn snapshot(State(admin): State<Admin>, Caller(caller): Caller) -> Result<Response> {
    admin.archive(&caller, TaskKind::SnapshotCreation, Value::Null).await
}

impl Admin {
    async fn archive(&self, caller: &Identity, kind: TaskKind, details: Value) -> Result<Response> {
        if !caller.patterns().contains(&IndexPattern::all()) {
            let message = "The provided API key is invalid: an archive holds every index, and the key is for some of them.";
            return Err(ApiError::new(Code::InvalidApiKey, message).into());
        }
        let task = new_task(caller, None, None, kind, details);
        Ok(accepted(&self.0.metadata.tasks.allocate(&task).await.map_err(Error::internal)?))
    }
}
