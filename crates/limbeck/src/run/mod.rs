//! One run of the project's environment: the worker asks, the host answers from the one connection.

mod explain;
mod failure;
mod host;
mod intent;
mod rehearsal;
mod sessions;
mod watchdog;
mod wire;

pub use failure::{FailedStatement, Failure, Place, RunError, Standing};
pub use host::{Ending, Event, Interrupt, RunOptions, Signal, run};
pub use limbeck_script::worker::ImportedScript;
pub use limbeck_script::worker::WorkerError;

pub use intent::{Intent, Refusal};
pub use rehearsal::{Loss, Rehearsed, RehearsedStatement};
