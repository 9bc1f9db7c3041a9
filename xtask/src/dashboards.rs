//! Dashboards and alerts name metrics that exist.

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

#[test]
fn every_metric_of_a_dashboard_or_an_alert_is_recorded_somewhere() {
    let root = crate::root();
    let mut sources = Vec::new();
    for directory in ["services", "crates", "index-worker/src"] {
        files(&root.join(directory), "rs", &mut sources);
    }
    let recorded = names(&sources.concat(), &["counter!(\"", "gauge!(\"", "histogram!(\""]);
    assert!(recorded.len() > 10, "{recorded:?}");
    let mut shown = Vec::new();
    files(&root.join("deploy/helm/onggi/files"), "json", &mut shown);
    files(&root.join("deploy/helm/onggi/files"), "yaml", &mut shown);
    let shown = names(&shown.concat(), &["(", " ", "\""]);
    assert!(shown.len() > 5, "{shown:?}");
    for name in shown {
        let base = ["_bucket", "_count", "_sum"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(&name);
        assert!(recorded.contains(base), "nothing records {name}");
    }
}
