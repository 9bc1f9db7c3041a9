//! *Analytics* of an index: searches over time and how long they took, what is searched for most, more than before, slowly and in vain, and what is clicked.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use jiff::{civil, tz::TimeZone};
use onggi_domain::Timestamp;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use super::{
    super::{
        Portal,
        failure::{Failure, Result},
        page::{Page, Section, html},
        start::search_key,
        texts::Language,
        visit::Member,
    },
    IndexPlace,
};

/// The name of the tab in paths.
const TAB: &str = "analytics";
/// Queries of each list.
const QUERIES: u64 = 20;
const DAY: i64 = 86_400;

pub(super) fn router() -> Router<Portal> {
    Router::new().route("/portal/t/{tenant}/i/{uid}/analytics", get(show))
}

/// Of which time: `day`, `week`, `month`, or `own` with two days.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    range: String,
    from: String,
    to: String,
}

impl Asked {
    /// From and to, and the name of the range. What makes no sense is the last day.
    fn times(&self, now: Timestamp) -> Option<(Timestamp, Timestamp, &'static str)> {
        let ago = |seconds: i64| Timestamp::from_second(now.as_second() - seconds).ok();
        match self.range.as_str() {
            "week" => Some((ago(7 * DAY)?, now, "week")),
            "month" => Some((ago(30 * DAY)?, now, "month")),
            "own" => {
                let start = |text: &str| Some(text.parse::<civil::Date>().ok()?.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp());
                let (from, to) = (start(&self.from)?, start(&self.to)?);
                let end = Timestamp::from_second(to.as_second() + DAY).ok()?;
                (from < end && from < now).then_some((from, end.min(now), "own"))
            }
            _ => Some((ago(DAY)?, now, "day")),
        }
    }
}

/// The answer of the API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analytics {
    sampled_one_in: u64,
    totals: Searched,
    #[serde(default)]
    step: String,
    hours: Vec<Step>,
    top: Vec<Asking>,
    rising: Vec<Asking>,
    slow: Vec<Asking>,
    empty: Vec<Asking>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
struct Searched {
    searches: u64,
    no_hits: u64,
    no_hits_rate: Option<f64>,
    clicks: u64,
    conversions: u64,
    click_through_rate: Option<f64>,
    mean_click_position: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
}

#[derive(Deserialize)]
struct Step {
    hour: Timestamp,
    #[serde(flatten)]
    searched: Searched,
}

#[derive(Deserialize)]
struct Asking {
    query: String,
    before: Option<u64>,
    growth: Option<f64>,
    #[serde(flatten)]
    searched: Searched,
}

/// Numbers as people read them.
struct Shown {
    searches: String,
    no_hits: String,
    clicks: String,
    conversions: String,
    click_through: String,
    position: String,
    p50: String,
    p99: String,
}

impl Shown {
    fn new(language: Language, of: &Searched) -> Self {
        let percent = |rate: Option<f64>| rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.1} %", rate * 100.0));
        let ms = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1} ms"));
        Self {
            searches: language.number(of.searches),
            no_hits: percent(of.no_hits_rate),
            clicks: language.number(of.clicks),
            conversions: language.number(of.conversions),
            click_through: percent(of.click_through_rate),
            position: of.mean_click_position.map_or_else(|| "–".to_owned(), |position| format!("{position:.1}")),
            p50: ms(of.p50_ms),
            p99: ms(of.p99_ms),
        }
    }
}

struct StepRow {
    time: Timestamp,
    shown: Shown,
}

struct QueryRow {
    query: String,
    before: String,
    growth: String,
    shown: Shown,
}

/// One of the lists of queries.
struct List {
    name: &'static str,
    title: &'static str,
    help: &'static str,
    /// Whether it has the columns of the time before.
    rising: bool,
    rows: Vec<QueryRow>,
}

impl List {
    fn new(language: Language, name: &'static str, askings: &[Asking]) -> Self {
        let row = |asking: &Asking| QueryRow {
            query: asking.query.clone(),
            before: asking.before.map(|before| language.number(before)).unwrap_or_default(),
            growth: asking.growth.map(|growth| format!("{growth:.1}×")).unwrap_or_default(),
            shown: Shown::new(language, &asking.searched),
        };
        Self {
            name,
            title: language.text(&format!("analytics.{name}")),
            help: language.text(&format!("analytics.{name}_help")),
            rising: name == "rising",
            rows: askings.iter().map(row).collect(),
        }
    }

    /// Whether it has how long searches took: it would say nothing about what grows, or about what is not found.
    fn times(&self) -> bool {
        matches!(self.name, "top" | "slow")
    }
}

#[derive(Template)]
#[template(path = "analytics.html")]
struct AnalyticsPage {
    page: Page,
    index: IndexPlace,
    range: &'static str,
    from: String,
    to: String,
    totals: Shown,
    nothing: bool,
    /// Whether clicks come in at all.
    clicked: bool,
    sampled: u64,
    daily: bool,
    steps: Vec<StepRow>,
    /// What the charts draw, as JSON.
    chart: String,
    lists: Vec<List>,
    url: String,
    key: Option<String>,
}

