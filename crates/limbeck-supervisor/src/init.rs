//! Process 1 of a container: passes signals on to the one process that it has started, and takes leave of all others.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, WaitOptions, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

use crate::process::{has_terminal, shell_status};
use crate::signals::Signals;

/// Whether this process is the first of its system or container.
pub fn is_init() -> bool {
    std::process::id() == 1
}

/// Starts the program as a process of its own and gives its exit status, as a shell has it, when it has ended.
///
/// What has lost its parent becomes a child of process 1, which must wait for it: that is kept apart from a supervisor
/// that waits for children of its own.
///
/// # Errors
/// The operating system's.
pub async fn init(program: &[OsString]) -> io::Result<u8> {
    let (program, arguments) = program
        .split_first()
        .ok_or_else(|| io::Error::other("no program is named"))?;
    let mut signals = Signals::listen()?;
    let mut ended = signal(SignalKind::child())?;
    let child = Command::new(program).args(arguments).spawn()?;
    let main = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(main) = main else {
        return Err(io::Error::other("the process has no number"));
    };
    loop {
        tokio::select! {
            received = signals.next() => {
                // A terminal has sent it to both of us. Else, it may just have ended.
                if !(has_terminal() && received.comes_from_terminals()) {
                    let _ = kill_process(main, received.to_send());
                }
            }
            _ = ended.recv() => {
                if let Some(status) = reap(main)? {
                    return Ok(shell_status(status));
                }
            }
        }
    }
}

/// Waits for everybody who has ended; the status of `main`, when it was among them.
fn reap(main: Pid) -> io::Result<Option<ExitStatus>> {
    let mut found = None;
    while let Some((pid, status)) = match wait(WaitOptions::NOHANG) {
        Err(rustix::io::Errno::CHILD) => None,
        other => other?,
    } {
        if pid == main {
            found = Some(ExitStatus::from_raw(status.as_raw()));
        }
    }
    Ok(found)
}
