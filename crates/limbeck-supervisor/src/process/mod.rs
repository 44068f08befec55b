//! The application's process. It never outlives the supervisor, and stopping it ends all of its children.

mod guard;
mod launch;
mod listening;

pub use guard::{Guard, run_guard};
pub use launch::{LaunchSpec, Streams, exec_under_parent};
pub use listening::listening_addresses;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::time::{Instant, sleep, timeout};

use self::guard::Watched;
use crate::signals::ReceivedSignal;

/// The interval between two checks whether a process group has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// A running application.
#[derive(Debug)]
pub struct Application {
    child: Child,
    pid: Pid,
    guard: Guard,
    /// `true` if the application has its own process group. In the foreground of a terminal it shares the supervisor's, so
    /// that the terminal's keys reach it directly.
    has_own_group: bool,
    /// The exit status, once the process has exited.
    exited: Option<ExitStatus>,
    /// The exit status, once all children of the process have ended, too.
    stopped: Option<ExitStatus>,
    output: Option<(ChildStdout, ChildStderr)>,
}

impl Application {
    /// Starts the application. `guard` ends it if this process is killed.
    ///
    /// # Errors
    /// Returns the operating system's error if the process can't be started.
    pub fn start(spec: &LaunchSpec, guard: Guard) -> io::Result<Self> {
        let has_own_group = spec.streams == Streams::Piped || !in_terminal_foreground();
        let mut child = spec.command(has_own_group)?.spawn()?;
        let output = child.stdout.take().zip(child.stderr.take());
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| io::Error::other("the process has no ID"))?;
        guard.watch(if has_own_group {
            Watched::Group(pid)
        } else {
            Watched::Process(pid)
        });
        Ok(Self {
            child,
            pid,
            guard,
            has_own_group,
            exited: None,
            stopped: None,
            output,
        })
    }

    /// Returns the process ID.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_pid()
    }

    /// Returns the pipes of standard output and standard error, if the output is piped and was not taken before.
    pub fn take_output(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        self.output.take()
    }

    /// Waits for the process to exit and returns its status.
    ///
    /// # Errors
    /// Returns the operating system's error if it can't wait for the process.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.exited {
            return Ok(status);
        }
        let status = self.child.wait().await?;
        self.exited = Some(status);
        Ok(status)
    }

    /// Returns `true` if a signal asks the application to end. A signal from a terminal's key doesn't count: the application
    /// may handle it in another way.
    pub fn is_asked_to_end(&self, signal: ReceivedSignal) -> bool {
        let is_from_terminal = !self.has_own_group && signal.is_sent_by_terminals();
        signal.is_end_request() && signal != ReceivedSignal::HANGUP && !is_from_terminal
    }

    /// Forwards a signal to the application, unless the terminal has already sent it to both processes.
    pub fn forward(&self, signal: ReceivedSignal) {
        if self.exited.is_none() && (self.has_own_group || !signal.is_sent_by_terminals()) {
            // The process may just have exited.
            let _ = kill_process(self.pid, signal.signal());
        }
    }

    /// Ends the application and its children: sends `SIGTERM`, and `SIGKILL` to what is left after `grace`.
    ///
    /// # Errors
    /// Returns the operating system's error if it can't wait for the process.
    pub async fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if self.exited.is_none() {
            let _ = kill_process(self.pid, Signal::TERM);
        }
        self.stop_by(Instant::now() + grace).await
    }

    /// Waits until `deadline` for an application that was asked to end, then ends what is left with `SIGKILL`.
    async fn stop_by(&mut self, deadline: Instant) -> io::Result<ExitStatus> {
        if let Some(status) = self.stopped {
            return Ok(status);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let status = if let Ok(exited) = timeout(left, self.wait()).await {
            exited?
        } else {
            let _ = kill_process(self.pid, Signal::KILL);
            self.wait().await?
        };
        self.end_group(deadline).await;
        self.guard.release(self.pid);
        self.stopped = Some(status);
        Ok(status)
    }

    /// Ends the children that the application has left behind.
    async fn end_group(&self, deadline: Instant) {
        if !self.has_own_group || test_kill_process_group(self.pid) == Err(Errno::SRCH) {
            return;
        }
        let _ = kill_process_group(self.pid, Signal::TERM);
        while Instant::now() < deadline {
            if test_kill_process_group(self.pid) == Err(Errno::SRCH) {
                return;
            }
            sleep(POLL_INTERVAL).await;
        }
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

/// Returns the status that a shell would report: the exit code, or 128 + n for signal n.
pub fn shell_status(status: ExitStatus) -> u8 {
    let number = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    number
        .and_then(|number| u8::try_from(number).ok())
        .unwrap_or(1)
}

/// Returns `true` if standard input is a terminal whose keys send signals to this process: it is in the foreground group.
pub(crate) fn in_terminal_foreground() -> bool {
    rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}
