//! `/portal/t/{tenant}/usage`: what a month cost and why, how near the quotas are, the plan, and the alert. The figures are those of `GET /usage` and
//! `GET /plan`; charts are drawn of the same numbers by a script, and stand as tables without one.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::{get, post},
};
use http::Method;
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use onggi_domain::{ApiError, Timestamp, plan::MONTH_HOURS, tenant::MemberRole, usage::GIB};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Portal,
    failure::{Failure, Result},
    form::{Pairs, refused, unprocessable},
    money::Money,
    page::{Page, Section, html},
    texts::Language,
    visit::{Member, done},
};

/// Months that can be chosen: as long as hours are kept.
const MONTHS: i32 = 13;
/// From this part of a quota on it is called near.
const NEAR: f64 = 0.8;

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal/t/{tenant}/usage", get(show)).route("/portal/t/{tenant}/usage/alert", post(set_alert))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
struct Cost {
    containers: f64,
    storage: f64,
    searches: f64,
    total: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Used {
    /// The index, the size or the day; totals have none.
    #[serde(default)]
    key: String,
    #[serde(default)]
    deleted: Option<bool>,
    container_seconds: f64,
    #[serde(default)]
    container_seconds_by_size: BTreeMap<String, f64>,
    byte_hours: f64,
    searches: u64,
    documents: u64,
    cost: Cost,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct MonthSoFar {
    forecast: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Quota {
    name: String,
    used: u64,
    limit: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    amount: Option<f64>,
    url: Option<String>,
    passed_at: Option<Timestamp>,
    passed_cost: Option<f64>,
    delivered: Option<bool>,
    #[serde(default)]
    signing_secret: Option<String>,
}

impl Alert {
    fn is_delivered(&self) -> bool {
        self.delivered == Some(true)
    }

    fn is_undelivered(&self) -> bool {
        self.delivered == Some(false)
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Report {
    results: Vec<Used>,
    totals: Used,
    month: Option<MonthSoFar>,
    #[serde(default)]
    quotas: Option<Vec<Quota>>,
    #[serde(default)]
    alert: Option<Alert>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prices {
    currency: String,
    container_hour: BTreeMap<String, f64>,
    storage_gib_month: f64,
    million_searches: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    name: String,
    max_replicas_per_index: u64,
    requests_per_second: u64,
    prices: Prices,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Size {
    name: String,
    cpu_millis: u64,
    memory_bytes: u64,
    max_documents: u64,
    allowed: bool,
    price_per_hour: f64,
    price_per_month: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct PlanAnswer {
    plan: Plan,
    sizes: Vec<Size>,
}

/// A month of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Month(Date);

impl Month {
    fn of(time: Timestamp) -> Self {
        Self(time.to_zoned_datetime(TimeZone::UTC).date().first_of_month())
    }

    /// The month of `2026-11`.
    fn read(text: &str) -> Option<Self> {
        if text.len() == 7 { format!("{text}-01").parse().ok().map(Self) } else { None }
    }

    fn next(self) -> Self {
        Self(self.0.checked_add(1.month()).unwrap_or(self.0))
    }

    fn name(self) -> String {
        self.0.strftime("%Y-%m").to_string()
    }

    fn start(self) -> Timestamp {
        self.0.to_zoned_datetime(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
    }

    fn shown(self, language: Language) -> String {
        match language {
            Language::En => self.0.strftime("%B %Y").to_string(),
            Language::Ko => format!("{}년 {}월", self.0.year(), self.0.month()),
        }
    }

    /// The months that can be chosen, the newest first.
    fn choice(now: Self) -> Vec<Self> {
        (0..MONTHS).filter_map(|back| now.0.checked_sub(back.months()).ok()).map(Self).collect()
    }
}

/// A month in the list.
struct Choice {
    value: String,
    text: String,
    chosen: bool,
}

/// A line of the bill.
struct Line {
    text: String,
    quantity: String,
    price: String,
    amount: String,
}

/// A row of a table of what was used.
struct Row {
    key: String,
    deleted: bool,
    hours: String,
    storage: String,
    searches: u64,
    documents: u64,
    amount: String,
}

/// A quota as it is shown.
struct Meter {
    text: &'static str,
    used: String,
    limit: String,
    value: u64,
    most: u64,
    low: u64,
    near: bool,
    full: bool,
}

/// A size as it is shown.
struct SizeRow {
    name: String,
    cpus: String,
    memory: u64,
    documents: u64,
    allowed: bool,
    hour: String,
    month: String,
}

/// A number with one place, or two where it is small.
fn decimal(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value < 10.0 => format!("{value:.2}"),
        value => {
            let text = format!("{value:.1}");
            let (whole, rest) = text.split_once('.').unwrap_or((&text, "0"));
            format!("{}.{rest}", Language::En.number(whole.parse().unwrap_or(0)))
        }
    }
}

#[derive(Template)]
#[template(path = "usage.html")]
struct UsagePage {
    page: Page,
    months: Vec<Choice>,
    /// Where the tenant API is.
    api: String,
    /// The month that is shown, as a path to its CSV needs it.
    from: String,
    to: String,
    is_now: bool,
    cost: String,
    forecast: Option<String>,
    totals: Row,
    lines: Vec<Line>,
    indexes: Vec<Row>,
    days: Vec<Row>,
    /// What charts are drawn of, as JSON.
    figures: String,
    meters: Vec<Meter>,
    plan: Plan,
    sizes: Vec<SizeRow>,
    currency: String,
    alert: Option<Alert>,
    alert_amount: String,
    alert_passed: Option<String>,
    alert_url: String,
    /// What messages are signed with, just after the alert was set.
    secret: Option<String>,
    wrong: Option<ApiError>,
}

async fn ask<T: DeserializeOwned>(portal: &Portal, member: &Member, path: &str) -> Result<T> {
    serde_json::from_value(portal.get(member, path).await?).map_err(Failure::internal)
}

/// What was typed and refused, or what was answered.
#[derive(Default)]
struct Said {
    amount: Option<String>,
    url: Option<String>,
    secret: Option<String>,
    wrong: Option<ApiError>,
}

async fn page(portal: &Portal, member: &Member, month: Month, said: Said) -> Result<UsagePage> {
    let now = Month::of(Timestamp::now());
    let (from, to) = (month.start().to_string(), month.next().start().to_string());
    let report = |by: &str| format!("/usage?from={from}&to={to}&by={by}");
    let (by_index, by_size, by_day) = (report("index"), report("size"), report("day"));
    let (by_index, by_size, by_day, plan) = tokio::try_join!(
        ask::<Report>(portal, member, &by_index),
        ask::<Report>(portal, member, &by_size),
        ask::<Report>(portal, member, &by_day),
        ask::<PlanAnswer>(portal, member, "/plan"),
    )?;
    let language = member.visit.language;
    let money = Money::of(&plan.plan.prices.currency);
    let hours = elapsed_hours(month, Timestamp::now());
    let choice = |choice: Month| Choice { value: choice.name(), text: choice.shown(language), chosen: choice == month };
    let alert = by_index.alert.clone();
    let typed = |amount: f64| -> String { money.price(amount).chars().filter(|c| c.is_ascii_digit() || *c == '.').collect() };
    Ok(UsagePage {
        months: Month::choice(now).into_iter().map(choice).collect(),
        api: format!("/portal/api/{}", member.tenant.id),
        is_now: month == now,
        cost: money.amount(by_index.totals.cost.total),
        forecast: by_index.month.as_ref().filter(|_| month == now).map(|month| money.amount(month.forecast)),
        totals: row(&by_index.totals, &money, language, hours),
        lines: lines(&by_size, &by_index.totals, &plan.plan.prices, &money, language),
        indexes: by_index.results.iter().map(|used| row(used, &money, language, hours)).collect(),
        days: by_day.results.iter().map(|used| row(used, &money, language, 24.0)).collect(),
        figures: figures(&by_day.results, &plan.plan.prices.currency).to_string(),
        meters: by_index.quotas.iter().flatten().filter_map(|quota| meter(quota, language)).collect(),
        sizes: plan.sizes.iter().map(|size| size_row(size, &money)).collect(),
        currency: plan.plan.prices.currency.clone(),
        plan: plan.plan,
        alert_amount: said.amount.unwrap_or_else(|| alert.as_ref().and_then(|alert| alert.amount).map(typed).unwrap_or_default()),
        alert_url: said.url.unwrap_or_else(|| alert.as_ref().and_then(|alert| alert.url.clone()).unwrap_or_default()),
        alert_passed: alert.as_ref().and_then(|alert| alert.passed_cost).map(|cost| money.amount(cost)),
        alert,
        secret: said.secret,
        wrong: said.wrong,
        page: Page::tenant(member, Section::Usage),
        from,
        to,
    })
}

/// How many hours of a month are over.
fn elapsed_hours(month: Month, now: Timestamp) -> f64 {
    let end = month.next().start().min(now);
    ((end.as_second() - month.start().as_second()) as f64 / 3600.0).max(1.0)
}

fn row(used: &Used, money: &Money, language: Language, hours: f64) -> Row {
    let day = used.key.split_once('T').map_or(used.key.as_str(), |(day, _)| day);
    Row {
        key: day.to_owned(),
        deleted: used.deleted == Some(true),
        hours: decimal(used.container_seconds / 3600.0),
        storage: language.bytes((used.byte_hours / hours) as u64),
        searches: used.searches,
        documents: used.documents,
        amount: money.amount(used.cost.total),
    }
}

/// The bill, line by line: containers of each size, storage, searches.
fn lines(by_size: &Report, totals: &Used, prices: &Prices, money: &Money, language: Language) -> Vec<Line> {
    let containers = by_size.results.iter().map(|used| Line {
        text: language.text_with("bill.line_containers", &[&used.key]),
        quantity: language.text_with("bill.hours", &[&decimal(used.container_seconds / 3600.0)]),
        price: language.text_with("bill.per_hour", &[&money.price(prices.container_hour.get(&used.key).copied().unwrap_or(0.0))]),
        amount: money.amount(used.cost.containers),
    });
    let storage = Line {
        text: language.text("bill.line_storage").to_owned(),
        quantity: language.text_with("bill.gib_months", &[&decimal(totals.byte_hours / GIB / MONTH_HOURS)]),
        price: language.text_with("bill.per_gib_month", &[&money.price(prices.storage_gib_month)]),
        amount: money.amount(totals.cost.storage),
    };
    let searches = Line {
        text: language.text("bill.line_searches").to_owned(),
        quantity: language.number(totals.searches),
        price: language.text_with("bill.per_million", &[&money.price(prices.million_searches)]),
        amount: money.amount(totals.cost.searches),
    };
    containers.chain([storage, searches]).collect()
}

/// What charts are drawn of: for each day its second and its numbers.
fn figures(days: &[Used], currency: &str) -> Value {
    let points: Vec<Value> = days
        .iter()
        .filter_map(|used| {
            let time: Timestamp = used.key.parse().ok()?;
            Some(json!({
                "time": time.as_second(),
                "cost": [used.cost.containers, used.cost.storage, used.cost.searches],
                "sizes": used.container_seconds_by_size,
                "searches": used.searches,
                "byteHours": used.byte_hours,
            }))
        })
        .collect();
    json!({"currency": currency, "points": points})
}

fn meter(quota: &Quota, language: Language) -> Option<Meter> {
    let bytes: fn(Language, u64) -> String = |language, bytes| language.bytes(bytes);
    let number: fn(Language, u64) -> String = |language, number| language.number(number);
    let cpus: fn(Language, u64) -> String = |_, millis| cpus(millis);
    let (text, told) = match quota.name.as_str() {
        "indexes" => ("bill.quota_indexes", number),
        "replicas" => ("bill.quota_replicas", number),
        "documents" => ("bill.quota_documents", number),
        "storageBytes" => ("bill.quota_storage", bytes),
        "cpuMillis" => ("bill.quota_cpus", cpus),
        "memoryBytes" => ("bill.quota_memory", bytes),
        _ => return None,
    };
    let share = quota.used as f64 / quota.limit.max(1) as f64;
    Some(Meter {
        text,
        used: told(language, quota.used),
        limit: told(language, quota.limit),
        value: quota.used.min(quota.limit),
        most: quota.limit.max(1),
        low: (quota.limit as f64 * NEAR) as u64,
        near: share >= NEAR,
        full: share >= 1.0,
    })
}

/// Thousandths of a CPU as CPUs.
fn cpus(millis: u64) -> String {
    let text = format!("{:.2}", millis as f64 / 1000.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn size_row(size: &Size, money: &Money) -> SizeRow {
    SizeRow {
        name: size.name.clone(),
        cpus: cpus(size.cpu_millis),
        memory: size.memory_bytes,
        documents: size.max_documents,
        allowed: size.allowed,
        hour: money.price(size.price_per_hour),
        month: money.amount(size.price_per_month),
    }
}

#[derive(Deserialize)]
struct Shown {
    month: Option<String>,
}

async fn show(State(portal): State<Portal>, member: Member, Query(shown): Query<Shown>) -> Result<Response> {
    let now = Month::of(Timestamp::now());
    let month = shown.month.as_deref().and_then(Month::read).filter(|month| Month::choice(now).contains(month)).unwrap_or(now);
    html(&page(&portal, &member, month, Said::default()).await?)
}

async fn set_alert(State(portal): State<Portal>, member: Member, form: Pairs) -> Result<Response> {
    member.require(MemberRole::Owner)?;
    let typed = (form.one("amount").to_owned(), form.one("url").to_owned());
    let amount = form.optional("amount").map_or(Value::Null, sent_amount);
    let body = json!({"amount": amount, "url": form.optional("url")});
    let month = Month::of(Timestamp::now());
    match portal.call(&member, Method::PATCH, "/usage/alert", Some(&body)).await {
        Ok(answer) => {
            let alert: Alert = serde_json::from_value(answer).map_err(Failure::internal)?;
            if alert.signing_secret.is_none() {
                let notice = if alert.amount.is_some() { "bill.notice_alert" } else { "bill.notice_no_alert" };
                return Ok(done(&member.href("/usage"), notice));
            }
            html(&page(&portal, &member, month, Said { secret: alert.signing_secret, ..Said::default() }).await?)
        }
        Err(failure) => {
            let said = Said { wrong: Some(refused(failure)?), amount: Some(typed.0), url: Some(typed.1), ..Said::default() };
            Ok(unprocessable(html(&page(&portal, &member, month, said).await?)?))
        }
    }
}

/// An amount as it is sent. What is no number is sent as it is: the API says what is wrong with it. JSON has no infinity, and would have null instead,
/// which ends an alert.
fn sent_amount(text: &str) -> Value {
    text.parse::<f64>().ok().filter(|amount| amount.is_finite()).map_or_else(|| json!(text), |amount| json!(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_amount_ends_an_alert() {
        for (text, sent) in
            [("12.5", json!(12.5)), ("-1", json!(-1.0)), ("much", json!("much")), ("NaN", json!("NaN")), ("1e999", json!("1e999"))]
        {
            assert_eq!(sent_amount(text), sent);
        }
    }

    #[test]
    fn months_are_those_of_utc() {
        let month = Month::read("2026-12").unwrap();
        assert_eq!(month.start().to_string(), "2026-12-01T00:00:00Z");
        assert_eq!(month.next().name(), "2027-01");
        assert_eq!((month.shown(Language::En), month.shown(Language::Ko)), ("December 2026".to_owned(), "2026년 12월".to_owned()));
        assert_eq!(Month::choice(month).len(), 13);
        for bad in ["", "2026", "2026-13", "2026-12-01", "x"] {
            assert_eq!(Month::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_lines_of_the_bill_add_up() {
        let used = |key: &str, hours: f64, cost| Used { key: key.to_owned(), container_seconds: hours * 3600.0, cost, ..Used::default() };
        let small = Cost { containers: 1.2, total: 1.2, ..Cost::default() };
        let all = Cost { containers: 1.2, storage: 0.25, searches: 2.0, total: 3.45 };
        let totals = Used { byte_hours: GIB * MONTH_HOURS, searches: 1_000_000, ..used("", 100.0, all) };
        let report = Report { results: vec![used("small", 100.0, small)], totals: totals.clone(), month: None, quotas: None, alert: None };
        let prices = Prices {
            currency: "EUR".to_owned(),
            container_hour: BTreeMap::from([("small".to_owned(), 0.012)]),
            storage_gib_month: 0.25,
            million_searches: 2.0,
        };
        let lines = lines(&report, &totals, &prices, &Money::of("EUR"), Language::En);
        let amounts: Vec<&str> = lines.iter().map(|line| line.amount.as_str()).collect();
        assert_eq!(amounts, ["€1.20", "€0.25", "€2.00"]);
        assert!(lines[0].text.contains("small") && lines[0].price.contains("€0.012"), "{}", lines[0].price);
    }

    #[test]
    fn a_quota_is_near_before_it_is_full() {
        let meter = |used| meter(&Quota { name: "indexes".to_owned(), used, limit: 10 }, Language::En).unwrap();
        assert_eq!([meter(7), meter(8), meter(10)].map(|meter| (meter.near, meter.full)), [(false, false), (true, false), (true, true)]);
        assert!(super::meter(&Quota { name: "new".to_owned(), used: 1, limit: 1 }, Language::En).is_none());
    }
}
