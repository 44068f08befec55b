//! The application: found before anything is done, then stayed in front of until it ends.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use limbeck_supervisor::{
    Application, Board, FAILURES, Metrics, Phase, Probe, ProbeRecord, shell_status,
};
use rustix::fs::{Access, access};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant as Moment, sleep, sleep_until};

use super::database::Migrated;
use super::monitor::Monitor;
use super::rollback::Undone;
use super::{Launcher, OnUnhealthy, seconds, tell};
use crate::cli_error::{CliError, Outcome};
use crate::context::Context;
use crate::launch_error::{LaunchError, NOT_READY, NOT_ROLLED_BACK, ROLLED_BACK};
use crate::output::message::Message;

/// What could not be done when the application's end can't be seen.
const WAIT: &str = "could not wait for the application";

/// How long between two probes until the application is ready for the first time.
const EAGER: Duration = Duration::from_millis(50);

/// Makes sure that the program is there before the database is touched.
pub(super) fn find(context: &Context, command: &[OsString]) -> Result<(), CliError> {
    let program = command.first().map_or(Path::new(""), Path::new);
    let runs = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let found = if program.components().count() > 1 {
        runs(program)
    } else {
        let folders = context.variable("PATH").unwrap_or("/usr/bin:/bin");
        std::env::split_paths(folders).any(|folder| runs(&folder.join(program)))
    };
    if found {
        return Ok(());
    }
    let program = program.display().to_string();
    Err(LaunchError::NoProgram { program }.into())
}

/// How staying in front of an application came to its end.
enum Ended {
    /// By itself, or because it was told to.
    Application(ExitStatus),
    /// By itself, before it was ready, and not well.
    TooEarly(ExitStatus),
    /// It was not ready in time.
    NotReady,
}

impl Launcher<'_> {
    /// Stays in front of the application until it ends, or is not ready in time.
    pub(super) async fn stay(
        mut self,
        mut application: Application,
        migrated: Migrated,
    ) -> Outcome {
        let pid = application.pid();
        let probe = self.settings.probe.clone();
        self.board.note(|facts| {
            facts.application.pid = Some(pid);
            for process in &mut facts.application.processes {
                process.runs(pid);
            }
            facts.application.probed = probe.is_some();
            facts.application.well = probe.is_none();
        });
        let changed = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let (monitor, _sight) = Monitor::new(&self, &migrated, &changed);
        tasks.spawn(monitor.watch());
        if let Some(probe) = probe {
            let probing = Probing {
                probe,
                board: self.board.clone(),
                metrics: self.metrics.clone(),
                limit: self.settings.probe_timeout,
                interval: self.settings.probe_interval,
                changed: Arc::clone(&changed),
            };
            tasks.spawn(probing.go_on());
        }
        let ended = self.wait_for_end(&mut application, &changed).await;
        tasks.shutdown().await;
        let obstacles = self.board.facts().obstacles();
        self.board.enter(Phase::Stopping);
        self.board.note(|facts| facts.application.well = false);
        let ended = ended.map_err(|error| CliError::System(WAIT, error))?;
        let stopped = application.stop(self.settings.stop_timeout).await;
        let status = match &ended {
            Ended::Application(status) | Ended::TooEarly(status) => Some(shell_status(*status)),
            Ended::NotReady => None,
        };
        self.board.note(|facts| {
            facts.application.pid = None;
            for process in &mut facts.application.processes {
                process.ended(status);
            }
        });
        stopped.map_err(|error| CliError::System(WAIT, error))?;
        let status = match ended {
            Ended::Application(status) => return Ok(shell_status(status)),
            Ended::TooEarly(status) => {
                let status = shell_status(status);
                tell(&format!(
                    "the application ended with {status} before it was ready"
                ));
                status
            }
            Ended::NotReady => {
                let why: Vec<String> = obstacles
                    .into_iter()
                    .map(|(what, why)| format!("{what}: {why}"))
                    .collect();
                let limit = seconds(self.settings.ready_timeout);
                Message::new(format!("the application was not ready within {limit}"))
                    .note(why.join(", "))
                    .print();
                NOT_READY
            }
        };
        if self.settings.on_unhealthy == OnUnhealthy::Keep {
            return Ok(status);
        }
        Ok(match self.roll_back(&migrated).await {
            Undone::Nothing => status,
            Undone::All => ROLLED_BACK,
            Undone::NotAll => NOT_ROLLED_BACK,
        })
    }

    async fn wait_for_end(
        &mut self,
        application: &mut Application,
        changed: &Notify,
    ) -> io::Result<Ended> {
        let start = Moment::now();
        let mut stop_at: Option<Moment> = None;
        let mut ready = false;
        loop {
            if !ready && stop_at.is_none() && self.board.facts().obstacles().is_empty() {
                ready = true;
                self.board.enter(Phase::Running);
                self.board.note(|facts| facts.started = true);
                tell(&format!("ready after {}", seconds(start.elapsed())));
            }
            let ready_by = start + self.settings.ready_timeout;
            tokio::select! {
                status = application.ended() => {
                    let early = !ready && stop_at.is_none();
                    return status.map(|status| {
                        if early && !status.success() {
                            Ended::TooEarly(status)
                        } else {
                            Ended::Application(status)
                        }
                    });
                }
                signal = self.signals.next() => {
                    application.pass_on(signal);
                    if application.is_told_to_end(signal) {
                        self.board.enter(Phase::Stopping);
                        stop_at.get_or_insert(Moment::now() + self.settings.stop_timeout);
                    }
                }
                () = changed.notified() => {}
                () = sleep_until(ready_by), if !ready && stop_at.is_none() => {
                    return Ok(Ended::NotReady);
                }
                () = sleep_until(stop_at.unwrap_or(start)), if stop_at.is_some() => {
                    return application.stop(Duration::ZERO).await.map(Ended::Application);
                }
            }
        }
    }
}

/// The probing of an application.
struct Probing {
    probe: Probe,
    board: Board,
    metrics: Metrics,
    limit: Duration,
    interval: Duration,
    changed: Arc<Notify>,
}

impl Probing {
    async fn go_on(self) {
        let mut failures = 0;
        let mut was_well = false;
        loop {
            let start = Instant::now();
            let asked = self.probe.ask(self.limit).await;
            let took = start.elapsed();
            self.metrics.probe(asked.is_ok(), took);
            failures = if asked.is_ok() { 0 } else { failures + 1 };
            let well = asked.is_ok() || (was_well && failures < FAILURES);
            self.board.probed(ProbeRecord {
                at: SystemTime::now(),
                took,
                failure: asked.err().map(|failure| failure.to_string()),
            });
            self.board.note(|facts| facts.application.well = well);
            if well != was_well {
                was_well = well;
                self.changed.notify_one();
            }
            sleep(if well { self.interval } else { EAGER }).await;
        }
    }
}
