//! Events that a run reports to its caller.

use std::path::Path;
use std::time::Duration;

use limbeck_revision::{Direction, Step};

use crate::version_table_location::VersionTableLocation;

use super::failure::DatabaseState;

/// An event of a run.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Another run holds the migration lock. Reported after one second, then every ten seconds.
    WaitingForLock {
        /// The lock's holder, if the server reports one.
        holder: Option<String>,
        /// Duration of the wait so far.
        waited: Duration,
    },
    /// The migration lock was acquired after a wait.
    LockTaken {
        /// Duration of the wait.
        waited: Duration,
    },
    /// A step begins.
    Step {
        /// The step's revision.
        revision: &'a str,
        /// The step's direction.
        direction: Direction,
        /// The revision's script.
        path: &'a Path,
        /// Position of the step in the plan, from 1.
        number: usize,
        /// Number of steps in the plan.
        of: usize,
    },
    /// A statement of the current step was sent to the database.
    StatementBegins {
        /// The statement's text.
        sql: &'a str,
    },
    /// The database finished the statement.
    StatementEnds {
        /// Time that the database took.
        took: Duration,
        /// `true` if the statement succeeded.
        succeeded: bool,
    },
    /// The URL comes from the environment, or a variable from a `.env` file, because `env.py` would have failed without.
    UsingEnvironment {
        /// The URL or variable and its source in words: ``the URL from `DATABASE_URL` ``.
        what: &'a str,
    },
    /// `env.py` rolled back the migrations, as an `env.py` with a dry run of its own does.
    RolledBack,
    /// The database is in memory: nothing is left of the migrations after the run.
    InMemory,
    /// Python could not write to standard output.
    OutputFailed {
        /// The system's number of the error.
        errno: i32,
    },
    /// `env.py` chose the database and the version table.
    Located(&'a VersionTableLocation),
    /// The version rows were read and the plan was made.
    Planned {
        /// The version rows.
        heads: &'a [String],
        /// The plan's steps, in order.
        steps: &'a [Step],
    },
    /// The run ended; reported only if [`report_final_state`](crate::Migrator::report_final_state) is set.
    Finished(DatabaseState),
}
