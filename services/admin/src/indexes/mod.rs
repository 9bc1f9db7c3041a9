//! Indexes: list, create, change, delete, swap. All of it takes effect at once; its tasks are at their end when they are answered.

mod app;
mod routes;

pub(crate) use self::{app::already_exists, routes::router};
