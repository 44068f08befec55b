//! `status`: shows the database's revisions, pending revisions, and the application's health.

use std::net::SocketAddr;
use std::time::Duration;

use limbeck::migrator::{RunControl, Status};
use limbeck::{CommandError, Event};
use limbeck_supervisor::fetch_health;
use serde_json::{Value as Json, json};

use crate::cli_error::{CliError, CommandResult};
use crate::context::Context;
use crate::launcher::Settings;
use crate::output::notices::print_event;
use crate::signals;
use crate::value_parsers::parse_address;

/// The time that the supervisor has to answer.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);

/// The exit status if a revision is pending.
const PENDING: u8 = 1;

/// Show the current revisions, the pending ones, and the application's health. Changes nothing.
///
/// Exit status: 0 if the database is at head, else 1.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Address of the health endpoints of `limbeck run` [default: that of [tool.limbeck.run] in pyproject.toml].
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    health_addr: Option<SocketAddr>,
    /// The revision that the database should be at.
    #[arg(default_value = "heads")]
    revision: String,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let project = context.project()?;
    let migrator = context.migrator()?;
    let health_addr = match args.health_addr {
        Some(address) => Some(address),
        None => Settings::read(context)?.health_addr,
    };
    let (databases, application) = context.runtime()?.block_on(async {
        let interrupt = signals::listen()
            .map_err(|error| CliError::System("could not listen for signals", error))?;
        let mut on_event = |event: Event<'_>| print_event(&event);
        let control = RunControl {
            interrupt,
            blocks_thread: true,
            on_event: &mut on_event,
            session: None,
        };
        let positions = migrator.positions(project, control).await?;
        let databases = positions
            .iter()
            .map(|position| {
                let status = Status::new(project, &position.rows, &args.revision)?;
                Ok((position.location.database(), status))
            })
            .collect::<Result<Vec<_>, CommandError>>()?;
        let application = match health_addr {
            Some(address) => Some(fetch_health(address, HEALTH_TIMEOUT).await),
            None => None,
        };
        Ok::<_, CliError>((databases, application))
    })?;
    if args.json {
        let application = application.map(|answer| match answer {
            Ok(answer) => answer,
            Err(failure) => json!({"status": "unknown", "output": failure.to_string()}),
        });
        let databases: Vec<Json> = databases
            .iter()
            .map(|(name, status)| to_json(name, status))
            .collect();
        let object = json!({"databases": databases, "application": application});
        context.printer.result(&object.to_string());
    } else {
        for (name, status) in &databases {
            if databases.len() > 1 {
                context.printer.result(&format!("database     {name}"));
            }
            print(context, status);
        }
        if let (Some(answer), Some(address)) = (application, health_addr) {
            let line = match answer {
                Ok(answer) => {
                    let text = |key: &str| answer[key].as_str().unwrap_or("?").to_owned();
                    format!("{} ({}, at {address})", text("status"), text("description"))
                }
                Err(failure) => format!("unknown: {failure} (at {address})"),
            };
            context.printer.result(&format!("application  {line}"));
        }
    }
    let is_at_head = databases.iter().all(|(_, status)| status.is_up_to_date());
    Ok(if is_at_head { 0 } else { PENDING })
}

fn to_json(database: &str, status: &Status) -> Json {
    let pending: Vec<Json> = status
        .pending
        .iter()
        .map(|pending| json!({"revision": pending.revision, "doc": pending.doc}))
        .collect();
    json!({
        "database": database,
        "current": status.current,
        "heads": status.heads,
        "pending": pending,
        "at_head": status.is_up_to_date(),
    })
}

fn print(context: &Context, status: &Status) {
    let list = |ids: &[String]| match ids {
        [] => "(none)".to_owned(),
        ids => ids.join(", "),
    };
    let row = |name: &str, value: &str| context.printer.result(&format!("{name:11}  {value}"));
    row("current", &list(&status.current));
    row("head", &list(&status.heads));
    match status.pending.len() {
        0 => row("pending", "nothing"),
        1 => row("pending", "1 revision"),
        number => row("pending", &format!("{number} revisions")),
    }
    let width = status
        .pending
        .iter()
        .map(|pending| pending.revision.len())
        .max();
    let width = width.unwrap_or_default();
    for pending in &status.pending {
        row("", &format!("{:width$}  {}", pending.revision, pending.doc));
    }
}
