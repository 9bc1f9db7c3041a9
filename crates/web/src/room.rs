//! What a process holds for requests: bodies that it reads whole, answers that wait for others, uploads on its disk. All of it together is bounded, and
//! each tenant may hold half, so that none takes the process down or fills it for the others.

use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use onggi_domain::{ApiError, Code};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::body::limited;

/// The room of a process.
#[derive(Debug)]
pub struct Rooms {
    bytes: u64,
    all: Arc<Semaphore>,
    refusal: Code,
}

/// A tenant's part of it.
#[derive(Debug, Clone)]
pub struct Room {
    refusal: Code,
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

/// Bytes that are held until this is dropped.
#[derive(Debug)]
pub struct Held {
    room: Room,
    /// Of all, and of the tenant's own.
    permits: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl Rooms {
    /// Room for so many bytes. What finds none is refused with this code.
    pub fn new(bytes: u64, refusal: Code) -> Self {
        Self { bytes, all: Arc::new(Semaphore::new(permits(bytes))), refusal }
    }

    /// Another tenant's part.
    pub fn part(&self) -> Room {
        Room { refusal: self.refusal, all: self.all.clone(), own: Arc::new(Semaphore::new(permits(self.bytes / 2))) }
    }
}

impl Room {
    /// Holds nothing yet.
    pub fn held(&self) -> Held {
        Held { room: self.clone(), permits: None }
    }

    /// Reads a whole body of at most `limit` bytes.
    pub async fn read(&self, body: Body, limit: u64) -> Result<(Bytes, Held), ApiError> {
        let mut body = limited(body, limit);
        let mut held = self.held();
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            held.more(data.len())?;
            read.extend_from_slice(&data);
        }
        Ok((read.freeze(), held))
    }
}

impl Held {
    /// Holds more, if there is room.
    pub fn more(&mut self, bytes: usize) -> Result<(), ApiError> {
        let take = |semaphore: &Arc<Semaphore>| semaphore.clone().try_acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX)).ok();
        let Room { refusal, all, own } = &self.room;
        let taken = take(own).and_then(|own| Some((take(all)?, own)));
        let (more_of_all, more_of_own) = taken.ok_or_else(|| full(*refusal))?;
        match &mut self.permits {
            None => self.permits = Some((more_of_all, more_of_own)),
            Some((all, own)) => {
                all.merge(more_of_all);
                own.merge(more_of_own);
            }
        }
        Ok(())
    }
}

fn permits(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}

fn full(refusal: Code) -> ApiError {
    let message = "The requests under way hold as many bytes as they may together. Wait for answers before sending more, or send and ask for less at a time.";
    ApiError::new(refusal, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tenant_fills_half_and_gives_it_back() {
        let rooms = Rooms::new(100, Code::Unavailable);
        let (one, other) = (rooms.part(), rooms.part());
        let (body, held) = one.read(Body::from(vec![b' '; 50]), 60).await.unwrap();
        assert_eq!(body.len(), 50);
        assert_eq!(one.read(Body::from("x"), 60).await.unwrap_err().code, Code::Unavailable);
        let (_, mut others) = other.read(Body::from("x"), 60).await.unwrap();
        others.more(49).unwrap();
        assert_eq!(rooms.part().held().more(1).unwrap_err().code, Code::Unavailable, "a third tenant: all is taken");
        drop(held);
        one.read(Body::from("x"), 60).await.unwrap();
    }

    #[tokio::test]
    async fn a_body_beyond_its_limit_is_refused_and_holds_nothing() {
        let room = Rooms::new(1000, Code::Unavailable).part();
        assert_eq!(room.read(Body::from(vec![b' '; 61]), 60).await.unwrap_err().code, Code::PayloadTooLarge);
        assert_eq!(room.own.available_permits(), 500);
    }
}
