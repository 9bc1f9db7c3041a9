//! The durable protocol of an index over an object store: log, payloads, segments, generations, leases, retention.
//!
//! Layout below an index's prefix (`indexes/<tenant>/<index>/`):
//!
//! | object | what |
//! | --- | --- |
//! | `log/<seq, 20 digits>` | an entry: put-if-absent, contiguous from 0, with a nonce (`entry.rs`) |
//! | `payloads/<uuid>` | the documents of a large upload: zstd NDJSON, written before the entry that names it |
//! | `segments/<name>-<uuid>` | an immutable file of one or more generations |
//! | `generations/<number, 20 digits>` | a manifest: JSON, put-if-absent |
//! | `floors/<number, 20 digits>` | an announcement: the generations below are going (`retention.rs`) |
//! | `leases/<worker>` | an indexer's promise to publish by a time or not at all |
//!
//! The arguments why nothing is lost are where the code is: `log.rs` for seqs, `publish.rs` and `retention.rs` for generations. The feature `testing`
//! adds a store that fails on demand.

mod appender;
pub mod archive;
mod backup;
mod checksum;
mod entry;
mod error;
mod fetch;
mod fork;
mod forks;
mod generations;
mod index;
mod log;
mod metered;
mod payload;
mod publish;
mod retention;
mod scoped;
mod store;
mod sts;
#[cfg(feature = "testing")]
pub mod testing;
mod upload;

pub use appender::Appender;
pub use backup::{Copied, copy_bucket};
pub use error::{Error, Result};
pub use forks::{FORK_TIME, fork_is_over, indexes_of, tenants};
pub use index::{Clock, IndexBucket};
pub use publish::Publish;
pub use retention::{Collected, Retention};
pub use store::{Store, open_store};
pub use sts::{ScopedCredentials, Sts, StsConfig};
