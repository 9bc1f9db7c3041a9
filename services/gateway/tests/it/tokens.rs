//! Tenant tokens.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use onggi_domain::{
    Timestamp,
    key::{Action, Key},
};
use serde_json::{Value, json};

use crate::bed::{Bed, Searcher, key};

fn sign(algorithm: Algorithm, claims: &Value, secret: &str) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn good(claims: &Value, secret: &str) -> String {
    sign(Algorithm::HS256, claims, secret)
}

/// A token with a header of one's own and somebody else's signature.
fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// A token, and the filter that the searcher gets or the part of the message that refuses it.
type Case = (&'static str, String, Result<Option<Value>, &'static str>);

#[tokio::test]
async fn a_token_searches_what_its_rules_allow_and_a_bad_one_nothing() {
    let bed = Bed::new().await;
    let (tenant, root_secret) = bed.tenant("one").await;
    let (other, _) = bed.tenant("other").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "prod_jars", &[&searcher]).await;

    let search = key(tenant, &[Action::Search], &["prod_*"]);
    let secret = bed.store(&search).await;
    let strangers = key(other, &[Action::Search], &["*"]);
    let strangers_secret = bed.store(&strangers).await;
    let reader = key(tenant, &[Action::DocumentsGet], &["*"]);
    let reader_secret = bed.store(&reader).await;
    let elsewhere = key(tenant, &[Action::All], &["dev_*"]);
    let elsewhere_secret = bed.store(&elsewhere).await;
    let past = Timestamp::now().as_second() - 5;
    let expired = Key { expires_at: Timestamp::from_second(past).ok(), ..key(tenant, &[Action::Search], &["*"]) };
    let expired_secret = bed.store(&expired).await;
    let derived_root = Key { root: true, ..key(tenant, &[], &[]) };
    let derived_root_secret = bed.store(&derived_root).await;

    let uid = search.uid;
    let claims = |rules: Value| json!({"searchRules": rules, "apiKeyUid": uid});
    let everything = claims(json!(["*"]));
    let by = |key: &Key| json!({"searchRules": ["*"], "apiKeyUid": key.uid});
    let until = |exp: Value| json!({"searchRules": ["*"], "apiKeyUid": uid, "exp": exp});
    let signature = good(&everything, &secret).rsplit('.').next().unwrap().to_owned();
    let filter = json!(["user = 1", ["group = \"a & b\"", "제목 = x+y"]]);

    let cases: Vec<Case> = vec![
        ("HS256", good(&everything, &secret), Ok(None)),
        ("HS384", sign(Algorithm::HS384, &everything, &secret), Ok(None)),
        ("HS512", sign(Algorithm::HS512, &everything, &secret), Ok(None)),
        ("a pattern", good(&claims(json!(["prod_*"])), &secret), Ok(None)),
        ("no filter", good(&claims(json!({"prod_jars": null})), &secret), Ok(None)),
        ("a filter", good(&claims(json!({"*": {"filter": "user = 1"}})), &secret), Ok(Some(json!("user = 1")))),
        ("the closest filter", good(&claims(json!({"*": {}, "prod_jars": {"filter": filter}})), &secret), Ok(Some(filter.clone()))),
        ("not yet over", good(&until(json!(past + 3600)), &secret), Ok(None)),
        ("no end", good(&until(Value::Null), &secret), Ok(None)),
        ("over", good(&until(json!(past)), &secret), Err("Tenant token expired")),
        ("an end that is no time", good(&until(json!("never")), &secret), Err("decode")),
        ("another index", good(&claims(json!(["dev_jars"])), &secret), Err("cannot access the index `prod_jars`")),
        ("no index", good(&claims(json!([])), &secret), Err("cannot access")),
        ("a misspelt filter", good(&claims(json!({"*": {"filters": "user = 1"}})), &secret), Err("decode")),
        ("no rules", good(&json!({"apiKeyUid": uid}), &secret), Err("decode")),
        ("another's secret", good(&everything, &strangers_secret), Err("decode")),
        ("the uid as secret", good(&everything, &uid.to_string()), Err("decode")),
        ("no algorithm", forged(&json!({"alg": "none", "typ": "JWT"}), &everything, ""), Err("decode")),
        ("no algorithm, signed", forged(&json!({"alg": "none"}), &everything, &signature), Err("decode")),
        ("another family", forged(&json!({"alg": "RS256", "typ": "JWT"}), &everything, &signature), Err("decode")),
        ("other claims", forged(&json!({"alg": "HS256", "typ": "JWT"}), &claims(json!(["prod_jars"])), &signature), Err("decode")),
        ("an unknown key", good(&by(&key(tenant, &[], &[])), &secret), Err("The provided API key is invalid.")),
        ("the root key", good(&by(&derived_root), &derived_root_secret), Err("The provided API key is invalid.")),
        ("the root key's secret", good(&everything, &root_secret), Err("decode")),
        ("a key that may not search", good(&by(&reader), &reader_secret), Err("The provided API key is invalid.")),
        ("a key for other indexes", good(&by(&elsewhere), &elsewhere_secret), Err("API key used to generate this tenant token")),
        ("an expired key", good(&by(&expired), &expired_secret), Err("The provided API key is invalid.")),
        ("no key", good(&json!({"searchRules": ["*"]}), &secret), Err("The provided API key is invalid.")),
    ];
    for (name, token, expected) in cases {
        let answer = bed.search(&token, "prod_jars").await;
        match expected {
            Ok(filter) => {
                assert_eq!(answer.status, 200, "{name}: {answer:?}");
                let sent = answer.json()["headers"]["x-onggi-filter"].as_str().map(|sent| {
                    let (text, _) = url::form_urlencoded::parse(sent.as_bytes()).next().unwrap();
                    serde_json::from_str::<Value>(&text).unwrap()
                });
                assert_eq!(sent, filter, "{name}");
            }
            Err(says) => {
                assert_eq!(answer.outcome(), (403, "invalid_api_key".to_owned()), "{name}");
                let json = answer.json();
                assert!(json["message"].as_str().unwrap().contains(says), "{name}: {json}");
            }
        }
    }
    let strangers_token = good(&json!({"searchRules": ["*"], "apiKeyUid": strangers.uid}), &strangers_secret);
    assert_eq!(bed.search(&strangers_token, "prod_jars").await.outcome(), (404, "index_not_found".to_owned()));
}

