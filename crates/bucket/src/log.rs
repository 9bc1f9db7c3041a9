//! The log: append, head, read.
//!
//! **Why no seq is used twice and none is skipped.** Entries are put if absent, at the seq after one that exists. An ambiguous put is tried again at the
//! *same* seq with the same nonce until the object there is seen: ours, or another's, and only then the next seq is tried. A put that is still under
//! way when its caller has given up can only land at a seq that was free, which is where the next append goes too, and there one of the two
//! finds the other.
//!
//! **Why a collected seq is not used again.** An uploader remembers where the log ended, and garbage collection removes entries from the log's beginning: an
//! uploader that slept might believe that a removed entry's seq is free. So the memory is good for [`HEAD_TRUST`] only, after which the end
//! is looked for from the newest generation's `committed_seq` on, below which nothing is ever put; and no entry younger than [`ENTRY_AGE`] is
//! removed, which leaves a put that began within that time more than enough to land.

use std::time::Duration;

use futures::{StreamExt, stream};
use object_store::{GetOptions, GetRange, ObjectStore, path::Path};
use onggi_domain::{
    Seq, Timestamp,
    log::{Entry, Record},
};

use crate::{
    Error, IndexBucket, Result,
    entry::{self, HEADER, Header},
    store::{is_permanent, too_short},
};

/// How long an uploader believes what it knows about the end of the log.
const HEAD_TRUST: Duration = Duration::from_mins(1);

/// The age below which no log entry is removed: what an append may take at most after it began within [`HEAD_TRUST`].
pub(crate) const ENTRY_AGE: Duration = Duration::from_mins(15);

/// How often an append is tried after failures of the store (which itself tries again, with backoff, what is safe to try again).
const ATTEMPTS: usize = 4;

/// Entries that are read ahead.
const READ_AHEAD: usize = 4;

/// Bytes in memory after which [`IndexBucket::read`] returns what it has.
const READ_BYTES: u64 = 32 << 20;

/// The end of the log as last seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// The first free seq.
    next: Seq,
    /// From when on it is known.
    seen: Timestamp,
}

/// What is found at a seq after an append that did not clearly succeed.
enum Found {
    Nothing,
    Ours,
    Another,
}

impl IndexBucket {
    /// Appends one entry with these records at the next free seq, put-if-absent, and returns it once the entry is durable. After an
    /// ambiguous put the object is read back and its nonce compared. Upper layers use [`Appender`](crate::Appender).
    ///
    /// An error other than [`Error::Damaged`] and [`Error::Format`] leaves open whether the entry was appended.
    pub async fn append(&self, records: &[Record]) -> Result<Seq> {
        let nonce = rand::random();
        let bytes = entry::encode(nonce, records);
        let mut failures = 0;
        let (mut next, mut began) = (self.next_seq().await?, self.now());
        loop {
            let object = self.entry_object(next);
            let Err(error) = self.store.create(&object, bytes.clone()).await else {
                return Ok(self.appended(next, began));
            };
            if is_permanent(&error) {
                return Err(Error::store("appending", &object)(error));
            }
            match self.look(&object, nonce).await {
                Ok(Found::Ours) => return Ok(self.appended(next, began)),
                Ok(Found::Another) => (began, next) = (self.now(), self.first_free(next.next()).await?),
                Ok(Found::Nothing) | Err(Error::Store { .. }) if failures < ATTEMPTS => failures += 1,
                Ok(Found::Nothing) => return Err(Error::store("appending", &object)(error)),
                Err(error) => return Err(error),
            }
        }
    }

    /// The last seq of the log; `None`: it is empty. Cheap when `known` (a seq known to exist, or to have existed at or after the
    /// newest generation's `committed_seq`) is near the end.
    pub async fn head(&self, known: Option<Seq>) -> Result<Option<Seq>> {
        let next = match known {
            Some(known) if self.store.exists(&self.entry_object(known)).await? => self.first_free(known.next()).await?,
            _ => self.find_next().await?,
        };
        Ok(next.0.checked_sub(1).map(Seq))
    }

