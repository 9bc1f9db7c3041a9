//! Indexes: list, show, create, change, delete, swap names, and what is known of their attributes.

mod app;
mod attributes;
mod routes;

pub(crate) use app::already_exists;
pub(crate) use routes::router;
