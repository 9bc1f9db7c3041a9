//! Every route of the portal, asked by a member of another tenant, by a viewer, and by nobody: a tenant of others is answered as one that does not exist.

use std::path::Path;

use onggi_domain::{limits::OWNED_TENANTS, tenant::MemberRole};
use onggi_gateway::{Destination, ROUTES};
use onggi_testkit::Onggi;
use reqwest::{Client, Method, StatusCode, header, redirect};
use serde_json::{Value, json};

use crate::BINARY;

/// A tenant that nobody has.
const ABSENT: &str = "01930000-0000-7000-8000-000000000001";

/// Somebody who is signed in, as a program.
struct Person {
    url: String,
    client: Client,
    cookie: String,
    csrf: String,
    uid: String,
    tenant: String,
}

impl Person {
    /// Makes an account and a tenant.
    async fn new(onggi: &Onggi, name: &str) -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        let account = json!({"email": format!("{name}@example.com"), "password": "a long enough passphrase", "tenant": name});
        let response = client.post(format!("{}/portal/api/sign-up", onggi.url())).json(&account).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let cookies = response.headers().get_all(header::SET_COOKIE).iter();
        let session = cookies.map(|cookie| cookie.to_str().unwrap()).find(|cookie| cookie.starts_with("onggi_session=")).unwrap();
        let cookie = session.split(';').next().unwrap().to_owned();
        let tenant = response.json::<Value>().await.unwrap()["uid"].as_str().unwrap().to_owned();
        let mut person = Self { url: onggi.url().to_owned(), client, cookie, csrf: String::new(), uid: String::new(), tenant };
        let account: Value = serde_json::from_str(&person.ask(Method::GET, "/portal/api/account", None).await.1).unwrap();
        account["csrfToken"].as_str().unwrap().clone_into(&mut person.csrf);
        account["uid"].as_str().unwrap().clone_into(&mut person.uid);
        person
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, String) {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        request = request.header(header::COOKIE, &self.cookie).header("x-onggi-csrf", &self.csrf);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Sends a form, as a page does.
    async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> StatusCode {
        let request = self.client.post(format!("{}{path}", self.url)).header(header::COOKIE, &self.cookie);
        request.header("x-onggi-csrf", &self.csrf).form(fields).send().await.unwrap().status()
    }

    /// What a viewer must not be able to change of the person's tenant and its index `jars`.
    async fn state(&self) -> Vec<String> {
        let (tenant, api) = (format!("/portal/api/tenants/{}", self.tenant), format!("/portal/api/{}", self.tenant));
        let mut state = Vec::new();
        for path in [
            format!("{tenant}/members"),
            format!("{tenant}/invitations"),
            format!("{api}/keys"),
            format!("{api}/webhooks"),
            format!("{api}/indexes/jars/settings"),
        ] {
            let (status, answer) = self.ask(Method::GET, &path, None).await;
            assert_eq!(status, StatusCode::OK, "{path}: {answer}");
            state.push(answer);
        }
        let parts = |value: &Value, names: &[&str]| names.iter().map(|name| value[name].to_string()).collect::<Vec<_>>().join(" ");
        for (path, names) in [
            ("/indexes", &["total"][..]),
            ("/tasks", &["total"]),
            ("/usage", &["alert"]),
            ("/identity-provider", &["code", "issuer"]),
            ("/indexes/jars/containers", &["size", "replicas", "sleepAfterSeconds", "wake"]),
        ] {
            let (_, answer) = self.ask(Method::GET, &format!("{api}{path}"), None).await;
            state.push(format!("{path}: {}", parts(&serde_json::from_str(&answer).unwrap(), names)));
        }
        state
    }
}

