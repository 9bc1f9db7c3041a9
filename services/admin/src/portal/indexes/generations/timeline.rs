//! The time line: each generation with when it came, what it holds, which tasks and settings made it, and who serves it.

use std::collections::BTreeMap;

use askama::Template;
use onggi_domain::{
    Generation, TaskUid, Timestamp,
    container::{ContainerStatus, Role},
    generation::{Cause, Manifest, TaskOutcome, TaskResult},
    index::Index,
    task::{TaskKind, TaskStatus},
};

use super::super::{
    super::{Portal, failure::Result, page::Page, tasks::words, texts::Language, visit::Member},
    IndexPlace,
};
use crate::containers::observe;

/// Generations on a page.
const PAGE: usize = 25;
/// Tasks of a generation that are named; more are counted.
const NAMED: usize = 5;

#[derive(Template)]
#[template(path = "generations.html")]
pub(super) struct TimelinePage {
    pub(super) page: Page,
    pub(super) index: IndexPlace,
    pub(super) line: Line,
}

#[derive(Template)]
#[template(path = "generations_newer.html")]
pub(super) struct NewerPiece<'a> {
    pub(super) page: &'a Page,
    pub(super) newest: Option<u64>,
    pub(super) path: &'a str,
}

/// A part of the time line, newest first.
pub(super) struct Line {
    pub(super) entries: Vec<Entry>,
    /// The newest generation of all.
    pub(super) newest: u64,
    /// The older ones begin below this one.
    pub(super) older: Option<u64>,
    /// Whether this is not the beginning.
    pub(super) later: bool,
}

pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) created_at: Timestamp,
    pub(super) documents: u64,
    /// How many documents more or fewer than in the one before.
    pub(super) grown: String,
    pub(super) bytes: u64,
    /// Why it is there, if not by writes.
    pub(super) cause: Option<String>,
    pub(super) current: bool,
    /// Searchers that answer from it, where there are several generations at once.
    pub(super) serving: u64,
    /// The settings that are others than before.
    pub(super) settings: Vec<&'static str>,
    pub(super) tasks: Vec<TaskLine>,
    pub(super) more_tasks: usize,
    /// The one before, to compare with.
    pub(super) before: Option<u64>,
}

pub(super) struct TaskLine {
    pub(super) uid: TaskUid,
    pub(super) what: &'static str,
    pub(super) details: String,
    /// Its status, if it did not succeed.
    pub(super) status: Option<(&'static str, &'static str)>,
}

impl TaskLine {
    pub(super) fn new(language: Language, outcome: &TaskOutcome) -> Self {
        let status = match outcome.result {
            TaskResult::Succeeded => None,
            TaskResult::Failed { .. } => Some(TaskStatus::Failed),
            TaskResult::Canceled { .. } => Some(TaskStatus::Canceled),
        };
        Self {
            uid: outcome.task,
            what: words::kind(language, outcome.kind),
            details: words::details(language, outcome.kind, &outcome.details),
            status: status.map(|status| words::status(language, status)),
        }
    }
}

/// The time line below a generation, or from the newest one on.
pub(super) async fn look(portal: &Portal, member: &Member, index: &Index, before: Option<Generation>) -> Result<Line> {
    let kept = portal.admin.generations(index).await?;
    let newest = kept.first().map_or(0, |generation| generation.0);
    let below = |generation: &Generation| before.is_none_or(|before| *generation < before);
    // One more, which the last one is compared with.
    let numbers: Vec<Generation> = kept.into_iter().filter(below).take(PAGE + 1).collect();
    let manifests = portal.admin.manifests(index, numbers).await?;
    let serving = serving(portal, index).await;
    let current = index.published.as_ref().map(|published| published.generation);
    let language = member.visit.language;
    let shown = manifests.len().min(PAGE);
    let entry = |at: usize| entry(language, &manifests[at], manifests.get(at + 1), current, &serving);
    let entries: Vec<Entry> = (0..shown).map(entry).collect();
    let older = (manifests.len() > PAGE).then(|| manifests[PAGE - 1].generation.0);
    Ok(Line { entries, newest, older, later: before.is_some() })
}

/// How many searchers answer from which generation. What cannot be asked now is not told.
async fn serving(portal: &Portal, index: &Index) -> BTreeMap<Generation, u64> {
    let mut serving = BTreeMap::new();
    if !index.awake {
        return serving;
    }
    for container in observe(&portal.admin, index).await.map(|observed| observed.containers).unwrap_or_default() {
        if let (Role::Searcher, ContainerStatus::Running, Some(generation)) = (container.role, container.status, container.generation) {
            *serving.entry(generation).or_default() += 1;
        }
    }
    serving
}

