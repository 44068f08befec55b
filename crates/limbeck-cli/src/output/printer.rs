//! Results and status lines on standard output, in Alembic's format.

use std::io::{self, Write};
use std::sync::OnceLock;

use crate::output::message::Message;
use crate::output::redact::redact;

/// The exit status of a program that `SIGPIPE` ends.
const CLOSED_PIPE: u8 = 141;

/// The first error of standard output.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

/// A writer of results and status lines to standard output. Writes nothing under `--quiet`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Prints a result and a line end. Never wraps it.
    pub(crate) fn result(self, text: &str) {
        if !self.quiet {
            write_out(text);
        }
    }

    /// Prints a status line, wrapped to the terminal's width. Like Alembic, it takes the width from standard input.
    pub(crate) fn status(self, text: &str) {
        if self.quiet {
            return;
        }
        let width = rustix::termios::tcgetwinsize(io::stdin())
            .ok()
            .map(|size| usize::from(size.ws_col));
        match width.filter(|columns| *columns > 0) {
            Some(columns) => write_out(&wrap(text, columns)),
            None => write_out(text),
        }
    }

    /// Prints the `FAILED:` line of a command error.
    pub(crate) fn failed(self, message: &str) {
        self.status(&format!("FAILED: {}", redact(message)));
    }
}

/// Writes a text and a line end. Keeps an error for [`exit_status`]: it must not end a migration.
fn write_out(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        keep_failure(error);
    }
}

/// Keeps an error of standard output for [`exit_status`].
pub(crate) fn keep_failure(error: io::Error) {
    // Later errors follow from the first one.
    let _ = FAILURE.set(error);
}

/// Reports output that could not be written. Returns the exit status of a command that would otherwise exit with `status`.
///
/// A reader may close the pipe early (`limbeck history | head`). As with other programs, that has a status but no message.
pub(crate) fn exit_status(status: u8) -> u8 {
    let failure = match FAILURE.get() {
        None => return status,
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => CLOSED_PIPE,
        Some(error) => {
            Message::new(format!("could not write to standard output: {error}")).print();
            1
        }
    };
    if status == 0 { failure } else { status }
}

/// Wraps a text to lines of at most `columns` characters, each indented by two spaces.
fn wrap(text: &str, columns: usize) -> String {
    let room = columns.saturating_sub(2).max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        loop {
            let used = line.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + rest.chars().count() <= room {
                line.extend([" "].iter().take(gap).copied());
                line += rest;
                break;
            }
            if used > 0 && rest.chars().count() <= room {
                lines.push(std::mem::take(&mut line));
                continue;
            }
            // A word longer than a line breaks at the line's end.
            let free = room.saturating_sub(used + gap);
            if free == 0 {
                lines.push(std::mem::take(&mut line));
                continue;
            }
            let cut = rest
                .char_indices()
                .nth(free)
                .map_or(rest.len(), |(index, _)| index);
            line.extend([" "].iter().take(gap).copied());
            line += &rest[..cut];
            rest = &rest[cut..];
            lines.push(std::mem::take(&mut line));
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
        .iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn wraps_words_and_breaks_long_ones() {
        assert_eq!(wrap("FAILED: no such thing", 80), "  FAILED: no such thing");
        assert_eq!(wrap("one two three", 9), "  one two\n  three");
        assert_eq!(wrap("ab abcdefghij", 8), "  ab abc\n  defghi\n  j");
    }
}
