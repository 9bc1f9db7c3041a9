//! Accounts as rows, and how their people sign in.

use async_trait::async_trait;
use onggi_domain::{
    Timestamp, UserId,
    account::{Credentials, Email, User},
};
use uuid::Uuid;

use crate::{
    Error, Page, Result, Users,
    columns::{corrupt, optional_time, time, unsigned},
    database::{Database, Sql, Transaction, sql, transaction, values},
};

#[derive(sqlx::FromRow)]
pub(crate) struct UserRow {
    id: Uuid,
    email: String,
    name: String,
    password_hash: Option<String>,
    operator: bool,
    failures: i64,
    locked_until: Option<i64>,
    created_at: i64,
    signed_in_at: Option<i64>,
}

impl TryFrom<UserRow> for Credentials {
    type Error = Error;

    fn try_from(row: UserRow) -> Result<Self> {
        Ok(Self {
            user: User {
                id: UserId(row.id),
                email: email(&row.email)?,
                name: row.name,
                operator: row.operator,
                created_at: time(row.created_at)?,
                signed_in_at: optional_time(row.signed_in_at)?,
            },
            password_hash: row.password_hash,
            failures: unsigned("failures", row.failures)?,
            locked_until: optional_time(row.locked_until)?,
        })
    }
}

/// An address as it is stored.
pub(crate) fn email(text: &str) -> Result<Email> {
    text.parse().map_err(|error| corrupt("address", &error))
}

impl Database {
    async fn account(&self, sql: Sql, values: Vec<crate::database::Value>) -> Result<Credentials> {
        self.one::<UserRow>("user", sql, values).await?.try_into()
    }

    async fn change_user(&self, sql: Sql, values: Vec<crate::database::Value>) -> Result<()> {
        match self.execute(sql, values).await? {
            0 => Err(Error::NotFound("user")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Users for Database {
    async fn create(&self, user: &User, password_hash: Option<&str>) -> Result<()> {
        let row = values![user.id, user.email.as_str(), user.name.as_str(), password_hash, user.operator, user.created_at];
        self.execute(sql!("users/create"), row).await.map_err(|error| error.of_writing("user"))?;
        Ok(())
    }

    async fn get(&self, id: UserId) -> Result<User> {
        Ok(self.account(sql!("users/select" + "users/and_id"), values![id]).await?.user)
    }

    async fn by_email(&self, email: &Email) -> Result<Credentials> {
        self.account(sql!("users/select" + "users/and_email"), values![email.as_str()]).await
    }

    async fn credentials(&self, id: UserId) -> Result<Credentials> {
        self.account(sql!("users/select" + "users/and_id"), values![id]).await
    }

    async fn list(&self, offset: u64, limit: u64) -> Result<Page<User>> {
        let rows: Vec<UserRow> = self.all(sql!("users/select" + "users/page"), values![limit, offset]).await?;
        let items = rows.into_iter().map(|row| Credentials::try_from(row).map(|found| found.user)).collect::<Result<_>>()?;
        Ok(Page { items, total: self.count(sql!("users/count"), values![]).await? })
    }

    async fn set_name(&self, id: UserId, name: &str) -> Result<()> {
        self.change_user(sql!("users/set_name"), values![id, name]).await
    }

    async fn set_password(&self, id: UserId, password_hash: &str) -> Result<()> {
        self.change_user(sql!("users/set_password"), values![id, password_hash]).await
    }

    async fn set_operator(&self, id: UserId, operator: bool) -> Result<()> {
        transaction!(self, |tx| {
            if !operator {
                keep_an_operator(tx, id).await?;
            }
            if tx.execute(sql!("users/set_operator"), values![id, operator]).await? == 0 {
                return Err(Error::NotFound("user"));
            }
            Ok(())
        })
    }

    async fn count_failure(&self, id: UserId) -> Result<u64> {
        let (failures,): (i64,) = self.change_one("user", sql!("users/count_failure"), values![id]).await?;
        unsigned("failures", failures)
    }

    async fn lock(&self, id: UserId, until: Timestamp) -> Result<()> {
        self.change_user(sql!("users/lock"), values![id, until]).await
    }

    async fn signed_in(&self, id: UserId, now: Timestamp) -> Result<()> {
        self.change_user(sql!("users/signed_in"), values![id, now]).await
    }

    async fn by_identity(&self, issuer: &str, subject: &str) -> Result<User> {
        Ok(self.account(sql!("users/select" + "users/and_identity"), values![issuer, subject]).await?.user)
    }

    async fn identities(&self, id: UserId) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = self.all(sql!("users/identities"), values![id]).await?;
        Ok(rows.into_iter().map(|(issuer,)| issuer).collect())
    }

    async fn add_identity(&self, id: UserId, issuer: &str, subject: &str, now: Timestamp) -> Result<()> {
        let row = values![issuer, subject, id, now];
        self.execute(sql!("users/add_identity"), row).await.map_err(|error| of_user(error, "identity"))?;
        Ok(())
    }

    async fn add_link(&self, id: UserId, token_hash: &str, expires_at: Timestamp) -> Result<()> {
        self.execute(sql!("users/add_link"), values![token_hash, id, expires_at]).await.map_err(|error| of_user(error, "link"))?;
        Ok(())
    }

    async fn take_link(&self, token_hash: &str, now: Timestamp) -> Result<User> {
        transaction!(self, |tx| {
            let row: UserRow = tx.one("link", sql!("users/select" + "users/and_link"), values![token_hash, now]).await?;
            // Of two that come together, one finds nothing to delete.
            if tx.execute(sql!("users/take_link"), values![token_hash, now]).await? == 0 {
                return Err(Error::NotFound("link"));
            }
            Ok(Credentials::try_from(row)?.user)
        })
    }

    async fn by_link(&self, token_hash: &str, now: Timestamp) -> Result<User> {
        let row: UserRow = self.one("link", sql!("users/select" + "users/and_link"), values![token_hash, now]).await?;
        Ok(Credentials::try_from(row)?.user)
    }
}

/// Refuses to let the last operator go. Two operators that let each other go at once come here one after the other.
async fn keep_an_operator(tx: &mut Transaction, user: UserId) -> Result<()> {
    tx.execute(sql!("users/lock_operators"), values![]).await?;
    let known: UserRow = tx.one("user", sql!("users/select" + "users/and_id"), values![user]).await?;
    if known.operator && tx.count(sql!("users/other_operators"), values![user]).await? == 0 {
        return Err(Error::Conflict("number of operators"));
    }
    Ok(())
}

/// As [`Error::of_writing`], for rows that refer to a user.
pub(crate) fn of_user(error: Error, what: &'static str) -> Error {
    match error.of_writing(what) {
        Error::NotFound("tenant") => Error::NotFound("user"),
        other => other,
    }
}
