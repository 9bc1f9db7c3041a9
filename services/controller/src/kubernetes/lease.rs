//! Which of several controllers leads: the one that holds a `Lease`. The holder's name is the address at which it serves, so that the
//! others can send on what they are asked.

use std::time::Duration;

use k8s_openapi::{api::coordination::v1::Lease, apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout, timeout_at},
};

/// The name of the lease.
const NAME: &str = "onggi-controller";

/// One candidate.
pub struct Candidate {
    leases: Api<Lease>,
    /// Its own address.
    address: String,
    time: Duration,
    leader: watch::Sender<Option<String>>,
}

/// What was last seen of the lease, and when it was last seen to change by this machine's clock: clocks of others are not trusted.
struct Sight {
    lease: Option<Lease>,
    changed: Instant,
}

impl Candidate {
    /// A candidate that serves at `address`, for the leadership in a namespace. A leader that is silent for `time` is none any more.
    pub fn new(client: Client, namespace: &str, address: String, time: Duration) -> Self {
        Self { leases: Api::namespaced(client, namespace), address, time, leader: watch::Sender::new(None) }
    }

    /// Who leads, by its address; changes as it is seen to change.
    pub fn leader(&self) -> watch::Receiver<Option<String>> {
        self.leader.subscribe()
    }

    /// Waits until this candidate leads; returns since when.
    pub async fn lead(&self) -> Instant {
        let mut sight = Sight { lease: None, changed: Instant::now() };
        let mut looks = tokio::time::interval((self.time / 8).min(Duration::from_secs(2)));
        loop {
            looks.tick().await;
            let asked = Instant::now();
            match timeout(self.time / 3, self.try_to_lead(&mut sight)).await {
                Ok(Ok(true)) => return asked,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the lease of the controller cannot be read"),
                Err(_) => tracing::warn!("the lease of the controller cannot be read: the API server does not answer"),
            }
        }
    }

    /// Stays leader, as it is since then; returns when another leads, or when this one could not say in time that it still does.
    pub async fn stay(&self, since: Instant) {
        let (mut renewed, mut asked) = (since, since);
        loop {
            // Others wait for the whole time before they take over: stopping a third of it earlier, two never lead at once. A connection that has
            // gone silent is no reason to wait longer.
            let last = renewed + self.time / 3 * 2;
            sleep_until(last.min(asked + self.time / 5)).await;
            asked = Instant::now();
            match timeout_at(last, self.renew()).await {
                Ok(Ok(true)) => renewed = asked,
                Ok(Ok(false)) => {
                    tracing::warn!("another controller leads");
                    return;
                }
                Ok(Err(error)) => tracing::warn!(%error, "the lease was not renewed, trying again"),
                Err(_) => {
                    tracing::warn!("the lease could not be renewed in time");
                    return;
                }
            }
        }
    }

    /// Lets the next one lead at once.
    pub async fn resign(&self) {
        let resigned = async {
            let mut lease = self.leases.get(NAME).await?;
            if holder(&lease) == Some(&self.address) {
                lease.spec.get_or_insert_default().holder_identity = Some(String::new());
                self.leases.replace(NAME, &PostParams::default(), &lease).await?;
            }
            Ok::<(), kube::Error>(())
        };
        if let Err(error) = resigned.await {
            tracing::warn!(%error, "the lease was not given back; the next controller waits until it runs out");
        }
    }

    async fn try_to_lead(&self, sight: &mut Sight) -> kube::Result<bool> {
        let Some(lease) = self.leases.get_opt(NAME).await? else {
            let lease = Lease { metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() }, spec: None };
            let created = self.leases.create(&PostParams::default(), &self.held(lease)).await;
            return self.led(created);
        };
        if sight.lease.as_ref().and_then(|seen| seen.metadata.resource_version.as_ref()) != lease.metadata.resource_version.as_ref() {
            *sight = Sight { lease: Some(lease.clone()), changed: Instant::now() };
        }
        let vacant = holder(&lease).is_none_or(|holder| holder.is_empty() || holder == self.address);
        if vacant || sight.changed.elapsed() > self.time {
            // The version makes it fail if another was faster.
            let replaced = self.leases.replace(NAME, &PostParams::default(), &self.held(lease)).await;
            return self.led(replaced);
        }
        self.leader.send_replace(holder(&lease).map(str::to_owned));
        Ok(false)
    }

    async fn renew(&self) -> kube::Result<bool> {
        let lease = self.leases.get(NAME).await?;
        if holder(&lease) != Some(&self.address) {
            return Ok(false);
        }
        let replaced = self.leases.replace(NAME, &PostParams::default(), &self.held(lease)).await;
        self.led(replaced)
    }

    fn led(&self, written: kube::Result<Lease>) -> kube::Result<bool> {
        match written {
            Ok(_) => {
                self.leader.send_replace(Some(self.address.clone()));
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The lease, held by this candidate from now on.
    fn held(&self, mut lease: Lease) -> Lease {
        let now = MicroTime(Timestamp::now());
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(&self.address) {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0) + 1);
        }
        spec.holder_identity = Some(self.address.clone());
        spec.lease_duration_seconds = Some(self.time.as_secs() as i32);
        spec.renew_time = Some(now);
        lease
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}
