//! Pages that change while one looks at them: one stream of server-sent events a page, that tells each piece of HTML when it is another than before.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures::stream;
use onggi_domain::UserId;

use super::{
    Portal,
    failure::{Failure, Result},
};
use crate::slots::{Slot, Slots};

/// How often it is looked whether something has changed.
const PERIOD: Duration = Duration::from_secs(1);
/// After so long the browser is to connect anew: sessions and memberships that ended are noticed then, and servers that stop.
const LIFE: Duration = Duration::from_mins(1);
/// Streams that one person may have open at the same time: each of them asks every second.
pub(super) const OPEN: usize = 24;

/// The streams that each person has open.
pub(crate) type Streams = Slots<UserId>;

/// A piece of a page: the name of its event (`sse-swap` in the template), and its HTML.
pub(crate) type Piece = (String, String);

/// Tells a person the pieces of `snapshot` whenever they change. What it fails with once is left out until it succeeds.
pub(crate) fn changes<F, S>(portal: &Portal, user: UserId, snapshot: S) -> Result<Response>
where
    S: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Result<Vec<Piece>>> + Send + 'static,
{
    struct Told<S> {
        snapshot: S,
        before: HashMap<String, String>,
        waiting: Vec<Piece>,
        ticks: tokio::time::Interval,
        end: tokio::time::Instant,
        closing: tokio_util::sync::CancellationToken,
        _open: Slot<UserId>,
    }
    let open = portal.streams.take(user).ok_or(Failure::TooMany)?;
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let told = Told {
        snapshot,
        before: HashMap::new(),
        waiting: Vec::new(),
        ticks,
        end: tokio::time::Instant::now() + LIFE,
        closing: portal.closing.clone(),
        _open: open,
    };
    let events = stream::unfold(told, |mut told| async move {
        loop {
            if let Some((name, html)) = told.waiting.pop() {
                let event = Event::default().event(&name).data(&html);
                told.before.insert(name, html);
                return Some((Ok::<_, Infallible>(event), told));
            }
            tokio::select! {
                _ = told.ticks.tick() => {}
                () = told.closing.cancelled() => return None,
            }
            if tokio::time::Instant::now() > told.end {
                return None;
            }
            if let Ok(pieces) = (told.snapshot)().await {
                told.waiting = pieces.into_iter().filter(|(name, html)| told.before.get(name) != Some(html)).rev().collect();
            }
        }
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response();
    // nginx, which is a common ingress, would hold events back.
    response.headers_mut().insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    Ok(response)
}
