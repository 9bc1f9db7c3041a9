//! Tokens of a tenant's identity provider: real keys, a real server that has them, and everything that could be wrong with a token.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use axum::{Json, Router, body::Body, routing::get};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use onggi_domain::{TenantId, Timestamp, key::Action, tenant::TenantStatus};
use parking_lot::Mutex;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::bed::{Answer, Bed, Searcher, request, serve};

/// A key of a provider.
struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let der = match algorithm {
            Algorithm::EdDSA => Ed25519KeyPair::generate_pkcs8v1(&random).unwrap().as_ref().to_vec(),
            Algorithm::ES256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec(),
            _ => {
                let der: Pkcs8V1Der<'_> = RsaKeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
                der.as_ref().to_vec()
            }
        };
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
        let key = match algorithm {
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        Self { id, algorithm, key: key.unwrap() }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).unwrap()
    }
}

fn now() -> i64 {
    Timestamp::now().as_second()
}

/// Good claims, and these besides or instead; null: without it.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({"iss": "https://id.example", "aud": ["other", "app"], "exp": now() + 600, "sub": "ada", "org": "o1"});
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn keys(signers: &[&Signer]) -> Value {
    json!({"keys": signers.iter().map(|signer| signer.public()).collect::<Vec<_>>()})
}

/// A server that has keys, which can be exchanged, and how often it was asked.
async fn key_server(first: Value) -> (String, Arc<Mutex<Value>>, Arc<AtomicUsize>) {
    let (keys, asked) = (Arc::new(Mutex::new(first)), Arc::new(AtomicUsize::new(0)));
    let (told, counted) = (keys.clone(), asked.clone());
    let router = Router::new().route(
        "/keys",
        get(async move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Json(told.lock().clone())
        }),
    );
    (format!("{}/keys", serve(router).await), keys, asked)
}

fn shown(tenant: TenantId, token: &str) -> String {
    format!("{tenant}~{token}")
}

/// The filter that a searcher was told to add.
fn filter(answer: &Answer) -> Value {
    let told = answer.json()["headers"]["x-onggi-filter"].as_str().map(str::to_owned);
    told.map_or(Value::Null, |told| {
        let decoded = form_urlencoded::parse(told.as_bytes()).next().unwrap().0.into_owned();
        serde_json::from_str(&decoded).unwrap()
    })
}

#[tokio::test]
async fn a_token_of_each_algorithm_searches_what_its_claims_allow() {
    let bed = Bed::new().await;
    let (tenant, _) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    for uid in ["jars", "internal", "pots"] {
        bed.index(tenant, uid, &[&searcher]).await;
    }
    let signers = [Signer::new("e", Algorithm::EdDSA), Signer::new("p", Algorithm::ES256), Signer::new("r", Algorithm::RS256)];
    let (uri, ..) = key_server(keys(&signers.each_ref())).await;
    let rules = json!([
        {"indexes": ["internal"], "when": {"claim": "roles", "equals": "staff"}},
        {"indexes": ["jars", "internal"], "filter": "org = {org}"},
    ]);
    bed.provider(tenant, &json!({"jwksUri": uri, "rules": rules})).await;
    for signer in &signers {
        let user = shown(tenant, &signer.sign(&claims(&json!({"org": "a\" OR x = \"b"}))));
        let answer = bed.search(&user, "jars").await;
        assert_eq!(answer.status, 200, "{:?}: {answer:?}", signer.algorithm);
        assert_eq!(filter(&answer), json!("org = \"a\\\" OR x = \\\"b\""));
        assert_eq!(filter(&bed.search(&user, "internal").await), json!("org = \"a\\\" OR x = \\\"b\""));
        assert_eq!(bed.search(&user, "pots").await.outcome(), (403, "invalid_api_key".to_owned()), "no rule opens it");
        let staff = shown(tenant, &signer.sign(&claims(&json!({"roles": ["staff"]}))));
        assert_eq!(filter(&bed.search(&staff, "internal").await), Value::Null, "the first rule that holds counts");
        let without = shown(tenant, &signer.sign(&claims(&json!({"org": null}))));
        assert_eq!(bed.search(&without, "jars").await.status, 403, "a claim that is missing opens nothing");
        // Searching is all that it is for.
        assert_eq!(bed.call(&user, Method::GET, "/indexes").await.outcome(), (403, "invalid_api_key".to_owned()));
        assert_eq!(bed.call(&user, Method::GET, "/indexes/jars/documents").await.status, 403);
    }
    let queries = json!({"queries": [{"indexUid": "jars"}, {"indexUid": "pots"}]}).to_string();
    let user = shown(tenant, &signers[0].sign(&claims(&json!({}))));
    assert_eq!(bed.send(request(&user, Method::POST, "/multi-search", Body::from(queries))).await.status, 403);
}

