//! What a column holds, as a type of the domain and back.

use onggi_domain::{Seq, TaskUid, Timestamp, key::IndexPattern};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Error, Result};

/// A number that is never below zero.
pub(crate) fn unsigned(what: &'static str, number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| corrupt(what, &format!("{number} is below zero")))
}

/// A seq that may be absent.
pub(crate) fn seq(number: Option<i64>) -> Result<Option<Seq>> {
    number.map(|number| unsigned("seq", number).map(Seq)).transpose()
}

/// A task's uid.
pub(crate) fn task_uid(number: i64) -> Result<TaskUid> {
    u32::try_from(number).map(TaskUid).map_err(|_| corrupt("task uid", &format!("{number} is not a number of 32 bits")))
}

/// A time, from microseconds.
pub(crate) fn time(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| corrupt("time", &error))
}

/// A time that may be absent.
pub(crate) fn optional_time(micros: Option<i64>) -> Result<Option<Timestamp>> {
    micros.map(time).transpose()
}

/// A time as it is read back: the databases hold microseconds.
pub(crate) fn stored_time(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).expect("a time without its nanoseconds is in the range of times")
}

/// A value from its JSON.
pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| corrupt(what, &error))
}

/// A value as JSON.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("the types of the domain are representable as JSON")
}

/// A variant from its name on the wire.
pub(crate) fn from_name<T: DeserializeOwned>(what: &'static str, name: String) -> Result<T> {
    serde_json::from_value(Value::String(name)).map_err(|error| corrupt(what, &error))
}

/// The name of a variant on the wire.
pub(crate) fn to_name<T: Serialize>(variant: &T) -> String {
    match serde_json::to_value(variant) {
        Ok(Value::String(name)) => name,
        other => unreachable!("a plain variant is a JSON string, not {other:?}"),
    }
}

/// Patterns as a parameter: `None` when they mean every index.
pub(crate) fn restricting(patterns: &[IndexPattern]) -> Option<String> {
    let all = patterns.iter().any(|pattern| *pattern == IndexPattern::all());
    (!all).then(|| to_json(patterns))
}

pub(crate) fn corrupt(what: &'static str, why: &impl ToString) -> Error {
    Error::Corrupt { what, why: why.to_string() }
}
