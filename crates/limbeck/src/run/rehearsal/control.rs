//! Which statements begin or end a transaction.

/// What a statement does to transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// Nothing.
    None,
    /// Begins one.
    Begin,
    /// Ends it well.
    Commit,
    /// Undoes it.
    Rollback,
    /// Something else, or more than one thing at once.
    Other,
}

/// What a text does to transactions.
pub(super) fn control(sql: &str) -> Control {
    let parts = statements(sql);
    let found: Vec<Control> = parts.iter().map(|part| of_one(part)).collect();
    match found[..] {
        [one] => one,
        _ if found.iter().all(|one| *one == Control::None) => Control::None,
        _ => Control::Other,
    }
}

/// The first word of a text, in capitals.
pub(super) fn first_word(sql: &str) -> String {
    statements(sql)
        .first()
        .and_then(|words| words.first())
        .cloned()
        .unwrap_or_default()
}

fn of_one(words: &[String]) -> Control {
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    match (word(0), word(1)) {
        ("BEGIN", _) | ("START", "TRANSACTION") => Control::Begin,
        ("COMMIT" | "ROLLBACK", "PREPARED") | ("PREPARE", "TRANSACTION") => Control::Other,
        ("COMMIT" | "END", "" | "WORK" | "TRANSACTION") => Control::Commit,
        ("ROLLBACK", "TO") => Control::None,
        ("ROLLBACK", "WORK" | "TRANSACTION") if word(2) == "TO" => Control::None,
        ("ROLLBACK" | "ABORT", "" | "WORK" | "TRANSACTION") => Control::Rollback,
        ("COMMIT" | "ROLLBACK" | "ABORT" | "END", _) => Control::Other,
        _ => Control::None,
    }
}

/// The first words of each statement of a text, in capitals: what stands in quotes, comments and between dollars is
/// no word, and no semicolon.
fn statements(sql: &str) -> Vec<Vec<String>> {
    /// No statement is told by more.
    const WORDS: usize = 3;
    let mut all = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("--") {
            rest.find('\n').map_or(rest.len(), |end| end + 1)
        } else if rest.starts_with("/*") {
            comment(rest)
        } else if first == '\'' || first == '"' || first == '`' {
            push(&mut words, "'", WORDS);
            quoted(rest, first)
        } else if let Some(length) = dollars(rest) {
            push(&mut words, "'", WORDS);
            length
        } else if first == ';' {
            if !words.is_empty() {
                all.push(std::mem::take(&mut words));
            }
            1
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|character: char| {
                !(character.is_alphanumeric() || character == '_' || character == '$')
            });
            let length = end.unwrap_or(rest.len());
            push(&mut words, &rest[..length].to_uppercase(), WORDS);
            length
        } else {
            if !first.is_whitespace() {
                push(&mut words, "'", WORDS);
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    if !words.is_empty() {
        all.push(words);
    }
    all
}

fn push(words: &mut Vec<String>, word: &str, most: usize) {
    if words.len() < most {
        words.push(word.to_owned());
    }
}

/// The length of a comment, which may hold others.
fn comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of what stands in quotes; a doubled quote begins the next such text.
fn quoted(text: &str, quote: char) -> usize {
    match text[1..].find(quote) {
        Some(end) => end + 2,
        None => text.len(),
    }
}

/// The length of a text between `$tag$` and the same again.
fn dollars(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('$')?;
    let end = inner.find(|character: char| !(character.is_alphanumeric() || character == '_'))?;
    if !inner[end..].starts_with('$')
        || inner.starts_with(|character: char| character.is_ascii_digit())
    {
        return None;
    }
    let tag = &text[..end + 2];
    let length = text[tag.len()..].find(tag);
    Some(length.map_or(text.len(), |found| tag.len() + found + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::{Control, control, first_word};

    #[test]
    fn what_begins_and_ends_transactions() {
        for (sql, expected) in [
            ("BEGIN", Control::Begin),
            ("begin isolation level serializable;", Control::Begin),
            ("START TRANSACTION", Control::Begin),
            ("BEGIN IMMEDIATE", Control::Begin),
            (" commit ; ", Control::Commit),
            ("END", Control::Commit),
            ("-- done\nCOMMIT", Control::Commit),
            ("/* a /* b */ c */ ROLLBACK", Control::Rollback),
            ("ROLLBACK TO SAVEPOINT a", Control::None),
            ("ROLLBACK TRANSACTION TO a", Control::None),
            ("ROLLBACK AND CHAIN", Control::Other),
            ("COMMIT PREPARED 'x'", Control::Other),
            ("PREPARE TRANSACTION 'x'", Control::Other),
            ("PREPARE p AS SELECT 1", Control::None),
            (
                "COMMIT; CREATE INDEX CONCURRENTLY i ON t (x)",
                Control::Other,
            ),
            ("DROP TABLE t; COMMIT", Control::Other),
            ("DROP TABLE t; DROP TABLE u", Control::None),
            (
                "INSERT INTO t VALUES ('a; COMMIT; b', \"; commit\", 'it''s; commit')",
                Control::None,
            ),
            ("DO $$ BEGIN PERFORM 1; COMMIT; END $$", Control::None),
            (
                "CREATE FUNCTION f() RETURNS int AS $body$ BEGIN; COMMIT; END; $body$ LANGUAGE plpgsql",
                Control::None,
            ),
            ("SELECT $1; COMMIT", Control::Other),
            ("", Control::None),
        ] {
            assert_eq!(control(sql), expected, "{sql}");
        }
        assert_eq!(first_word(" /* x */ delete from t"), "DELETE");
        assert_eq!(first_word(""), "");
    }
}