#[tokio::test]
async fn a_token_that_is_not_right_in_every_way_is_an_unknown_key() {
    let bed = Bed::new().await;
    let ((tenant, _), (other, _)) = (bed.tenant("one").await, bed.tenant("two").await);
    let searcher = Searcher::new("a").await;
    for owner in [tenant, other] {
        bed.index(owner, "jars", &[&searcher]).await;
    }
    let (good, stranger) = (Signer::new("k", Algorithm::RS256), Signer::new("k", Algorithm::RS256));
    bed.provider(tenant, &json!({"jwks": keys(&[&good])})).await;
    let token = good.sign(&claims(&json!({})));
    assert_eq!(bed.search(&shown(tenant, &token), "jars").await.status, 200);
    let public = good.public();
    let hmac_with_the_public_key = {
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(&json!({})), &EncodingKey::from_secret(public["n"].as_str().unwrap().as_bytes())).unwrap()
    };
    let parts: Vec<&str> = token.split('.').collect();
    let unsigned = format!("eyJhbGciOiJub25lIiwia2lkIjoiayJ9.{}.", parts[1]);
    let altered = format!("{}.{}x.{}", parts[0], parts[1], parts[2]);
    let mut wrong = vec![
        shown(tenant, &stranger.sign(&claims(&json!({})))),
        shown(tenant, &hmac_with_the_public_key),
        shown(tenant, &unsigned),
        shown(tenant, &altered),
        shown(tenant, ""),
        shown(tenant, "a.b.c"),
        shown(tenant, &"x".repeat(20_000)),
        shown(other, &token),
        shown(TenantId::generate(), &token),
        format!("one~{token}"),
        token.clone(),
    ];
    for change in [
        json!({"iss": "https://evil.example"}),
        json!({"iss": null}),
        json!({"aud": "another-app"}),
        json!({"aud": null}),
        json!({"exp": now() - 60}),
        json!({"exp": null}),
        json!({"nbf": now() + 600}),
    ] {
        wrong.push(shown(tenant, &good.sign(&claims(&change))));
    }
    for key in wrong {
        assert_eq!(bed.search(&key, "jars").await.outcome(), (403, "invalid_api_key".to_owned()), "{key}");
    }
    bed.metadata.tenants.set_status(tenant, TenantStatus::Suspended).await.unwrap();
    let begin = std::time::Instant::now();
    while bed.search(&shown(tenant, &token), "jars").await.outcome().1 != "tenant_suspended" {
        assert!(begin.elapsed().as_secs() < 10);
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_for_one_that_is_new_but_not_for_every_one_that_is_made_up() {
    let bed = Bed::new().await;
    let (tenant, _) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let (old, made_up) = (Signer::new("old", Algorithm::EdDSA), Signer::new("made-up", Algorithm::EdDSA));
    let (uri, _, asked) = key_server(keys(&[&old])).await;
    bed.provider(tenant, &json!({"jwksUri": uri})).await;
    let user = shown(tenant, &old.sign(&claims(&json!({}))));
    let searches = futures::future::join_all((0..20).map(|_| bed.search(&user, "jars"))).await;
    assert!(searches.iter().all(|answer| answer.status == 200));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "those that come together ask once");
    for _ in 0..20 {
        assert_eq!(bed.search(&shown(tenant, &made_up.sign(&claims(&json!({})))), "jars").await.status, 403);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1, "a provider has its rest between two requests");
    assert_eq!(bed.search(&user, "jars").await.status, 200);
}

