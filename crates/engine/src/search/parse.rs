//! From bytes to the parameters of a request: JSON bodies and query strings, with errors that name the place.
//!
//! Each request has a table of its parameters. The table is the one place that knows a parameter's name, type and error code; the
//! request's own `serde` shape does the rest.

use onggi_domain::{ApiError, Code, limits::LIST_NAMES};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// How deep a request's JSON may be nested. A deeper filter would be refused anyway.
const NESTING: usize = 128;

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Count,
    Flag,
    Number,
    Texts,
    /// A string or nested arrays of strings.
    Filter,
    /// Strings and numbers.
    Ids,
    /// An object of lists of strings.
    TextLists,
    /// One of a few names.
    OneOf(&'static [&'static str]),
    /// Something of a feature that is not offered: of the right type it is refused with what the feature would do and its name.
    Disabled(Type, &'static str, &'static str),
}

/// The JSON type of what is not offered. `false` is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Flag,
    Text,
    Number,
    Array,
    Object,
    Any,
}

/// One parameter: its name, what it holds, and the code of an error in it.
pub(super) type Parameter = (&'static str, Kind, Code);

/// What becomes of a field that the table does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Refused,
    Ignored,
}

/// A request from a JSON body; an empty body is an empty object.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8], table: &[Parameter], unknown: Unknown) -> Result<T, ApiError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return build(Map::new(), table);
    }
    check_nesting(body)?;
    let value: Value = serde_json::from_slice(body)
        .map_err(|e| ApiError::new(Code::MalformedPayload, format!("The json payload provided is malformed. `{e}`.")))?;
    let Value::Object(fields) = value else {
        return Err(ApiError::new(Code::BadRequest, format!("Invalid value type: expected an object, but found {}", describe(&value))));
    };
    for (name, value) in &fields {
        match find(name, table, "field") {
            Ok((_, kind, code)) => check(name, value, kind, code)?,
            Err(_) if unknown == Unknown::Ignored => {}
            Err(error) => return Err(error),
        }
    }
    build(fields, table)
}

/// A request from a query string; lists are separated by commas.
pub(super) fn from_query<T: DeserializeOwned>(query: &str, table: &[Parameter]) -> Result<T, ApiError> {
    let mut fields = Map::new();
    for (name, text) in query_pairs(query)? {
        let (_, kind, code) = find(&name, table, "parameter")?;
        if text.is_empty() && matches!(kind, Kind::Texts | Kind::Ids | Kind::Filter) {
            continue;
        }
        let value = typed(&name, &text, kind, code)?;
        check(&name, &value, kind, code)
            .map_err(|e| ApiError::new(e.code, e.message.replace(&format!("at `.{name}"), &format!("in parameter `{name}"))))?;
        fields.insert(name, value);
    }
    build(fields, table)
}

/// The last step: what the table let pass becomes the request.
fn build<T: DeserializeOwned>(mut fields: Map<String, Value>, table: &[Parameter]) -> Result<T, ApiError> {
    fields.retain(|name, value| {
        !value.is_null() && table.iter().any(|(known, kind, _)| known == name && !matches!(kind, Kind::Disabled(..)))
    });
    serde_json::from_value(Value::Object(fields)).map_err(|e| ApiError::new(Code::BadRequest, format!("Invalid request: {e}")))
}

fn find(name: &str, table: &[Parameter], what: &str) -> Result<Parameter, ApiError> {
    if let Some(found) = table.iter().find(|parameter| parameter.0 == name) {
        return Ok(*found);
    }
    let known: Vec<String> = table.iter().map(|parameter| format!("`{}`", parameter.0)).collect();
    let nearest = table
        .iter()
        .map(|parameter| (strsim::osa_distance(&parameter.0.to_lowercase(), &name.to_lowercase()), parameter.0))
        .min()
        .filter(|(distance, _)| *distance <= 3 && *distance < name.len());
    let hint = nearest.map_or_else(String::new, |(_, nearest)| format!("did you mean `{nearest}`? "));
    Err(ApiError::new(Code::BadRequest, format!("Unknown {what} `{name}`: {hint}expected one of {}", known.join(", "))))
}

fn check(name: &str, value: &Value, kind: Kind, code: Code) -> Result<(), ApiError> {
    if value.is_null() {
        return Ok(());
    }
    let (fits, expected) = match kind {
        Kind::Text => (value.is_string(), "a string"),
        Kind::Count => (value.is_u64(), "a positive integer"),
        Kind::Flag => (value.is_boolean(), "a boolean"),
        Kind::Number => (value.is_number(), "a number"),
        Kind::Texts => return check_texts(name, value, code),
        Kind::Ids => {
            (value.as_array().is_some_and(|ids| ids.iter().all(|id| id.is_string() || id.is_i64() || id.is_u64())), "an array of ids")
        }
        Kind::TextLists => {
            let lists = |fields: &Map<String, Value>| fields.values().all(|list| check_texts(name, list, code).is_ok());
            (value.as_object().is_some_and(lists), "an object of arrays of strings")
        }
        // The filter's own parser says what is wrong with it.
        Kind::Filter => (true, ""),
        Kind::OneOf(names) => return check_name(name, value, names, code),
        Kind::Disabled(wanted, action, feature) => match wanted {
            Type::Flag if *value == Value::Bool(false) => return Ok(()),
            Type::Flag if !value.is_boolean() => (false, "a boolean"),
            Type::Text if !value.is_string() => (false, "a string"),
            Type::Number if !value.is_number() => (false, "a number"),
            Type::Array if !value.is_array() => (false, "an array"),
            Type::Object if !value.is_object() => (false, "an object"),
            _ => {
                let message = format!("{action} requires enabling the `{feature}` experimental feature, which is not offered.");
                return Err(ApiError::new(Code::FeatureNotEnabled, message));
            }
        },
    };
    if fits {
        return Ok(());
    }
    if kind == Kind::Count && value.is_i64() {
        let message =
            format!("Invalid value at `.{name}`: value: `{value}` is too small to be deserialized, minimum value authorized is `0`");
        return Err(ApiError::new(code, message));
    }
    Err(ApiError::new(code, format!("Invalid value type at `.{name}`: expected {expected}, but found {}", describe(value))))
}

