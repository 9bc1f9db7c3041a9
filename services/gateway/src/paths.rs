//! Paths as clients write them.

use axum::extract::Request;
use http::uri::{PathAndQuery, Uri};

/// Joins slashes that follow each other and drops those at the end, as Meilisearch does: its Java client writes `/indexes/jars//settings`.
pub(crate) fn normalize(mut request: Request) -> Request {
    let path = request.uri().path();
    if !path.contains("//") && (path.len() <= 1 || !path.ends_with('/')) {
        return request;
    }
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = parts.path_and_query.as_ref().and_then(normal);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

fn normal(whole: &PathAndQuery) -> Option<PathAndQuery> {
    let words: Vec<&str> = whole.path().split('/').filter(|word| !word.is_empty()).collect();
    let query = whole.query().map_or_else(String::new, |query| format!("?{query}"));
    format!("/{}{query}", words.join("/")).parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn slashes_that_say_nothing_are_dropped_and_encoded_ones_stay() {
        for (path, expected) in [
            ("/indexes/jars//settings", "/indexes/jars/settings"),
            ("//health//", "/health"),
            ("/indexes/jars/search/?q=a//b/", "/indexes/jars/search?q=a//b/"),
            ("/indexes/jars/documents/a%2F", "/indexes/jars/documents/a%2F"),
            ("/", "/"),
            ("//", "/"),
            ("http://search.example//stats/", "http://search.example/stats"),
        ] {
            let request = http::Request::get(path).body(Body::empty()).unwrap();
            assert_eq!(normalize(request).uri().to_string(), expected, "{path}");
        }
    }
}
