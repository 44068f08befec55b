//! `dev`: the processes of a project, over a database at head.

use std::net::SocketAddr;

use limbeck_supervisor::Audience;

use super::run::address;
use crate::context::{Context, Outcome};
use crate::launcher::Settings;
use crate::launcher::dev::{self, DevSettings, Migrate};

/// Run the processes of a project over a database at head, and start them again when sources change.
///
/// The processes stand in [tool.limbeck.dev.processes] of pyproject.toml, or in a Procfile. Each gets the URLs of
/// `limbeck run`, and a PORT. Where nothing names a database, it is the SQLite file dev.db.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What becomes of revisions that appear meanwhile [default: offer].
    #[arg(long, value_name = "WHAT")]
    migrate: Option<Migrate>,
    /// Where to serve health endpoints and a page for the browser [default: a free port of the loopback address].
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    health_addr: Option<SocketAddr>,
    /// Who may see the page of the health address: `local` (who asks from this machine), `everyone` or `off` [default:
    /// local].
    #[arg(long, value_name = "WHO")]
    page: Option<Audience>,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let mut settings = Settings::read(context)?;
    settings.health_addr = args.health_addr.or(settings.health_addr);
    settings.page = args.page.unwrap_or(settings.page);
    let mut processes = DevSettings::read(context)?;
    processes.migrate = args.migrate.or(processes.migrate);
    dev::run(context, settings, processes)
}
