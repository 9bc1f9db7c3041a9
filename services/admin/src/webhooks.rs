//! `/webhooks`: where the tenant wants to be told of tasks that are at their end. The controller tells.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, State},
    routing::get,
};
use http::{HeaderName, HeaderValue, StatusCode};
use onggi_domain::{
    ApiError, Code, Timestamp, WebhookId,
    auth::Identity,
    settings::Setting,
    webhook::{Headers, Webhook},
};
use onggi_metadata::Error as Metadata;
use onggi_web::{Caller, Error, Result};
use serde_json::{Value, json};
use url::Url;

use crate::{
    app::Admin,
    fields::{Fields, wrong_type},
};

/// Bytes of a URL, and of one header.
const MAX_BYTES: usize = 8 << 10;

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/webhooks", get(list).post(create)).route("/webhooks/{uuid}", get(show).patch(update).delete(remove))
}

async fn list(State(admin): State<Admin>, Caller(caller): Caller) -> Result<Json<Value>> {
    let webhooks = admin.0.metadata.webhooks.list(caller.tenant).await.map_err(Error::internal)?;
    Ok(Json(json!({"results": webhooks.iter().map(view).collect::<Vec<_>>()})))
}

async fn show(State(admin): State<Admin>, Caller(caller): Caller, Path(uuid): Path<String>) -> Result<Json<Value>> {
    Ok(Json(view(&admin.webhook(&caller, &uuid).await?)))
}

async fn create(State(admin): State<Admin>, Caller(caller): Caller, body: Body) -> Result<(StatusCode, Json<Value>)> {
    let change = Change::read(&admin.body(body).await?)?;
    let id = WebhookId(uuid::Uuid::new_v4());
    let new = Webhook { id, tenant: caller.tenant, url: String::new(), headers: Headers::new(), created_at: Timestamp::now() };
    let webhook = change.applied(new)?;
    match admin.0.metadata.webhooks.create(&webhook).await {
        Ok(()) => Ok((StatusCode::CREATED, Json(admin.view_with_secret(&webhook)))),
        Err(Metadata::Conflict(_)) => {
            let message = format!(
                "A tenant can have {} webhooks at most. Have one of them, or a proxy of yours, pass the messages on to more receivers.",
                Webhook::MAX
            );
            Err(Error::api(Code::InvalidWebhooks, message))
        }
        Err(error) => Err(Error::internal(error)),
    }
}

async fn update(State(admin): State<Admin>, Caller(caller): Caller, Path(uuid): Path<String>, body: Body) -> Result<Json<Value>> {
    let change = Change::read(&admin.body(body).await?)?;
    let webhook = change.applied(admin.webhook(&caller, &uuid).await?)?;
    match admin.0.metadata.webhooks.update(&webhook).await {
        Ok(()) => Ok(Json(admin.view_with_secret(&webhook))),
        Err(Metadata::NotFound(_)) => Err(not_found(webhook.id).into()),
        Err(error) => Err(Error::internal(error)),
    }
}

async fn remove(State(admin): State<Admin>, Caller(caller): Caller, Path(uuid): Path<String>) -> Result<StatusCode> {
    let id = id(&uuid)?;
    match admin.0.metadata.webhooks.delete(caller.tenant, id).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(Metadata::NotFound(_)) => Err(not_found(id).into()),
        Err(error) => Err(Error::internal(error)),
    }
}

