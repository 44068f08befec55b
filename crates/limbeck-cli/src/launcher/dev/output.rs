//! The lines of several processes, each behind its name.

use std::io::Write;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

/// A colour for each process, in turn.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// A longer line is broken: a process that writes no line ends must not fill the memory.
const LONGEST: usize = 16 * 1024;

/// What stands before the lines of a process.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(Arc<str>);

impl Prefix {
    /// For the process at a place among the others, whose longest name has `width` characters.
    pub(crate) fn new(name: &str, place: usize, width: usize) -> Self {
        let style = Style::new().fg_color(Some(COLOURS[place % COLOURS.len()].into()));
        Self(format!("{style}{name:width$} |{style:#} ").into())
    }

    /// Prints a line.
    pub(crate) fn print(&self, line: &[u8]) {
        let mut out = anstream::stdout().lock();
        // A reader that has gone away needs no lines.
        let _ = out
            .write_all(self.0.as_bytes())
            .and_then(|()| out.write_all(line))
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
    }

    /// Prints what a process writes, until it writes no more.
    pub(crate) async fn pass_on(self, from: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(from);
        let mut line = Vec::new();
        while let Ok(more) = read_line(&mut reader, &mut line).await {
            if !more && line.is_empty() {
                return;
            }
            self.print(line.trim_ascii_end());
            line.clear();
        }
    }
}

/// Adds to a line until it ends, or is as long as one may be; false at the end of all.
async fn read_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> std::io::Result<bool> {
    loop {
        let available = reader.fill_buf().await?;
        if available.is_empty() {
            return Ok(false);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(available.len(), |end| end + 1);
        line.extend_from_slice(&available[..length]);
        reader.consume(length);
        if end.is_some() || line.len() >= LONGEST {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_line;

    #[tokio::test]
    async fn lines_end_where_they_end_or_are_too_long() {
        let text = [b"one\n\ntwo".as_slice(), &vec![b'x'; 40_000]].concat();
        let mut reader = tokio::io::BufReader::new(text.as_slice());
        let mut lengths = Vec::new();
        let mut line = Vec::new();
        while read_line(&mut reader, &mut line).await.unwrap() {
            lengths.push(line.len());
            line.clear();
        }
        assert_eq!(lengths[..2], [4, 1]);
        assert_eq!(lengths[2..].iter().sum::<usize>() + line.len(), 40_003);
        assert!(lengths.iter().all(|length| *length < 32_000));
    }
}
