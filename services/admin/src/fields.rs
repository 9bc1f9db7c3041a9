//! Reading the fields of a JSON object one by one, so that each has its own code for a wrong type and for being absent.

use onggi_domain::{ApiError, Code, settings::Setting};
use onggi_web::{body, query};
use serde_json::{Map, Value};

/// The fields of a body.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Parses a body that is an object of no other fields than these.
    pub(crate) fn parse(bytes: &[u8], known: &[&str]) -> Result<Self, ApiError> {
        let fields = Self(body::parse(bytes, |_| Code::BadRequest)?);
        match fields.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(query::unknown("field", name, known)),
            None => Ok(fields),
        }
    }

    /// The same for a change: fields that cannot be changed have codes of their own.
    pub(crate) fn parse_change(bytes: &[u8], known: &[&str], immutable: &[(&str, Code)]) -> Result<Self, ApiError> {
        let fields: Map<String, Value> = body::parse(bytes, |_| Code::BadRequest)?;
        if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(match immutable.iter().find(|(field, _)| field == name) {
                Some((_, code)) => {
                    let known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
                    ApiError::new(*code, format!("Immutable field `{name}`: expected one of {}", known.join(", ")))
                }
                None => query::unknown("field", name, known),
            });
        }
        Ok(Self(fields))
    }

    /// A field as it came.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text: absent, `null`, or there.
    pub(crate) fn text(&self, name: &str, code: Code) -> Result<Setting<String>, ApiError> {
        match self.0.get(name) {
            None => Ok(Setting::Keep),
            Some(Value::Null) => Ok(Setting::Reset),
            Some(Value::String(text)) => Ok(Setting::Set(text.clone())),
            Some(found) => Err(wrong_type(name, "a string", found, code)),
        }
    }

    /// A number of at least 0: absent, `null`, or there.
    pub(crate) fn number(&self, name: &str, code: Code) -> Result<Setting<u64>, ApiError> {
        match self.0.get(name) {
            None => Ok(Setting::Keep),
            Some(Value::Null) => Ok(Setting::Reset),
            Some(found) => found.as_u64().map(Setting::Set).ok_or_else(|| wrong_type(name, "a positive integer", found, code)),
        }
    }

    /// A list of texts, each read by `item`, whose error gets the place.
    pub(crate) fn list<T>(
        &self,
        name: &str,
        code: Code,
        item: impl Fn(&str, &str) -> Result<T, ApiError>,
    ) -> Result<Option<Vec<T>>, ApiError> {
        let Some(found) = self.0.get(name) else { return Ok(None) };
        let Value::Array(items) = found else { return Err(wrong_type(name, "an array", found, code)) };
        let read = |(at, value): (usize, &Value)| {
            let place = format!("{name}[{at}]");
            match value {
                Value::String(text) => item(&place, text),
                found => Err(wrong_type(&place, "a string", found, code)),
            }
        };
        items.iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }
}

/// The value of a field for which absent and `null` are the same.
pub(crate) fn given<T>(field: Setting<T>) -> Option<T> {
    match field {
        Setting::Set(value) => Some(value),
        Setting::Keep | Setting::Reset => None,
    }
}

/// The error for a field that is absent.
pub(crate) fn missing(name: &str, code: Code) -> ApiError {
    ApiError::new(code, format!("Missing field `{name}`"))
}

/// The error for a value that is not right.
pub(crate) fn invalid(name: &str, why: &str, code: Code) -> ApiError {
    ApiError::new(code, format!("Invalid value at `.{name}`: {why}"))
}

/// The error for a value of another type.
pub(crate) fn wrong_type(name: &str, expected: &str, found: &Value, code: Code) -> ApiError {
    let kind = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    ApiError::new(code, format!("Invalid value type at `.{name}`: expected {expected}, but found {kind}: `{found}`"))
}
