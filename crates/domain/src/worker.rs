//! What the control plane and the gateway say to a worker, and what it answers. All of it is JSON over HTTP with
//! `authorization: Bearer <secret of the index>`.
//!
//! | role | request | answer |
//! | --- | --- | --- |
//! | both | `GET /status` | [`WorkerStatus`] |
//! | both | `GET /status?after=N&wait_ms=M` | the same, once the generation is above N or M milliseconds are over |
//! | searcher | `POST /load` [`LoadRequest`] | [`WorkerStatus`] once that generation, or a later one, is served |
//! | searcher | `POST /hold` [`LoadRequest`] | 204: from now on it answers no question by an older generation than that |
//! | indexer | `POST /advance` | 204: read the log again, entries may have been appended |
//! | searcher | `POST /search`, `GET /search?...` | a search answer |
//! | searcher | `GET /documents?...`, `POST /documents/fetch`, `GET /documents/{id}?fields=` | documents |
//! | searcher | `POST /facet-search` | facet values |
//! | searcher | `POST /federated-search` [`FederatedRequest`] | [`FederatedAnswer`] |
//! | searcher | `POST /analyze` | how a text becomes words |
//! | searcher | `GET /stats` | `{numberOfDocuments, isIndexing, fieldDistribution}` without `isIndexing` |
//!
//! The gateway adds to a search [`INDEX_UID`] and, for a tenant token with a filter rule, [`FILTER`], which the searcher joins to the request's own
//! filter with AND. A searcher's answer has [`GENERATION`] and [`HITS`], and [`TIMING`] where the request has a `traceparent` that is sampled.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::federation::{FederatedAnswer, FederatedRequest};
use crate::{Generation, IndexId, Seq, Timestamp, container::Role};

/// How a worker is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerStatus {
    /// The index it works for.
    pub index: IndexId,
    /// What it does.
    pub role: Role,
    /// The generation that it serves (searcher) or has published last (indexer).
    pub generation: Option<Generation>,
    /// The last log entry in that generation.
    pub committed_seq: Option<Seq>,
    /// An indexer: the last log entry that it has seen.
    pub head: Option<Seq>,
    /// A searcher: when it was last asked by a search; `None`: not yet.
    pub last_search_at: Option<Timestamp>,
    /// A searcher: searches answered since it started.
    pub searches: u64,
    /// A searcher: seconds that its searches have taken together since it started. What this grows by in a second is how many searches were
    /// under way at a time. 0 from a worker of an earlier version.
    #[serde(default)]
    pub search_seconds: f64,
    /// Requests under way.
    pub in_flight: u64,
    /// CPU seconds that it has used, where the system tells.
    #[serde(default)]
    pub cpu_seconds: Option<f64>,
    /// Its private memory in bytes, where the system tells.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// What it could not do last, if it has not succeeded since.
    pub error: Option<String>,
}

/// Asks a searcher to serve a generation, or to serve none that is older.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRequest {
    /// The generation; one that is older than what is served is ignored. 0: the newest there is, or the empty index.
    pub generation: Generation,
}

/// How a worker is started: the only thing that it is told. Read from its standard input as one line of JSON (process
/// runtime) or from a file (kubernetes).
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerConfig {
    /// The index.
    pub index: IndexId,
    /// What to do.
    pub role: Role,
    /// A name that no other container ever has.
    pub name: String,
    /// The bucket as a URL: `file:///path`, `memory://`, `s3://bucket/path?endpoint=...`.
    pub bucket: String,
    /// The index's prefix in it; nothing outside is touched.
    pub prefix: String,
    /// A directory of the worker's own.
    pub directory: std::path::PathBuf,
    /// Where to listen.
    pub listen: std::net::SocketAddr,
    /// What callers must show.
    pub secret: String,
    /// Memory that it may use, in bytes.
    pub memory_bytes: u64,
    /// Local disk that it may use, in bytes.
    pub disk_bytes: u64,
    /// Where the unpacked dictionaries are, if there are any.
    pub dictionaries: Option<std::path::PathBuf>,
    /// Limits on requests.
    pub limits: crate::limits::Limits,
}

impl std::fmt::Debug for WorkerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerConfig")
            .field("index", &self.index)
            .field("role", &self.role)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The line that a worker prints on its standard output once it listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerReady {
    /// Where it listens.
    pub listening: std::net::SocketAddr,
}

/// The header with the tenant's name for the index, for the searcher to repeat.
pub const INDEX_UID: &str = "x-onggi-index-uid";

/// The header with the filter of a tenant token: URL-encoded JSON.
pub const FILTER: &str = "x-onggi-filter";

/// The header that says which generation an answer is from; 0: nothing was published yet.
pub const GENERATION: &str = "x-onggi-generation";

/// The header that says how many hits a search has, for whoever counts searches without reading their answers.
pub const HITS: &str = "x-onggi-hits";

/// The header on the refusals of a worker that drains or is held back: another one will answer.
pub const DRAINING: &str = "x-onggi-draining";

/// The header in which a searcher says how long it took: [`Timings`] as text.
pub const TIMING: &str = "x-onggi-timing";

/// How long a searcher took for an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timings {
    /// All of it.
    pub whole: Duration,
    /// Of that: until a thread was free.
    pub waited: Duration,
    /// Of that: the engine.
    pub worked: Duration,
}

/// Microseconds: `whole=1200, waited=30, worked=1100`.
impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { whole, waited, worked } = self;
        write!(f, "whole={}, waited={}, worked={}", whole.as_micros(), waited.as_micros(), worked.as_micros())
    }
}

impl FromStr for Timings {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let of = |name: &str| {
            let value = text.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix('='))?;
            value.parse().ok().map(Duration::from_micros)
        };
        Ok(Self { whole: of("whole").ok_or(())?, waited: of("waited").ok_or(())?, worked: of("worked").ok_or(())? })
    }
}

/// A searcher that answers, as the gateway needs to know it.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The container's name.
    pub name: String,
    /// Where it listens.
    pub address: std::net::SocketAddr,
    /// What it wants to be shown.
    pub secret: std::sync::Arc<str>,
    /// The zone that it runs in, for who routes requests and knows its own.
    pub zone: Option<std::sync::Arc<str>>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timings_are_read_as_they_were_written() {
        let timings = Timings { whole: Duration::from_micros(1200), waited: Duration::ZERO, worked: Duration::from_micros(1100) };
        assert_eq!(timings.to_string().parse(), Ok(timings));
        assert!("whole=1, waited=2".parse::<Timings>().is_err() && "whole=x, waited=2, worked=3".parse::<Timings>().is_err());
    }
}
