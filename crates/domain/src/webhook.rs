//! Webhooks: where a tenant wants to be told of tasks that are at their end.

use std::collections::BTreeMap;

use crate::{TenantId, Timestamp, WebhookId};

/// One webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where the tasks are sent to.
    pub url: String,
    /// What is sent along.
    pub headers: Headers,
    /// When it was created.
    pub created_at: Timestamp,
}

/// The headers of a webhook, by name.
pub type Headers = BTreeMap<String, String>;

impl Webhook {
    /// The webhooks that a tenant may have.
    pub const MAX: u64 = 20;
    /// The headers that a webhook may have.
    pub const MAX_HEADERS: usize = 200;

    /// The headers as they may be shown: of `Authorization` only the beginning.
    pub fn redacted_headers(&self) -> Headers {
        let redacted = |(name, value): (&String, &String)| {
            let value = if name.eq_ignore_ascii_case("authorization") { redact(value) } else { value.clone() };
            (name.clone(), value)
        };
        self.headers.iter().map(redacted).collect()
    }
}

/// A secret as Meilisearch shows one; a scheme such as `Bearer` stays.
fn redact(value: &str) -> String {
    let (scheme, secret) = match value.split_once(' ') {
        Some((scheme, secret)) => (format!("{scheme} "), secret),
        None => (String::new(), value),
    };
    let (shown, mask) = match secret.chars().count() {
        ..10 => (0, "XXX..."),
        10..20 => (2, "XXXX..."),
        20..30 => (3, "XXXXX..."),
        _ => (5, "XXXXXX..."),
    };
    format!("{scheme}{}{mask}", secret.chars().take(shown).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_authorization_only_the_beginning_is_shown() {
        assert_eq!(redact("TOKEN"), "XXX...");
        assert_eq!(redact("Bearer a-secret-token"), "Bearer a-XXXX...");
        assert_eq!(redact(&format!("Bearer a-sec{}", "x".repeat(40))), "Bearer a-secXXXXXX...");
    }
}
