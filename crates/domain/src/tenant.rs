//! A tenant: a customer, who owns indexes, keys and tasks; and what the people who act for it may do.

use serde::{Deserialize, Serialize};

use crate::{TenantId, Timestamp, key::Action};

/// A customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, unique, for the operator.
    pub name: String,
    /// Whether it is served.
    pub status: TenantStatus,
    /// The name of its plan; none: the configuration's default.
    pub plan: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// How a tenant stands: what everyone who answers its requests has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether it is served.
    pub status: TenantStatus,
    /// The name of its plan; none: the configuration's default.
    pub plan: Option<String>,
}

/// Whether a tenant is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TenantStatus {
    /// Served.
    Active,
    /// Every request is refused; data stays.
    Suspended,
    /// Being removed; nothing of it is visible.
    Deleted,
}

/// What a member may do. Each may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MemberRole {
    /// Looking and searching only.
    Viewer,
    /// Everything but keys, members and what it costs.
    Developer,
    /// Everything.
    Owner,
}

/// What a developer may do beside reading: everything that concerns indexes. Keys are not among it, as one of them could allow more.
const DEVELOPER: &[Action] = &[
    Action::AllGet,
    Action::KeysGet,
    Action::DocumentsAll,
    Action::IndexesAll,
    Action::TasksAll,
    Action::SettingsAll,
    Action::ContainersAll,
    Action::GenerationsAll,
    Action::DumpsAll,
    Action::SnapshotsAll,
    Action::WebhooksAll,
    Action::ExperimentalFeaturesUpdate,
];

impl MemberRole {
    /// Every role, least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Developer, Self::Owner];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Owner => "owner",
        }
    }

    /// What a member of this role may do through the tenant API.
    pub fn actions(self) -> &'static [Action] {
        match self {
            Self::Viewer => &[Action::AllGet],
            Self::Developer => DEVELOPER,
            Self::Owner => &[Action::All],
        }
    }

    /// Whether a member of this role may do this through the tenant API.
    pub fn allows(self, wanted: Action) -> bool {
        self.actions().iter().any(|held| held.allows(wanted))
    }
}

impl std::fmt::Display for MemberRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Actions that change something.
    fn changing() -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(|action| {
            let reads = action.as_str().ends_with("get") || action.as_str().ends_with("post");
            !reads && ![Action::Search, Action::Version, Action::Export].contains(action)
        })
    }

    #[test]
    fn a_viewer_can_change_nothing_and_read_no_key() {
        for action in changing() {
            assert!(!MemberRole::Viewer.allows(action), "{}", action.as_str());
        }
        assert!(!MemberRole::Viewer.allows(Action::KeysGet));
        assert!(MemberRole::Viewer.allows(Action::Search) && MemberRole::Viewer.allows(Action::ContainersGet));
    }

    #[test]
    fn a_developer_can_do_everything_but_change_keys() {
        for action in [Action::KeysCreate, Action::KeysUpdate, Action::KeysDelete, Action::All] {
            assert!(!MemberRole::Developer.allows(action), "{}", action.as_str());
        }
        for action in [Action::DocumentsAdd, Action::SettingsUpdate, Action::ContainersUpdate, Action::IndexesDelete, Action::Search] {
            assert!(MemberRole::Developer.allows(action), "{}", action.as_str());
        }
        assert!(Action::ALL.iter().all(|action| MemberRole::Owner.allows(*action)));
    }
}
