//! The words and signs of a filter, read one at a time: a filter costs no more memory than the conditions in it.

use std::{borrow::Cow, str::Chars, sync::Arc};

use super::Place;
use crate::{ApiError, Code};

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// Letters, digits and `_-/.:+*`: a name, a number, a value or a keyword.
    Word(&'a str),
    /// Something between quotes: never a keyword.
    Quoted(Cow<'a, str>),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)`, `[`, `]`, `,`.
    Sign(&'static str),
}

/// A piece and where it is.
pub(super) type Placed<'a> = (Token<'a>, Place);

const SIGNS: [&str; 11] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ","];

/// Cuts a filter into pieces.
pub(super) struct Lexer<'a> {
    text: &'a str,
    shared: Arc<str>,
    at: usize,
    code: Code,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, code: Code) -> Self {
        Self { text, shared: text.into(), at: 0, code }
    }

    /// The next piece; `None`: there is none left.
    pub(super) fn next(&mut self) -> Result<Option<Placed<'a>>, ApiError> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            self.at = start;
            return Ok(None);
        };
        let (token, length) = if matches!(first, '"' | '\'') {
            let length = quoted_length(rest, first).ok_or_else(|| {
                let place = self.place(start, self.text.len());
                place.error(&format!("Expression `{}` is missing the following closing delimiter: `{first}`.", place.shown()), self.code)
            })?;
            let value = unescaped(&rest[1..length - 1]).ok_or_else(|| {
                let place = self.place(start, start + length);
                place.error(&format!("Malformed value: `{}`. A backslash is written as `\\\\`.", place.shown()), self.code)
            })?;
            (Token::Quoted(value), length)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if length == 0 {
                let place = self.place(start, self.text.len());
                let message = format!(
                    "Found unexpected characters: `{}`. Quote values that hold more than letters, digits and `_-/.:+*`.",
                    place.shown()
                );
                return Err(place.error(&message, self.code));
            }
            (Token::Word(&rest[..length]), length)
        };
        self.at = start + length;
        Ok(Some((token, self.place(start, self.at))))
    }

    /// The place behind the last piece.
    pub(super) fn end(&self) -> Place {
        self.place(self.text.len(), self.text.len())
    }

    fn place(&self, start: usize, end: usize) -> Place {
        Place { start, end, text: self.shared.clone() }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '*' | ':' | '+')
}

/// The length of a quoted text with both of its quotes.
fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// What is meant by a text with backslashes in it; `None`: one of them begins nothing that is known.
fn unescaped(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        value.push(if c == '\\' { escape(&mut chars)? } else { c });
    }
    Some(Cow::Owned(value))
}

fn escape(chars: &mut Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        c @ ('\\' | '\'' | '"') => c,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'x' => code_point(chars, 2)?,
        'u' if chars.as_str().starts_with('{') => {
            let (digits, rest) = chars.as_str()[1..].split_once('}')?;
            *chars = rest.chars();
            char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
        }
        'u' => code_point(chars, 4)?,
        _ => return None,
    })
}

fn code_point(chars: &mut Chars<'_>, digits: usize) -> Option<char> {
    let text = chars.as_str().get(..digits)?;
    let number = u32::from_str_radix(text, 16).ok()?;
    *chars = chars.as_str()[digits..].chars();
    char::from_u32(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backslashes_say_what_cannot_be_typed() {
        for (text, value) in [
            (r"a\\b", Some(r"a\b")),
            (r#"\'\""#, Some("'\"")),
            (r"\n\t\r", Some("\n\t\r")),
            (r"\x20\u{1f980}\uac00", Some(" 🦀가")),
            (r"\q", None),
            (r"\x2", None),
            (r"\u{110000}", None),
            (r"\u{1", None),
            (r"\xé0", None),
        ] {
            assert_eq!(unescaped(text).as_deref(), value, "{text}");
        }
    }
}