/// The paths of pages below a tenant's.
const PAGES: &[(&str, &str)] = &[
    ("GET", ""),
    ("GET", "/events"),
    ("GET", "/start"),
    ("POST", "/start/sample/en"),
    ("GET", "/members"),
    ("POST", "/members/invite"),
    ("POST", "/members/role"),
    ("POST", "/members/remove"),
    ("POST", "/members/withdraw"),
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("GET", "/keys/new"),
    ("GET", "/keys/01930000-0000-7000-8000-000000000002"),
    ("POST", "/keys/01930000-0000-7000-8000-000000000002"),
    ("POST", "/keys/01930000-0000-7000-8000-000000000002/revoke"),
    ("GET", "/keys/tokens"),
    ("POST", "/keys/tokens"),
    ("GET", "/keys/identity"),
    ("POST", "/keys/identity"),
    ("POST", "/keys/identity/test"),
    ("POST", "/keys/identity/remove"),
    ("GET", "/usage"),
    ("POST", "/usage/alert"),
    ("GET", "/i/jars"),
    ("GET", "/i/jars/containers"),
    ("POST", "/i/jars/containers"),
    ("GET", "/i/jars/containers/events"),
    ("POST", "/i/jars/wake"),
    ("POST", "/i/jars/sleep"),
    ("GET", "/i/jars/search"),
    ("GET", "/i/jars/documents"),
    ("POST", "/i/jars/documents/delete"),
    ("GET", "/i/jars/documents/one"),
    ("POST", "/i/jars/documents/one"),
    ("POST", "/i/jars/documents/one/delete"),
    ("GET", "/i/jars/settings"),
    ("POST", "/i/jars/settings"),
    ("GET", "/i/jars/generations"),
    ("GET", "/i/jars/generations/events"),
    ("GET", "/i/jars/generations/compare"),
    ("GET", "/i/jars/generations/1/rollback"),
    ("POST", "/i/jars/generations/1/rollback"),
    ("GET", "/i/jars/generations/1/fork"),
    ("POST", "/i/jars/generations/1/fork"),
    ("GET", "/i/jars/analytics"),
    ("GET", "/i/jars/tasks"),
    ("GET", "/i/jars/tasks/events"),
    ("POST", "/i/jars/tasks/cancel"),
    ("POST", "/i/jars/tasks/delete"),
    ("GET", "/tasks"),
    ("GET", "/tasks/events"),
    ("GET", "/tasks/0"),
    ("GET", "/tasks/0/events"),
    ("POST", "/tasks/cancel"),
    ("POST", "/tasks/delete"),
];

/// What stands in [`PAGES`] for what a route names in its path.
const IN_PATHS: [(&str, &str); 5] =
    [("{uid}", "jars"), ("{language}", "en"), ("{n}", "1"), ("{task}", "0"), ("{key}", "01930000-0000-7000-8000-000000000002")];

/// The routes below a tenant's that the portal's sources declare.
fn declared(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declared(&path, found);
            continue;
        }
        for piece in std::fs::read_to_string(&path).unwrap_or_default().split("\"/portal/t/{tenant}").skip(1) {
            let (route, rest) = piece.split_once('"').unwrap();
            let route = IN_PATHS.iter().fold(route.to_owned(), |route, (name, value)| route.replace(name, value));
            // What is within the parentheses of `.route(`.
            let mut depth = 1;
            let end = rest.char_indices().find(|(_, c)| {
                depth += i32::from(*c == '(') - i32::from(*c == ')');
                depth == 0
            });
            let handlers = &rest[..end.map_or(rest.len(), |(at, _)| at)];
            for (method, handler) in [("GET", "get("), ("POST", "post(")] {
                if handlers.contains(handler) {
                    found.push((method.to_owned(), route.clone()));
                }
            }
        }
    }
}

