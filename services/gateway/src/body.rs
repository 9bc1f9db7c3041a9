//! Bodies that pass through: counted against a limit on the way in, and holding something until they are through on the way out.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use onggi_domain::ApiError;
use onggi_web::body::too_large;

/// Whether a body turned out to be larger than its limit.
#[derive(Clone)]
pub(crate) struct Limit {
    bytes: u64,
    exceeded: Arc<AtomicBool>,
}

impl Limit {
    /// Cuts a body off at `bytes`; refuses at once one that announces more.
    pub(crate) fn set(headers: &HeaderMap, body: Body, bytes: u64) -> Result<(Body, Self), ApiError> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > bytes) {
            return Err(too_large(bytes));
        }
        let limit = Self { bytes, exceeded: Arc::default() };
        let exceeded = limit.exceeded.clone();
        let limited = Limited::new(body, usize::try_from(bytes).unwrap_or(usize::MAX)).map_err(move |error| {
            if error.is::<LengthLimitError>() {
                exceeded.store(true, Ordering::Release);
            }
            error
        });
        Ok((Body::new(limited), limit))
    }

    /// An error if the body was cut off: whatever was answered to the rest of it means nothing.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        if self.exceeded.load(Ordering::Acquire) { Err(too_large(self.bytes)) } else { Ok(()) }
    }
}

/// A body that keeps something until its end, or until nobody wants it any more.
pub(crate) fn holding(body: Body, held: impl Send + Unpin + 'static) -> Body {
    Body::new(Holding { body, held: Some(held) })
}

struct Holding<T> {
    body: Body,
    held: Option<T>,
}

impl<T: Unpin> HttpBody for Holding<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.held = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
