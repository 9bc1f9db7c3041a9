//! Spending alerts: when the cost of a tenant's month passes the amount that it named, that is noted once, and its address is told.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue};
use onggi_domain::{
    TenantId, Timestamp,
    plan::Prices,
    usage::{Cost, SpendingAlert, byte_hours, hour_of, month_of},
};
use serde_json::json;

use crate::{Inner, Result, webhooks};

impl Inner {
    /// Notes which alerts are passed by now.
    pub(crate) async fn pass_alerts(self: &Arc<Self>) -> Result<()> {
        let metadata = &self.deps.metadata;
        let now = Timestamp::now();
        let month = month_of(now);
        for alert in metadata.alerts.list().await? {
            if alert.passed_at.is_some_and(|passed| passed >= month) {
                continue;
            }
            let plan = metadata.tenants.get(alert.tenant).await?.plan;
            let cost = self.month_cost(alert.tenant, &self.deps.plans.of(plan.as_deref()).prices, month, now).await?;
            if cost >= alert.amount && metadata.alerts.passed(alert.tenant, now, cost, month).await? {
                tracing::info!(tenant = %alert.tenant, amount = alert.amount, cost, "spending passed the amount of an alert");
            }
        }
        Ok(())
    }

    async fn month_cost(&self, tenant: TenantId, prices: &Prices, month: Timestamp, now: Timestamp) -> Result<f64> {
        let metadata = &self.deps.metadata;
        let mut used: BTreeMap<String, Duration> = BTreeMap::new();
        for hour in metadata.usage.container_hours(tenant, month, now).await? {
            *used.entry(hour.size).or_default() += hour.used;
        }
        let steps = metadata.usage.storage_steps(tenant, now).await?;
        let stored = steps.chunk_by(|a, b| a.index == b.index).flat_map(|steps| byte_hours(steps, month, now)).map(|(_, bytes)| bytes);
        let searches = metadata.searches.hours(tenant, hour_of(month), now).await?.iter().map(|(.., counts)| counts.searches).sum();
        Ok(Cost::of(prices, &used, stored.sum(), searches).total)
    }

    /// Tells those that are passed and not told yet.
    pub(crate) async fn tell_alerts(self: &Arc<Self>) -> Result<()> {
        let alerts = &self.deps.metadata.alerts;
        for alert in alerts.due(Timestamp::now()).await? {
            let Some(passed_at) = alert.passed_at else { continue };
            match self.tell_alert(&alert, passed_at).await {
                Ok(()) => alerts.told(alert.tenant, passed_at).await?,
                Err(failure) => {
                    tracing::info!(tenant = %alert.tenant, error = %failure, "address of a spending alert could not be told, trying again");
                    let now = Timestamp::now();
                    let failures = alerts.failed(alert.tenant).await?.saturating_sub(1);
                    let retry_at = now.checked_add(webhooks::rest(self.config.webhook_rest, failures)).unwrap_or(now);
                    if passed_at.checked_add(self.config.webhook_keep_for).is_ok_and(|end| end < now) {
                        tracing::warn!(tenant = %alert.tenant, "address of a spending alert was never told, giving up");
                        alerts.told(alert.tenant, passed_at).await?;
                    } else {
                        alerts.rest(alert.tenant, retry_at).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn tell_alert(&self, alert: &SpendingAlert, passed_at: Timestamp) -> Result<(), webhooks::Failure> {
        let plan = self.deps.metadata.tenants.get(alert.tenant).await.ok().and_then(|tenant| tenant.plan);
        let body = json!({
            "type": "spendingAlert",
            "tenant": alert.tenant,
            "month": month_of(passed_at),
            "amount": alert.amount,
            "cost": alert.passed_cost,
            "currency": self.deps.plans.of(plan.as_deref()).prices.currency,
            "passedAt": passed_at,
        });
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let secret = self.deps.secrets.of_alert(alert.tenant);
        self.post_signed(alert.url.as_deref().unwrap_or_default(), headers, &secret, body.to_string().into_bytes()).await
    }
}
