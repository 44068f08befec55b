//! Reads the declarations of an ordinary script at the speed of a text search.
//!
//! An ordinary script begins with its docstring, imports, comments and declarations, and doesn't mention the declared
//! names again. Other scripts need the parser.

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use memchr::memchr;

use super::{Literal, NAMES, ScriptHeader};

/// Reads the declarations of a script; `None` if it needs the parser.
pub fn scan(source: &str) -> Option<ScriptHeader<'_>> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if has_lone_carriage_return(source) {
        return None;
    }
    let mut scanner = Scanner { rest: source };
    let mut header = ScriptHeader::default();
    scanner.skip_blank();
    if scanner.rest.starts_with(['"', '\'']) {
        header.doc = Some(scanner.string()?.into());
        scanner.end_of_line()?;
    }
    loop {
        scanner.skip_blank();
        if let Some(name) = scanner.declared_name() {
            let value = scanner.assigned()?;
            if !header.declare(name, value) {
                return None;
            }
        } else if scanner.rest.starts_with("import ") || scanner.rest.starts_with("from ") {
            scanner.import()?;
        } else {
            break;
        }
    }
    if header.revision.is_none() || header.down_revisions.is_none() || may_rebind(scanner.rest) {
        return None;
    }
    Some(header)
}

/// Texts without which code can't bind a declared name. `revision` is a part of `down_revision`.
const BINDING_TEXTS: [&str; 6] = [
    "revision",
    "branch_labels",
    "depends_on",
    "import *",
    "__doc__",
    "globals(",
];

