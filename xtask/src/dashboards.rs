//! Dashboards and alerts name metrics that exist, and each alert what to do.

use std::{collections::BTreeSet, fs, path::Path};

fn files(directory: &Path, extension: &str, into: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, extension, into);
        } else if path.extension().is_some_and(|found| found == extension) {
            into.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// Names that begin with `onggi_` in the text and follow one of the marks.
fn names(text: &str, marks: &[&str]) -> BTreeSet<String> {
    let starts = marks.iter().flat_map(|mark| text.match_indices(mark).map(|(at, mark)| at + mark.len()));
    let name = |at: usize| text[at..].split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or_default().to_owned();
    starts.map(name).filter(|name| name.starts_with("onggi_")).collect()
}

/// A name without what Prometheus adds for a part of a histogram.
fn base(name: &str) -> &str {
    ["_bucket", "_count", "_sum"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
}

/// What services record. Workers are not among them: nobody but the gateway and the controller reaches them.
fn recorded() -> BTreeSet<String> {
    let mut sources = Vec::new();
    for directory in ["services", "crates"] {
        files(&crate::root().join(directory), "rs", &mut sources);
    }
    names(&sources.concat(), &["counter!(\"", "gauge!(\"", "histogram!(\""])
}

fn shown() -> String {
    let mut shown = Vec::new();
    files(&crate::root().join("deploy/helm/onggi/files"), "json", &mut shown);
    files(&crate::root().join("deploy/helm/onggi/files"), "yaml", &mut shown);
    shown.concat()
}

#[test]
fn every_metric_of_a_dashboard_or_an_alert_is_recorded_somewhere() {
    let recorded = recorded();
    assert!(recorded.len() > 15, "{recorded:?}");
    let shown: BTreeSet<String> = names(&shown(), &["(", " ", "\""]).iter().map(|name| base(name).to_owned()).collect();
    assert_eq!(shown.difference(&recorded).collect::<Vec<_>>(), Vec::<&String>::new(), "nothing records these");
}

#[test]
fn every_alert_has_a_summary_a_severity_and_a_part_of_the_operators_book() {
    let alerts = fs::read_to_string(crate::root().join("deploy/helm/onggi/files/alerts.yaml")).unwrap();
    let book = fs::read_to_string(crate::root().join("docs/operations.md")).unwrap();
    let anchors: BTreeSet<String> =
        book.lines().filter_map(|line| line.strip_prefix("### ")).map(|heading| heading.to_lowercase().replace(' ', "-")).collect();
    let mut count = 0;
    for alert in alerts.split("- alert: ").skip(1) {
        let runbook = alert.split("runbook: \"docs/operations.md#").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        assert!(anchors.contains(runbook), "docs/operations.md has no part `{runbook}`: {alert}");
        assert!(alert.contains("summary: \"") && (alert.contains("severity: page") || alert.contains("severity: ticket")), "{alert}");
        count += 1;
    }
    assert!(count >= 8, "{count}");
}
