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
    /// The portal, which knows who is signed in. Pages, which are not in the table, are too.
    Portal,
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
    /// What it is for, in one line.
    pub summary: &'static str,
    /// What comes in and what goes out, by names of `openapi/schemas.rs`: `?Query Body -> Answer`. `()` is nothing, said on purpose: a route that
    /// writes has to say so when it takes no body.
    pub shape: &'static str,
}

impl Route {
    /// Whether documents come in: such requests may be larger and take longer.
    pub fn is_upload(&self) -> bool {
        self.action == Some(Action::DocumentsAdd)
    }

    /// Whether the route reads and changes nothing.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET || matches!(self.to, Destination::Here | Destination::Searcher | Destination::Searchers)
    }
}

const fn route(method: Method, path: &'static str, action: Action, to: Destination, summary: &'static str, shape: &'static str) -> Route {
    Route { method, path, action: Some(action), to, summary, shape }
}

/// Open to everyone and answered here.
const fn open(path: &'static str, summary: &'static str, shape: &'static str) -> Route {
    Route { method: Method::GET, path, action: None, to: Destination::Here, summary, shape }
}

/// A route of the portal: for people who are signed in, as a cookie says.
const fn portal(method: Method, path: &'static str, summary: &'static str, shape: &'static str) -> Route {
    Route { method, path, action: None, to: Destination::Portal, summary, shape }
}

/// A route of a feature that Meilisearch has and Onggi does not.
const fn absent(method: Method, path: &'static str, action: Action) -> Route {
    let summary = "Not offered: answers as Meilisearch does where the feature is switched off";
    Route { method, path, action: Some(action), to: Destination::Admin, summary, shape: "() -> Error" }
}

use Action as A;
use Destination::{Admin, Here, Searcher, Searchers, Uploader};

