//! Reading changes of settings: all at once or one by one, with the code of the setting that is wrong.

use onggi_domain::{
    ApiError, Code,
    settings::{ABSENT_SETTINGS, AbsentSetting, SETTINGS, SettingsPatch},
};
use onggi_web::{body, query};
use serde_json::{Map, Value};

/// The patch in a body of `PATCH /indexes/{uid}/settings`.
pub(crate) fn parse_all(bytes: &[u8]) -> Result<SettingsPatch, ApiError> {
    patch(body::parse(bytes, |_| Code::BadRequest)?)
}

/// The patch in a body of `PUT` or `PATCH /indexes/{uid}/settings/{segment}`.
pub(crate) fn parse_one(segment: &str, method: &str, bytes: &[u8]) -> Result<SettingsPatch, ApiError> {
    let (name, expected) = setting(segment)?;
    if method != expected {
        let message = format!("The setting `{segment}` is changed with {expected}, not with {method}.");
        return Err(ApiError::new(Code::MethodNotAllowed, message));
    }
    patch(Map::from_iter([(name.to_owned(), body::parse(bytes, |_| Code::BadRequest)?)]))
}

/// The patch that resets one setting.
pub(crate) fn reset_one(segment: &str) -> Result<SettingsPatch, ApiError> {
    let (name, _) = setting(segment)?;
    patch(Map::from_iter([(name.to_owned(), Value::Null)]))
}

/// The patch that resets every setting.
pub(crate) fn reset_all() -> Result<SettingsPatch, ApiError> {
    patch(SETTINGS.iter().map(|(name, ..)| ((*name).to_owned(), Value::Null)).collect())
}

fn patch(mut fields: Map<String, Value>) -> Result<SettingsPatch, ApiError> {
    for setting in ABSENT_SETTINGS {
        if let Some(value) = fields.shift_remove(setting.name) {
            leave_at_default(setting, &value)?;
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

/// A setting of a feature that is not there may be left as it is: clients that send whole settings back do so.
fn leave_at_default(setting: &AbsentSetting, value: &Value) -> Result<(), ApiError> {
    let is_default = serde_json::from_str::<Value>(setting.default).is_ok_and(|default| default == *value);
    if value.is_null() || is_default {
        return Ok(());
    }
    Err(ApiError::feature_not_enabled(&format!("Changing the setting `{}`", setting.name), setting.name))
}

/// The name of a setting in a patch, and the method that changes it.
fn setting(segment: &str) -> Result<(&'static str, &'static str), ApiError> {
    let known = SETTINGS.iter().map(|(name, segment, method, _)| (*name, *segment, *method));
    let absent = ABSENT_SETTINGS.iter().map(|setting| (setting.name, setting.segment, setting.method));
    known
        .chain(absent)
        .find(|(_, found, _)| *found == segment)
        .map(|(name, _, method)| (name, method))
        .ok_or_else(|| ApiError::new(Code::NotFound, format!("There is no setting `{segment}`.")))
}
