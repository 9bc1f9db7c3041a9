//! API keys: what each may do on which indexes, and until when.

use serde::{Deserialize, Serialize};

use crate::{ApiError, Code, KeyId, TenantId, Timestamp};

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)*) => {
        /// What a key may allow.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each is documented by its name on the wire")]
        pub enum Action { $(#[doc = $name] $variant),* }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Action] = &[$(Action::$variant),*];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Action::$variant => $name),* }
            }
        }
    };
}

actions! {
    All "*";
    AllGet "*.get";
    Search "search";
    DocumentsAll "documents.*";
    DocumentsAdd "documents.add";
    DocumentsGet "documents.get";
    DocumentsDelete "documents.delete";
    IndexesAll "indexes.*";
    IndexesCreate "indexes.create";
    IndexesGet "indexes.get";
    IndexesUpdate "indexes.update";
    IndexesDelete "indexes.delete";
    IndexesSwap "indexes.swap";
    IndexesCompact "indexes.compact";
    FieldsPost "fields.post";
    TasksAll "tasks.*";
    TasksGet "tasks.get";
    TasksCancel "tasks.cancel";
    TasksDelete "tasks.delete";
    TasksCompact "tasks.compact";
    SettingsAll "settings.*";
    SettingsGet "settings.get";
    SettingsUpdate "settings.update";
    StatsAll "stats.*";
    StatsGet "stats.get";
    MetricsAll "metrics.*";
    MetricsGet "metrics.get";
    DumpsAll "dumps.*";
    DumpsCreate "dumps.create";
    SnapshotsAll "snapshots.*";
    SnapshotsCreate "snapshots.create";
    Version "version";
    KeysCreate "keys.create";
    KeysGet "keys.get";
    KeysUpdate "keys.update";
    KeysDelete "keys.delete";
    ExperimentalFeaturesGet "experimental.get";
    ExperimentalFeaturesUpdate "experimental.update";
    Export "export";
    NetworkGet "network.get";
    NetworkUpdate "network.update";
    ChatCompletions "chatCompletions";
    ChatsAll "chats.*";
    ChatsGet "chats.get";
    ChatsDelete "chats.delete";
    ChatsSettingsAll "chatsSettings.*";
    ChatsSettingsGet "chatsSettings.get";
    ChatsSettingsUpdate "chatsSettings.update";
    WebhooksAll "webhooks.*";
    WebhooksGet "webhooks.get";
    WebhooksCreate "webhooks.create";
    WebhooksUpdate "webhooks.update";
    WebhooksDelete "webhooks.delete";
    DynamicSearchRulesAll "dynamicSearchRules.*";
    DynamicSearchRulesGet "dynamicSearchRules.get";
    DynamicSearchRulesCreate "dynamicSearchRules.create";
    DynamicSearchRulesUpdate "dynamicSearchRules.update";
    DynamicSearchRulesDelete "dynamicSearchRules.delete";
    ContainersAll "containers.*";
    ContainersGet "containers.get";
    ContainersUpdate "containers.update";
    GenerationsAll "generations.*";
    GenerationsGet "generations.get";
    GenerationsRollback "generations.rollback";
    GenerationsFork "generations.fork";
    UsageAll "usage.*";
    UsageGet "usage.get";
    UsageUpdate "usage.update";
    AnalyticsAll "analytics.*";
    AnalyticsGet "analytics.get";
}

