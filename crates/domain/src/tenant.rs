//! A tenant: a customer, who owns indexes, keys and tasks; and the people who act for it.

use serde::{Deserialize, Serialize};

use crate::{TenantId, Timestamp};

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

/// A person who acts for a tenant in the portal.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The tenant.
    pub tenant: TenantId,
    /// The person's address, unique in a tenant.
    pub email: String,
    /// What the person may do.
    pub role: MemberRole,
    /// When the person was added.
    pub created_at: Timestamp,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MemberRole {
    /// Everything.
    Owner,
    /// Everything but members and billing.
    Developer,
    /// Looking only.
    Viewer,
}