/// Every public route.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    open("/health", "Whether the service answers", "-> Health"),
    open("/openapi.json", "This description of the API", "-> OpenApi"),
    open("/docs", "A page to read about the API and to try it", "-> Html"),
    open("/docs/{file}", "What the page consists of", "-> Html"),
    route(Method::GET, "/version", A::Version, Admin, "The version of the service", "-> Version"),
    route(Method::GET, "/plan", A::UsageGet, Admin, "The plan of the tenant, its prices, and how near its quotas are", "-> PlanAnswer"),
    route(Method::GET, "/usage", A::UsageGet, Admin, "What was used and what it cost: containers, storage, searches; JSON, or CSV for `Accept: text/csv`", "?UsageQuery -> Usage"),
    route(Method::PATCH, "/usage/alert", A::UsageUpdate, Admin, "Be told when a month costs more than an amount", "SpendingAlertChange -> SpendingAlert"),
    route(Method::GET, "/stats/searches", A::StatsGet, Admin, "Searches a minute and their times, of the last minutes", "-> SearchesNow"),
    route(Method::GET, "/stats", A::StatsGet, Admin, "Documents and fields of every index", "?StatsOptions -> Stats"),
    // indexes
    route(Method::GET, "/indexes", A::IndexesGet, Admin, "List the indexes", "?Page -> Indexes"),
    route(Method::POST, "/indexes", A::IndexesCreate, Admin, "Create an index", "NewIndex -> EnqueuedTask"),
    route(Method::GET, "/indexes/{uid}", A::IndexesGet, Admin, "Show an index", "-> Index"),
    route(Method::PATCH, "/indexes/{uid}", A::IndexesUpdate, Admin, "Rename an index, or set its primary key", "IndexChange -> EnqueuedTask"),
    route(Method::DELETE, "/indexes/{uid}", A::IndexesDelete, Admin, "Delete an index", "-> EnqueuedTask"),
    route(Method::GET, "/indexes/{uid}/stats", A::StatsGet, Admin, "Documents and fields of an index", "?StatsOptions -> IndexStats"),
    route(Method::POST, "/indexes/{uid}/fields", A::FieldsPost, Admin, "The attributes that were seen, and what the settings make of each", "FieldsQuery -> FieldsPage"),
    route(Method::POST, "/indexes/{uid}/compact", A::IndexesCompact, Admin, "Merge what an index consists of; here that happens by itself", "() -> EnqueuedTask"),
    route(Method::POST, "/swap-indexes", A::IndexesSwap, Admin, "Swap or rename indexes", "Swaps -> EnqueuedTask"),
    // search
    route(Method::GET, "/indexes/{uid}/search", A::Search, Searcher, "Search, with the parameters in the query string", "?Search -> SearchAnswer"),
    route(Method::POST, "/indexes/{uid}/search", A::Search, Searcher, "Search", "Search -> SearchAnswer"),
    route(Method::POST, "/indexes/{uid}/facet-search", A::Search, Searcher, "Search the values of a facet", "FacetSearch -> FacetSearchAnswer"),
    route(Method::POST, "/indexes/{uid}/events", A::Search, Here, "Report that hits were clicked, or led to what the app is for", "Events -> EventsTaken"),
    route(Method::GET, "/indexes/{uid}/analytics", A::AnalyticsGet, Admin, "What was searched for: top, rising, slow and empty queries, times and clicks", "?AnalyticsQuery -> Analytics"),
    route(Method::POST, "/indexes/{uid}/analyze", A::SettingsGet, Searcher, "How a text becomes words, and what a draft of settings would change", "Analyze -> Analysis"),
    route(Method::POST, "/multi-search", A::Search, Searchers, "Several searches in one request, side by side or merged into one list", "MultiSearch -> MultiSearchAnswer"),
    // documents
    route(Method::GET, "/indexes/{uid}/documents", A::DocumentsGet, Searcher, "List documents", "?DocumentsQuery -> DocumentsPage"),
    route(Method::POST, "/indexes/{uid}/documents/fetch", A::DocumentsGet, Searcher, "List documents, with the parameters in the body", "DocumentsQuery -> DocumentsPage"),
    route(Method::GET, "/indexes/{uid}/documents/{id}", A::DocumentsGet, Searcher, "Show a document", "?DocumentOptions -> Document"),
    route(Method::POST, "/indexes/{uid}/documents", A::DocumentsAdd, Uploader, "Add or replace documents", "?Upload Documents -> EnqueuedTask"),
    route(Method::PUT, "/indexes/{uid}/documents", A::DocumentsAdd, Uploader, "Add or update documents", "?Upload Documents -> EnqueuedTask"),
    route(Method::DELETE, "/indexes/{uid}/documents", A::DocumentsDelete, Uploader, "Delete all documents", "-> EnqueuedTask"),
    route(Method::DELETE, "/indexes/{uid}/documents/{id}", A::DocumentsDelete, Uploader, "Delete a document", "-> EnqueuedTask"),
    route(Method::POST, "/indexes/{uid}/documents/delete-batch", A::DocumentsDelete, Uploader, "Delete documents by id", "Ids -> EnqueuedTask"),
    route(Method::POST, "/indexes/{uid}/documents/delete", A::DocumentsDelete, Uploader, "Delete documents by a filter", "DocumentsFilter -> EnqueuedTask"),
    // settings
    route(Method::GET, "/indexes/{uid}/settings", A::SettingsGet, Admin, "All settings", "-> Settings"),
    route(Method::GET, "/indexes/{uid}/settings/{name}", A::SettingsGet, Admin, "One setting", "-> Setting"),
    route(Method::PATCH, "/indexes/{uid}/settings", A::SettingsUpdate, Uploader, "Change settings; null resets", "Settings -> EnqueuedTask"),
    route(Method::DELETE, "/indexes/{uid}/settings", A::SettingsUpdate, Uploader, "Reset all settings", "-> EnqueuedTask"),
    route(Method::PUT, "/indexes/{uid}/settings/{name}", A::SettingsUpdate, Uploader, "Set one setting that is a value or a list", "Setting -> EnqueuedTask"),
    route(Method::PATCH, "/indexes/{uid}/settings/{name}", A::SettingsUpdate, Uploader, "Change one setting that is an object", "Setting -> EnqueuedTask"),
    route(Method::DELETE, "/indexes/{uid}/settings/{name}", A::SettingsUpdate, Uploader, "Reset one setting", "-> EnqueuedTask"),
    // containers and generations
    route(Method::GET, "/indexes/{uid}/containers", A::ContainersGet, Admin, "What serves the index: size, replicas, price, and each container", "?ContainersDraft -> Containers"),
    route(Method::PATCH, "/indexes/{uid}/containers", A::ContainersUpdate, Admin, "Select size, replicas and when to sleep", "Selection -> Containers"),
    route(Method::POST, "/indexes/{uid}/wake", A::ContainersUpdate, Admin, "Wake the index now", "() -> Phase"),
    route(Method::POST, "/indexes/{uid}/sleep", A::ContainersUpdate, Admin, "Send the index to sleep now", "() -> Phase"),
    route(Method::GET, "/indexes/{uid}/generations", A::GenerationsGet, Admin, "The history that is kept", "-> Generations"),
    route(Method::GET, "/indexes/{uid}/generations/{n}", A::GenerationsGet, Admin, "What a generation consists of: settings, attributes, and the tasks that made it", "-> GenerationDetails"),
    route(Method::POST, "/indexes/{uid}/generations/{n}/rollback", A::GenerationsRollback, Uploader, "Go back to a generation", "() -> EnqueuedTask"),
    route(Method::POST, "/indexes/{uid}/generations/{n}/fork", A::GenerationsFork, Admin, "Copy a generation to a new index", "Fork -> EnqueuedTask"),
    // tasks
    route(Method::GET, "/tasks", A::TasksGet, Admin, "List tasks, newest first", "?TasksQuery -> Tasks"),
    route(Method::GET, "/tasks/{task}", A::TasksGet, Admin, "Show a task", "-> Task"),
    route(Method::POST, "/tasks/cancel", A::TasksCancel, Uploader, "Cancel tasks that have not begun", "?TaskFilter () -> EnqueuedTask"),
    route(Method::DELETE, "/tasks", A::TasksDelete, Admin, "Delete finished tasks", "?TaskFilter -> EnqueuedTask"),
    route(Method::GET, "/batches", A::TasksGet, Admin, "List batches: tasks that were worked on together", "?TasksQuery -> Batches"),
    route(Method::GET, "/batches/{batch}", A::TasksGet, Admin, "Show a batch", "-> Batch"),
    // webhooks
    route(Method::GET, "/webhooks", A::WebhooksGet, Admin, "List webhooks", "-> Webhooks"),
    route(Method::POST, "/webhooks", A::WebhooksCreate, Admin, "Be told of tasks that are at their end", "WebhookChange -> Webhook"),
    route(Method::GET, "/webhooks/{webhook}", A::WebhooksGet, Admin, "Show a webhook", "-> Webhook"),
    route(Method::PATCH, "/webhooks/{webhook}", A::WebhooksUpdate, Admin, "Change a webhook", "WebhookChange -> Webhook"),
    route(Method::DELETE, "/webhooks/{webhook}", A::WebhooksDelete, Admin, "Delete a webhook", "-> ()"),
    // archives
    route(Method::POST, "/dumps", A::DumpsCreate, Admin, "Write documents and settings of all indexes to an archive", "() -> EnqueuedTask"),
    route(Method::POST, "/snapshots", A::SnapshotsCreate, Admin, "The same, as a snapshot", "() -> EnqueuedTask"),
    // Meilisearch's switches, and what it has and Onggi does not: the answer says so
    route(Method::GET, "/experimental-features", A::ExperimentalFeaturesGet, Admin, "Which experimental features there are", "-> Features"),
    route(Method::PATCH, "/experimental-features", A::ExperimentalFeaturesUpdate, Admin, "Refuses to switch what cannot be switched", "Features -> Features"),
    absent(Method::POST, "/indexes/{uid}/documents/edit", A::DocumentsAll),
    absent(Method::GET, "/indexes/{uid}/similar", A::Search),
    absent(Method::POST, "/indexes/{uid}/similar", A::Search),
    absent(Method::GET, "/tasks/{task}/documents", A::TasksGet),
    absent(Method::POST, "/tasks/compact", A::TasksCompact),
    absent(Method::GET, "/metrics", A::MetricsGet),
    absent(Method::POST, "/logs/stream", A::MetricsGet),
    absent(Method::DELETE, "/logs/stream", A::MetricsGet),
    absent(Method::POST, "/logs/stderr", A::MetricsGet),
    absent(Method::GET, "/network", A::NetworkGet),
    absent(Method::PATCH, "/network", A::NetworkUpdate),
    absent(Method::POST, "/export", A::Export),
    absent(Method::GET, "/chats", A::ChatsGet),
    absent(Method::GET, "/chats/{workspace}", A::ChatsGet),
    absent(Method::DELETE, "/chats/{workspace}", A::ChatsDelete),
    absent(Method::GET, "/chats/{workspace}/settings", A::ChatsSettingsGet),
    absent(Method::PATCH, "/chats/{workspace}/settings", A::ChatsSettingsUpdate),
    absent(Method::DELETE, "/chats/{workspace}/settings", A::ChatsSettingsUpdate),
    absent(Method::POST, "/chats/{workspace}/chat/completions", A::ChatCompletions),
    absent(Method::POST, "/dynamic-search-rules", A::DynamicSearchRulesGet),
    absent(Method::GET, "/dynamic-search-rules/{rule}", A::DynamicSearchRulesGet),
    absent(Method::PATCH, "/dynamic-search-rules/{rule}", A::DynamicSearchRulesUpdate),
    absent(Method::DELETE, "/dynamic-search-rules/{rule}", A::DynamicSearchRulesDelete),
    absent(Method::POST, "/render-template", A::SettingsGet),
    absent(Method::GET, "/mcp", A::Search),
    absent(Method::POST, "/mcp", A::Search),
    absent(Method::DELETE, "/mcp", A::Search),
    // keys
    route(Method::GET, "/identity-provider", A::KeysGet, Admin, "The identity provider whose tokens may search", "-> IdentityProvider"),
    route(Method::PUT, "/identity-provider", A::KeysUpdate, Admin, "Let the tokens of an identity provider search, by rules for their claims", "IdentityProvider -> IdentityProvider"),
    route(Method::DELETE, "/identity-provider", A::KeysDelete, Admin, "Let them search no longer", "-> ()"),
    route(Method::POST, "/identity-provider/test", A::KeysGet, Here, "What a token of the identity provider would allow, or why it would not", "TokenTrial -> TokenVerdict"),
    route(Method::GET, "/keys", A::KeysGet, Admin, "List keys", "?Page -> Keys"),
    route(Method::POST, "/keys", A::KeysCreate, Admin, "Create a key", "NewKey -> Key"),
    route(Method::GET, "/keys/{key}", A::KeysGet, Admin, "Show a key", "-> Key"),
    route(Method::PATCH, "/keys/{key}", A::KeysUpdate, Admin, "Rename or describe a key", "KeyChange -> Key"),
    route(Method::DELETE, "/keys/{key}", A::KeysDelete, Admin, "Delete a key", "-> ()"),
    // the portal
    portal(Method::POST, "/portal/api/sign-in", "Sign in: the answer sets the cookie of a session", "Credentials -> ()"),
    portal(Method::POST, "/portal/api/sign-up", "Make an account and a tenant, and sign in", "SignUp -> PortalTenant"),
    portal(Method::POST, "/portal/api/sign-out", "End the session", "() -> ()"),
    portal(Method::GET, "/portal/api/account", "Who is signed in, and what to show in `x-onggi-csrf`", "-> Account"),
    portal(Method::PATCH, "/portal/api/account", "Change one's name", "AccountChange -> Account"),
    portal(Method::POST, "/portal/api/account/password", "Change one's password; other sessions end", "PasswordChange -> ()"),
    portal(Method::GET, "/portal/api/account/sessions", "List one's sessions", "-> PortalSessions"),
    portal(Method::DELETE, "/portal/api/account/sessions", "End all other sessions", "-> ()"),
    portal(Method::DELETE, "/portal/api/account/sessions/{session}", "End a session", "-> ()"),
    portal(Method::GET, "/portal/api/tenants", "List the tenants that one is a member of", "-> PortalTenants"),
    portal(Method::POST, "/portal/api/tenants", "Create a tenant that one owns", "NewTenant -> PortalTenant"),
    portal(Method::GET, "/portal/api/tenants/{tenant}/members", "List the members of a tenant", "-> Members"),
    portal(Method::PATCH, "/portal/api/tenants/{tenant}/members/{user}", "Change the role of a member", "RoleChange -> ()"),
    portal(Method::DELETE, "/portal/api/tenants/{tenant}/members/{user}", "Remove a member", "-> ()"),
    portal(Method::GET, "/portal/api/tenants/{tenant}/invitations", "List invitations", "-> Invitations"),
    portal(Method::POST, "/portal/api/tenants/{tenant}/invitations", "Invite somebody; the link is shown once", "NewInvitation -> Invitation"),
    portal(Method::DELETE, "/portal/api/tenants/{tenant}/invitations/{invitation}", "Withdraw an invitation", "-> ()"),
    portal(Method::POST, "/portal/api/tenants/{tenant}/indexes/{index}/settings/effect", "What a change of settings would do, without making it", "Settings -> SettingsEffect"),
    portal(Method::POST, "/portal/api/tenants/{tenant}/tokens", "Sign a tenant token with a key, to try search rules", "NewTenantToken -> TenantToken"),
    portal(Method::GET, "/portal/api/operator/tenants", "For operators: list tenants", "?FindTenants -> OperatorTenants"),
    portal(Method::PATCH, "/portal/api/operator/tenants/{tenant}", "For operators: suspend or resume a tenant", "TenantStatusChange -> ()"),
    portal(Method::DELETE, "/portal/api/operator/tenants/{tenant}", "For operators: delete a tenant", "-> ()"),
    portal(Method::GET, "/portal/api/operator/containers", "For operators: everything that runs", "-> AllContainers"),
];
