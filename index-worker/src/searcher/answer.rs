//! Answers of a searcher: JSON serialised once, the generation in a header, and an entity tag that spares a search.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use onggi_domain::{Generation, IndexId, worker};
use onggi_engine::search::{HitJson, SearchRequest};
use serde::{Serialize, ser::Error as _};
use serde_json::Value;
use xxhash_rust::xxh3::Xxh3Default;

/// Which generation an answer is from; 0: nothing was published yet.
pub(crate) const GENERATION: HeaderName = HeaderName::from_static(worker::GENERATION);

/// How many hits a search has, for whoever counts searches without reading their answers.
pub(crate) const HITS: HeaderName = HeaderName::from_static(worker::HITS);

/// The entity tag of a search: the same index, generation, request and rule give the same hits, however the request was spelled.
pub(crate) fn entity_tag(index: IndexId, generation: Generation, request: &SearchRequest, rule: Option<&Value>) -> HeaderValue {
    let mut hash = Xxh3Default::new();
    hash.update(index.0.as_bytes());
    hash.update(&generation.0.to_le_bytes());
    let mut canonical = serde_json::to_vec(request).expect("a request is plain data");
    // A line break is not part of compact JSON: it separates the request from the rule.
    canonical.push(b'\n');
    if let Some(rule) = rule {
        canonical.extend_from_slice(rule.to_string().as_bytes());
    }
    hash.update(&canonical);
    HeaderValue::from_str(&format!("\"{:032x}\"", hash.digest128())).expect("hexadecimal digits in quotes")
}

/// Whether the caller has this answer already (`If-None-Match`, compared weakly as RFC 9110 wants it).
pub(crate) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let tag = tag.to_str().unwrap_or_default();
    let held = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    held.flat_map(|list| list.split(',')).map(str::trim).any(|held| held == "*" || held.strip_prefix("W/").unwrap_or(held) == tag)
}

/// "You have it": no body.
pub(crate) fn not_modified(generation: Generation, tag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag), (GENERATION, generation.0.into())]).into_response()
}

/// A JSON answer from this generation.
pub(crate) fn json(generation: Generation, body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), (GENERATION, generation.0.into())], body).into_response()
}

/// Serialises an answer.
pub(crate) fn to_bytes(answer: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(answer).map(Bytes::from)
}

/// Serialises the answer of a search with these hits. They are JSON already, and many: they are copied between the others' members.
pub(crate) fn search_to_bytes(hits: &[HitJson], others: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    const WITHOUT: &[u8] = b"{\"hits\":[]";
    let others = serde_json::to_vec(others)?;
    let rest =
        others.strip_prefix(WITHOUT).ok_or_else(|| serde_json::Error::custom("an answer begins with its hits, which are set aside"))?;
    let mut json = Vec::with_capacity(others.len() + hits.iter().map(|hit| hit.get().len() + 1).sum::<usize>());
    json.extend_from_slice(&WITHOUT[..WITHOUT.len() - 1]);
    for (number, hit) in hits.iter().enumerate() {
        if number > 0 {
            json.push(b',');
        }
        json.extend_from_slice(hit.get().as_bytes());
    }
    json.push(b']');
    json.extend_from_slice(rest);
    Ok(json.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_depends_on_index_generation_request_and_rule() {
        let (a, b) = (IndexId(uuid::Uuid::nil()), IndexId(uuid::Uuid::max()));
        let request = SearchRequest { q: Some("옹기".to_owned()), ..SearchRequest::default() };
        let other = SearchRequest::default();
        let rule = serde_json::json!("price > 3");
        let tags = [
            entity_tag(a, Generation(1), &request, None),
            entity_tag(b, Generation(1), &request, None),
            entity_tag(a, Generation(2), &request, None),
            entity_tag(a, Generation(1), &other, None),
            entity_tag(a, Generation(1), &request, Some(&rule)),
        ];
        for (i, tag) in tags.iter().enumerate() {
            assert!(!tags[..i].contains(tag), "{i}");
        }
        assert_eq!(tags[0], entity_tag(a, Generation(1), &request.clone(), None));
    }

    #[test]
    fn a_caller_has_an_answer_if_one_of_its_tags_is_the_answers() {
        let tag = HeaderValue::from_static("\"abc\"");
        for (held, known) in [("\"abc\"", true), ("\"x\", W/\"abc\"", true), ("*", true), ("\"x\"", false), ("abc", false), ("", false)] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(held))]);
            assert_eq!(is_known(&headers, &tag), known, "{held}");
        }
        assert!(!is_known(&HeaderMap::new(), &tag));
    }
}
