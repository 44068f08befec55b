//! The output of several processes, each line prefixed with the process's name.

use std::io::Write;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader};

/// The colours of the names, in turn.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// The maximum length of a line in bytes. limbeck breaks a longer line, so that output without line ends can't fill the memory.
const MAX_LINE: usize = 16 * 1024;

/// The prefix of a process's lines.
#[derive(Debug, Clone)]
pub(crate) struct Prefix(Arc<str>);

impl Prefix {
    /// Creates the prefix of a process. `index` selects its colour, and `width` is the length of the longest name.
    pub(crate) fn new(name: &str, index: usize, width: usize) -> Self {
        let style = Style::new().fg_color(Some(COLOURS[index % COLOURS.len()].into()));
        Self(format!("{style}{name:width$} |{style:#} ").into())
    }

    /// Prints a line with its prefix.
    pub(crate) fn print(&self, line: &[u8]) {
        let mut out = anstream::stdout().lock();
        // A closed pipe is not an error: its reader needs no more output.
        let _ = out
            .write_all(self.0.as_bytes())
            .and_then(|()| out.write_all(line))
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
    }

    /// Prints the lines of a stream until the stream ends, and calls `record` with each.
    pub(crate) async fn forward(self, stream: impl AsyncRead + Unpin, record: impl Fn(&[u8])) {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while let Ok(has_more) = read_line(&mut reader, &mut line).await {
            if !has_more && line.is_empty() {
                return;
            }
            let text = line.trim_ascii_end();
            self.print(text);
            record(text);
            line.clear();
        }
    }
}

/// Appends to `line` until the line ends or has the maximum length. Returns false at the end of the stream.
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
        if end.is_some() || line.len() >= MAX_LINE {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_line;

    #[tokio::test]
    async fn breaks_lines_at_line_ends_and_at_the_maximum_length() {
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
