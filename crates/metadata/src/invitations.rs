//! Invitations as rows.

use async_trait::async_trait;
use onggi_domain::{InvitationId, TenantId, Timestamp, UserId, account::Invitation};
use uuid::Uuid;

use crate::{
    Error, Invitations, Result,
    accounts::email,
    columns::{from_name, time, to_name},
    database::{Database, sql, transaction, values},
    members,
};

#[derive(sqlx::FromRow)]
struct InvitationRow {
    id: Uuid,
    tenant: Uuid,
    email: String,
    role: String,
    invited_by: Uuid,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = Error;

    fn try_from(row: InvitationRow) -> Result<Self> {
        Ok(Self {
            id: InvitationId(row.id),
            tenant: TenantId(row.tenant),
            email: email(&row.email)?,
            role: from_name("member role", row.role)?,
            invited_by: UserId(row.invited_by),
            created_at: time(row.created_at)?,
            expires_at: time(row.expires_at)?,
        })
    }
}

#[async_trait]
impl Invitations for Database {
    async fn create(&self, invitation: &Invitation, token_hash: &str) -> Result<()> {
        transaction!(self, |tx| {
            tx.execute(sql!("invitations/replace"), values![invitation.tenant, invitation.email.as_str()]).await?;
            let row = values![
                invitation.id,
                token_hash,
                invitation.tenant,
                invitation.email.as_str(),
                to_name(&invitation.role),
                invitation.invited_by,
                invitation.created_at,
                invitation.expires_at,
            ];
            tx.execute(sql!("invitations/create"), row).await.map_err(|error| error.of_writing("invitation"))?;
            Ok(())
        })
    }

    async fn find(&self, token_hash: &str, now: Timestamp) -> Result<Invitation> {
        let found = sql!("invitations/select" + "invitations/and_token");
        self.one::<InvitationRow>("invitation", found, values![token_hash, now]).await?.try_into()
    }

    async fn list(&self, tenant: TenantId, now: Timestamp) -> Result<Vec<Invitation>> {
        let of_tenant = sql!("invitations/select" + "invitations/and_tenant");
        let rows: Vec<InvitationRow> = self.all(of_tenant, values![tenant, now]).await?;
        rows.into_iter().map(Invitation::try_from).collect()
    }

    async fn revoke(&self, tenant: TenantId, id: InvitationId) -> Result<()> {
        match self.execute(sql!("invitations/revoke"), values![tenant, id]).await? {
            0 => Err(Error::NotFound("invitation")),
            _ => Ok(()),
        }
    }

    async fn accept(&self, token_hash: &str, user: UserId, now: Timestamp) -> Result<Invitation> {
        transaction!(self, |tx| {
            let row: InvitationRow = tx.one("invitation", sql!("invitations/take"), values![token_hash, now]).await?;
            let invitation = Invitation::try_from(row)?;
            let values = values![invitation.tenant, user, to_name(&invitation.role)];
            match members::role(tx, invitation.tenant, user).await? {
                None => {
                    let row = values![invitation.tenant, user, to_name(&invitation.role), now];
                    tx.execute(sql!("members/add"), row).await.map_err(|error| error.of_writing("member"))?;
                }
                Some(role) if role < invitation.role => {
                    tx.execute(sql!("members/set_role"), values).await?;
                }
                Some(_) => {}
            }
            Ok(invitation)
        })
    }
}
