//! People: accounts, memberships, sessions, invitations.

use async_trait::async_trait;
use onggi_domain::{
    InvitationId, SessionId, TenantId, Timestamp, UserId,
    account::{Credentials, Email, Invitation, Member, Session, User},
    tenant::{MemberRole, Standing, Tenant},
};

use crate::{Page, Result};

/// Accounts.
#[async_trait]
pub trait Users: Send + Sync {
    /// Creates an account; [`crate::Error::AlreadyExists`] when there is one with this address.
    async fn create(&self, user: &User, password_hash: Option<&str>) -> Result<()>;
    /// The account.
    async fn get(&self, id: UserId) -> Result<User>;
    /// The account with this address, and what is known about signing in to it.
    async fn by_email(&self, email: &Email) -> Result<Credentials>;
    /// What is known about signing in to an account.
    async fn credentials(&self, id: UserId) -> Result<Credentials>;
    /// Every account, by address, a page at a time.
    async fn list(&self, offset: u64, limit: u64) -> Result<Page<User>>;
    /// Changes the name.
    async fn set_name(&self, id: UserId, name: &str) -> Result<()>;
    /// Changes the password; failures are forgotten.
    async fn set_password(&self, id: UserId, password_hash: &str) -> Result<()>;
    /// Makes the person an operator of the platform, or no longer; [`crate::Error::Conflict`] when no operator would be left.
    async fn set_operator(&self, id: UserId, operator: bool) -> Result<()>;
    /// Counts a wrong password; returns how many in a row these are.
    async fn count_failure(&self, id: UserId) -> Result<u64>;
    /// Looks at no password until then.
    async fn lock(&self, id: UserId, until: Timestamp) -> Result<()>;
    /// Notes a sign-in; failures are forgotten.
    async fn signed_in(&self, id: UserId, now: Timestamp) -> Result<()>;
    /// The account of whom an identity provider calls this.
    async fn by_identity(&self, issuer: &str, subject: &str) -> Result<User>;
    /// The identity providers by which the person signs in.
    async fn identities(&self, id: UserId) -> Result<Vec<String>>;
    /// Notes whom an identity provider calls this; [`crate::Error::AlreadyExists`] when that is somebody already.
    async fn add_identity(&self, id: UserId, issuer: &str, subject: &str, now: Timestamp) -> Result<()>;
    /// Stores a link that signs the person in once.
    async fn add_link(&self, id: UserId, token_hash: &str, expires_at: Timestamp) -> Result<()>;
    /// Uses up a link that is still good.
    async fn take_link(&self, token_hash: &str, now: Timestamp) -> Result<User>;
    /// Whose link this is, if it is still good, without using it up.
    async fn by_link(&self, token_hash: &str, now: Timestamp) -> Result<User>;
}

/// Who acts for which tenant.
#[async_trait]
pub trait Members: Send + Sync {
    /// Makes a person a member; [`crate::Error::AlreadyExists`] when that is so already.
    async fn add(&self, tenant: TenantId, user: UserId, role: MemberRole, now: Timestamp) -> Result<()>;
    /// The members of a tenant, by address.
    async fn list(&self, tenant: TenantId) -> Result<Vec<Member>>;
    /// The tenants of a person that are not deleted, by name, and what the person is there.
    async fn of_user(&self, user: UserId) -> Result<Vec<(Tenant, MemberRole)>>;
    /// Changes what a member is; [`crate::Error::Conflict`] when no owner would be left.
    async fn set_role(&self, tenant: TenantId, user: UserId, role: MemberRole) -> Result<()>;
    /// Removes a member; [`crate::Error::Conflict`] when no owner would be left.
    async fn remove(&self, tenant: TenantId, user: UserId) -> Result<()>;
}

/// Sign-ins that last. One that is over is not found.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Stores a session under the hash of its token.
    async fn create(&self, session: &Session, token_hash: &str) -> Result<()>;
    /// The session of this token, if it was used after `idle_since` and is not over, and whose it is.
    async fn find(&self, token_hash: &str, now: Timestamp, idle_since: Timestamp) -> Result<(Session, User)>;
    /// The same session, and what its person is in a tenant that is not deleted. [`crate::Error::NotFound`] about `session` or `member`.
    async fn member(
        &self,
        token_hash: &str,
        tenant: TenantId,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<(Session, MemberRole, Standing)>;
    /// Notes that a session was used.
    async fn touch(&self, id: SessionId, now: Timestamp) -> Result<()>;
    /// The sessions of a person that are not over, the one used last first.
    async fn list(&self, user: UserId, now: Timestamp, idle_since: Timestamp) -> Result<Vec<Session>>;
    /// Ends a session of a person.
    async fn revoke(&self, user: UserId, id: SessionId) -> Result<()>;
    /// Ends every session of a person but this one; returns how many.
    async fn revoke_others(&self, user: UserId, but: Option<SessionId>) -> Result<u64>;
    /// Forgets what is over: sessions, links and invitations; returns how many sessions.
    async fn trim(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64>;
}

/// Invitations to a tenant. One that is over is not found.
#[async_trait]
pub trait Invitations: Send + Sync {
    /// Stores an invitation under the hash of its token, instead of any other of the same person to the same tenant.
    async fn create(&self, invitation: &Invitation, token_hash: &str) -> Result<()>;
    /// The invitation of this token.
    async fn find(&self, token_hash: &str, now: Timestamp) -> Result<Invitation>;
    /// The invitations of a tenant, by address.
    async fn list(&self, tenant: TenantId, now: Timestamp) -> Result<Vec<Invitation>>;
    /// Withdraws an invitation.
    async fn revoke(&self, tenant: TenantId, id: InvitationId) -> Result<()>;
    /// Uses an invitation up and makes the person a member with the role that it names; who is one already keeps the higher role.
    async fn accept(&self, token_hash: &str, user: UserId, now: Timestamp) -> Result<Invitation>;
}
