//! What pages consist of beside HTML, compiled in. The path holds a hash of everything, so that a browser may keep it for ever, and a script may
//! import its neighbour by a relative path.

use std::{io::Write, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest, Sha256};

use super::{Portal, failure::Failure};

struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    compressed: Bytes,
}

/// Name, type and content of each.
macro_rules! assets {
    ($($name:literal $kind:ident),* $(,)?) => {
        static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| vec![$(Asset::new($name, $kind, include_bytes!(concat!("../../assets/", $name)))),*]);
    };
}

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

assets![
    "portal.css" CSS,
    "portal.js" JS,
    "api.js" JS,
    "start.js" JS,
    "containers.js" JS,
    "containers.css" CSS,
    "playground.js" JS,
    "playground.css" CSS,
    "facets.js" JS,
    "document-id.js" JS,
    "hits.js" JS,
    "snippets.js" JS,
    "documents.js" JS,
    "documents.css" CSS,
    "upload.js" JS,
    "dom.js" JS,
    "analytics.css" CSS,
    "analytics.js" JS,
    "tasks.css" CSS,
    "generations.css" CSS,
    "compare.js" JS,
    "settings.css" CSS,
    "settings.js" JS,
    "settings-analyze.js" JS,
    "settings-diff.js" JS,
    "settings-fields.js" JS,
    "settings-lists.js" JS,
    "settings-words.js" JS,
    "rules.js" JS,
    "tokens.js" JS,
    "identity.js" JS,
    "keys.css" CSS,
    "usage.js" JS,
    "usage.css" CSS,
    "icon.svg" SVG,
    "vendor/htmx.min.js" JS,
    "vendor/htmx-sse.min.js" JS,
    "charts.js" JS,
    "charts.css" CSS,
    "vendor/uplot.min.js" JS,
    "vendor/uplot.min.css" CSS,
];

static BUILD: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in &*ASSETS {
        hash.update(asset.name.as_bytes());
        hash.update(asset.plain);
    }
    hex::encode(&hash.finalize()[..8])
});

impl Asset {
    fn new(name: &'static str, kind: &'static str, plain: &'static [u8]) -> Self {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let written = encoder.write_all(plain).and_then(|()| encoder.finish());
        Self { name, kind, plain, compressed: written.expect("memory takes what is written").into() }
    }
}

/// Where an asset is.
pub(crate) fn path(name: &str) -> String {
    debug_assert!(ASSETS.iter().any(|asset| asset.name == name), "there is no asset {name}");
    format!("/portal/assets/{}/{name}", *BUILD)
}

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal/assets/{build}/{*name}", get(show))
}

async fn show(Path((build, name)): Path<(String, String)>, headers: HeaderMap) -> Result<Response, Failure> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(Failure::NotFound)?;
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("gzip"));
    let body = if accepts { asset.compressed.clone() } else { Bytes::from_static(asset.plain) };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if accepts {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // While a new version is rolled out, a page of one may ask the other.
    let keep = if build == *BUILD { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    Ok(response)
}
