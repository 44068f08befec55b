//! Waits for the database, migrates, starts the application, and supervises it.

mod application;
mod database;
pub(crate) mod dev;
mod monitor;
mod output_copy;
mod page_sql;
mod rollback;
mod settings;
mod urls;
mod waiting;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use limbeck::Signal;
use limbeck::migrator::Migrator;
use limbeck_supervisor::{
    Application, Guard, HealthServer, LaunchSpec, Metrics, PageAccess, Phase, ProcessState,
    ReceivedSignal, SharedState, Signals,
};
use tokio::sync::watch;
use tokio::task::LocalSet;

use self::output_copy::OutputCopy;
pub(crate) use settings::{OnUnhealthy, Settings};
pub(crate) use waiting::{Waiting, retryable_failure};

use crate::cli_error::{CliError, CommandResult};
use crate::context::Context;
use crate::launch_error::LaunchError;
use crate::page::PageState;

/// The name of the hidden command that becomes the application.
pub(crate) const EXEC: &str = "exec_under_parent";

/// The name of the hidden command that guards the application.
pub(crate) const GUARD: &str = "guard";

/// Returns a command line that runs this program with arguments.
pub(crate) fn own_command(
    arguments: impl Iterator<Item = OsString>,
) -> Result<Vec<OsString>, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| CliError::System("could not find the path of limbeck's program", error))?;
    Ok(std::iter::once(program.into()).chain(arguments).collect())
}

/// The parts of a launch.
struct Launcher<'a> {
    context: &'a Context,
    settings: Settings,
    /// The database's URL, if the project itself does not contain one.
    url: Option<String>,
    state: SharedState,
    metrics: Metrics,
    /// The page's data besides `state`.
    page: PageState,
    signals: Signals,
    /// `true` if no other process writes to the terminal during a migration.
    owns_terminal: bool,
}

/// Runs `limbeck run` with the application's command.
pub(crate) fn run(context: &Context, settings: Settings, command: &[OsString]) -> CommandResult {
    application::find_program(context, command)?;
    let tasks = LocalSet::new();
    context.runtime()?.block_on(tasks.run_until(async {
        let address = settings.health_addr;
        let launcher = Launcher::new(context, settings, None)?;
        let server = match address {
            Some(address) => {
                let server = launcher.start_health_server(address)?;
                let address = server.address();
                print_notice(&match launcher.settings.page {
                    PageAccess::Off => format!("health endpoints at http://{address}"),
                    _ => format!("health endpoints and a page at http://{address}/"),
                });
                Some(server)
            }
            None => None,
        };
        let outcome = launcher.launch(command).await;
        drop(server);
        outcome
    }))
}

/// Returns the migrator of the project, with this URL if one is given.
fn migrator(context: &Context, url: Option<&str>) -> Result<Migrator, CliError> {
    let migrator = context.migrator()?;
    Ok(match url {
        Some(url) => migrator.with_database_url(url),
        None => migrator,
    })
}

impl<'a> Launcher<'a> {
    fn new(
        context: &'a Context,
        settings: Settings,
        url: Option<String>,
    ) -> Result<Self, CliError> {
        let signals = Signals::listen()
            .map_err(|error| CliError::System("could not listen for signals", error))?;
        Ok(Self {
            context,
            settings,
            url,
            state: SharedState::default(),
            metrics: Metrics::default(),
            page: PageState::new(&page_sql::project_name()),
            signals,
            owns_terminal: true,
        })
    }

    /// Starts the server of the health endpoints and the page, and the task that writes the page's SQL.
    fn start_health_server(&self, address: SocketAddr) -> Result<HealthServer, CliError> {
        let page = self.page.page(self.settings.page);
        let (state, metrics) = (self.state.clone(), self.metrics.clone());
        let server = HealthServer::start(address, state, metrics, page)
            .map_err(|error| LaunchError::HealthAddress { address, error })?;
        self.start_sql_writer()?;
        Ok(server)
    }

    fn start_guard() -> Result<Guard, CliError> {
        Guard::start(&own_command([GUARD.into()].into_iter())?)
            .map_err(|error| CliError::System("could not start the guard process", error))
    }

    async fn launch(mut self, command: &[OsString]) -> CommandResult {
        let guard = Self::start_guard()?;
        self.register_process(command);
        let migration = self.migrate().await?;
        let variables = self.application_variables(migration.project)?;
        let spec = LaunchSpec {
            starter: own_command([EXEC.into()].into_iter())?,
            command: command.to_vec(),
            variables,
            streams: output_copy::streams(&self.settings),
        };
        self.state.enter_phase(Phase::Starting);
        let failed = |error| CliError::System("could not start the application", error);
        let mut application = Application::start(&spec, guard).map_err(failed)?;
        let output = OutputCopy::start(&mut application, &self.state).map_err(failed)?;
        self.supervise(application, output, migration).await
    }

    /// Records the application's process under its file name. Arguments could contain secrets.
    fn register_process(&self, command: &[OsString]) {
        let program = command.first().map(Path::new).and_then(Path::file_name);
        let name = program.unwrap_or_default().to_string_lossy();
        let process = ProcessState::new(&name);
        self.state
            .update(|state| state.application.processes = vec![process]);
    }

    /// Runs work that a signal may interrupt. Returns its result, and the first signal that asks to end.
    async fn run_interruptible<T>(
        &mut self,
        work: impl AsyncFnOnce(watch::Receiver<Option<Signal>>) -> T,
    ) -> (T, Option<ReceivedSignal>) {
        let (interrupt, interrupted) = watch::channel(None);
        let mut received = None;
        let working = work(interrupted);
        tokio::pin!(working);
        loop {
            tokio::select! {
                done = &mut working => return (done, received),
                signal = self.signals.next() => if signal.is_end_request() {
                    received.get_or_insert(signal);
                    let signal = if signal == ReceivedSignal::INTERRUPT {
                        Signal::Interrupt
                    } else {
                        Signal::Terminate
                    };
                    interrupt.send_replace(Some(signal));
                },
            }
        }
    }
}

/// Prints a notice to standard error.
pub(crate) fn print_notice(text: &str) {
    anstream::eprintln!("limbeck: {text}");
}

/// Formats a duration in seconds.
fn format_seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Formats the time since `start` in seconds.
pub(crate) fn format_elapsed(start: Instant) -> String {
    format_seconds(start.elapsed())
}
