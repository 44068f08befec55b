//! `wait`: waits until another run has migrated the database.

use std::error::Error;
use std::time::{Duration, Instant};

use limbeck::VersionTableLocation;
use limbeck::db::DbError;
use limbeck::migrator::{MigrateError, Migrator, RunControl, Status};
use limbeck::project::Project;
use limbeck::{Event, Interrupt};
use tokio::time::timeout;

use crate::cli_error::{CliError, CommandResult};
use crate::context::Context;
use crate::launcher::{Waiting, format_elapsed, print_notice, retryable_failure};
use crate::output::message::Message;
use crate::output::notices::print_event;
use crate::signals;
use crate::value_parsers::parse_duration;

/// The exit status after a timeout.
const TIMED_OUT: u8 = 1;

/// Wait until another run has brought the database to head. Changes nothing.
///
/// Exit status: 0 if the database is at head, 1 after the timeout.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Time to wait.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "300s")]
    timeout: Duration,
    /// The revision to wait for.
    #[arg(default_value = "heads")]
    revision: String,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let project = context.project()?;
    let migrator = context.migrator()?;
    context.runtime()?.block_on(async {
        let interrupt = signals::listen()
            .map_err(|error| CliError::System("could not listen for signals", error))?;
        let start = Instant::now();
        let mut waiting = Waiting::new(start, args.timeout);
        let mut target = Target {
            migrator: &migrator,
            project,
            interrupt: interrupt.clone(),
            revision: &args.revision,
            locations: Vec::new(),
        };
        let revision = match args.revision.as_str() {
            "heads" => "head",
            revision => revision,
        };
        loop {
            let Some(WaitReason { text: reason, help }) = target.reason_to_wait().await? else {
                print_notice(&format!(
                    "the database is at {revision} after {}",
                    format_elapsed(start)
                ));
                return Ok(0);
            };
            let Some(pause) = waiting.next_pause(&reason) else {
                Message::new(format!(
                    "the database was not at {revision} after {}",
                    format_elapsed(start)
                ))
                .note(format!("waited {reason}"))
                .help(help)
                .print();
                return Ok(TIMED_OUT);
            };
            let mut interrupt = interrupt.clone();
            if let Ok(Ok(signal)) = timeout(pause, interrupt.wait_for(Option::is_some)).await
                && let Some(signal) = *signal
            {
                return Err(CliError::Run(signal.into()));
            }
        }
    })
}

/// The reason of a wait.
struct WaitReason {
    /// A text that completes "waiting …".
    text: String,
    /// The next step after the timeout.
    help: &'static str,
}

/// The revision to wait for, and the version tables to read.
struct Target<'a> {
    migrator: &'a Migrator,
    project: &'a Project,
    interrupt: Interrupt,
    revision: &'a str,
    /// The version tables; empty until `env.py` has run once.
    locations: Vec<VersionTableLocation>,
}

impl Target<'_> {
    /// Returns the reason to wait, or `None` if the database is at the revision.
    async fn reason_to_wait(&mut self) -> Result<Option<WaitReason>, CliError> {
        let unreachable = |error: &dyn Error| {
            Ok(Some(WaitReason {
                text: format!("for the database: {error}"),
                help: "run `limbeck doctor` to see why the database can't be reached, or wait longer with --timeout",
            }))
        };
        if self.locations.is_empty() {
            match self.find_locations().await {
                Ok(locations) => self.locations = locations,
                Err(error) => match retryable_failure(error, false) {
                    Ok(error) => return unreachable(&error),
                    Err(error) => return Err(error.into()),
                },
            }
        }
        let mut pending = Vec::new();
        for location in &self.locations {
            match location.heads().await {
                Ok(rows) => {
                    let rows = rows.unwrap_or_default();
                    pending.extend(Status::new(self.project, &rows, self.revision)?.pending);
                }
                Err(DbError::Connect(error)) if !error.kind.is_transient() => {
                    return Err(CliError::Database(error));
                }
                Err(error) => return unreachable(&error),
            }
        }
        Ok(pending.first().map(|first| {
            let next = &first.revision;
            WaitReason {
                text: match pending.len() - 1 {
                    0 => format!("for revision {next}"),
                    more => format!("for revision {next} and {more} after it"),
                },
                help: "run `limbeck status` to see what is pending, or wait longer with --timeout",
            }
        }))
    }

    async fn find_locations(&self) -> Result<Vec<VersionTableLocation>, MigrateError> {
        let mut on_event = |event: Event<'_>| print_event(&event);
        let control = RunControl {
            interrupt: self.interrupt.clone(),
            blocks_thread: true,
            on_event: &mut on_event,
            session: None,
        };
        self.migrator.locations(self.project, control).await
    }
}
