//! `run`: waits for the database, migrates, starts the application, and supervises it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use limbeck_supervisor::{PageAccess, Probe, is_init, run_as_init};

use crate::cli_error::{CliError, CommandResult};
use crate::context::Context;
use crate::launcher::{self, OnUnhealthy, Settings};
use crate::value_parsers::{parse_address, parse_duration};

/// Wait for the database, upgrade it, start the application, and supervise it.
///
/// limbeck forwards signals to the application and exits with its exit status. Other exit statuses: 120 if the
/// database did not answer or refused the connection, 121 if the migration failed, 123 if the application was not ready
/// in time (124 if the migration was then rolled back, 125 if the rollback failed), 126 if the program can't be
/// started, 127 if it does not exist, 128 + n for signal n. [tool.limbeck.run] in pyproject.toml can set every option.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Probe of the application's health: http://HOST:PORT/PATH (healthy if the status is from 200 to 399),
    /// tcp://HOST:PORT or exec:COMMAND. Without a probe, the application is healthy while it runs.
    #[arg(long, value_name = "URL")]
    probe: Option<Probe>,
    /// Interval between probes once the application is ready [default: 10s].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    probe_interval: Option<Duration>,
    /// Timeout of a probe [default: 1s].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    probe_timeout: Option<Duration>,
    /// Address of /livez, /readyz, /startupz, /health, /metrics and the status page. PORT alone listens on the
    /// loopback address; write 0.0.0.0:PORT to allow probes from other machines.
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    health_addr: Option<SocketAddr>,
    /// Audience of the status page: `local` (requests from this machine), `everyone` or `off` [default: local].
    #[arg(long, value_name = "AUDIENCE")]
    page: Option<PageAccess>,
    /// Time to wait for the database [default: 60s].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    wait: Option<Duration>,
    /// Time for the application to become ready [default: 60s].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    ready_timeout: Option<Duration>,
    /// Time for the application to stop after SIGTERM, before limbeck kills it [default: 4s].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    stop_timeout: Option<Duration>,
    /// Action on the migration if the application exits before it is ready, or is not ready in time [default: keep].
    #[arg(long, value_name = "ACTION")]
    on_unhealthy: Option<OnUnhealthy>,
    /// Roll back a migration even if rows or values would be lost.
    #[arg(long)]
    allow_data_loss: bool,
    /// Revision to upgrade to [default: head].
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// Environment variable for the application's URL [default: `DATABASE_URL`].
    #[arg(long, value_name = "NAME")]
    url_variable: Option<String>,
    /// Environment variable for the URL for migrations [default: `MIGRATION_DATABASE_URL`].
    #[arg(long, value_name = "NAME")]
    migration_url_variable: Option<String>,
    /// Driver of the application's URL, as in `limbeck url convert --to` [default: the database's asynchronous driver].
    #[arg(long, value_name = "TARGET")]
    driver: Option<String>,
    /// The application and its arguments.
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    command: Vec<OsString>,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    if is_init() {
        let command = launcher::own_command(std::env::args_os().skip(1))?;
        return context
            .runtime()?
            .block_on(run_as_init(&command))
            .map_err(|error| CliError::System("could not start the supervisor", error));
    }
    let mut settings = Settings::read(context)?;
    settings.apply(args);
    launcher::run(context, settings, &args.command)
}

impl Settings {
    /// Overrides settings with the options of the command line.
    fn apply(&mut self, args: &Args) {
        fn set<T: Clone>(value: &mut T, option: Option<&T>) {
            if let Some(option) = option {
                value.clone_from(option);
            }
        }
        set(&mut self.probe_interval, args.probe_interval.as_ref());
        set(&mut self.probe_timeout, args.probe_timeout.as_ref());
        set(&mut self.page, args.page.as_ref());
        set(&mut self.wait, args.wait.as_ref());
        set(&mut self.ready_timeout, args.ready_timeout.as_ref());
        set(&mut self.stop_timeout, args.stop_timeout.as_ref());
        set(&mut self.on_unhealthy, args.on_unhealthy.as_ref());
        self.allow_data_loss |= args.allow_data_loss;
        set(&mut self.revision, args.revision.as_ref());
        set(&mut self.url_variable, args.url_variable.as_ref());
        set(
            &mut self.migration_url_variable,
            args.migration_url_variable.as_ref(),
        );
        self.probe = args.probe.clone().or(self.probe.take());
        self.health_addr = args.health_addr.or(self.health_addr);
        self.driver = args.driver.clone().or(self.driver.take());
    }
}
