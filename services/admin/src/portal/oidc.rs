//! Signing in with an identity provider: OpenID Connect, the code flow with PKCE, state and nonce. What has to be remembered meanwhile is in a
//! signed cookie of the browser that began.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use http::{HeaderMap, header::SET_COOKIE};
use onggi_domain::{
    Timestamp, UserId,
    account::{Email, User},
};
use onggi_metadata::Error as Stored;
use onggi_web::{
    identity::same,
    portal::{cookie, is_from_elsewhere},
    upstream::chain,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata},
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{
    Portal,
    accounts::checked_name,
    config::{OidcConfig, PortalConfig},
    failure::{Failure, Result},
    visit::{Visit, Visitor, done, local_path, random_token, see_other, set_cookie},
};

/// Remembers what was begun.
const COOKIE: &str = "onggi_oidc";
/// How long somebody may take at the provider, in seconds.
const PATIENCE_SECONDS: u64 = 600;
/// How long a provider may take to answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How long the description of a provider, and its keys, are believed in.
const DESCRIPTION_TIME: Duration = Duration::from_mins(10);

type Client = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The identity providers.
pub(crate) struct Providers {
    configured: BTreeMap<String, OidcConfig>,
    described: Mutex<BTreeMap<String, (Instant, Arc<CoreProviderMetadata>)>>,
    http: reqwest::Client,
}

/// A way to sign in, as a page shows it.
pub(crate) struct Button {
    pub(crate) label: String,
    pub(crate) href: String,
    pub(crate) issuer: String,
}

/// What is remembered while somebody is at the provider.
#[derive(Serialize, Deserialize)]
struct Begun {
    provider: String,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    /// Who was signed in and asked for it, on a page of the portal: nobody else's account is connected.
    asked_by: Option<UserId>,
    /// Seconds since 1970.
    until: i64,
}

/// A provider did not do what it should.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ProviderError(String);

impl Providers {
    pub(crate) fn new(config: &PortalConfig) -> Self {
        let http = reqwest::Client::builder().timeout(ANSWER_TIME).redirect(reqwest::redirect::Policy::none()).build();
        Self {
            configured: config.oidc.clone(),
            described: Mutex::default(),
            http: http.expect("a client without certificates of its own can be made"),
        }
    }

    /// A button for each.
    pub(crate) fn buttons(&self, next: &str) -> Vec<Button> {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let button = |(name, provider): (&String, &OidcConfig)| Button {
            label: provider.label.clone(),
            href: format!("/portal/oidc/{name}?next={next}"),
            issuer: issuer(provider),
        };
        self.configured.iter().map(button).collect()
    }

    /// The description of a provider: asked for when it is needed, so that one that is away keeps nothing from starting.
    async fn describe(&self, name: &str, provider: &OidcConfig) -> Result<Arc<CoreProviderMetadata>, ProviderError> {
        if let Some((at, known)) = self.described.lock().get(name)
            && at.elapsed() < DESCRIPTION_TIME
        {
            return Ok(known.clone());
        }
        let url = IssuerUrl::new(issuer(provider)).map_err(|error| ProviderError(chain(&error)))?;
        let found = CoreProviderMetadata::discover_async(url, &self.asking()).await;
        let found = Arc::new(found.map_err(|error| ProviderError(chain(&error)))?);
        self.described.lock().insert(name.to_owned(), (Instant::now(), found.clone()));
        Ok(found)
    }

    /// Sends requests to a provider.
    fn asking(&self) -> impl Fn(HttpRequest) -> BoxFuture<'static, Result<HttpResponse, ProviderError>> + Send + Sync + 'static {
        let http = self.http.clone();
        move |request| Box::pin(ask(http.clone(), request))
    }
}

async fn ask(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
    let request = request.try_into().map_err(|error: reqwest::Error| ProviderError(chain(&error)))?;
    let response = http.execute(request).await.map_err(|error| ProviderError(chain(&error)))?;
    let mut answer = http::Response::builder().status(response.status());
    if let Some(headers) = answer.headers_mut() {
        headers.clone_from(response.headers());
    }
    let body = response.bytes().await.map_err(|error| ProviderError(chain(&error)))?;
    answer.body(body.to_vec()).map_err(|error| ProviderError(error.to_string()))
}

