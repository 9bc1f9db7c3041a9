//! What every template has as `page`: who looks at it, in which language, where in the portal; and helpers to show things.

use std::{fmt::Display, sync::Arc};

use askama::Template;
use axum::response::{Html, IntoResponse};
use onggi_domain::{
    TenantId, Timestamp,
    account::User,
    tenant::{MemberRole, Tenant, TenantStatus},
};
use url::form_urlencoded;

use super::{
    assets,
    failure::{Failure, Result},
    icons,
    texts::Language,
    visit::{Member, Operator, SignedIn, Visit, href},
};

/// Where in the portal a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Nowhere: signing in and the like.
    None,
    Start,
    Overview,
    Keys,
    Usage,
    Tasks,
    Members,
    Account,
    OperatorTenants,
    OperatorContainers,
    OperatorPeople,
}

/// An entry of the navigation: section, text, path, icon, and who sees it at least.
pub(crate) struct Entry {
    pub(crate) section: Section,
    pub(crate) text: &'static str,
    pub(crate) path: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) role: MemberRole,
}

const fn entry(section: Section, text: &'static str, path: &'static str, icon: &'static str, role: MemberRole) -> Entry {
    Entry { section, text, path, icon, role }
}

/// The navigation of a tenant; paths are below the tenant's.
const NAVIGATION: &[Entry] = &[
    entry(Section::Overview, "shell.nav_overview", "", "grid", MemberRole::Viewer),
    entry(Section::Start, "shell.nav_start", "/start", "spark", MemberRole::Viewer),
    entry(Section::Tasks, "shell.nav_tasks", "/tasks", "tasks", MemberRole::Viewer),
    entry(Section::Keys, "shell.nav_keys", "/keys", "key", MemberRole::Developer),
    entry(Section::Usage, "shell.nav_usage", "/usage", "chart", MemberRole::Viewer),
    entry(Section::Members, "shell.nav_members", "/members", "people", MemberRole::Viewer),
];

/// The navigation of an operator.
const OPERATOR_NAVIGATION: &[Entry] = &[
    entry(Section::OperatorTenants, "shell.nav_tenants", "/portal/operator", "building", MemberRole::Owner),
    entry(Section::OperatorContainers, "shell.nav_containers", "/portal/operator/containers", "box", MemberRole::Owner),
    entry(Section::OperatorPeople, "shell.nav_people", "/portal/operator/people", "people", MemberRole::Owner),
];

/// The tenant that a page is about.
pub(crate) struct InTenant {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    pub(crate) role: MemberRole,
    pub(crate) suspended: bool,
    /// All tenants of the person.
    pub(crate) all: Vec<Tenant>,
}

/// What every template has.
pub(crate) struct Page {
    pub(crate) visit: Arc<Visit>,
    pub(crate) section: Section,
    pub(crate) user: Option<User>,
    pub(crate) tenant: Option<InTenant>,
    /// The text of what was done just before.
    pub(crate) notice: Option<&'static str>,
}

#[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "templates call methods, and pass what they have by reference")]
impl Page {
    /// A page for anybody.
    pub(crate) fn plain(visit: &Arc<Visit>) -> Self {
        Self { visit: visit.clone(), section: Section::None, user: visit.user().cloned(), tenant: None, notice: notice(visit) }
    }

    /// A page that is about the person.
    pub(crate) fn account(signed_in: &SignedIn) -> Self {
        Self { section: Section::Account, ..Self::plain(&signed_in.visit) }
    }

    /// A page of the operator's.
    pub(crate) fn operator(operator: &Operator, section: Section) -> Self {
        Self { section, ..Self::plain(&operator.visit) }
    }

    /// A page of a tenant.
    pub(crate) fn tenant(member: &Member, section: Section) -> Self {
        let tenant = InTenant {
            id: member.tenant.id,
            name: member.tenant.name.clone(),
            role: member.role,
            suspended: member.tenant.status == TenantStatus::Suspended,
            all: member.tenants.clone(),
        };
        Self { section, tenant: Some(tenant), ..Self::plain(&member.visit) }
    }

