//! How long a search took, told to who asks within a trace. A worker speaks to no collector of traces: the gateway makes spans of what it is
//! told here.

use std::time::{Duration, Instant};

use axum::{extract::Request, middleware::Next, response::Response};
use onggi_domain::worker::{TIMING, Timings};
use onggi_web::trace;
use tracing::Instrument;

/// What the pool took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Until a thread was free.
    pub(crate) waited: Duration,
    /// The engine.
    pub(crate) worked: Duration,
}

impl Timing {
    /// Leaves it on an answer, for [`tell`].
    pub(crate) fn on(self, mut response: Response) -> Response {
        response.extensions_mut().insert(self);
        response
    }
}

/// Middleware: within a trace, the answer says how long it took, and what is logged meanwhile says which trace it was.
pub(crate) async fn tell(request: Request, next: Next) -> Response {
    let Some(id) = trace::sampled(request.headers()).map(str::to_owned) else { return next.run(request).await };
    let asked = Instant::now();
    let mut response = next.run(request).instrument(tracing::info_span!("request", trace = id)).await;
    let timing = response.extensions().get::<Timing>();
    let timings = Timings {
        whole: asked.elapsed(),
        waited: timing.map_or(Duration::ZERO, |timing| timing.waited),
        worked: timing.map_or(Duration::ZERO, |timing| timing.worked),
    };
    if let Ok(value) = timings.to_string().parse() {
        response.headers_mut().insert(TIMING, value);
    }
    response
}
