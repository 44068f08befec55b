//! The guard: a separate process that ends an application and its children after the supervisor was killed.

use std::ffi::OsString;
use std::io::{self, BufRead, PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group,
};

/// The time between `SIGTERM` and `SIGKILL`.
const GRACE: Duration = Duration::from_secs(3);

/// The interval between two checks whether the processes have ended.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The supervisor's handle of a guard process, shared by all applications that the guard watches. Dropping the last clone
/// ends the process.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    child: Child,
    /// The pipe to the guard. The system closes it when the supervisor ends, whatever the reason.
    pipe: Option<PipeWriter>,
}

impl Guard {
    /// Starts a guard. `program` is a command line that calls [`run_guard`].
    ///
    /// # Errors
    /// Returns the operating system's error if the process can't be started.
    pub fn start(program: &[OsString]) -> io::Result<Self> {
        let (program, arguments) = program
            .split_first()
            .ok_or_else(|| io::Error::other("the guard has no program"))?;
        let (reader, writer) = io::pipe()?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // The terminal sends signals to the supervisor's group; they must not end the guard.
            .process_group(0)
            .spawn()?;
        Ok(Self(Arc::new(Mutex::new(Inner {
            child,
            pipe: Some(writer),
        }))))
    }

    /// Makes the guard watch a process or a process group.
    pub(super) fn watch(&self, watched: Watched) {
        self.send(&match watched {
            Watched::Process(pid) => format!("process {}\n", pid.as_raw_pid()),
            Watched::Group(pid) => format!("group {}\n", pid.as_raw_pid()),
        });
    }

    /// Makes the guard forget a process or group that has ended.
    pub(super) fn release(&self, pid: Pid) {
        self.send(&format!("ended {}\n", pid.as_raw_pid()));
    }

    fn send(&self, line: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = &mut inner.pipe {
            // If the guard is gone, the supervisor can still end the application itself.
            let _ = pipe.write_all(line.as_bytes());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = self.child.wait();
    }
}

/// A process or a process group that a guard watches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Watched {
    Process(Pid),
    Group(Pid),
}

impl Watched {
    /// Parses a line from the supervisor: an ID, and what to watch under this ID from now on, or `None` if it has ended.
    fn parse(line: &str) -> Option<(Pid, Option<Self>)> {
        let (kind, number) = line.split_once(' ')?;
        let pid = Pid::from_raw(number.parse().ok()?)?;
        let watched = match kind {
            "group" => Some(Self::Group(pid)),
            "process" => Some(Self::Process(pid)),
            _ => None,
        };
        Some((pid, watched))
    }

    fn signal(self, signal: Signal) {
        // The process may have ended.
        let _ = match self {
            Self::Process(pid) => kill_process(pid, signal),
            Self::Group(pid) => kill_process_group(pid, signal),
        };
    }

    fn is_running(self) -> bool {
        match self {
            Self::Process(pid) => test_kill_process(pid).is_ok(),
            Self::Group(pid) => test_kill_process_group(pid).is_ok(),
        }
    }
}

/// Runs a guard: reads from standard input what to watch until the supervisor ends, then ends what is left.
pub fn run_guard() {
    let mut watched: Vec<(Pid, Watched)> = Vec::new();
    for line in io::stdin().lock().lines() {
        // A read error means the same as the end of the pipe.
        let Ok(line) = line else { break };
        let Some((pid, found)) = Watched::parse(&line) else {
            continue;
        };
        watched.retain(|(known, _)| *known != pid);
        watched.extend(found.map(|found| (pid, found)));
    }
    for (_, remaining) in &watched {
        remaining.signal(Signal::TERM);
    }
    let start = Instant::now();
    while watched.iter().any(|(_, remaining)| remaining.is_running()) {
        if start.elapsed() > GRACE {
            for (_, remaining) in &watched {
                remaining.signal(Signal::KILL);
            }
            return;
        }
        sleep(POLL_INTERVAL);
    }
}
