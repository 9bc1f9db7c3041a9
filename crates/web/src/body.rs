//! Reading JSON bodies with errors that a caller can act on.

use axum::body::{Body, HttpBody};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use onggi_domain::{ApiError, Code, limits::Limits};
use serde::de::{DeserializeOwned, IgnoredAny};

/// Reads a whole body of at most `limit` bytes.
pub async fn read(body: Body, limit: u64) -> Result<bytes::Bytes, ApiError> {
    Ok(limited(body, limit).collect().await?.to_bytes())
}

/// A body that ends with an error for the caller beyond `limit` bytes, and where it cannot be read.
pub(crate) fn limited(body: Body, limit: u64) -> impl HttpBody<Data = bytes::Bytes, Error = ApiError> + Unpin {
    Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX)).map_err(move |error| {
        if error.is::<LengthLimitError>() {
            return too_large(limit);
        }
        ApiError::new(Code::BadRequest, format!("The body could not be read: {error}."))
    })
}

/// The error for a body of more than `limit` bytes.
pub fn too_large(limit: u64) -> ApiError {
    ApiError::new(
        Code::PayloadTooLarge,
        format!("The provided payload reached the size limit. The maximum accepted payload size is {}.", bytes_for_people(limit)),
    )
}

/// Parses JSON that is nested no deeper than the default of [`Limits::nesting`]. A syntax error is `malformed_payload` with line and
/// column; a wrong type or an unknown field gets the code that `code_of` gives for the top-level field it is in.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], code_of: impl Fn(&str) -> Code) -> Result<T, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::new(Code::MissingPayload, "A json payload is missing."));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        malformed(&format!("invalid UTF-8 (byte 0x{:02x}) at {}", bytes[at], place(bytes, at)))
    })?;
    check_nesting(bytes, Limits::default().nesting)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            // What is not JSON further on is nothing of any type.
            if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
                return malformed(&error);
            }
            let field = path.split(['.', '[']).next().unwrap_or_default();
            let place = if path == "." { String::new() } else { format!(" at `.{path}`") };
            return ApiError::new(code_of(field), format!("Invalid value{place}: {inner}"));
        }
        malformed(&inner)
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// Refuses JSON that is nested deeper than `limit`, so that nothing that reads it recurses further. Says nothing about what is
/// wrong otherwise.
pub fn check_nesting(json: &[u8], limit: usize) -> Result<(), ApiError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > limit {
                    return Err(malformed(&format!("nested deeper than {limit} levels at {}", place(json, at))));
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn malformed(why: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(Code::MalformedPayload, format!("The json payload provided is malformed. `{why}`."))
}

/// Line and column of a byte, counted from 1 in bytes as serde_json counts them.
fn place(bytes: &[u8], at: usize) -> String {
    let mut lines = bytes[..at].split(|byte| *byte == b'\n');
    let column = 1 + lines.next_back().map_or(0, <[u8]>::len);
    format!("line {} column {column}", 1 + lines.count())
}

fn bytes_for_people(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= MIB { format!("{:.2} MiB", bytes as f64 / MIB as f64) } else { format!("{bytes} B") }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Search {
        q: Option<String>,
        filter: Option<serde_json::Value>,
        sort: Option<Vec<String>>,
    }

    fn code_of(field: &str) -> Code {
        match field {
            "q" => Code::InvalidSearchQ,
            "sort" => Code::InvalidSearchSort,
            _ => Code::BadRequest,
        }
    }

    fn search(json: &[u8]) -> Result<Search, ApiError> {
        parse(json, code_of)
    }

    fn nested(depth: usize) -> Vec<u8> {
        format!("{{\"filter\":\n{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1)).into_bytes()
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_code() {
        for (json, code, says) in [
            (&b"  \n"[..], Code::MissingPayload, "missing"),
            (b"{\"q\":\n  x}", Code::MalformedPayload, "line 2 column 3"),
            (b"{\"q\": \"a\"", Code::MalformedPayload, "line 1 column 9"),
            (b"[{\"a\":", Code::MalformedPayload, "EOF while parsing a value at line 1 column 6"),
            (b"{\"q\": 1, \"sort\":", Code::MalformedPayload, "EOF while parsing a value"),
            (b"{\"q\": 1} x", Code::MalformedPayload, "trailing characters"),
            (b"{} {}", Code::MalformedPayload, "line 1 column 4"),
            (b"{\"q\":\n\"\xff\"}", Code::MalformedPayload, "invalid UTF-8 (byte 0xff) at line 2 column 2"),
            (b"{\"q\": 1}", Code::InvalidSearchQ, "`.q`: invalid type: integer `1`, expected a string"),
            (b"{\"sort\": [\"a\", 1]}", Code::InvalidSearchSort, "`.sort[1]`"),
            (b"{\"lmit\": 1}", Code::BadRequest, "unknown field `lmit`"),
            (b"[1]", Code::BadRequest, "Invalid value"),
        ] {
            let error = search(json).unwrap_err();
            let json = String::from_utf8_lossy(json);
            assert_eq!(error.code, code, "{json}: {error}");
            assert!(error.message.contains(says), "{json}: {error}");
        }
    }

    #[test]
    fn nesting_is_limited_and_brackets_in_strings_do_not_count() {
        let limit = Limits::default().nesting;
        assert!(search(&nested(limit)).is_ok());
        let error = search(&nested(limit + 1)).unwrap_err();
        assert_eq!(error.code, Code::MalformedPayload);
        assert!(error.message.contains(&format!("nested deeper than {limit} levels at line 2 column {limit}")), "{error}");
        let text = format!("{{\"q\": \"\\\"{}\"}}", "[".repeat(1000));
        assert!(search(text.as_bytes()).is_ok());
        let row = "[1],".repeat(1000);
        assert!(check_nesting(row.as_bytes(), 1).is_ok(), "depth is not the number of brackets");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_read() {
        assert_eq!(read(Body::from("12345"), 5).await.unwrap(), "12345");
        let error = read(Body::from("123456"), 5).await.unwrap_err();
        assert_eq!(error.code, Code::PayloadTooLarge);
        assert!(error.message.contains("5 B"), "{error}");
    }
}
