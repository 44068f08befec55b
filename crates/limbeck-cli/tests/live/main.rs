//! limbeck beside real Alembic, on real servers.

mod concurrency;
mod derived_files;
mod doctor;
mod drivers;
mod dry_run;
mod errors;
mod failing;
mod fix;
mod interrupts;
mod launch;
mod locks;
mod own_commits;
mod postgresql_drivers;
mod progress;
mod recorded;
mod replay;
mod report;
mod reported_failure;
mod secrets;
mod sessions;
mod sqlite_names;
mod support;
mod tls_contexts;
mod unseen;
mod url_check;
mod versions;
