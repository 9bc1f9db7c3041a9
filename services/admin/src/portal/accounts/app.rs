//! What happens to accounts: nothing here knows of pages or forms.

use std::sync::atomic::{AtomicI64, Ordering};

use axum::response::Response;
use http::header::SET_COOKIE;
use onggi_domain::{
    SessionId, Timestamp, UserId,
    account::{Email, Invitation, Session, User},
    limits::OWNED_TENANTS,
    tenant::{MemberRole, Tenant},
};
use onggi_metadata::{Error as Stored, hash_key};

use crate::{
    operator::create_tenant,
    portal::{
        Portal,
        attempts::neighbourhood,
        config::SignUp,
        failure::{Failure, Result},
        passwords,
        visit::{Visit, random_token, set_cookie},
    },
};

/// Wrong passwords in a row, from wherever they come, that are not yet suspicious.
const FREE_FAILURES: u64 = 50;
/// How long an account rests after each further one, in seconds.
const REST_SECONDS: i64 = 60;
/// Characters of a person's or a tenant's name.
pub(crate) const NAME_CHARS: usize = 80;
/// Sessions that are over are forgotten at most so often, in seconds.
const TRIM_SECONDS: i64 = 3600;

/// Why something was not done: the key of a text for the person.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The key of a text.
    Text(&'static str),
    /// Something else.
    Failure(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Stored> for Refusal {
    fn from(error: Stored) -> Self {
        Self::Failure(error.into())
    }
}

/// What somebody gives who makes an account.
pub(crate) struct NewAccount {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password: String,
}

impl Portal {
    /// The account of this address, if this is its password. Whether there is such an account is not told, by no answer and by no time. Wrong
    /// passwords make the account rest for the network that they come from. Very many make it rest everywhere but where its person is signed in,
    /// so that nobody is locked out by strangers.
    pub(crate) async fn check_password(&self, visit: &Visit, email: &str, password: &str) -> Result<User, Refusal> {
        const WRONG: Refusal = Refusal::Text("accounts.wrong");
        self.attempts.count(&visit.client)?;
        let users = &self.admin.0.metadata.users;
        let known = match email.parse::<Email>() {
            Ok(email) => match users.by_email(&email).await {
                Ok(known) => Some(known),
                Err(Stored::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            },
            Err(_) => None,
        };
        let now = Timestamp::now();
        let resting = known.as_ref().is_some_and(|known| known.locked_until.is_some_and(|until| until > now));
        let hash = known.as_ref().and_then(|known| known.password_hash.clone());
        let too_long = password.chars().count() > passwords::MAX_CHARS;
        let right = self.passwords.verify(if too_long { String::new() } else { password.to_owned() }, hash).await?;
        let Some(known) = known else { return Err(WRONG) };
        let (id, network) = (known.user.id, neighbourhood(&visit.client));
        // Only now: others that were tried at the same time may have been wrong.
        if self.failures.rests(id, &network, Timestamp::now()) {
            return Err(WRONG);
        }
        if right && !too_long {
            if resting && !self.is_signed_in_at(id, &network).await? {
                return Err(WRONG);
            }
            self.failures.forget(id, &network);
            return Ok(known.user);
        }
        self.failures.count(id, &network, Timestamp::now());
        if !resting {
            self.count_failure(id);
        }
        Err(WRONG)
    }

    /// Whether somebody has a session that began in a network.
    async fn is_signed_in_at(&self, user: UserId, network: &str) -> Result<bool> {
        let now = Timestamp::now();
        let sessions = self.admin.0.metadata.sessions.list(user, now, self.rules.idle_since(now)).await?;
        Ok(sessions.iter().any(|session| neighbourhood(&session.address) == network))
    }

    /// Counts a wrong password with the account. The answer does not wait for it: for an address that is unknown there is nothing to count.
    fn count_failure(&self, user: UserId) {
        let users = self.admin.0.metadata.users.clone();
        tokio::spawn(async move {
            let counted = async {
                if users.count_failure(user).await? > FREE_FAILURES {
                    users.lock(user, Timestamp::now() + jiff::SignedDuration::from_secs(REST_SECONDS)).await?;
                }
                Ok::<_, Stored>(())
            };
            if let Err(error) = counted.await {
                tracing::error!(%user, %error, "a wrong password was not counted");
            }
        });
    }

    /// Makes an account. With an invitation, also where sign-up is not open.
    pub(crate) async fn create_account(&self, visit: &Visit, new: &NewAccount, invitation: Option<&Invitation>) -> Result<User, Refusal> {
        self.attempts.count(&visit.client)?;
        if !self.may_sign_up(invitation.is_some()) {
            return Err(Failure::NotFound.into());
        }
        let email: Email = new.email.parse().map_err(|_| Refusal::Text("accounts.email_bad"))?;
        if invitation.is_some_and(|invitation| invitation.email != email) {
            return Err(Refusal::Text("accounts.invited_other"));
        }
        let name = checked_name(&new.name).ok_or(Refusal::Text("accounts.name_long"))?;
        passwords::check(&new.password, &email).map_err(Refusal::Text)?;
        let user = User::new(email, name, Timestamp::now());
        let hash = self.passwords.hash(new.password.clone()).await?;
        match self.admin.0.metadata.users.create(&user, Some(&hash)).await {
            Ok(()) => Ok(user),
            Err(Stored::AlreadyExists(_)) => Err(Refusal::Text("accounts.taken")),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether somebody may make an account.
    pub(crate) fn may_sign_up(&self, invited: bool) -> bool {
        match self.config.sign_up {
            SignUp::Open => true,
            SignUp::Invited => invited,
            SignUp::Off => false,
        }
    }

    /// Whether somebody who has an account may make a tenant: where anybody may sign up, and operators.
    pub(crate) fn may_create_tenant(&self, user: &User) -> bool {
        user.operator || self.may_sign_up(false)
    }

    /// Makes a tenant of this name, which the person owns, with the plan of those that sign up by themselves; an operator's has the default one.
    /// Names are unique for the operator; somebody whose name is taken gets one with a suffix, and does not learn who else there is.
    pub(crate) async fn create_own_tenant(&self, owner: &User, name: &str) -> Result<Tenant, Refusal> {
        let name = checked_name(name).filter(|name| !name.is_empty()).ok_or(Refusal::Text("accounts.tenant_bad"))?;
        let (metadata, secrets) = (&self.admin.0.metadata, &self.admin.0.secrets);
        let owned = metadata.members.of_user(owner.id).await?.iter().filter(|(_, role)| *role == MemberRole::Owner).count();
        if !owner.operator && owned >= OWNED_TENANTS {
            return Err(Refusal::Text("accounts.tenants_many"));
        }
        let mut created = create_tenant(metadata, secrets, name).await;
        if let Err(Stored::AlreadyExists(_)) = created {
            let name = format!("{name}-{}", &random_token()[..4]);
            created = create_tenant(metadata, secrets, &name).await;
        }
        let mut tenant = created?.tenant;
        if !owner.operator {
            tenant.plan = Some(self.admin.0.plans.sign_up.clone());
            metadata.tenants.set_plan(tenant.id, tenant.plan.as_deref()).await?;
        }
        metadata.members.add(tenant.id, owner.id, MemberRole::Owner, Timestamp::now()).await?;
        Ok(tenant)
    }

    /// Begins a session and lets the browser know by a cookie. The token is always a new one, whatever the browser showed before.
    pub(crate) async fn begin_session(&self, visit: &Visit, user: UserId, mut response: Response) -> Result<Response> {
        static TRIMMED: AtomicI64 = AtomicI64::new(0);
        let now = Timestamp::now();
        let life = jiff::SignedDuration::try_from(self.rules.life).map_err(Failure::internal)?;
        let session = Session {
            id: SessionId::generate(),
            user,
            created_at: now,
            seen_at: now,
            expires_at: now + life,
            user_agent: visit.user_agent.clone(),
            address: visit.client.clone(),
        };
        let token = random_token();
        let (users, sessions) = (&self.admin.0.metadata.users, &self.admin.0.metadata.sessions);
        sessions.create(&session, &hash_key(&token)).await?;
        users.signed_in(user, now).await?;
        if now.as_second() - TRIMMED.swap(now.as_second(), Ordering::Relaxed) > TRIM_SECONDS {
            sessions.trim(now, self.rules.idle_since(now)).await?;
        }
        let cookie = set_cookie(self.rules, self.rules.cookie(), &token, self.rules.life.as_secs());
        response.headers_mut().append(SET_COOKIE, cookie);
        Ok(response)
    }

    /// Takes the cookie of the session away.
    pub(crate) fn forget_session(&self, mut response: Response) -> Response {
        response.headers_mut().append(SET_COOKIE, set_cookie(self.rules, self.rules.cookie(), "", 0));
        response
    }

    /// Changes the password of somebody who knows the one before; every other session ends.
    pub(crate) async fn change_password(
        &self,
        visit: &Visit,
        user: &User,
        session: SessionId,
        old: &str,
        new: &str,
    ) -> Result<(), Refusal> {
        self.attempts.count(&visit.client)?;
        let users = &self.admin.0.metadata.users;
        let known = users.credentials(user.id).await?;
        // Who signs in otherwise has none yet.
        if known.password_hash.is_some() && !self.passwords.verify(old.to_owned(), known.password_hash).await? {
            return Err(Refusal::Text("accounts.old_wrong"));
        }
        passwords::check(new, &user.email).map_err(Refusal::Text)?;
        let hash = self.passwords.hash(new.to_owned()).await?;
        users.set_password(user.id, &hash).await?;
        self.admin.0.metadata.sessions.revoke_others(user.id, Some(session)).await?;
        Ok(())
    }

    /// The invitation of this token, if it can still be accepted.
    pub(crate) async fn invitation(&self, token: Option<&str>) -> Result<Option<Invitation>> {
        let Some(token) = token else { return Ok(None) };
        match self.admin.0.metadata.invitations.find(&hash_key(token), Timestamp::now()).await {
            Ok(invitation) => Ok(Some(invitation)),
            Err(Stored::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A name without what surrounds it, if it is not too long and has nothing that cannot be shown.
pub(crate) fn checked_name(name: &str) -> Option<&str> {
    let name = name.trim();
    (name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control)).then_some(name)
}
