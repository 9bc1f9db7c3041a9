//! A whole Onggi for tests: the real `onggi up` on a free port with a directory of its own, and the means to hurt it.
//!
//! Everything goes through the public surface: HTTP for what tenants do, signals for what fate does.

mod api;
mod load;
mod postgres;
mod process;
mod s3;

pub use api::{Answer, Api};
pub use load::{Failure, Load, LoadReport};
pub use postgres::Postgres;
pub use process::{Onggi, Worker};
pub use s3::{S3_KEY, S3Server};
