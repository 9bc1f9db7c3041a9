//! `POST /indexes/{uid}/events`: what an app reports of hits: that they were clicked, or led to what the tenant wants. And what the log of queries
//! learns from searches.

use std::time::Duration;

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use onggi_domain::{
    ApiError, Code, IndexId, IndexUid, TenantId,
    limits::{CLICK_POSITION, DOCUMENT_ID_CHARS, EVENTS, USER_ID_CHARS},
    usage::Counts,
};
use onggi_metadata::KeySecrets;
use onggi_web::{Result, body::parse};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Gateway,
    authenticate::Caller,
    counting::{Counting, Entry, Source, What, source},
    headers::HITS,
    tenants::Tenant,
};

/// Bytes of a report.
const REPORT_BYTES: u64 = 256 * 1024;
/// The user who searches, as an app calls them: our name, and that of Meilisearch Cloud. Only a hash of it is ever looked at.
const USERS: [HeaderName; 2] = [HeaderName::from_static("x-onggi-user"), HeaderName::from_static("x-ms-user-id")];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Event {
    #[serde(rename = "type")]
    kind: EventKind,
    query: String,
    document_id: DocumentId,
    position: Option<u32>,
    user_id: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum EventKind {
    Click,
    Conversion,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DocumentId {
    Text(String),
    Number(i64),
}

/// Who searches, hashed; and whether that is in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    /// `None`: it is not said who.
    user: Option<u128>,
    logged: bool,
}

impl Asker {
    /// Decides by the hash of the user, or of the request if it is not said who asks.
    pub(crate) fn of(headers: &HeaderMap, request_id: &[u8], tenant: TenantId, secrets: &KeySecrets, one_in: u64) -> Self {
        let user = USERS.iter().find_map(|name| headers.get(name)).filter(|user| (1..=USER_ID_CHARS).contains(&user.len()));
        let user = user.map(|user| secrets.hash_user(tenant, &String::from_utf8_lossy(user.as_bytes())));
        Self { user, logged: is_logged(user, request_id, one_in) }
    }
}

/// Whether a user's searches, or one without a user, are logged: always the same for the same.
fn is_logged(user: Option<u128>, request_id: &[u8], one_in: u64) -> bool {
    // FNV-1a: it is to be spread, not to be kept secret.
    let of_request =
        || request_id.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    one_in <= 1 || user.map_or_else(of_request, |user| user as u64).is_multiple_of(one_in)
}

/// What a search was, once it is answered.
pub(crate) struct Answered<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) index: IndexId,
    pub(crate) asker: Asker,
    pub(crate) path_and_query: &'a str,
    pub(crate) body: &'a Bytes,
    pub(crate) hits: Option<u64>,
    pub(crate) taken: Duration,
}

impl Counting {
    /// Counts a search that was answered, and logs it.
    pub(crate) fn searched(&self, search: &Answered<'_>) {
        let mut counts = Counts { searches: 1, no_hits: u64::from(search.hits == Some(0)), ..Counts::default() };
        counts.latencies.count(search.taken, 1);
        self.count(search.tenant, search.index, &counts);
        if search.asker.logged
            && let Some(source) = source(search.path_and_query, search.body)
        {
            let what = What::Search { hits: search.hits, taken: search.taken };
            self.log(Entry { tenant: search.tenant, index: search.index, source, weight: self.log_one_in(), what });
        }
    }
}

/// The number of hits that a searcher tells of.
pub(crate) fn hits(headers: &HeaderMap) -> Option<u64> {
    headers.get(HITS)?.to_str().ok()?.parse().ok()
}

