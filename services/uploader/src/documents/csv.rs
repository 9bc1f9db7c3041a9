//! Turns a stream of CSV into JSON documents, one for each record. The first record names the attributes; `name:number` and
//! `name:boolean` give them a type, `name:string` and no type are text. An empty field is `null`. Fed in pieces of any size.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use onggi_domain::{ApiError, Code};
use onggi_web::Result;

use super::{Format, Place, Sink};

/// A CSV reader between two pieces.
pub(crate) struct Csv {
    reader: Reader,
    /// The fields of the record so far, one after the other.
    fields: Vec<u8>,
    filled: usize,
    /// Where each field ends.
    ends: Vec<usize>,
    ended: usize,
    header: Option<Vec<Column>>,
    /// Records after the header.
    records: u64,
    /// The line on which the record under way begins.
    line: u64,
    document: Vec<u8>,
    max_bytes: usize,
    max_fields: usize,
}

struct Column {
    /// `"name":` as it stands in a document.
    key: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Boolean,
}

impl Csv {
    /// For records of at most `max_bytes` and `max_fields`.
    pub(crate) fn new(delimiter: u8, max_bytes: u64, max_fields: usize) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            fields: vec![0; 4096],
            filled: 0,
            ends: vec![0; 64],
            ended: 0,
            header: None,
            records: 0,
            line: 1,
            document: Vec::new(),
            max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX),
            max_fields,
        }
    }

    /// Takes the next piece and gives the document of every record that ends in it to `sink`.
    pub(crate) fn feed(&mut self, mut piece: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        while !piece.is_empty() {
            let (read, _) = self.step(piece, sink)?;
            piece = &piece[read..];
        }
        Ok(())
    }

    /// The stream is over.
    pub(crate) fn finish(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        while !self.step(&[], sink)?.1 {}
        if self.header.is_none() {
            return Err(ApiError::new(Code::MissingPayload, "A csv payload is missing.").into());
        }
        Ok(())
    }

    /// Reads to the end of a record, of the piece or of a buffer; returns what was read, and whether all is over.
    fn step(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(usize, bool)> {
        let (result, read, written, ended) = self.reader.read_record(piece, &mut self.fields[self.filled..], &mut self.ends[self.ended..]);
        self.filled += written;
        self.ended += ended;
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull if self.fields.len() >= self.max_bytes => return Err(self.too_large().into()),
            ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
            ReadRecordResult::OutputEndsFull if self.ends.len() > self.max_fields => return Err(self.too_many_fields().into()),
            ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            ReadRecordResult::Record => {
                self.record(sink)?;
                (self.filled, self.ended, self.line) = (0, 0, self.reader.line());
            }
            ReadRecordResult::End => return Ok((read, true)),
        }
        Ok((read, false))
    }

    fn record(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        if self.header.is_none() {
            self.header = Some(self.read_header()?);
            return Ok(());
        }
        self.records += 1;
        let header = self.header.as_deref().expect("it was read before the first record");
        if header.len() != self.ended {
            let (found, expected) = (self.ended, header.len());
            return Err(self.malformed(&format!("found a record with {found} fields, but the header has {expected}")).into());
        }
        let mut document = std::mem::take(&mut self.document);
        document.clear();
        for (at, column) in header.iter().enumerate() {
            document.push(if at == 0 { b'{' } else { b',' });
            document.extend_from_slice(&column.key);
            self.write_value(column.kind, self.field(at)?, &mut document)?;
        }
        document.push(b'}');
        if document.len() > self.max_bytes {
            return Err(self.too_large().into());
        }
        sink(Place { number: self.records, line: self.line, column: 1 }, &document)?;
        self.document = document;
        Ok(())
    }

    fn read_header(&self) -> Result<Vec<Column>, ApiError> {
        let mut names = Vec::new();
        let mut columns = Vec::new();
        for at in 0..self.ended {
            let written = self.field(at)?;
            let (name, kind) = match written.rsplit_once(':') {
                Some((name, "string")) => (name, Kind::Text),
                Some((name, "number")) => (name, Kind::Number),
                Some((name, "boolean")) => (name, Kind::Boolean),
                _ => (written, Kind::Text),
            };
            if names.contains(&name) {
                return Err(self.malformed(&format!("the header has the column `{name}` more than once")));
            }
            names.push(name);
            columns.push(Column { key: format!("{}:", serde_json::Value::from(name)).into_bytes(), kind });
        }
        Ok(columns)
    }

    fn field(&self, at: usize) -> Result<&str, ApiError> {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        std::str::from_utf8(&self.fields[start..self.ends[at]]).map_err(|_| self.malformed(&format!("invalid UTF-8 in field {}", at + 1)))
    }

    fn write_value(&self, kind: Kind, field: &str, document: &mut Vec<u8>) -> Result<(), ApiError> {
        let trimmed = field.trim();
        let value = match kind {
            _ if trimmed.is_empty() => serde_json::Value::Null,
            Kind::Text => serde_json::Value::from(field),
            Kind::Boolean => match trimmed.parse::<bool>() {
                Ok(boolean) => boolean.into(),
                Err(error) => return Err(self.malformed(&format!("error parsing boolean {field:?}: {error}"))),
            },
            Kind::Number => match (trimmed.parse::<i64>(), trimmed.parse::<u64>(), trimmed.parse::<f64>()) {
                (Ok(number), ..) => number.into(),
                (_, Ok(number), _) => number.into(),
                (.., Ok(number)) if number.is_finite() => number.into(),
                _ => return Err(self.malformed(&format!("error parsing number {field:?}: not a number"))),
            },
        };
        serde_json::to_writer(document, &value).expect("a scalar is written to memory");
        Ok(())
    }

    fn malformed(&self, why: &str) -> ApiError {
        let place = if self.header.is_none() { "in the header".to_owned() } else { format!("in record {}", self.records) };
        Format::Csv.malformed(&format!("{why} {place} at line {}", self.line))
    }

    fn too_large(&self) -> ApiError {
        let message = format!(
            "Document {} (line {}) is larger than a document may be: the maximum is {} bytes.",
            self.records.max(1),
            self.line,
            self.max_bytes
        );
        ApiError::new(Code::PayloadTooLarge, message)
    }

    fn too_many_fields(&self) -> ApiError {
        let message = format!("The record at line {} has more than {} fields, which is the maximum.", self.line, self.max_fields);
        ApiError::new(Code::MaxFieldsLimitExceeded, message)
    }
}
