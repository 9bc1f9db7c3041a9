//! *Generations* of an index: a time line of what is kept, two of them compared, going back to one, and copying one to a new index.

mod compare;
mod difference;
mod steps;
mod timeline;

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use onggi_domain::{Generation, key::Action};
use serde::Deserialize;

use self::timeline::{NewerPiece, TimelinePage};
use super::{
    super::{
        Portal,
        failure::{Failure, Result},
        live,
        page::{Page, Section, html, piece},
        visit::Member,
    },
    IndexPlace, index,
};

/// The name of the tab in paths.
const TAB: &str = "generations";

pub(super) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/i/{uid}/generations", get(show))
        .route("/portal/t/{tenant}/i/{uid}/generations/events", get(events))
        .route("/portal/t/{tenant}/i/{uid}/generations/compare", get(compare::show))
        .route("/portal/t/{tenant}/i/{uid}/generations/{n}/rollback", get(steps::ask_rollback).post(steps::rollback))
        .route("/portal/t/{tenant}/i/{uid}/generations/{n}/fork", get(steps::ask_fork).post(steps::fork))
}

/// Refuses who may not look at generations.
fn require(member: &Member) -> Result<()> {
    if member.may(Action::GenerationsGet) { Ok(()) } else { Err(Failure::Forbidden) }
}

/// Which part of the time line is shown.
#[derive(Deserialize, Clone, Copy)]
struct Part {
    /// Only generations before this one.
    before: Option<u64>,
    /// The newest one that is shown already.
    seen: Option<u64>,
}

async fn show(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Query(Part { before, .. }): Query<Part>,
) -> Result<Response> {
    require(&member)?;
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let index = index(&portal, &member, &uid).await?;
    let line = timeline::look(&portal, &member, &index, before.map(Generation)).await?;
    html(&TimelinePage { page: Page::tenant(&member, Section::Overview), index: place, line })
}

/// Tells when there is a newer generation than the page shows: the time line itself is read from the bucket, and not every second.
async fn events(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Query(Part { seen, .. }): Query<Part>,
) -> Result<Response> {
    require(&member)?;
    let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
    let ours = portal.clone();
    live::changes(&portal, member.user.id, move || {
        let (portal, member, uid) = (ours.clone(), member.clone(), place.uid.clone());
        async move {
            let index = index(&portal, &member, &uid).await?;
            let newest = index.published.as_ref().map(|published| published.generation.0).filter(|newest| *newest > seen.unwrap_or(0));
            let page = Page::tenant(&member, Section::Overview);
            let path = member.href(&format!("/i/{uid}/generations"));
            Ok(vec![("newer".to_owned(), piece(&NewerPiece { page: &page, newest, path: &path })?)])
        }
    })
}
