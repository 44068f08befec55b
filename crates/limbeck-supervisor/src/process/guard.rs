//! A process of its own that ends an application whose supervisor was killed, and what the application has started.

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

/// How long what is left may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);

/// The supervisor's end of a guard, shared by all that it watches. Its process ends with the last of them.
#[derive(Debug, Clone)]
pub struct Guard(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    child: Child,
    /// Closed by the system when we are gone, however that happens.
    pipe: Option<PipeWriter>,
}

impl Guard {
    /// Starts one: `program` and its arguments call [`guard`].
    ///
    /// # Errors
    /// The operating system's.
    pub fn start(program: &[OsString]) -> io::Result<Self> {
        let (program, arguments) = program
            .split_first()
            .ok_or_else(|| io::Error::other("no program guards the application"))?;
        let (reader, writer) = io::pipe()?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What a terminal's keys send to our group must not end it.
            .process_group(0)
            .spawn()?;
        Ok(Self(Arc::new(Mutex::new(Inner {
            child,
            pipe: Some(writer),
        }))))
    }

    /// Tells it what to end.
    pub(super) fn watch(&self, pid: Pid, group: bool) {
        let kind = if group { "group" } else { "process" };
        self.tell(&format!("{kind} {}\n", pid.as_raw_pid()));
    }

    /// Tells it that this has ended.
    pub(super) fn release(&self, pid: Pid) {
        self.tell(&format!("ended {}\n", pid.as_raw_pid()));
    }

    fn tell(&self, line: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipe) = &mut inner.pipe {
            // Without its guard the application is still ours to end.
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

/// What a guard watches.
#[derive(Debug, Clone, Copy)]
enum Watched {
    Process(Pid),
    Group(Pid),
}

impl Watched {
    /// The number in a line, and what is to be watched by it from now on: none when it has ended.
    fn read(line: &str) -> Option<(Pid, Option<Self>)> {
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
        // It may have ended.
        let _ = match self {
            Self::Process(pid) => kill_process(pid, signal),
            Self::Group(pid) => kill_process_group(pid, signal),
        };
    }

    fn is_there(self) -> bool {
        match self {
            Self::Process(pid) => test_kill_process(pid).is_ok(),
            Self::Group(pid) => test_kill_process_group(pid).is_ok(),
        }
    }
}

/// A guard's whole life: reads from standard input what to watch, until there is no supervisor; then ends it.
pub fn guard() {
    let mut watched: Vec<(Pid, Watched)> = Vec::new();
    for line in io::stdin().lock().lines() {
        // A pipe that can't be read is one without a writer.
        let Ok(line) = line else { break };
        let Some((pid, found)) = Watched::read(&line) else {
            continue;
        };
        watched.retain(|(known, _)| *known != pid);
        watched.extend(found.map(|found| (pid, found)));
    }
    for (_, left) in &watched {
        left.signal(Signal::TERM);
    }
    let start = Instant::now();
    while watched.iter().any(|(_, left)| left.is_there()) {
        if start.elapsed() > GRACE {
            for (_, left) in &watched {
                left.signal(Signal::KILL);
            }
            return;
        }
        sleep(LOOK);
    }
}
