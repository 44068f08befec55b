//! A process of its own that ends an application whose supervisor was killed, and what the application has started.

use std::ffi::OsString;
use std::io::{self, BufRead, PipeWriter, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group,
};

/// How long what is left may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(10);

/// The supervisor's end of a guard. Its process ends with this value.
#[derive(Debug)]
pub struct Guard {
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
        Ok(Self {
            child,
            pipe: Some(writer),
        })
    }

    /// Tells it what to end.
    pub(super) fn watch(&mut self, pid: Pid, group: bool) {
        self.tell(&format!(
            "{}{}\n",
            if group { "group " } else { "process " },
            pid.as_raw_pid()
        ));
    }

    /// Tells it that there is nothing to end any more.
    pub(super) fn release(&mut self) {
        self.tell("none\n");
    }

    fn tell(&mut self, line: &str) {
        if let Some(pipe) = &mut self.pipe {
            // Without its guard the application is still ours to end.
            let _ = pipe.write_all(line.as_bytes());
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.release();
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
    fn read(line: &str) -> Option<Self> {
        let (kind, number) = line.split_once(' ')?;
        let pid = Pid::from_raw(number.parse().ok()?)?;
        Some(match kind {
            "group" => Self::Group(pid),
            _ => Self::Process(pid),
        })
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
    let mut watched = None;
    for line in io::stdin().lock().lines() {
        // A pipe that can't be read is one without a writer.
        let Ok(line) = line else { break };
        watched = Watched::read(&line);
    }
    let Some(left) = watched else { return };
    left.signal(Signal::TERM);
    let start = Instant::now();
    while left.is_there() {
        if start.elapsed() > GRACE {
            left.signal(Signal::KILL);
            return;
        }
        sleep(LOOK);
    }
}
