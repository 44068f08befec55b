//! The next step after Alembic's own errors: Alembic's line stays on standard output, the step is on standard error.

use std::fs;

use limbeck_testkit::{CommandOutput, Sandbox};

use crate::support::{linear, run, sync_env};

const URL: &str = "sqlite:///app.db";

fn project() -> Sandbox {
    linear(&sync_env(""), &[("a1", "pass", "pass")])
}

/// Asserts the exit status and that the streams contain these texts.
fn check(output: &CommandOutput, status: i32, stdout: &str, stderr: &[&str]) {
    assert_eq!(output.status, status, "{}", output.stderr);
    assert!(output.stdout.contains(stdout), "{}", output.stdout);
    for text in stderr {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
}

#[test]
fn names_a_missing_ini() {
    let refusal = "FAILED: No 'script_location' key found in configuration.";
    for arguments in [
        ["-c", "nope.ini", "heads"].as_slice(),
        &["-c", "nope.ini", "upgrade", "head"],
        &["-c", "nope.ini", "run", "--", "true"],
    ] {
        let output = run(&project(), URL, arguments);
        check(
            &output,
            255,
            refusal,
            &["there is no `nope.ini`", "-c FILE"],
        );
    }
}

#[test]
fn gives_no_advice_on_an_ini_that_exists() {
    let sandbox = project();
    fs::write(sandbox.path().join("empty.ini"), "[alembic]\n").expect("a file");
    let output = run(&sandbox, URL, &["-c", "empty.ini", "heads"]);
    check(&output, 255, "FAILED: No 'script_location' key", &[]);
    assert_eq!(output.stderr, "");
}

#[test]
fn names_the_line_that_is_not_utf8() {
    let sandbox = project();
    let text = b"[alembic]\nscript_location = migrations\n# caf\xe9\n";
    fs::write(sandbox.path().join("latin.ini"), text).expect("a file");
    let output = run(&sandbox, URL, &["-c", "latin.ini", "heads"]);
    check(&output, 1, "", &["latin.ini:3: expected UTF-8", "0xe9"]);
}

#[test]
fn explains_a_version_row_without_a_script() {
    let sandbox = project();
    run(&sandbox, URL, &["upgrade", "head"]).success();
    let connection = rusqlite::Connection::open(sandbox.path().join("app.db")).expect("a database");
    let update = "UPDATE alembic_version SET version_num = 'newer'";
    connection.execute(update, []).expect("an update");
    let refusal = "FAILED: Can't locate revision identified by 'newer'";
    for arguments in [
        ["upgrade", "head"],
        ["downgrade", "base"],
        ["current", "-v"],
    ] {
        let output = run(&sandbox, URL, &arguments);
        let expected = ["the database is at `newer`", "limbeck stamp --purge"];
        check(&output, 255, refusal, &expected);
    }
    // A mistyped target isn't the database's.
    let output = run(&sandbox, URL, &["show", "mistyped"]);
    check(&output, 255, "'mistyped'", &[]);
    assert!(
        !output.stderr.contains("the database is at"),
        "{}",
        output.stderr
    );
}

#[test]
fn explains_a_url_in_the_place_of_a_revision() {
    let output = run(&project(), URL, &["upgrade", "postgresql://u:hunter2@h/d"]);
    let expected = ["found a database URL", "DATABASE_URL"];
    check(
        &output,
        255,
        "FAILED: Range revision not allowed",
        &expected,
    );
    assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
}

#[test]
fn waits_for_the_lock_for_a_time_with_a_unit() {
    for time in ["5", "5s", "500ms"] {
        run(&project(), URL, &["--lock-wait", time, "upgrade", "head"]).success();
    }
    let output = run(&project(), URL, &["--lock-wait", "soon", "heads"]);
    check(&output, 2, "", &["--lock-wait <TIME>"]);
}

#[test]
fn names_a_program_that_is_not_python() {
    let sandbox = linear("import os\n", &[("a1", "pass", "pass")]);
    for program in ["/bin/ls", "/bin/echo", "/bin/true", "/bin/sh"] {
        for command in ["upgrade", "doctor"] {
            let arguments = ["--python", program, command];
            let arguments = match command {
                "upgrade" => [&arguments[..], &["head"]].concat(),
                _ => arguments.to_vec(),
            };
            let output = run(&sandbox, URL, &arguments);
            assert_eq!(output.status, 1, "{}", output.stderr);
            let text = format!("{}{}", output.stdout, output.stderr);
            assert!(text.contains(&format!("`{program}`")), "{text}");
            assert!(text.contains("--python"), "{text}");
            // The sources of limbeck's own Python programs.
            for source in ["def ", "MAGIC_NUMBER", "importlib"] {
                assert!(!text.contains(source), "{source}: {text}");
            }
        }
    }
}

#[test]
fn names_the_scripts_of_a_repeated_id_and_of_a_cycle() {
    let sandbox = project();
    let script = |id: &str, parent: &str| {
        format!(
            "revision = '{id}'\ndown_revision = {parent}\ndef upgrade(): pass\ndef downgrade(): pass\n"
        )
    };
    sandbox.write("migrations/versions/again.py", &script("a1", "None"));
    let output = run(&sandbox, URL, &["heads"]);
    let expected = [
        "Revision a1 is present more than once",
        "versions/a1.py`",
        "versions/again.py`",
        "another id",
    ];
    check(&output, 0, "a1", &expected);
    sandbox.write("migrations/versions/again.py", &script("b2", "'c3'"));
    sandbox.write("migrations/versions/third.py", &script("c3", "'b2'"));
    let output = run(&sandbox, URL, &["heads"]);
    let expected = [
        "Cycle is detected in revisions (b2, c3)",
        "versions/again.py`",
        "versions/third.py`",
        "that closes the cycle",
    ];
    check(&output, 1, "", &expected);
}
