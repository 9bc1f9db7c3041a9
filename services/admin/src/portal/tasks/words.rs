//! Tasks in words: what one does, and what it did.

use onggi_domain::task::{TaskDetails, TaskKind, TaskStatus};
use serde_json::Value;

use super::super::texts::Language;

/// Settings that are named; more are counted.
const NAMED: usize = 4;

/// What a task does.
pub(crate) fn kind(language: Language, kind: TaskKind) -> &'static str {
    language.text(match kind {
        TaskKind::DocumentAdditionOrUpdate => "tasks.kind_addition",
        TaskKind::DocumentEdition => "tasks.kind_edition",
        TaskKind::DocumentDeletion => "tasks.kind_deletion",
        TaskKind::SettingsUpdate => "tasks.kind_settings",
        TaskKind::IndexCreation => "tasks.kind_index_creation",
        TaskKind::IndexUpdate => "tasks.kind_index_update",
        TaskKind::IndexDeletion => "tasks.kind_index_deletion",
        TaskKind::IndexSwap => "tasks.kind_swap",
        TaskKind::TaskCancelation => "tasks.kind_cancelation",
        TaskKind::TaskDeletion => "tasks.kind_task_deletion",
        TaskKind::DumpCreation => "tasks.kind_dump",
        TaskKind::SnapshotCreation => "tasks.kind_snapshot",
        TaskKind::Export => "tasks.kind_export",
        TaskKind::UpgradeDatabase | TaskKind::NetworkTopologyChange => "tasks.kind_other",
        TaskKind::IndexCompaction => "tasks.kind_compaction",
        TaskKind::IndexRollback => "tasks.kind_rollback",
        TaskKind::IndexFork => "tasks.kind_fork",
    })
}

/// How far a task is, and the class of its badge.
pub(crate) fn status(language: Language, status: TaskStatus) -> (&'static str, &'static str) {
    let (key, tone) = match status {
        TaskStatus::Enqueued => ("tasks.status_enqueued", ""),
        TaskStatus::Processing => ("tasks.status_processing", "info"),
        TaskStatus::Succeeded => ("tasks.status_succeeded", "good"),
        TaskStatus::Failed => ("tasks.status_failed", "bad"),
        TaskStatus::Canceled => ("tasks.status_canceled", "warn"),
    };
    (language.text(key), tone)
}

/// What a task did, by its numbers; empty: there is nothing to say beside what it is.
pub(crate) fn details(language: Language, kind: TaskKind, details: &TaskDetails) -> String {
    let number = |name: &str| details.get(name).and_then(Value::as_u64);
    let shown = |name: &str| number(name).map(|number| language.number(number));
    let text = |name: &str| details.get(name).and_then(Value::as_str).unwrap_or_default();
    let said = |key: &str, value: Option<String>| value.map_or_else(String::new, |value| language.text_with(key, &[&value]));
    match kind {
        TaskKind::DocumentAdditionOrUpdate => match (number("receivedDocuments"), number("indexedDocuments")) {
            (Some(received), Some(indexed)) if received != indexed => {
                language.text_with("tasks.did_index_of", &[&language.number(indexed), &language.number(received)])
            }
            (Some(received), Some(_)) => language.text_with("tasks.did_index", &[&language.number(received)]),
            (Some(received), None) => language.text_with("tasks.did_receive", &[&language.number(received)]),
            _ => String::new(),
        },
        TaskKind::DocumentDeletion => {
            let count = said("tasks.did_delete", shown("deletedDocuments"));
            let filter = Some(text("originalFilter")).filter(|filter| !filter.is_empty()).map(str::to_owned);
            join(&[count, said("tasks.by_filter", filter)])
        }
        TaskKind::SettingsUpdate => {
            let names: Vec<&str> = details.keys().map(String::as_str).collect();
            let more = names.len().saturating_sub(NAMED);
            let named = names[..names.len() - more].join(", ");
            if more > 0 { language.text_with("tasks.and_more", &[&named, &more]) } else { named }
        }
        TaskKind::IndexDeletion => said("tasks.did_delete", shown("deletedDocuments")),
        TaskKind::IndexCreation | TaskKind::IndexUpdate => {
            let renamed = match (text("oldIndexUid"), text("newIndexUid")) {
                ("", _) | (_, "") => String::new(),
                (old, new) => format!("{old} → {new}"),
            };
            let primary_key = Some(text("primaryKey")).filter(|key| !key.is_empty()).map(str::to_owned);
            join(&[renamed, said("tasks.primary_key", primary_key)])
        }
        TaskKind::IndexSwap => swaps(details),
        TaskKind::TaskCancelation => said("tasks.did_cancel", shown("canceledTasks").or_else(|| shown("matchedTasks"))),
        TaskKind::TaskDeletion => said("tasks.did_delete_tasks", shown("deletedTasks")),
        TaskKind::DumpCreation | TaskKind::SnapshotCreation => text("dumpUid").to_owned(),
        TaskKind::IndexRollback => said("tasks.to_generation", shown("generation")),
        TaskKind::IndexFork => match number("generation") {
            Some(generation) => language.text_with("tasks.from_generation", &[&text("source"), &generation]),
            None => text("source").to_owned(),
        },
        TaskKind::DocumentEdition
        | TaskKind::Export
        | TaskKind::UpgradeDatabase
        | TaskKind::IndexCompaction
        | TaskKind::NetworkTopologyChange => String::new(),
    }
}

