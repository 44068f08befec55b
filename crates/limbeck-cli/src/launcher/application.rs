//! The application: finds its program, and supervises it until it ends.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use limbeck_supervisor::{
    Application, FAILURE_THRESHOLD, Metrics, Phase, Probe, ProbeRecord, SharedState, shell_status,
};
use rustix::fs::{Access, access};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant as Moment, sleep, sleep_until};

use super::database::MigrationResult;
use super::monitor::Monitor;
use super::output_copy::OutputCopy;
use super::rollback::RollbackOutcome;
use super::{Launcher, OnUnhealthy, format_seconds, print_notice};
use crate::cli_error::{CliError, CommandResult};
use crate::context::Context;
use crate::launch_error::{LaunchError, NOT_READY, NOT_ROLLED_BACK, ROLLED_BACK};
use crate::output::message::Message;

/// The headline of a system error while limbeck waits for the application.
const WAIT_FAILED: &str = "could not wait for the application";

/// The interval between two probes while the application is not healthy.
const STARTUP_INTERVAL: Duration = Duration::from_millis(50);

/// Checks that the program exists, before limbeck connects to the database.
pub(super) fn find_program(context: &Context, command: &[OsString]) -> Result<(), CliError> {
    let program = command.first().map_or(Path::new(""), Path::new);
    let is_executable = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let found = if program.components().count() > 1 {
        is_executable(program)
    } else {
        let folders = context.variable("PATH").unwrap_or("/usr/bin:/bin");
        std::env::split_paths(folders).any(|folder| is_executable(&folder.join(program)))
    };
    if found {
        return Ok(());
    }
    let program = program.display().to_string();
    Err(LaunchError::NoProgram { program }.into())
}

/// The end of the supervision of an application.
enum SupervisionEnd {
    /// The application exited by itself or after a signal.
    Exited(ExitStatus),
    /// The application exited with an error before it was ready.
    FailedEarly(ExitStatus),
    /// The application was not ready in time.
    NotReady,
}