/// Returns `true` if a part of a script could bind one of the names.
fn may_rebind(part: &str) -> bool {
    // It searches for all texts in one pass. Some processors lack the instructions for it.
    static SEARCHER: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(BINDING_TEXTS));
    match &*SEARCHER {
        Some(searcher) => searcher.find(part).is_some(),
        None => BINDING_TEXTS.iter().any(|word| part.contains(word)),
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// Skips empty lines and lines with only a comment.
    fn skip_blank(&mut self) {
        loop {
            let line = skip(self.rest, b" \t\r\x0c");
            if let Some(rest) = line.strip_prefix('\n') {
                self.rest = rest;
            } else if line.starts_with('#') {
                self.rest = cut(line, b'\n').map_or("", |(_, rest)| rest);
            } else {
                return;
            }
        }
    }

    /// Skips the rest of a statement's line, which may hold a comment only.
    fn end_of_line(&mut self) -> Option<()> {
        let (line, rest) = cut(self.rest, b'\n').unwrap_or((self.rest, ""));
        let line = skip(line, b" \t\r");
        (line.is_empty() || line.starts_with('#')).then(|| self.rest = rest)
    }

    /// Returns the declared name at the start of a line, without skipping it.
    fn declared_name(&self) -> Option<&'static str> {
        NAMES.into_iter().find(|name| {
            let after = self.rest.strip_prefix(name);
            after.is_some_and(|after| after.starts_with([' ', ':', '=']))
        })
    }

    /// Reads the value in `name [: annotation] = value`.
    fn assigned(&mut self) -> Option<Literal> {
        let (before, after) = cut(self.rest, b'=')?;
        let name = before.split([' ', ':']).next().unwrap_or_default();
        let annotation = before[name.len()..].trim();
        let is_plain =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '[' | ']' | ',' | ' ' | '.' | '|');
        let is_valid = match annotation.strip_prefix(':') {
            Some(annotation) => annotation.chars().all(is_plain),
            None => annotation.is_empty(),
        };
        if !is_valid || after.starts_with('=') {
            return None;
        }
        self.rest = skip(after, b" \t");
        let value = self.value()?;
        self.end_of_line()?;
        Some(value)
    }

    fn value(&mut self) -> Option<Literal> {
        if let Some(rest) = self.rest.strip_prefix("None") {
            self.rest = rest;
            return Some(Literal::None);
        }
        let close = match self.rest.chars().next()? {
            '"' | '\'' => return self.string().map(|text| Literal::Text(text.to_owned())),
            '(' => ')',
            '[' => ']',
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let mut texts = Vec::new();
        let mut commas = 0;
        loop {
            self.skip_inside();
            if let Some(rest) = self.rest.strip_prefix(close) {
                self.rest = rest;
                break;
            }
            if texts.len() > commas {
                return None;
            }
            texts.push(self.string()?.to_owned());
            self.skip_inside();
            if let Some(rest) = self.rest.strip_prefix(',') {
                self.rest = rest;
                commas += 1;
            }
        }
        match (close, commas) {
            // A value in parentheses without a comma is not a tuple.
            (')', 0) => texts.pop().map(Literal::Text),
            _ => Some(Literal::Texts(texts)),
        }
    }

    /// Skips white space, line ends and comments inside brackets.
    fn skip_inside(&mut self) {
        loop {
            self.rest = skip(self.rest, b" \t\r\n\x0c");
            match self.rest.strip_prefix('#') {
                Some(comment) => self.rest = cut(comment, b'\n').map_or("", |(_, rest)| rest),
                None => return,
            }
        }
    }

    /// Reads a string without prefix and escapes. Another string must not follow it.
    fn string(&mut self) -> Option<&'a str> {
        let quote = if self.rest.starts_with("\"\"\"") {
            "\"\"\""
        } else if self.rest.starts_with("'''") {
            "'''"
        } else if self.rest.starts_with('"') {
            "\""
        } else {
            "'"
        };
        let inside = self.rest.strip_prefix(quote)?;
        let mark = quote.as_bytes()[0];
        let end = if quote.len() == 1 {
            memchr(mark, inside.as_bytes())?
        } else {
            memchr::memchr_iter(mark, inside.as_bytes())
                .find(|&at| inside.as_bytes()[at..].starts_with(quote.as_bytes()))?
        };
        let text = &inside[..end];
        // The parser handles escapes, and `\r\n`, which Python reads as `\n`.
        let line_end = if quote.len() == 1 { b'\n' } else { b'\r' };
        if memchr::memchr3(b'\\', b'\r', line_end, text.as_bytes()).is_some() {
            return None;
        }
        self.rest = &inside[end + quote.len()..];
        (!skip(self.rest, b" \t").starts_with(['"', '\''])).then_some(text)
    }

    fn import(&mut self) -> Option<()> {
        let (line, _) = cut(self.rest, b'\n').unwrap_or((self.rest, ""));
        let parenthesis = memchr(b'(', line.as_bytes());
        let statement = match parenthesis {
            Some(open) => {
                let close = memchr(b')', self.rest.as_bytes())?;
                (close > open).then(|| &self.rest[..=close])?
            }
            None => line,
        };
        let needs_parser = |byte: u8| matches!(byte, b'*' | b'\\' | b';' | b'"' | b'\'');
        if statement.bytes().any(needs_parser) || may_rebind(statement) {
            return None;
        }
        let statement_end = match parenthesis {
            Some(_) => statement.len(),
            None => memchr(b'#', statement.as_bytes()).unwrap_or(statement.len()),
        };
        self.rest = &self.rest[statement_end..];
        self.end_of_line()
    }
}

/// Splits a text at the first `mark`, an ASCII character.
fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = memchr(mark, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// Removes ASCII characters from the start of a text.
fn skip<'a>(text: &'a str, characters: &[u8]) -> &'a str {
    let skipped = text
        .bytes()
        .take_while(|byte| characters.contains(byte))
        .count();
    &text[skipped..]
}

/// Returns `true` if a text has a carriage return without a line feed, which ends a line in Python but not in this scanner.
fn has_lone_carriage_return(source: &str) -> bool {
    memchr::memchr_iter(b'\r', source.as_bytes())
        .any(|at| source.as_bytes().get(at + 1) != Some(&b'\n'))
}
