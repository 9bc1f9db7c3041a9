//! Reading JSON bodies with errors that a caller can act on.

use axum::body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use onggi_domain::{ApiError, Code};
use serde::de::DeserializeOwned;

/// Reads a whole body of at most `limit` bytes.
pub async fn read(body: Body, limit: u64) -> Result<bytes::Bytes, ApiError> {
    match Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX)).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::new(
            Code::PayloadTooLarge,
            format!("The provided payload reached the size limit. The maximum accepted payload size is {}.", bytes_for_people(limit)),
        )),
        Err(error) => Err(ApiError::new(Code::BadRequest, format!("The body could not be read: {error}."))),
    }
}

/// Parses JSON. A syntax error is `malformed_payload` with line and column; a wrong type or an unknown field gets the code that
/// `code_of` gives for the top-level field it is in.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], code_of: impl Fn(&str) -> Code) -> Result<T, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ApiError::new(Code::MissingPayload, "A json payload is missing."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            let field = path.split(['.', '[']).next().unwrap_or_default();
            let place = if path == "." { String::new() } else { format!(" at `.{path}`") };
            return ApiError::new(code_of(field), format!("Invalid value{place}: {inner}"));
        }
        ApiError::new(Code::MalformedPayload, format!("The json payload provided is malformed. `{inner}`."))
    })?;
    deserializer
        .end()
        .map_err(|error| ApiError::new(Code::MalformedPayload, format!("The json payload provided is malformed. `{error}`.")))?;
    Ok(value)
}

fn bytes_for_people(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes >= MIB { format!("{:.2} MiB", bytes as f64 / MIB as f64) } else { format!("{bytes} B") }
}
