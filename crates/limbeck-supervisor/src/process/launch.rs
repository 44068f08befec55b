//! How an application is started: by a step of our own that ties its life to ours and then becomes the application.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command as StdCommand, Stdio};

use rustix::process::{Pid, getppid};
use tokio::process::Command;

/// What is started. `Debug` shows no variable's value.
#[derive(Clone)]
pub struct Launch {
    /// This program and the arguments with which it calls [`exec_under_parent`]; the parent's number, the program and
    /// its arguments are put behind them.
    pub starter: Vec<OsString>,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Variables on top of the inherited ones.
    pub variables: BTreeMap<String, OsString>,
    /// Whether it is one of several: its output is piped, and it has no input.
    pub is_piped: bool,
}

impl fmt::Debug for Launch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Launch")
            .field("command", &self.command)
            .field("variables", &self.variables.keys())
            .field("is_piped", &self.is_piped)
            .finish_non_exhaustive()
    }
}

impl Launch {
    pub(super) fn command(&self, own_group: bool) -> io::Result<Command> {
        let (program, arguments) = self
            .starter
            .split_first()
            .ok_or_else(|| io::Error::other("no program starts the application"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(std::process::id().to_string())
            .args(&self.command)
            .envs(&self.variables);
        if own_group {
            command.process_group(0);
        }
        if self.is_piped {
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        }
        Ok(command)
    }
}

/// Becomes the program, which the system ends with `SIGTERM` when the parent with this number ends before it (Linux).
/// Returns only what went wrong.
pub fn exec_under_parent(parent: u32, command: &[OsString]) -> io::Error {
    let Some((program, arguments)) = command.split_first() else {
        return io::Error::other("no program is named");
    };
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
    {
        return error.into();
    }
    // A parent that ended before the line above sends no signal.
    let parent = i32::try_from(parent).ok().and_then(Pid::from_raw);
    if getppid() != parent {
        return io::Error::other("the supervisor is gone");
    }
    StdCommand::new(program).args(arguments).exec()
}
