//! One run of the project's environment: the worker asks, the host answers from the one connection.

mod explain;
mod failure;
mod host;
mod intent;
mod sessions;
mod wire;

pub use failure::{Failure, FailedStatement, Place, RunError, Standing};
pub use host::{Ending, Event, Interrupt, RunOptions, Signal, run};
pub use intent::{Intent, Refusal};
