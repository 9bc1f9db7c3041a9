//! Two generations side by side: documents, settings, attributes, and what a query finds. Only the newest one can be searched; another one can when it is
//! forked to an index of its own, and then both answer.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use onggi_domain::{Generation, Timestamp, generation::Manifest, key::IndexPattern};
use serde::Deserialize;

use super::{
    super::{
        super::{
            Portal,
            failure::Result,
            page::{Page, Section, html},
            texts::Language,
            visit::Member,
        },
        IndexPlace, index,
    },
    TAB,
    difference::{self, FieldChange, SettingChange},
    require,
    timeline::{Written, cause, difference as grown},
};

/// Generations between the two whose tasks are added up.
const BETWEEN: u64 = 200;
/// Indexes that are offered to search beside.
const INDEXES: u64 = 200;
/// Queries that are offered, those that are asked most.
const QUERIES: u64 = 5;

#[derive(Deserialize)]
pub(super) struct Asked {
    a: Option<u64>,
    b: Option<u64>,
    /// The index that is searched beside.
    with: Option<String>,
}

/// One of the two.
struct Side {
    number: u64,
    created_at: Timestamp,
    documents: u64,
    bytes: u64,
    fields: usize,
    cause: Option<String>,
    current: bool,
}

impl Side {
    fn new(language: Language, manifest: &Manifest, current: Option<Generation>) -> Self {
        Self {
            number: manifest.generation.0,
            created_at: manifest.created_at,
            documents: manifest.state.documents,
            bytes: manifest.files.iter().map(|file| file.size).sum(),
            fields: manifest.state.fields.len(),
            cause: cause(language, &manifest.cause),
            current: current == Some(manifest.generation),
        }
    }
}

/// Documents that came and went between the two.
#[derive(Debug, PartialEq, Eq)]
struct Documents {
    added: u64,
    deleted: u64,
    replaced: u64,
}

impl Documents {
    /// What tasks sent and deleted, and by how many documents the two differ. `None` where that does not tell it.
    fn between(before: u64, after: u64, written: &Written) -> Option<Self> {
        let added = (after + written.deleted).checked_sub(before)?;
        Some(Self { added, deleted: written.deleted, replaced: written.sent.checked_sub(added)? })
    }
}

struct Two {
    older: Side,
    newer: Side,
    grown: String,
    /// `None`: that is not known.
    documents: Option<Documents>,
    settings: Vec<SettingChange>,
    fields: Vec<FieldChange>,
}

#[derive(Template)]
#[template(path = "generations_compare.html")]
struct ComparePage {
    page: Page,
    index: IndexPlace,
    kept: Vec<u64>,
    two: Option<Two>,
    indexes: Vec<String>,
    with: String,
    queries: String,
    primary_key: String,
    /// The one of the two that is not served: it can be forked.
    old: Option<u64>,
}

pub(super) async fn show(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    require(&member)?;
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let index = index(&portal, &member, &uid).await?;
    let kept = portal.admin.generations(&index).await?;
    let current = index.published.as_ref().map(|published| published.generation);
    let number =
        |asked: Option<u64>, at: usize| asked.map(Generation).filter(|number| kept.contains(number)).or_else(|| kept.get(at).copied());
    let pair = number(asked.b, 0).zip(number(asked.a, 1));
    let two = match pair {
        Some((one, other)) => {
            let (older, newer) = (one.min(other), one.max(other));
            let (before, after) = (portal.admin.manifest(&index, older).await?, portal.admin.manifest(&index, newer).await?);
            let between: Vec<Generation> =
                if newer.0 - older.0 > BETWEEN { Vec::new() } else { (older.0 + 1..=newer.0).map(Generation).collect() };
            let wanted = between.len();
            let manifests = portal.admin.manifests(&index, between).await?;
            let whole = manifests.len() == wanted && (wanted > 0 || older == newer);
            let written = if whole { Written::by(&manifests) } else { None };
            Some(compared(member.visit.language, &before, &after, current, written.as_ref()))
        }
        None => None,
    };
    let indexes = portal.admin.0.metadata.indexes.list(member.tenant.id, &[IndexPattern::all()], 0, INDEXES).await?.items;
    let old = two.iter().flat_map(|two| [&two.older, &two.newer]).find(|side| !side.current).map(|side| side.number);
    html(&ComparePage {
        queries: queries(&portal, &member, &place.uid).await,
        page: Page::tenant(&member, Section::Overview),
        kept: kept.iter().map(|number| number.0).collect(),
        two,
        indexes: indexes.iter().map(|index| index.uid.to_string()).filter(|uid| *uid != place.uid).collect(),
        with: asked.with.unwrap_or_default(),
        primary_key: index.primary_key.clone().unwrap_or_default(),
        old,
        index: place,
    })
}

fn compared(language: Language, before: &Manifest, after: &Manifest, current: Option<Generation>, written: Option<&Written>) -> Two {
    let (old, new) = (before.state.documents, after.state.documents);
    Two {
        older: Side::new(language, before, current),
        newer: Side::new(language, after, current),
        grown: grown(language, old, new),
        documents: written.and_then(|written| Documents::between(old, new, written)),
        settings: difference::settings(&before.state.settings, &after.state.settings),
        fields: difference::fields(before, after),
    }
}

/// What people search for most, one a line; nothing where that is not known.
async fn queries(portal: &Portal, member: &Member, uid: &str) -> String {
    let answer = portal.get(member, &format!("/indexes/{uid}/analytics?limit={QUERIES}")).await;
    let top = answer.ok().and_then(|answer| answer["top"].as_array().cloned()).unwrap_or_default();
    let queries = top.iter().filter_map(|entry| entry["query"].as_str()).filter(|query| !query.trim().is_empty());
    queries.map(|query| query.replace('\n', " ")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_came_and_went_follow_from_tasks_and_sums() {
        let written = |sent, deleted| Written { sent, deleted };
        assert_eq!(Documents::between(10, 14, &written(9, 2)), Some(Documents { added: 6, deleted: 2, replaced: 3 }));
        assert_eq!(Documents::between(10, 10, &written(0, 0)), Some(Documents { added: 0, deleted: 0, replaced: 0 }));
        assert_eq!(Documents::between(10, 4, &written(0, 3)), None, "more are gone than tasks deleted");
        assert_eq!(Documents::between(10, 14, &written(1, 0)), None, "more came than tasks sent");
    }
}