#[tokio::test]
async fn a_token_means_the_key_that_has_signed_it_when_two_tenants_have_one_of_the_same_uid() {
    let bed = Bed::new().await;
    let mut secrets = Vec::new();
    let first = key(bed.tenant("one").await.0, &[Action::Search], &["*"]);
    let second = Key { tenant: bed.tenant("two").await.0, ..first.clone() };
    for key in [&first, &second] {
        let searcher = Searcher::new("a").await;
        bed.index(key.tenant, "jars", &[&searcher]).await;
        secrets.push(bed.store(key).await);
    }
    assert_ne!(secrets[0], secrets[1]);
    let token = |secret: &String| good(&json!({"searchRules": {"*": {"filter": secret}}, "apiKeyUid": first.uid}), secret);
    for secret in &secrets {
        let answer = bed.search(&token(secret), "jars").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.json()["headers"]["x-onggi-filter"].as_str().unwrap().contains(secret.as_str()));
    }
    bed.metadata.keys.delete(second.tenant, second.uid).await.unwrap();
    let begin = std::time::Instant::now();
    while bed.search(&token(&secrets[1]), "jars").await.status != 403 {
        assert!(begin.elapsed().as_secs() < 10, "the token outlives its key");
    }
    assert_eq!(bed.search(&token(&secrets[0]), "jars").await.status, 200);
}

#[tokio::test]
async fn a_token_is_for_searching_only_and_ends_with_its_key() {
    let bed = Bed::new().await;
    let (tenant, _) = bed.tenant("one").await;
    let searcher = Searcher::new("a").await;
    bed.index(tenant, "jars", &[&searcher]).await;
    let all = key(tenant, &[Action::All], &["*"]);
    let secret = bed.store(&all).await;
    let token = good(&json!({"searchRules": ["*"], "apiKeyUid": all.uid}), &secret);
    for (method, path, status) in [
        (Method::GET, "/indexes/jars/search?q=a", 200),
        (Method::POST, "/indexes/jars/facet-search", 200),
        (Method::GET, "/indexes/jars/documents", 403),
        (Method::POST, "/indexes/jars/documents", 403),
        (Method::GET, "/indexes", 403),
        (Method::GET, "/keys", 403),
    ] {
        assert_eq!(bed.call(&token, method, path).await.status, status, "{path}");
    }
    bed.metadata.keys.delete(tenant, all.uid).await.unwrap();
    let begin = std::time::Instant::now();
    while bed.search(&token, "jars").await.status != 403 {
        assert!(begin.elapsed().as_secs() < 10, "the token outlives its key");
    }
}
