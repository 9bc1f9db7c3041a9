//! `/portal/t/{tenant}/members`: who acts for a tenant, and who is invited to.

use askama::Template;
use axum::{
    Form, Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use onggi_domain::{
    InvitationId, Timestamp, UserId,
    account::{Email, Invitation, Member as Person},
    tenant::MemberRole,
};
use onggi_metadata::{Error as Stored, hash_key};
use serde::Deserialize;

use super::{
    Portal,
    accounts::Refusal,
    failure::{Failure, Result},
    page::{Page, Section, html},
    visit::{Member, done, random_token, see_other},
};

/// How long an invitation can be accepted, in hours.
const INVITATION_HOURS: i64 = 7 * 24;
/// Members and invitations of one tenant.
const MOST: usize = 500;

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/members", get(show))
        .route("/portal/t/{tenant}/members/invite", post(invite))
        .route("/portal/t/{tenant}/members/role", post(change_role))
        .route("/portal/t/{tenant}/members/remove", post(remove))
        .route("/portal/t/{tenant}/members/withdraw", post(withdraw))
}

#[derive(Template)]
#[template(path = "members.html")]
struct MembersPage {
    page: Page,
    members: Vec<Person>,
    invitations: Vec<Invitation>,
    /// The person who looks.
    own: UserId,
    roles: [MemberRole; 3],
    /// The link of the invitation that was made just now.
    link: Option<String>,
    email: String,
    wrong: Option<&'static str>,
}

impl Portal {
    /// Invites somebody; returns the invitation, and the token that its link holds.
    pub(crate) async fn invite(&self, member: &Member, email: &str, role: MemberRole) -> Result<(Invitation, String), Refusal> {
        member.require(MemberRole::Owner)?;
        let email: Email = email.parse().map_err(|_| Refusal::Text("accounts.email_bad"))?;
        let metadata = &self.admin.0.metadata;
        let members = metadata.members.list(member.tenant.id).await?;
        if members.iter().any(|known| known.user.email == email) {
            return Err(Refusal::Text("members.is_member"));
        }
        let now = Timestamp::now();
        if members.len() + metadata.invitations.list(member.tenant.id, now).await?.len() >= MOST {
            return Err(Refusal::Text("members.too_many"));
        }
        let invitation = Invitation {
            id: InvitationId::generate(),
            tenant: member.tenant.id,
            email,
            role,
            invited_by: member.user.id,
            created_at: now,
            expires_at: now + jiff::SignedDuration::from_hours(INVITATION_HOURS),
        };
        let token = random_token();
        metadata.invitations.create(&invitation, &hash_key(&token)).await?;
        Ok((invitation, token))
    }

    /// The address that somebody who is invited is to open.
    pub(crate) fn invitation_link(&self, member: &Member, token: &str) -> String {
        let base = self
            .config
            .public_url
            .as_ref()
            .map_or_else(|| format!("http://{}", member.visit.host), |url| url.as_str().trim_end_matches('/').to_owned());
        format!("{base}/portal/invitations/{token}")
    }

    /// Changes what a member is.
    pub(crate) async fn change_role(&self, member: &Member, user: UserId, role: MemberRole) -> Result<(), Refusal> {
        member.require(MemberRole::Owner)?;
        kept(self.admin.0.metadata.members.set_role(member.tenant.id, user, role).await)
    }

    /// Removes a member; everybody may remove themselves.
    pub(crate) async fn remove_member(&self, member: &Member, user: UserId) -> Result<(), Refusal> {
        if user != member.user.id {
            member.require(MemberRole::Owner)?;
        }
        kept(self.admin.0.metadata.members.remove(member.tenant.id, user).await)
    }

    /// Withdraws an invitation.
    pub(crate) async fn withdraw(&self, member: &Member, invitation: InvitationId) -> Result<()> {
        member.require(MemberRole::Owner)?;
        Ok(self.admin.0.metadata.invitations.revoke(member.tenant.id, invitation).await?)
    }
}

fn kept(changed: Result<(), Stored>) -> Result<(), Refusal> {
    match changed {
        Err(Stored::Conflict(_)) => Err(Refusal::Text("members.last_owner")),
        other => Ok(other?),
    }
}

async fn page(portal: &Portal, member: &Member, link: Option<String>, refused: Option<(String, &'static str)>) -> Result<Response> {
    let metadata = &portal.admin.0.metadata;
    let invitations =
        if member.role == MemberRole::Owner { metadata.invitations.list(member.tenant.id, Timestamp::now()).await? } else { Vec::new() };
    let (email, wrong) = refused.map_or((String::new(), None), |(email, wrong)| (email, Some(wrong)));
    html(&MembersPage {
        page: Page::tenant(member, Section::Members),
        members: metadata.members.list(member.tenant.id).await?,
        invitations,
        own: member.user.id,
        roles: MemberRole::ALL,
        link,
        email,
        wrong,
    })
}

async fn show(State(portal): State<Portal>, member: Member) -> Result<Response> {
    page(&portal, &member, None, None).await
}

#[derive(Deserialize)]
struct Invite {
    email: String,
    role: MemberRole,
}

async fn invite(State(portal): State<Portal>, member: Member, Form(form): Form<Invite>) -> Result<Response> {
    match portal.invite(&member, &form.email, form.role).await {
        Ok((_, token)) => page(&portal, &member, Some(portal.invitation_link(&member, &token)), None).await,
        Err(Refusal::Text(wrong)) => page(&portal, &member, None, Some((form.email, wrong))).await,
        Err(Refusal::Failure(failure)) => Err(failure),
    }
}

#[derive(Deserialize)]
struct Role {
    user: String,
    role: MemberRole,
}

async fn change_role(State(portal): State<Portal>, member: Member, Form(form): Form<Role>) -> Result<Response> {
    let user = form.user.parse().map_err(|_| Failure::NotFound)?;
    ended(&portal, &member, portal.change_role(&member, user, form.role).await, &member.href("/members"), "members.notice_role").await
}

#[derive(Deserialize)]
struct Who {
    user: String,
}

async fn remove(State(portal): State<Portal>, member: Member, Form(form): Form<Who>) -> Result<Response> {
    let user: UserId = form.user.parse().map_err(|_| Failure::NotFound)?;
    let left = user == member.user.id;
    let removed = portal.remove_member(&member, user).await;
    if left && removed.is_ok() {
        return Ok(see_other("/portal"));
    }
    ended(&portal, &member, removed, &member.href("/members"), "members.notice_removed").await
}

#[derive(Deserialize)]
struct Which {
    invitation: String,
}

async fn withdraw(State(portal): State<Portal>, member: Member, Form(form): Form<Which>) -> Result<Response> {
    portal.withdraw(&member, form.invitation.parse().map_err(|_| Failure::NotFound)?).await?;
    Ok(done(&member.href("/members"), "members.notice_withdrawn"))
}

async fn ended(portal: &Portal, member: &Member, changed: Result<(), Refusal>, to: &str, notice: &str) -> Result<Response> {
    match changed {
        Ok(()) => Ok(done(to, notice)),
        Err(Refusal::Text(wrong)) => page(portal, member, None, Some((String::new(), wrong))).await,
        Err(Refusal::Failure(failure)) => Err(failure),
    }
}