async fn show(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let now = Timestamp::now();
    let (from, to, range) = asked.times(now).or_else(|| Asked::default().times(now)).ok_or(Failure::Internal)?;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("from", &from.to_string())
        .append_pair("to", &to.to_string())
        .append_pair("limit", &QUERIES.to_string())
        .finish();
    let answer = portal.get(&member, &format!("/indexes/{}/analytics?{query}", place.uid)).await?;
    let analytics: Analytics = serde_json::from_value(answer).map_err(Failure::internal)?;
    let language = member.visit.language;
    html(&AnalyticsPage {
        page: Page::tenant(&member, Section::Overview),
        index: place,
        range,
        from: day(from),
        // The end is the beginning of the day after the last one.
        to: day(Timestamp::from_second(to.as_second() - 1).unwrap_or(to)),
        nothing: analytics.totals.searches == 0,
        clicked: analytics.totals.clicks > 0,
        totals: Shown::new(language, &analytics.totals),
        sampled: analytics.sampled_one_in,
        daily: analytics.step == "day",
        chart: chart(&analytics),
        steps: analytics.hours.iter().map(|step| StepRow { time: step.hour, shown: Shown::new(language, &step.searched) }).collect(),
        lists: vec![
            List::new(language, "top", &analytics.top),
            List::new(language, "rising", &analytics.rising),
            List::new(language, "empty", &analytics.empty),
            List::new(language, "slow", &analytics.slow),
        ],
        url: portal.public_url(&member),
        key: search_key(&portal, &member).await?,
    })
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// Columns for the charts.
fn chart(analytics: &Analytics) -> String {
    let column = |of: fn(&Searched) -> serde_json::Value| analytics.hours.iter().map(|step| of(&step.searched)).collect::<Vec<_>>();
    json!({
        "x": analytics.hours.iter().map(|step| step.hour.as_second()).collect::<Vec<_>>(),
        "found": column(|of| json!(of.searches.saturating_sub(of.no_hits))),
        "empty": column(|of| json!(of.no_hits)),
        "p50": column(|of| json!(of.p50_ms)),
        "p99": column(|of| json!(of.p99_ms)),
        "clicks": column(|of| json!(of.click_through_rate)),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, from: &str, to: &str) -> Asked {
        Asked { range: range.to_owned(), from: from.to_owned(), to: to.to_owned() }
    }

    #[test]
    fn a_range_is_whole_days_or_the_time_until_now() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let told = |asked: &Asked| asked.times(now).map(|(from, to, name)| (from.to_string(), to.to_string(), name));
        let text = |from: &str, to: &str, name: &'static str| Some((from.to_owned(), to.to_owned(), name));
        assert_eq!(told(&asked("", "", "")), text("2026-11-24T12:00:00Z", "2026-11-25T12:00:00Z", "day"));
        assert_eq!(told(&asked("own", "2026-11-01", "2026-11-02")), text("2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z", "own"));
        assert_eq!(told(&asked("own", "2026-11-20", "2026-11-25")), text("2026-11-20T00:00:00Z", "2026-11-25T12:00:00Z", "own"));
        for (from, to) in [("2026-11-03", "2026-11-01"), ("x", "y"), ("2027-01-01", "2027-01-02")] {
            assert_eq!(told(&asked("own", from, to)), None, "{from} {to}");
        }
    }

    #[test]
    fn what_the_api_answers_is_read() {
        let searched = json!({"searches": 4, "noHits": 1, "noHitsRate": 0.25, "clicks": 0, "conversions": 0, "clickThroughRate": null, "meanClickPosition": null, "p50Ms": 1.25, "p99Ms": null});
        let mut rising = searched.clone();
        rising["query"] = json!("jar");
        rising["before"] = json!(2);
        rising["growth"] = json!(2.0);
        let mut hour = searched.clone();
        hour["hour"] = json!("2026-11-25T12:00:00Z");
        let answer = json!({"from": "2026-11-24T12:00:00Z", "to": "2026-11-25T12:00:00Z", "sampledOneIn": 1, "now": {}, "totals": searched, "step": "hour", "hours": [hour], "top": [], "rising": [rising], "slow": [], "empty": []});
        let analytics: Analytics = serde_json::from_value(answer).unwrap();
        let list = List::new(Language::En, "rising", &analytics.rising);
        assert_eq!(
            (list.rows[0].before.as_str(), list.rows[0].growth.as_str(), list.rows[0].shown.no_hits.as_str()),
            ("2", "2.0×", "25.0 %")
        );
        assert_eq!((list.rows[0].shown.p50.as_str(), list.rows[0].shown.p99.as_str()), ("1.2 ms", "–"));
        assert!(chart(&analytics).contains("\"found\":[3]"));
    }
}
