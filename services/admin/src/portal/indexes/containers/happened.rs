//! What happened to an index and its containers, in words: decisions of the controller, and tasks.

use onggi_domain::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::portal::page::Page;

/// The most that is shown.
const SHOWN: usize = 20;

/// A change of the number of searchers, as the API tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Decision {
    at: Timestamp,
    from: u32,
    to: u32,
    why: String,
}

/// A line of what happened.
pub(super) struct Event {
    pub(super) at: Timestamp,
    pub(super) icon: &'static str,
    /// The class of its icon.
    pub(super) tone: &'static str,
    pub(super) text: String,
    pub(super) more: String,
}

/// Everything in order, the newest first. `tasks` are those of `GET /tasks`.
pub(super) fn happened(page: &Page, decisions: &[Decision], tasks: &Value) -> Vec<Event> {
    let tasks = tasks["results"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut events: Vec<Event> = decisions.iter().map(|decision| decided(page, decision)).collect();
    events.extend(tasks.iter().filter_map(|task| done(page, task)));
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(SHOWN);
    events
}

fn decided(page: &Page, decision: &Decision) -> Event {
    let Decision { at, from, to, why } = decision;
    let (icon, text) = match (from, to) {
        (0, to) => ("sun", page.t1("containers.woke", to)),
        (_, 0) => ("moon", page.t("containers.slept").to_owned()),
        (from, to) if to > from => ("plus", page.t2("containers.grew", from, to)),
        (from, to) => ("box", page.t2("containers.shrank", from, to)),
    };
    Event { at: *at, icon, tone: "info", text, more: reason(page, why) }
}

/// Why: what the controller says often in the visitor's language, the rest as it says it.
fn reason(page: &Page, why: &str) -> String {
    let key = match why {
        "it was woken by a search or by its tenant" => "containers.why_woken",
        "nobody has searched for as long as it may be idle" => "containers.why_idle",
        "its tenant sent it to sleep" => "containers.why_sent",
        other => return other.to_owned(),
    };
    page.t(key).to_owned()
}

fn done(page: &Page, task: &Value) -> Option<Event> {
    let details = &task["details"];
    let count = |name: &str| page.number(&details[name].as_u64().unwrap_or(0));
    let (icon, text) = match task["type"].as_str()? {
        "documentAdditionOrUpdate" => ("file", page.t1("containers.documents_added", count("receivedDocuments"))),
        "documentDeletion" => match details["deletedDocuments"].as_u64() {
            Some(_) => ("trash", page.t1("containers.documents_deleted", count("deletedDocuments"))),
            None => ("trash", page.t("containers.documents_being_deleted").to_owned()),
        },
        "settingsUpdate" => ("gear", page.t("containers.settings_changed").to_owned()),
        "indexRollback" => ("clock", page.t("containers.rolled_back").to_owned()),
        "indexCreation" | "indexFork" => ("jar", page.t("containers.index_created").to_owned()),
        "indexUpdate" | "indexSwap" => ("language", page.t("containers.index_renamed").to_owned()),
        _ => return None,
    };
    let time = |name: &str| task[name].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let begun = time("enqueuedAt")?;
    let ended = time("finishedAt");
    let (tone, more) = match task["status"].as_str()? {
        "succeeded" => {
            let seconds = ended.map_or(0.0, |ended| ended.duration_since(begun).as_secs_f64());
            ("good", page.t1("containers.task_done", format!("{seconds:.1}")))
        }
        "failed" => ("bad", task["error"]["message"].as_str().unwrap_or_default().to_owned()),
        "canceled" => ("warn", page.t("containers.task_canceled").to_owned()),
        _ => ("info", page.t("containers.task_pending").to_owned()),
    };
    Some(Event { at: ended.unwrap_or(begun), icon, tone, text, more })
}
