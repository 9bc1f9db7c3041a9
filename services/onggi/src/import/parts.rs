//! A file of documents cut into parts at document boundaries, each compressed for the way.

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::cli::FileFormat;

/// One request's worth of documents.
pub(super) struct Part {
    /// zstd of NDJSON, or of CSV with its header line.
    pub compressed: Bytes,
    /// Documents in it.
    pub documents: u64,
    /// Documents before it.
    pub first_document: u64,
    /// Bytes of the file, as it lies on the disk, that were read for it.
    pub source_bytes: u64,
}

/// The file and how to read it.
pub(super) struct Source {
    pub path: PathBuf,
    pub format: FileFormat,
    pub delimiter: char,
    pub part: u64,
}

/// The format that a file's name tells, without the ending of a compression.
pub(super) fn format_of(path: &Path) -> anyhow::Result<FileFormat> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = [".gz", ".zst", ".br"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("json") => Ok(FileFormat::Json),
        Some("ndjson" | "jsonl") => Ok(FileFormat::Ndjson),
        Some("csv" | "tsv") => Ok(FileFormat::Csv),
        _ => bail!("cannot tell the format of {} by its name: give --format json, ndjson or csv", path.display()),
    }
}

impl Source {
    pub(super) fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// Bytes on the disk; `None` for standard input.
    pub(super) fn length(&self) -> anyhow::Result<Option<u64>> {
        if self.is_stdin() {
            return Ok(None);
        }
        let metadata = std::fs::metadata(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        Ok(Some(metadata.len()))
    }

    /// Changes when the file, its reading or the target does.
    pub(super) fn identity(&self, target: &str) -> anyhow::Result<String> {
        if self.is_stdin() {
            return Ok(String::new());
        }
        let metadata = std::fs::metadata(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_nanos());
        Ok(format!("{}|{changed}|{}|{:?}|{}|{target}", metadata.len(), self.part, self.format, self.delimiter))
    }

    /// Reads the file and hands over part after part until `take` returns false.
    pub(super) fn read(&self, take: &mut dyn FnMut(Part) -> bool) -> anyhow::Result<()> {
        let counted = Counted::default();
        let reader = BufReader::with_capacity(1 << 20, self.open(&counted)?);
        let mut cutter =
            Cutter { take, limit: self.part, counted, pending: Vec::new(), documents: 0, sent: 0, header: Vec::new(), stopped: false };
        match self.format {
            FileFormat::Ndjson => cutter.lines(reader),
            FileFormat::Csv => cutter.csv(reader, self.delimiter),
            FileFormat::Json => cutter.json(reader),
        }
        .with_context(|| format!("reading {}", self.path.display()))?;
        cutter.flush()
    }

    fn open(&self, counted: &Counted) -> anyhow::Result<Box<dyn Read>> {
        if self.is_stdin() {
            return Ok(Box::new(CountingReader { inner: io::stdin(), counted: counted.clone() }));
        }
        let file = File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        let file = CountingReader { inner: file, counted: counted.clone() };
        Ok(match self.path.extension().and_then(|ending| ending.to_str()) {
            Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Some("zst") => Box::new(zstd::Decoder::new(file)?),
            Some("br") => Box::new(brotli::Decompressor::new(file, 1 << 16)),
            _ => Box::new(file),
        })
    }
}

/// Bytes read from the disk so far.
#[derive(Clone, Default)]
struct Counted(std::rc::Rc<std::cell::Cell<u64>>);

struct CountingReader<R> {
    inner: R,
    counted: Counted,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.counted.0.set(self.counted.0.get() + read as u64);
        Ok(read)
    }
}

struct Cutter<'a> {
    take: &'a mut dyn FnMut(Part) -> bool,
    limit: u64,
    counted: Counted,
    pending: Vec<u8>,
    documents: u64,
    sent: u64,
    header: Vec<u8>,
    stopped: bool,
}

