//! Ids are types, so that a tenant's id can never be passed where an index's is wanted.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ApiError, Code};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id that sorts after the ones made before it (UUIDv7).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A customer.
    TenantId
);
uuid_id!(
    /// An index, never reused: a deleted and recreated `uid` is a different index.
    IndexId
);
uuid_id!(
    /// An API key; the secret itself is derived from it and never stored.
    KeyId
);
uuid_id!(
    /// A webhook.
    WebhookId
);
uuid_id!(
    /// A person with an account at the portal.
    UserId
);
uuid_id!(
    /// A sign-in of a person that lasts.
    SessionId
);
uuid_id!(
    /// An invitation to a tenant.
    InvitationId
);

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number_id!(
    /// The number of a log entry of one index, contiguous from 0.
    Seq,
    u64
);
number_id!(
    /// The number of an immutable state of one index, from 1.
    Generation,
    u64
);
number_id!(
    /// A task's number, counted from 0 for each tenant as its SDKs expect.
    TaskUid,
    u32
);

/// The name that a tenant gave to an index: 1 to 400 characters of `[A-Za-z0-9_-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IndexUid(String);

impl IndexUid {
    /// The most characters that a uid may have.
    pub const MAX_LENGTH: usize = 400;

    /// The uid as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IndexUid {
    type Error = ApiError;

    fn try_from(text: String) -> Result<Self, ApiError> {
        let valid =
            (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if valid {
            return Ok(Self(text));
        }
        Err(ApiError::new(
            Code::InvalidIndexUid,
            format!(
                "`{text}` is not a valid index uid. Index uid can be an integer or a string containing only alphanumeric \
                 characters, hyphens (-) and underscores (_), and can not be more than {} bytes.",
                Self::MAX_LENGTH
            ),
        ))
    }
}

impl FromStr for IndexUid {
    type Err = ApiError;
    fn from_str(text: &str) -> Result<Self, ApiError> {
        Self::try_from(text.to_owned())
    }
}

impl From<IndexUid> for String {
    fn from(uid: IndexUid) -> Self {
        uid.0
    }
}

impl fmt::Display for IndexUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_uid_holds_letters_digits_hyphens_and_underscores_only() {
        for good in ["a", "movies_2", "A-b", &"x".repeat(400)] {
            assert_eq!(good.parse::<IndexUid>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "영화", "a/b", "..", &"x".repeat(401)] {
            assert_eq!(bad.parse::<IndexUid>().unwrap_err().code, Code::InvalidIndexUid, "{bad}");
        }
    }
}
