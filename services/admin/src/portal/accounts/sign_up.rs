//! `/portal/sign-up`, with or without an invitation; `/portal/new` for another tenant; `/portal/invitations/{token}`.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use onggi_domain::{Timestamp, account::Invitation, tenant::MemberRole};
use onggi_metadata::hash_key;
use serde::Deserialize;

use super::app::{NewAccount, Refusal};
use crate::portal::{
    Portal,
    failure::{Failure, Result},
    oidc::Button,
    page::{Page, html},
    visit::{SignedIn, Visitor, done, href, see_other},
};

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/sign-up", get(show).post(sign_up))
        .route("/portal/new", get(new).post(create))
        .route("/portal/invitations/{token}", get(invited).post(accept))
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUpPage {
    page: Page,
    providers: Vec<Button>,
    invited: Option<Invited>,
    form: SignUpForm,
    wrong: Option<&'static str>,
}

/// An invitation as it is shown.
struct Invited {
    token: String,
    tenant: String,
    email: String,
    role: MemberRole,
}

#[derive(Deserialize, Default)]
struct SignUpForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    password: String,
    invitation: Option<String>,
}

async fn show(State(portal): State<Portal>, visitor: Visitor, Query(form): Query<SignUpForm>) -> Result<Response> {
    if visitor.0.user().is_some() {
        return Ok(see_other("/portal"));
    }
    // What a link fills in is not for more than the invitation.
    page(&portal, &visitor, SignUpForm { invitation: form.invitation, ..SignUpForm::default() }, None).await
}

async fn page(portal: &Portal, visitor: &Visitor, form: SignUpForm, wrong: Option<&'static str>) -> Result<Response> {
    let invitation = portal.invitation(form.invitation.as_deref()).await?;
    if !portal.may_sign_up(invitation.is_some()) {
        return Err(Failure::NotFound);
    }
    let next = form
        .invitation
        .as_deref()
        .filter(|_| invitation.is_some())
        .map_or("/portal".to_owned(), |token| format!("/portal/invitations/{token}"));
    let invited = match invitation {
        Some(invitation) => Some(shown(portal, invitation, form.invitation.clone().unwrap_or_default()).await?),
        None => None,
    };
    html(&SignUpPage { page: Page::plain(&visitor.0), providers: portal.providers.buttons(&next), invited, form, wrong })
}

async fn shown(portal: &Portal, invitation: Invitation, token: String) -> Result<Invited> {
    let tenant = portal.admin.0.metadata.tenants.get(invitation.tenant).await?.name;
    Ok(Invited { token, tenant, email: invitation.email.to_string(), role: invitation.role })
}

async fn sign_up(State(portal): State<Portal>, visitor: Visitor, Form(form): Form<SignUpForm>) -> Result<Response> {
    match register(&portal, &visitor, &form).await {
        Ok(response) => Ok(response),
        Err(Refusal::Text(wrong)) => {
            let form = SignUpForm { password: String::new(), ..form };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&portal, &visitor, form, Some(wrong)).await?).into_response())
        }
        Err(Refusal::Failure(failure)) => Err(failure),
    }
}

async fn register(portal: &Portal, visitor: &Visitor, form: &SignUpForm) -> Result<Response, Refusal> {
    let invitation = portal.invitation(form.invitation.as_deref()).await?;
    let new = NewAccount { email: form.email.clone(), name: form.name.clone(), password: form.password.clone() };
    if invitation.is_none() && form.tenant.trim().is_empty() {
        return Err(Refusal::Text("accounts.tenant_bad"));
    }
    let user = portal.create_account(&visitor.0, &new, invitation.as_ref()).await?;
    let to = match (&invitation, &form.invitation) {
        (Some(_), Some(token)) => {
            let joined = portal.admin.0.metadata.invitations.accept(&hash_key(token), user.id, Timestamp::now()).await?;
            href(joined.tenant, "")
        }
        _ => href(portal.create_own_tenant(&user, &form.tenant).await?.id, "/start"),
    };
    Ok(portal.begin_session(&visitor.0, user.id, see_other(&to)).await?)
}

#[derive(Template)]
#[template(path = "new_tenant.html")]
struct NewTenantPage {
    page: Page,
    name: String,
    may_create: bool,
    wrong: Option<&'static str>,
}

#[derive(Deserialize)]
struct NewTenant {
    name: String,
}

async fn new(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response> {
    let may_create = portal.may_create_tenant(&signed_in.user);
    html(&NewTenantPage { page: Page::plain(&signed_in.visit), name: String::new(), may_create, wrong: None })
}

async fn create(State(portal): State<Portal>, signed_in: SignedIn, Form(form): Form<NewTenant>) -> Result<Response> {
    if !portal.may_create_tenant(&signed_in.user) {
        return Err(Failure::Forbidden);
    }
    portal.attempts.count(&signed_in.visit.client)?;
    match portal.create_own_tenant(&signed_in.user, &form.name).await {
        Ok(tenant) => Ok(see_other(&href(tenant.id, "/start"))),
        Err(Refusal::Text(wrong)) => {
            let page = NewTenantPage { page: Page::plain(&signed_in.visit), name: form.name, may_create: true, wrong: Some(wrong) };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
        }
        Err(Refusal::Failure(failure)) => Err(failure),
    }
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    page: Page,
    invited: Invited,
    /// Whether somebody is signed in whom it is for.
    fits: bool,
    may_sign_up: bool,
}

async fn invited(State(portal): State<Portal>, visitor: Visitor, Path(token): Path<String>) -> Result<Response> {
    let invitation = portal.invitation(Some(&token)).await?.ok_or(Failure::NotFound)?;
    let fits = visitor.0.user().is_some_and(|user| user.email == invitation.email);
    let invited = shown(&portal, invitation, token).await?;
    html(&InvitationPage { page: Page::plain(&visitor.0), invited, fits, may_sign_up: portal.may_sign_up(true) })
}

async fn accept(State(portal): State<Portal>, signed_in: SignedIn, Path(token): Path<String>) -> Result<Response> {
    let invitation = portal.invitation(Some(&token)).await?.ok_or(Failure::NotFound)?;
    if invitation.email != signed_in.user.email {
        return Err(Failure::Forbidden);
    }
    let joined = portal.admin.0.metadata.invitations.accept(&hash_key(&token), signed_in.user.id, Timestamp::now()).await?;
    Ok(done(&href(joined.tenant, ""), "members.notice_joined"))
}
