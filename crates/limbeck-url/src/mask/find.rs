//! Where the secrets of a text are.

use std::ops::Range;

use super::is_secret_name;

/// Schemes of database URLs that people wrote by hand: their passwords may hold blanks, and some of the signs
/// behind the scheme may be missing.
const DATABASES: [&str; 6] = ["postgres", "mysql", "mariadb", "oracle", "mssql", "sqlite"];

/// libpq's keywords that tell its strings from other texts with a `=`.
const KEYWORDS: [&str; 7] = [
    "host", "hostaddr", "port", "user", "dbname", "sslmode", "service",
];

/// How far a URL goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// To a blank, as in a sentence.
    Words,
    /// To the end of the text.
    Whole,
}

/// The secrets' places, in order.
pub(super) fn secrets(text: &str, extent: Extent) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut done = 0;
    while let Some(url) = Url::find(text, done) {
        let end = match extent {
            Extent::Words => url.end(text),
            Extent::Whole => text.len(),
        };
        in_url(text, url.body..end, url.of_database, &mut found);
        done = end;
    }
    if text.contains('=') {
        match extent {
            Extent::Words => {
                for line in lines(text).filter(|line| is_for_libpq(&text[line.clone()])) {
                    in_keywords(text, line, &mut found);
                }
            }
            Extent::Whole => in_keywords(text, 0..text.len(), &mut found),
        }
    }
    found.retain(|secret| !secret.is_empty());
    found.sort_by_key(|secret| secret.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for secret in found {
        match apart.last_mut() {
            Some(last) if secret.start < last.end => last.end = last.end.max(secret.end),
            _ => apart.push(secret),
        }
    }
    apart
}

/// Where a URL is in a text.
struct Url {
    /// What follows the slashes.
    body: usize,
    of_database: bool,
}

fn is_of_scheme(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '.' | '_')
}

/// The word before a place.
fn word_before(text: &str, end: usize, is_of_word: fn(char) -> bool) -> &str {
    let word = text[..end].rsplit(|c: char| !is_of_word(c)).next();
    word.unwrap_or_default()
}

impl Url {
    /// The next one.
    fn find(text: &str, from: usize) -> Option<Self> {
        let written = text[from..].find("://").map(|found| {
            let scheme = word_before(text, from + found, is_of_scheme);
            Self {
                body: from + found + "://".len(),
                of_database: DATABASES.iter().any(|name| scheme.starts_with(name)),
            }
        });
        let nearly = DATABASES
            .iter()
            .filter_map(|name| Self::find_nearly(text, from, name));
        nearly.chain(written).min_by_key(|url| url.body)
    }

    /// `postgresql:/user:password@…` and the like.
    fn find_nearly(text: &str, from: usize, name: &str) -> Option<Self> {
        for (found, _) in text[from..].match_indices(name) {
            let start = from + found;
            if text[..start].ends_with(is_of_scheme) {
                continue;
            }
            let rest = text[start..].trim_start_matches(is_of_scheme);
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
                    of_database: true,
                });
            }
        }
        None
    }

    /// Where it ends: at a blank, if that is not in a password.
    fn end(&self, text: &str) -> usize {
        let rest = &text[self.body..];
        let blank = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let first = &rest[..blank];
        let is_cut = !first.contains('@') && password_without_end(first).is_some();
        if self.of_database && is_cut {
            let line = rest.find('\n').unwrap_or(rest.len());
            if let Some(at) = rest[..line].rfind('@') {
                let after = rest[at..].find(char::is_whitespace);
                return self.body + after.map_or(rest.len(), |after| at + after);
            }
        }
        self.body + blank
    }
}

fn in_url(text: &str, body: Range<usize>, of_database: bool, found: &mut Vec<Range<usize>>) {
    let start = body.start;
    let body = &text[body];
    let mut address = body.len();
    let mut done = 0;
    while let Some(sign) = body[done..].find(['?', '&']).map(|sign| done + sign) {
        done = sign + 1;
        let Some((name, _)) = body[done..].split_once('=') else {
            break;
        };
        if name.chars().all(is_of_name) && is_secret_name(name) {
            let value = done + name.len() + 1;
            let end = end_of_parameter(body, value);
            found.push(start + value..start + end);
            address = address.min(sign);
            done = end;
        }
    }
    let address = &body[..address];
    if let Some((credentials, _)) = address.rsplit_once('@') {
        if let Some((user, password)) = credentials.split_once(':') {
            let at = start + user.len() + 1;
            found.push(at..at + password.len());
        }
    } else if of_database && let Some(at) = password_without_end(address) {
        found.push(start + at..start + address.len());
    }
}

/// Where a password begins that no `@` ends: behind a colon, where a port is something else.
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

/// A value ends before the next `&key=`: another `&` is the value's own.
fn end_of_parameter(body: &str, from: usize) -> usize {
    let signs = body[from..].match_indices('&').map(|(at, _)| from + at);
    let mut ends = signs.filter(|at| {
        let name = body[at + 1..].split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| !name.is_empty() && name.chars().all(is_of_name))
    });
    ends.next().unwrap_or(body.len())
}

fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let range = start..start + line.trim_end_matches(['\r', '\n']).len();
        start += line.len();
        range
    })
}

/// The secrets of `host=… password=…`.
fn in_keywords(text: &str, line: Range<usize>, found: &mut Vec<Range<usize>>) {
    let (start, line) = (line.start, &text[line]);
    let mut done = 0;
    while let Some(sign) = line[done..].find('=').map(|sign| done + sign) {
        done = sign + 1;
        if key_before(line, sign).is_some_and(is_secret_name) {
            let end = end_of_value(line, done);
            found.push(start + done..start + end);
            done = end;
        }
    }
}

/// The key before a `=`, where it begins a word.
fn key_before(line: &str, sign: usize) -> Option<&str> {
    let name = word_before(line, sign, is_of_name);
    let before = line[..sign - name.len()].chars().next_back();
    let begins =
        before.is_none_or(|c| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '(' | '='));
    let name = name.trim_start_matches('-');
    (begins && !name.is_empty()).then_some(name)
}

/// Whether a line has one of libpq's keywords with a value that no comma ends, as it would in a call.
fn is_for_libpq(line: &str) -> bool {
    line.match_indices('=').any(|(sign, _)| {
        let value = line[sign + 1..]
            .split_whitespace()
            .next()
            .unwrap_or_default();
        !value.ends_with([',', ')'])
            && !line[sign + 1..].starts_with('=')
            && key_before(line, sign).is_some_and(|key| KEYWORDS.contains(&key))
    })
}

/// Where a value of libpq ends: behind its quote, else before the next ` key=`.
fn end_of_value(line: &str, from: usize) -> usize {
    let value = &line[from..];
    if let Some(inside) = value.strip_prefix('\'') {
        let mut escaped = false;
        for (at, c) in inside.char_indices() {
            // A quote in the middle of a word is one that should have been escaped.
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
        let name = word_before(line, sign, is_of_name);
        let start = sign - name.len();
        let is_key =
            !name.is_empty() && start > from && line[..start].ends_with(char::is_whitespace);
        is_key.then(|| line[..start].trim_end().len())
    });
    keys.into_iter().next().unwrap_or(line.len())
}
