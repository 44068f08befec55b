//! `run`: waits for the database, migrates, starts the application and stays in front of it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use limbeck_supervisor::{Audience, Probe, init, is_init};

use crate::context::{CliError, Context, Outcome};
use crate::launcher::{self, OnUnhealthy, Settings};

/// Wait for the database, upgrade it, start the application and stay in front of it.
///
/// Signals are passed on to the application, and its exit status is limbeck's. Before it runs: 120 when the database did
/// not come or refused, 121 when the migration failed, 123 when the application was not ready in time (124 when
/// the migration was then undone, 125 when that failed), 126 and 127 when it can't be started or isn't there,
/// 128 + n for a signal. All but the command can also stand in [tool.limbeck.run] of pyproject.toml.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How to ask whether the application is well: http://HOST:PORT/PATH (a status from 200 to 399 is), tcp://HOST:PORT
    /// or exec:COMMAND. Without it, it is well while it runs.
    #[arg(long, value_name = "URL")]
    probe: Option<Probe>,
    /// How long between two probes once the application is ready [default: 10s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    probe_interval: Option<Duration>,
    /// How long a probe may take [default: 1s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    probe_timeout: Option<Duration>,
    /// Serve /livez, /readyz, /startupz, /health, /metrics and a page for the browser there. A port alone is one of this machine's loopback
    /// address; write 0.0.0.0:PORT for probes from elsewhere.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    health_addr: Option<SocketAddr>,
    /// Who may see the page: `local` (who asks from this machine), `everyone` or `off` [default: local].
    #[arg(long, value_name = "WHO")]
    page: Option<Audience>,
    /// How long to wait for the database [default: 60s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    /// How long the application may take to be ready [default: 60s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    ready_timeout: Option<Duration>,
    /// How long the application may take to end when it is told to [default: 4s].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    stop_timeout: Option<Duration>,
    /// What becomes of the migration when the application is not ready in time or ends before it is [default: keep].
    #[arg(long, value_name = "WHAT")]
    on_unhealthy: Option<OnUnhealthy>,
    /// Undo a migration also where rows or values would be lost.
    #[arg(long)]
    allow_data_loss: bool,
    /// The revision to upgrade to [default: head].
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// The variable in which the application gets its URL [default: `DATABASE_URL`].
    #[arg(long, value_name = "NAME")]
    url_variable: Option<String>,
    /// The variable in which the application gets the URL for migrations [default: `MIGRATION_DATABASE_URL`].
    #[arg(long, value_name = "NAME")]
    migration_url_variable: Option<String>,
    /// The driver that the application's URL is written for, as `limbeck url convert --to` takes it [default: the
    /// asynchronous one of the database].
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

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    if is_init() {
        let this: Vec<OsString> = std::env::args_os().collect();
        let this = launcher::this_program(this.into_iter().skip(1))?;
        return context
            .runtime()?
            .block_on(init(&this))
            .map_err(|error| CliError::System("could not start the supervisor", error));
    }
    let mut settings = Settings::read(context)?;
    settings.take(args);
    launcher::run(context, settings, &args.command)
}

impl Settings {
    /// What is typed goes before what is written.
    fn take(&mut self, args: &Args) {
        fn set<T: Clone>(value: &mut T, typed: Option<&T>) {
            if let Some(typed) = typed {
                value.clone_from(typed);
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

/// A time with its unit (`500ms`, `60s`, `2m`), or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

/// An address; a port alone, or behind a colon, is one of the loopback address.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    use std::net::ToSocketAddrs;

    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    if let Ok(port) = port {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    text.to_socket_addrs()
        .map_err(|error| format!("write HOST:PORT or PORT ({error})"))?
        .next()
        .ok_or_else(|| "the host has no address".into())
}