#[tokio::test]
async fn a_token_is_tried_without_searching() {
    let bed = Bed::new().await;
    let (_, root) = bed.tenant("one").await;
    let signer = Signer::new("k", Algorithm::EdDSA);
    let try_it = async |token: &str| {
        let body = Body::from(json!({"token": token}).to_string());
        bed.send(request(&root, Method::POST, "/identity-provider/test", body)).await
    };
    let token = signer.sign(&claims(&json!({})));
    assert_eq!(try_it(&token).await.outcome(), (404, "identity_provider_not_found".to_owned()));
    let (other, other_root) = bed.tenant("two").await;
    let rules = json!([{"indexes": ["a"], "filter": "org = {org}"}, {"indexes": ["b"], "when": {"claim": "role", "equals": "x"}}]);
    bed.provider(other, &json!({"jwks": keys(&[&signer]), "rules": rules})).await;
    let try_it = async |token: &str| {
        let body = Body::from(json!({"token": token}).to_string());
        bed.send(request(&other_root, Method::POST, "/identity-provider/test", body)).await.json()
    };
    for token in [token.clone(), shown(other, &token)] {
        let verdict = try_it(&token).await;
        assert_eq!((&verdict["valid"], &verdict["claims"]["sub"]), (&json!(true), &json!("ada")), "{verdict}");
        assert_eq!(verdict["rules"][0], json!({"holds": true, "indexes": ["a"], "filter": "org = \"o1\"", "reason": null}));
        assert_eq!(verdict["rules"][1]["holds"], false);
        assert!(verdict["rules"][1]["reason"].as_str().unwrap().contains("`role`"), "{verdict}");
    }
    for (token, part) in [
        (signer.sign(&claims(&json!({"exp": now() - 100}))), "Expired"),
        (signer.sign(&claims(&json!({"aud": "x"}))), "Audience"),
        ("nonsense".to_owned(), "no token"),
        (Signer::new("other", Algorithm::EdDSA).sign(&claims(&json!({}))), "`other`"),
    ] {
        let verdict = try_it(&token).await;
        assert_eq!(verdict["valid"], false);
        assert!(verdict["reason"].as_str().unwrap().contains(part), "{part}: {verdict}");
    }
    let key = bed.key(other, &[Action::Search], &["*"]).await;
    let body = Body::from("{\"token\":\"x\"}");
    assert_eq!(bed.send(request(&key, Method::POST, "/identity-provider/test", body)).await.status, 403);
}

#[tokio::test]
async fn keys_are_never_fetched_from_inside_nor_without_tls_from_outside() {
    let bed = Bed::new().await;
    let signer = Signer::new("k", Algorithm::EdDSA);
    for (uri, part) in [
        ("http://169.254.169.254/keys", "not a public one"),
        ("http://[::ffff:10.0.0.1]/keys", "not a public one"),
        ("https://10.0.0.1/keys", "not a public one"),
        ("http://1.1.1.1/keys", "has to begin with `https://`"),
    ] {
        let (tenant, root) = bed.tenant(uri).await;
        bed.provider(tenant, &json!({"jwksUri": uri})).await;
        let body = Body::from(json!({"token": signer.sign(&claims(&json!({})))}).to_string());
        let verdict = bed.send(request(&root, Method::POST, "/identity-provider/test", body)).await.json();
        assert!(verdict["reason"].as_str().unwrap().contains(part), "{uri}: {verdict}");
    }
}
