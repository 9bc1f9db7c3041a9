//! Judges one document: JSON to the letter, an object, not too many attributes, a valid id. Nothing is built from it: the text is
//! kept as it came, on one line.

use std::{borrow::Cow, fmt};

use memchr::memchr2;
use onggi_domain::{
    ApiError, Code,
    document_id::{self, Id},
    limits::DOCUMENT_ID_CHARS,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::{Format, Place};

/// What is checked of every document.
pub(crate) struct Check {
    format: Format,
    primary_key: Option<String>,
    max_fields: usize,
}

impl Check {
    /// `primary_key`: the attribute of the id, or `None`: the first document shows it.
    pub(crate) fn new(format: Format, primary_key: Option<String>, max_fields: usize) -> Self {
        Self { format, primary_key, max_fields }
    }

    /// The attribute of the id, once known.
    pub(crate) fn primary_key(&self) -> Option<&str> {
        self.primary_key.as_deref()
    }

    /// Checks a document; the error names its place.
    pub(crate) fn document(&mut self, place: Place, bytes: &[u8]) -> Result<(), ApiError> {
        let text = std::str::from_utf8(bytes).map_err(|error| self.not_utf8(place, bytes, error.valid_up_to()))?;
        let malformed = |error| self.not_json(place, &error);
        let inferred = match self.primary_key {
            Some(_) => None,
            None => Some(infer(&serde_json::from_str::<Keys>(text).map_err(malformed)?.0)?),
        };
        let primary_key = inferred.as_deref().or(self.primary_key.as_deref()).expect("it is given or was inferred");
        let found = document_id::find::<Valid>(text, primary_key).map_err(malformed)?;
        if found.attributes > self.max_fields {
            let message = format!("{place} has {} attributes; the maximum is {}.", found.attributes, self.max_fields);
            return Err(ApiError::new(Code::MaxFieldsLimitExceeded, message));
        }
        match found.id {
            None => {
                let message = format!("{place} doesn't have a `{primary_key}` attribute: `{}`.", shortened(text));
                return Err(ApiError::new(Code::MissingDocumentId, message));
            }
            Some(_) if found.places > 1 => {
                let message = format!("{place} has the attribute `{primary_key}`, its identifier, more than once.");
                return Err(ApiError::new(Code::InvalidDocumentId, message));
            }
            Some(Id::Bad(value)) => {
                let message = format!(
                    "{place}: Document identifier `{}` in `{primary_key}` is invalid. A document identifier can be of type integer or string, \
                     only composed of alphanumeric characters (a-z A-Z 0-9), hyphens (-) and underscores (_), and can not be more than \
                     {DOCUMENT_ID_CHARS} bytes.",
                    shortened(&value)
                );
                return Err(ApiError::new(Code::InvalidDocumentId, message));
            }
            Some(Id::Good(_)) => {}
        }
        if inferred.is_some() {
            self.primary_key = inferred;
        }
        Ok(())
    }

    fn not_json(&self, place: Place, error: &serde_json::Error) -> ApiError {
        let line = place.line + (error.line() as u64).saturating_sub(1);
        let column = if error.line() <= 1 { place.column - 1 + error.column() as u64 } else { error.column() as u64 };
        let why = error.to_string();
        let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why);
        self.format.malformed(&format!("{why} at line {line} column {column}"))
    }

    fn not_utf8(&self, mut place: Place, bytes: &[u8], valid: usize) -> ApiError {
        place.advance(&bytes[..valid]);
        self.format.malformed(&format!("invalid UTF-8 in document {} at line {} column {}", place.number, place.line, place.column))
    }
}

/// Appends the document to `out` as one line. Line ends, which JSON allows between tokens only, go and take the indentation along.
pub(crate) fn write_line(document: &[u8], out: &mut Vec<u8>) {
    if memchr2(b'\n', b'\r', document).is_none() {
        out.extend_from_slice(document);
    } else {
        let (mut in_string, mut escaped) = (false, false);
        for &byte in document {
            if in_string {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else if byte.is_ascii_whitespace() {
                continue;
            } else {
                in_string = byte == b'"';
            }
            out.push(byte);
        }
    }
    out.push(b'\n');
}

/// The one attribute of a document that is `id` or ends so.
fn infer(keys: &[String]) -> Result<String, ApiError> {
    let candidates: Vec<&str> = keys.iter().map(String::as_str).filter(|key| key.to_lowercase().ends_with("id")).collect();
    match candidates[..] {
        [one] => Ok(one.to_owned()),
        [] => Err(ApiError::new(
            Code::IndexPrimaryKeyNoCandidateFound,
            "The primary key inference failed as the engine did not find any field ending with `id` in its name. Please specify the \
             primary key manually using the `primaryKey` query parameter.",
        )),
        [first, second, ..] => Err(ApiError::new(
            Code::IndexPrimaryKeyMultipleCandidatesFound,
            format!(
                "The primary key inference failed as the engine found {} fields ending with `id` in their names: '{first}' and \
                 '{second}'. Please specify the primary key manually using the `primaryKey` query parameter.",
                candidates.len()
            ),
        )),
    }
}

fn shortened(text: &str) -> Cow<'_, str> {
    const SHOWN: usize = 200;
    match text.char_indices().nth(SHOWN) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// The top-level attributes of a document.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a document")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    keys.push(key);
                    map.next_value::<Valid>()?;
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

/// Any value that `serde_json` can also read in full. Its own way of skipping a value lets lone surrogates and numbers beyond
/// `f64` pass, which whoever reads the document later would fail on.
struct Valid;

impl<'de> Deserialize<'de> for Valid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValidVisitor)
    }
}

struct ValidVisitor;

impl<'de> Visitor<'de> for ValidVisitor {
    type Value = Valid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Valid, E> {
        Ok(Valid)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Valid, E> {
        Ok(Valid)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Valid, E> {
        Ok(Valid)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Valid, E> {
        Ok(Valid)
    }

    fn visit_str<E>(self, _: &str) -> Result<Valid, E> {
        Ok(Valid)
    }

    fn visit_unit<E>(self) -> Result<Valid, E> {
        Ok(Valid)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Valid, A::Error> {
        while seq.next_element::<Valid>()?.is_some() {}
        Ok(Valid)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Valid, A::Error> {
        while map.next_entry::<Valid, Valid>()?.is_some() {}
        Ok(Valid)
    }
}
