//! The interpreters and programs that the script `test` prepares and names in environment variables.

use std::path::PathBuf;

use crate::report_missing;

/// Returns the interpreter for limbeck's worker. It has the newest Alembic and SQLAlchemy, and no database driver.
#[track_caller]
pub fn python() -> PathBuf {
    program("LIMBECK_TEST_PYTHON")
}

/// Returns the interpreter that has real Alembic and the real drivers. Its results are the expected ones.
#[track_caller]
pub fn reference_python() -> PathBuf {
    program("LIMBECK_TEST_REFERENCE_PYTHON")
}

/// Returns the interpreter of `examples/fastapi-shop`. It has what an application has: drivers, and Alembic too.
#[track_caller]
pub fn shop_python() -> PathBuf {
    program("LIMBECK_TEST_SHOP_PYTHON")
}

/// Returns the interpreter that has Flask-Migrate and advanced-alchemy.
#[track_caller]
pub fn frameworks_python() -> PathBuf {
    program("LIMBECK_TEST_FRAMEWORKS_PYTHON")
}

/// Returns the interpreter of the environment that the wheel is installed in.
#[track_caller]
pub fn package_python() -> PathBuf {
    program("LIMBECK_TEST_PACKAGE_PYTHON")
}

/// Returns the program of `examples/axum-shop`.
#[track_caller]
pub fn axum_shop() -> PathBuf {
    program("LIMBECK_TEST_AXUM_SHOP")
}

/// Returns an interpreter with Playwright, and the Chromium that Playwright drives.
#[track_caller]
pub fn browser() -> (PathBuf, PathBuf) {
    (
        program("LIMBECK_TEST_BROWSER_PYTHON"),
        program("LIMBECK_TEST_CHROMIUM"),
    )
}

/// Returns every interpreter without drivers to test with, newest combination of versions first.
#[track_caller]
pub fn all_pythons() -> Vec<PathBuf> {
    let variable = "LIMBECK_TEST_PYTHONS";
    let list = std::env::var_os(variable).unwrap_or_default();
    let pythons: Vec<PathBuf> = std::env::split_paths(&list)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if pythons.is_empty() {
        report_missing(&format!("an interpreter in {variable}"));
    }
    for python in &pythons {
        if !python.is_file() {
            report_missing(&format!("`{}` of {variable}", python.display()));
        }
    }
    pythons
}

#[track_caller]
fn program(variable: &str) -> PathBuf {
    let Some(path) = std::env::var_os(variable).map(PathBuf::from) else {
        report_missing(&format!("a value of {variable}"));
    };
    if !path.is_file() {
        report_missing(&format!("`{}` of {variable}", path.display()));
    }
    path
}
