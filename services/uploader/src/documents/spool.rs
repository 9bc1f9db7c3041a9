//! Accepted documents on their way to the log: compressed as they come, in memory while they are few, in a file when not.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use tempfile::{SpooledData, SpooledTempFile, spooled_tempfile_in};
use tokio_util::io::ReaderStream;

/// Compressed bytes up to here stay in memory.
const IN_MEMORY: usize = 1 << 20;
/// Compressed bytes up to here travel in the log entry itself.
const INLINE: u64 = 256 << 10;
/// The fastest level: uploads are written once and read once.
const LEVEL: i32 = 1;
/// Pieces in which a file is read back.
const PIECE: usize = 256 << 10;

/// Compresses what is written to it.
pub(crate) struct Spool(zstd::Encoder<'static, SpooledTempFile>);

/// What came out.
pub(crate) enum Spooled {
    /// Little enough for the log entry.
    Inline(Vec<u8>),
    /// More; to be streamed to an object of its own.
    Large(BoxStream<'static, io::Result<Bytes>>),
}

impl Spool {
    /// A spool whose file, if it needs one, is in `directory` and has no name.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        zstd::Encoder::new(spooled_tempfile_in(IN_MEMORY, directory), LEVEL).map(Self)
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Ends the compression.
    pub(crate) fn finish(self) -> io::Result<Spooled> {
        let mut file = self.0.finish()?;
        let size = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        if size <= INLINE {
            let mut bytes = Vec::with_capacity(size as usize);
            file.read_to_end(&mut bytes)?;
            return Ok(Spooled::Inline(bytes));
        }
        Ok(Spooled::Large(match file.into_inner() {
            SpooledData::InMemory(bytes) => {
                let bytes = Bytes::from(bytes.into_inner());
                futures::stream::once(std::future::ready(Ok(bytes))).boxed()
            }
            SpooledData::OnDisk(file) => ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE).boxed(),
        }))
    }
}