impl Launcher<'_> {
    /// Supervises the application until it ends, or is not ready in time.
    pub(super) async fn supervise(
        mut self,
        mut application: Application,
        output: OutputCopy,
        migration: MigrationResult,
    ) -> CommandResult {
        let pid = application.pid();
        let probe = self.settings.probe.clone();
        self.state.update(|state| {
            state.application.pid = Some(pid);
            for process in &mut state.application.processes {
                process.record_start(pid);
            }
            state.application.has_probe = probe.is_some();
            state.application.is_healthy = probe.is_none();
        });
        let changed = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let (monitor, _target) = Monitor::new(&self, &migration, &changed);
        tasks.spawn(monitor.run());
        if let Some(probe) = probe {
            let prober = Prober {
                probe,
                state: self.state.clone(),
                metrics: self.metrics.clone(),
                limit: self.settings.probe_timeout,
                interval: self.settings.probe_interval,
                changed: Arc::clone(&changed),
            };
            tasks.spawn(prober.run());
        }
        let end = self.wait_for_end(&mut application, &changed).await;
        tasks.shutdown().await;
        let problems = self.state.snapshot().readiness_problems();
        self.state.enter_phase(Phase::Stopping);
        self.state
            .update(|state| state.application.is_healthy = false);
        let end = end.map_err(|error| CliError::System(WAIT_FAILED, error))?;
        let stopped = application.stop(self.settings.stop_timeout).await;
        output.finish().await;
        let status = match &end {
            SupervisionEnd::Exited(status) | SupervisionEnd::FailedEarly(status) => {
                Some(shell_status(*status))
            }
            SupervisionEnd::NotReady => None,
        };
        self.state.update(|state| {
            state.application.pid = None;
            for process in &mut state.application.processes {
                process.record_exit(status);
            }
        });
        stopped.map_err(|error| CliError::System(WAIT_FAILED, error))?;
        let status = match end {
            SupervisionEnd::Exited(status) => return Ok(shell_status(status)),
            SupervisionEnd::FailedEarly(status) => {
                let status = shell_status(status);
                print_notice(&format!(
                    "the application exited with {status} before it was ready"
                ));
                status
            }
            SupervisionEnd::NotReady => {
                let reasons: Vec<String> = problems
                    .iter()
                    .map(|problem| format!("{}: {}", problem.component, problem.reason))
                    .collect();
                let limit = format_seconds(self.settings.ready_timeout);
                Message::new(format!("the application was not ready within {limit}"))
                    .note(reasons.join(", "))
                    .print();
                NOT_READY
            }
        };
        if self.settings.on_unhealthy == OnUnhealthy::Keep {
            return Ok(status);
        }
        Ok(match self.roll_back(&migration).await {
            RollbackOutcome::NothingToDo => status,
            RollbackOutcome::RolledBack => ROLLED_BACK,
            RollbackOutcome::Failed => NOT_ROLLED_BACK,
        })
    }

    async fn wait_for_end(
        &mut self,
        application: &mut Application,
        changed: &Notify,
    ) -> io::Result<SupervisionEnd> {
        let start = Moment::now();
        let mut stop_at: Option<Moment> = None;
        let mut is_ready = false;
        loop {
            if !is_ready && stop_at.is_none() && self.state.snapshot().is_ready() {
                is_ready = true;
                self.state.enter_phase(Phase::Running);
                self.state.update(|state| state.has_been_ready = true);
                print_notice(&format!("ready after {}", format_seconds(start.elapsed())));
            }
            let ready_by = start + self.settings.ready_timeout;
            tokio::select! {
                status = application.wait() => {
                    let is_early = !is_ready && stop_at.is_none();
                    return status.map(|status| {
                        if is_early && !status.success() {
                            SupervisionEnd::FailedEarly(status)
                        } else {
                            SupervisionEnd::Exited(status)
                        }
                    });
                }
                signal = self.signals.next() => {
                    application.forward(signal);
                    if application.is_asked_to_end(signal) {
                        self.state.enter_phase(Phase::Stopping);
                        stop_at.get_or_insert(Moment::now() + self.settings.stop_timeout);
                    }
                }
                () = changed.notified() => {}
                () = sleep_until(ready_by), if !is_ready && stop_at.is_none() => {
                    return Ok(SupervisionEnd::NotReady);
                }
                () = sleep_until(stop_at.unwrap_or(start)), if stop_at.is_some() => {
                    return application.stop(Duration::ZERO).await.map(SupervisionEnd::Exited);
                }
            }
        }
    }
}

/// The task that probes the application.
struct Prober {
    probe: Probe,
    state: SharedState,
    metrics: Metrics,
    limit: Duration,
    interval: Duration,
    changed: Arc<Notify>,
}

impl Prober {
    async fn run(self) {
        let mut failures = 0;
        let mut was_healthy = false;
        let mut is_startup = true;
        loop {
            let start = Instant::now();
            let result = self.probe.run(self.limit).await;
            let took = start.elapsed();
            self.metrics.observe_probe(&result, took);
            failures = if result.is_ok() { 0 } else { failures + 1 };
            let is_healthy = result.is_ok() || (was_healthy && failures < FAILURE_THRESHOLD);
            self.state.record_probe(ProbeRecord {
                at: SystemTime::now(),
                took,
                is_startup: is_startup && result.is_err(),
                failure: result.err().map(|failure| failure.to_string()),
            });
            is_startup &= !is_healthy;
            self.state
                .update(|state| state.application.is_healthy = is_healthy);
            if is_healthy != was_healthy {
                was_healthy = is_healthy;
                self.changed.notify_one();
            }
            sleep(if is_healthy {
                self.interval
            } else {
                STARTUP_INTERVAL
            })
            .await;
        }
    }
}
