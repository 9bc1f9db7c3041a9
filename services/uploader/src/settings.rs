//! Reading changes of settings: all at once or one by one, with the code of the setting that is wrong.

use onggi_domain::{
    ApiError, Code,
    settings::{ABSENT_SETTINGS, SETTINGS, SettingsPatch},
};
use onggi_web::{body, settings::patch};
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