#[test]
fn no_page_is_forgotten() {
    let mut found = Vec::new();
    declared(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../admin/src/portal")), &mut found);
    assert!(found.len() >= PAGES.len(), "the sources were read: {found:?}");
    for (method, route) in &found {
        assert!(PAGES.contains(&(method.as_str(), route.as_str())), "{method} {route} is missing in `PAGES`");
    }
}

#[tokio::test]
async fn a_viewer_changes_nothing() {
    let (onggi, _config) = super::roomy().await;
    let (owner, viewer) = (Person::new(&onggi, "owner").await, Person::new(&onggi, "viewer").await);
    let api = format!("/portal/api/{}", owner.tenant);
    assert_eq!(owner.ask(Method::POST, &format!("{api}/indexes"), Some(&json!({"uid": "jars"}))).await.0, StatusCode::ACCEPTED);
    let invitations = format!("/portal/api/tenants/{}/invitations", owner.tenant);
    let (_, invitation) = owner.ask(Method::POST, &invitations, Some(&json!({"email": "viewer@example.com", "role": "viewer"}))).await;
    let invitation: Value = serde_json::from_str(&invitation).unwrap();
    let link = invitation["link"].as_str().unwrap().strip_prefix(onggi.url()).unwrap();
    assert_eq!(viewer.submit(link, &[]).await, StatusCode::SEE_OTHER);
    let before = owner.state().await;

    for route in ROUTES.iter().filter(|route| route.action.is_some_and(|action| !MemberRole::Viewer.allows(action))) {
        let path = format!("{api}{}", route.path.replace("{uid}", "jars"));
        let (status, answer) = viewer.ask(route.method.clone(), &path, None).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{} {path}: {answer}", route.method);
        assert!(answer.contains("role_not_sufficient"), "{} {path}: {answer}", route.method);
    }
    // What every form could have, as somebody would fill it in who wants to change something.
    let fields = [
        ("role", "owner"),
        ("email", "x@example.com"),
        ("user", owner.uid.as_str()),
        ("invitation", ABSENT),
        ("size", "small"),
        ("mode", "fixed"),
        ("replicas", "2"),
        ("sleep", "never"),
        ("wake", "manual"),
        ("json", r#"{"stopWords": ["the"]}"#),
        ("name", "stolen"),
        ("filter", ""),
        ("expected", "0"),
        ("confirm", "jars"),
        ("id", "1"),
        ("document", r#"{"id": "1"}"#),
        ("older", "all"),
        ("sure", "yes"),
        ("preset", "search"),
        ("scope", "all"),
        ("key", "01930000-0000-7000-8000-000000000002"),
        ("index", "jars"),
        ("amount", "1"),
        ("issuer", "https://evil.example"),
        ("audience", "x"),
        ("source", "uri"),
        ("jwks_uri", "https://evil.example/keys"),
        ("rule_indexes", "*"),
        ("token", "x"),
    ];
    for (_, path) in PAGES.iter().filter(|(method, _)| *method == "POST") {
        let status = viewer.submit(&format!("/portal/t/{}{path}", owner.tenant), &fields).await;
        // A form that was refused may be shown again with what was refused; what was done sends one on.
        assert!(!status.is_redirection() && !status.is_server_error(), "{path}: {status}");
    }
    assert_eq!(owner.state().await, before);
}

#[tokio::test]
async fn the_operators_area_does_not_exist_for_others() {
    let onggi = Onggi::start(BINARY, &[]).await;
    let person = Person::new(&onggi, "person").await;
    for path in ["", "/containers", "/people"] {
        assert_eq!(person.ask(Method::GET, &format!("/portal/operator{path}"), None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/tenants/status", "/people/operator"] {
        let fields = [("tenant", person.tenant.as_str()), ("status", "suspended"), ("user", person.uid.as_str()), ("operator", "true")];
        assert_eq!(person.submit(&format!("/portal/operator{path}"), &fields).await, StatusCode::NOT_FOUND, "{path}");
    }
    let api = format!("/portal/api/{}/indexes", person.tenant);
    assert_eq!(person.ask(Method::GET, &api, None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn another_tenant_is_answered_as_one_that_does_not_exist() {
    let onggi = Onggi::start(BINARY, &[]).await;
    let (owner, stranger) = (Person::new(&onggi, "owner").await, Person::new(&onggi, "stranger").await);
    let jars = format!("/portal/api/{}/indexes", owner.tenant);
    assert_eq!(owner.ask(Method::POST, &jars, Some(&json!({"uid": "jars"}))).await.0, StatusCode::ACCEPTED);

    let mut asked: Vec<(Method, String)> = Vec::new();
    // The tenant API through the portal, and the portal's own.
    for route in ROUTES {
        let path =
            route.path.replace("{uid}", "jars").replace("{index}", "jars").replace("{user}", &owner.uid).replace("{invitation}", ABSENT);
        match route.to {
            Destination::Portal if route.path.contains("/tenants/{tenant}") && !route.path.contains("operator") => {
                asked.push((route.method.clone(), path));
            }
            _ if route.action.is_some() => asked.push((route.method.clone(), format!("/portal/api/{{tenant}}{path}"))),
            _ => {}
        }
    }
    asked.extend(PAGES.iter().map(|(method, path)| (method.parse().unwrap(), format!("/portal/t/{{tenant}}{path}"))));
    assert!(asked.len() > 80, "the table of routes was read");
    for (method, path) in asked {
        let body =
            (method != Method::GET).then(|| json!({"role": "owner", "email": "x@example.com", "user": owner.uid, "invitation": ABSENT}));
        let theirs = stranger.ask(method.clone(), &path.replace("{tenant}", &owner.tenant), body.as_ref()).await;
        let absent = stranger.ask(method.clone(), &path.replace("{tenant}", ABSENT), body.as_ref()).await;
        assert_eq!(theirs.0, StatusCode::NOT_FOUND, "{method} {path}: {}", theirs.1);
        // A page repeats its own address.
        assert_eq!(theirs.1.replace(&owner.tenant, ABSENT), absent.1, "{method} {path}");
    }
    let found = owner.ask(Method::GET, &format!("{jars}/jars"), None).await;
    assert_eq!(found.0, StatusCode::OK, "{}", found.1);
}

#[tokio::test]
async fn nobody_is_told_anything() {
    let onggi = Onggi::start(BINARY, &[]).await;
    let owner = Person::new(&onggi, "owner").await;
    let nobody = Person { cookie: format!("onggi_session={}", "0".repeat(64)), ..Person::new(&onggi, "nobody").await };
    for route in ROUTES.iter().filter(|route| route.to == Destination::Portal) {
        if ["/portal/api/sign-in", "/portal/api/sign-up"].contains(&route.path) {
            continue;
        }
        let path = route.path.replace("{tenant}", &owner.tenant).replace("{user}", &owner.uid);
        let (status, answer) = nobody.ask(route.method.clone(), &path, None).await;
        // What changes something is refused for its token before it is asked who sends it.
        let refused = if route.method == Method::GET { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
        assert_eq!(status, refused, "{} {path}: {answer}", route.method);
    }
    for (method, path) in PAGES {
        let (status, answer) = nobody.ask(method.parse().unwrap(), &format!("/portal/t/{}{path}", owner.tenant), None).await;
        let refused = if *method == "GET" { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
        assert_eq!(status, refused, "{method} {path}: {answer}");
    }
    let (status, answer) = nobody.ask(Method::GET, &format!("/portal/api/{}/indexes", owner.tenant), None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{answer}");
}

#[tokio::test]
async fn a_tenants_name_is_taken_by_somebody_else_without_either_learning_it() {
    let onggi = Onggi::start(BINARY, &[]).await;
    let first = Person::new(&onggi, "same").await;
    let second = Person::new(&onggi, "other").await;
    let (status, answer) = second.ask(Method::POST, "/portal/api/tenants", Some(&json!({"name": "same"}))).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let created: Value = serde_json::from_str(&answer).unwrap();
    assert!(created["name"].as_str().unwrap().starts_with("same-"), "{answer}");
    assert_ne!(created["uid"], first.tenant);
}

#[tokio::test]
async fn one_person_owns_so_many_tenants_and_no_more() {
    let onggi = Onggi::start(BINARY, &[]).await;
    let owner = Person::new(&onggi, "owner").await;
    let create = async |number: usize| owner.ask(Method::POST, "/portal/api/tenants", Some(&json!({"name": format!("t-{number}")}))).await;
    for number in 1..OWNED_TENANTS {
        let (status, answer) = create(number).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    let (status, answer) = create(OWNED_TENANTS).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["code"], "quota_exceeded", "{answer}");
}

#[tokio::test]
async fn who_signs_up_has_the_plan_for_that() {
    let onggi = Onggi::start(BINARY, &[]).await;
    let owner = Person::new(&onggi, "owner").await;
    let (status, answer) = owner.ask(Method::GET, &format!("/portal/api/{}/plan", owner.tenant), None).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["plan"]["name"], "free", "{answer}");
}

#[tokio::test]
async fn a_persons_mistakes_have_codes() {
    let onggi = Onggi::start(BINARY, &[]).await;
    let owner = Person::new(&onggi, "owner").await;
    let nobody = Client::new();
    let sign_up = |email: &str, password: &str, tenant: &str| json!({"email": email, "password": password, "tenant": tenant});
    let good = "a long enough passphrase";
    for (path, body, code) in [
        ("sign-in", json!({"email": "owner@example.com", "password": "wrong"}), "invalid_credentials"),
        ("sign-in", json!({"email": "stranger@example.com", "password": good}), "invalid_credentials"),
        ("sign-up", sign_up("owner@example.com", good, "x"), "account_exists"),
        ("sign-up", sign_up("nowhere", good, "x"), "invalid_email"),
        ("sign-up", sign_up("new@example.com", "password1234", "x"), "invalid_password"),
        ("sign-up", sign_up("new@example.com", good, " "), "invalid_tenant_name"),
    ] {
        let response = nobody.post(format!("{}/portal/api/{path}", onggi.url())).json(&body).send().await.unwrap();
        assert_eq!(response.json::<Value>().await.unwrap()["code"], code, "{path} {body}");
    }
    let members = format!("/portal/api/tenants/{}", owner.tenant);
    let own = format!("{members}/members/{}", owner.uid);
    for (method, path, body, code) in [
        (Method::DELETE, own.clone(), None, "last_owner"),
        (Method::PATCH, own, Some(json!({"role": "viewer"})), "last_owner"),
        (Method::POST, format!("{members}/invitations"), Some(json!({"email": "owner@example.com", "role": "viewer"})), "invalid_member"),
    ] {
        let (_, answer) = owner.ask(method, &path, body.as_ref()).await;
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["code"], code, "{path}");
    }
}
