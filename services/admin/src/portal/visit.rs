//! Who looks at a page, and how: made once a request by `protect`, taken by handlers as extractors. [`Visitor`] is anybody, [`SignedIn`] has an
//! account, [`Member`] acts for the tenant of the path (`{tenant}`), [`Operator`] for the platform.

use std::{collections::HashMap, sync::Arc};

use axum::{
    RequestPartsExt,
    extract::{FromRequestParts, Path},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use onggi_domain::{
    TenantId, Timestamp,
    account::{Session, User},
    key::Action,
    tenant::{MemberRole, Tenant},
};
use onggi_metadata::hash_key;
use onggi_web::portal::{CLIENT, HOST, SessionRules, cookie};

use super::{
    Portal,
    failure::{Failure, Result},
    texts::Language,
};

/// The cookie of somebody who is not signed in: what their forms are bound to.
const VISITOR_COOKIE: &str = "onggi_visitor";
/// The cookie in which the choice of light or dark is kept.
pub(crate) const THEME_COOKIE: &str = "onggi_theme";
/// How long choices are kept.
const YEAR: u64 = 365 * 24 * 3600;
/// A session is noted as used at most so often, in seconds.
const TOUCH_SECONDS: i64 = 60;
/// The most that is kept of what a browser calls itself.
const USER_AGENT_CHARS: usize = 300;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// A page.
    Page,
    /// A piece of one, for htmx.
    Piece,
    /// JSON, for a script.
    Json,
}

/// A request, and who made it.
pub(crate) struct Visit {
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    pub(crate) wants: Wants,
    /// Path and query.
    pub(crate) path: String,
    /// The network address.
    pub(crate) client: String,
    /// The host that was asked.
    pub(crate) host: String,
    pub(crate) user_agent: String,
    /// What forms and scripts must show.
    pub(crate) csrf: String,
    /// To be set, for who has none yet.
    pub(crate) new_visitor: Option<String>,
    signed_in: Option<SignedInAs>,
}

#[derive(Clone)]
struct SignedInAs {
    session: Session,
    user: User,
    token: String,
}

impl Visit {
    /// Finds out who it is.
    pub(crate) async fn new(portal: &Portal, method: &Method, uri: &http::Uri, headers: &HeaderMap) -> Result<Self> {
        let signed_in = match portal.rules.token(headers) {
            Some(token) => portal.signed_in(token).await?,
            None => None,
        };
        let known = cookie(headers, VISITOR_COOKIE).filter(|value| value.len() == 64);
        let new_visitor = (signed_in.is_none() && known.is_none() && method == Method::GET).then(random_token);
        let bound_to = signed_in.as_ref().map(|signed_in| format!("session/{}", signed_in.session.id));
        let bound_to = bound_to.unwrap_or_else(|| format!("visitor/{}", known.or(new_visitor.as_deref()).unwrap_or_default()));
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let theme = cookie(headers, THEME_COOKIE).unwrap_or_default();
        let path = uri.path_and_query().map_or("/portal", http::uri::PathAndQuery::as_str).to_owned();
        Ok(Self {
            language: Language::of(headers),
            theme: Theme::ALL.into_iter().find(|known| known.as_str() == theme).unwrap_or(Theme::Auto),
            wants: match () {
                () if path.starts_with("/portal/api/") => Wants::Json,
                () if headers.contains_key("hx-request") => Wants::Piece,
                () => Wants::Page,
            },
            path,
            client: text(CLIENT.as_str()),
            host: text(HOST.as_str()),
            user_agent: text(header::USER_AGENT.as_str()).chars().take(USER_AGENT_CHARS).collect(),
            csrf: portal.admin.0.secrets.of_forms(&bound_to),
            new_visitor,
            signed_in,
        })
    }

    /// Who is signed in.
    pub(crate) fn user(&self) -> Option<&User> {
        self.signed_in.as_ref().map(|signed_in| &signed_in.user)
    }
}

impl Portal {
    async fn signed_in(&self, token: &str) -> Result<Option<SignedInAs>> {
        let now = Timestamp::now();
        let sessions = &self.admin.0.metadata.sessions;
        match sessions.find(&hash_key(token), now, self.rules.idle_since(now)).await {
            Ok((session, user)) => {
                if now.as_second() - session.seen_at.as_second() > TOUCH_SECONDS {
                    sessions.touch(session.id, now).await?;
                }
                Ok(Some(SignedInAs { session, user, token: token.to_owned() }))
            }
            Err(onggi_metadata::Error::NotFound(_)) => Ok(None),
            Err(error) => Err(Failure::internal(error)),
        }
    }
}

/// Anybody.
pub(crate) struct Visitor(pub(crate) Arc<Visit>);

/// Somebody with an account.
pub(crate) struct SignedIn {
    pub(crate) visit: Arc<Visit>,
    pub(crate) session: Session,
    pub(crate) user: User,
    pub(crate) token: String,
}

