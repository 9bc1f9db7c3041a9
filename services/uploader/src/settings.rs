//! Reading changes of settings: all at once or one by one, with the code of the setting that is wrong.

use onggi_domain::{
    ApiError, Code,
    settings::{SETTINGS, SettingsPatch},
};
use onggi_web::{body, query};
use serde_json::{Map, Value};

/// Settings of Meilisearch that belong to features which Onggi does not have. Leaving them at nothing is no error: clients that send
/// whole settings back do so.
const ABSENT_FEATURES: [&str; 4] = ["embedders", "chat", "vectorStore", "foreignKeys"];

/// The patch in a body of `PATCH /indexes/{uid}/settings`.
pub(crate) fn parse_all(bytes: &[u8]) -> Result<SettingsPatch, ApiError> {
    patch(body::parse(bytes, |_| Code::BadRequest)?)
}

/// The patch in a body of `PUT` or `PATCH /indexes/{uid}/settings/{segment}`.
pub(crate) fn parse_one(segment: &str, bytes: &[u8]) -> Result<SettingsPatch, ApiError> {
    let name = name_of(segment)?;
    patch(Map::from_iter([(name.to_owned(), body::parse(bytes, |_| Code::BadRequest)?)]))
}

/// The patch that resets one setting.
pub(crate) fn reset_one(segment: &str) -> Result<SettingsPatch, ApiError> {
    patch(Map::from_iter([(name_of(segment)?.to_owned(), Value::Null)]))
}

/// The patch that resets every setting.
pub(crate) fn reset_all() -> Result<SettingsPatch, ApiError> {
    patch(SETTINGS.iter().map(|(name, ..)| ((*name).to_owned(), Value::Null)).collect())
}

fn patch(mut fields: Map<String, Value>) -> Result<SettingsPatch, ApiError> {
    for name in ABSENT_FEATURES {
        let nothing = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
        if fields.shift_remove(name).is_some_and(|value| !nothing(&value)) {
            return Err(absent_feature(name));
        }
    }
    let names: Vec<&str> = SETTINGS.iter().map(|(name, ..)| *name).collect();
    if let Some(unknown) = fields.keys().find(|field| !names.contains(&field.as_str())) {
        return Err(query::unknown("field", unknown, &names));
    }
    let patch: SettingsPatch = serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let setting = path.split(['.', '[']).next().unwrap_or_default();
        let code = SETTINGS.iter().find(|(name, ..)| *name == setting).map_or(Code::BadRequest, |(.., code)| *code);
        ApiError::new(code, format!("Invalid value at `.{path}`: {}", error.into_inner()))
    })?;
    patch.validate()?;
    Ok(patch)
}

fn name_of(segment: &str) -> Result<&'static str, ApiError> {
    if let Some((name, ..)) = SETTINGS.iter().find(|(_, found, ..)| *found == segment) {
        return Ok(name);
    }
    match ABSENT_FEATURES.iter().find(|name| segment == name.replace("vectorStore", "vector-store").replace("foreignKeys", "foreign-keys"))
    {
        Some(name) => Err(absent_feature(name)),
        None => Err(ApiError::new(Code::NotFound, format!("There is no setting `{segment}`."))),
    }
}

fn absent_feature(name: &str) -> ApiError {
    ApiError::new(Code::FeatureNotEnabled, format!("Setting `{name}` needs a feature that this service does not have."))
}