/// As the provider's tokens name it: without the slash that a URL without a path gets.
fn issuer(provider: &OidcConfig) -> String {
    let text = provider.issuer.as_str();
    if provider.issuer.path() == "/" { text.trim_end_matches('/').to_owned() } else { text.to_owned() }
}

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal/oidc/{provider}", get(begin)).route("/portal/oidc/{provider}/callback", get(finish))
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

/// Where a sign-in ends that went wrong; why is for the log.
fn failed(provider: &str, why: &dyn std::fmt::Display) -> Response {
    tracing::warn!(provider, error = %why, "sign-in with an identity provider failed");
    see_other("/portal/sign-in?wrong=provider")
}

impl Portal {
    fn client(&self, visit: &Visit, name: &str, provider: &OidcConfig, description: &CoreProviderMetadata) -> Result<Client> {
        let secret = provider.client_secret.as_ref().map(|secret| ClientSecret::new(secret.0.clone()));
        let base = match &self.config.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", visit.host),
        };
        let back = RedirectUrl::new(format!("{base}/portal/oidc/{name}/callback")).map_err(Failure::internal)?;
        let client = CoreClient::from_provider_metadata(description.clone(), ClientId::new(provider.client_id.clone()), secret);
        Ok(client.set_redirect_uri(back))
    }

    fn seal(&self, begun: &Begun) -> Result<String> {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(begun).map_err(Failure::internal)?);
        let signature = self.admin.0.secrets.of_forms(&format!("oidc/{payload}"));
        Ok(format!("{payload}.{signature}"))
    }

    fn open(&self, headers: &HeaderMap) -> Option<Begun> {
        let (payload, signature) = cookie(headers, COOKIE)?.split_once('.')?;
        let right = self.admin.0.secrets.of_forms(&format!("oidc/{payload}"));
        if !same(signature.as_bytes(), right.as_bytes()) {
            return None;
        }
        let begun: Begun = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        (begun.until > Timestamp::now().as_second()).then_some(begun)
    }
}

