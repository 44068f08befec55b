//! The start of an application through a limbeck process that first ties its lifetime to the supervisor's.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command as StdCommand, Stdio};

use rustix::process::{Pid, getppid};
use tokio::process::Command;

/// The command line, variables and streams of an application. `Debug` hides the variables' values.
#[derive(Clone)]
pub struct LaunchSpec {
    /// The command line that calls [`exec_under_parent`], without the parent's process ID and the application's command,
    /// which are appended.
    pub starter: Vec<OsString>,
    /// The application's program and arguments.
    pub command: Vec<OsString>,
    /// Environment variables in addition to the inherited ones.
    pub variables: BTreeMap<String, OsString>,
    /// The application's standard streams.
    pub streams: Streams,
}

/// The standard streams of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Streams {
    /// The supervisor's own streams.
    Inherited,
    /// The supervisor's own input, and piped output.
    PipedOutput,
    /// Piped output and no input: the application is one of several.
    Piped,
}

impl fmt::Debug for LaunchSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LaunchSpec")
            .field("command", &self.command)
            .field("variables", &self.variables.keys())
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

impl LaunchSpec {
    /// Returns the command that starts the application, in its own process group if `has_own_group`.
    pub(super) fn command(&self, has_own_group: bool) -> io::Result<Command> {
        let (program, arguments) = self
            .starter
            .split_first()
            .ok_or_else(|| io::Error::other("the starter has no program"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(std::process::id().to_string())
            .args(&self.command)
            .envs(&self.variables);
        if has_own_group {
            command.process_group(0);
        }
        if self.streams == Streams::Piped {
            command.stdin(Stdio::null());
        }
        if self.streams != Streams::Inherited {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        Ok(command)
    }
}

/// Replaces this process with the program. On Linux, the system sends it `SIGTERM` when the parent ends first.
///
/// Returns only if that fails, with the error.
pub fn exec_under_parent(parent: u32, command: &[OsString]) -> io::Error {
    let Some((program, arguments)) = command.split_first() else {
        return io::Error::other("no program is given");
    };
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
    {
        return error.into();
    }
    // If the parent ended before the call above, no signal will come.
    let parent = i32::try_from(parent).ok().and_then(Pid::from_raw);
    if getppid() != parent {
        return io::Error::other("the supervisor has ended");
    }
    StdCommand::new(program).args(arguments).exec()
}
