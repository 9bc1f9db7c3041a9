//! A log entry as an object.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0..8 | `onggilog` |
//! | 8..12 | format version |
//! | 12..16 | size of the JSON |
//! | 16..24 | size of all payloads |
//! | 24..40 | nonce: tells one writer's entry from another's after an ambiguous put |
//! | 40..56 | XXH3-128 of bytes 0..40 and the JSON |
//! | 56..72 | XXH3-128 of the payloads |
//! | 72.. | JSON `{records, payloads}`, then the inline payloads one after the other, as long as `payloads` says |
//!
//! Numbers are little-endian. The JSON has a checksum of its own, so that garbage collection can read it without the payloads.

use bytes::Bytes;
use object_store::path::Path;
use onggi_domain::log::{Operation, Payload, Record};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"onggilog";
const FORMAT: u32 = 1;
/// Bytes before the JSON.
pub(crate) const HEADER: usize = 72;

#[derive(Serialize)]
struct HeadOut<'a> {
    records: &'a [Record],
    payloads: Vec<usize>,
}

#[derive(Deserialize)]
struct HeadIn {
    records: Vec<Record>,
    payloads: Vec<usize>,
}

/// The fixed part of an entry, not yet trusted beyond its form.
pub(crate) struct Header {
    pub(crate) nonce: u128,
    pub(crate) json: usize,
    body: u64,
    head_checksum: u128,
    body_checksum: u128,
}

impl Header {
    pub(crate) fn parse(object: &Path, bytes: &[u8]) -> Result<Self> {
        let Some(header) = bytes.get(..HEADER) else {
            return Err(Error::damaged(object, format!("{} bytes are too few for a log entry", bytes.len())));
        };
        let u32_at = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let u128_at = |at: usize| u128::from_le_bytes(header[at..at + 16].try_into().expect("sixteen bytes"));
        if &header[..8] != MAGIC {
            return Err(Error::damaged(object, "not a log entry"));
        }
        if u32_at(8) > FORMAT {
            return Err(Error::Format { object: object.to_string(), found: u32_at(8), known: FORMAT });
        }
        Ok(Self {
            nonce: u128_at(24),
            json: u32_at(12) as usize,
            body: u64::from_le_bytes(header[16..24].try_into().expect("eight bytes")),
            head_checksum: u128_at(40),
            body_checksum: u128_at(56),
        })
    }

    /// The size that the whole object must have.
    pub(crate) fn size(&self) -> u64 {
        HEADER as u64 + self.json as u64 + self.body
    }

    /// About how much memory its records take.
    pub(crate) fn memory(&self) -> u64 {
        memory(self.json, self.body)
    }
}

/// An entry of these records as an object.
pub(crate) fn encode(nonce: u128, records: &[Record]) -> Bytes {
    let inline: Vec<&[u8]> = records.iter().filter_map(inline_bytes).collect();
    let head = HeadOut { records, payloads: inline.iter().map(|bytes| bytes.len()).collect() };
    let json = serde_json::to_vec(&head).expect("records are plain data with text keys");
    let body: usize = head.payloads.iter().sum();

    let mut entry = Vec::with_capacity(HEADER + json.len() + body);
    entry.extend_from_slice(MAGIC);
    entry.extend_from_slice(&FORMAT.to_le_bytes());
    entry.extend_from_slice(&u32::try_from(json.len()).expect("an entry's JSON is below 4 GiB").to_le_bytes());
    entry.extend_from_slice(&(body as u64).to_le_bytes());
    entry.extend_from_slice(&nonce.to_le_bytes());
    let head_checksum = head_checksum(&entry, &json);
    entry.extend_from_slice(&head_checksum.to_le_bytes());
    entry.extend_from_slice(&[0; 16]);
    entry.extend_from_slice(&json);
    for bytes in inline {
        entry.extend_from_slice(bytes);
    }
    let body_checksum = xxh3_128(&entry[HEADER + json.len()..]);
    entry[56..72].copy_from_slice(&body_checksum.to_le_bytes());
    entry.into()
}

/// The records of an entry.
pub(crate) fn decode(object: &Path, bytes: &[u8]) -> Result<Vec<Record>> {
    let header = Header::parse(object, bytes)?;
    if bytes.len() as u64 != header.size() {
        return Err(Error::damaged(object, format!("{} bytes instead of {}", bytes.len(), header.size())));
    }
    let head = decode_head(object, &header, bytes)?;
    let mut body = &bytes[HEADER + header.json..];
    if xxh3_128(body) != header.body_checksum {
        return Err(Error::damaged(object, "the checksum of its payloads is wrong"));
    }
    let mut records = head.records;
    let mut sizes = head.payloads.into_iter();
    for payload in records.iter_mut().filter_map(inline_bytes_mut) {
        let taken = sizes.next().and_then(|size| body.split_at_checked(size));
        let (bytes, rest) = taken.ok_or_else(|| Error::damaged(object, "its payloads are not as long as it says"))?;
        *payload = bytes.to_vec();
        body = rest;
    }
    Ok(records)
}

