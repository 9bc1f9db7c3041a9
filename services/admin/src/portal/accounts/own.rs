//! `/portal/account`: the person's own page: name, password, identity providers, sessions.

use askama::Template;
use axum::{
    Form, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use onggi_domain::{SessionId, Timestamp, account::Session, tenant::Tenant};
use serde::Deserialize;

use super::app::{Refusal, checked_name};
use crate::portal::{
    Portal,
    failure::{Failure, Result},
    oidc::Button,
    page::{Page, html},
    visit::{SignedIn, done},
};

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/account", get(show))
        .route("/portal/account/name", post(rename))
        .route("/portal/account/password", post(change_password))
        .route("/portal/account/sessions/revoke", post(revoke))
        .route("/portal/account/sessions/revoke-others", post(revoke_others))
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    name: String,
    email: String,
    sessions: Vec<SessionRow>,
    tenants: Vec<Tenant>,
    has_password: bool,
    /// Identity providers, and whether each is connected.
    providers: Vec<(Button, bool)>,
    wrong: Option<&'static str>,
}

struct SessionRow {
    session: Session,
    browser: String,
    current: bool,
}

async fn show(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response> {
    page(&portal, &signed_in, None).await
}

async fn page(portal: &Portal, signed_in: &SignedIn, wrong: Option<&'static str>) -> Result<Response> {
    let metadata = &portal.admin.0.metadata;
    let now = Timestamp::now();
    let sessions = metadata.sessions.list(signed_in.user.id, now, portal.rules.idle_since(now)).await?;
    let sessions = sessions.into_iter().map(|session| SessionRow {
        browser: browser(&session.user_agent),
        current: session.id == signed_in.session.id,
        session,
    });
    let connected = metadata.users.identities(signed_in.user.id).await?;
    let providers = portal.providers.buttons("/portal/account").into_iter();
    html(&AccountPage {
        page: Page::account(signed_in),
        name: signed_in.user.name.clone(),
        email: signed_in.user.email.to_string(),
        sessions: sessions.collect(),
        tenants: metadata.members.of_user(signed_in.user.id).await?.into_iter().map(|(tenant, _)| tenant).collect(),
        has_password: metadata.users.credentials(signed_in.user.id).await?.password_hash.is_some(),
        providers: providers.map(|button| (connected.contains(&button.issuer), button)).map(|(is, button)| (button, is)).collect(),
        wrong,
    })
}

/// What a browser calls itself, short enough to be recognised.
pub(crate) fn browser(user_agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| names.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name);
    let program = find(&[
        ("Edg/", "Edge"),
        ("Whale/", "Whale"),
        ("SamsungBrowser", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => user_agent.chars().take(40).collect(),
    }
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

async fn rename(State(portal): State<Portal>, signed_in: SignedIn, Form(form): Form<Name>) -> Result<Response> {
    let Some(name) = checked_name(&form.name) else { return refused(&portal, &signed_in, "accounts.name_long").await };
    portal.admin.0.metadata.users.set_name(signed_in.user.id, name).await?;
    Ok(done("/portal/account", "accounts.notice_saved"))
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    old: String,
    new: String,
}

async fn change_password(State(portal): State<Portal>, signed_in: SignedIn, Form(form): Form<NewPassword>) -> Result<Response> {
    match portal.change_password(&signed_in.visit, &signed_in.user, signed_in.session.id, &form.old, &form.new).await {
        Ok(()) => Ok(done("/portal/account", "accounts.notice_password")),
        Err(Refusal::Text(wrong)) => refused(&portal, &signed_in, wrong).await,
        Err(Refusal::Failure(failure)) => Err(failure),
    }
}

async fn refused(portal: &Portal, signed_in: &SignedIn, wrong: &'static str) -> Result<Response> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(portal, signed_in, Some(wrong)).await?).into_response())
}

#[derive(Deserialize)]
struct Which {
    session: String,
}

async fn revoke(State(portal): State<Portal>, signed_in: SignedIn, Form(form): Form<Which>) -> Result<Response> {
    let id: SessionId = form.session.parse().map_err(|_| Failure::NotFound)?;
    portal.admin.0.metadata.sessions.revoke(signed_in.user.id, id).await?;
    Ok(done("/portal/account", "accounts.notice_revoked"))
}

async fn revoke_others(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response> {
    portal.admin.0.metadata.sessions.revoke_others(signed_in.user.id, Some(signed_in.session.id)).await?;
    Ok(done("/portal/account", "accounts.notice_revoked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_its_name_and_system() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chrome · Linux");
        assert_eq!(browser("something/1.0"), "something/1.0");
    }
}
