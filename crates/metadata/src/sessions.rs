//! Sessions as rows.

use async_trait::async_trait;
use onggi_domain::{
    SessionId, TenantId, Timestamp, UserId,
    account::{Session, User},
    tenant::{MemberRole, Standing},
};
use uuid::Uuid;

use crate::{
    Error, Result, Sessions, Users,
    accounts::of_user,
    columns::{from_name, time},
    database::{Database, sql, values},
};

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: Uuid,
    user_id: Uuid,
    created_at: i64,
    seen_at: i64,
    expires_at: i64,
    user_agent: String,
    address: String,
}

impl TryFrom<SessionRow> for Session {
    type Error = Error;

    fn try_from(row: SessionRow) -> Result<Self> {
        Ok(Self {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            created_at: time(row.created_at)?,
            seen_at: time(row.seen_at)?,
            expires_at: time(row.expires_at)?,
            user_agent: row.user_agent,
            address: row.address,
        })
    }
}

impl Database {
    async fn session(&self, token_hash: &str, now: Timestamp, idle_since: Timestamp) -> Result<Session> {
        self.one::<SessionRow>("session", sql!("sessions/find"), values![token_hash, now, idle_since]).await?.try_into()
    }
}

#[async_trait]
impl Sessions for Database {
    async fn create(&self, session: &Session, token_hash: &str) -> Result<()> {
        let row = values![
            token_hash,
            session.id,
            session.user,
            session.created_at,
            session.seen_at,
            session.expires_at,
            session.user_agent.as_str(),
            session.address.as_str(),
        ];
        self.execute(sql!("sessions/create"), row).await.map_err(|error| of_user(error, "session"))?;
        Ok(())
    }

    async fn find(&self, token_hash: &str, now: Timestamp, idle_since: Timestamp) -> Result<(Session, User)> {
        let session = self.session(token_hash, now, idle_since).await?;
        let user = Users::get(self, session.user).await?;
        Ok((session, user))
    }

    async fn member(
        &self,
        token_hash: &str,
        tenant: TenantId,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<(Session, MemberRole, Standing)> {
        let session = self.session(token_hash, now, idle_since).await?;
        let row: (String, String, Option<String>) = self.one("member", sql!("sessions/member"), values![tenant, session.user]).await?;
        let (role, status, plan) = row;
        Ok((session, from_name("member role", role)?, Standing { status: from_name("tenant status", status)?, plan }))
    }

    async fn touch(&self, id: SessionId, now: Timestamp) -> Result<()> {
        self.execute(sql!("sessions/touch"), values![id, now]).await?;
        Ok(())
    }

    async fn list(&self, user: UserId, now: Timestamp, idle_since: Timestamp) -> Result<Vec<Session>> {
        let rows: Vec<SessionRow> = self.all(sql!("sessions/list"), values![user, now, idle_since]).await?;
        rows.into_iter().map(Session::try_from).collect()
    }

    async fn revoke(&self, user: UserId, id: SessionId) -> Result<()> {
        match self.execute(sql!("sessions/revoke"), values![user, id]).await? {
            0 => Err(Error::NotFound("session")),
            _ => Ok(()),
        }
    }

    async fn revoke_others(&self, user: UserId, but: Option<SessionId>) -> Result<u64> {
        self.execute(sql!("sessions/revoke_others"), values![user, but.unwrap_or(SessionId(Uuid::nil()))]).await
    }

    async fn trim(&self, now: Timestamp, idle_since: Timestamp) -> Result<u64> {
        self.execute(sql!("users/trim_links"), values![now]).await?;
        self.execute(sql!("invitations/trim"), values![now]).await?;
        self.execute(sql!("sessions/trim"), values![now, idle_since]).await
    }
}
