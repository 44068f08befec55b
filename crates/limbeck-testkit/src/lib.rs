//! Throw-away servers, interpreters and projects for limbeck's tests.
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

pub mod certificates;
mod mariadb;
mod pgbouncer;
mod postgres;
mod process;
mod project;

pub use mariadb::MariaDb;
pub use pgbouncer::PgBouncer;
pub use postgres::{Held, Postgres, Tls};
pub use process::free_port;
pub use project::{Ran, Sandbox};

use std::error::Error;
use std::path::PathBuf;

/// The interpreter that limbeck's worker is tested with: it has Alembic and SQLAlchemy and no driver.
pub fn python() -> Option<PathBuf> {
    interpreter("LIMBECK_TEST_PYTHON")
}

/// The interpreter with real drivers, in which real Alembic is the oracle.
pub fn reference_python() -> Option<PathBuf> {
    interpreter("LIMBECK_TEST_REFERENCE_PYTHON")
}

/// The interpreter of `examples/fastapi-shop`: what an application has, its drivers and Alembic included.
pub fn shop_python() -> Option<PathBuf> {
    interpreter("LIMBECK_TEST_SHOP_PYTHON")
}

/// The program of `examples/axum-shop`.
pub fn axum_shop() -> Option<PathBuf> {
    let built = interpreter("LIMBECK_TEST_AXUM_SHOP").filter(|path| path.is_file());
    if built.is_none() {
        missing("examples/axum-shop is not built (`./test -p limbeck-cli` builds it)");
    }
    built
}

/// An interpreter with Playwright, and the Chromium that it drives.
pub fn browser() -> Option<(PathBuf, PathBuf)> {
    let python = interpreter("LIMBECK_TEST_BROWSER_PYTHON")?;
    let chromium = std::env::var_os("LIMBECK_TEST_CHROMIUM").map(PathBuf::from);
    if chromium.is_none() {
        missing("LIMBECK_TEST_CHROMIUM is not set: the script `test` has found no Chromium");
    }
    Some((python, chromium?))
}

/// All driver-free interpreters that are to be tested.
pub fn all_pythons() -> Vec<PathBuf> {
    std::env::var_os("LIMBECK_TEST_PYTHONS")
        .map(|list| std::env::split_paths(&list).collect())
        .unwrap_or_default()
}

fn interpreter(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        missing(&format!(
            "{variable} is not set (the script `test` sets it)"
        ));
    }
    path
}

/// Says that a test is skipped; under `CI=true` nothing may be missing.
///
/// # Panics
/// When `CI` is `true`.
pub fn missing(what: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{what}, and CI may skip nothing"
    );
    println!("skipped: {what}");
}

/// All that an error and its causes say, to people and to who debugs.
pub fn told(error: &dyn Error) -> String {
    let mut told = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        told += &format!(" {error} {error:?}");
        cause = error.source();
    }
    told
}
