//! People who sign in at the portal: their accounts, sessions and invitations.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{InvitationId, SessionId, TenantId, Timestamp, UserId, tenant::MemberRole};

/// An address that mail could be sent to, in lower case: two that differ in case only are one person's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// What was given is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnEmail;

impl fmt::Display for NotAnEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an address like name@example.com")
    }
}

impl std::error::Error for NotAnEmail {}

impl Email {
    /// The most characters of an address (RFC 5321).
    pub const MAX_LENGTH: usize = 254;

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for Email {
    type Err = NotAnEmail;

    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim().to_lowercase();
        let plain =
            text.len() <= Self::MAX_LENGTH && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"'(),;:\\[]".contains(c));
        match text.split_once('@') {
            Some((name, domain)) if plain && !name.is_empty() && !domain.is_empty() && !domain.contains('@') => Ok(Self(text)),
            _ => Err(NotAnEmail),
        }
    }
}

impl TryFrom<String> for Email {
    type Error = NotAnEmail;
    fn try_from(text: String) -> Result<Self, NotAnEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The address, unique.
    pub email: Email,
    /// The name, as the person wants to be called; may be empty.
    pub name: String,
    /// Whether this is an operator of the platform.
    pub operator: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The last sign-in.
    pub signed_in_at: Option<Timestamp>,
}

impl User {
    /// A new account of an ordinary person.
    pub fn new(email: Email, name: &str, now: Timestamp) -> Self {
        Self { id: UserId::generate(), email, name: name.to_owned(), operator: false, created_at: now, signed_in_at: None }
    }

    /// The name, or the address when there is none.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { self.email.as_str() } else { &self.name }
    }
}

/// What is known about signing in to an account with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub user: User,
    /// The hash of the password; `None`: there is no password.
    pub password_hash: Option<String>,
    /// Wrong passwords since the last right one.
    pub failures: u64,
    /// Until when no password is looked at.
    pub locked_until: Option<Timestamp>,
}

/// A person who acts for a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The tenant.
    pub tenant: TenantId,
    /// The person.
    pub user: User,
    /// What the person may do.
    pub role: MemberRole,
    /// Since when.
    pub created_at: Timestamp,
}

/// A sign-in that lasts. The token that the browser shows is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// The browser, as it calls itself.
    pub user_agent: String,
    /// The network address that it began from.
    pub address: String,
}

/// An invitation to become a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// To which tenant.
    pub tenant: TenantId,
    /// Who is invited.
    pub email: Email,
    /// What they will be.
    pub role: MemberRole,
    /// Who invited.
    pub invited_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_name_and_one_domain_and_no_case() {
        assert_eq!(" Kim@Example.com ".parse::<Email>().unwrap().as_str(), "kim@example.com");
        assert_eq!("kim@example.com".parse::<Email>().unwrap().domain(), "example.com");
        for bad in ["", "kim", "@example.com", "kim@", "a@b@c", "a b@c", "a\n@b.c", "<a@b.c>", &format!("{}@b.c", "x".repeat(254))] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }
}