/// Somebody who acts for the tenant that the path names.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) visit: Arc<Visit>,
    pub(crate) user: User,
    pub(crate) token: String,
    pub(crate) tenant: Tenant,
    pub(crate) role: MemberRole,
    /// All tenants that the person acts for.
    pub(crate) tenants: Vec<Tenant>,
}

/// An operator of the platform.
pub(crate) struct Operator {
    pub(crate) visit: Arc<Visit>,
    pub(crate) user: User,
}

impl Member {
    /// Refuses who is less than this.
    pub(crate) fn require(&self, role: MemberRole) -> Result<()> {
        if self.role >= role { Ok(()) } else { Err(Failure::Forbidden) }
    }

    /// Whether the role allows this through the tenant API.
    pub(crate) fn may(&self, action: Action) -> bool {
        self.role.allows(action)
    }

    /// A path below the tenant's, such as `/members`.
    pub(crate) fn href(&self, below: &str) -> String {
        href(self.tenant.id, below)
    }
}

/// A path below that of a tenant.
pub(crate) fn href(tenant: TenantId, below: &str) -> String {
    format!("/portal/t/{tenant}{below}")
}

fn visit(parts: &Parts) -> Result<Arc<Visit>> {
    parts.extensions.get::<Arc<Visit>>().cloned().ok_or(Failure::Internal)
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(Self(visit(parts)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let visit = visit(parts)?;
        let SignedInAs { session, user, token } = visit.signed_in.clone().ok_or(Failure::SignIn)?;
        Ok(Self { visit, session, user, token })
    }
}

impl FromRequestParts<Portal> for Member {
    type Rejection = Failure;

    /// A tenant of others is answered as one that does not exist.
    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self> {
        let SignedIn { visit, user, token, .. } = SignedIn::from_request_parts(parts, portal).await?;
        let Path(params) = parts.extract::<Path<HashMap<String, String>>>().await.map_err(|_| Failure::NotFound)?;
        let id: TenantId = params.get("tenant").and_then(|id| id.parse().ok()).ok_or(Failure::NotFound)?;
        let memberships = portal.admin.0.metadata.members.of_user(user.id).await?;
        let (tenant, role) = memberships.iter().find(|(tenant, _)| tenant.id == id).cloned().ok_or(Failure::NotFound)?;
        let tenants = memberships.into_iter().map(|(tenant, _)| tenant).collect();
        Ok(Self { visit, user, token, tenant, role, tenants })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Failure;

    /// To others the operator's pages do not exist.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let SignedIn { visit, user, .. } = SignedIn::from_request_parts(parts, state).await?;
        if user.operator { Ok(Self { visit, user }) } else { Err(Failure::NotFound) }
    }
}

/// 32 random bytes as text.
pub(crate) fn random_token() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// A cookie that scripts cannot read. Without a session, one for pages of the portal only.
pub(crate) fn set_cookie(rules: SessionRules, name: &str, value: &str, seconds: u64) -> HeaderValue {
    let path = if name.starts_with("__Host-") { "/" } else { "/portal" };
    let secure = if rules.secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The cookie of a new visitor.
pub(crate) fn visitor_cookie(rules: SessionRules, value: &str) -> HeaderValue {
    set_cookie(rules, VISITOR_COOKIE, value, YEAR)
}

/// The cookie of a choice.
pub(crate) fn choice_cookie(rules: SessionRules, name: &str, value: &str) -> HeaderValue {
    set_cookie(rules, name, value, YEAR)
}

/// Where somebody goes who has to be elsewhere first: a path of the portal, and nothing else.
pub(crate) fn local_path(next: Option<&str>) -> &str {
    let plain = |path: &&str| {
        (*path == "/portal" || path.starts_with("/portal/") || path.starts_with("/portal?"))
            && path.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\')
            && !path.contains("//")
            && !path.contains("/.")
    };
    next.filter(plain).unwrap_or("/portal")
}

/// Sends the browser on after a form.
pub(crate) fn see_other(path: &str) -> axum::response::Response {
    use axum::response::IntoResponse;
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/portal"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// [`see_other`] with a notice there: a key of a text whose last part begins with `notice_`.
pub(crate) fn done(path: &str, notice: &str) -> axum::response::Response {
    let sign = if path.contains('?') { '&' } else { '?' };
    see_other(&format!("{path}{sign}notice={notice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_sent_on_to_pages_of_the_portal_only() {
        for good in ["/portal", "/portal/t/1?tab=a", "/portal?x=1"] {
            assert_eq!(local_path(Some(good)), good);
        }
        let bad = [
            "//evil.example",
            "https://evil.example",
            "/portal//evil.example",
            "/portalx",
            "/\\evil.example",
            "/portal/\\evil",
            "/indexes",
            "/portal/../indexes",
            "javascript:alert(1)",
            "/portal/a\nb",
            "",
            "/portal/한",
        ];
        for bad in bad {
            assert_eq!(local_path(Some(bad)), "/portal", "{bad}");
        }
    }
}