    /// A text.
    pub(crate) fn t(&self, key: &str) -> &'static str {
        self.visit.language.text(key)
    }

    /// A text that is told with one thing.
    pub(crate) fn t1(&self, key: &str, first: impl Display) -> String {
        self.visit.language.text_with(key, &[&first])
    }

    /// A text that is told with two things.
    pub(crate) fn t2(&self, key: &str, first: impl Display, second: impl Display) -> String {
        self.visit.language.text_with(key, &[&first, &second])
    }

    pub(crate) fn language(&self) -> Language {
        self.visit.language
    }

    pub(crate) fn languages(&self) -> [Language; 2] {
        Language::ALL
    }

    pub(crate) fn theme(&self) -> &'static str {
        self.visit.theme.as_str()
    }

    /// What forms must send as `csrf`.
    pub(crate) fn csrf(&self) -> &str {
        &self.visit.csrf
    }

    /// The page itself.
    pub(crate) fn path(&self) -> &str {
        &self.visit.path
    }

    /// Where an asset is.
    pub(crate) fn asset(&self, name: &str) -> String {
        assets::path(name)
    }

    /// An icon, to be shown with `|safe`.
    pub(crate) fn icon(&self, name: &str) -> &'static str {
        icons::icon(name)
    }

    /// A path below that of the page's tenant.
    pub(crate) fn href(&self, below: &str) -> String {
        self.tenant.as_ref().map_or_else(|| "/portal".to_owned(), |tenant| href(tenant.id, below))
    }

    /// A piece of a path or of a query.
    pub(crate) fn encoded(&self, text: &str) -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
    }

    /// The entries of the navigation that the person sees.
    pub(crate) fn navigation(&self) -> Vec<&'static Entry> {
        match &self.tenant {
            Some(tenant) => NAVIGATION.iter().filter(|entry| tenant.role >= entry.role).collect(),
            None if self.is_operator() && self.section != Section::Account => OPERATOR_NAVIGATION.iter().collect(),
            None => Vec::new(),
        }
    }

    /// Where an entry of the navigation leads.
    pub(crate) fn entry_href(&self, entry: &Entry) -> String {
        if self.tenant.is_some() { self.href(entry.path) } else { entry.path.to_owned() }
    }

    pub(crate) fn is_operator(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.operator)
    }

    pub(crate) fn role(&self) -> MemberRole {
        self.tenant.as_ref().map_or(MemberRole::Viewer, |tenant| tenant.role)
    }

    /// Whether the person may change indexes, their documents and settings.
    pub(crate) fn may_change(&self) -> bool {
        self.role() >= MemberRole::Developer
    }

    /// Whether the person may change members and keys.
    pub(crate) fn is_owner(&self) -> bool {
        self.role() == MemberRole::Owner
    }

    /// A number with its thousands apart.
    pub(crate) fn number(&self, number: &u64) -> String {
        self.visit.language.number(*number)
    }

    /// A number of bytes.
    pub(crate) fn bytes(&self, bytes: &u64) -> String {
        self.visit.language.bytes(*bytes)
    }

    /// A moment, to be shown with `|safe`: `portal.js` tells it in the visitor's own time, or how long ago it is.
    pub(crate) fn moment(&self, time: &Timestamp) -> String {
        let second = Timestamp::from_second(time.as_second()).unwrap_or(*time);
        format!("<time datetime=\"{second}\">{}</time>", second.strftime("%Y-%m-%d %H:%M UTC"))
    }

    /// The role, in words.
    pub(crate) fn role_text(&self, role: &MemberRole) -> &'static str {
        self.t(match role {
            MemberRole::Owner => "members.role_owner",
            MemberRole::Developer => "members.role_developer",
            MemberRole::Viewer => "members.role_viewer",
        })
    }

    /// What was done just before, in words.
    pub(crate) fn notice(&self) -> &'static str {
        self.notice.unwrap_or_default()
    }
}

/// The notice that `done` has put into the query.
fn notice(visit: &Visit) -> Option<&'static str> {
    let (_, query) = visit.path.split_once('?')?;
    let (_, key) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "notice")?;
    let is_notice = key.rsplit('.').next().is_some_and(|last| last.starts_with("notice_"));
    if is_notice { visit.language.find(&key) } else { None }
}

/// A rendered template.
pub(crate) fn html(template: &impl Template) -> Result {
    Ok(Html(piece(template)?).into_response())
}

/// A rendered template as text: a piece of a page.
pub(crate) fn piece(template: &impl Template) -> Result<String> {
    template.render().map_err(Failure::internal)
}
