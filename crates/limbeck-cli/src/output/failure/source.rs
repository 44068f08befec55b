//! Source lines of the user's code.

use std::ops::Range;

use limbeck::SourceLocation;
use limbeck::url::mask;

/// Reads the line at a location, without its secrets. Returns `None` if the file has no such line.
pub(super) fn read_line(location: &SourceLocation) -> Option<String> {
    let text = std::fs::read_to_string(&location.file).ok()?;
    text.lines()
        .nth((location.line as usize).checked_sub(1)?)
        .map(|line| mask(line).into_owned())
}

/// Returns the bytes to mark: the columns if they fit the line, else the line without its indentation.
pub(super) fn span(line: &str, columns: Option<(u32, u32)>) -> Range<usize> {
    if let Some((start, end)) = columns {
        let (start, end) = (start as usize, end as usize);
        if start < end
            && end <= line.len()
            && line.is_char_boundary(start)
            && line.is_char_boundary(end)
        {
            return start..end;
        }
    }
    let start = line.len() - line.trim_start().len();
    start..line.trim_end().len().max(start)
}
