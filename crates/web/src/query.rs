//! Reading query strings with errors that a caller can act on, and the filters of the task routes, which uploader and admin share.

use std::str::FromStr;

use jiff::{ToSpan, civil, tz::TimeZone};
use onggi_domain::{
    ApiError, Code, Timestamp,
    task::{TaskFilter, TaskKind, TaskStatus},
};

/// The parameters of a request, all of them known.
#[derive(Debug)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Splits and decodes a query string. A parameter that is not in `known` is refused, naming the nearest one that is.
    pub fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query.unwrap_or_default())
            .map_err(|error| ApiError::new(Code::BadRequest, format!("The query string cannot be read: {error}.")))?;
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(unknown("parameter", name, known)),
            None => Ok(Self(pairs)),
        }
    }

    /// The text of a parameter; the last one when it is given more than once.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A number of at least 0.
    pub fn number<T: FromStr>(&self, name: &str, code: Code) -> Result<Option<T>, ApiError> {
        self.text(name).map(|text| number(name, text, code)).transpose()
    }

    /// `true` or `false`.
    pub fn boolean(&self, name: &str, code: Code) -> Result<Option<bool>, ApiError> {
        self.text(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    let why = format!("could not parse `{text}` as a boolean, expected either `true` or `false`");
                    invalid(name, &why, code)
                })
            })
            .transpose()
    }

    /// A list separated by commas; `*` stands for all and is the same as none.
    fn list<T>(&self, name: &str, item: impl Fn(&str, &str) -> Result<T, ApiError>) -> Result<Option<Vec<T>>, ApiError> {
        match self.text(name) {
            None | Some("*") => Ok(None),
            Some(text) => {
                let parts: Vec<&str> = text.split(',').collect();
                let place = |at: usize| if parts.len() == 1 { name.to_owned() } else { format!("{name}[{at}]") };
                parts.iter().enumerate().map(|(at, part)| item(&place(at), part)).collect::<Result<_, _>>().map(Some)
            }
        }
    }

    fn moment(&self, name: &str, code: Code, whole_day: bool) -> Result<Option<Timestamp>, ApiError> {
        match self.text(name) {
            None | Some("*") => Ok(None),
            Some(text) => moment(text, whole_day).map(Some).ok_or_else(|| {
                let why = format!("`{text}` is an invalid date-time. It should follow the YYYY-MM-DD or RFC 3339 date-time format.");
                invalid(name, &why, code)
            }),
        }
    }
}

/// The parameters that choose tasks.
pub const TASK_FILTERS: [&str; 12] = [
    "uids",
    "batchUids",
    "canceledBy",
    "types",
    "statuses",
    "indexUids",
    "afterEnqueuedAt",
    "beforeEnqueuedAt",
    "afterStartedAt",
    "beforeStartedAt",
    "afterFinishedAt",
    "beforeFinishedAt",
];

/// Which tasks the parameters choose. A date without a time means its whole day: `after` is after its end.
pub fn task_filter(params: &Params) -> Result<TaskFilter, ApiError> {
    let uid = |code| move |name: &str, text: &str| number(name, text, code).map(onggi_domain::TaskUid);
    Ok(TaskFilter {
        uids: params.list("uids", uid(Code::InvalidTaskUids))?,
        batch_uids: params.list("batchUids", uid(Code::InvalidBatchUids))?,
        canceled_by: params.list("canceledBy", uid(Code::InvalidTaskCanceledBy))?,
        kinds: params.list("types", task_kind)?,
        statuses: params.list("statuses", task_status)?,
        index_uids: params
            .list("indexUids", |name, text| text.parse().map_err(|error: ApiError| invalid(name, &error.message, Code::InvalidIndexUid)))?,
        after_enqueued_at: params.moment("afterEnqueuedAt", Code::InvalidTaskAfterEnqueuedAt, true)?,
        before_enqueued_at: params.moment("beforeEnqueuedAt", Code::InvalidTaskBeforeEnqueuedAt, false)?,
        after_started_at: params.moment("afterStartedAt", Code::InvalidTaskAfterStartedAt, true)?,
        before_started_at: params.moment("beforeStartedAt", Code::InvalidTaskBeforeStartedAt, false)?,
        after_finished_at: params.moment("afterFinishedAt", Code::InvalidTaskAfterFinishedAt, true)?,
        before_finished_at: params.moment("beforeFinishedAt", Code::InvalidTaskBeforeFinishedAt, false)?,
    })
}

fn task_kind(name: &str, text: &str) -> Result<TaskKind, ApiError> {
    TaskKind::from_name(text).ok_or_else(|| {
        let names = quoted(TaskKind::ALL.iter().map(|kind| kind.as_str()));
        invalid(name, &format!("`{text}` is not a valid task type. Available types are {names}."), Code::InvalidTaskTypes)
    })
}

fn task_status(name: &str, text: &str) -> Result<TaskStatus, ApiError> {
    TaskStatus::from_name(text).ok_or_else(|| {
        let names = quoted(TaskStatus::ALL.iter().map(|status| status.as_str()));
        invalid(name, &format!("`{text}` is not a valid task status. Available statuses are {names}."), Code::InvalidTaskStatuses)
    })
}

