//! Documents of an upload: stored as an object of their own when there are many, and read back in blocks of whole lines.

use std::io::{self, Read};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{ObjectStoreExt, path::Path};
use onggi_domain::log::Payload;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{Error, IndexBucket, Result, checksum::Checksum, index::Folder, upload::Upload};

/// Bytes of a block before it is cut at the end of a line. A line that is longer makes a block of its own.
const BLOCK: usize = 256 << 10;

/// Compressed pieces, and blocks, that wait for the other side at most.
const WAITING: usize = 2;

/// Bytes of an inline payload that are handed over at a time.
const PIECE: usize = 64 << 10;

type Blocks = mpsc::Sender<Result<Bytes>>;

impl IndexBucket {
    /// Stores compressed documents as an object of their own, streamed; returns its name, size and checksum. The entry that names it must be
    /// appended within the retention's `min_age` of the call's beginning, or garbage collection may have removed it.
    pub async fn put_payload(&self, mut bytes: BoxStream<'_, io::Result<Bytes>>) -> Result<(String, u64, String)> {
        let name = Uuid::now_v7().to_string();
        let object = self.object(Folder::Payloads, &name);
        let mut checksum = Checksum::new();
        let mut upload = Upload::begin(&self.store, object);
        while let Some(piece) = bytes.next().await {
            let piece = match piece {
                Ok(piece) => piece,
                Err(source) => {
                    upload.abort().await;
                    return Err(Error::Local { path: "the uploaded documents".to_owned(), source });
                }
            };
            checksum.update(&piece);
            upload.write(piece).await?;
        }
        upload.finish().await?;
        let (size, checksum) = checksum.finish();
        Ok((name, size, checksum))
    }

    /// The raw NDJSON of a payload in blocks of whole lines (about 256 KiB, more only for a longer line), decompressed as it is read. The
    /// checksum is known at the end only: a reader must not keep what it has read before an error. What decompresses to more
    /// or less than the payload says is damaged, so a bomb stops at that size.
    pub async fn documents(&self, payload: &Payload) -> Result<BoxStream<'static, Result<Bytes>>> {
        let raw_bytes = payload.raw_bytes();
        let (send_piece, pieces) = mpsc::channel(WAITING);
        let (send_block, blocks) = mpsc::channel(WAITING);
        let object = match payload {
            Payload::Inline { bytes, .. } => {
                let bytes = Bytes::from(bytes.clone());
                tokio::spawn(feed_inline(bytes, send_piece));
                self.folder(Folder::Log)
            }
            Payload::Object { name, size, checksum, .. } => {
                let object = self.object(Folder::Payloads, name);
                let found = self.store.objects.get(&object).await.map_err(missing(&object))?;
                let expected = (*size, checksum.clone());
                tokio::spawn(feed_object(found.into_stream(), object.clone(), expected, send_piece));
                object
            }
        };
        // Decompression is work for a processor and waits for its reader: a thread of its own.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = decompress(Pieces::new(pieces), raw_bytes, &object, &send_block) {
                // Nobody reads any more: then nobody wants to know.
                let _ = send_block.blocking_send(Err(error));
            }
        });
        Ok(futures::stream::unfold(blocks, async |mut blocks| blocks.recv().await.map(|block| (block, blocks))).boxed())
    }
}

/// What garbage collection, or somebody, has removed is damage; the rest is a failure of the store.
pub(crate) fn missing(object: &Path) -> impl FnOnce(object_store::Error) -> Error + use<> {
    let object = object.clone();
    move |error| match error {
        object_store::Error::NotFound { .. } => Error::damaged(&object, "it is missing"),
        error => Error::store("reading", &object)(error),
    }
}

async fn feed_inline(bytes: Bytes, pieces: mpsc::Sender<Result<Bytes>>) {
    for start in (0..bytes.len()).step_by(PIECE) {
        let piece = bytes.slice(start..bytes.len().min(start + PIECE));
        if pieces.send(Ok(piece)).await.is_err() {
            return;
        }
    }
}

async fn feed_object(
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    object: Path,
    expected: (u64, String),
    pieces: mpsc::Sender<Result<Bytes>>,
) {
    let mut checksum = Checksum::new();
    let mut stream = stream.map_err(Error::store_each("reading", &object));
    while let Some(piece) = stream.next().await {
        if let Ok(piece) = &piece {
            checksum.update(piece);
        }
        let failed = piece.is_err();
        if pieces.send(piece).await.is_err() || failed {
            return;
        }
    }
    let found = checksum.finish();
    if found != expected {
        let why = format!("size and checksum are {found:?} instead of {expected:?}");
        // Nobody reads any more: then nobody wants to know.
        let _ = pieces.send(Err(Error::damaged(&object, why))).await;
    }
}

/// Decompresses into blocks of whole lines. Ends early when nobody reads.
fn decompress(mut pieces: Pieces, raw_bytes: u64, object: &Path, blocks: &Blocks) -> Result<()> {
    let outcome = decompress_lines(&mut pieces, raw_bytes, object, blocks);
    if blocks.is_closed() {
        return Ok(());
    }
    // What was wrong with the bytes explains what was wrong with their content.
    match pieces.drain() {
        Some(error) => Err(error),
        None => outcome,
    }
}

fn decompress_lines(pieces: &mut Pieces, raw_bytes: u64, object: &Path, blocks: &Blocks) -> Result<()> {
    let damaged = |error: io::Error| Error::damaged(object, format!("cannot be decompressed: {error}"));
    let mut decoder = zstd::stream::read::Decoder::new(pieces).map_err(damaged)?;
    let mut block = Vec::with_capacity(BLOCK);
    let mut left = raw_bytes;
    loop {
        let start = block.len();
        let wanted = BLOCK.min(usize::try_from(left).unwrap_or(BLOCK)).max(1);
        let read = (&mut decoder).take(wanted as u64).read_to_end(&mut block).map_err(damaged)? as u64;
        if read > left {
            return Err(Error::damaged(object, format!("decompresses to more than {raw_bytes} bytes")));
        }
        left -= read;
        if read == 0 && left > 0 {
            return Err(Error::damaged(object, format!("decompresses to {left} bytes less than {raw_bytes}")));
        }
        let end = if read == 0 { block.len() } else { line_end(&block, start) };
        if end > 0 {
            let rest = block.split_off(end);
            if blocks.blocking_send(Ok(std::mem::replace(&mut block, rest).into())).is_err() {
                return Ok(());
            }
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// Where the last whole line ends; nothing before `from` ends one.
fn line_end(block: &[u8], from: usize) -> usize {
    block[from..].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| from + at + 1)
}

/// The compressed pieces as a reader, which keeps the error that it could not pass on.
struct Pieces {
    receive: mpsc::Receiver<Result<Bytes>>,
    piece: Bytes,
    error: Option<Error>,
}

impl Pieces {
    fn new(receive: mpsc::Receiver<Result<Bytes>>) -> Self {
        Self { receive, piece: Bytes::new(), error: None }
    }

    /// Reads to the end, where the checksum is checked, and returns what was wrong.
    fn drain(mut self) -> Option<Error> {
        while self.error.is_none() {
            match self.receive.blocking_recv() {
                Some(Err(error)) => self.error = Some(error),
                Some(Ok(_)) => {}
                None => break,
            }
        }
        self.error
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receive.blocking_recv() {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    let text = error.to_string();
                    self.error = Some(error);
                    return Err(io::Error::other(text));
                }
                None => return Ok(0),
            }
        }
        let taken = self.piece.split_to(into.len().min(self.piece.len()));
        into[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}
