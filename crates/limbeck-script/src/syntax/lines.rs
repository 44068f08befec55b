//! Line and column numbers. A line ends with a line feed, a carriage return or both, as in Python.

use ruff_text_size::TextSize;

/// Returns the number of an offset's line, from 1. An offset behind the end of the text counts as its end.
pub(crate) fn line_at(text: &str, offset: TextSize) -> usize {
    let bytes = text.as_bytes();
    let ends = bytes[..offset.to_usize().min(bytes.len())]
        .iter()
        .enumerate()
        .filter(|(place, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(place + 1) != Some(&b'\n'),
            _ => false,
        });
    ends.count() + 1
}

/// Returns the number of an offset's column in characters, from 1.
pub(crate) fn column_at(text: &str, offset: TextSize) -> usize {
    let before = &text[..text.floor_char_boundary(offset.to_usize())];
    let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    before[line_start..].chars().count() + 1
}

#[cfg(test)]
mod tests {
    use ruff_text_size::TextSize;

    use super::{column_at, line_at};

    #[test]
    fn counts_lines_and_characters() {
        let text = "a\nbä\r\nc\rd";
        let check = |offset: u32, line: usize, column: usize| {
            let offset = TextSize::new(offset);
            let found = (line_at(text, offset), column_at(text, offset));
            assert_eq!(found, (line, column), "{offset:?}");
        };
        check(0, 1, 1);
        check(2, 2, 1);
        check(3, 2, 2);
        // Offset 4 is inside `ä`.
        check(4, 2, 2);
        check(5, 2, 3);
        check(7, 3, 1);
        check(9, 4, 1);
        check(99, 4, 2);
    }
}
