//! A page of tasks: which are asked for, and each as a row.

use onggi_domain::{
    IndexUid, TaskUid, Timestamp,
    key::{Action, IndexPattern},
    task::{Task, TaskFilter, TaskKind, TaskStatus},
};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    super::{
        Portal,
        failure::{Failure, Result},
        texts::Language,
        visit::Member,
    },
    DAY, ago, words,
};

/// Tasks on a page.
const PAGE: u64 = 30;
/// Indexes that are offered to filter by.
const INDEXES: u64 = 200;
/// Kinds that are offered to filter by: those that there can be.
const KINDS: [TaskKind; 13] = [
    TaskKind::DocumentAdditionOrUpdate,
    TaskKind::DocumentDeletion,
    TaskKind::SettingsUpdate,
    TaskKind::IndexCreation,
    TaskKind::IndexUpdate,
    TaskKind::IndexDeletion,
    TaskKind::IndexSwap,
    TaskKind::IndexRollback,
    TaskKind::IndexFork,
    TaskKind::TaskCancelation,
    TaskKind::TaskDeletion,
    TaskKind::DumpCreation,
    TaskKind::SnapshotCreation,
];

/// What the query of the page asks for. What makes no sense is as if it were not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    status: String,
    kind: String,
    index: String,
    since: String,
    /// The newest task of the page.
    from: String,
}

impl Asked {
    fn status(&self) -> Option<TaskStatus> {
        TaskStatus::from_name(&self.status)
    }

    fn kind(&self) -> Option<TaskKind> {
        TaskKind::from_name(&self.kind)
    }

    fn since(&self) -> Option<Timestamp> {
        let seconds = match self.since.as_str() {
            "hour" => 3600,
            "day" => DAY,
            "week" => 7 * DAY,
            _ => return None,
        };
        ago(seconds)
    }

    fn start(&self) -> Option<TaskUid> {
        self.from.parse().ok()
    }

    fn is_filtered(&self) -> bool {
        [&self.status, &self.kind, &self.index, &self.since].into_iter().any(|text| !text.is_empty())
    }

    /// The same as a query, from another task on.
    fn query(&self, from: Option<TaskUid>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("status", &self.status), ("kind", &self.kind), ("index", &self.index), ("since", &self.since)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(from) = from {
            query.append_pair("from", &from.to_string());
        }
        query.finish()
    }
}

/// Where the list is: of the tenant, or of one index.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) index: Option<String>,
}

impl Place {
    pub(super) fn tenant(member: &Member) -> Self {
        Self { path: member.href("/tasks"), index: None }
    }

    pub(super) fn index(member: &Member, uid: &str) -> Self {
        Self { path: member.href(&format!("/i/{uid}/tasks")), index: Some(uid.to_owned()) }
    }
}

/// One of several in a list of choices.
pub(super) struct Choice {
    pub(super) value: &'static str,
    pub(super) text: &'static str,
    pub(super) chosen: bool,
}

/// A task as a row shows it.
pub(super) struct Row {
    pub(super) uid: TaskUid,
    pub(super) index: Option<String>,
    pub(super) what: &'static str,
    pub(super) details: String,
    pub(super) error: Option<String>,
    pub(super) status: &'static str,
    pub(super) tone: &'static str,
    pub(super) took: String,
    pub(super) accepted: Timestamp,
    /// Whether it can still be canceled.
    pub(super) open: bool,
}

impl Row {
    pub(super) fn new(language: Language, task: &Task) -> Self {
        let (status, tone) = words::status(language, task.status);
        let took = task.started_at.zip(task.finished_at).map(|(start, end)| end.duration_since(start).as_secs_f64().max(0.0));
        Self {
            uid: task.uid,
            index: task.index_uid.as_ref().map(ToString::to_string),
            what: words::kind(language, task.kind),
            details: words::details(language, task.kind, &task.details),
            error: task.error.as_ref().map(|error| error.message.clone()),
            status,
            tone,
            took: took.map(|seconds| words::took(language, seconds)).unwrap_or_default(),
            accepted: task.enqueued_at,
            open: !task.status.is_final() && task.kind != TaskKind::TaskCancelation,
        }
    }
}

