//! `PATCH /usage/alert`: when a tenant wants to be told of its spending. The controller watches and tells.

use axum::{Json, body::Body, extract::State};
use onggi_domain::{ApiError, Code, TenantId, Timestamp, key::IndexPattern, settings::Setting, usage::SpendingAlert};
use onggi_web::{Caller, Error, Result};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{
    app::Admin,
    fields::{Fields, invalid, missing, wrong_type},
};

/// The most characters of an address.
const URL_CHARS: usize = 4096;

/// An alert as it is told.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AlertView {
    /// The amount, in the currency of the plan; `None`: there is no alert.
    pub(crate) amount: Option<f64>,
    /// Where a message goes.
    pub(crate) url: Option<String>,
    /// When a month passed it last.
    pub(crate) passed_at: Option<Timestamp>,
    /// What that month had cost then.
    pub(crate) passed_cost: Option<f64>,
    /// Whether the message of that was delivered.
    pub(crate) delivered: Option<bool>,
    /// What messages are signed with; for who sets the alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing_secret: Option<String>,
}

impl AlertView {
    pub(super) fn of(alert: &SpendingAlert) -> Self {
        Self {
            amount: Some(alert.amount),
            url: alert.url.clone(),
            passed_at: alert.passed_at,
            passed_cost: alert.passed_cost,
            delivered: alert.passed_at.and(alert.url.as_ref()).map(|_| !alert.untold),
            signing_secret: None,
        }
    }

    fn none() -> Self {
        Self { amount: None, url: None, passed_at: None, passed_cost: None, delivered: None, signing_secret: None }
    }
}

pub(super) async fn change(State(admin): State<Admin>, Caller(caller): Caller, body: Body) -> Result<Json<AlertView>> {
    if !caller.patterns().contains(&IndexPattern::all()) {
        let message = "The provided API key is invalid: what is spent is for all indexes, and the key is for some of them.";
        return Err(ApiError::new(Code::InvalidApiKey, message).into());
    }
    let fields = Fields::parse(&admin.body(body).await?, &["amount", "url"])?;
    let amount = match fields.get("amount") {
        None => Setting::Keep,
        Some(Value::Null) => Setting::Reset,
        Some(found) => Setting::Set(amount(found)?),
    };
    let url = fields.text("url", Code::InvalidUsageAlert)?;
    if let Setting::Set(url) = &url {
        check_url(url)?;
    }
    Ok(Json(admin.set_alert(caller.tenant, amount, url).await?))
}

impl Admin {
    /// Changes a tenant's alert. Without an amount there is none.
    pub(crate) async fn set_alert(&self, tenant: TenantId, amount: Setting<f64>, url: Setting<String>) -> Result<AlertView> {
        let alerts = &self.0.metadata.alerts;
        let current = alerts.get(tenant).await.map_err(Error::internal)?;
        let amount = match (amount, &current) {
            (Setting::Set(amount), _) => amount,
            (Setting::Keep, Some(current)) => current.amount,
            (Setting::Keep, None) => return Err(missing("amount", Code::InvalidUsageAlert).into()),
            (Setting::Reset, _) => {
                alerts.remove(tenant).await.map_err(Error::internal)?;
                return Ok(AlertView::none());
            }
        };
        let url = match url {
            Setting::Set(url) => Some(url),
            Setting::Keep => current.and_then(|current| current.url),
            Setting::Reset => None,
        };
        alerts.set(tenant, amount, url.as_deref()).await.map_err(Error::internal)?;
        let set = alerts.get(tenant).await.map_err(Error::internal)?;
        let signing_secret = url.map(|_| self.0.secrets.of_alert(tenant));
        Ok(set.as_ref().map_or_else(AlertView::none, |alert| AlertView { signing_secret, ..AlertView::of(alert) }))
    }
}

fn amount(found: &Value) -> Result<f64, ApiError> {
    let amount = found.as_f64().ok_or_else(|| wrong_type("amount", "a number", found, Code::InvalidUsageAlert))?;
    if !amount.is_finite() || amount <= 0.0 {
        return Err(invalid("amount", &format!("`{amount}` is not an amount above 0"), Code::InvalidUsageAlert));
    }
    Ok(amount)
}

fn check_url(text: &str) -> Result<(), ApiError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    if url.is_none() || text.len() > URL_CHARS {
        let why = format!("expected an address that begins with `http://` or `https://`, of at most {URL_CHARS} characters");
        return Err(invalid("url", &why, Code::InvalidUsageAlert));
    }
    Ok(())
}
