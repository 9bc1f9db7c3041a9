//! A document as Tantivy's writer takes it, and the bound on how many bytes of them wait for its thread.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tantivy::schema::{
    Document, Field,
    document::{ReferenceValue, ReferenceValueLeaf, Value},
};

use crate::{
    document::{ColumnValue, Parsed},
    schema::{BIGRAMS, COLUMNS, DOC, ID, INITIALS, ORD, PRESENCE, SLOTS},
};

/// Bytes of documents on their way to the indexing thread. Tantivy's own queue is bounded by number only.
#[derive(Debug)]
pub(super) struct InFlight {
    limit: usize,
    bytes: Mutex<usize>,
    freed: Condvar,
}

impl InFlight {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, bytes: Mutex::new(0), freed: Condvar::new() })
    }

    /// Waits until there is room for `bytes`; a document larger than the limit waits until it is alone. Never waits for ever: documents
    /// are dropped by the indexing thread, or with the queue when that thread has died.
    fn enter(self: &Arc<Self>, bytes: usize) -> Permit {
        let mut held = self.bytes.lock();
        while *held > 0 && *held + bytes > self.limit {
            self.freed.wait(&mut held);
        }
        *held += bytes;
        Permit { of: Arc::clone(self), bytes }
    }
}

/// Room taken in [`InFlight`], given back when the document has been indexed.
#[derive(Debug)]
struct Permit {
    of: Arc<InFlight>,
    bytes: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.of.bytes.lock() -= self.bytes;
        self.of.freed.notify_one();
    }
}

/// A document to be indexed. One pointer, because Tantivy moves it through queues.
#[derive(Debug)]
pub(super) struct Record(Box<Content>);

#[derive(Debug)]
struct Content {
    raw: Box<[u8]>,
    ord: u64,
    /// All texts but those of columns, one after another.
    text: String,
    /// The fields that are such a text, with where it ends.
    texts: Vec<(Field, u32)>,
    columns: Vec<(Arc<str>, ColumnValue)>,
    _permit: Permit,
}

impl Record {
    /// Takes what was parsed out of `raw`; waits while too much is on its way.
    pub(super) fn new(raw: &[u8], ord: u64, parsed: &mut Parsed, in_flight: &Arc<InFlight>) -> Self {
        let columns = std::mem::take(&mut parsed.columns);
        let slots = parsed.slots.iter().zip(SLOTS).filter(|(text, _)| !text.is_empty());
        let all = || {
            let hangul = parsed.hangul.iter();
            let hangul = hangul.clone().map(|text| (BIGRAMS, text)).chain(hangul.map(|text| (INITIALS, text)));
            let presence = parsed.presence.iter().map(|text| (PRESENCE, text));
            [(ID, &parsed.id)].into_iter().chain(presence).chain(slots.clone().map(|(text, field)| (field, text))).chain(hangul)
        };
        let bytes = all().map(|(_, text)| text.len()).sum();
        let held = size_of::<Content>() + raw.len() + bytes + columns.iter().map(|(_, value)| 48 + value.len()).sum::<usize>();
        let permit = in_flight.enter(held);
        let mut text = String::with_capacity(bytes);
        let mut texts = Vec::with_capacity(all().count());
        for (field, part) in all() {
            text.push_str(part);
            texts.push((field, text.len() as u32));
        }
        Self(Box::new(Content { raw: raw.into(), ord, text, texts, columns, _permit: permit }))
    }
}

impl ColumnValue {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Number(_) => 0,
        }
    }
}

impl Document for Record {
    type Value<'a> = RecordValue<'a>;
    type FieldsValuesIter<'a> = RecordFields<'a>;

    fn iter_fields_and_values(&self) -> RecordFields<'_> {
        RecordFields { content: &self.0, next: 0, start: 0 }
    }
}

/// The fields of a record: the texts, then `_ord`, `doc` and `f`.
pub(super) struct RecordFields<'a> {
    content: &'a Content,
    next: usize,
    start: usize,
}

impl<'a> Iterator for RecordFields<'a> {
    type Item = (Field, RecordValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let content = self.content;
        let index = self.next;
        self.next += 1;
        if let Some(&(field, end)) = content.texts.get(index) {
            let text = &content.text[self.start..end as usize];
            self.start = end as usize;
            return Some((field, RecordValue::Text(text)));
        }
        match index - content.texts.len() {
            0 => Some((ORD, RecordValue::Ord(content.ord))),
            1 => Some((DOC, RecordValue::Bytes(&content.raw))),
            2 if !content.columns.is_empty() => Some((COLUMNS, RecordValue::Columns(&content.columns))),
            _ => None,
        }
    }
}

/// A value of a record, borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) enum RecordValue<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Ord(u64),
    Number(f64),
    Columns(&'a [(Arc<str>, ColumnValue)]),
}

impl<'a> Value<'a> for RecordValue<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = Columns<'a>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        match *self {
            Self::Text(text) => ReferenceValueLeaf::Str(text).into(),
            Self::Bytes(bytes) => ReferenceValueLeaf::Bytes(bytes).into(),
            Self::Ord(ord) => ReferenceValueLeaf::U64(ord).into(),
            Self::Number(number) => ReferenceValueLeaf::F64(number).into(),
            Self::Columns(columns) => ReferenceValue::Object(Columns(columns.iter())),
        }
    }
}

/// The members of `f`; an attribute with several values comes several times.
pub(super) struct Columns<'a>(std::slice::Iter<'a, (Arc<str>, ColumnValue)>);

impl<'a> Iterator for Columns<'a> {
    type Item = (&'a str, RecordValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(attribute, value)| {
            let value = match value {
                ColumnValue::Text(text) => RecordValue::Text(text),
                ColumnValue::Number(number) => RecordValue::Number(*number),
            };
            (&**attribute, value)
        })
    }
}
