//! `/portal`, `/portal/sign-in`, `/portal/sign-out`.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::Deserialize;

use super::app::Refusal;
use crate::portal::{
    Portal,
    failure::Result,
    oidc::Button,
    page::{Page, html},
    visit::{SignedIn, Visitor, href, local_path, see_other},
};

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal", get(begin)).route("/portal/sign-in", get(show).post(sign_in)).route("/portal/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    page: Page,
    providers: Vec<Button>,
    may_sign_up: bool,
    next: String,
    email: String,
    wrong: Option<&'static str>,
}

#[derive(Deserialize)]
pub(crate) struct Next {
    pub(crate) next: Option<String>,
    wrong: Option<String>,
}

/// Where somebody is at home: the only tenant, or the list of them.
async fn begin(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response> {
    let tenants = portal.admin.0.metadata.members.of_user(signed_in.user.id).await?;
    Ok(see_other(&match tenants.as_slice() {
        [] if signed_in.user.operator => "/portal/operator".to_owned(),
        [] => "/portal/new".to_owned(),
        [(tenant, _), ..] => {
            let empty = portal.admin.0.metadata.indexes.count(tenant.id).await? == 0;
            href(tenant.id, if empty { "/start" } else { "" })
        }
    }))
}

async fn show(State(portal): State<Portal>, visitor: Visitor, Query(query): Query<Next>) -> Result<Response> {
    if visitor.0.user().is_some() {
        return Ok(see_other(local_path(query.next.as_deref())));
    }
    let wrong = match query.wrong.as_deref() {
        Some("provider") => Some("accounts.provider_failed"),
        Some("connect") => Some("accounts.provider_connect"),
        Some("refused") => Some("accounts.provider_refused"),
        _ => None,
    };
    page(&portal, &visitor, query.next.as_deref(), String::new(), wrong)
}

fn page(portal: &Portal, visitor: &Visitor, next: Option<&str>, email: String, wrong: Option<&'static str>) -> Result<Response> {
    let next = local_path(next).to_owned();
    html(&SignInPage {
        page: Page::plain(&visitor.0),
        providers: portal.providers.buttons(&next),
        may_sign_up: portal.may_sign_up(false),
        next,
        email,
        wrong,
    })
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
    next: Option<String>,
}

async fn sign_in(State(portal): State<Portal>, visitor: Visitor, Form(form): Form<Credentials>) -> Result<Response> {
    match portal.check_password(&visitor.0, &form.email, &form.password).await {
        Ok(user) => portal.begin_session(&visitor.0, user.id, see_other(local_path(form.next.as_deref()))).await,
        Err(Refusal::Text(wrong)) => {
            let page = page(&portal, &visitor, form.next.as_deref(), form.email, Some(wrong))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(Refusal::Failure(failure)) => Err(failure),
    }
}

async fn sign_out(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response> {
    match portal.admin.0.metadata.sessions.revoke(signed_in.user.id, signed_in.session.id).await {
        Ok(()) | Err(onggi_metadata::Error::NotFound(_)) => Ok(portal.forget_session(see_other("/portal/sign-in"))),
        Err(error) => Err(error.into()),
    }
}
