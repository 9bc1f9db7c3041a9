//! The words and signs of a filter.

use std::sync::Arc;

use onggi_domain::{ApiError, Code};

use super::Place;

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// Letters, digits and `_-/.`: a name, a number, a value or a keyword.
    Word(String),
    /// Something between quotes: never a keyword.
    Quoted(String),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)`, `[`, `]`, `,`.
    Sign(&'static str),
}

/// A piece and where it is.
pub(super) type Placed = (Token, Place);

const SIGNS: [&str; 11] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ","];

/// Cuts a filter into pieces.
pub(super) fn tokens(text: &str, code: Code) -> Result<Vec<Placed>, ApiError> {
    let shared: Arc<str> = text.into();
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let c = chars[at];
        let token = if c.is_whitespace() {
            at += 1;
            continue;
        } else if c == '"' || c == '\'' {
            let (value, end) = quoted(&chars, at).ok_or_else(|| {
                let place = Place { start, end: chars.len(), text: shared.clone() };
                place.error(&format!("Expression `{}` is missing the following closing delimiter: `{c}`.", rest(&chars, start)), code)
            })?;
            at = end;
            Token::Quoted(value)
        } else if let Some(sign) = SIGNS.iter().find(|sign| starts_with(&chars[at..], sign)) {
            at += sign.len();
            Token::Sign(sign)
        } else if is_word(c) {
            while at < chars.len() && is_word(chars[at]) {
                at += 1;
            }
            Token::Word(chars[start..at].iter().collect())
        } else {
            let place = Place { start, end: start + 1, text: shared.clone() };
            return Err(place.error(&format!("Found unexpected characters at the end of the filter: `{}`. Quote values that hold more than letters, digits and `_-/.`.", rest(&chars, start)), code));
        };
        tokens.push((token, Place { start, end: at, text: shared.clone() }));
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '*' | ':' | '+')
}

fn starts_with(chars: &[char], sign: &str) -> bool {
    sign.chars().enumerate().all(|(n, c)| chars.get(n) == Some(&c))
}

fn rest(chars: &[char], from: usize) -> String {
    chars[from..].iter().take(60).collect()
}

/// The text between quotes, where a backslash keeps the quote or a backslash, and the place after it.
fn quoted(chars: &[char], start: usize) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' if chars.get(at + 1).is_some_and(|next| *next == chars[start] || *next == '\\') => {
                value.push(chars[at + 1]);
                at += 2;
            }
            c if c == chars[start] => return Some((value, at + 1)),
            c => {
                value.push(c);
                at += 1;
            }
        }
    }
    None
}
