//! Finds the documents in a stream of JSON without parsing it: the elements of one array, one object, or objects one after
//! the other (NDJSON). Fed in pieces of any size; holds no more than the one document that a piece ended in.
//!
//! Only what separates documents is judged here: what is inside one is parsed by [`super::check`].

use memchr::{memchr_iter, memchr2, memrchr};
use onggi_domain::{ApiError, Code};
use onggi_web::Result;

use super::{Format, Place, Sink};

/// A scanner between two pieces.
pub(crate) struct Scanner {
    format: Format,
    state: State,
    lexer: Lexer,
    /// The start of a document whose end has not come yet.
    pending: Vec<u8>,
    /// Where the next byte is.
    place: Place,
    max_bytes: usize,
    max_depth: usize,
}

/// What is expected next outside of a document.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Anything but white space is the first byte.
    Start,
    /// The first element of the array, or its end.
    FirstElement,
    /// An element, after a comma.
    Element,
    /// A comma or the end of the array.
    AfterElement,
    /// The next object of NDJSON.
    NextObject,
    /// In a document.
    Inside { single: bool },
    /// Nothing but white space.
    End,
}

/// Where in a document the scanner is.
#[derive(Default)]
struct Lexer {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scanner {
    /// For documents of at most `max_bytes`, nested at most `max_depth` deep.
    pub(crate) fn new(format: Format, max_bytes: u64, max_depth: usize) -> Self {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        Self { format, state: State::Start, lexer: Lexer::default(), pending: Vec::new(), place: Place::start(), max_bytes, max_depth }
    }

    /// Takes the next piece and gives every document that ends in it to `sink`.
    pub(crate) fn feed(&mut self, mut piece: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        while !piece.is_empty() {
            piece = match self.state {
                State::Inside { single } => self.inside(piece, single, sink)?,
                _ => self.outside(piece)?,
            };
        }
        Ok(())
    }

    /// The stream is over.
    pub(crate) fn finish(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        match self.state {
            State::End | State::NextObject => Ok(()),
            State::Start => Err(ApiError::new(Code::MissingPayload, format!("A {} payload is missing.", self.format.name())).into()),
            State::Inside { .. } => {
                // The check finds what is missing, and says where; it cannot succeed on half a document.
                sink(self.place, &self.pending)?;
                Err(self.malformed("EOF while parsing a document").into())
            }
            State::FirstElement | State::Element | State::AfterElement => Err(self.malformed("EOF while parsing a list").into()),
        }
    }

    /// One byte between documents (and the white space before it).
    fn outside<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8]> {
        let blank = piece.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).unwrap_or(piece.len());
        self.place.advance(&piece[..blank]);
        let rest = &piece[blank..];
        let Some(&byte) = rest.first() else { return Ok(rest) };
        self.state = match (self.state, byte) {
            (State::Start, b'[') if self.format == Format::Json => State::FirstElement,
            (State::FirstElement | State::AfterElement, b']') => State::End,
            (State::AfterElement, b',') => State::Element,
            (State::Start | State::NextObject | State::FirstElement | State::Element, b'{') => {
                let single = matches!(self.state, State::Start | State::NextObject);
                self.place.number += 1;
                self.state = State::Inside { single };
                return Ok(rest);
            }
            (State::AfterElement, _) => return Err(self.malformed("expected `,` or `]`").into()),
            (State::End, _) => return Err(self.malformed("trailing characters").into()),
            (State::Element, b']') => return Err(self.malformed("trailing comma").into()),
            _ => return Err(self.not_a_document(byte).into()),
        };
        self.place.advance(&rest[..1]);
        Ok(&rest[1..])
    }

    /// The rest of the document, or all of the piece when it does not end in it.
    fn inside<'a>(&mut self, piece: &'a [u8], single: bool, sink: &mut Sink<'_>) -> Result<&'a [u8]> {
        let end = self.lexer.end_of_document(piece, self.max_depth).map_err(|TooDeep| self.too_deep())?;
        let length = self.pending.len() + end.unwrap_or(piece.len());
        if length > self.max_bytes {
            return Err(self.too_large().into());
        }
        let Some(end) = end else {
            self.pending.extend_from_slice(piece);
            return Ok(&[]);
        };
        let place = self.place;
        if self.pending.is_empty() {
            sink(place, &piece[..end])?;
            self.place.advance(&piece[..end]);
        } else {
            self.pending.extend_from_slice(&piece[..end]);
            sink(place, &self.pending)?;
            self.place.advance(&self.pending);
            self.pending.clear();
        }
        self.state = match (single, self.format) {
            (true, Format::Ndjson) => State::NextObject,
            (true, _) => State::End,
            (false, _) => State::AfterElement,
        };
        Ok(&piece[end..])
    }

    fn malformed(&self, why: &str) -> ApiError {
        self.format.malformed(&format!("{why} at line {} column {}", self.place.line, self.place.column))
    }

    fn not_a_document(&self, byte: u8) -> ApiError {
        let found = match byte {
            b'[' => "an array",
            b'"' => "a string",
            b'0'..=b'9' | b'-' => "a number",
            b't' | b'f' => "a boolean",
            b'n' => "null",
            _ => return self.malformed("expected value"),
        };
        self.malformed(&format!("a document is a JSON object, but document {} is {found}", self.place.number + 1))
    }

    fn too_deep(&self) -> ApiError {
        let Place { number, line, column } = self.place;
        let max = self.max_depth;
        self.format.malformed(&format!("document {number} is nested more than {max} levels deep; it begins at line {line} column {column}"))
    }

    fn too_large(&self) -> ApiError {
        let Place { number, line, .. } = self.place;
        let max = self.max_bytes;
        let message = format!("Document {number} (line {line}) is larger than a document may be: the maximum is {max} bytes.");
        ApiError::new(Code::PayloadTooLarge, message)
    }
}

/// A document is nested deeper than allowed.
struct TooDeep;

impl Lexer {
    /// The index after the document's last byte, if it is in this piece.
    fn end_of_document(&mut self, piece: &[u8], max_depth: usize) -> Result<Option<usize>, TooDeep> {
        let mut at = 0;
        if std::mem::take(&mut self.escaped) {
            at = 1;
        }
        while at < piece.len() {
            if self.in_string {
                let Some(found) = memchr2(b'"', b'\\', &piece[at..]) else { return Ok(None) };
                at += found + 1;
                if piece[at - 1] == b'"' {
                    self.in_string = false;
                } else if at == piece.len() {
                    self.escaped = true;
                } else {
                    at += 1;
                }
                continue;
            }
            let byte = piece[at];
            at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.depth > max_depth {
                        return Err(TooDeep);
                    }
                }
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Ok(Some(at));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

impl Place {
    /// Moves behind `bytes`.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        match memrchr(b'\n', bytes) {
            None => self.column += bytes.len() as u64,
            Some(last) => {
                self.line += memchr_iter(b'\n', bytes).count() as u64;
                self.column = (bytes.len() - last) as u64;
            }
        }
    }
}
