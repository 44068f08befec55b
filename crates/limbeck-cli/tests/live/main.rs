//! limbeck beside real Alembic, on real servers.

mod concurrency;
mod errors;
mod failing;
mod interrupts;
mod listings;
mod locks;
mod reported_failure;
mod secrets;
mod support;
