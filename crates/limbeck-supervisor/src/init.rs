//! PID 1 of a container: forwards signals to the one process that it has started, and reaps all others.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, WaitOptions, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

use crate::process::{in_terminal_foreground, shell_status};
use crate::signals::Signals;

/// Returns `true` if this process is PID 1 of its system or container.
pub fn is_init() -> bool {
    std::process::id() == 1
}

/// Starts the program, forwards signals to it until it exits, and returns its shell status.
///
/// The system makes each orphan a child of PID 1, which has to reap it. A supervisor that also waits for its own
/// children can't do that, so it runs as a separate process.
///
/// # Errors
/// Returns the operating system's error if the program can't be started or waited for.
pub async fn run_as_init(program: &[OsString]) -> io::Result<u8> {
    let (program, arguments) = program
        .split_first()
        .ok_or_else(|| io::Error::other("no program is given"))?;
    let mut signals = Signals::listen()?;
    let mut child_exits = signal(SignalKind::child())?;
    let child = Command::new(program).args(arguments).spawn()?;
    let main = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(main) = main else {
        return Err(io::Error::other("the process has no ID"));
    };
    loop {
        tokio::select! {
            received = signals.next() => {
                if !(in_terminal_foreground() && received.is_sent_by_terminals()) {
                    // The process may just have exited.
                    let _ = kill_process(main, received.signal());
                }
            }
            _ = child_exits.recv() => {
                if let Some(status) = reap(main)? {
                    return Ok(shell_status(status));
                }
            }
        }
    }
}

/// Reaps all children that have exited. Returns the status of `main` if it was among them.
fn reap(main: Pid) -> io::Result<Option<ExitStatus>> {
    let mut main_status = None;
    while let Some((pid, status)) = match wait(WaitOptions::NOHANG) {
        Err(rustix::io::Errno::CHILD) => None,
        other => other?,
    } {
        if pid == main {
            main_status = Some(ExitStatus::from_raw(status.as_raw()));
        }
    }
    Ok(main_status)
}
