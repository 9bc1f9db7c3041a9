//! Memberships as rows.

use async_trait::async_trait;
use onggi_domain::{
    TenantId, Timestamp, UserId,
    account::{Credentials, Member},
    tenant::{MemberRole, Tenant},
};

use crate::{
    Error, Members, Result,
    accounts::UserRow,
    columns::{from_name, time, to_name},
    database::{Database, Transaction, sql, transaction, values},
    tenants::TenantRow,
};

#[derive(sqlx::FromRow)]
struct MemberRow {
    #[sqlx(flatten)]
    user: UserRow,
    role: String,
    since: i64,
}

#[derive(sqlx::FromRow)]
struct TenantOfUserRow {
    #[sqlx(flatten)]
    tenant: TenantRow,
    role: String,
}

#[async_trait]
impl Members for Database {
    async fn add(&self, tenant: TenantId, user: UserId, role: MemberRole, now: Timestamp) -> Result<()> {
        let row = values![tenant, user, to_name(&role), now];
        self.execute(sql!("members/add"), row).await.map_err(|error| error.of_writing("member"))?;
        Ok(())
    }

    async fn list(&self, tenant: TenantId) -> Result<Vec<Member>> {
        let rows: Vec<MemberRow> = self.all(sql!("members/list"), values![tenant]).await?;
        rows.into_iter()
            .map(|row| {
                let (role, created_at) = (from_name("member role", row.role)?, time(row.since)?);
                Ok(Member { tenant, user: Credentials::try_from(row.user)?.user, role, created_at })
            })
            .collect()
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<(Tenant, MemberRole)>> {
        let rows: Vec<TenantOfUserRow> = self.all(sql!("members/of_user"), values![user]).await?;
        rows.into_iter().map(|row| Ok((row.tenant.try_into()?, from_name("member role", row.role)?))).collect()
    }

    async fn set_role(&self, tenant: TenantId, user: UserId, role: MemberRole) -> Result<()> {
        transaction!(self, |tx| {
            if role != MemberRole::Owner {
                keep_an_owner(tx, tenant, user).await?;
            }
            if tx.execute(sql!("members/set_role"), values![tenant, user, to_name(&role)]).await? == 0 {
                return Err(Error::NotFound("member"));
            }
            Ok(())
        })
    }

    async fn remove(&self, tenant: TenantId, user: UserId) -> Result<()> {
        transaction!(self, |tx| {
            keep_an_owner(tx, tenant, user).await?;
            if tx.execute(sql!("members/remove"), values![tenant, user]).await? == 0 {
                return Err(Error::NotFound("member"));
            }
            Ok(())
        })
    }
}

/// Refuses to let the last owner go. Two owners that let each other go at once come here one after the other.
async fn keep_an_owner(tx: &mut Transaction, tenant: TenantId, user: UserId) -> Result<()> {
    tx.execute(sql!("tenants/lock"), values![tenant]).await?;
    let Some(role) = role(tx, tenant, user).await? else { return Err(Error::NotFound("member")) };
    if role == MemberRole::Owner && tx.count(sql!("members/other_owners"), values![tenant, user]).await? == 0 {
        return Err(Error::Conflict("number of owners"));
    }
    Ok(())
}

/// What a person is in a tenant.
pub(crate) async fn role(tx: &mut Transaction, tenant: TenantId, user: UserId) -> Result<Option<MemberRole>> {
    let found: Vec<(String,)> = tx.all(sql!("members/role"), values![tenant, user]).await?;
    found.into_iter().next().map(|(role,)| from_name("member role", role)).transpose()
}
