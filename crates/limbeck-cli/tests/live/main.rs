//! limbeck beside real Alembic, on real servers.

mod concurrency;
mod failing;
mod interrupts;
mod recorded;
mod replay;
mod reported_failure;
mod support;
