//! What the index already holds under an id: in the batch that is not committed yet, or in the last local commit.

use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::FxHashMap;
use tantivy::{DocAddress, DocSet, Searcher, TERMINATED, Term, schema::IndexRecordOption};

use super::by_id::ById;
use crate::{
    Error, Result,
    document::fields_of,
    schema::{ID, ID_COLUMN, ORD_COLUMN},
    stored::Stored,
    tantivy_error,
};

/// What must be known of a document to replace or delete it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Its insertion order.
    pub(super) ord: u64,
    /// Its top-level attributes.
    pub(super) fields: Arc<[u32]>,
    /// The bytes of its JSON.
    pub(super) bytes: u64,
    /// The JSON, where it is at hand.
    pub(super) raw: Option<Arc<[u8]>>,
}

/// The documents written or deleted since the last local commit.
#[derive(Debug, Default)]
pub(super) struct Batch {
    by_id: FxHashMap<Box<str>, Option<Known>>,
    bytes: usize,
    last_fields: Option<Arc<[u32]>>,
}

impl Batch {
    /// `Some(None)`: deleted in this batch. `None`: not touched.
    pub(super) fn get(&self, id: &str) -> Option<&Option<Known>> {
        self.by_id.get(id)
    }

    pub(super) fn set(&mut self, id: &str, known: Option<Known>) {
        self.bytes += 96 + id.len() + known.as_ref().and_then(|known| known.raw.as_ref()).map_or(0, |raw| raw.len());
        self.by_id.insert(id.into(), known);
    }

    /// Notes that a document is to be deleted with the next commit.
    pub(super) fn deletes(&mut self, id: &str) {
        self.bytes += ById::bytes(id);
    }

    /// The attributes as a shared slice: documents that follow each other mostly have the same ones.
    pub(super) fn share(&mut self, fields: &[u32]) -> Arc<[u32]> {
        match &self.last_fields {
            Some(last) if **last == *fields => Arc::clone(last),
            _ => {
                let shared: Arc<[u32]> = fields.into();
                self.bytes += size_of_val(fields);
                Arc::clone(self.last_fields.insert(shared))
            }
        }
    }

    /// About how much memory the batch takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Where the last local commit holds a document.
pub(super) fn find(searcher: &Searcher, id: &str) -> Result<Option<DocAddress>> {
    let term = Term::from_field_text(ID, id);
    for (segment, reader) in searcher.segment_readers().iter().enumerate() {
        let index = reader.inverted_index(ID).map_err(tantivy_error("look up a document"))?;
        let postings =
            index.read_postings(&term, IndexRecordOption::Basic).map_err(|source| Error::Io { path: "the id index".to_owned(), source })?;
        let Some(mut postings) = postings else { continue };
        while postings.doc() != TERMINATED {
            if !reader.is_deleted(postings.doc()) {
                return Ok(Some(DocAddress::new(segment as u32, postings.doc())));
            }
            postings.advance();
        }
    }
    Ok(None)
}

/// The JSON of a document.
pub(super) fn raw(searcher: &Searcher, address: DocAddress) -> Result<Arc<[u8]>> {
    let Stored(bytes) = searcher.doc(address).map_err(tantivy_error("read a stored document"))?;
    bytes.map(Arc::from).ok_or_else(|| Error::Damaged { what: format!("the document at {address:?}"), why: "it has no content".to_owned() })
}

/// What is known of a document in the last local commit.
pub(super) fn load(searcher: &Searcher, address: DocAddress, fields: &IndexMap<String, u64>) -> Result<Known> {
    let raw = raw(searcher, address)?;
    Ok(Known { ord: ord(searcher, address)?, fields: fields_of(&raw, fields)?.into(), bytes: raw.len() as u64, raw: Some(raw) })
}

pub(super) fn ord(searcher: &Searcher, address: DocAddress) -> Result<u64> {
    let column =
        searcher.segment_reader(address.segment_ord).fast_fields().u64(ORD_COLUMN).map_err(tantivy_error("open the order of insertion"))?;
    column
        .first(address.doc_id)
        .ok_or_else(|| Error::Damaged { what: format!("the document at {address:?}"), why: "it has no place in the order".to_owned() })
}

/// The id of a document in the last local commit.
pub(super) fn id(searcher: &Searcher, address: DocAddress) -> Result<String> {
    let columns = searcher.segment_reader(address.segment_ord).fast_fields();
    let column = columns.str(ID_COLUMN).map_err(tantivy_error("open the ids"))?;
    let mut id = String::new();
    let found = column
        .as_ref()
        .and_then(|column| Some((column, column.ords().first(address.doc_id)?)))
        .map_or(Ok(false), |(column, ord)| column.ord_to_str(ord, &mut id))
        .map_err(|source| Error::Io { path: "the ids".to_owned(), source })?;
    if found { Ok(id) } else { Err(Error::Damaged { what: format!("the document at {address:?}"), why: "it has no id".to_owned() }) }
}
