//! Search for secrets in a text.

use std::ops::Range;

use super::is_secret_name;

/// The schemes of database URLs. People write these URLs by hand, so their passwords may contain white space, and a part
/// of `://` may be missing.
const DATABASE_SCHEMES: [&str; 6] = ["postgres", "mysql", "mariadb", "oracle", "mssql", "sqlite"];

/// The keywords of libpq that distinguish its connection strings from other texts with a `=`.
const LIBPQ_KEYWORDS: [&str; 7] = [
    "host", "hostaddr", "port", "user", "dbname", "sslmode", "service",
];

/// The extent of a URL in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlExtent {
    /// Up to white space, as in a sentence.
    Word,
    /// Up to the end of the text.
    WholeText,
}

/// Returns the ranges of the secrets in a text, sorted and disjoint.
pub(super) fn find_secrets(text: &str, extent: UrlExtent) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut searched = 0;
    while let Some(url) = UrlPosition::find(text, searched) {
        let end = match extent {
            UrlExtent::Word => url.end(text),
            UrlExtent::WholeText => text.len(),
        };
        find_in_url(text, url.body..end, url.is_database, &mut found);
        searched = end;
    }
    if text.contains('=') {
        match extent {
            UrlExtent::Word => {
                for line in lines(text).filter(|line| is_libpq_string(&text[line.clone()])) {
                    find_in_libpq_string(text, line, &mut found);
                }
            }
            UrlExtent::WholeText => find_in_libpq_string(text, 0..text.len(), &mut found),
        }
    }
    found.retain(|secret| !secret.is_empty());
    found.sort_by_key(|secret| secret.start);
    let mut disjoint: Vec<Range<usize>> = Vec::new();
    for secret in found {
        match disjoint.last_mut() {
            Some(last) if secret.start < last.end => last.end = last.end.max(secret.end),
            _ => disjoint.push(secret),
        }
    }
    disjoint
}

/// The position of a URL in a text.
struct UrlPosition {
    /// The offset behind `://`.
    body: usize,
    /// `true` if the scheme is a database's.
    is_database: bool,
}

fn is_scheme_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

fn is_name_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '.' | '_')
}

/// Returns `true` for a name in the form of the drivers' parameters. Other text before a `=` may belong to a secret.
fn is_parameter_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '.' | '_'))
}

/// Returns the word that ends at an offset.
fn word_before(text: &str, end: usize, is_word_character: fn(char) -> bool) -> &str {
    let word = text[..end].rsplit(|c: char| !is_word_character(c)).next();
    word.unwrap_or_default()
}

impl UrlPosition {
    /// Finds the first URL at or after an offset.
    fn find(text: &str, from: usize) -> Option<Self> {
        let complete = text[from..].find("://").map(|found| {
            let scheme = word_before(text, from + found, is_scheme_character);
            Self {
                body: from + found + "://".len(),
                is_database: DATABASE_SCHEMES.iter().any(|name| scheme.starts_with(name)),
            }
        });
        let malformed = DATABASE_SCHEMES
            .iter()
            .filter_map(|name| Self::find_malformed(text, from, name));
        malformed.chain(complete).min_by_key(|url| url.body)
    }

    /// Finds a URL with a part of `://` missing, such as `postgresql:/user:password@…`.
    fn find_malformed(text: &str, from: usize, name: &str) -> Option<Self> {
        for (found, _) in text[from..].match_indices(name) {
            let start = from + found;
            if text[..start].ends_with(is_scheme_character) {
                continue;
            }
            let rest = text[start..].trim_start_matches(is_scheme_character);
            let Some(body) = [":/", "//", ":"]
                .iter()
                .find_map(|signs| rest.strip_prefix(signs))
                .filter(|body| !rest.starts_with("://") && !body.starts_with(char::is_whitespace))
            else {
                continue;
            };
            let line = body.lines().next().unwrap_or_default();
            let credentials = line.rsplit_once('@').map(|(before, _)| before);
            if credentials.is_some_and(|before| before.contains(':')) {
                return Some(Self {
                    body: text.len() - body.len(),
                    is_database: true,
                });
            }
        }
        None
    }

    /// Returns the offset of the URL's end: white space that is not inside a password.
    fn end(&self, text: &str) -> usize {
        let rest = &text[self.body..];
        let space = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let first = &rest[..space];
        let cuts_password = !first.contains('@') && password_without_end(first).is_some();
        if self.is_database && cuts_password {
            let line = rest.find('\n').unwrap_or(rest.len());
            if let Some(at) = rest[..line].rfind('@') {
                let after = rest[at..].find(char::is_whitespace);
                return self.body + after.map_or(rest.len(), |after| at + after);
            }
        }
        self.body + space
    }
}

