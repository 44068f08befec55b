//! Runs one of several processes: starts it, restarts it when sources change, and stops it with the others.

use std::time::Duration;

use limbeck_supervisor::{Application, Guard, LaunchSpec, SharedState, shell_status};
use tokio::sync::{mpsc, watch};

use super::super::output_copy::page_line;
use super::output::Prefix;

/// The requested state of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetState {
    /// The process should run. Another generation restarts it.
    Running { generation: u64 },
    /// The process should stop.
    Stopped,
}

/// The status of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProcessStatus {
    /// The process runs in this process group.
    Running { group: i32 },
    /// The process exited with this shell status, or could not be started.
    Exited { status: Option<u8> },
}

/// A process and everything needed to run it.
pub(crate) struct Runner {
    pub(crate) index: usize,
    pub(crate) spec: LaunchSpec,
    pub(crate) guard: Guard,
    pub(crate) prefix: Prefix,
    pub(crate) state: SharedState,
    /// The time between `SIGTERM` and `SIGKILL`.
    pub(crate) grace: Duration,
    pub(crate) target: watch::Receiver<TargetState>,
    pub(crate) status_changes: mpsc::UnboundedSender<(usize, ProcessStatus)>,
}

/// Records a line of a process for the page.
fn record_line(state: &SharedState, index: usize, line: &[u8]) {
    let line = page_line(line);
    state.update(|state| {
        if let Some(process) = state.application.processes.get_mut(index) {
            process.record_line(line);
        }
    });
}

impl Runner {
    /// Runs the process until its target is to stop.
    pub(crate) async fn run(mut self) {
        while *self.target.borrow_and_update() != TargetState::Stopped {
            self.run_once().await;
        }
    }

    /// Starts the process and returns when its target changes.
    async fn run_once(&mut self) {
        let mut application = match Application::start(&self.spec, self.guard.clone()) {
            Ok(application) => application,
            Err(error) => {
                self.prefix
                    .print(format!("could not start: {error}").as_bytes());
                return self.wait_for_change(None).await;
            }
        };
        let output = application.take_output().map(|(stdout, stderr)| {
            let (one, other) = (self.prefix.clone(), self.prefix.clone());
            let (state, index) = (self.state.clone(), self.index);
            let record = move |line: &[u8]| record_line(&state, index, line);
            tokio::spawn(async move {
                tokio::join!(one.forward(stdout, &record), other.forward(stderr, &record))
            })
        });
        self.report(ProcessStatus::Running {
            group: application.pid(),
        });
        let exited = tokio::select! {
            exited = application.wait() => Some(exited),
            _ = self.target.changed() => None,
        };
        let stopped = application.stop(self.grace).await;
        if let Some(output) = output {
            // Print the rest of the output, but don't wait for a child that has left the group and keeps the pipe open.
            let _ = tokio::time::timeout(Duration::from_millis(200), output).await;
        }
        let (status, text) = match (exited, stopped) {
            (None, _) => return,
            (Some(Ok(status)), _) => {
                let status = shell_status(status);
                (Some(status), format!("exited with {status}"))
            }
            (Some(Err(error)), _) => (None, format!("could not wait for the process: {error}")),
        };
        let line = format!("{text}; it restarts when a source changes");
        self.prefix.print(line.as_bytes());
        self.wait_for_change(status).await;
    }

    async fn wait_for_change(&mut self, status: Option<u8>) {
        self.report(ProcessStatus::Exited { status });
        // The sender lives as long as the session.
        let _ = self.target.changed().await;
    }

    fn report(&self, status: ProcessStatus) {
        // The receiver is gone while all processes are being stopped.
        let _ = self.status_changes.send((self.index, status));
    }
}
