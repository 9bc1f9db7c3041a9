//! `/portal/t/{tenant}`: the indexes of a tenant and how each one is, live.

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use futures::{StreamExt, stream};
use onggi_domain::{
    Timestamp,
    container::{ContainerStatus, IndexPhase, Role},
    index::Index,
    key::IndexPattern,
    task::{TaskFilter, TaskKind, TaskStatus},
};
use serde::Deserialize;

use super::{
    Portal,
    failure::Result,
    live,
    money::Money,
    page::{Page, Section, html, piece},
    visit::Member,
};
use crate::{
    analytics::Rate,
    containers::{Observed, observe},
};

/// Indexes on a page.
const PAGE: u64 = 50;
/// Indexes that the controller is asked about at the same time.
const PARALLEL: usize = 8;

pub(crate) fn router() -> Router<Portal> {
    Router::new().route("/portal/t/{tenant}", get(show)).route("/portal/t/{tenant}/events", get(events))
}

/// How an index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Asleep,
    Waking,
    Awake,
    Rebuilding,
    Degraded,
    Unknown,
}

impl Health {
    fn text(self) -> &'static str {
        match self {
            Self::Asleep => "overview.asleep",
            Self::Waking => "overview.waking",
            Self::Awake => "overview.awake",
            Self::Rebuilding => "overview.rebuilding",
            Self::Degraded => "overview.degraded",
            Self::Unknown => "overview.unknown",
        }
    }

    /// The class of its badge.
    fn tone(self) -> &'static str {
        match self {
            Self::Asleep | Self::Unknown => "calm",
            Self::Waking | Self::Rebuilding => "info",
            Self::Awake => "good",
            Self::Degraded => "bad",
        }
    }
}

/// An index as a row shows it.
struct Row {
    uid: String,
    health: Health,
    /// Why it is degraded, as the container says.
    why: Option<String>,
    /// Tasks that are not at their end.
    pending: u64,
    documents: u64,
    bytes: u64,
    ready: u64,
    selected: u64,
    traffic: Traffic,
    size: String,
    updated_at: Timestamp,
}

/// Searches of the last minutes, as they are shown.
struct Traffic {
    per_minute: String,
    latency: String,
}

impl Traffic {
    fn of(rate: Option<&Rate>) -> Self {
        let per_minute = rate.map_or(0.0, |rate| rate.searches_per_minute);
        let latency = match rate.and_then(|rate| rate.p50_ms.zip(rate.p99_ms)) {
            Some((p50, p99)) => format!("{} / {} ms", short(p50), short(p99)),
            None => "–".to_owned(),
        };
        Self { per_minute: short(per_minute), latency }
    }
}

/// A number with a place where it is small.
fn short(number: f64) -> String {
    let places = usize::from(number > 0.0 && number < 10.0);
    format!("{number:.places$}")
}

/// All rows together.
struct Sums {
    indexes: u64,
    documents: u64,
    bytes: u64,
    ready: u64,
    wanted: u64,
    asleep: u64,
    traffic: Traffic,
    /// What the month has cost so far.
    cost: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    page: Page,
    rows: Vec<Row>,
    sums: Sums,
    from: u64,
    before: Option<u64>,
    after: Option<u64>,
}

#[derive(Template)]
#[template(path = "overview_rows.html")]
struct Rows<'a> {
    page: &'a Page,
    rows: &'a [Row],
}

#[derive(Template)]
#[template(path = "overview_sums.html")]
struct SumsPiece<'a> {
    page: &'a Page,
    sums: &'a Sums,
}

#[derive(Deserialize, Clone, Copy)]
struct Place {
    #[serde(default)]
    from: u64,
}

async fn show(State(portal): State<Portal>, member: Member, Query(Place { from }): Query<Place>) -> Result<Response> {
    let (rows, sums) = look(&portal, &member, from, spent(&portal, &member).await?).await?;
    let after = Some(from.saturating_add(PAGE)).filter(|next| *next < sums.indexes);
    let before = (from > 0).then(|| from.saturating_sub(PAGE));
    html(&OverviewPage { page: Page::tenant(&member, Section::Overview), rows, sums, from, before, after })
}

async fn events(State(portal): State<Portal>, member: Member, Query(Place { from }): Query<Place>) -> Result<Response> {
    let (ours, cost) = (portal.clone(), spent(&portal, &member).await?);
    live::changes(&portal, member.user.id, move || {
        let (portal, member, cost) = (ours.clone(), member.clone(), cost.clone());
        async move {
            let (rows, sums) = look(&portal, &member, from, cost).await?;
            let page = Page::tenant(&member, Section::Overview);
            Ok(vec![
                ("sums".to_owned(), piece(&SumsPiece { page: &page, sums: &sums })?),
                ("rows".to_owned(), piece(&Rows { page: &page, rows: &rows })?),
            ])
        }
    })
}

/// What the month has cost so far. It adds up all hours of the month, so a stream tells what was so when it began.
async fn spent(portal: &Portal, member: &Member) -> Result<String> {
    let prices = &portal.admin.plan_of(member.tenant.id).await?.prices;
    let month = portal.admin.month(member.tenant.id, prices, Timestamp::now()).await?;
    Ok(Money::of(&prices.currency).amount(month.cost))
}

