//! How the portal is configured.

use std::{collections::BTreeMap, fmt, time::Duration};

use onggi_web::portal::SessionRules;
use serde::{Deserialize, Serialize};
use url::Url;

/// How the portal behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortalConfig {
    /// Who may make an account.
    pub sign_up: SignUp,
    /// How browsers reach the portal, such as `https://search.example.com`; needed for OpenID Connect. Absent: as they say.
    pub public_url: Option<Url>,
    /// Without a request for so many hours, a session is over.
    pub session_idle_hours: u32,
    /// After so many hours, a session is over in any case.
    pub session_hours: u32,
    /// Identity providers, by the name that their address in the portal has.
    pub oidc: BTreeMap<String, OidcConfig>,
}

impl Default for PortalConfig {
    fn default() -> Self {
        Self { sign_up: SignUp::Open, public_url: None, session_idle_hours: 3 * 24, session_hours: 30 * 24, oidc: BTreeMap::new() }
    }
}

impl PortalConfig {
    /// What is wrong with it, if anything.
    pub fn validate(&self) -> Result<(), String> {
        let plain = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if let Some(name) = self.oidc.keys().find(|name| !plain(name)) {
            return Err(format!("portal.oidc.{name}: a provider's name consists of letters, digits, - and _"));
        }
        if self.session_hours == 0 || self.session_idle_hours == 0 {
            return Err("portal.session_hours and portal.session_idle_hours are 1 or more".to_owned());
        }
        if self.public_url.as_ref().is_some_and(|url| !["http", "https"].contains(&url.scheme()) || url.path() != "/") {
            return Err("portal.public_url is like https://search.example.com, without a path".to_owned());
        }
        Ok(())
    }

    /// How sessions last and travel. Whoever is reached by TLS sends cookies by TLS only.
    pub fn session_rules(&self) -> SessionRules {
        SessionRules {
            idle: Duration::from_hours(self.session_idle_hours.into()),
            life: Duration::from_hours(self.session_hours.into()),
            secure: self.public_url.as_ref().is_some_and(|url| url.scheme() == "https"),
        }
    }
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Whoever is invited to a tenant.
    Invited,
    /// Nobody.
    Off,
}

/// An identity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// Its address, as its tokens name it.
    pub issuer: Url,
    /// What the portal is called there.
    pub client_id: String,
    /// What the portal shows to it; absent for a public client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<ClientSecret>,
    /// What the button says.
    pub label: String,
    /// Whoever has an address of one of these domains is let in; none: everybody whom the provider knows.
    #[serde(default)]
    pub allowed_domains: Vec<String>,
    /// Whether addresses are believed that the provider does not call verified: right for a provider that only its own organisation is in, such
    /// as Microsoft Entra with the issuer of one tenant.
    #[serde(default)]
    pub trust_email: bool,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ClientSecret(pub String);

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Serialize for ClientSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}
