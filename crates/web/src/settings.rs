//! Reading a change of settings, which the uploader takes and the portal tries, with the code of the setting that is wrong.

use onggi_domain::{
    ApiError, Code,
    settings::{ABSENT_SETTINGS, AbsentSetting, SETTINGS, SettingsPatch},
};
use serde_json::{Map, Value};

use crate::query;

/// The patch that an object tells: by name what each setting becomes, `null` for its default.
pub fn patch(mut fields: Map<String, Value>) -> Result<SettingsPatch, ApiError> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_filterable_attribute_is_named_with_what_would_be_right() {
        for (attribute, says) in [
            (
                json!(3),
                "`.filterableAttributes[1]`: invalid type: integer `3`, expected a string, the name or pattern of attributes, or an object",
            ),
            (json!(["a"]), "`.filterableAttributes[1]`: invalid type: sequence"),
            (json!({"features": {}}), "`.filterableAttributes[1]`: missing field `attributePatterns`"),
            (
                json!({"attributePatterns": "a"}),
                "`.filterableAttributes[1].attributePatterns`: invalid type: string \"a\", expected a sequence",
            ),
            (
                json!({"attributePatterns": ["a"], "features": {"facetSearch": "yes"}}),
                "`.filterableAttributes[1].features.facetSearch`: invalid type: string \"yes\", expected a boolean",
            ),
            (
                json!({"attributePatterns": ["a"], "features": {"filter": {"equal": true}}}),
                "`.filterableAttributes[1].features.filter.equal`: unknown field `equal`, expected `equality` or `comparison`",
            ),
        ] {
            let fields = Map::from_iter([("filterableAttributes".to_owned(), json!(["a", attribute]))]);
            let error = patch(fields).unwrap_err();
            assert_eq!(error.code, Code::InvalidSettingsFilterableAttributes, "{attribute}");
            assert!(error.message.contains(says), "{error}");
        }
        let long = json!([{"attributePatterns": ["a"], "features": {"facetSearch": true}}, "b"]);
        assert!(patch(Map::from_iter([("filterableAttributes".to_owned(), long)])).is_ok());
    }
}