/// A page of the list.
pub(super) struct ListView {
    pub(super) path: String,
    /// Where its changes are told.
    pub(super) events: String,
    pub(super) in_index: bool,
    pub(super) rows: Vec<Row>,
    pub(super) total: u64,
    /// The tasks after these.
    pub(super) older: Option<String>,
    /// The first page, seen from another.
    pub(super) newest: Option<String>,
    pub(super) filtered: bool,
    pub(super) statuses: Vec<Choice>,
    pub(super) kinds: Vec<Choice>,
    pub(super) sinces: Vec<Choice>,
    pub(super) indexes: Vec<String>,
    pub(super) index: String,
}

impl ListView {
    pub(super) async fn of(portal: &Portal, member: &Member, asked: &Asked, place: Place) -> Result<Self> {
        if !member.may(Action::TasksGet) {
            return Err(Failure::Forbidden);
        }
        let language = member.visit.language;
        let wanted = place.index.as_deref().or(Some(asked.index.as_str()).filter(|index| !index.is_empty()));
        let uid: Option<IndexUid> = wanted.and_then(|uid| uid.parse().ok());
        let filter = TaskFilter {
            statuses: asked.status().map(|status| vec![status]),
            kinds: asked.kind().map(|kind| vec![kind]),
            // A name that no index can have has no tasks.
            index_uids: wanted.map(|_| uid.into_iter().collect()),
            after_enqueued_at: asked.since(),
            ..TaskFilter::default()
        };
        let tasks = &portal.admin.0.metadata.tasks;
        let everything = [IndexPattern::all()];
        let found = tasks.list(member.tenant.id, &filter, &everything, asked.start(), PAGE + 1, false).await?;
        let (shown, rest) = found.items.split_at(found.items.len().min(PAGE as usize));
        let indexes = match place.index {
            Some(_) => Vec::new(),
            None => portal.admin.0.metadata.indexes.list(member.tenant.id, &everything, 0, INDEXES).await?.items,
        };
        let link = |from| {
            let query = asked.query(from);
            if query.is_empty() { place.path.clone() } else { format!("{}?{query}", place.path) }
        };
        let since = |value, key| Choice { value, text: language.text(key), chosen: asked.since == value };
        Ok(Self {
            events: format!("{}/events?{}", place.path, asked.query(asked.start())),
            in_index: place.index.is_some(),
            rows: shown.iter().map(|task| Row::new(language, task)).collect(),
            total: found.total,
            older: rest.first().map(|task| link(Some(task.uid))),
            newest: asked.start().map(|_| link(None)),
            filtered: asked.is_filtered(),
            statuses: TaskStatus::ALL
                .iter()
                .map(|status| Choice {
                    value: status.as_str(),
                    text: words::status(language, *status).0,
                    chosen: asked.status() == Some(*status),
                })
                .collect(),
            kinds: KINDS
                .iter()
                .map(|kind| Choice { value: kind.as_str(), text: words::kind(language, *kind), chosen: asked.kind() == Some(*kind) })
                .collect(),
            sinces: vec![since("hour", "tasks.since_hour"), since("day", "tasks.since_day"), since("week", "tasks.since_week")],
            indexes: indexes.iter().map(|index| index.uid.to_string()).collect(),
            index: asked.index.clone(),
            path: place.path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_goes_along_from_page_to_page() {
        let asked = Asked { status: "failed".to_owned(), index: "a&b".to_owned(), ..Asked::default() };
        assert_eq!(asked.query(Some(TaskUid(7))), "status=failed&index=a%26b&from=7");
        assert!(asked.is_filtered() && !Asked::default().is_filtered());
        assert_eq!(Asked::default().query(None), "");
    }

    #[test]
    fn what_makes_no_sense_filters_nothing() {
        let asked =
            Asked { status: "x".to_owned(), kind: "y".to_owned(), since: "z".to_owned(), from: "-1".to_owned(), ..Asked::default() };
        assert_eq!((asked.status(), asked.kind(), asked.since(), asked.start()), (None, None, None, None));
    }
}
