//! `POST /analyze`: how a text becomes words, and what a draft of settings would change.

use std::sync::Arc;

use axum::{body::Body, extract::State, response::Response};
use onggi_engine::search::AnalyzeRequest;
use onggi_web::Error;

use super::{
    Searcher, answer,
    routes::{Result, answered, read},
};

pub(super) async fn analyze(State(searcher): State<Arc<Searcher>>, body: Body) -> Result<Response> {
    let request = AnalyzeRequest::from_json(&read(&searcher, body).await?)?;
    answered(&searcher, move |loaded| {
        let response = loaded.engine.analyze(&request)?;
        answer::to_bytes(&response).map_err(Error::internal)
    })
    .await
}
