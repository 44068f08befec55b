//! The application's life: started with its URLs, ready or not, ended by itself or by a signal, nothing left.

use std::fs;
use std::time::{Duration, Instant};

use limbeck_testkit::python;

use super::support::{assert_gone, get, launch, project, stderr, wait_for};
use crate::support::limbeck;

const STEP: (&str, &str, &str) = (
    "a1",
    "op.create_table('t', sa.Column('x', sa.Integer))",
    "op.drop_table('t')",
);

const SQLITE: &str = "sqlite+aiosqlite:///app.db";

#[test]
fn migrates_starts_and_passes_the_end_on() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch(&sandbox, &python, SQLITE, "well", &[]);
    launched.wait_until_ready();
    assert_eq!(
        sandbox.read("started"),
        "DATABASE_URL sqlite+aiosqlite:///app.db\nMIGRATION_DATABASE_URL sqlite:///app.db\n"
    );
    for path in ["/livez", "/startupz", "/readyz", "/health", "/metrics"] {
        assert_eq!(launched.get(path).expect("an answer").0, 200, "{path}");
    }
    assert_eq!(launched.get("/other").expect("an answer").0, 404);
    let processes = launched.processes();
    launched.signal("TERM");
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("ready after"),
        "{}",
        stderr(&output)
    );
    assert_gone(&processes);
    let rows = rusqlite::Connection::open(sandbox.path().join("app.db")).and_then(|db| {
        db.query_row("select version_num from alembic_version", [], |row| {
            row.get(0)
        })
    });
    assert_eq!(rows, Ok("a1".to_owned()));
}

#[test]
fn the_applications_status_is_ours() {
    let python = python();
    let sandbox = project(&[STEP]);
    for (command, expected) in [
        (vec!["true"], 0),
        (vec!["sh", "-c", "exit 7"], 7),
        (vec!["sh", "-c", "kill -9 $$"], 137),
        (vec!["not-there"], 127),
        (vec!["./alembic.ini"], 127),
    ] {
        let output = sandbox
            .command(&limbeck(), Some(&python))
            .env("DATABASE_URL", SQLITE)
            .args(["run", "--"])
            .args(&command)
            .output()
            .expect("limbeck starts");
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{command:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_program_that_is_not_there_is_known_before_anything_is_done() {
    let python = python();
    let sandbox = project(&[STEP]);
    let ran = sandbox.run(&limbeck(), Some(&python), &["run", "--", "not-there"]);
    assert_eq!(ran.status, 127);
    assert!(!sandbox.path().join("app.db").exists());
}

#[test]
fn an_application_that_crashes_at_its_start() {
    let python = python();
    let sandbox = project(&[STEP]);
    let output = launch(&sandbox, &python, SQLITE, "crash", &[]).wait();
    assert_eq!(output.status.code(), Some(9), "{}", stderr(&output));
}

#[test]
fn an_application_that_is_never_well() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch(&sandbox, &python, SQLITE, "unwell", &["--ready-timeout=1s"]);
    let processes = launched.processes();
    assert_eq!(launched.get("/readyz").expect("an answer").0, 503);
    assert_eq!(launched.get("/livez").expect("an answer").0, 200);
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(123), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("status 503"),
        "{}",
        stderr(&output)
    );
    assert_gone(&processes);
}

#[test]
fn an_application_that_ignores_its_end() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch(&sandbox, &python, SQLITE, "stubborn", &[]);
    launched.wait_until_ready();
    let processes = launched.processes();
    let start = Instant::now();
    launched.signal("TERM");
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(137), "{}", stderr(&output));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_gone(&processes);
}

/// As uvicorn does: the status is the one that a shell would have seen.
#[test]
fn an_application_that_ends_of_the_signal_itself() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch(&sandbox, &python, SQLITE, "plain", &[]);
    launched.wait_until_ready();
    launched.signal("TERM");
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
}

#[test]
fn a_supervisor_that_is_killed_leaves_nothing() {
    let python = python();
    for mode in ["well", "stubborn"] {
        let sandbox = project(&[STEP]);
        let launched = launch(&sandbox, &python, SQLITE, mode, &[]);
        launched.wait_until_ready();
        let processes = launched.processes();
        launched.signal("KILL");
        launched.wait();
        assert_gone(&processes);
    }
}

#[test]
fn readiness_follows_the_application() {
    let python = python();
    let sandbox = project(&[STEP]);
    let options = ["--probe-interval=50ms"];
    let launched = launch(&sandbox, &python, SQLITE, "well", &options);
    launched.wait_until_ready();
    let status = |path: &str| launched.get(path).expect("an answer").0;
    fs::write(sandbox.path().join("unwell"), "").expect("a file");
    wait_for("it is not ready", || status("/readyz") == 503);
    assert_eq!((status("/livez"), status("/startupz")), (200, 200));
    fs::remove_file(sandbox.path().join("unwell")).expect("the file");
    wait_for("it is ready again", || status("/readyz") == 200);
    launched.signal("INT");
    let output = launched.wait();
    // Python's own way to end on `SIGINT`.
    assert_ne!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// From when the application answers until the supervisor says that it is ready.
#[test]
fn readiness_is_told_soon() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch(&sandbox, &python, SQLITE, "well", &[]);
    let application = ([127, 0, 0, 1], launched.port).into();
    launched.processes();
    while get(application, "/ready").is_none() {}
    let start = Instant::now();
    while launched.get("/readyz").expect("an answer").0 != 200 {}
    let took = start.elapsed();
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[test]
fn the_settings_of_the_project() {
    let python = python();
    let sandbox = project(&[STEP]);
    let run = |table: &str| {
        sandbox.write("pyproject.toml", table);
        let output = sandbox
            .command(&limbeck(), Some(&python))
            .env("DATABASE_URL", SQLITE)
            .args(["run", "--", "sh", "-c", "echo $APP_URL $DATABASE_URL"])
            .output()
            .expect("limbeck starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output),
        )
    };
    let (status, text) =
        run("[tool.limbeck.run]\nurl-variable = 'APP_URL'\nwait = 5\nprobe-interval = '1m'\n");
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.contains("sqlite+aiosqlite:///app.db sqlite+aiosqlite:///app.db"),
        "{text}"
    );
    for (table, problem) in [
        ("[tool.limbeck.run]\n\nwait = 'soon'\n", "pyproject.toml:3"),
        (
            "[tool.limbeck.run]\nprobes = 'x'\n",
            "unknown field `probes`",
        ),
        ("[tool.limbeck.run]\nprobe = 'ftp://x'\n", "is not a probe"),
    ] {
        let (status, text) = run(table);
        assert_eq!(status, Some(1), "{text}");
        assert!(text.contains(problem), "{text}");
    }
}
