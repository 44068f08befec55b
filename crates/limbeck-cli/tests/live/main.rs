//! limbeck beside real Alembic, on real servers.

mod concurrency;
mod drivers;
mod errors;
mod failing;
mod interrupts;
mod locks;
mod own_commits;
mod postgresql_drivers;
mod recorded;
mod replay;
mod report;
mod reported_failure;
mod secrets;
mod sqlite_names;
mod support;
mod versions;
