//! The pages of one index, a tab each: `/portal/t/{tenant}/i/{uid}` and below. A tab is a module here: its router, its template that extends
//! `index.html`, and an entry in [`TABS`].

mod analytics;
mod containers;
mod documents;
mod generations;
mod playground;
mod settings;
mod title;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use onggi_domain::index::Index;

use super::{
    Portal,
    failure::{Failure, Result},
    page::Page,
    visit::{Member, see_other},
};

/// A tab: its name in the path, and its text.
pub(crate) struct Tab {
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
}

/// The tabs in their order; the first one is shown by `/portal/t/{tenant}/i/{uid}`.
pub(crate) const TABS: &[Tab] = &[
    Tab { path: containers::TAB, text: "containers.tab" },
    Tab { path: playground::TAB, text: "playground.tab" },
    Tab { path: documents::TAB, text: "documents.tab" },
    Tab { path: "settings", text: "index.settings" },
    Tab { path: "generations", text: "index.generations" },
    Tab { path: "analytics", text: "index.analytics" },
    Tab { path: "tasks", text: "index.tasks" },
];

/// What the templates of tabs have as `index`.
pub(crate) struct IndexPlace {
    pub(crate) uid: String,
    /// The path of the tab that is shown.
    pub(crate) tab: &'static str,
    pub(crate) documents: u64,
}

impl IndexPlace {
    /// The index of the path, or 404. Rights beyond looking are checked by the tenant API that the page calls.
    pub(crate) async fn of(portal: &Portal, member: &Member, uid: &str, tab: &'static str) -> Result<Self> {
        let index = index(portal, member, uid).await?;
        let documents = index.published.as_ref().map_or(0, |published| published.documents);
        Ok(Self { uid: index.uid.to_string(), tab, documents })
    }

    /// The tabs.
    #[expect(clippy::unused_self, reason = "templates reach it through the index")]
    pub(crate) fn tabs(&self) -> &'static [Tab] {
        TABS
    }

    /// Where a tab is.
    pub(crate) fn href(&self, page: &Page, tab: &str) -> String {
        page.href(&format!("/i/{}/{tab}", self.uid))
    }
}

/// The member's index of this name, or 404.
pub(crate) async fn index(portal: &Portal, member: &Member, uid: &str) -> Result<Index> {
    let uid = uid.parse().map_err(|_| Failure::NotFound)?;
    Ok(portal.admin.0.metadata.indexes.get(member.tenant.id, &uid).await?)
}

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/i/{uid}", get(first))
        .merge(containers::router())
        .merge(playground::router())
        .merge(documents::router())
        .merge(settings::router())
        .merge(generations::router())
        .merge(analytics::router())
}

async fn first(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>) -> Result<Response> {
    let index = index(&portal, &member, &uid).await?;
    let below = TABS.first().map_or_else(|| "/start".to_owned(), |tab| format!("/i/{}/{}", index.uid, tab.path));
    Ok(see_other(&member.href(&below)))
}
