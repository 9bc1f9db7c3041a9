//! The page to try the API: Swagger UI, from this program and from nowhere else.

use std::sync::{Arc, LazyLock};

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use onggi_domain::Code;
use onggi_web::Error;
use utoipa_swagger_ui::{Config, serve};

/// Scripts come from here only. Swagger UI styles its elements in place and draws its icons from data.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where the page finds the document.
static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::new(["/openapi.json"]).try_it_out_enabled(true).persist_authorization(false)));

/// `GET /docs`: the page. Its parts lie below it.
pub(crate) fn index() -> Response {
    match serve("index.html", CONFIG.clone()) {
        Ok(Some(page)) => {
            let below = String::from_utf8_lossy(&page.bytes).replace("=\"./", "=\"/docs/").replace("\"index.css\"", "\"/docs/index.css\"");
            told("text/html; charset=utf-8", below.into_bytes())
        }
        Ok(None) => absent("index.html"),
        Err(error) => Error::internal(error.to_string()).into_response(),
    }
}

/// `GET /docs/{file}`
pub(crate) fn file(name: &str) -> Response {
    match serve(name, CONFIG.clone()) {
        Ok(Some(file)) => told(&file.content_type, file.bytes.into_owned()),
        Ok(None) => absent(name),
        Err(error) => Error::internal(error.to_string()).into_response(),
    }
}

fn told(content_type: &str, bytes: Vec<u8>) -> Response {
    let content_type = HeaderValue::from_str(content_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (HeaderName::from_static("cache-control"), HeaderValue::from_static("max-age=3600")),
    ];
    (headers, bytes).into_response()
}

fn absent(name: &str) -> Response {
    Error::api(Code::NotFound, format!("The page has no part `{name}`.")).into_response()
}