impl Gateway {
    /// Takes a report, all of it or nothing.
    pub(crate) async fn report(&self, caller: &Caller, tenant: &Tenant, uid: &IndexUid, request: Request) -> Result<Response> {
        let index = self.indexes.find(caller.tenant(), tenant.epoch(), uid).await?.id;
        let (parts, body) = request.into_parts();
        let (body, _held) = tenant.room().read(body, REPORT_BYTES).await?;
        let report: Report = parse(&body, |_| Code::InvalidEvents)?;
        if report.events.len() > EVENTS {
            let message = format!("Invalid value at `.events`: {} events are more than the {EVENTS} of one report.", report.events.len());
            return Err(ApiError::new(Code::InvalidEvents, message).into());
        }
        let asker = Asker::of(&parts.headers, &[], caller.tenant(), &self.secrets, self.counting.log_one_in());
        let entries = report.events.iter().enumerate().map(|(at, event)| self.entry(caller.tenant(), index, asker, at, event));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let accepted = entries.len();
        for (counts, entry) in entries {
            self.counting.count(caller.tenant(), index, &counts);
            if let Some(entry) = entry {
                self.counting.log(entry);
            }
        }
        Ok((StatusCode::ACCEPTED, Json(json!({"accepted": accepted}))).into_response())
    }

    /// What an event counts as, and what is logged of it.
    fn entry(&self, tenant: TenantId, index: IndexId, asker: Asker, at: usize, event: &Event) -> Result<(Counts, Option<Entry>), ApiError> {
        let invalid =
            |field: &str, why: String| ApiError::new(Code::InvalidEvents, format!("Invalid value at `.events[{at}].{field}`: {why}"));
        let most = self.limits.query_chars;
        if event.query.chars().count() > most {
            return Err(invalid("query", format!("more than {most} characters")));
        }
        let document = match &event.document_id {
            DocumentId::Text(id) => id.clone(),
            DocumentId::Number(id) => id.to_string(),
        };
        if !(1..=DOCUMENT_ID_CHARS).contains(&document.chars().count()) {
            return Err(invalid("documentId", format!("expected 1 to {DOCUMENT_ID_CHARS} characters")));
        }
        if event.user_id.as_ref().is_some_and(|user| !(1..=USER_ID_CHARS).contains(&user.chars().count())) {
            return Err(invalid("userId", format!("expected 1 to {USER_ID_CHARS} characters")));
        }
        let user = event.user_id.as_ref().map(|user| self.secrets.hash_user(tenant, user)).or(asker.user);
        // Without a user nobody can tell two clicks on the same document apart, so all of them count.
        let who = user.unwrap_or_else(rand::random);
        let who_and_what = self.secrets.hash_user(tenant, &format!("{who:032x}/{document}"));
        let (counts, what) = match (event.kind, event.position) {
            (EventKind::Click, Some(position)) if (1..=CLICK_POSITION).contains(&position) => {
                (Counts { clicks: 1, positions: u64::from(position), ..Counts::default() }, What::Click { position, who_and_what })
            }
            (EventKind::Click, _) => return Err(invalid("position", format!("a click has a position from 1 to {CLICK_POSITION}"))),
            (EventKind::Conversion, _) => (Counts { conversions: 1, ..Counts::default() }, What::Conversion { who_and_what }),
        };
        let one_in = self.counting.log_one_in();
        let logged = is_logged(user, document.as_bytes(), one_in);
        let entry = Entry { tenant, index, source: Source::Text(event.query.clone()), weight: one_in, what };
        Ok((counts, logged.then_some(entry)))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_users_searches_are_logged_all_or_none_and_about_one_in_so_many_users() {
        let (secrets, tenant) = (KeySecrets::new("server"), TenantId(uuid::Uuid::nil()));
        let logged = |user: &str, request: &[u8]| {
            let headers = HeaderMap::from_iter([(USERS[1].clone(), HeaderValue::from_str(user).unwrap())]);
            Asker::of(&headers, request, tenant, &secrets, 10).logged
        };
        assert!((0..50).all(|user| logged(&user.to_string(), b"1") == logged(&user.to_string(), b"2")));
        let users = (0..2000).filter(|user| logged(&user.to_string(), b"")).count();
        assert!((130..270).contains(&users), "{users}");
        let requests = (0..2000).filter(|n| Asker::of(&HeaderMap::new(), n.to_string().as_bytes(), tenant, &secrets, 10).logged).count();
        assert!((130..270).contains(&requests), "{requests}");
        assert!(Asker::of(&HeaderMap::new(), b"", tenant, &secrets, 1).logged);
    }
}
