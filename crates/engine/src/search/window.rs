//! Paging, both ways: by offset and limit, and by pages.

use super::{Paging, SearchRequest};

/// Which part of all that matches is answered.
pub(super) struct Window {
    offset: usize,
    limit: usize,
    pages: Option<(usize, usize)>,
}

impl Window {
    pub(super) fn new(request: &SearchRequest, max: usize) -> Self {
        let pages = (request.page.is_some() || request.hits_per_page.is_some())
            .then(|| (request.page.unwrap_or(1), request.hits_per_page.unwrap_or(20)));
        let (offset, limit) = match pages {
            Some((0, _)) => (0, 0),
            Some((page, size)) => ((page - 1).saturating_mul(size), size),
            None => (request.offset, request.limit),
        };
        let offset = offset.min(max);
        Self { offset, limit: limit.min(max - offset), pages }
    }

    pub(super) fn start(&self) -> usize {
        self.offset
    }

    pub(super) fn end(&self) -> usize {
        self.offset + self.limit
    }

    pub(super) fn paging(&self, request: &SearchRequest, total: usize) -> Paging {
        match self.pages {
            Some((page, hits_per_page)) => {
                let total_pages = if hits_per_page == 0 { 0 } else { total.div_ceil(hits_per_page) };
                Paging::Pages { hits_per_page, page, total_pages, total_hits: total }
            }
            None => Paging::Offset { limit: request.limit, offset: self.offset, estimated_total_hits: total },
        }
    }
}
