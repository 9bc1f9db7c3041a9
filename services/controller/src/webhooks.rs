//! Telling webhooks of tasks that are at their end: what is noted in metadata is sent, in order, until the receiver says that it has it.
//!
//! A message is NDJSON of tasks, compressed with gzip, as Meilisearch sends it, and signed. At least once: a message that was received and not
//! acknowledged, or was acknowledged when the controller stopped, comes again. A receiver that fails is tried again with growing rests; what it
//! has missed for too long, or too much of it, is given up.

use std::{io::Write, sync::Arc, time::Duration};

use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue};
use onggi_domain::{
    Timestamp,
    key::IndexPattern,
    task::{Task, TaskFilter},
    webhook::Webhook,
};
use onggi_web::egress;

use crate::{Inner, Result};

/// Tasks in one message.
const MESSAGE: u64 = 200;
/// Webhooks that are told at the same time.
pub(crate) const PARALLEL: usize = 16;
/// The longest rest of a receiver that fails.
const LONGEST_REST: Duration = Duration::from_hours(1);
/// Says who sent a message, and when: `t=<seconds since 1970>,v1=<hex of HMAC-SHA256>` of `<seconds>.<body>` with the webhook's secret.
const SIGNATURE: HeaderName = HeaderName::from_static("x-onggi-signature");

/// Why a receiver was not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Refused(#[from] egress::Refused),
    #[error("it does not answer: {0}")]
    Unanswered(#[from] reqwest::Error),
    #[error("it answers {0}")]
    Answer(u16),
}

impl Inner {
    /// Begins to tell each webhook that has something to be told.
    pub(crate) async fn tell_webhooks(self: &Arc<Self>) -> Result<()> {
        for webhook in self.deps.metadata.webhooks.due(Timestamp::now()).await? {
            if !self.telling.lock().insert(webhook.id) {
                continue;
            }
            let inner = self.clone();
            self.spawn(async move {
                let slot = inner.telling_slots.acquire().await.expect("the semaphore is never closed");
                if let Err(error) = inner.tell(&webhook).await {
                    tracing::warn!(tenant = %webhook.tenant, webhook = %webhook.id, %error, "webhook was not told");
                }
                drop(slot);
                inner.telling.lock().remove(&webhook.id);
            });
        }
        Ok(())
    }

    /// Sends one message after another until all is told or one fails.
    async fn tell(&self, webhook: &Webhook) -> Result<()> {
        let metadata = &self.deps.metadata;
        loop {
            let uids = metadata.webhooks.undelivered(webhook.id, MESSAGE).await?;
            if uids.is_empty() {
                return Ok(());
            }
            let filter = TaskFilter { uids: Some(uids.clone()), ..TaskFilter::default() };
            let tasks = metadata.tasks.list(webhook.tenant, &filter, &[IndexPattern::all()], None, MESSAGE, true).await?.items;
            // Tasks that were deleted meanwhile are nobody's to be told of.
            if !tasks.is_empty()
                && let Err(failure) = self.send_message(webhook, &tasks).await
            {
                metrics::counter!("onggi_controller_webhook_failures_total").increment(1);
                tracing::info!(tenant = %webhook.tenant, webhook = %webhook.id, error = %failure, "webhook could not be told, trying again");
                return self.rest(webhook).await;
            }
            metadata.webhooks.delivered(webhook.id, &uids).await?;
        }
    }

    async fn send_message(&self, webhook: &Webhook, tasks: &[Task]) -> Result<(), Failure> {
        let mut headers = headers(webhook);
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        headers.insert(http::header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        self.post_signed(&webhook.url, headers, &self.deps.secrets.of_webhook(webhook.id), message(tasks)).await
    }

    /// Posts a body to an address that a tenant named, signed with its secret.
    pub(crate) async fn post_signed(&self, url: &str, mut headers: HeaderMap, secret: &str, body: Vec<u8>) -> Result<(), Failure> {
        let url = self.egress.check(url)?;
        let time = Timestamp::now().as_second();
        let signature = onggi_metadata::sign(secret, time, &body);
        headers.insert(SIGNATURE, HeaderValue::from_str(&format!("t={time},v1={signature}")).expect("digits and hex are ASCII"));
        let request = self.egress.client().post(url).headers(headers).body(body).timeout(self.config.webhook_time);
        let status = request.send().await.map_err(reqwest::Error::without_url)?.status();
        if status.is_success() { Ok(()) } else { Err(Failure::Answer(status.as_u16())) }
    }

    async fn rest(&self, webhook: &Webhook) -> Result<()> {
        let webhooks = &self.deps.metadata.webhooks;
        let now = Timestamp::now();
        let failures = webhooks.failures(webhook.id).await?;
        let retry_at = now.checked_add(rest(self.config.webhook_rest, failures)).unwrap_or(now);
        let oldest = now.checked_sub(self.config.webhook_keep_for).unwrap_or(Timestamp::MIN);
        Ok(webhooks.failed(webhook.id, retry_at, oldest, self.config.webhook_keep).await?)
    }
}

/// Twice as long after each failure.
pub(crate) fn rest(first: Duration, failures: u64) -> Duration {
    first.saturating_mul(1 << failures.min(20)).min(LONGEST_REST)
}

/// The headers that the tenant wants to be sent; they were checked when it said so.
fn headers(webhook: &Webhook) -> HeaderMap {
    let parsed = |(name, value): (&String, &String)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?));
    webhook.headers.iter().filter_map(parsed).collect()
}

/// The tasks as the API shows them, one a line, compressed.
fn message(tasks: &[Task]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    for task in tasks {
        writeln!(encoder, "{}", task.view()).expect("a vector takes what is written");
    }
    encoder.finish().expect("a vector takes what is written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_rests_twice_as_long_after_each_failure_and_never_for_more_than_an_hour() {
        let first = Duration::from_secs(2);
        assert_eq!([0, 1, 5].map(|failures| rest(first, failures).as_secs()), [2, 4, 64]);
        assert_eq!(rest(first, u64::MAX), LONGEST_REST);
    }
}
