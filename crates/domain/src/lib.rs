//! The words of Onggi as types: ids, settings, sizes, log operations, generations, tasks, keys and errors.
//! No I/O here, and no knowledge of HTTP, SQL, Tantivy or an object store.

pub mod account;
pub mod attribute;
pub mod auth;
pub mod batch;
pub mod container;
pub mod dictionary;
pub mod document_id;
pub mod error;
pub mod federation;
pub mod filter;
pub mod generation;
pub mod identity;
pub mod ids;
pub mod index;
pub mod key;
pub mod latency;
pub mod limits;
pub mod locale;
pub mod log;
pub mod plan;
pub mod settings;
pub mod task;
pub mod tenant;
pub mod usage;
pub mod webhook;
pub mod worker;

pub use error::{ApiError, Code};
pub use ids::{Generation, IndexId, IndexUid, InvitationId, KeyId, Seq, SessionId, TaskUid, TenantId, UserId, WebhookId};
pub use jiff::Timestamp;
