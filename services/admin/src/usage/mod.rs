//! `/usage` and `/plan`: what a tenant used, what that cost, how near its quotas are, and when it wants to be told of its spending.

mod alert;
mod csv;
mod plan;
mod report;

use axum::{
    Json, Router,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
    routing::{get, patch},
};
use http::{HeaderMap, HeaderValue, header};
use onggi_domain::{
    ApiError, Code, IndexUid, Timestamp,
    usage::{hour_of, month_of},
};
use onggi_web::{
    Caller, Result,
    query::{Params, moment},
};

use crate::app::Admin;
use plan::PlanView;
use report::{By, UsageQuery};

/// The longest time of one report, and of one hour by hour.
const LONGEST: (i64, i64) = (400 * 24, 62 * 24);

pub(crate) fn router() -> Router<Admin> {
    Router::new().route("/plan", get(show_plan)).route("/usage", get(usage)).route("/usage/alert", patch(alert::change))
}

async fn show_plan(State(admin): State<Admin>, Caller(caller): Caller) -> Result<Json<PlanView>> {
    Ok(Json(admin.plan_view(caller.tenant).await?))
}

async fn usage(State(admin): State<Admin>, Caller(caller): Caller, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Response> {
    let (query, format) = read(query.as_deref(), Timestamp::now())?;
    let report = admin.usage(&caller, &query).await?;
    let wants_csv = || {
        let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        accepts.split(',').any(|kind| kind.trim().starts_with("text/csv"))
    };
    if format.map_or_else(wants_csv, |format| format == Format::Csv) {
        let name = HeaderValue::from_static("attachment; filename=\"usage.csv\"");
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        return Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], csv::table(&report)).into_response());
    }
    Ok(Json(report).into_response())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

fn read(query: Option<&str>, now: Timestamp) -> Result<(UsageQuery, Option<Format>), ApiError> {
    let invalid = |name: &str, why: &str| ApiError::new(Code::InvalidUsage, format!("Invalid value in parameter `{name}`: {why}"));
    let params = Params::parse(query, &["from", "to", "by", "indexUid", "format"])?;
    let (from, to) = range(&params, month_of(now), now, Code::InvalidUsage)?;
    let by = match params.text("by") {
        None | Some("index") => By::Index,
        Some("size") => By::Size,
        Some("hour") => By::Hour,
        Some("day") => By::Day,
        Some(other) => return Err(invalid("by", &format!("`{other}` is not one of `index`, `size`, `hour`, `day`"))),
    };
    let hours = (to.as_second() - from.as_second()) / 3600;
    let longest = if by == By::Hour { LONGEST.1 } else { LONGEST.0 };
    if hours > longest {
        return Err(invalid("from", &format!("{} days are more than the {} that can be asked for at once", hours / 24, longest / 24)));
    }
    let index: Option<IndexUid> = params.text("indexUid").map(str::parse).transpose()?;
    let format = match params.text("format") {
        None => None,
        Some("json") => Some(Format::Json),
        Some("csv") => Some(Format::Csv),
        Some(other) => return Err(invalid("format", &format!("`{other}` is not one of `json`, `csv`"))),
    };
    Ok((UsageQuery { from: hour_of(from), to, by, index }, format))
}

/// `from` and `to` of a request.
pub(crate) fn range(params: &Params, from: Timestamp, to: Timestamp, code: Code) -> Result<(Timestamp, Timestamp), ApiError> {
    let given = |name: &str, otherwise: Timestamp| match params.text(name) {
        None => Ok(otherwise),
        Some(text) => moment(text, false).ok_or_else(|| {
            let why = format!("`{text}` is an invalid date-time. It should follow the YYYY-MM-DD or RFC 3339 date-time format.");
            ApiError::new(code, format!("Invalid value in parameter `{name}`: {why}"))
        }),
    };
    let to = given("to", to)?;
    let from = given("from", from.min(to))?;
    if from > to {
        return Err(ApiError::new(code, format!("Invalid value in parameter `from`: {from} comes after `to`, {to}.")));
    }
    Ok((from, to))
}
