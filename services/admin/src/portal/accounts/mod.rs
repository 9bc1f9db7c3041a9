//! Accounts: signing up, in and out; the person's own page; tenants that a person makes. The routes translate; what is decided is in `app`.

mod app;
mod enter;
mod own;
mod sign_in;
mod sign_up;

use axum::Router;

use super::Portal;

pub(crate) use app::{NewAccount, Refusal, checked_name};

/// Every route of accounts.
pub(crate) fn router() -> Router<Portal> {
    Router::new().merge(sign_in::router()).merge(sign_up::router()).merge(enter::router()).merge(own::router())
}
