//! Every limit on what a caller may send, in one place.

use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// Limits of the public API. The defaults suit a public service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest document upload, after decompression.
    pub upload_bytes: ByteSize,
    /// The largest body of any other request, after decompression.
    pub body_bytes: ByteSize,
    /// Uploads that one uploader has under way, before compression, all together: what it compresses is on its disk until it is stored. A tenant may
    /// have half of it.
    pub uploading_bytes: ByteSize,
    /// The largest single document.
    pub document_bytes: ByteSize,
    /// How many times larger a body may become by decompression before it is taken for a bomb (once over 1 MiB).
    pub decompression_ratio: u64,
    /// How deep JSON may be nested.
    pub nesting: usize,
    /// Attributes that one index may have.
    pub fields: usize,
    /// Characters of a search query.
    pub query_chars: usize,
    /// Words of a query that are searched for; the rest is ignored.
    pub query_words: usize,
    /// Characters of a text that is analysed for show.
    pub analyze_chars: usize,
    /// Conditions in a filter.
    pub filter_conditions: usize,
    /// How deep a filter may be nested.
    pub filter_depth: usize,
    /// Queries of one multi-search.
    pub multi_search_queries: usize,
    /// The answers to all queries of one multi-search together, which are held until the last one is there.
    pub multi_search_bytes: ByteSize,
    /// Bodies and answers that one gateway holds in memory, of all requests together. A tenant may hold half of it.
    pub held_bytes: ByteSize,
    /// Values in the lists of a filter: those of `IN`, and the points of polygons.
    pub filter_values: usize,
    /// Values of one facet in an answer, whatever `maxValuesPerFacet` allows.
    pub facet_values: usize,
    /// Documents that an answer may hold, together.
    pub answer_bytes: ByteSize,
    /// How far into one text matches are looked for, to highlight them, to crop around them, or to find an attribute of the shared slot.
    pub highlight_bytes: ByteSize,
    /// Documents that one search may read to tell attributes of the shared text slot apart.
    pub compared_documents: usize,
    /// Requests a second of one tenant.
    pub requests_per_second: u32,
    /// Requests that one tenant may have under way.
    pub concurrent_requests: usize,
    /// Requests a second for pages of the portal from one network address.
    pub portal_requests_per_second: u32,
    /// Searches that may wait for one index to wake.
    pub waking_queue: usize,
    /// How long a search waits for an index to wake.
    #[serde(with = "seconds")]
    pub waking_wait: Duration,
    /// How long a request may take in all; uploads have ten times as much.
    #[serde(with = "seconds")]
    pub request_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes: ByteSize::mib(200),
            body_bytes: ByteSize::mib(10),
            uploading_bytes: ByteSize::gib(4),
            document_bytes: ByteSize::mib(10),
            decompression_ratio: 200,
            nesting: 64,
            fields: 1000,
            query_chars: 2000,
            query_words: 10,
            analyze_chars: 20_000,
            filter_conditions: 1000,
            filter_depth: 100,
            multi_search_queries: 100,
            multi_search_bytes: ByteSize::mib(32),
            held_bytes: ByteSize::mib(128),
            filter_values: 100_000,
            facet_values: 10_000,
            answer_bytes: ByteSize::mib(64),
            highlight_bytes: ByteSize::kib(256),
            compared_documents: 10_000,
            requests_per_second: 2000,
            concurrent_requests: 256,
            portal_requests_per_second: 50,
            waking_queue: 256,
            waking_wait: Duration::from_secs(10),
            request_time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Whether one request that is within its limits finds room in what its tenant may have of all.
    pub fn validate(&self) -> Result<(), String> {
        if self.body_bytes.as_u64().saturating_add(self.multi_search_bytes.as_u64()) > self.held_bytes.as_u64() / 2 {
            return Err("half of limits.held_bytes must hold limits.body_bytes and limits.multi_search_bytes".to_owned());
        }
        if self.upload_bytes.as_u64() > self.uploading_bytes.as_u64() / 2 {
            return Err("half of limits.uploading_bytes must hold limits.upload_bytes".to_owned());
        }
        Ok(())
    }
}

/// Bytes of what a caller may give along with a task.
pub const CUSTOM_METADATA_BYTES: usize = 4096;

/// Characters of a document's id.
pub const DOCUMENT_ID_CHARS: usize = 511;
/// Entries of an index's dictionary.
pub const DICTIONARY_ENTRIES: usize = 20_000;
/// Characters of an entry of a dictionary.
pub const DICTIONARY_ENTRY_CHARS: usize = 200;
/// Names in one list of a search, such as `facets` or `attributesToRetrieve`.
pub const LIST_NAMES: usize = 1000;
/// Orders in one `sort`.
pub const SORT_ORDERS: usize = 16;

/// The use of a key is noted at most once in so many seconds.
pub const KEY_USE_SECONDS: i64 = 60;
/// Characters of a query in the log of queries; the rest is cut off.
pub const LOGGED_QUERY_CHARS: usize = 200;
/// Bytes of a request whose query is logged.
pub const LOGGED_REQUEST_BYTES: usize = 16 * 1024;
/// Events of one report.
pub const EVENTS: usize = 100;
/// Characters of the id of a tenant's user.
pub const USER_ID_CHARS: usize = 256;
/// The furthest position of a hit that a click is reported of.
pub const CLICK_POSITION: u32 = 10_000;
/// Tenants that one person who is no operator may own.
pub const OWNED_TENANTS: usize = 10;
/// Queries of each list of an analysis.
pub const ANALYTICS_QUERIES: u64 = 100;

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(value.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
    }
}
