//! What every HTTP service of Onggi shares: errors to responses, reading bodies, identities, upstreams, telemetry, serving.

pub mod body;
pub mod error;
pub mod identity;
pub mod portal;
pub mod query;
pub mod serve;
pub mod settings;
pub mod telemetry;
pub mod upstream;

pub use error::{Error, Result};
pub use identity::Caller;
pub use upstream::Upstream;
