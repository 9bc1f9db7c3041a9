//! What the documents claim, held against the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use onggi_domain::{Code, settings::SETTINGS};
use onggi_gateway::{ROUTES, openapi};

#[test]
fn the_api_is_described_with_the_parameters_that_the_engine_knows() {
    let [search, facet_search, documents, analyze] = onggi_engine::search::parameters();
    for (name, known) in [("Search", search), ("FacetSearch", facet_search), ("DocumentsQuery", documents), ("Analyze", analyze)] {
        let described: BTreeSet<&str> = openapi::fields_of(name).into_iter().collect();
        assert_eq!(described, known.into_iter().map(|(parameter, _)| parameter).collect(), "{name}");
    }
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// A row of docs/compatibility.md.
struct Row {
    /// What it is about, without the backticks.
    thing: String,
    verdict: String,
    /// Names of tests, and files seen from `docs`.
    tests: Vec<(String, String)>,
}

/// The rows below each heading.
fn compatibility() -> BTreeMap<String, Vec<Row>> {
    let text = std::fs::read_to_string(docs().join("compatibility.md")).unwrap();
    let mut sections: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut section);
        } else if line.starts_with('|') && !line.starts_with("| ---") && !line.starts_with("| Onggi | Meilisearch |") {
            // A `|` inside a cell is written `\|`.
            let cells: Vec<String> = line.replace("\\|", "\u{0}").split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect();
            assert_eq!(cells.len(), 5, "three columns: {line}");
            let tests = cells[3].split("](").collect::<Vec<_>>();
            let tests = tests.windows(2).map(|pair| {
                let name = pair[0].rsplit('[').next().unwrap();
                (name.to_owned(), pair[1].split(')').next().unwrap().to_owned())
            });
            let row = Row { thing: cells[1].replace('`', ""), verdict: cells[2].clone(), tests: tests.collect() };
            sections.entry(section.clone()).or_default().push(row);
        }
    }
    sections
}

#[test]
fn every_row_of_the_compatibility_table_has_a_verdict_and_a_test_that_exists() {
    let mut sources: BTreeMap<String, String> = BTreeMap::new();
    for (section, rows) in compatibility() {
        for Row { thing, verdict, tests } in rows {
            let place = format!("{section}: {thing}");
            let reasoned = ["differs: ", "not offered: "].iter().any(|kind| verdict.strip_prefix(kind).is_some_and(|why| !why.is_empty()));
            assert!(verdict.starts_with("same") || verdict == "added" || reasoned, "{place}: {verdict}");
            assert!(!tests.is_empty(), "{place} has no test");
            for (name, file) in tests {
                let source = sources.entry(file.clone()).or_insert_with(|| {
                    std::fs::read_to_string(docs().join(&file)).unwrap_or_else(|error| panic!("{place}: {file}: {error}"))
                });
                assert!(source.contains(&format!("fn {name}(")), "{place}: there is no test {name} in {file}");
            }
        }
    }
}

#[test]
fn every_route_parameter_setting_and_error_code_is_in_the_compatibility_table() {
    let sections = compatibility();
    let things = |section: &str| -> BTreeSet<String> {
        let rows = sections.get(section).unwrap_or_else(|| panic!("docs/compatibility.md has no section {section}"));
        rows.iter().map(|row| row.thing.clone()).collect()
    };
    let [search, facet_search, documents, _] = onggi_engine::search::parameters();
    let names = |parameters: Vec<(&str, Code)>| parameters.into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    for (section, known) in [
        ("Routes", ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect()),
        ("Search parameters", names(search)),
        ("Facet search parameters", names(facet_search)),
        ("Document parameters", names(documents)),
        ("Settings", SETTINGS.iter().map(|(name, ..)| (*name).to_owned()).collect()),
        ("Error codes", Code::ALL.iter().map(|code| code.as_str().to_owned()).collect()),
    ] {
        let there = things(section);
        let missing: Vec<&String> = known.iter().filter(|name| !there.contains(*name)).collect();
        assert!(missing.is_empty(), "{section} lacks {missing:?}");
        let known: BTreeSet<&String> = known.iter().collect();
        if matches!(section, "Routes" | "Error codes") {
            let gone: Vec<&String> = there.iter().filter(|name| !known.contains(name)).collect();
            assert!(gone.is_empty(), "{section} has what is not there any more: {gone:?}");
        }
    }
}
