//! Throw-away servers, interpreters and projects for limbeck's tests.

pub mod certificates;
mod interpreters;
mod mariadb;
mod pgbouncer;
mod ports;
mod postgres;
mod process;
mod project;
mod requirement;
mod template;

pub use interpreters::{
    all_pythons, axum_shop, browser, frameworks_python, package_python, python, reference_python,
    shop_python,
};
pub use mariadb::MariaDb;
pub use pgbouncer::PgBouncer;
pub use ports::reserve_port;
pub use postgres::{OpenTransaction, Postgres, Tls};
pub use project::{CommandOutput, Sandbox};
pub use requirement::report_missing;

use std::error::Error;

/// Returns everything that an error and its causes print, by `Display` and by `Debug`.
pub fn error_text(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(" {error} {error:?}");
        cause = error.source();
    }
    text
}
