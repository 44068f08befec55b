//! Transaction control in SQL text: the second line of defence of a dry run, behind the server's own refusal.

/// The effect of a text on transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Control {
    /// No effect.
    None,
    /// Begins a transaction.
    Begin,
    /// Commits the transaction.
    Commit,
    /// Rolls the transaction back.
    Rollback,
    /// Any other effect, or several at once.
    Other,
}

/// Returns the effect of a text on transactions.
pub(in super::super) fn control(sql: &str) -> Control {
    let statements = statements(sql);
    let effects: Vec<Control> = statements
        .iter()
        .map(|words| statement_control(words))
        .collect();
    match effects[..] {
        [one] => one,
        _ if effects.iter().all(|effect| *effect == Control::None) => Control::None,
        _ => Control::Other,
    }
}

fn statement_control(words: &[String]) -> Control {
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

/// Returns the first words of each statement, in capitals. Quoted text, comments and dollar-quoted text contain neither
/// words nor semicolons.
fn statements(sql: &str) -> Vec<Vec<String>> {
    /// The number of words that distinguish the statements of transaction control.
    const WORDS: usize = 3;
    /// The placeholder for a token that is not a word.
    const OTHER: &str = "'";
    let mut statements = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let push = |words: &mut Vec<String>, word: &str| {
        if words.len() < WORDS {
            words.push(word.to_owned());
        }
    };
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("--") {
            rest.find('\n').map_or(rest.len(), |end| end + 1)
        } else if rest.starts_with("/*") {
            comment_length(rest)
        } else if matches!(first, '\'' | '"' | '`') {
            push(&mut words, OTHER);
            quoted_length(rest, first)
        } else if rest.starts_with("e'") || rest.starts_with("E'") {
            push(&mut words, OTHER);
            1 + escape_string_length(&rest[1..])
        } else if let Some(length) = dollar_quoted_length(rest) {
            push(&mut words, OTHER);
            length
        } else if first == ';' {
            if !words.is_empty() {
                statements.push(std::mem::take(&mut words));
            }
            1
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|character: char| {
                !(character.is_alphanumeric() || character == '_' || character == '$')
            });
            let length = end.unwrap_or(rest.len());
            push(&mut words, &rest[..length].to_uppercase());
            length
        } else {
            if !first.is_whitespace() {
                push(&mut words, OTHER);
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    if !words.is_empty() {
        statements.push(words);
    }
    statements
}

/// Returns the length of the comment, which may contain comments, at the start of `text`.
fn comment_length(text: &str) -> usize {
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

/// Returns the length of the quoted text at the start of `text`. After a doubled quote, the rest is quoted text again.
fn quoted_length(text: &str, quote: char) -> usize {
    match text[1..].find(quote) {
        Some(end) => end + 2,
        None => text.len(),
    }
}

/// Returns the length of the quoted text at the start of `text`, in which a backslash escapes a quote.
fn escape_string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of the `$tag$ … $tag$` at the start of `text`, if there is one.
fn dollar_quoted_length(text: &str) -> Option<usize> {
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
    use super::{Control, control};

    #[test]
    fn finds_transaction_control() {
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
            (r"SELECT E'\''; COMMIT; --'", Control::Other),
            (r"SELECT e'it''s \\'; COMMIT", Control::Other),
            (r"SELECT E'\'; COMMIT; --'", Control::None),
            ("SELECT E'", Control::None),
            ("", Control::None),
        ] {
            assert_eq!(control(sql), expected, "{sql}");
        }
    }
}
