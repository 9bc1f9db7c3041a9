//! What a segment stores of a document: its JSON, as it came, and nothing else.

use tantivy::schema::document::{DeserializeError, DocumentDeserialize, DocumentDeserializer};

/// The bytes of a stored document; `None`: nothing is stored for it.
pub(crate) struct Stored(pub(crate) Option<Vec<u8>>);

impl DocumentDeserialize for Stored {
    fn deserialize<'de, D: DocumentDeserializer<'de>>(mut deserializer: D) -> Result<Self, DeserializeError> {
        let first = deserializer.next_field()?;
        Ok(Self(first.map(|(_, bytes)| bytes)))
    }
}
