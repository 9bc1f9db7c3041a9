//! What the pages do, as JSON: `/portal/api/...`. A program signs in, keeps the cookie, and shows `csrfToken` in the header `x-onggi-csrf`.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::{delete, get, patch, post},
};
use http::StatusCode;
use onggi_domain::{
    ApiError, Code, InvitationId, KeyId, SessionId, TenantId, Timestamp, UserId,
    account::{Invitation, Member as Person, Session, User},
    tenant::{MemberRole, Tenant, TenantStatus},
};
use onggi_web::body::{parse, read};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Portal,
    accounts::{NewAccount, Refusal, checked_name},
    failure::{Failure, Result},
    keys::NewToken,
    operator::Find,
    texts::Language,
    visit::{Member, Operator, SignedIn, Visitor},
};

/// The most that a body here may have.
const BODY_BYTES: u64 = 64 << 10;

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/api/sign-in", post(sign_in))
        .route("/portal/api/sign-up", post(sign_up))
        .route("/portal/api/sign-out", post(sign_out))
        .route("/portal/api/account", get(account).patch(change_account))
        .route("/portal/api/account/password", post(change_password))
        .route("/portal/api/account/sessions", get(sessions).delete(revoke_others))
        .route("/portal/api/account/sessions/{session}", delete(revoke))
        .route("/portal/api/tenants", get(tenants).post(create_tenant))
        .route("/portal/api/tenants/{tenant}/members", get(members))
        .route("/portal/api/tenants/{tenant}/members/{user}", patch(change_role).delete(remove_member))
        .route("/portal/api/tenants/{tenant}/invitations", get(invitations).post(invite))
        .route("/portal/api/tenants/{tenant}/invitations/{invitation}", delete(withdraw))
        .route("/portal/api/tenants/{tenant}/tokens", post(sign_token))
        .route("/portal/api/operator/tenants", get(all_tenants))
        .route("/portal/api/operator/tenants/{tenant}", patch(change_tenant).delete(delete_tenant))
        .route("/portal/api/operator/containers", get(containers))
}

/// A refusal as an error of the API: the text for people, in English, under the code that it has for programs.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let text = match refusal {
            Refusal::Failure(failure) => return failure,
            Refusal::Text(text) => text,
        };
        let code = match text {
            "accounts.wrong" => Code::InvalidCredentials,
            "accounts.taken" => Code::AccountExists,
            "accounts.email_bad" | "accounts.invited_other" => Code::InvalidEmail,
            "accounts.tenant_bad" => Code::InvalidTenantName,
            "accounts.tenants_many" => Code::QuotaExceeded,
            "members.last_owner" => Code::LastOwner,
            text if text.starts_with("accounts.password") || text == "accounts.old_wrong" => Code::InvalidPassword,
            _ => Code::InvalidMember,
        };
        Self::Api(ApiError::new(code, Language::En.text(text)))
    }
}

