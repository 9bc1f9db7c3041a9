//! Documents on their way in: read from the request as they come, each checked, compressed into one payload.
//!
//! ```text
//! body -> body (decompress, limits) -> scanner | csv (find documents) -> check (judge one) -> spool (compress) -> payload
//! ```
//!
//! Memory is bounded by one piece of the body, one document and the compressor, whatever the size of the upload.

mod body;
mod check;
mod csv;
mod scanner;
mod spool;

use std::{fmt, path::Path};

use onggi_domain::{ApiError, Code, limits::Limits};
use onggi_web::{Error, Result, body::too_large, room::Held};

pub(crate) use self::{body::Decoded, spool::Spooled};
use self::{check::Check, csv::Csv, scanner::Scanner, spool::Spool};

/// Documents written at once to the compressor.
const BATCH: usize = 128 << 10;

/// How documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One object or an array of objects.
    Json,
    /// Objects one after the other.
    Ndjson,
    /// Records with a header.
    Csv,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    fn malformed(self, why: &str) -> ApiError {
        ApiError::new(Code::MalformedPayload, format!("The `{}` payload provided is malformed: `{why}`.", self.name()))
    }
}

/// Where a document begins, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which document of the upload it is; 0 before the first.
    number: u64,
    line: u64,
    /// In bytes.
    column: u64,
}

impl Place {
    fn start() -> Self {
        Self { number: 0, line: 1, column: 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document {} (line {} column {})", self.number, self.line, self.column)
    }
}

/// Takes one document after the other.
type Sink<'a> = dyn FnMut(Place, &[u8]) -> Result<()> + 'a;

/// Documents that were accepted.
pub(crate) struct Accepted {
    /// How many.
    pub(crate) documents: u64,
    /// Their bytes, as NDJSON, before compression.
    pub(crate) raw_bytes: u64,
    /// The attribute of the id; `None`: there was no document to find it in.
    pub(crate) primary_key: Option<String>,
    /// The documents.
    pub(crate) spooled: Spooled,
}

/// Reads all documents of a body, as long as `held` finds room for them. The first bad one is an error that names its place, and ends it.
pub(crate) async fn accept(mut body: Decoded, input: Input<'_>, held: &mut Held) -> Result<Accepted> {
    let mut intake = Intake::new(&input)?;
    while let Some(piece) = body.next().await? {
        held.more(piece.len())?;
        // Pieces are parsed off the async threads; a slow sender holds no thread while it is waited for.
        intake = blocking(move || intake.feed(&piece).map(|()| intake)).await?;
    }
    blocking(move || intake.finish()).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

/// What must be known to read documents.
pub(crate) struct Input<'a> {
    /// How they are written.
    pub(crate) format: Format,
    /// The delimiter of CSV.
    pub(crate) delimiter: u8,
    /// The attribute of the id; `None`: the first document shows it.
    pub(crate) primary_key: Option<String>,
    /// Where large uploads are spooled.
    pub(crate) spool: &'a Path,
    /// The limits.
    pub(crate) limits: &'a Limits,
}

/// The pipeline between two pieces of the body.
struct Intake {
    splitter: Splitter,
    output: Output,
}

enum Splitter {
    Json(Scanner),
    Csv(Box<Csv>),
}

struct Output {
    check: Check,
    documents: u64,
    raw_bytes: u64,
    max_bytes: u64,
    batch: Vec<u8>,
    spool: Spool,
}

impl Intake {
    fn new(input: &Input<'_>) -> Result<Self> {
        let limits = input.limits;
        let max_bytes = limits.document_bytes.as_u64();
        let splitter = match input.format {
            Format::Csv => Splitter::Csv(Box::new(Csv::new(input.delimiter, max_bytes, limits.fields))),
            format => Splitter::Json(Scanner::new(format, max_bytes, limits.nesting)),
        };
        let check = Check::new(input.format, input.primary_key.clone(), limits.fields);
        let spool = Spool::new(input.spool).map_err(Error::internal)?;
        let max_bytes = limits.upload_bytes.as_u64();
        let batch = Vec::with_capacity(BATCH);
        Ok(Self { splitter, output: Output { check, documents: 0, raw_bytes: 0, max_bytes, batch, spool } })
    }

    fn feed(&mut self, piece: &[u8]) -> Result<()> {
        let output = &mut self.output;
        let sink = &mut |place, document: &[u8]| output.document(place, document);
        match &mut self.splitter {
            Splitter::Json(scanner) => scanner.feed(piece, sink),
            Splitter::Csv(csv) => csv.feed(piece, sink),
        }
    }

    fn finish(mut self) -> Result<Accepted> {
        let output = &mut self.output;
        let sink = &mut |place, document: &[u8]| output.document(place, document);
        match &mut self.splitter {
            Splitter::Json(scanner) => scanner.finish(sink)?,
            Splitter::Csv(csv) => csv.finish(sink)?,
        }
        output.flush()?;
        let Output { check, documents, raw_bytes, spool, .. } = self.output;
        let spooled = spool.finish().map_err(Error::internal)?;
        Ok(Accepted { documents, raw_bytes, primary_key: check.primary_key().map(str::to_owned), spooled })
    }
}

impl Output {
    fn document(&mut self, place: Place, document: &[u8]) -> Result<()> {
        self.check.document(place, document)?;
        self.documents += 1;
        check::write_line(document, &mut self.batch);
        if self.batch.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.raw_bytes += self.batch.len() as u64;
        if self.raw_bytes > self.max_bytes {
            // JSON has passed this limit already; CSV grows when each record repeats the names of its columns.
            return Err(too_large(self.max_bytes).into());
        }
        self.spool.write(&self.batch).map_err(Error::internal)?;
        self.batch.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
