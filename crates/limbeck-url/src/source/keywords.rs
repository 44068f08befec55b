//! libpq's other form: `host=localhost dbname=app password='a b'`.

use super::{Reader, Split, invalid};
use crate::error::ConvertError;
use crate::target::Backend;

pub(super) fn parse(text: &str) -> Result<Split, ConvertError> {
    let no_url = || {
        invalid("the text is no database URL: it has no `dialect://` at its start")
            .help("write postgresql://user:password@host:port/database")
    };
    if !text.contains('=') {
        return Err(no_url());
    }
    let mut query = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(no_url)?;
        let key = key.trim_end();
        if key.is_empty()
            || !key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Err(no_url());
        }
        let (value, after) = value(after.trim_start())
            .ok_or_else(|| invalid(format!("the quoted value of `{key}` does not end")).of(key))?;
        query.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(Split {
        backend: Backend::Postgresql,
        reader: Reader::Plain,
        user: None,
        password: None,
        hosts: Vec::new(),
        database: None,
        query,
        warnings: Vec::new(),
    })
}

/// A value up to white space, or between quotes; a backslash takes the next character as it is.
fn value(text: &str) -> Option<(String, &str)> {
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
