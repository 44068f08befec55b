//! Waits for the database, migrates, starts the application, and stays in front of it.

mod application;
mod database;
pub(crate) mod dev;
mod monitor;
mod picture;
mod rollback;
mod settings;
mod urls;
mod waiting;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use limbeck::migrator::Migrator;
use limbeck::run::Signal;
use limbeck_supervisor::{
    Application, Audience, Board, Guard, HealthServer, Launch, Metrics, Phase, ProcessFacts,
    Received, Signals,
};
use tokio::sync::watch;
use tokio::task::LocalSet;

pub(crate) use settings::{OnUnhealthy, Settings};
pub(crate) use waiting::{Waiting, connect_error};

use crate::cli_error::{CliError, Outcome};
use crate::context::Context;
use crate::launch_error::LaunchError;
use crate::page::Picture;

/// The name of the command that becomes the application, and of the one that guards it.
pub(crate) const EXEC: &str = "exec_under_parent";
pub(crate) const GUARD: &str = "guard";

/// This program with arguments.
pub(crate) fn this_program(
    arguments: impl Iterator<Item = OsString>,
) -> Result<Vec<OsString>, CliError> {
    let program = std::env::current_exe()
        .map_err(|error| CliError::System("could not find limbeck's own program", error))?;
    Ok(std::iter::once(program.into()).chain(arguments).collect())
}

/// What a launch has.
struct Launcher<'a> {
    context: &'a Context,
    settings: Settings,
    /// The database's URL, where it is not the project's own to know.
    url: Option<String>,
    board: Board,
    metrics: Metrics,
    /// What the page shows besides.
    picture: Picture,
    signals: Signals,
    /// Whether nobody else writes to the terminal while the database is migrated.
    has_terminal: bool,
}

/// Launches a command.
pub(crate) fn run(context: &Context, settings: Settings, command: &[OsString]) -> Outcome {
    application::find(context, command)?;
    let aside = LocalSet::new();
    context.runtime()?.block_on(aside.run_until(async {
        let address = settings.health_addr;
        let launcher = Launcher::new(context, settings, None)?;
        let server = match address {
            Some(address) => {
                let server = launcher.serve(address)?;
                let address = server.address();
                tell(&match launcher.settings.page {
                    Audience::Nobody => format!("health endpoints at http://{address}"),
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

/// What runs the project's migrations, over this URL where there is one.
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
            board: Board::default(),
            metrics: Metrics::default(),
            picture: Picture::new(&picture::project_name()),
            signals,
            has_terminal: true,
        })
    }

    /// Serves the health endpoints, and the page.
    fn serve(&self, address: SocketAddr) -> Result<HealthServer, CliError> {
        let page = self.picture.page(self.settings.page);
        let (board, metrics) = (self.board.clone(), self.metrics.clone());
        let server = HealthServer::start(address, board, metrics, page)
            .map_err(|error| LaunchError::HealthAddress { address, error })?;
        self.write_sql()?;
        Ok(server)
    }

    fn guard() -> Result<Guard, CliError> {
        Guard::start(&this_program([GUARD.into()].into_iter())?)
            .map_err(|error| CliError::System("could not start a guard", error))
    }

    async fn launch(mut self, command: &[OsString]) -> Outcome {
        let guard = Self::guard()?;
        self.will_run(command);
        let migrated = self.migrate().await?;
        let variables = self.variables(migrated.project)?;
        let launch = Launch {
            starter: this_program([EXEC.into()].into_iter())?,
            command: command.to_vec(),
            variables,
            is_piped: false,
        };
        self.board.enter(Phase::Starting);
        let application = Application::start(&launch, guard)
            .map_err(|error| CliError::System("could not start the application", error))?;
        self.stay(application, migrated).await
    }

    /// Notes what is going to run: by its name alone, as arguments may be anything.
    fn will_run(&self, command: &[OsString]) {
        let program = command.first().map(Path::new).and_then(Path::file_name);
        let name = program.unwrap_or_default().to_string_lossy();
        let process = ProcessFacts::new(&name);
        self.board
            .note(|facts| facts.application.processes = vec![process]);
    }

    /// Does something that a signal may interrupt.
    async fn unless_signalled<T>(
        &mut self,
        work: impl AsyncFnOnce(watch::Receiver<Option<Signal>>) -> T,
    ) -> (T, Option<Received>) {
        let (interrupt, interrupted) = watch::channel(None);
        let mut received = None;
        let working = work(interrupted);
        tokio::pin!(working);
        loop {
            tokio::select! {
                done = &mut working => return (done, received),
                signal = self.signals.next() => if signal.ends() {
                    received.get_or_insert(signal);
                    let signal = if signal == Received::INTERRUPT {
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

/// A line about what is going on.
pub(crate) fn tell(text: &str) {
    anstream::eprintln!("limbeck: {text}");
}

/// A duration as one reads it.
fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

pub(crate) fn since(start: Instant) -> String {
    seconds(start.elapsed())
}