fn join(parts: &[String]) -> String {
    parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn swaps(details: &TaskDetails) -> String {
    let pair = |swap: &Value| {
        let sign = if swap["rename"].as_bool() == Some(true) { "→" } else { "↔" };
        Some(format!("{} {sign} {}", swap["indexes"][0].as_str()?, swap["indexes"][1].as_str()?))
    };
    let swaps = details.get("swaps").and_then(Value::as_array);
    swaps.into_iter().flatten().filter_map(pair).collect::<Vec<_>>().join(", ")
}

/// A time that something took.
pub(crate) fn took(language: Language, seconds: f64) -> String {
    match seconds {
        ..1.0 => language.text_with("tasks.milliseconds", &[&((seconds * 1000.0).round() as u64)]),
        ..60.0 => language.text_with("tasks.seconds", &[&format!("{seconds:.1}")]),
        _ => language.text_with("tasks.minutes", &[&((seconds / 60.0) as u64), &((seconds % 60.0) as u64)]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(task: TaskKind, numbers: Value) -> String {
        let Value::Object(numbers) = numbers else { panic!("details are an object") };
        details(Language::En, task, &numbers)
    }

    #[test]
    fn what_a_task_did_is_told_in_words() {
        for (task, numbers, text) in [
            (TaskKind::DocumentAdditionOrUpdate, json!({"receivedDocuments": 1200, "indexedDocuments": 1200}), "1,200 indexed"),
            (TaskKind::DocumentAdditionOrUpdate, json!({"receivedDocuments": 2, "indexedDocuments": 0}), "0 of 2 indexed"),
            (TaskKind::DocumentAdditionOrUpdate, json!({"receivedDocuments": 2, "indexedDocuments": null}), "2 received"),
            (TaskKind::DocumentDeletion, json!({"deletedDocuments": 3, "originalFilter": "a = 1"}), "3 deleted, by the filter a = 1"),
            (TaskKind::SettingsUpdate, json!({"stopWords": [], "synonyms": null}), "stopWords, synonyms"),
            (TaskKind::SettingsUpdate, json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}), "a, b, c, d and 2 more"),
            (TaskKind::IndexSwap, json!({"swaps": [{"indexes": ["a", "b"], "rename": false}]}), "a ↔ b"),
            (TaskKind::IndexRollback, json!({"generation": 7}), "to generation 7"),
            (TaskKind::IndexFork, json!({"source": "jars", "generation": 7}), "from generation 7 of jars"),
            (TaskKind::IndexCompaction, json!({}), ""),
        ] {
            assert_eq!(told(task, numbers.clone()), text, "{numbers}");
        }
    }

    #[test]
    fn every_kind_and_status_has_a_name_in_every_language() {
        for language in Language::ALL {
            assert!(TaskKind::ALL.iter().all(|task| kind(language, *task) != "…"));
            assert!(TaskStatus::ALL.iter().all(|task| status(language, *task).0 != "…"));
        }
    }

    #[test]
    fn durations_are_as_exact_as_they_are_short() {
        for (seconds, text) in [(0.0123, "12 ms"), (1.25, "1.2 s"), (61.0, "1 min 1 s")] {
            assert_eq!(took(Language::En, seconds), text);
        }
    }
}
