//! Text to words.

use crate::budget::Held;
use crate::{Error, Result};

/// A word of the text form.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A plain name.
    Name(String),
    /// A quoted string, its escapes resolved.
    Str(String),
    /// Digits and what follows them without a gap, e.g. `12`, `0.5f`, `1e-7`.
    Number(String),
    /// Any other character.
    Mark(char),
}

/// Bytes that reading takes for a word, besides its text.
const PER_WORD: usize = 128;

/// Words and the line each is on.
pub fn lex(s: &str) -> Result<Vec<(Token, usize)>> {
    let (mut out, mut rest, mut line, mut held) = (vec![], s, 1, Held::default());
    while let Some(c) = rest.chars().next() {
        let (token, length) = match c {
            '"' => string(rest).map_err(|what| Error::Text { line, what })?,
            c if c.is_ascii_digit() => number(rest),
            c if c.is_ascii_alphabetic() || c == '_' => name(rest),
            c => (Token::Mark(c), c.len_utf8()),
        };
        if !c.is_whitespace() {
            held.take((PER_WORD + length) as u64).map_err(|e| Error::Text { line, what: e.to_string() })?;
            out.push((token, line));
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    Ok(out)
}

fn name(s: &str) -> (Token, usize) {
    let end = s.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(s.len());
    (Token::Name(s[..end].into()), end)
}

fn number(s: &str) -> (Token, usize) {
    let mut last = '0';
    let end = s.find(|c: char| {
        let inside = c.is_ascii_alphanumeric() || c == '.' || (last == 'e' && (c == '-' || c == '+'));
        last = c;
        !inside
    });
    let end = end.unwrap_or(s.len());
    (Token::Number(s[..end].into()), end)
}

/// A string from its opening quote; escapes are those of Rust's `{:?}`.
fn string(s: &str) -> std::result::Result<(Token, usize), String> {
    let (mut out, mut chars) = (String::new(), s.char_indices().skip(1));
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Str(out), at + 1)),
            '\\' => out.push(escape(&mut chars)?),
            c => out.push(c),
        }
    }
    Err("a string has no closing quote".into())
}

fn escape(chars: &mut impl Iterator<Item = (usize, char)>) -> std::result::Result<char, String> {
    let c = chars.next().map(|(_, c)| c);
    match c {
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some('0') => Ok('\0'),
        Some(c @ ('"' | '\\' | '\'')) => Ok(c),
        Some('u') => {
            let code: String = chars.map(|(_, c)| c).skip(1).take_while(|c| *c != '}').take(6).collect();
            u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).ok_or(format!("no character \\u{{{code}}}"))
        }
        _ => Err("a string has an unknown escape".into()),
    }
}
