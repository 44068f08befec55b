//! Standard output that can't be written: a full disk, and a reader that is gone.

use std::fs::OpenOptions;
use std::process::{Output, Stdio};

use limbeck_testkit::{Sandbox, all_pythons};

use crate::support::{limbeck, linear, sync_env};

/// Commands that print to standard output, from Rust and from Python.
const COMMANDS: [&[&str]; 12] = [
    &["heads"],
    &["history", "-v"],
    &["show", "head"],
    &["current"],
    &["list_templates"],
    &["revision", "-m", "next"],
    &["upgrade", "head", "--sql"],
    &["status"],
    &["doctor", "--offline"],
    &["url", "show", "postgresql://u@h/d"],
    &["--version"],
    &["upgrade", "--help"],
];

fn run(sandbox: &Sandbox, python: &std::path::Path, arguments: &[&str], out: Stdio) -> Output {
    let url = format!("sqlite:///{}", sandbox.path().join("x.db").display());
    let mut command = sandbox.command(&limbeck(), Some(python));
    command.env("DATABASE_URL", url).args(arguments).stdout(out);
    command.output().expect("limbeck starts")
}

fn full_disk() -> Stdio {
    let device = OpenOptions::new().write(true).open("/dev/full");
    device.expect("the device exists").into()
}

fn closed_pipe() -> Stdio {
    let (_, writer) = std::io::pipe().expect("a pipe");
    writer.into()
}

#[test]
fn each_command_fails_if_its_output_is_lost() {
    let pythons = all_pythons();
    for python in [pythons.first(), pythons.last()].into_iter().flatten() {
        let sandbox = linear(&sync_env(""), &[("a1", "pass", "pass")]);
        let done = run(&sandbox, python, &["upgrade", "head"], Stdio::null());
        assert!(done.status.success(), "{done:?}");
        for arguments in COMMANDS {
            let output = run(&sandbox, python, arguments, full_disk());
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
            assert!(
                text.contains("No space left on device"),
                "{arguments:?}: {text}"
            );

            let output = run(&sandbox, python, arguments, closed_pipe());
            let text = String::from_utf8_lossy(&output.stderr);
            // Alembic itself fails when it flushes these outputs.
            let flushes = arguments.contains(&"--sql") || arguments[0] == "revision";
            let expected = if flushes { 1 } else { 141 };
            assert_eq!(
                output.status.code(),
                Some(expected),
                "{arguments:?}: {text}"
            );
            let is_quiet = !text.contains("could not write to standard output");
            assert!(is_quiet, "{arguments:?}: {text}");
        }
    }
}

#[test]
fn a_migration_is_complete_without_its_output() {
    for out in [full_disk as fn() -> Stdio, closed_pipe] {
        let python = limbeck_testkit::python();
        let script = "print('x' * 100000, flush=False)\nop.execute('CREATE TABLE t (a int)')";
        let sandbox = linear(
            &sync_env(""),
            &[("a1", "op.execute('CREATE TABLE s (a int)')", "pass")],
        );
        let output = run(&sandbox, &python, &["upgrade", "head"], out());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let current = run(&sandbox, &python, &["current"], Stdio::piped());
        assert_eq!(String::from_utf8_lossy(&current.stdout), "a1 (head)\n");

        // As in Alembic, `print` itself fails in a script.
        let sandbox = linear(&sync_env(""), &[("a1", script, "pass")]);
        let output = run(&sandbox, &python, &["upgrade", "head"], out());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("migrations/versions/a1.py:"), "{text}");
    }
}