async fn begin(
    State(portal): State<Portal>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(query): Query<Next>,
    headers: HeaderMap,
) -> Result<Response> {
    let provider = portal.providers.configured.get(&name).ok_or(Failure::NotFound)?;
    portal.attempts.count(&visitor.0.client)?;
    let description = match portal.providers.describe(&name, provider).await {
        Ok(description) => description,
        Err(error) => return Ok(failed(&name, &error)),
    };
    let client = portal.client(&visitor.0, &name, provider, &description)?;
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || CsrfToken::new(random_token()), || Nonce::new(random_token()))
        .add_scope(Scope::new("email".to_owned()))
        .add_scope(Scope::new("profile".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let begun = Begun {
        provider: name,
        state: state.secret().clone(),
        nonce: nonce.secret().clone(),
        verifier: verifier.secret().clone(),
        next: local_path(query.next.as_deref()).to_owned(),
        asked_by: visitor.0.user().filter(|_| !is_from_elsewhere(&headers)).map(|user| user.id),
        until: Timestamp::now().as_second() + PATIENCE_SECONDS as i64,
    };
    let mut response = see_other(url.as_str());
    response.headers_mut().append(SET_COOKIE, set_cookie(portal.rules, COOKIE, &portal.seal(&begun)?, PATIENCE_SECONDS));
    Ok(response)
}

#[derive(Deserialize)]
struct Answer {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

async fn finish(
    State(portal): State<Portal>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(answer): Query<Answer>,
    headers: HeaderMap,
) -> Result<Response> {
    let provider = portal.providers.configured.get(&name).ok_or(Failure::NotFound)?;
    let response = complete(&portal, &visitor, &name, provider, answer, &headers).await;
    let mut response = match response {
        Ok(response) => response,
        Err(Ended::Provider(why)) => failed(&name, &why),
        Err(Ended::Failure(failure)) => return Err(failure),
    };
    response.headers_mut().append(SET_COOKIE, set_cookie(portal.rules, COOKIE, "", 0));
    Ok(response)
}

/// How it may end otherwise.
enum Ended {
    Provider(String),
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for Ended {
    fn from(failure: F) -> Self {
        Self::Failure(failure.into())
    }
}

/// Whom a provider has shown to be there.
struct Shown {
    issuer: String,
    subject: String,
    email: Option<Email>,
    name: String,
}

async fn complete(
    portal: &Portal,
    visitor: &Visitor,
    name: &str,
    provider: &OidcConfig,
    answer: Answer,
    headers: &HeaderMap,
) -> Result<Response, Ended> {
    let wrong = |why: &str| Ended::Provider(why.to_owned());
    let begun = portal.open(headers).filter(|begun| begun.provider == name).ok_or_else(|| wrong("nothing was begun in this browser"))?;
    if !answer.state.is_some_and(|state| same(state.as_bytes(), begun.state.as_bytes())) {
        return Err(wrong("the state is not that of this browser"));
    }
    if let Some(error) = answer.error {
        return Err(wrong(&error));
    }
    let code = answer.code.ok_or_else(|| wrong("no code came back"))?;
    let shown = exchange(portal, &visitor.0, name, provider, code, &begun).await?;
    let users = &portal.admin.0.metadata.users;
    let found = match users.by_identity(&shown.issuer, &shown.subject).await {
        Ok(user) => Some(user),
        Err(Stored::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    match (found, visitor.0.user()) {
        // Another site may have sent the browser here, after it signed it in to the provider as somebody else: that one would own the account.
        (None, Some(user)) if begun.asked_by != Some(user.id) => Ok(see_other("/portal/account?wrong=provider")),
        // Somebody who is signed in connects the provider to the account.
        (None, Some(user)) => {
            users.add_identity(user.id, &shown.issuer, &shown.subject, Timestamp::now()).await?;
            Ok(done("/portal/account", "accounts.notice_connected"))
        }
        (Some(found), Some(user)) if found.id != user.id => Ok(see_other("/portal/account?wrong=provider")),
        (Some(user), _) => Ok(portal.begin_session(&visitor.0, user.id, see_other(&begun.next)).await?),
        (None, None) => admit(portal, visitor, provider, shown, &begun.next).await,
    }
}

async fn exchange(portal: &Portal, visit: &Visit, name: &str, provider: &OidcConfig, code: String, begun: &Begun) -> Result<Shown, Ended> {
    let providers = &portal.providers;
    let told = |error: &dyn std::error::Error| Ended::Provider(chain(error));
    let description = providers.describe(name, provider).await.map_err(|error| told(&error))?;
    let client = portal.client(visit, name, provider, &description)?;
    let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| told(&error))?;
    let request = request.set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.clone()));
    let tokens = request.request_async(&providers.asking()).await.map_err(|error| told(&error))?;
    let id_token = tokens.id_token().ok_or_else(|| Ended::Provider("no ID token came back".to_owned()))?;
    let claims = id_token.claims(&client.id_token_verifier(), &Nonce::new(begun.nonce.clone())).map_err(|error| told(&error))?;
    let verified = claims.email_verified().unwrap_or(provider.trust_email);
    let email = claims.email().filter(|_| verified).and_then(|email| email.as_str().parse().ok());
    let full_name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str().to_owned());
    Ok(Shown {
        issuer: claims.issuer().as_str().to_owned(),
        subject: claims.subject().as_str().to_owned(),
        email,
        name: full_name.unwrap_or_default(),
    })
}

/// Makes an account for somebody whom the provider knows and the portal does not. An account that has the same address is not taken over: its
/// person signs in with the password and connects the provider.
async fn admit(portal: &Portal, visitor: &Visitor, provider: &OidcConfig, shown: Shown, next: &str) -> Result<Response, Ended> {
    let refused = || Ok(see_other("/portal/sign-in?wrong=refused"));
    let Some(email) = shown.email else { return refused() };
    let allowed = &provider.allowed_domains;
    if !allowed.is_empty() && !allowed.iter().any(|domain| domain.eq_ignore_ascii_case(email.domain())) {
        return refused();
    }
    let invitation = portal.invitation(next.strip_prefix("/portal/invitations/")).await?;
    if !portal.may_sign_up(invitation.is_some_and(|invitation| invitation.email == email)) {
        return refused();
    }
    let user = User::new(email, checked_name(&shown.name).unwrap_or_default(), Timestamp::now());
    let users = &portal.admin.0.metadata.users;
    match users.create(&user, None).await {
        Ok(()) => {}
        Err(Stored::AlreadyExists(_)) => return Ok(see_other("/portal/sign-in?wrong=connect")),
        Err(error) => return Err(error.into()),
    }
    users.add_identity(user.id, &shown.issuer, &shown.subject, Timestamp::now()).await?;
    Ok(portal.begin_session(&visitor.0, user.id, see_other(next)).await?)
}
