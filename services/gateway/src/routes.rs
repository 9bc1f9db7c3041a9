//! The table of public routes: for each the action that a key must allow, and who answers. Authentication, documentation and the
//! tests that try every route read it; there is no route beside it.

use http::Method;
use onggi_domain::key::Action;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The gateway itself.
    Here,
    /// The uploader: what becomes a log entry.
    Uploader,
    /// The control plane.
    Admin,
    /// A searcher of the index in the path.
    Searcher,
    /// Searchers of the indexes that the body names.
    Searchers,
}

/// A public route.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; `{uid}` right after `/indexes/` is the index that it is about.
    pub path: &'static str,
    /// What the caller's key must allow; `None`: open to everyone.
    pub action: Option<Action>,
    /// Who answers.
    pub to: Destination,
}

impl Route {
    /// Whether documents come in: such requests may be larger and take longer.
    pub fn is_upload(&self) -> bool {
        self.action == Some(Action::DocumentsAdd)
    }

    /// Whether the route reads and changes nothing.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET || matches!(self.to, Destination::Searcher | Destination::Searchers)
    }
}

const fn route(method: Method, path: &'static str, action: Action, to: Destination) -> Route {
    Route { method, path, action: Some(action), to }
}

use Action as A;
use Destination::{Admin, Searcher, Searchers, Uploader};

/// Every public route.
pub static ROUTES: &[Route] = &[
    Route { method: Method::GET, path: "/health", action: None, to: Destination::Here },
    route(Method::GET, "/version", A::Version, Admin),
    route(Method::GET, "/stats", A::StatsGet, Admin),
    // indexes
    route(Method::GET, "/indexes", A::IndexesGet, Admin),
    route(Method::POST, "/indexes", A::IndexesCreate, Admin),
    route(Method::GET, "/indexes/{uid}", A::IndexesGet, Admin),
    route(Method::PATCH, "/indexes/{uid}", A::IndexesUpdate, Admin),
    route(Method::DELETE, "/indexes/{uid}", A::IndexesDelete, Admin),
    route(Method::GET, "/indexes/{uid}/stats", A::StatsGet, Admin),
    route(Method::POST, "/swap-indexes", A::IndexesSwap, Admin),
    // search
    route(Method::GET, "/indexes/{uid}/search", A::Search, Searcher),
    route(Method::POST, "/indexes/{uid}/search", A::Search, Searcher),
    route(Method::POST, "/indexes/{uid}/facet-search", A::Search, Searcher),
    route(Method::POST, "/multi-search", A::Search, Searchers),
    // documents
    route(Method::GET, "/indexes/{uid}/documents", A::DocumentsGet, Searcher),
    route(Method::POST, "/indexes/{uid}/documents/fetch", A::DocumentsGet, Searcher),
    route(Method::GET, "/indexes/{uid}/documents/{id}", A::DocumentsGet, Searcher),
    route(Method::POST, "/indexes/{uid}/documents", A::DocumentsAdd, Uploader),
    route(Method::PUT, "/indexes/{uid}/documents", A::DocumentsAdd, Uploader),
    route(Method::DELETE, "/indexes/{uid}/documents", A::DocumentsDelete, Uploader),
    route(Method::DELETE, "/indexes/{uid}/documents/{id}", A::DocumentsDelete, Uploader),
    route(Method::POST, "/indexes/{uid}/documents/delete-batch", A::DocumentsDelete, Uploader),
    route(Method::POST, "/indexes/{uid}/documents/delete", A::DocumentsDelete, Uploader),
    // settings
    route(Method::GET, "/indexes/{uid}/settings", A::SettingsGet, Admin),
    route(Method::GET, "/indexes/{uid}/settings/{name}", A::SettingsGet, Admin),
    route(Method::PATCH, "/indexes/{uid}/settings", A::SettingsUpdate, Uploader),
    route(Method::DELETE, "/indexes/{uid}/settings", A::SettingsUpdate, Uploader),
    route(Method::PUT, "/indexes/{uid}/settings/{name}", A::SettingsUpdate, Uploader),
    route(Method::PATCH, "/indexes/{uid}/settings/{name}", A::SettingsUpdate, Uploader),
    route(Method::DELETE, "/indexes/{uid}/settings/{name}", A::SettingsUpdate, Uploader),
    // containers and generations
    route(Method::GET, "/indexes/{uid}/containers", A::ContainersGet, Admin),
    route(Method::PATCH, "/indexes/{uid}/containers", A::ContainersUpdate, Admin),
    route(Method::POST, "/indexes/{uid}/wake", A::ContainersUpdate, Admin),
    route(Method::POST, "/indexes/{uid}/sleep", A::ContainersUpdate, Admin),
    route(Method::GET, "/indexes/{uid}/generations", A::GenerationsGet, Admin),
    route(Method::POST, "/indexes/{uid}/generations/{n}/rollback", A::GenerationsRollback, Uploader),
    route(Method::POST, "/indexes/{uid}/generations/{n}/fork", A::GenerationsFork, Admin),
    // tasks
    route(Method::GET, "/tasks", A::TasksGet, Admin),
    route(Method::GET, "/tasks/{task}", A::TasksGet, Admin),
    route(Method::POST, "/tasks/cancel", A::TasksCancel, Uploader),
    route(Method::DELETE, "/tasks", A::TasksDelete, Admin),
    // keys
    route(Method::GET, "/keys", A::KeysGet, Admin),
    route(Method::POST, "/keys", A::KeysCreate, Admin),
    route(Method::GET, "/keys/{key}", A::KeysGet, Admin),
    route(Method::PATCH, "/keys/{key}", A::KeysUpdate, Admin),
    route(Method::DELETE, "/keys/{key}", A::KeysDelete, Admin),
];