impl Admin {
    async fn webhook(&self, caller: &Identity, uuid: &str) -> Result<Webhook> {
        let id = id(uuid)?;
        match self.0.metadata.webhooks.get(caller.tenant, id).await {
            Ok(webhook) => Ok(webhook),
            Err(Metadata::NotFound(_)) => Err(not_found(id).into()),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// For who may create or change webhooks: with what the messages are signed with.
    fn view_with_secret(&self, webhook: &Webhook) -> Value {
        let mut view = view(webhook);
        view["signingSecret"] = self.0.secrets.of_webhook(webhook.id).into();
        view
    }
}

fn view(webhook: &Webhook) -> Value {
    json!({"uuid": webhook.id, "isEditable": true, "url": webhook.url, "headers": webhook.redacted_headers()})
}

fn id(text: &str) -> Result<WebhookId, ApiError> {
    text.parse().map_err(|error: uuid::Error| ApiError::new(Code::InvalidWebhookUuid, format!("Invalid UUID: {error}")))
}

fn not_found(id: WebhookId) -> ApiError {
    ApiError::new(Code::WebhookNotFound, format!("Webhook `{id}` not found."))
}

/// What a body says.
struct Change {
    url: Setting<String>,
    headers: Setting<Vec<(String, Option<String>)>>,
}

impl Change {
    fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        let immutable = [("uuid", Code::ImmutableWebhookUuid), ("isEditable", Code::ImmutableWebhookIsEditable)];
        let fields = Fields::parse_change(bytes, &["url", "headers"], &immutable)?;
        let headers = match fields.get("headers") {
            None => Setting::Keep,
            Some(Value::Null) => Setting::Reset,
            Some(Value::Object(headers)) => Setting::Set(headers.iter().map(header).collect::<Result<_, _>>()?),
            Some(found) => return Err(wrong_type("headers", "an object", found, Code::InvalidWebhookHeaders)),
        };
        Ok(Self { url: fields.text("url", Code::InvalidWebhookUrl)?, headers })
    }

    /// The webhook after the change, if that can be one.
    fn applied(self, mut webhook: Webhook) -> Result<Webhook, ApiError> {
        match self.url {
            Setting::Keep => {}
            Setting::Reset => webhook.url = String::new(),
            Setting::Set(url) => webhook.url = url,
        }
        match self.headers {
            Setting::Keep => {}
            Setting::Reset => webhook.headers.clear(),
            Setting::Set(headers) => {
                for (name, value) in headers {
                    match value {
                        Some(value) => webhook.headers.insert(name, value),
                        None => webhook.headers.remove(&name),
                    };
                }
            }
        }
        check_url(&webhook)?;
        if webhook.headers.len() > Webhook::MAX_HEADERS {
            let (id, max) = (webhook.id, Webhook::MAX_HEADERS);
            let message = format!("Too many headers for the webhook `{id}`: {max} are allowed. A header that is `null` is removed.");
            return Err(ApiError::new(Code::InvalidWebhookHeaders, message));
        }
        Ok(webhook)
    }
}

/// Headers that say how a message is carried: they are the client's own.
const CARRIAGE: [HeaderName; 9] = [
    http::header::CONNECTION,
    http::header::CONTENT_ENCODING,
    http::header::CONTENT_LENGTH,
    http::header::CONTENT_TYPE,
    http::header::HOST,
    http::header::TE,
    http::header::TRAILER,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
];

fn header((name, value): (&String, &Value)) -> Result<(String, Option<String>), ApiError> {
    let invalid = |message| ApiError::new(Code::InvalidWebhookHeaders, message);
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|error| invalid(format!("Invalid header name `{name}`: {error}")))?;
    if CARRIAGE.contains(&parsed) && !value.is_null() {
        return Err(invalid(format!("Invalid header name `{name}`: it says how the message is carried, and is set by the service")));
    }
    let text = match value {
        Value::Null => return Ok((name.clone(), None)),
        Value::String(text) => text,
        found => return Err(wrong_type(&format!("headers.{name}"), "a string", found, Code::InvalidWebhookHeaders)),
    };
    if text.len() > MAX_BYTES {
        return Err(invalid(format!("Invalid header value `{name}`: {} bytes are more than {MAX_BYTES}", text.len())));
    }
    HeaderValue::from_str(text).map_err(|error| invalid(format!("Invalid header value `{name}`: {error}")))?;
    Ok((name.clone(), Some(text.clone())))
}

fn check_url(webhook: &Webhook) -> Result<(), ApiError> {
    let invalid = |message| Err(ApiError::new(Code::InvalidWebhookUrl, message));
    let url = &webhook.url;
    if url.is_empty() {
        return invalid(format!("The URL for the webhook `{}` is missing.", webhook.id));
    }
    if url.len() > MAX_BYTES {
        return invalid(format!("The URL for the webhook `{}` has {} bytes, more than {MAX_BYTES}.", webhook.id, url.len()));
    }
    match Url::parse(url) {
        Err(error) => invalid(format!("Invalid URL `{url}`: {error}")),
        Ok(parsed) if !matches!(parsed.scheme(), "http" | "https") || parsed.host().is_none() => {
            invalid(format!("Invalid URL `{url}`: expected one that begins with `http://` or `https://`"))
        }
        Ok(_) => Ok(()),
    }
}
