//! `dev`: runs the processes of a project over a database at head.

use std::net::SocketAddr;

use limbeck_supervisor::PageAccess;

use crate::cli_error::CommandResult;
use crate::context::Context;
use crate::launcher::Settings;
use crate::launcher::dev::{self, DevSettings, NewRevisions};
use crate::value_parsers::parse_address;

/// Run the processes of a project over a database at head, and restart them when sources change.
///
/// limbeck reads the processes from [tool.limbeck.dev.processes] in pyproject.toml, or from a Procfile. Each process
/// gets the same URLs as under `limbeck run`, and a PORT. If the project names no database, limbeck uses the SQLite
/// file dev.db.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Action when new revisions appear [default: offer].
    #[arg(long, value_name = "ACTION")]
    migrate: Option<NewRevisions>,
    /// Address of the health endpoints and the status page [default: a free port of the loopback address].
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    health_addr: Option<SocketAddr>,
    /// Audience of the status page: `local` (requests from this machine), `everyone` or `off` [default: local].
    #[arg(long, value_name = "AUDIENCE")]
    page: Option<PageAccess>,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let mut settings = Settings::read(context)?;
    settings.health_addr = args.health_addr.or(settings.health_addr);
    settings.page = args.page.unwrap_or(settings.page);
    let mut processes = DevSettings::read(context)?;
    processes.migrate = args.migrate.or(processes.migrate);
    dev::run(context, settings, processes)
}