/// A point in time as callers write it: RFC 3339, or a date with or without a time, in UTC. A date alone is its start, or its end
/// when `end_of_day`.
pub fn moment(text: &str, end_of_day: bool) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    let written = text.parse::<civil::DateTime>().ok()?;
    let only_date = text.len() == "YYYY-MM-DD".len();
    let meant = if only_date && end_of_day { written.checked_add(1.day()).ok()? } else { written };
    TimeZone::UTC.to_timestamp(meant).ok()
}

/// The error for a field or parameter that does not exist, naming the nearest one that does.
pub fn unknown(what: &str, name: &str, known: &[&str]) -> ApiError {
    let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    let guess = match nearest {
        Some((distance, nearest)) if distance <= 1 + nearest.len() / 4 => format!("did you mean `{nearest}`? "),
        _ => String::new(),
    };
    let names = quoted(known.iter().copied());
    let names = if known.is_empty() { "none".to_owned() } else { format!("one of {names}") };
    ApiError::new(Code::BadRequest, format!("Unknown {what} `{name}`: {guess}expected {names}"))
}

fn number<T: FromStr>(name: &str, text: &str, code: Code) -> Result<T, ApiError> {
    text.parse().map_err(|_| invalid(name, &format!("could not parse `{text}` as a positive integer"), code))
}

fn invalid(name: &str, why: &str, code: Code) -> ApiError {
    ApiError::new(code, format!("Invalid value in parameter `{name}`: {why}"))
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_refused_and_the_nearest_one_suggested() {
        let message = Params::parse(Some("ofset=1"), &["offset", "limit"]).unwrap_err().message;
        assert_eq!(message, "Unknown parameter `ofset`: did you mean `offset`? expected one of `offset`, `limit`");
        let message = Params::parse(Some("doggo=1"), &["offset", "limit"]).unwrap_err().message;
        assert_eq!(message, "Unknown parameter `doggo`: expected one of `offset`, `limit`");
    }

    #[test]
    fn a_task_filter_is_read_from_lists_names_and_dates() {
        let query = "uids=1,2&statuses=failed,CANCELED&types=*&indexUids=movies&afterEnqueuedAt=2026-01-01&beforeFinishedAt=2026-01-02";
        let filter = task_filter(&Params::parse(Some(query), &TASK_FILTERS).unwrap()).unwrap();
        assert_eq!(filter.uids.unwrap().len(), 2);
        assert_eq!(filter.statuses.unwrap(), [TaskStatus::Failed, TaskStatus::Canceled]);
        assert_eq!(filter.kinds, None);
        assert_eq!(filter.after_enqueued_at, filter.before_finished_at, "the end of a day is the start of the next");
    }

    #[test]
    fn wrong_values_are_refused_with_their_code_and_place() {
        for (query, code, place) in [
            ("uids=1,dogo", Code::InvalidTaskUids, "`uids[1]`"),
            ("batchUids=doggo", Code::InvalidBatchUids, "`batchUids`"),
            ("canceledBy=doggo", Code::InvalidTaskCanceledBy, "`canceledBy`"),
            ("types=doggo", Code::InvalidTaskTypes, "`documentDeletion`"),
            ("statuses=doggo", Code::InvalidTaskStatuses, "`enqueued`"),
            ("indexUids=the%20dog", Code::InvalidIndexUid, "`the dog`"),
            ("afterEnqueuedAt=doggo", Code::InvalidTaskAfterEnqueuedAt, "YYYY-MM-DD"),
            ("beforeEnqueuedAt=doggo", Code::InvalidTaskBeforeEnqueuedAt, "YYYY-MM-DD"),
            ("afterStartedAt=doggo", Code::InvalidTaskAfterStartedAt, "YYYY-MM-DD"),
            ("beforeStartedAt=doggo", Code::InvalidTaskBeforeStartedAt, "YYYY-MM-DD"),
            ("afterFinishedAt=doggo", Code::InvalidTaskAfterFinishedAt, "YYYY-MM-DD"),
            ("beforeFinishedAt=doggo", Code::InvalidTaskBeforeFinishedAt, "YYYY-MM-DD"),
        ] {
            let error = task_filter(&Params::parse(Some(query), &TASK_FILTERS).unwrap()).unwrap_err();
            assert_eq!(error.code, code, "{query}");
            assert!(error.message.contains(place), "{}", error.message);
        }
    }

    #[test]
    fn a_moment_is_a_date_a_date_with_time_or_rfc_3339() {
        let day = "2030-05-06T00:00:00Z".parse().unwrap();
        assert_eq!(moment("2030-05-06", false), Some(day));
        assert_eq!(moment("2030-05-06 00:00:00", true), Some(day));
        assert_eq!(moment("2030-05-06T01:00:00+01:00", false), Some(day));
        assert_eq!(moment("tomorrow", false), None);
    }
}
