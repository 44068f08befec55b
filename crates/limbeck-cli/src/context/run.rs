//! Runs of commands in the project's Python.

use limbeck::migrator::{Completion, MigrateError};
use limbeck::project::Project;
use limbeck::{DryRunReport, Event, Request, RunControl};

use super::Context;
use crate::cli_error::{CliError, CommandResult};
use crate::output::progress::Progress;
use crate::signals;

impl Context {
    /// Runs a command and returns its exit status.
    pub(crate) fn run(&self, request: Request<'_>, project: Option<&Project>) -> CommandResult {
        match self.complete(request, project)? {
            Completion::Done | Completion::DryRun(_) => Ok(0),
            Completion::Exit(status) => Ok(u8::try_from(status & 0xFF).unwrap_or(1)),
        }
    }

    /// Runs a command whose mode is [`DryRun`](limbeck::migrator::MigrationMode::DryRun) and returns its report.
    pub(crate) fn dry_run(
        &self,
        request: Request<'_>,
        project: &Project,
    ) -> Result<DryRunReport, CliError> {
        match self.complete(request, Some(project))? {
            Completion::DryRun(report) => Ok(report),
            other => {
                other.require_done()?;
                Ok(DryRunReport::default())
            }
        }
    }

    fn complete(
        &self,
        request: Request<'_>,
        project: Option<&Project>,
    ) -> Result<Completion, CliError> {
        let migrator = self.migrator()?;
        let session = self.take_session();
        self.with_run_control(async |control| {
            let control = RunControl { session, ..control };
            migrator.run(request, project, control).await
        })
    }

    /// Runs work that signals may interrupt. Prints and reports its events.
    pub(super) fn with_run_control<T>(
        &self,
        work: impl AsyncFnOnce(RunControl<'_>) -> Result<T, MigrateError>,
    ) -> Result<T, CliError> {
        self.runtime()?.block_on(async {
            let interrupt = signals::listen()
                .map_err(|error| CliError::System("could not listen for signals", error))?;
            let mut progress = Progress::new(!self.global.quiet);
            let mut on_event = |event: Event<'_>| {
                progress.event(&event);
                if let Some(report) = &self.report {
                    report.event(&event);
                }
            };
            let control = RunControl {
                interrupt,
                blocks_thread: true,
                on_event: &mut on_event,
                session: None,
            };
            Ok(work(control).await?)
        })
    }
}