fn find_in_url(text: &str, body: Range<usize>, is_database: bool, found: &mut Vec<Range<usize>>) {
    let start = body.start;
    let body = &text[body];
    let mut address_end = body.len();
    let mut searched = 0;
    while let Some(sign) = body[searched..]
        .find(['?', '&'])
        .map(|sign| searched + sign)
    {
        searched = sign + 1;
        let Some((name, _)) = body[searched..].split_once('=') else {
            break;
        };
        if name.chars().all(is_name_character) && is_secret_name(name) {
            let value = searched + name.len() + 1;
            let end = end_of_parameter(body, value);
            found.push(start + value..start + end);
            address_end = address_end.min(sign);
            searched = end;
        }
    }
    let address = &body[..address_end];
    if let Some((credentials, _)) = address.rsplit_once('@') {
        if let Some((user, password)) = credentials.split_once(':') {
            let at = start + user.len() + 1;
            found.push(at..at + password.len());
        }
    } else if is_database && let Some(at) = password_without_end(address) {
        found.push(start + at..start + address.len());
    }
}

/// Returns the offset of a password without an `@` at its end: the text behind a colon, if it isn't a port.
fn password_without_end(address: &str) -> Option<usize> {
    if address.starts_with(['/', '[']) {
        return None;
    }
    let colon = address.find(':')?;
    let behind = address[colon + 1..].trim_start_matches(|c: char| c.is_ascii_digit());
    let is_port =
        behind.is_empty() || behind.starts_with(['/', '?', ',', ';', '.', ')', '\'', '"', '`']);
    (!is_port).then_some(colon + 1)
}

/// Returns the end of a parameter's value: the next `&key=` with a parameter's name. Another `&` belongs to the value.
fn end_of_parameter(body: &str, from: usize) -> usize {
    let signs = body[from..].match_indices('&').map(|(at, _)| from + at);
    let mut ends = signs.filter(|at| {
        let name = body[at + 1..].split_once('=').map(|(name, _)| name);
        name.is_some_and(is_parameter_name)
    });
    ends.next().unwrap_or(body.len())
}

/// Returns the ranges of the lines in a text, without their line ends.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let range = start..start + line.trim_end_matches(['\r', '\n']).len();
        start += line.len();
        range
    })
}

/// Finds the secrets in `host=… password=…`.
fn find_in_libpq_string(text: &str, line: Range<usize>, found: &mut Vec<Range<usize>>) {
    let (start, line) = (line.start, &text[line]);
    let mut searched = 0;
    while let Some(sign) = line[searched..].find('=').map(|sign| searched + sign) {
        searched = sign + 1;
        if key_before(line, sign).is_some_and(is_secret_name) {
            let end = end_of_value(line, searched);
            found.push(start + searched..start + end);
            searched = end;
        }
    }
}

/// Returns the key before a `=`, if the key starts a word.
fn key_before(line: &str, sign: usize) -> Option<&str> {
    let name = word_before(line, sign, is_name_character);
    let before = line[..sign - name.len()].chars().next_back();
    let starts_word =
        before.is_none_or(|c| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '(' | '='));
    let name = name.trim_start_matches('-');
    (starts_word && !name.is_empty()).then_some(name)
}

/// Returns `true` if a line has a keyword of libpq whose value doesn't end with a comma, as an argument of a call does.
fn is_libpq_string(line: &str) -> bool {
    line.match_indices('=').any(|(sign, _)| {
        let value = line[sign + 1..]
            .split_whitespace()
            .next()
            .unwrap_or_default();
        !value.ends_with([',', ')'])
            && !line[sign + 1..].starts_with('=')
            && key_before(line, sign).is_some_and(|key| LIBPQ_KEYWORDS.contains(&key))
    })
}

/// Returns the end of a value in a libpq string: its closing quote, or the next ` key=`.
fn end_of_value(line: &str, from: usize) -> usize {
    let value = &line[from..];
    if let Some(inside) = value.strip_prefix('\'') {
        let mut escaped = false;
        for (at, c) in inside.char_indices() {
            // A quote in the middle of a word should have been escaped, and doesn't end the value.
            let ends = || !inside[at + 1..].starts_with(char::is_alphanumeric);
            if c == '\'' && !escaped && ends() {
                return from + 1 + at + 1;
            }
            escaped = c == '\\' && !escaped;
        }
        return line.len();
    }
    let signs = value.match_indices('=').map(|(sign, _)| from + sign);
    let keys = signs.filter_map(|sign| {
        let name = word_before(line, sign, is_name_character);
        let start = sign - name.len();
        let is_key =
            is_parameter_name(name) && start > from && line[..start].ends_with(char::is_whitespace);
        is_key.then(|| line[..start].trim_end().len())
    });
    keys.into_iter().next().unwrap_or(line.len())
}