    /// Up to `limit` entries from `from` on, in order, without a gap. None: the log ends before `from`. Fewer: it ends there, or the
    /// entries take more than 32 MiB of memory, so that a reader's is bounded.
    pub async fn read(&self, from: Seq, limit: usize) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut bytes = 0;
        let mut decode = |seq: Seq, object: &[u8]| {
            let path = self.entry_object(seq);
            bytes += Header::parse(&path, object)?.memory();
            entries.push(Entry { seq, records: entry::decode(&path, object)? });
            Ok::<_, Error>(bytes < READ_BYTES)
        };
        let Some(first) = self.store.get(&self.entry_object(from)).await? else { return Ok(entries) };
        let mut goes_on = decode(from, &first)?;
        drop(first);
        let rest = (from.0 + 1..from.0.saturating_add(limit as u64)).map(Seq);
        let objects = rest.map(|seq| async move { Ok::<_, Error>((seq, self.store.get(&self.entry_object(seq)).await?)) });
        let mut objects = stream::iter(objects).buffered(READ_AHEAD);
        while goes_on && let Some(read) = objects.next().await {
            let (seq, Some(object)) = read? else { break };
            goes_on = decode(seq, &object)?;
        }
        Ok(entries)
    }

    /// The records of an entry without their inline payloads, which are not read; `None`: there is no such entry.
    pub(crate) async fn records(&self, seq: Seq) -> Result<Option<Vec<Record>>> {
        const FIRST: usize = 16 << 10;
        let object = self.entry_object(seq);
        let Some((size, bytes)) = self.beginning(&object, FIRST).await? else { return Ok(None) };
        let header = Header::parse(&object, &bytes)?;
        if header.size() != size {
            return Err(Error::damaged(&object, format!("{size} bytes instead of {}", header.size())));
        }
        let head = HEADER + header.json;
        if head <= bytes.len() {
            return entry::decode_records(&object, &bytes).map(Some);
        }
        let Some((_, bytes)) = self.beginning(&object, head).await? else { return Ok(None) };
        entry::decode_records(&object, &bytes).map(Some)
    }

    /// Whose entry is there. Nothing is appended after one that is torn: it could never be folded.
    async fn look(&self, object: &Path, nonce: u128) -> Result<Found> {
        let Some((size, bytes)) = self.beginning(object, HEADER).await? else { return Ok(Found::Nothing) };
        let header = Header::parse(object, &bytes)?;
        if header.size() != size {
            return Err(Error::damaged(object, format!("{size} bytes instead of {}", header.size())));
        }
        Ok(if header.nonce == nonce { Found::Ours } else { Found::Another })
    }

    /// An object's size and up to `length` bytes from its beginning.
    async fn beginning(&self, object: &Path, length: usize) -> Result<Option<(u64, bytes::Bytes)>> {
        let range = GetOptions { range: Some(GetRange::Bounded(0..length as u64)), ..GetOptions::default() };
        let found = match self.store.objects.get_opts(object, range).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::store("reading", object)(error)),
        };
        let size = found.meta.size;
        let bytes = found.bytes().await.map_err(Error::store("reading", object))?;
        if (bytes.len() as u64) < size.min(length as u64) {
            return Err(Error::store("reading", object)(too_short(bytes.len())));
        }
        Ok(Some((size, bytes)))
    }

    fn appended(&self, seq: Seq, began: Timestamp) -> Seq {
        let mut head = self.head.lock();
        if head.is_none_or(|head| head.next <= seq) {
            *head = Some(Head { next: seq.next(), seen: began });
        }
        seq
    }

    async fn next_seq(&self) -> Result<Seq> {
        let now = self.now();
        let known = *self.head.lock();
        if let Some(head) = known
            && (head.seen..=head.seen + HEAD_TRUST).contains(&now)
        {
            return Ok(head.next);
        }
        let next = self.find_next().await?;
        *self.head.lock() = Some(Head { next, seen: now });
        Ok(next)
    }

    /// The first free seq, from nothing known. Above the newest generation's `committed_seq` nothing is ever removed.
    async fn find_next(&self) -> Result<Seq> {
        let committed = self.latest().await?.and_then(|manifest| manifest.committed_seq);
        self.first_free(committed.map_or(Seq(0), Seq::next)).await
    }

    /// The first free seq from `from` on, in logarithmic time: all entries below it exist.
    async fn first_free(&self, from: Seq) -> Result<Seq> {
        let taken = async |seq: u64| self.store.exists(&self.entry_object(Seq(seq))).await;
        let (mut low, mut step) = (from.0, 1);
        if !taken(low).await? {
            return Ok(from);
        }
        while taken(low + step).await? {
            low += step;
            step *= 2;
        }
        let mut high = low + step;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if taken(middle).await? {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(Seq(high))
    }
}
