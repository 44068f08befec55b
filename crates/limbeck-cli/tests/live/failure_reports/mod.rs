//! The whole report of each kind of failure, as a user sees it, compared with a snapshot.
//!
//! `INSTA_UPDATE=always` writes the snapshots anew.

mod connection;
mod project;
mod redaction;
mod run;

use std::path::Path;
use std::process::Output;

use limbeck_testkit::{Sandbox, python};

use crate::support::{limbeck, linear, sync_env};
use redaction::Redaction;

/// Compares a report with the snapshot of this name.
#[track_caller]
fn assert_report(name: &str, report: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("../snapshots");
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, report));
}

/// Runs limbeck and returns the command, its exit status and both outputs, with `redaction` applied.
fn report(sandbox: &Sandbox, url: &str, arguments: &[&str], redaction: &Redaction) -> String {
    let python = python();
    let output = sandbox
        .command(&limbeck(), Some(&python))
        .env("DATABASE_URL", url)
        .args(arguments)
        .output()
        .expect("limbeck starts");
    format_report(sandbox, &python, arguments, &output, redaction)
}

fn format_report(
    sandbox: &Sandbox,
    python: &Path,
    arguments: &[&str],
    output: &Output,
    redaction: &Redaction,
) -> String {
    let status = output.status.code().expect("limbeck exits by itself");
    let text = format!(
        "$ limbeck {}\nexit status: {status}\n\n--- standard output\n{}\n--- standard error\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    redaction
        .clone()
        .path(sandbox.path(), "[project]")
        .python(python)
        .apply(&text)
}

/// A project whose first revision creates a table and whose second revision has this body.
fn failing(body: &str) -> Sandbox {
    linear(
        &sync_env(""),
        &[
            (
                "a1",
                "op.create_table('account', sa.Column('id', sa.Integer, primary_key=True))",
                "op.drop_table('account')",
            ),
            ("b2", body, "pass"),
            ("c3", "pass", "pass"),
        ],
    )
}