impl Cutter<'_> {
    fn lines(&mut self, mut reader: impl BufRead) -> anyhow::Result<()> {
        let mut line = Vec::new();
        while !self.stopped && read_line(&mut reader, &mut line)? {
            if !line.iter().all(u8::is_ascii_whitespace) {
                self.push(&line)?;
            }
        }
        Ok(())
    }

    /// A record may span lines inside quotes, so the CSV reader finds the boundaries.
    fn csv(&mut self, reader: impl Read, delimiter: char) -> anyhow::Result<()> {
        let delimiter = u8::try_from(delimiter).context("the delimiter must be one ASCII character")?;
        let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(reader);
        let mut record = csv::ByteRecord::new();
        let mut first = true;
        while !self.stopped && csv.read_byte_record(&mut record)? {
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            writer.write_byte_record(&record)?;
            let line = writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?;
            if std::mem::take(&mut first) {
                self.header.clone_from(&line);
                self.pending = line;
            } else {
                self.push(&line)?;
            }
        }
        Ok(())
    }

    fn json(&mut self, mut reader: impl BufRead) -> anyhow::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_reader(&mut reader);
        deserializer.deserialize_any(Elements { cutter: self })?;
        Ok(())
    }

    /// Adds one document, on one line.
    fn push(&mut self, line: &[u8]) -> anyhow::Result<()> {
        self.pending.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            self.pending.push(b'\n');
        }
        self.documents += 1;
        if self.pending.len() as u64 >= self.limit { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if self.documents == 0 || self.stopped {
            return Ok(());
        }
        let compressed = zstd::encode_all(self.pending.as_slice(), 1)?.into();
        let part = Part { compressed, documents: self.documents, first_document: self.sent, source_bytes: self.counted.0.replace(0) };
        self.sent += self.documents;
        self.documents = 0;
        self.pending.clear();
        self.pending.extend_from_slice(&self.header);
        self.stopped = !(self.take)(part);
        Ok(())
    }
}

fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(reader.read_until(b'\n', line)? > 0)
}

/// The elements of a JSON array, or one object, one at a time.
struct Elements<'a, 'b> {
    cutter: &'a mut Cutter<'b>,
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects or one object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Element { cutter: self.cutter })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((name, value)) = fields.next_entry()? {
            object.insert(name, value);
        }
        let line = serde_json::to_vec(&object).map_err(serde::de::Error::custom)?;
        self.cutter.push(&line).map_err(serde::de::Error::custom)
    }
}

struct Element<'a, 'b> {
    cutter: &'a mut Cutter<'b>,
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let raw = <Box<RawValue> as serde::Deserialize>::deserialize(deserializer)?;
        // JSON allows a raw line break between tokens only, so blanks may take their place.
        let line: Vec<u8> = raw.get().bytes().map(|byte| if byte == b'\n' || byte == b'\r' { b' ' } else { byte }).collect();
        self.cutter.push(&line).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str, content: &[u8], limit: u64) -> Vec<(String, u64)> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        let source = Source { format: format_of(&path).unwrap(), path, delimiter: ',', part: limit };
        let mut all = Vec::new();
        source
            .read(&mut |part| {
                let text = zstd::decode_all(part.compressed.as_ref()).unwrap();
                all.push((String::from_utf8(text).unwrap(), part.documents));
                true
            })
            .unwrap();
        all
    }

    #[test]
    fn ndjson_is_cut_between_lines() {
        let cut = parts("a.ndjson", b"{\"id\":1}\n\n{\"id\":2}\n{\"id\":3}", 16);
        assert_eq!(cut, [("{\"id\":1}\n{\"id\":2}\n".to_owned(), 2), ("{\"id\":3}\n".to_owned(), 1)]);
    }

    #[test]
    fn csv_keeps_its_header_in_each_part_and_its_quoted_line_breaks() {
        let cut = parts("a.csv", b"id,text\n1,\"two\nlines\"\n2,x\n", 10);
        assert_eq!(cut, [("id,text\n1,\"two\nlines\"\n".to_owned(), 1), ("id,text\n2,x\n".to_owned(), 1)]);
    }

    #[test]
    fn a_json_array_or_object_becomes_lines() {
        assert_eq!(
            parts("a.json", b"[{\"id\": 1,\n \"a\": [1]}, {\"id\":2}]", 1000),
            [("{\"id\": 1,  \"a\": [1]}\n{\"id\":2}\n".to_owned(), 2)]
        );
        assert_eq!(parts("a.json", b"{\"id\":1}", 1000), [("{\"id\":1}\n".to_owned(), 1)]);
    }

    #[test]
    fn a_compressed_file_is_read_as_what_it_holds() {
        let compressed = zstd::encode_all(&b"{\"id\":1}\n"[..], 1).unwrap();
        assert_eq!(parts("a.ndjson.zst", &compressed, 1000), [("{\"id\":1}\n".to_owned(), 1)]);
    }

    #[test]
    fn an_unknown_name_asks_for_the_format() {
        assert!(format_of(Path::new("data.txt")).unwrap_err().to_string().contains("--format"));
    }
}
