//! Copies the application's output to limbeck's own, and keeps its last lines for the page.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write, stderr, stdout};
use std::os::fd::{AsFd, OwnedFd};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use limbeck_supervisor::{Application, PageAccess, SharedState, Streams};
use tokio::time::{Instant, sleep};

use super::Settings;

/// The maximum length of a recorded line in bytes, so that output without line ends can't fill the memory.
const MAX_LINE: usize = 16 * 1024;

/// The maximum time for the copies to end after the application. A process that has left its group may keep a pipe open.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The interval between two checks whether the copies have ended.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The running copies of an application's output.
#[derive(Debug, Default)]
pub(super) struct OutputCopy(Vec<JoinHandle<()>>);

/// Returns the streams for an application. Its output is copied only for a page, and never from a terminal, which the
/// application would no longer see.
pub(super) fn streams(settings: &Settings) -> Streams {
    let has_page = settings.health_addr.is_some() && settings.page != PageAccess::Off;
    if has_page && !stdout().is_terminal() && !stderr().is_terminal() {
        Streams::PipedOutput
    } else {
        Streams::Inherited
    }
}

impl OutputCopy {
    /// Starts to copy an application's output, if it is piped. Each copy has a thread, since a full pipe blocks it.
    ///
    /// # Errors
    /// The operating system's error if it has no descriptor or thread left.
    pub(super) fn start(application: &mut Application, state: &SharedState) -> io::Result<Self> {
        let Some((output, errors)) = application.take_output() else {
            return Ok(Self::default());
        };
        state.update(|state| {
            for process in &mut state.application.processes {
                process.output.get_or_insert_default();
            }
        });
        let copies = [
            (
                output.into_owned_fd()?,
                stdout().as_fd().try_clone_to_owned()?,
            ),
            (
                errors.into_owned_fd()?,
                stderr().as_fd().try_clone_to_owned()?,
            ),
        ];
        let start = |(from, to): (OwnedFd, OwnedFd)| {
            rustix::io::ioctl_fionbio(&from, false)?;
            let (mut from, mut to, state) = (File::from(from), File::from(to), state.clone());
            thread::Builder::new()
                .name("output".into())
                .spawn(move || copy(&mut from, &mut to, |line| record(&state, line)))
        };
        Ok(Self(
            copies.into_iter().map(start).collect::<io::Result<_>>()?,
        ))
    }

    /// Waits until the output is copied to its end.
    pub(super) async fn finish(self) {
        let deadline = Instant::now() + TIMEOUT;
        while !self.0.iter().all(JoinHandle::is_finished) && Instant::now() < deadline {
            sleep(POLL_INTERVAL).await;
        }
    }
}

/// Copies a stream and calls `record` with each of its lines. Ends with the stream, or when the destination is closed: the
/// application's next write then fails as if it had been the application's own.
fn copy(from: &mut impl Read, to: &mut impl Write, record: impl Fn(&[u8])) {
    let mut buffer = vec![0; 16 * 1024];
    let mut line = Vec::new();
    loop {
        let part = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if to.write_all(part).is_err() {
            return;
        }
        for piece in part.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LINE.saturating_sub(line.len());
            line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                record(&line);
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        record(&line);
    }
}

/// Records a line of the application, without colours.
fn record(state: &SharedState, line: &[u8]) {
    let line = page_line(line);
    state.update(|state| {
        for process in &mut state.application.processes {
            process.record_line(line.clone());
        }
    });
}

/// Returns a line of output as the page shows it: without colours and line end.
pub(super) fn page_line(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line.trim_ascii_end());
    anstream::adapter::strip_str(&line).to_string()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{MAX_LINE, copy};

    #[test]
    fn copies_every_byte_and_records_each_line() {
        let long = vec![b'x'; 40_000];
        let text = [b"one\n\ntwo\n\xff\x00".as_slice(), &long, b"\nlast"].concat();
        let (mut copied, lines) = (Vec::new(), RefCell::new(Vec::new()));
        copy(&mut text.as_slice(), &mut copied, |line| {
            lines.borrow_mut().push(line.to_vec());
        });
        assert_eq!(copied, text);
        let lines = lines.into_inner();
        let lengths: Vec<usize> = lines.iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 1, 4, MAX_LINE, 4]);
        assert_eq!(lines[4], b"last");
    }
}
