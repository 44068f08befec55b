//! Reports of projects and configurations that can't be used.

use limbeck_testkit::Sandbox;

use super::{Redaction, assert_report, failing, report};

const SQLITE: &str = "sqlite+aiosqlite:///app.db";

fn check(name: &str, sandbox: &Sandbox, arguments: &[&str]) {
    let report = report(sandbox, SQLITE, arguments, &Redaction::default());
    assert_report(name, &report);
}

#[test]
fn unknown_revision() {
    check("unknown_revision", &failing("pass"), &["upgrade", "d4"]);
}

#[test]
fn several_heads() {
    let sandbox = failing("pass");
    sandbox.write(
        "migrations/versions/d4.py",
        "revision = 'd4'\ndown_revision = 'b2'\n\n\ndef upgrade():\n    pass\n",
    );
    check("several_heads", &sandbox, &["upgrade", "head"]);
}

#[test]
fn missing_parent() {
    let sandbox = failing("pass");
    sandbox.write(
        "migrations/versions/d4.py",
        "revision = 'd4'\ndown_revision = 'c4'\n\n\ndef upgrade():\n    pass\n",
    );
    check("missing_parent", &sandbox, &["upgrade", "head"]);
}

#[test]
fn broken_ini() {
    let sandbox = failing("pass");
    let ini = sandbox.read("alembic.ini");
    sandbox.write(
        "alembic.ini",
        &ini.replacen("[alembic]", "[alembic]\nscript_location", 1),
    );
    check("broken_ini", &sandbox, &["upgrade", "head"]);
}

#[test]
fn percent_sign_in_the_ini() {
    let sandbox = failing("pass");
    let ini = sandbox.read("alembic.ini");
    sandbox.write(
        "alembic.ini",
        &ini.replacen("[alembic]", "[alembic]\nprepend_sys_path = 100%", 1),
    );
    check("percent_sign_in_the_ini", &sandbox, &["upgrade", "head"]);
}

#[test]
fn no_configuration() {
    let sandbox = failing("pass");
    std::fs::remove_file(sandbox.path().join("alembic.ini")).expect("the file exists");
    check("no_configuration", &sandbox, &["upgrade", "head"]);
}

#[test]
fn interpreter_not_found() {
    check(
        "interpreter_not_found",
        &failing("pass"),
        &["--python", "/nowhere/python", "upgrade", "head"],
    );
}

#[test]
fn program_not_found() {
    check(
        "program_not_found",
        &failing("pass"),
        &["run", "--", "no-such-program"],
    );
}
