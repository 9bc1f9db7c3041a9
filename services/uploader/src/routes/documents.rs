//! Uploads of documents: what the headers and the query string say.

use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use onggi_domain::{ApiError, Code, auth::Identity, log::DocumentMethod};
use onggi_web::{Caller, Result, query::Params, upstream::UPLOADED};

use super::{accepted, custom_metadata, index_uid};
use crate::{
    app::Uploader,
    documents::{Decoded, Format},
    upload::Upload,
};

const CONTENT_TYPES: &str = "`application/json`, `application/x-ndjson`, `text/csv`";

/// `POST /indexes/{uid}/documents`
pub(super) async fn replace(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    upload(&uploader, &caller, &uid, read(query.as_deref(), &headers, DocumentMethod::Replace)?, &headers, body).await
}

/// `PUT /indexes/{uid}/documents`
pub(super) async fn update(
    State(uploader): State<Uploader>,
    Caller(caller): Caller,
    Path(uid): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    upload(&uploader, &caller, &uid, read(query.as_deref(), &headers, DocumentMethod::Update)?, &headers, body).await
}

async fn upload(uploader: &Uploader, caller: &Identity, uid: &str, upload: Upload, headers: &HeaderMap, body: Body) -> Result<Response> {
    let limits = &uploader.deps.limits;
    let body = Decoded::new(headers, body, limits.upload_bytes.as_u64(), limits)?;
    let task = uploader.upload(caller, &index_uid(uid)?, upload, body).await?;
    let mut response = accepted(&task);
    if let (Some(index), Some(documents)) = (task.index, task.details.get("receivedDocuments").and_then(serde_json::Value::as_u64)) {
        let told = HeaderValue::from_str(&format!("{index};{documents}")).expect("a uuid and a number are ASCII");
        response.headers_mut().insert(UPLOADED, told);
    }
    Ok(response)
}

fn read(query: Option<&str>, headers: &HeaderMap, method: DocumentMethod) -> Result<Upload, ApiError> {
    let params = Params::parse(query, &["primaryKey", "csvDelimiter", "customMetadata", "skipCreation"])?;
    let skip_creation = params.boolean("skipCreation", Code::InvalidSkipCreation)?.unwrap_or(false);
    let method = match (method, skip_creation) {
        (DocumentMethod::Replace, true) => DocumentMethod::ReplaceExisting,
        (DocumentMethod::Update, true) => DocumentMethod::UpdateExisting,
        (method, _) => method,
    };
    let delimiter = params.text("csvDelimiter").map(delimiter).transpose()?;
    let format = format(headers)?;
    if delimiter.is_some() && format != Format::Csv {
        let message = format!(
            "The Content-Type `{}` does not support the use of a csv delimiter. The csv delimiter can only be used with the \
             Content-Type `text/csv`.",
            content_type(headers).unwrap_or_default()
        );
        return Err(ApiError::new(Code::InvalidContentType, message));
    }
    let primary_key = params.text("primaryKey").map(str::to_owned);
    if primary_key.as_deref().is_some_and(|key| key.trim().is_empty()) {
        let message = "Invalid value in parameter `primaryKey`: an attribute's name is not empty";
        return Err(ApiError::new(Code::InvalidIndexPrimaryKey, message));
    }
    let custom_metadata = custom_metadata(&params)?;
    Ok(Upload { method, format, delimiter: delimiter.unwrap_or(b','), primary_key, custom_metadata })
}

fn format(headers: &HeaderMap) -> Result<Format, ApiError> {
    let Some(content_type) = content_type(headers) else {
        let message = format!("A Content-Type header is missing. Accepted values for the Content-Type header are: {CONTENT_TYPES}");
        return Err(ApiError::new(Code::MissingContentType, message));
    };
    match content_type.to_ascii_lowercase().as_str() {
        "application/json" => Ok(Format::Json),
        "application/x-ndjson" => Ok(Format::Ndjson),
        "text/csv" => Ok(Format::Csv),
        _ => Err(ApiError::new(
            Code::InvalidContentType,
            format!("The Content-Type `{content_type}` is invalid. Accepted values for the Content-Type header are: {CONTENT_TYPES}"),
        )),
    }
}

/// The media type without its parameters.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("?");
    Some(value.split(';').next().unwrap_or(value).trim())
}

fn delimiter(text: &str) -> Result<u8, ApiError> {
    let mut chars = text.chars();
    let why = match (chars.next(), chars.next()) {
        (Some(char), None) if char.is_ascii() => return Ok(char as u8),
        (Some(_), None) => format!("csv delimiter must be an ascii character. Found: `{text}`"),
        (None, _) => "expected a string of one character, but found an empty string".to_owned(),
        _ => {
            let count = text.chars().count();
            format!("expected a string of one character, but found the following string of {count} characters: `{text}`")
        }
    };
    Err(ApiError::new(Code::InvalidDocumentCsvDelimiter, format!("Invalid value in parameter `csvDelimiter`: {why}")))
}