/// A page of rows, and the sums of all indexes. What is asleep is known without asking anybody.
async fn look(portal: &Portal, member: &Member, from: u64, cost: String) -> Result<(Vec<Row>, Sums)> {
    let indexes = &portal.admin.0.metadata.indexes;
    let page = indexes.list(member.tenant.id, &[IndexPattern::all()], from, PAGE).await?;
    let searches = portal.admin.searches_now(member.tenant.id, &[IndexPattern::all()]).await?;
    let asked: Vec<_> = page.items.iter().map(|index| row(portal, index, searches.indexes.get(index.uid.as_str()))).collect();
    let rows: Vec<Row> = stream::iter(asked).buffered(PARALLEL).filter_map(async |row| row.ok()).collect().await;
    let mut sums = Sums {
        indexes: page.total,
        documents: 0,
        bytes: 0,
        ready: 0,
        wanted: 0,
        asleep: 0,
        traffic: Traffic::of(Some(&searches.all)),
        cost,
    };
    for row in &rows {
        sums.documents += row.documents;
        sums.bytes += row.bytes;
        sums.ready += row.ready;
        sums.asleep += u64::from(row.health == Health::Asleep);
        sums.wanted += if row.health == Health::Asleep { 0 } else { row.selected };
    }
    Ok((rows, sums))
}

async fn row(portal: &Portal, index: &Index, rate: Option<&Rate>) -> Result<Row> {
    let tasks = &portal.admin.0.metadata.tasks;
    let pending = tasks.pending(index.id).await?;
    let observed = if index.awake { observe(&portal.admin, index).await.ok() } else { None };
    let rebuilding = pending > 0 && {
        let filter = TaskFilter {
            statuses: Some(vec![TaskStatus::Enqueued, TaskStatus::Processing]),
            kinds: Some(vec![TaskKind::SettingsUpdate]),
            index_uids: Some(vec![index.uid.clone()]),
            ..TaskFilter::default()
        };
        tasks.list(index.tenant, &filter, &[IndexPattern::all()], None, 1, false).await?.total > 0
    };
    let (health, why) = judge(index, observed.as_ref(), rebuilding);
    let ready = observed.as_ref().map_or(0, ready);
    Ok(Row {
        uid: index.uid.to_string(),
        health,
        why,
        pending,
        documents: index.published.as_ref().map_or(0, |published| published.documents),
        bytes: index.published.as_ref().map_or(0, |published| published.stored_bytes),
        ready,
        selected: index.selection.replicas.into(),
        traffic: Traffic::of(rate),
        size: index.selection.size.clone(),
        updated_at: index.updated_at,
    })
}

/// Searchers that answer.
fn ready(observed: &Observed) -> u64 {
    let running =
        |container: &&onggi_domain::container::Container| container.role == Role::Searcher && container.status == ContainerStatus::Running;
    observed.containers.iter().filter(running).count() as u64
}

/// How an index is, and why if it is not well.
fn judge(index: &Index, observed: Option<&Observed>, rebuilding: bool) -> (Health, Option<String>) {
    if !index.awake {
        return (Health::Asleep, None);
    }
    let Some(observed) = observed else { return (Health::Unknown, None) };
    let failed = observed.containers.iter().find(|container| container.status == ContainerStatus::Failed);
    match observed.phase {
        IndexPhase::Asleep => (Health::Asleep, None),
        _ if failed.is_some() => (Health::Degraded, failed.and_then(|container| container.note.clone())),
        IndexPhase::Waking => (Health::Waking, None),
        IndexPhase::Awake if rebuilding => (Health::Rebuilding, None),
        IndexPhase::Awake if ready(observed) < u64::from(index.replicas_wanted()) => (Health::Degraded, None),
        IndexPhase::Awake => (Health::Awake, None),
    }
}

#[cfg(test)]
mod tests {
    use onggi_domain::{TenantId, container::Container, container::Selection};

    use super::*;

    fn searcher(status: ContainerStatus, note: Option<&str>) -> Container {
        Container {
            name: "s".to_owned(),
            role: Role::Searcher,
            status,
            generation: None,
            lag: None,
            cpu_seconds: None,
            memory_bytes: None,
            since: Timestamp::UNIX_EPOCH,
            note: note.map(str::to_owned),
        }
    }

    #[test]
    fn traffic_is_told_as_exactly_as_it_matters() {
        let told = |searches_per_minute, p50_ms, p99_ms| {
            let Traffic { per_minute, latency } = Traffic::of(Some(&Rate { searches_per_minute, p50_ms, p99_ms }));
            (per_minute, latency)
        };
        assert_eq!(told(0.0, None, None), ("0".to_owned(), "–".to_owned()));
        assert_eq!(told(1.44, Some(0.81), Some(12.0)), ("1.4".to_owned(), "0.8 / 12 ms".to_owned()));
        assert_eq!(told(123.4, None, None).0, "123");
    }

    #[test]
    fn the_state_of_an_index_follows_from_its_containers() {
        let selection = Selection { replicas: 2, ..Selection::new("small") };
        let index = Index::new(TenantId::generate(), "a".parse().unwrap(), None, selection, Timestamp::UNIX_EPOCH);
        let seen = |phase, containers| Observed { phase, wanted: None, containers, decisions: Vec::new() };
        let running = || searcher(ContainerStatus::Running, None);
        let two = seen(IndexPhase::Awake, vec![running(), running()]);
        assert_eq!(judge(&index, Some(&two), false), (Health::Awake, None));
        assert_eq!(judge(&index, Some(&two), true), (Health::Rebuilding, None));
        assert_eq!(judge(&index, Some(&seen(IndexPhase::Awake, vec![running()])), false).0, Health::Degraded);
        assert_eq!(judge(&index, Some(&seen(IndexPhase::Waking, vec![])), false).0, Health::Waking);
        let failed = seen(IndexPhase::Awake, vec![running(), searcher(ContainerStatus::Failed, Some("restarted 3 times"))]);
        assert_eq!(judge(&index, Some(&failed), false), (Health::Degraded, Some("restarted 3 times".to_owned())));
        assert_eq!(judge(&Index { awake: false, ..index.clone() }, None, false).0, Health::Asleep);
        assert_eq!(judge(&index, None, false).0, Health::Unknown);
    }
}
