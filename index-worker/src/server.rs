//! What both roles serve alike: probes, the secret, and draining.

use std::{future::Future, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, StatusCode, header};
use onggi_domain::{ApiError, Code, worker};
use onggi_web::{error::response, identity::same};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::status::Status;

/// Set on the refusals of a worker that drains or is held back: another one will answer.
pub(crate) const DRAINING: HeaderName = HeaderName::from_static(worker::DRAINING);

/// Counts the requests under way, and closes.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    closed: CancellationToken,
    requests: TaskTracker,
}

impl Gate {
    pub(crate) fn in_flight(&self) -> u64 {
        self.requests.len() as u64
    }

    /// Resolves once the gate is closed.
    pub(crate) async fn draining(&self) {
        self.closed.cancelled().await;
    }

    /// The signal for work that should stop.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.closed
    }

    fn close(&self) {
        self.closed.cancel();
        self.requests.close();
    }
}

/// The routes of a worker: `work` behind the gate and the secret, `/status` behind the secret, the probes open.
pub(crate) fn router(work: Router, status: &Arc<Status>, gate: &Gate, secret: &str) -> Router {
    let bearer: Arc<str> = format!("Bearer {secret}").into();
    let ready = {
        let (status, gate) = (Arc::clone(status), gate.clone());
        move || async move {
            let ready = status.is_ready() && !gate.closed.is_cancelled();
            if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
        }
    };
    work.route_layer(middleware::from_fn_with_state(gate.clone(), admit))
        .merge(crate::status::router(Arc::clone(status)))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(bearer, require_secret))
        .route("/healthz", get(|| async { StatusCode::OK }))
        .route("/readyz", get(ready))
}

async fn require_secret(State(bearer): State<Arc<str>>, request: Request, next: Next) -> Response {
    let Some(shown) = request.headers().get(header::AUTHORIZATION) else {
        return response(&ApiError::new(
            Code::MissingAuthorizationHeader,
            "The Authorization header is missing. It must use the bearer authorization method.",
        ));
    };
    if same(shown.as_bytes(), bearer.as_bytes()) {
        return next.run(request).await;
    }
    response(&ApiError::new(Code::InvalidApiKey, "The provided API key is invalid."))
}

async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    // Counted before the check: whoever closes the gate and then sees no request can be sure that none slips in.
    let _counted = gate.requests.token();
    if gate.closed.is_cancelled() {
        return elsewhere("This worker is shutting down. Another one will answer.");
    }
    next.run(request).await
}

/// The refusal of a worker that takes no questions, when another one does.
pub(crate) fn elsewhere(why: &str) -> Response {
    let mut refusal = unavailable(&ApiError::new(Code::Unavailable, why));
    refusal.headers_mut().insert(DRAINING, HeaderValue::from_static("1"));
    refusal
}

/// The response of an error that passes by itself.
pub(crate) fn unavailable(error: &ApiError) -> Response {
    ([(header::RETRY_AFTER, "1")], response(error)).into_response()
}

async fn not_found() -> Response {
    response(&ApiError::new(Code::NotFound, "A worker has no such route."))
}

async fn method_not_allowed() -> Response {
    response(&ApiError::new(Code::MethodNotAllowed, "This route does not have this method."))
}

/// Serves `router` and does `work`, which ends when the gate closes. Once `shutdown` resolves, the gate closes; the listener
/// stays open until the requests under way and the work have ended, so that callers hear a refusal and not a silence, but no longer than `grace`.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    gate: &Gate,
    work: BoxFuture<'_, ()>,
    shutdown: impl Future<Output = ()> + Send,
    grace: Duration,
) -> anyhow::Result<()> {
    let ended = CancellationToken::new();
    let server = onggi_web::serve::serve(listener, router, ended.clone().cancelled_owned(), Duration::from_secs(1));
    let life = async {
        let close = async {
            shutdown.await;
            tracing::info!("draining");
            gate.close();
            gate.requests.wait().await;
        };
        tokio::join!(close, work);
    };
    let bounded = async {
        tokio::select! {
            () = life => {}
            () = async { gate.draining().await; tokio::time::sleep(grace).await } => tracing::warn!("work under way was cut off"),
        }
        ended.cancel();
    };
    let (served, ()) = tokio::join!(server, bounded);
    served.context("serving")
}
