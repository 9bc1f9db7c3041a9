//! Webhooks, as the API shows and takes them.

use http::StatusCode;
use onggi_domain::{Code, webhook::Webhook};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

#[tokio::test]
async fn a_webhook_is_created_shown_changed_and_deleted() {
    let sandbox = Sandbox::start().await;
    assert_eq!(sandbox.get("/webhooks").await, json!({"results": []}));
    let body = json!({"url": "https://example.com/hook", "headers": {"authorization": "Bearer a-secret-token", "x-a": "1"}});
    let (status, created) = sandbox.send("POST", "/webhooks", body).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    let uuid = created["uuid"].as_str().unwrap();
    let shown = json!({
        "uuid": uuid, "isEditable": true, "url": "https://example.com/hook",
        "headers": {"authorization": "Bearer a-XXXX...", "x-a": "1"},
    });
    let path = format!("/webhooks/{uuid}");
    assert_eq!(sandbox.get(&path).await, shown);
    assert_eq!(sandbox.get("/webhooks").await, json!({"results": [shown]}));
    assert_eq!(created["signingSecret"].as_str().unwrap().len(), 64);

    let (status, changed) = sandbox.send("PATCH", &path, json!({"headers": {"x-a": null, "x-b": "2"}})).await;
    assert_eq!((status, &changed["signingSecret"]), (StatusCode::OK, &created["signingSecret"]));
    assert_eq!(changed["headers"], json!({"authorization": "Bearer a-XXXX...", "x-b": "2"}));
    let (_, changed) = sandbox.send("PATCH", &path, json!({"url": "http://example.com:8080/other", "headers": null})).await;
    assert_eq!((&changed["url"], &changed["headers"]), (&json!("http://example.com:8080/other"), &json!({})));

    assert_eq!(sandbox.send("DELETE", &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    for method in ["GET", "DELETE"] {
        sandbox.refused(method, &path, Value::Null, Code::WebhookNotFound, uuid).await;
    }
    sandbox.refused("PATCH", &path, json!({}), Code::WebhookNotFound, uuid).await;
}

#[tokio::test]
async fn wrong_webhooks_are_refused() {
    let sandbox = Sandbox::start().await;
    let many: serde_json::Map<String, Value> = (0..=Webhook::MAX_HEADERS).map(|n| (format!("x-{n}"), json!("a"))).collect();
    let url = "https://example.com/";
    for (body, code, part) in [
        (json!({}), Code::InvalidWebhookUrl, "missing"),
        (json!({"url": null}), Code::InvalidWebhookUrl, "missing"),
        (json!({"url": 1}), Code::InvalidWebhookUrl, "`.url`"),
        (json!({"url": "not-a-valid-url"}), Code::InvalidWebhookUrl, "relative URL without a base"),
        (json!({"url": "file:///etc/passwd"}), Code::InvalidWebhookUrl, "`http://`"),
        (json!({"url": url, "headers": 1}), Code::InvalidWebhookHeaders, "`.headers`"),
        (json!({"url": url, "headers": {"a b": "c"}}), Code::InvalidWebhookHeaders, "`a b`"),
        (json!({"url": url, "headers": {"a": "\n"}}), Code::InvalidWebhookHeaders, "`a`"),
        (json!({"url": url, "headers": {"a": 1}}), Code::InvalidWebhookHeaders, "`.headers.a`"),
        (json!({"url": url, "headers": {"Content-Length": "1"}}), Code::InvalidWebhookHeaders, "`Content-Length`"),
        (json!({"url": url, "headers": many}), Code::InvalidWebhookHeaders, "200"),
        (json!({"url": url, "uuid": "x"}), Code::ImmutableWebhookUuid, "`uuid`"),
        (json!({"url": url, "isEditable": true}), Code::ImmutableWebhookIsEditable, "`isEditable`"),
        (json!({"ulr": url}), Code::BadRequest, "did you mean `url`?"),
    ] {
        sandbox.refused("POST", "/webhooks", body, code, part).await;
    }
    sandbox.refused("GET", "/webhooks/x", Value::Null, Code::InvalidWebhookUuid, "UUID").await;
    for _ in 0..Webhook::MAX {
        assert_eq!(sandbox.send("POST", "/webhooks", json!({"url": url})).await.0, StatusCode::CREATED);
    }
    sandbox.refused("POST", "/webhooks", json!({"url": url}), Code::InvalidWebhooks, "20").await;
}
