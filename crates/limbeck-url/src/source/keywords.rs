//! Parser for libpq's connection strings: `host=localhost dbname=app password='a b'`.

use super::{SplitUrl, Syntax, invalid_url};
use crate::error::ConvertError;
use crate::target::Backend;

/// Splits a connection string.
pub(super) fn parse(text: &str) -> Result<SplitUrl, ConvertError> {
    let not_a_url = || {
        invalid_url("the text is not a database URL: it doesn't start with `dialect://`")
            .with_help("write `postgresql://user:password@host:port/database`")
    };
    if !text.contains('=') {
        return Err(not_a_url());
    }
    let mut query = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(not_a_url)?;
        let key = key.trim_end();
        if key.is_empty()
            || !key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Err(not_a_url());
        }
        let (value, after) = split_value(after.trim_start()).ok_or_else(|| {
            invalid_url(format!("the quoted value of `{key}` has no closing quote")).about(key)
        })?;
        query.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(SplitUrl {
        backend: Backend::Postgresql,
        syntax: Syntax::Plain,
        user: None,
        password: None,
        hosts: Vec::new(),
        database: None,
        query,
        warnings: Vec::new(),
    })
}

/// Splits off a value, which ends at white space or at its closing quote. A backslash escapes the next character.
///
/// Returns `None` if the closing quote is missing.
fn split_value(text: &str) -> Option<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut characters = text.char_indices();
    if quoted {
        characters.next();
    }
    let mut value = String::new();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, next)| next)),
            '\'' if quoted => return Some((value, &text[at + 1..])),
            _ if !quoted && character.is_whitespace() => return Some((value, &text[at..])),
            _ => value.push(character),
        }
    }
    (!quoted).then_some((value, ""))
}
