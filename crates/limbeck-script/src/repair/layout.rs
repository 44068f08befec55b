//! The lines of a text: their numbers, ends and indentation, and where a function can be put in.

use ruff_python_ast::Stmt;
use ruff_text_size::Ranged;

/// The number of an offset's line, from 1; a line ends with a line feed, a carriage return or both.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let mut count = 1;
    for (place, byte) in before.iter().enumerate() {
        let ends = match byte {
            b'\n' => true,
            b'\r' => text.as_bytes().get(place + 1) != Some(&b'\n'),
            _ => false,
        };
        count += usize::from(ends);
    }
    count
}

/// The end of an offset's line, before what ends it.
pub(super) fn line_end(text: &str, offset: usize) -> usize {
    text[offset..]
        .find(['\n', '\r'])
        .map_or(text.len(), |length| offset + length)
}

/// The white space that an offset's line begins with.
pub(super) fn indentation(text: &str, offset: usize) -> &str {
    let start = text[..offset].rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let line = &text[start..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// What ends the lines of a text; those that are put in end so, too.
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

/// Whether blocks are indented by tabs.
pub(super) fn uses_tabs(text: &str) -> bool {
    text.split(['\n', '\r'])
        .find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty())
        .is_some_and(|line| line.starts_with('\t'))
}

/// Where a function is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InsertPosition {
    /// At the beginning.
    Start,
    /// Behind a line that ends here.
    Behind(usize),
}

/// Where a function can be defined so that it is known from the module's statement `before` on: behind the last
/// import above, else behind the docstring, else behind the comments at the top (a shebang, the encoding).
pub(super) fn place_for_function(
    text: &str,
    module: &[Stmt],
    before: usize,
) -> Option<InsertPosition> {
    let above = &module[..before];
    let is_import = |statement: &Stmt| matches!(statement, Stmt::Import(_) | Stmt::ImportFrom(_));
    let is_docstring = |statement: &Stmt| matches!(statement, Stmt::Expr(expression) if expression.value.is_string_literal_expr());
    // Statements on one line can't be parted.
    let ends_its_line = |number: usize| {
        let end = line_end(text, module[number].end().to_usize());
        module
            .get(number + 1)
            .is_none_or(|next| next.start().to_usize() > end)
    };
    let docstring = || above.first().is_some_and(is_docstring).then_some(0);
    if let Some(last) = above.iter().rposition(is_import).or_else(docstring) {
        let number = (last..before).find(|number| ends_its_line(*number))?;
        return Some(InsertPosition::Behind(line_end(
            text,
            module[number].end().to_usize(),
        )));
    }
    let mut place = InsertPosition::Start;
    let mut offset = 0;
    while text[offset..].starts_with('#') {
        let end = line_end(text, offset);
        place = InsertPosition::Behind(end);
        let ends = if text[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        offset = (end + ends).min(text.len());
    }
    Some(place)
}
