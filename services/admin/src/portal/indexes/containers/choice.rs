//! The form in which a tenant selects containers: as text, the way a browser sends it and is shown it again when it is refused.

use serde::Deserialize;
use serde_json::{Value, json};

/// What cannot be sent to the API because it is no number: the key of a text.
type Wrong = &'static str;

/// The fields of the form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) size: String,
    /// `fixed` or `range`.
    pub(super) mode: String,
    pub(super) replicas: String,
    pub(super) min: String,
    pub(super) max: String,
    /// `concurrentSearches` or `cpuPercent`.
    pub(super) target: String,
    /// How much of it.
    pub(super) busy: String,
    /// `after` or `never`.
    pub(super) sleep: String,
    pub(super) idle: String,
    /// Seconds that `idle` counts.
    pub(super) unit: String,
    /// `onSearch` or `manual`.
    pub(super) wake: String,
}

impl Default for Choice {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            size: String::new(),
            mode: text("fixed"),
            replicas: text("1"),
            min: text("1"),
            max: text("4"),
            target: text("concurrentSearches"),
            busy: text("8"),
            sleep: text("never"),
            idle: text("5"),
            unit: text("60"),
            wake: text("onSearch"),
        }
    }
}

impl Choice {
    /// Seconds of each unit of the idle time.
    pub(super) const UNITS: [u32; 4] = [1, 60, 3600, 86400];

    /// What is selected now, in the shape of the API.
    pub(super) fn of(selection: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut choice = Self { size: text(&selection["size"]), wake: text(&selection["wake"]), ..Self::default() };
        choice.replicas = selection["replicas"].to_string();
        if let Some(seconds) = selection["sleepAfterSeconds"].as_u64() {
            let unit = Self::UNITS.into_iter().rev().map(u64::from).find(|unit| seconds.is_multiple_of(*unit)).unwrap_or(1);
            "after".clone_into(&mut choice.sleep);
            choice.idle = (seconds / unit).to_string();
            choice.unit = unit.to_string();
        }
        let range = &selection["autoscale"];
        if range.is_object() {
            "range".clone_into(&mut choice.mode);
            choice.min = range["min"].to_string();
            choice.max = range["max"].to_string();
            if let Some((target, busy)) = range["target"].as_object().and_then(|target| target.iter().next()) {
                choice.target.clone_from(target);
                choice.busy = busy.to_string();
            }
        }
        choice
    }

    /// The body of the PATCH that selects it.
    pub(super) fn patch(&self) -> Result<Value, Wrong> {
        let sleep = if self.sleep == "never" {
            Value::Null
        } else {
            let seconds = number(&self.idle)?.checked_mul(number(&self.unit)?).ok_or("containers.number_bad")?;
            json!(seconds)
        };
        let mut patch = json!({"size": self.size, "sleepAfterSeconds": sleep, "wake": self.wake});
        if self.is_range() {
            let target = json!({self.target.as_str(): number(&self.busy)?});
            patch["autoscale"] = json!({"min": number(&self.min)?, "max": number(&self.max)?, "target": target});
        } else {
            patch["replicas"] = json!(number(&self.replicas)?);
        }
        Ok(patch)
    }

    pub(super) fn is_range(&self) -> bool {
        self.mode == "range"
    }
}

fn number(text: &str) -> Result<u32, Wrong> {
    text.trim().parse().map_err(|_| "containers.number_bad")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_selected_is_shown_and_sent_again_as_it_is() {
        let fixed = json!({"size": "small", "replicas": 3, "sleepAfterSeconds": 300, "wake": "onSearch"});
        let choice = Choice::of(&fixed);
        assert_eq!((choice.idle.as_str(), choice.unit.as_str()), ("5", "60"));
        assert_eq!(choice.patch(), Ok(fixed));
        let range = json!({"min": 2, "max": 6, "target": {"cpuPercent": 70}});
        let ranged = json!({"size": "large", "replicas": 2, "autoscale": range, "sleepAfterSeconds": null, "wake": "manual"});
        let patch = Choice::of(&ranged).patch().unwrap();
        assert_eq!(patch, json!({"size": "large", "autoscale": range, "sleepAfterSeconds": null, "wake": "manual"}));
    }

    #[test]
    fn idle_times_are_told_in_the_largest_unit_that_fits() {
        for (seconds, idle, unit) in [(1, "1", "1"), (90, "90", "1"), (120, "2", "60"), (7200, "2", "3600"), (86400, "1", "86400")] {
            let choice = Choice::of(&json!({"sleepAfterSeconds": seconds}));
            assert_eq!((choice.sleep.as_str(), choice.idle.as_str(), choice.unit.as_str()), ("after", idle, unit));
        }
    }

    #[test]
    fn what_is_no_number_is_not_sent() {
        let choice = |idle: &str, unit: &str| Choice {
            sleep: "after".to_owned(),
            idle: idle.to_owned(),
            unit: unit.to_owned(),
            ..Choice::default()
        };
        for (idle, unit) in [("", "60"), ("x", "60"), ("-1", "60"), ("5", "'"), ("4000000000", "60")] {
            assert_eq!(choice(idle, unit).patch(), Err("containers.number_bad"), "{idle} {unit}");
        }
        let ranged = Choice { mode: "range".to_owned(), max: "many".to_owned(), ..Choice::default() };
        assert!(ranged.patch().is_err());
    }
}