async fn body<T: DeserializeOwned>(body: Body) -> Result<T> {
    Ok(parse(&read(body, BODY_BYTES).await?, |_| Code::BadRequest)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Credentials {
    email: String,
    password: String,
}

async fn sign_in(State(portal): State<Portal>, visitor: Visitor, sent: Body) -> Result<Response> {
    let sent: Credentials = body(sent).await?;
    let user = portal.check_password(&visitor.0, &sent.email, &sent.password).await?;
    portal.begin_session(&visitor.0, user.id, StatusCode::NO_CONTENT.into_response()).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SignUp {
    email: String,
    password: String,
    #[serde(default)]
    name: String,
    tenant: String,
}

async fn sign_up(State(portal): State<Portal>, visitor: Visitor, sent: Body) -> Result<Response> {
    let sent: SignUp = body(sent).await?;
    let name = checked_name(&sent.tenant).filter(|name| !name.is_empty()).ok_or(Refusal::Text("accounts.tenant_bad"))?;
    let new = NewAccount { email: sent.email, name: sent.name, password: sent.password };
    let user = portal.create_account(&visitor.0, &new, None).await?;
    let tenant = portal.create_own_tenant(&user, name).await?;
    let answer = (StatusCode::CREATED, Json(tenant_view(&tenant, Some(MemberRole::Owner)))).into_response();
    portal.begin_session(&visitor.0, user.id, answer).await
}

async fn sign_out(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Response> {
    portal.admin.0.metadata.sessions.revoke(signed_in.user.id, signed_in.session.id).await?;
    Ok(portal.forget_session(StatusCode::NO_CONTENT.into_response()))
}

fn user_view(user: &User) -> Value {
    json!({"uid": user.id, "email": user.email, "name": user.name, "operator": user.operator, "createdAt": user.created_at})
}

fn tenant_view(tenant: &Tenant, role: Option<MemberRole>) -> Value {
    let mut view = json!({"uid": tenant.id, "name": tenant.name, "status": tenant.status, "createdAt": tenant.created_at});
    if let Some(role) = role {
        view["role"] = json!(role);
    }
    view
}

async fn account(signed_in: SignedIn) -> Result<Json<Value>> {
    let mut view = user_view(&signed_in.user);
    view["csrfToken"] = json!(signed_in.visit.csrf);
    Ok(Json(view))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountChange {
    name: String,
}

async fn change_account(State(portal): State<Portal>, signed_in: SignedIn, sent: Body) -> Result<Json<Value>> {
    let change: AccountChange = body(sent).await?;
    let name = checked_name(&change.name).ok_or(Refusal::Text("accounts.name_long"))?;
    portal.admin.0.metadata.users.set_name(signed_in.user.id, name).await?;
    Ok(Json(user_view(&portal.admin.0.metadata.users.get(signed_in.user.id).await?)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PasswordChange {
    #[serde(default)]
    old: String,
    new: String,
}

async fn change_password(State(portal): State<Portal>, signed_in: SignedIn, sent: Body) -> Result<StatusCode> {
    let change: PasswordChange = body(sent).await?;
    portal.change_password(&signed_in.visit, &signed_in.user, signed_in.session.id, &change.old, &change.new).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn session_view(session: &Session, current: bool) -> Value {
    json!({
        "uid": session.id,
        "createdAt": session.created_at,
        "seenAt": session.seen_at,
        "expiresAt": session.expires_at,
        "userAgent": session.user_agent,
        "address": session.address,
        "current": current,
    })
}

async fn sessions(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Json<Value>> {
    let now = Timestamp::now();
    let sessions = portal.admin.0.metadata.sessions.list(signed_in.user.id, now, portal.rules.idle_since(now)).await?;
    let views: Vec<Value> = sessions.iter().map(|session| session_view(session, session.id == signed_in.session.id)).collect();
    Ok(Json(json!({"results": views})))
}

async fn revoke(State(portal): State<Portal>, signed_in: SignedIn, Path(session): Path<SessionId>) -> Result<StatusCode> {
    portal.admin.0.metadata.sessions.revoke(signed_in.user.id, session).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke_others(State(portal): State<Portal>, signed_in: SignedIn) -> Result<StatusCode> {
    portal.admin.0.metadata.sessions.revoke_others(signed_in.user.id, Some(signed_in.session.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn tenants(State(portal): State<Portal>, signed_in: SignedIn) -> Result<Json<Value>> {
    let tenants = portal.admin.0.metadata.members.of_user(signed_in.user.id).await?;
    let views: Vec<Value> = tenants.iter().map(|(tenant, role)| tenant_view(tenant, Some(*role))).collect();
    Ok(Json(json!({"results": views})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewTenant {
    name: String,
}

async fn create_tenant(State(portal): State<Portal>, signed_in: SignedIn, sent: Body) -> Result<Response> {
    if !portal.may_create_tenant(&signed_in.user) {
        return Err(Failure::Forbidden);
    }
    portal.attempts.count(&signed_in.visit.client)?;
    let new: NewTenant = body(sent).await?;
    let tenant = portal.create_own_tenant(&signed_in.user, &new.name).await?;
    Ok((StatusCode::CREATED, Json(tenant_view(&tenant, Some(MemberRole::Owner)))).into_response())
}

fn member_view(person: &Person) -> Value {
    json!({"uid": person.user.id, "email": person.user.email, "name": person.user.name, "role": person.role, "createdAt": person.created_at})
}

async fn members(State(portal): State<Portal>, member: Member) -> Result<Json<Value>> {
    let people = portal.admin.0.metadata.members.list(member.tenant.id).await?;
    Ok(Json(json!({"results": people.iter().map(member_view).collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RoleChange {
    role: MemberRole,
}

async fn change_role(
    State(portal): State<Portal>,
    member: Member,
    Path((_, user)): Path<(TenantId, UserId)>,
    sent: Body,
) -> Result<StatusCode> {
    let change: RoleChange = body(sent).await?;
    portal.change_role(&member, user, change.role).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_member(State(portal): State<Portal>, member: Member, Path((_, user)): Path<(TenantId, UserId)>) -> Result<StatusCode> {
    portal.remove_member(&member, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn invitation_view(invitation: &Invitation) -> Value {
    json!({
        "uid": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "createdAt": invitation.created_at,
        "expiresAt": invitation.expires_at,
    })
}

async fn invitations(State(portal): State<Portal>, member: Member) -> Result<Json<Value>> {
    member.require(MemberRole::Owner)?;
    let invitations = portal.admin.0.metadata.invitations.list(member.tenant.id, Timestamp::now()).await?;
    Ok(Json(json!({"results": invitations.iter().map(invitation_view).collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewInvitation {
    email: String,
    role: MemberRole,
}

async fn invite(State(portal): State<Portal>, member: Member, sent: Body) -> Result<Response> {
    let new: NewInvitation = body(sent).await?;
    let (invitation, token) = portal.invite(&member, &new.email, new.role).await?;
    let mut view = invitation_view(&invitation);
    view["link"] = json!(portal.invitation_link(&member, &token));
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

async fn withdraw(
    State(portal): State<Portal>,
    member: Member,
    Path((_, invitation)): Path<(TenantId, InvitationId)>,
) -> Result<StatusCode> {
    portal.withdraw(&member, invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WantedToken {
    key: KeyId,
    search_rules: Value,
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

async fn sign_token(State(portal): State<Portal>, member: Member, sent: Body) -> Result<(StatusCode, Json<Value>)> {
    let WantedToken { key, search_rules, expires_at } = body(sent).await?;
    let token = portal.sign_token(&member, &NewToken { key, search_rules, expires_at }).await?;
    Ok((StatusCode::CREATED, Json(json!({"token": token, "expiresAt": expires_at}))))
}

async fn all_tenants(State(portal): State<Portal>, _: Operator, Query(find): Query<Find>) -> Result<Json<Value>> {
    let (rows, total) = portal.find_tenants(&find.q).await?;
    let view = |row: &super::operator::TenantRow| {
        let mut view = tenant_view(&row.tenant, None);
        view["indexes"] = json!(row.indexes);
        view["members"] = json!(row.members);
        view
    };
    Ok(Json(json!({"results": rows.iter().map(view).collect::<Vec<_>>(), "total": total})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StatusChange {
    status: Served,
}

/// What a tenant can be changed to without being deleted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Served {
    Active,
    Suspended,
}

async fn change_tenant(State(portal): State<Portal>, operator: Operator, Path(tenant): Path<TenantId>, sent: Body) -> Result<StatusCode> {
    let change: StatusChange = body(sent).await?;
    let status = match change.status {
        Served::Active => TenantStatus::Active,
        Served::Suspended => TenantStatus::Suspended,
    };
    portal.set_tenant_status(&operator, tenant, status).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_tenant(State(portal): State<Portal>, operator: Operator, Path(tenant): Path<TenantId>) -> Result<StatusCode> {
    portal.set_tenant_status(&operator, tenant, TenantStatus::Deleted).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn containers(State(portal): State<Portal>, _: Operator) -> Result<Json<Value>> {
    Ok(Json(json!({"results": portal.everything().await?})))
}
