//! limbeck beside real Alembic, on real servers.

mod concurrency;
mod failing;
mod interrupts;
mod listings;
mod reported_failure;
mod support;
