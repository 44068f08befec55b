//! The lines of a text: their ends and indentation, and the position for an inserted function.

use ruff_python_ast::Stmt;
use ruff_text_size::Ranged;

/// Returns the end of an offset's line, before its line ending.
pub(super) fn line_end(text: &str, offset: usize) -> usize {
    text[offset..]
        .find(['\n', '\r'])
        .map_or(text.len(), |length| offset + length)
}

/// Returns the beginning of an offset's line.
fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind(['\n', '\r']).map_or(0, |end| end + 1)
}

/// Returns the white space at the beginning of an offset's line.
pub(super) fn indentation(text: &str, offset: usize) -> &str {
    let line = &text[line_start(text, offset)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Returns `true` if only white space is before an offset on its line.
pub(super) fn is_first_on_line(text: &str, offset: usize) -> bool {
    text[line_start(text, offset)..offset].trim().is_empty()
}

/// Returns the line ending of a text, for inserted lines.
pub(super) fn line_ending(text: &str) -> &'static str {
    let first = text.find(['\n', '\r']).map_or("", |end| &text[end..]);
    if first.starts_with("\r\n") {
        "\r\n"
    } else if first.starts_with('\r') {
        "\r"
    } else {
        "\n"
    }
}

/// Returns `true` if a text indents blocks by tabs.
pub(super) fn uses_tabs(text: &str) -> bool {
    text.split(['\n', '\r'])
        .find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty())
        .is_some_and(|line| line.starts_with('\t'))
}

/// The position of an inserted function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InsertPosition {
    /// The start of the text.
    Start,
    /// After the line that ends at this offset.
    AfterLine(usize),
}

/// Returns a position for a function that the module's statement `before` calls: after the last import above that
/// statement, otherwise after the docstring, otherwise after the comments at the top (a shebang, the encoding).
/// Returns `None` if no line ends between that import and the statement.
pub(super) fn position_for_function(
    text: &str,
    module: &[Stmt],
    before: usize,
) -> Option<InsertPosition> {
    let above = &module[..before];
    let is_import = |statement: &Stmt| matches!(statement, Stmt::Import(_) | Stmt::ImportFrom(_));
    let is_docstring = |statement: &Stmt| matches!(statement, Stmt::Expr(expression) if expression.value.is_string_literal_expr());
    let end_of = |number: usize| line_end(text, module[number].end().to_usize());
    let is_last_on_line = |number: usize| {
        module
            .get(number + 1)
            .is_none_or(|next| next.start().to_usize() > end_of(number))
    };
    let docstring = || above.first().is_some_and(is_docstring).then_some(0);
    if let Some(last) = above.iter().rposition(is_import).or_else(docstring) {
        let number = (last..before).find(|number| is_last_on_line(*number))?;
        return Some(InsertPosition::AfterLine(end_of(number)));
    }
    let mut position = InsertPosition::Start;
    let mut rest = text;
    while rest.starts_with('#') {
        let end = line_end(rest, 0);
        position = InsertPosition::AfterLine(text.len() - rest.len() + end);
        rest = &rest[end..];
        rest = rest
            .strip_prefix("\r\n")
            .or_else(|| rest.strip_prefix(['\n', '\r']))
            .unwrap_or(rest);
    }
    Some(position)
}
