//! How much a tenant may ask: a token bucket for the rate, slots for what is under way. What its people ask by the portal has a bucket and slots of
//! its own, so that neither takes from the other. A tenant that asks nothing takes no room.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use moka::future::Cache;
use onggi_domain::{ApiError, Code, TenantId, limits::Limits, plan::PlanTable};
use onggi_web::room::{Room, Rooms};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::authenticate::Caller;

/// After so long without a request a tenant is forgotten. A bucket is full again after one second, so nothing is given away.
const IDLE: Duration = Duration::from_mins(10);
/// Requests a second by the portal are half of a plan's, but not fewer than this: a page is several, and one that is live asks again and again.
const PORTAL_LEAST: u32 = 20;

/// The tenants that ask.
pub(crate) struct Tenants {
    /// Whatever the plan says.
    requests_per_second: u32,
    concurrent_requests: usize,
    plans: PlanTable,
    rooms: Rooms,
    /// By tenant and place of the plan in the table: with another plan a tenant begins anew.
    asking: Cache<(TenantId, usize), Arc<Tenant>>,
}

/// A tenant that asks.
pub(crate) struct Tenant {
    /// The name of its plan.
    tier: Arc<str>,
    /// What keys and tokens may ask.
    apps: Share,
    /// What people who are signed in at the portal may ask.
    people: Share,
    /// For what is held in memory for its requests.
    room: Room,
    /// Grows with each change of the tenant's indexes through this gateway.
    epoch: AtomicU64,
}

/// How much may be asked.
struct Share {
    rate: DefaultDirectRateLimiter,
    slots: Arc<Semaphore>,
}

impl Share {
    fn new(requests_per_second: u32, concurrent_requests: usize) -> Self {
        let rate = NonZeroU32::new(requests_per_second).unwrap_or(NonZeroU32::MIN);
        Self { rate: RateLimiter::direct(Quota::per_second(rate)), slots: Arc::new(Semaphore::new(concurrent_requests)) }
    }
}

impl Tenants {
    pub(crate) fn new(limits: &Limits, plans: PlanTable) -> Self {
        Self {
            requests_per_second: limits.requests_per_second,
            concurrent_requests: limits.concurrent_requests,
            plans,
            rooms: Rooms::new(limits.held_bytes.as_u64(), Code::TooManySearchRequests),
            asking: Cache::builder().time_to_idle(IDLE).build(),
        }
    }

    pub(crate) async fn get(&self, id: TenantId, plan: Option<&str>) -> Arc<Tenant> {
        let plan = self.plans.of(plan);
        let place = self.plans.list.iter().position(|known| known.name == plan.name).unwrap_or_default();
        let rate = plan.requests_per_second.min(self.requests_per_second);
        let new = async {
            Arc::new(Tenant {
                tier: plan.name.as_str().into(),
                apps: Share::new(rate, self.concurrent_requests),
                people: Share::new((rate / 2).max(PORTAL_LEAST), (self.concurrent_requests / 2).max(1)),
                room: self.rooms.part(),
                epoch: AtomicU64::new(0),
            })
        };
        self.asking.get_with((id, place), new).await
    }
}

impl Tenant {
    /// Lets a request in, or says why not; it is under way until the permit is dropped.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<OwnedSemaphorePermit, ApiError> {
        let share = self.share(caller);
        if share.rate.check().is_err() {
            return Err(too_many());
        }
        share.slots.clone().try_acquire_owned().map_err(|_| {
            ApiError::new(Code::TooManySearchRequests, "Too many requests at the same time. Wait for answers before sending more.")
        })
    }

    fn share(&self, caller: &Caller) -> &Share {
        if caller.is_member() { &self.people } else { &self.apps }
    }

    /// The name of the tenant's plan, as metrics tell tenants apart.
    pub(crate) fn tier(&self) -> Arc<str> {
        self.tier.clone()
    }

    /// Where bodies and answers that are held find room.
    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// Counts a request that is several as so many more.
    pub(crate) fn count(&self, caller: &Caller, more: usize) -> Result<(), ApiError> {
        let Some(more) = NonZeroU32::new(u32::try_from(more).unwrap_or(u32::MAX)) else { return Ok(()) };
        self.share(caller).rate.check_n(more).ok().and_then(Result::ok).ok_or_else(too_many)
    }

    /// What is known of the tenant's indexes is asked again when this has changed.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Something about the tenant's indexes may have changed.
    pub(crate) fn indexes_changed(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
}

fn too_many() -> ApiError {
    ApiError::new(Code::TooManyRequests, "Too many requests a second. Send fewer, or wait and try again.")
}
