//! API keys.

use http::StatusCode;
use onggi_domain::{Code, Timestamp};
use onggi_metadata::hash_key;
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

#[tokio::test]
async fn a_tenant_begins_with_two_keys_and_its_root_key_is_not_among_them() {
    let sandbox = Sandbox::start().await;
    let list = sandbox.get("/keys").await;
    let mut names: Vec<&str> = list["results"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Default Admin API Key", "Default Search API Key"]);
    assert_eq!((&list["total"], &list["limit"], &list["offset"]), (&json!(2), &json!(20), &json!(0)));
    let root = format!("/keys/{}", sandbox.keys.root_key);
    sandbox.refused("GET", &root, Value::Null, Code::ApiKeyNotFound, "not found").await;
    let root = format!("/keys/{}", sandbox.keys.tenant.id);
    sandbox.refused("DELETE", &root, Value::Null, Code::ApiKeyNotFound, "not found").await;
}

#[tokio::test]
async fn a_key_is_created_shown_changed_and_deleted() {
    let sandbox = Sandbox::start().await;
    let body = json!({
        "name": "n", "uid": "6062abda-a5aa-4414-ac91-ecd7944c0f8d", "actions": ["documents.add"], "indexes": ["pro*"],
        "expiresAt": "2999-04-02 00:42:42",
    });
    let (status, key) = sandbox.send("POST", "/keys", body.clone()).await;
    assert_eq!((status, &key["expiresAt"], &key["description"]), (StatusCode::CREATED, &json!("2999-04-02T00:42:42Z"), &Value::Null));
    let secret = key["key"].as_str().unwrap();
    let (stored, _) = sandbox.deps.metadata.keys.by_hash(&hash_key(secret)).await.unwrap();
    assert_eq!(json!(stored.uid), body["uid"]);
    assert_eq!(sandbox.get(&format!("/keys/{secret}")).await, key);
    sandbox.refused("POST", "/keys", body, Code::ApiKeyAlreadyExists, "6062abda").await;

    let path = "/keys/6062abda-a5aa-4414-ac91-ecd7944c0f8d";
    let (status, changed) = sandbox.send("PATCH", path, json!({"description": "d"})).await;
    assert_eq!((status, &changed["name"], &changed["description"]), (StatusCode::OK, &json!("n"), &json!("d")));
    let (_, changed) = sandbox.send("PATCH", path, json!({"name": null})).await;
    assert_eq!((&changed["name"], &changed["description"]), (&Value::Null, &json!("d")));
    assert_eq!(sandbox.send("DELETE", path, Value::Null).await.0, StatusCode::NO_CONTENT);
    sandbox.refused("GET", path, Value::Null, Code::ApiKeyNotFound, "6062abda").await;
}

#[tokio::test]
async fn a_uid_that_another_tenant_has_is_free() {
    let sandbox = Sandbox::start().await;
    let other = onggi_admin::operator::create_tenant(&sandbox.deps.metadata, &sandbox.deps.secrets, "other").await.unwrap();
    let stranger = onggi_domain::auth::Identity { tenant: other.tenant.id, ..sandbox.caller.clone() };
    let body = json!({
        "uid": "6062abda-a5aa-4414-ac91-ecd7944c0f8d", "actions": ["search"], "indexes": ["*"], "expiresAt": null,
    });
    let (status, mine) = sandbox.send("POST", "/keys", body.clone()).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, theirs) = sandbox.send_as(&stranger, "POST", "/keys", &body).await;
    assert_eq!((status, &theirs["uid"]), (StatusCode::CREATED, &mine["uid"]));
    assert_ne!(theirs["key"], mine["key"]);
    let root_of_another = json!({"uid": other.tenant.id, "actions": ["search"], "indexes": ["*"], "expiresAt": null});
    assert_eq!(sandbox.send("POST", "/keys", root_of_another).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn wrong_keys_are_refused_with_the_field() {
    let sandbox = Sandbox::start().await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"actions": ["*"], "indexes": ["*"], "expiresAt": null});
        body[field] = value;
        body
    };
    let without = |field: &str| {
        let mut body = with("name", Value::Null);
        body.as_object_mut().unwrap().remove(field);
        body
    };
    let yesterday = (Timestamp::now() - std::time::Duration::from_hours(24)).to_string();
    for (body, code, part) in [
        (without("actions"), Code::MissingApiKeyActions, "Missing field `actions`"),
        (without("indexes"), Code::MissingApiKeyIndexes, "Missing field `indexes`"),
        (without("expiresAt"), Code::MissingApiKeyExpiresAt, "Missing field `expiresAt`"),
        (with("actions", json!("x")), Code::InvalidApiKeyActions, "expected an array, but found a string: `\"x\"`"),
        (with("actions", json!(["search", "x"])), Code::InvalidApiKeyActions, "Unknown value `x` at `.actions[1]`"),
        (with("indexes", json!(["good doggo"])), Code::InvalidApiKeyIndexes, "Invalid value at `.indexes[0]`: `good doggo`"),
        (with("expiresAt", json!("tomorrow")), Code::InvalidApiKeyExpiresAt, "YYYY-MM-DD HH:MM:SS"),
        (with("expiresAt", json!(yesterday)), Code::InvalidApiKeyExpiresAt, "in the future"),
        (with("expiresAt", json!(1)), Code::InvalidApiKeyExpiresAt, "expected a string"),
        (with("uid", json!("doggo")), Code::InvalidApiKeyUid, "`.uid`"),
        (with("name", json!(["x"])), Code::InvalidApiKeyName, "`.name`"),
        (with("description", json!({})), Code::InvalidApiKeyDescription, "an object"),
        (with("expires_at", Value::Null), Code::BadRequest, "did you mean `expiresAt`?"),
    ] {
        sandbox.refused("POST", "/keys", body, code, part).await;
    }
    for (field, code) in [
        ("uid", Code::ImmutableApiKeyUid),
        ("actions", Code::ImmutableApiKeyActions),
        ("indexes", Code::ImmutableApiKeyIndexes),
        ("expiresAt", Code::ImmutableApiKeyExpiresAt),
        ("createdAt", Code::ImmutableApiKeyCreatedAt),
        ("updatedAt", Code::ImmutableApiKeyUpdatedAt),
    ] {
        sandbox.refused("PATCH", "/keys/x", json!({field: "x"}), code, "expected one of `description`, `name`").await;
    }
    sandbox.refused("GET", "/keys?limit=x", Value::Null, Code::InvalidApiKeyLimit, "`x`").await;
}