/// The records of an entry without their inline payloads; `bytes` may end after the JSON.
pub(crate) fn decode_records(object: &Path, bytes: &[u8]) -> Result<Vec<Record>> {
    let header = Header::parse(object, bytes)?;
    Ok(decode_head(object, &header, bytes)?.records)
}

fn decode_head(object: &Path, header: &Header, bytes: &[u8]) -> Result<HeadIn> {
    let json = bytes.get(HEADER..HEADER + header.json).ok_or_else(|| Error::damaged(object, "it ends within its records"))?;
    if head_checksum(&bytes[..40], json) != header.head_checksum {
        return Err(Error::damaged(object, "the checksum of its records is wrong"));
    }
    serde_json::from_slice(json).map_err(|error| Error::damaged(object, format!("its records cannot be read: {error}")))
}

fn head_checksum(fixed: &[u8], json: &[u8]) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(fixed);
    hasher.update(json);
    hasher.digest128()
}

/// About how much memory a record takes when its entry is read.
pub(crate) fn memory_of(record: &Record) -> u64 {
    let json = serde_json::to_vec(record).map_or(0, |json| json.len());
    memory(json, inline_bytes(record).map_or(0, |bytes| bytes.len() as u64))
}

/// Short texts, such as ids, take several times what they take in JSON.
fn memory(json: usize, payloads: u64) -> u64 {
    4 * json as u64 + payloads
}

/// The compressed documents that a record carries in the entry itself.
pub(crate) fn inline_bytes(record: &Record) -> Option<&[u8]> {
    match &record.operation {
        Operation::AddDocuments { documents: Payload::Inline { bytes, .. }, .. } => Some(bytes),
        _ => None,
    }
}

fn inline_bytes_mut(record: &mut Record) -> Option<&mut Vec<u8>> {
    match &mut record.operation {
        Operation::AddDocuments { documents: Payload::Inline { bytes, .. }, .. } => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use onggi_domain::{Generation, TaskUid, Timestamp, log::DocumentMethod};

    use super::*;

    fn records() -> Vec<Record> {
        let record = |task, operation| Record { task: TaskUid(task), enqueued_at: Timestamp::UNIX_EPOCH, operation };
        let add = |bytes: &[u8]| Operation::AddDocuments {
            method: DocumentMethod::Replace,
            primary_key: "id".to_owned(),
            documents: Payload::Inline { documents: 1, raw_bytes: 9, bytes: bytes.to_vec() },
        };
        vec![
            record(0, add(b"\0one\xff")),
            record(1, Operation::Rollback { generation: Generation(3) }),
            record(2, add(b"")),
            record(3, add(b"two")),
        ]
    }

    fn object() -> Path {
        Path::from("log/7")
    }

    #[test]
    fn an_entry_comes_back_as_it_was_with_payloads_beside_the_json() {
        let bytes = encode(42, &records());
        assert_eq!(decode(&object(), &bytes).unwrap(), records());
        assert_eq!(Header::parse(&object(), &bytes).unwrap().nonce, 42);
        assert!(bytes.ends_with(b"\0one\xfftwo"));
    }

    #[test]
    fn every_torn_or_changed_entry_is_an_error_that_names_it() {
        let bytes = encode(42, &records());
        for length in 0..bytes.len() {
            let error = decode(&object(), &bytes[..length]).unwrap_err();
            assert!(error.to_string().starts_with("log/7 is damaged"), "{length}: {error}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 0x10;
            assert!(decode(&object(), &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn an_entry_of_a_newer_format_is_not_guessed_at() {
        let mut bytes = encode(42, &records()).to_vec();
        bytes[8] = 2;
        assert!(matches!(decode(&object(), &bytes), Err(Error::Format { found: 2, known: 1, .. })));
    }

    #[test]
    fn the_records_can_be_read_without_the_payloads() {
        let bytes = encode(42, &records());
        let header = Header::parse(&object(), &bytes).unwrap();
        let head = decode_records(&object(), &bytes[..HEADER + header.json]).unwrap();
        assert_eq!(head.len(), 4);
        assert_eq!(head[1], records()[1]);
    }
}
