//! What a segment stores of a document: its JSON, as it came, and nothing else.

use std::io;

use tantivy::{
    directory::OwnedBytes,
    schema::document::{DeserializeError, DocumentDeserialize, DocumentDeserializer},
};
use tantivy_common::{BinarySerializable, VInt};

/// The bytes of a stored document, read by Tantivy: one at a time. `None`: nothing is stored for it.
pub(crate) struct Stored(pub(crate) Option<Vec<u8>>);

impl DocumentDeserialize for Stored {
    fn deserialize<'de, D: DocumentDeserializer<'de>>(mut deserializer: D) -> Result<Self, DeserializeError> {
        let first = deserializer.next_field()?;
        Ok(Self(first.map(|(_, bytes)| bytes)))
    }
}

/// The same, cut out of the document as it is stored: how many values it has, and of each its field, its type, its length, and the value.
pub(crate) fn content(mut document: OwnedBytes) -> io::Result<Option<OwnedBytes>> {
    if VInt::deserialize(&mut document)?.val() == 0 {
        return Ok(None);
    }
    u32::deserialize(&mut document)?;
    u8::deserialize(&mut document)?;
    let length = VInt::deserialize(&mut document)?.val();
    if document.len() as u64 != length {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} bytes of {length}", document.len())));
    }
    Ok(Some(document))
}

#[cfg(test)]
mod tests {
    use tantivy::{
        Index, TantivyDocument,
        schema::{STORED, Schema, document::Value as _},
    };

    use super::*;

    #[test]
    fn what_is_cut_out_is_what_tantivy_reads() {
        let mut schema = Schema::builder();
        let field = schema.add_bytes_field("doc", STORED);
        let index = Index::create_in_ram(schema.build());
        let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, 15_000_000).unwrap();
        let contents: Vec<Vec<u8>> = [0, 1, 127, 128, 129, 16_383, 16_384, 100_000].map(|length| vec![b'x'; length]).to_vec();
        for content in &contents {
            let mut document = TantivyDocument::default();
            document.add_bytes(field, content);
            writer.add_document(document).unwrap();
        }
        writer.add_document(TantivyDocument::default()).unwrap();
        writer.commit().unwrap();
        let searcher = index.reader().unwrap().searcher();
        let store = searcher.segment_readers()[0].get_store_reader(0).unwrap();
        for (doc, expected) in (0..).zip(&contents) {
            let read: TantivyDocument = store.get(doc).unwrap();
            assert_eq!(read.get_first(field).unwrap().as_bytes().unwrap(), expected);
            assert_eq!(content(store.get_document_bytes(doc).unwrap()).unwrap().unwrap().as_slice(), expected);
            let Stored(bytes) = store.get(doc).unwrap();
            assert_eq!(&bytes.unwrap(), expected);
        }
        assert!(content(store.get_document_bytes(contents.len() as u32).unwrap()).unwrap().is_none());
        let cut_short = store.get_document_bytes(3).unwrap();
        assert!(content(cut_short.slice(0..cut_short.len() - 1)).is_err());
    }
}