#[tokio::test]
async fn an_identity_provider_is_set_shown_and_removed() {
    let sandbox = Sandbox::start().await;
    let path = "/identity-provider";
    for method in ["GET", "DELETE"] {
        sandbox.refused(method, path, Value::Null, Code::IdentityProviderNotFound, "PUT").await;
    }
    let settings = json!({
        "issuer": "https://id.example", "audience": "app", "jwksUri": "https://id.example/keys",
        "rules": [{"indexes": ["shop_*"], "filter": "org = {org.id}", "when": {"claim": "role", "equals": "user"}}],
    });
    let (status, set) = sandbox.send("PUT", path, settings.clone()).await;
    assert_eq!((status, &set["issuer"], &set["rules"]), (StatusCode::OK, &settings["issuer"], &settings["rules"]));
    assert_eq!(set["tenant"], sandbox.caller.tenant.to_string());
    assert_eq!(sandbox.get(path).await, set);
    let with = |name: &str, value: Value| {
        let mut settings = settings.clone();
        settings[name] = value;
        settings
    };
    for (body, part) in [
        (with("jwks", json!({"keys": []})), "either"),
        (with("jwksUri", Value::Null), "either"),
        (with("jwksUri", json!("file:///etc/passwd")), "https"),
        (with("rules", json!([{"indexes": ["*"], "filter": "a = '{b}'"}])), "quotes"),
        (with("rules", json!([{"indexes": ["a*b"]}])), "a*b"),
        (with("rulez", json!([])), "rulez"),
    ] {
        sandbox.refused("PUT", path, body, Code::InvalidIdentityProvider, part).await;
    }
    let (status, _) = sandbox.send_as(&sandbox.limited_to("shop_*"), "PUT", path, &settings).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(sandbox.send("DELETE", path, Value::Null).await.0, StatusCode::NO_CONTENT);
    sandbox.refused("GET", path, Value::Null, Code::IdentityProviderNotFound, "PUT").await;
}
