//! Runs of commands in the worker.

use limbeck::migrator::{Call, MigrateError, Watch, Work};
use limbeck::project::Project;
use limbeck::run::{Ending, Event, Intent, Rehearsed};
use serde_json::Value as Json;

use super::Context;
use crate::cli_error::{CliError, Outcome};
use crate::output::progress::Progress;
use crate::signals;

/// A command for the worker.
#[derive(Debug)]
pub(crate) struct WorkerCommand<'a> {
    /// The command's name.
    pub(crate) name: &'a str,
    /// The options that `env.py` sees in `config.cmd_opts`.
    pub(crate) options: Json,
    /// The arguments of Alembic's function, or of its `EnvironmentContext`.
    pub(crate) arguments: Json,
}

impl Context {
    /// Runs `env.py` for one of limbeck's own implementations of Alembic's commands.
    pub(crate) fn run_environment(
        &self,
        command: WorkerCommand<'_>,
        project: &Project,
        intent: Intent<'_>,
    ) -> Outcome {
        let call = Call {
            command: command.name,
            options: command.options,
            work: Work::Environment(command.arguments),
            rehearses: false,
            session: self.session.take(),
            script_to: None,
        };
        self.run(call, Some(project), intent)
    }

    /// Runs `env.py` in a transaction that is rolled back. Returns what the run would have done.
    pub(crate) fn dry_run(
        &self,
        command: WorkerCommand<'_>,
        project: &Project,
        mut intent: Intent<'_>,
    ) -> Result<Rehearsed, CliError> {
        let call = Call {
            command: command.name,
            options: command.options,
            work: Work::Environment(command.arguments),
            rehearses: true,
            session: self.session.take(),
            script_to: None,
        };
        let migrator = self.migrator()?;
        let mut result = None;
        let running = async |watch: Watch<'_>| {
            let mut on_event = |event: Event<'_>| {
                if let Event::Rehearsed(found) = &event {
                    result = Some(found.clone());
                }
                (watch.on_event)(event);
            };
            let watch = Watch {
                on_event: &mut on_event,
                ..watch
            };
            migrator.run(call, Some(project), &mut intent, watch).await
        };
        match self.with_run_control(running)? {
            Ending::Refused(message) => Err(CliError::Refused(message)),
            _ => Ok(result.unwrap_or_default()),
        }
    }

    /// Runs Alembic's own implementation of a command in the worker.
    pub(crate) fn run_alembic(
        &self,
        command: WorkerCommand<'_>,
        project: Option<&Project>,
    ) -> Outcome {
        let call = Call {
            command: command.name,
            options: command.options,
            work: Work::Alembic(command.arguments),
            rehearses: false,
            session: self.session.take(),
            script_to: None,
        };
        self.run(call, project, Intent::Alembic)
    }

    fn run(&self, call: Call<'_>, project: Option<&Project>, mut intent: Intent<'_>) -> Outcome {
        let migrator = self.migrator()?;
        let running =
            async |watch: Watch<'_>| migrator.run(call, project, &mut intent, watch).await;
        match self.with_run_control(running)? {
            Ending::Done | Ending::Headers(_) => Ok(0),
            Ending::Refused(message) => Err(CliError::Refused(message)),
            Ending::Exit(status) => Ok(u8::try_from(status & 0xFF).unwrap_or(1)),
        }
    }

    /// Does work that signals interrupt. Shows and reports its events.
    pub(super) fn with_run_control<T>(
        &self,
        work: impl AsyncFnOnce(Watch<'_>) -> Result<T, MigrateError>,
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
            let watch = Watch {
                interrupt,
                keeps_thread: true,
                on_event: &mut on_event,
            };
            Ok(work(watch).await?)
        })
    }
}
