//! API keys: list, show, create, change, delete. A key's secret is derived, never stored; the root key is not seen here.

mod app;
mod routes;

pub(crate) use routes::router;
