//! `wait`: until somebody else has migrated.

use std::error::Error;
use std::time::{Duration, Instant};

use limbeck::db::DbError;
use limbeck::location::VersionLocation;
use limbeck::migrator::{Migrator, Status, Watch};
use limbeck::project::Project;
use limbeck::run::{Event, Interrupt, RunError};
use tokio::time::timeout;

use super::run::duration;
use crate::context::{self, CliError, Context, Outcome};
use crate::diagnostics::Message;
use crate::launcher::{Waiting, connect_error, since, tell};
use crate::signals;

/// The exit status when the time is over.
const TOO_LATE: u8 = 1;

/// Wait until the database is at head, because another run brings it there; change nothing.
///
/// Exit status: 0 when it is there, 1 when it was not in time.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long to wait.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "300s")]
    timeout: Duration,
    /// The revision to wait for.
    #[arg(default_value = "heads")]
    revision: String,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let project = context.project()?;
    let migrator = context.migrator()?;
    context.runtime()?.block_on(async {
        let interrupt = signals::listen()
            .map_err(|error| CliError::System("could not listen for signals", error))?;
        let start = Instant::now();
        let mut waiting = Waiting::new(start, args.timeout);
        let mut known = Vec::new();
        loop {
            let looked = look(&migrator, project, &interrupt, &mut known, &args.revision).await?;
            let Some(reason) = looked else {
                let there = format!("the database is at {}", args.revision);
                tell(&format!("{there} after {}", since(start)));
                return Ok(0);
            };
            let Some(pause) = waiting.pause(&reason) else {
                Message::new(format!("waited {} for the database in vain", since(start)))
                    .note(reason)
                    .help("look with `limbeck status`, or wait longer with --timeout")
                    .print();
                return Ok(TOO_LATE);
            };
            let mut interrupted = interrupt.clone();
            if let Ok(Ok(signal)) = timeout(pause, interrupted.wait_for(Option::is_some)).await
                && let Some(signal) = *signal
            {
                return Err(CliError::Run(RunError::Interrupted(signal)));
            }
        }
    })
}

/// Why there is still something to wait for; none when there isn't. `known` are the places where rows are, once
/// the environment has said it.
async fn look(
    migrator: &Migrator,
    project: &Project,
    interrupt: &Interrupt,
    known: &mut Vec<VersionLocation>,
    revision: &str,
) -> Result<Option<String>, CliError> {
    let failed = |error: &dyn Error| Ok(Some(format!("for the database: {error}")));
    if known.is_empty() {
        let mut on_event = |event: Event<'_>| context::tell(&event);
        let watch = Watch {
            interrupt: interrupt.clone(),
            keeps_thread: true,
            on_event: &mut on_event,
        };
        match migrator.locations(project, watch).await {
            Ok(locations) => *known = locations,
            Err(error) => match connect_error(error, false) {
                Ok(error) => return failed(&error),
                Err(error) => return Err(error.into()),
            },
        }
    }
    let mut pending = Vec::new();
    for location in &*known {
        match location.heads().await {
            Ok(rows) => {
                let rows = rows.unwrap_or_default();
                pending.extend(Status::new(project, &rows, revision)?.pending);
            }
            Err(DbError::Connect(error)) if !error.kind.may_pass() => {
                return Err(CliError::Database(error));
            }
            Err(error) => return failed(&error),
        }
    }
    Ok(pending.first().map(|first| {
        let more = pending.len() - 1;
        let next = &first.revision;
        match more {
            0 => format!("for revision {next}"),
            more => format!("for revision {next} and {more} after it"),
        }
    }))
}