fn check_texts(name: &str, value: &Value, code: Code) -> Result<(), ApiError> {
    let Some(items) = value.as_array() else {
        return Err(ApiError::new(code, format!("Invalid value type at `.{name}`: expected an array, but found {}", describe(value))));
    };
    match items.iter().position(|item| !item.is_string()) {
        None if items.len() > LIST_NAMES => Err(ApiError::new(
            code,
            format!("Invalid value at `.{name}`: a list has at most {LIST_NAMES} entries, but this one has {}", items.len()),
        )),
        None => Ok(()),
        Some(at) => {
            let found = describe(&items[at]);
            Err(ApiError::new(code, format!("Invalid value type at `.{name}[{at}]`: expected a string, but found {found}")))
        }
    }
}

fn check_name(name: &str, value: &Value, names: &[&str], code: Code) -> Result<(), ApiError> {
    let Some(text) = value.as_str() else {
        return Err(ApiError::new(code, format!("Invalid value type at `.{name}`: expected a string, but found {}", describe(value))));
    };
    if names.contains(&text) {
        return Ok(());
    }
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    Err(ApiError::new(code, format!("Unknown value `{text}` at `.{name}`: expected one of {}", names.join(", "))))
}

/// A query parameter's text as the JSON value that a body would hold.
fn typed(name: &str, text: &str, kind: Kind, code: Code) -> Result<Value, ApiError> {
    let wrong =
        |expected: &str| ApiError::new(code, format!("Invalid value in parameter `{name}`: could not parse `{text}` as {expected}"));
    Ok(match kind {
        Kind::Count => text.parse::<u64>().map_err(|_| wrong("a positive integer"))?.into(),
        Kind::Flag => text.parse::<bool>().map_err(|_| wrong("a boolean, expected either `true` or `false`"))?.into(),
        Kind::Number => text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).ok_or_else(|| wrong("a number"))?.into(),
        Kind::Texts | Kind::Ids => split_list(text).into_iter().map(Value::from).collect(),
        Kind::Filter => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        Kind::Disabled(Type::Flag, ..) => typed(name, text, Kind::Flag, code)?,
        Kind::Disabled(Type::Number, ..) => typed(name, text, Kind::Number, code)?,
        Kind::Disabled(Type::Array, ..) => typed(name, text, Kind::Texts, code)?,
        Kind::Text | Kind::OneOf(_) | Kind::TextLists | Kind::Disabled(..) => text.into(),
    })
}

/// Splits at commas that are not inside parentheses (`_geoPoint(1,2):asc`).
fn split_list(text: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        items.last_mut().expect("the list begins with one item").push(c);
    }
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn query_pairs(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    serde_urlencoded::from_str(query).map_err(|e| ApiError::new(Code::BadRequest, format!("Invalid query string: {e}")))
}

/// A value as an error shows it: its type and its beginning.
pub(super) fn describe(value: &Value) -> String {
    let shown = |text: String| {
        let mut short: String = text.chars().take(60).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        short
    };
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => format!("a boolean: `{value}`"),
        Value::Number(_) if value.is_u64() => format!("a positive integer: `{value}`"),
        Value::Number(_) if value.is_i64() => format!("a negative integer: `{value}`"),
        Value::Number(_) => format!("a number: `{value}`"),
        Value::String(_) => format!("a string: `{}`", shown(value.to_string())),
        Value::Array(_) => format!("an array: `{}`", shown(value.to_string())),
        Value::Object(_) => format!("an object: `{}`", shown(value.to_string())),
    }
}

/// Refuses JSON that is nested too deep before anything recurses into it.
fn check_nesting(body: &[u8]) -> Result<(), ApiError> {
    let (mut depth, mut line, mut line_start) = (0_usize, 1_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in body.iter().enumerate() {
        match byte {
            b'\n' => (line, line_start) = (line + 1, at + 1),
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth >= NESTING {
            let column = at - line_start + 1;
            let message = format!(
                "The json payload provided is malformed. `nested deeper than {} levels at line {line} column {column}`.",
                NESTING - 1
            );
            return Err(ApiError::new(Code::MalformedPayload, message));
        }
    }
    Ok(())
}