fn entry(
    language: Language,
    manifest: &Manifest,
    before: Option<&Manifest>,
    current: Option<Generation>,
    serving: &BTreeMap<Generation, u64>,
) -> Entry {
    let state = &manifest.state;
    Entry {
        number: manifest.generation.0,
        created_at: manifest.created_at,
        documents: state.documents,
        grown: before.map(|before| difference(language, before.state.documents, state.documents)).unwrap_or_default(),
        bytes: manifest.files.iter().map(|file| file.size).sum(),
        cause: cause(language, &manifest.cause),
        current: current == Some(manifest.generation),
        serving: serving.get(&manifest.generation).copied().unwrap_or_default(),
        settings: before.map(|before| before.state.settings.changed(&state.settings)).unwrap_or_default(),
        tasks: manifest.outcomes.iter().rev().take(NAMED).map(|outcome| TaskLine::new(language, outcome)).collect(),
        more_tasks: manifest.outcomes.len().saturating_sub(NAMED),
        before: before.map(|before| before.generation.0),
    }
}

/// `+1,200`, `−3`, or nothing.
pub(super) fn difference(language: Language, before: u64, after: u64) -> String {
    match after.cmp(&before) {
        std::cmp::Ordering::Equal => String::new(),
        std::cmp::Ordering::Greater => format!("+{}", language.number(after - before)),
        std::cmp::Ordering::Less => format!("−{}", language.number(before - after)),
    }
}

/// Why a generation is there, if not by writes.
pub(super) fn cause(language: Language, cause: &Cause) -> Option<String> {
    match cause {
        Cause::Fold => None,
        Cause::Rollback { to } => Some(language.text_with("generations.cause_rollback", &[to])),
        Cause::Fork { generation, .. } => Some(language.text_with("generations.cause_fork", &[generation])),
    }
}

/// What tasks did to documents, added up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    /// Documents that were sent.
    pub(super) sent: u64,
    /// Documents that were deleted.
    pub(super) deleted: u64,
}

impl Written {
    /// By the tasks of these generations; `None`: one of them went back to an earlier state, which no task counts.
    pub(super) fn by(manifests: &[Manifest]) -> Option<Self> {
        let mut written = Self::default();
        for manifest in manifests {
            if manifest.cause != Cause::Fold {
                return None;
            }
            for outcome in manifest.outcomes.iter().filter(|outcome| outcome.result == TaskResult::Succeeded) {
                let number = |name: &str| outcome.details.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
                match outcome.kind {
                    TaskKind::DocumentAdditionOrUpdate => written.sent += number("indexedDocuments"),
                    TaskKind::DocumentDeletion => written.deleted += number("deletedDocuments"),
                    TaskKind::IndexRollback => return None,
                    _ => {}
                }
            }
        }
        Some(written)
    }
}

#[cfg(test)]
mod tests {
    use onggi_domain::{
        Seq,
        generation::{IndexState, MANIFEST_FORMAT},
        settings::Settings,
    };
    use serde_json::json;

    use super::*;

    fn manifest(number: u64, documents: u64, cause: Cause, tasks: &[(TaskKind, serde_json::Value)]) -> Manifest {
        let outcome = |(kind, details): &(TaskKind, serde_json::Value)| TaskOutcome {
            task: TaskUid(1),
            seq: Seq(1),
            kind: *kind,
            result: TaskResult::Succeeded,
            details: details.as_object().cloned().unwrap_or_default(),
            enqueued_at: Timestamp::UNIX_EPOCH,
            started_at: Timestamp::UNIX_EPOCH,
        };
        Manifest {
            format: MANIFEST_FORMAT,
            generation: Generation(number),
            committed_seq: None,
            nonce: 1,
            created_at: Timestamp::UNIX_EPOCH,
            cause,
            files: Vec::new(),
            state: IndexState { documents, ..IndexState::empty(Settings::default(), None) },
            outcomes: tasks.iter().map(outcome).collect(),
        }
    }

    #[test]
    fn an_entry_is_told_by_what_is_other_than_before() {
        let before = manifest(1, 5, Cause::Fold, &[]);
        let added = (TaskKind::DocumentAdditionOrUpdate, json!({"receivedDocuments": 3, "indexedDocuments": 3}));
        let mut after = manifest(2, 8, Cause::Fold, &[added]);
        after.state.settings.facet_search = false;
        let told = entry(Language::En, &after, Some(&before), Some(Generation(2)), &BTreeMap::from([(Generation(2), 3)]));
        assert_eq!((told.grown.as_str(), told.current, told.serving, told.before), ("+3", true, 3, Some(1)));
        assert_eq!(told.settings, ["facetSearch"]);
        assert_eq!((told.tasks[0].details.as_str(), told.tasks[0].status), ("3 indexed", None));
        assert_eq!(difference(Language::En, 5, 3), "−2");
        assert_eq!(difference(Language::En, 5, 5), "");
    }

    #[test]
    fn what_was_written_is_added_up_unless_the_index_went_back() {
        let add = |documents| (TaskKind::DocumentAdditionOrUpdate, json!({"indexedDocuments": documents}));
        let delete = (TaskKind::DocumentDeletion, json!({"deletedDocuments": 2}));
        let folds = [manifest(2, 8, Cause::Fold, &[add(5)]), manifest(3, 6, Cause::Fold, &[delete, add(1)])];
        assert_eq!(Written::by(&folds), Some(Written { sent: 6, deleted: 2 }));
        let back = [manifest(4, 5, Cause::Rollback { to: Generation(1) }, &[])];
        assert_eq!(Written::by(&back), None);
    }
}
