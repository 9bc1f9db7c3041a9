//! Who asks: what the gateway has found out about a caller and tells the services behind it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    KeyId, TenantId,
    key::{Action, IndexPattern},
};

/// The authenticated caller, passed from the gateway to uploader and admin in the `x-onggi-identity` header (JSON),
/// which the gateway strips from what comes from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Whose world the caller sees.
    pub tenant: TenantId,
    /// The key that was shown; a member of the tenant who is signed in at the portal: the id of that person.
    pub key: KeyId,
    /// Whether it is such a member.
    #[serde(default)]
    pub member: bool,
    /// Whether it is the tenant's root key.
    pub root: bool,
    /// What it allows.
    pub actions: Vec<Action>,
    /// On which indexes.
    pub indexes: Vec<IndexPattern>,
}

impl Identity {
    /// Whether the caller may do this, on an index if one is named.
    pub fn allows(&self, action: Action, index: Option<&str>) -> bool {
        (self.root || self.actions.iter().any(|held| held.allows(action))) && index.is_none_or(|uid| self.allows_index(uid))
    }

    /// Whether the caller may see an index of this name.
    pub fn allows_index(&self, uid: &str) -> bool {
        self.root || self.indexes.iter().any(|pattern| pattern.matches(uid))
    }

    /// The indexes that the caller may see, as patterns.
    pub fn patterns(&self) -> Cow<'_, [IndexPattern]> {
        if self.root { vec![IndexPattern::all()].into() } else { self.indexes.as_slice().into() }
    }
}
