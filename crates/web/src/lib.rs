//! What every HTTP service of Onggi shares: errors to responses, reading bodies, identities, upstreams, requests to the outside,
//! telemetry, serving, and what a process uses.

pub mod body;
pub mod egress;
pub mod error;
pub mod identity;
pub mod portal;
pub mod process;
pub mod query;
pub mod room;
pub mod serve;
pub mod settings;
pub mod telemetry;
pub mod trace;
pub mod upstream;

pub use error::{Error, Result};
pub use identity::Caller;
pub use upstream::Upstream;
