//! The application's process: started so that it never outlives its supervisor, ended so that nothing of it is left.

mod guard;
mod launch;
mod listening;

pub use guard::{Guard, guard};
pub use launch::{Launch, exec_under_parent};
pub use listening::listening;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::time::{Instant, sleep, timeout};

use crate::signals::Received;

/// How often is looked whether the last process of a group has ended.
const LOOK: Duration = Duration::from_millis(10);

/// A running application.
#[derive(Debug)]
pub struct Application {
    child: Child,
    pid: Pid,
    guard: Guard,
    /// Whether it has a process group of its own; it shares ours where a terminal is in front of us, whose keys then
    /// reach it without us.
    own_group: bool,
    ended: Option<ExitStatus>,
    /// The same, once nothing of what it has started is left.
    stopped: Option<ExitStatus>,
    output: Option<(ChildStdout, ChildStderr)>,
}

impl Application {
    /// Starts it. `guard` ends it when this process can't.
    ///
    /// # Errors
    /// The operating system's.
    pub fn start(launch: &Launch, guard: Guard) -> io::Result<Self> {
        let own_group = launch.is_piped || !has_terminal();
        let mut child = launch.command(own_group)?.spawn()?;
        let output = child.stdout.take().zip(child.stderr.take());
        let pid = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| io::Error::other("the process has no number"))?;
        guard.watch(pid, own_group);
        Ok(Self {
            child,
            pid,
            guard,
            own_group,
            ended: None,
            stopped: None,
            output,
        })
    }

    /// Its process's number.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_pid()
    }

    /// What it writes, where that is piped; once.
    pub fn take_output(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        self.output.take()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let status = self.child.wait().await?;
        self.ended = Some(status);
        Ok(status)
    }

    /// Whether a signal asks the application to end: one of a terminal's keys may mean something else to it.
    pub fn is_told_to_end(&self, signal: Received) -> bool {
        let from_terminal = !self.own_group && signal.comes_from_terminals();
        signal.ends() && signal != Received::HANGUP && !from_terminal
    }

    /// Passes a signal on, unless a terminal has sent it to both of us.
    pub fn pass_on(&self, signal: Received) {
        if self.ended.is_none() && (self.own_group || !signal.comes_from_terminals()) {
            // It may just have ended.
            let _ = kill_process(self.pid, signal.to_send());
        }
    }

    /// Ends it and what it has started: with `SIGTERM`, and with `SIGKILL` what is left after `grace`.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        if self.ended.is_none() {
            let _ = kill_process(self.pid, Signal::TERM);
        }
        self.stop_by(Instant::now() + grace).await
    }

    /// The same for one that has been told to end already.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn stop_by(&mut self, limit: Instant) -> io::Result<ExitStatus> {
        if let Some(status) = self.stopped {
            return Ok(status);
        }
        let left = limit.saturating_duration_since(Instant::now());
        let status = if let Ok(ended) = timeout(left, self.ended()).await {
            ended?
        } else {
            let _ = kill_process(self.pid, Signal::KILL);
            self.ended().await?
        };
        self.end_group(limit).await;
        self.guard.release(self.pid);
        self.stopped = Some(status);
        Ok(status)
    }

    /// Ends what the application has started and left behind.
    async fn end_group(&self, limit: Instant) {
        if !self.own_group || test_kill_process_group(self.pid) == Err(Errno::SRCH) {
            return;
        }
        let _ = kill_process_group(self.pid, Signal::TERM);
        while Instant::now() < limit {
            if test_kill_process_group(self.pid) == Err(Errno::SRCH) {
                return;
            }
            sleep(LOOK).await;
        }
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}

/// What a shell has as the status of a process that ended so.
pub fn shell_status(status: ExitStatus) -> u8 {
    let number = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    number
        .and_then(|number| u8::try_from(number).ok())
        .unwrap_or(1)
}

/// Whether standard input is a terminal whose keys reach us.
pub(crate) fn has_terminal() -> bool {
    rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp())
}
