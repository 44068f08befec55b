//! The statement that the database refused, with the server's message.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Snippet};
use limbeck::FailedStatement;

/// Draws the statement, marks the position that the server reported, and adds the server's details.
pub(super) fn draw(statement: &FailedStatement) -> Group<'_> {
    let error = &statement.error;
    let code = if error.number == 0 {
        error.code.clone()
    } else {
        format!("{} ({})", error.code, error.number)
    };
    let sql = statement.sql.trim_end();
    let snippet = Snippet::source(sql).path("SQL");
    let snippet = match error.position.and_then(|position| word_at(sql, position)) {
        Some(span) => snippet.annotation(AnnotationKind::Primary.span(span)),
        None => snippet
            .annotation(AnnotationKind::Visible.span(0..sql.len().min(1)))
            .fold(false),
    };
    let mut group = Group::with_title(
        Level::NOTE.secondary_title(format!("the database refused this statement: {code}")),
    )
    .element(snippet);
    let details = [
        ("detail", &error.detail),
        ("hint", &error.hint),
        ("context", &error.context),
    ];
    for (name, text) in details {
        if let Some(text) = text {
            group = group.element(Level::NOTE.message(format!("{name}: {text}")));
        }
    }
    group
}

/// Returns the bytes of the word at a server's position, which counts characters from 1.
fn word_at(sql: &str, position: u32) -> Option<Range<usize>> {
    let start = sql
        .char_indices()
        .nth((position as usize).checked_sub(1)?)?
        .0;
    let length = sql[start..]
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(sql.len() - start);
    Some(start..start + length.max(1).min(sql.len() - start))
}
