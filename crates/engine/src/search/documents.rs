//! Documents themselves: a page of them in order of insertion, or sorted.

use onggi_domain::{ApiError, Code, settings::Settings};
use serde_json::value::RawValue;

use super::{
    DocumentsPage, DocumentsRequest,
    clock::Clock,
    collect,
    filter::Predicate,
    format::{self, Shown},
    run::{Index, Outcome, caller, failed},
    sort::{self, RankPlan},
};

impl Index<'_> {
    /// A page of the documents that a filter lets through.
    pub(crate) fn documents(&self, request: &DocumentsRequest, filter: Option<&Predicate>) -> Outcome<DocumentsPage> {
        let clock = Clock::start(self.limits.request_time);
        let keys = caller!(sort::parse(request.sort.as_deref().unwrap_or_default(), &self.state.settings, Code::InvalidDocumentSort));
        let order = RankPlan { before: keys, after: Vec::new() };
        let end = request.offset.saturating_add(request.limit);
        let allowed = self.allowed(filter, &clock)?;
        let collected = collect::collect(&collect::Request {
            segments: self.segments,
            ords: self.ords,
            plan: None,
            allowed: allowed.as_deref(),
            excluded: None,
            order: &order,
            keep: end,
            keep_matched: false,
            deadline: clock.deadline(),
        })
        .map_err(failed)?;
        if collected.degraded || clock.was_late() {
            // Half of the documents would pass for all of them.
            let message = "Listing the documents took too long. Ask with a simpler filter.";
            return Ok(Err(ApiError::new(Code::RequestTimeout, message)));
        }
        let mut hits = collected.hits;
        self.sort(&mut hits, &order).map_err(failed)?;
        let mut results = Vec::new();
        let mut room = self.limits.answer_bytes.as_u64();
        for hit in hits.iter().take(end).skip(request.offset) {
            let document = show((self.load)(hit.segment, hit.doc)?, request.fields.as_deref())?;
            room = caller!(less_room(room, document.get(), Code::InvalidDocumentLimit, self.limits));
            results.push(document);
        }
        Ok(Ok(DocumentsPage { results, offset: request.offset, limit: request.limit, total: collected.total as usize }))
    }
}

/// What is left of the room in an answer after a document, or that there is not enough.
pub(super) fn less_room(room: u64, document: &str, code: Code, limits: &onggi_domain::limits::Limits) -> Result<u64, ApiError> {
    room.checked_sub(document.len() as u64).ok_or_else(|| {
        let message =
            format!("The documents asked for are larger than {} together: ask for fewer at a time by `limit`.", limits.answer_bytes);
        ApiError::new(code, message)
    })
}

/// A document with these fields only.
pub(crate) fn show(raw: String, fields: Option<&[String]>) -> crate::Result<Box<RawValue>> {
    let shown = Shown::new(&Settings::default(), fields);
    format::project(raw, &shown).map_err(|error| crate::Error::Damaged { what: "a stored document".to_owned(), why: error.to_string() })
}