impl Action {
    /// The action of this name, or an error that says which there are.
    pub fn from_name(name: &str) -> Result<Self, ApiError> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name).ok_or_else(|| {
            let names: Vec<String> = Self::ALL.iter().map(|action| format!("`{}`", action.as_str())).collect();
            ApiError::new(Code::InvalidApiKeyActions, format!("Unknown value `{name}` at `.actions`: expected one of {}", names.join(", ")))
        })
    }

    /// Whether a key that holds `self` may do `wanted`.
    pub fn allows(self, wanted: Action) -> bool {
        match self {
            Self::All => true,
            Self::AllGet => wanted.only_reads(),
            held => held == wanted || held.as_str().strip_suffix('*').is_some_and(|group| wanted.as_str().starts_with(group)),
        }
    }

    /// Whether `*.get` stands for it as well. Not for reading keys: their secrets would lend every other right.
    fn only_reads(self) -> bool {
        match self {
            Self::KeysGet => false,
            Self::Search | Self::Version | Self::Export | Self::FieldsPost => true,
            other => other.as_str().rsplit_once('.').is_some_and(|(group, verb)| group != "*" && verb == "get"),
        }
    }
}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_name(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// An index uid, or the start of one followed by `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IndexPattern(String);

impl IndexPattern {
    /// The pattern that every index matches.
    pub fn all() -> Self {
        Self("*".to_owned())
    }

    /// Whether an index of this name is meant.
    pub fn matches(&self, uid: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => uid.starts_with(prefix),
            None => self.0 == uid,
        }
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IndexPattern {
    type Error = ApiError;

    fn try_from(text: String) -> Result<Self, ApiError> {
        let stem = text.strip_suffix('*').unwrap_or(&text);
        if (stem.is_empty() && text == "*") || stem.parse::<crate::IndexUid>().is_ok() {
            return Ok(Self(text));
        }
        Err(ApiError::new(
            Code::InvalidApiKeyIndexes,
            format!(
                "Invalid value at `.indexes`: `{text}` is not a valid index uid pattern. Index uid patterns can be an integer or a string containing only alphanumeric characters, hyphens (-), underscores (_), and optionally end with a star (*)."
            ),
        ))
    }
}

impl From<IndexPattern> for String {
    fn from(pattern: IndexPattern) -> Self {
        pattern.0
    }
}

/// A key as it is stored: without its secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Its id, from which the secret is derived.
    pub uid: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// A name for people.
    pub name: Option<String>,
    /// A description for people.
    pub description: Option<String>,
    /// What it allows.
    pub actions: Vec<Action>,
    /// On which indexes.
    pub indexes: Vec<IndexPattern>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// Whether the secret is derived from the tenant as well. Those of the first version are not; the uid was unique among all tenants then.
    pub salted: bool,
    /// The tenant's root key: may do everything, also manage keys; not listed and not changeable through the API.
    pub root: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or description last changed.
    pub updated_at: Timestamp,
}

impl Key {
    /// Whether the key allows an action, on an index if one is named.
    pub fn allows(&self, action: Action, index: Option<&str>) -> bool {
        (self.root || self.actions.iter().any(|held| held.allows(action))) && index.is_none_or(|uid| self.allows_index(uid))
    }

    /// Whether the key may see an index of this name.
    pub fn allows_index(&self, uid: &str) -> bool {
        self.root || self.indexes.iter().any(|pattern| pattern.matches(uid))
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_allows_its_members_and_a_star_allows_all() {
        assert!(Action::All.allows(Action::KeysDelete));
        assert!(Action::DocumentsAll.allows(Action::DocumentsAdd));
        assert!(!Action::DocumentsAll.allows(Action::Search));
        assert!(!Action::DocumentsAdd.allows(Action::DocumentsGet));
    }

    #[test]
    fn every_reading_action_is_allowed_by_one_name_but_reading_keys() {
        for allowed in [Action::Search, Action::DocumentsGet, Action::SettingsGet, Action::WebhooksGet, Action::GenerationsGet] {
            assert!(Action::AllGet.allows(allowed), "{allowed:?}");
        }
        for refused in [Action::KeysGet, Action::DocumentsAdd, Action::All, Action::AllGet, Action::IndexesAll, Action::ChatCompletions] {
            assert!(!Action::AllGet.allows(refused), "{refused:?}");
        }
    }

    #[test]
    fn an_index_pattern_is_a_uid_or_a_prefix() {
        let pattern: IndexPattern = serde_json::from_str("\"prod_*\"").unwrap();
        assert!(pattern.matches("prod_movies") && !pattern.matches("dev_movies"));
        assert!(IndexPattern::all().matches("anything"));
        assert!(serde_json::from_str::<IndexPattern>("\"a*b\"").is_err());
    }
}
