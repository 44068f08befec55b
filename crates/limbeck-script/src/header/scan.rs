//! Reads the declarations of an ordinary script at the speed of a text search.
//!
//! An ordinary script has a docstring, imports, comments and the declarations first, and never names what
//! it declares again. Whatever looks otherwise is left to the parser.

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use memchr::memchr;

use super::{Literal, NAMES, ScriptHeader};

/// Reads the declarations; `None` when only the parser can tell.
pub fn scan(source: &str) -> Option<ScriptHeader<'_>> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if lone_carriage_return(source) {
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
    if header.revision.is_none() || header.down_revisions.is_none() || names_again(scanner.rest) {
        return None;
    }
    Some(header)
}

/// What could bind one of the names; `down_revision` holds `revision`.
const BINDERS: [&str; 6] = [
    "revision",
    "branch_labels",
    "depends_on",
    "import *",
    "__doc__",
    "globals(",
];

/// Whether a part of a script could bind one of the names.
fn names_again(part: &str) -> bool {
    // Looks for all of them in one pass; not every processor can.
    static SEARCHER: LazyLock<Option<Searcher>> = LazyLock::new(|| Searcher::new(BINDERS));
    match &*SEARCHER {
        Some(searcher) => searcher.find(part).is_some(),
        None => BINDERS.iter().any(|word| part.contains(word)),
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// Skips lines that are empty or hold only a comment.
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

    /// What follows a statement: nothing or a comment, to the line's end.
    fn end_of_line(&mut self) -> Option<()> {
        let (line, rest) = cut(self.rest, b'\n').unwrap_or((self.rest, ""));
        let line = skip(line, b" \t\r");
        (line.is_empty() || line.starts_with('#')).then(|| self.rest = rest)
    }

    /// One of the names at the start of a line, with nothing but an annotation before its `=`.
    fn declared_name(&mut self) -> Option<&'static str> {
        let name = NAMES.into_iter().find(|name| {
            let after = self.rest.strip_prefix(name);
            after.is_some_and(|after| after.starts_with([' ', ':', '=']))
        })?;
        Some(name)
    }

    /// The value behind `name [: annotation] =`.
    fn assigned(&mut self) -> Option<Literal> {
        let (before, after) = cut(self.rest, b'=')?;
        let name = before.split([' ', ':']).next().unwrap_or_default();
        let annotation = before[name.len()..].trim();
        let plain =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '[' | ']' | ',' | ' ' | '.' | '|');
        let annotated = match annotation.strip_prefix(':') {
            Some(annotation) => annotation.chars().all(plain),
            None => annotation.is_empty(),
        };
        if !annotated || after.starts_with('=') {
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
            // Parentheses without a comma make no tuple.
            (')', 0) => texts.pop().map(Literal::Text),
            _ => Some(Literal::Texts(texts)),
        }
    }

    /// Inside brackets, lines may end anywhere.
    fn skip_inside(&mut self) {
        loop {
            self.rest = skip(self.rest, b" \t\r\n\x0c");
            match self.rest.strip_prefix('#') {
                Some(comment) => self.rest = cut(comment, b'\n').map_or("", |(_, rest)| rest),
                None => return,
            }
        }
    }

    /// A string without prefix and escapes, and not followed by another.
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
        // Python reads `\r\n` as `\n`; escapes and single-quoted line ends are left to the parser.
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
        let unusual = |byte: u8| matches!(byte, b'*' | b'\\' | b';' | b'"' | b'\'');
        if statement.bytes().any(unusual) || names_again(statement) {
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

/// What stands before and behind the first `mark`.
fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = memchr(mark, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// The text from its first byte on that is none of `those`, which are ASCII.
fn skip<'a>(text: &'a str, those: &[u8]) -> &'a str {
    let skipped = text.bytes().take_while(|byte| those.contains(byte)).count();
    &text[skipped..]
}

/// A carriage return without a line feed ends a line for Python, and only for Python.
fn lone_carriage_return(source: &str) -> bool {
    memchr::memchr_iter(b'\r', source.as_bytes())
        .any(|at| source.as_bytes().get(at + 1) != Some(&b'\n'))
}
