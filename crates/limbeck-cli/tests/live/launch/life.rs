//! The application's life: its URLs, its readiness, its end by itself or by a signal, and its children.

use std::fs;
use std::time::{Duration, Instant};

use limbeck_testkit::python;

use super::support::{assert_gone, launch, launch_command, project, stderr, wait_for};
use crate::support::limbeck;

const STEP: (&str, &str, &str) = (
    "a1",
    "op.create_table('t', sa.Column('x', sa.Integer))",
    "op.drop_table('t')",
);

const SQLITE: &str = "sqlite+aiosqlite:///app.db";

#[test]
fn migrates_starts_the_application_and_forwards_sigterm() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch(&sandbox, &python, SQLITE, "healthy", &[]);
    launched.wait_until_ready();
    assert_eq!(
        sandbox.read("started"),
        "DATABASE_URL sqlite+aiosqlite:///app.db\nMIGRATION_DATABASE_URL sqlite:///app.db\n"
    );
    for path in ["/livez", "/startupz", "/readyz", "/health", "/metrics"] {
        assert_eq!(launched.get(path).expect("a response").0, 200, "{path}");
    }
    assert_eq!(launched.get("/other").expect("a response").0, 404);
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
fn exits_with_the_status_of_the_application() {
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
fn rejects_a_missing_program_before_the_migration() {
    let python = python();
    let sandbox = project(&[STEP]);
    let ran = sandbox.run(&limbeck(), Some(&python), &["run", "--", "not-there"]);
    assert_eq!(ran.status, 127);
    assert!(!sandbox.path().join("app.db").exists());
}

#[test]
fn exits_with_the_status_of_an_application_that_crashes_at_its_start() {
    let python = python();
    let sandbox = project(&[STEP]);
    let output = launch(&sandbox, &python, SQLITE, "crash", &[]).wait();
    assert_eq!(output.status.code(), Some(9), "{}", stderr(&output));
}

#[test]
fn ends_an_application_that_is_never_healthy() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch(
        &sandbox,
        &python,
        SQLITE,
        "unhealthy",
        &["--ready-timeout=1s"],
    );
    let processes = launched.processes();
    assert_eq!(launched.get("/readyz").expect("a response").0, 503);
    assert_eq!(launched.get("/livez").expect("a response").0, 200);
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
fn kills_an_application_that_ignores_sigterm() {
    let python = python();
    let sandbox = project(&[STEP]);
    let options = ["--stop-timeout=1s"];
    let launched = launch(&sandbox, &python, SQLITE, "stubborn", &options);
    launched.wait_until_ready();
    let processes = launched.processes();
    let start = Instant::now();
    launched.signal("TERM");
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(137), "{}", stderr(&output));
    // The application never ends by itself.
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_gone(&processes);
}

/// uvicorn ends in this way. limbeck returns the status that a shell would report.
#[test]
fn reports_an_application_ended_by_sigterm_as_143() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch(&sandbox, &python, SQLITE, "plain", &[]);
    launched.wait_until_ready();
    launched.signal("TERM");
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
}

#[test]
fn a_killed_supervisor_leaves_no_process() {
    let python = python();
    for mode in ["healthy", "stubborn"] {
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
fn readiness_follows_the_probe() {
    let python = python();
    let sandbox = project(&[STEP]);
    let options = ["--probe-interval=50ms"];
    let launched = launch(&sandbox, &python, SQLITE, "healthy", &options);
    launched.wait_until_ready();
    let status = |path: &str| launched.get(path).expect("a response").0;
    fs::write(sandbox.path().join("unhealthy"), "").expect("a file");
    wait_for("the application is not ready", || status("/readyz") == 503);
    assert_eq!((status("/livez"), status("/startupz")), (200, 200));
    fs::remove_file(sandbox.path().join("unhealthy")).expect("the file");
    wait_for("the application is ready again", || {
        status("/readyz") == 200
    });
    launched.signal("INT");
    let output = launched.wait();
    // Python exits with an error on `SIGINT`.
    assert_ne!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// The application listens after 3 s. Until then probes fail, at most 200 ms apart, and the first success makes it ready.
#[test]
fn probes_often_until_the_application_is_ready() {
    let python = python();
    let sandbox = project(&[STEP]);
    let launched = launch_command(&sandbox, |port, health| {
        let mut command = sandbox.command(&limbeck(), Some(&python));
        command
            .env("DATABASE_URL", SQLITE)
            .env("DELAY", "3")
            .args(["run", "--probe-interval=1h"])
            .arg(format!("--probe=http://127.0.0.1:{port}/ready"))
            .arg(format!("--health-addr={health}"))
            .args(["--", "python3", "app.py", "healthy", &port.to_string()]);
        command
    });
    launched.wait_until_ready();
    let (_, metrics) = launched.get("/metrics").expect("a response");
    let probes = |result: &str| -> u32 {
        let name = format!("limbeck_probes_total{{result=\"{result}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&name));
        count.map_or(0, |count| count.parse().expect("a number"))
    };
    assert_eq!(probes("success"), 1, "{metrics}");
    assert!(probes("failure") >= 15, "{metrics}");
}

#[test]
fn reads_the_settings_of_the_project() {
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
            "[tool.limbeck.run]\nwait = 5\nprobes = 'x'\n",
            "pyproject.toml:3: unknown key `probes` in `[tool.limbeck.run]`; did you mean `probe`?",
        ),
        (
            "[tool.limbeck]\napp = 'a:b'\n\n[tool.limbeck.runs]\nwait = 5\n",
            "pyproject.toml:4: unknown key `runs` in `[tool.limbeck]`; did you mean `run`?",
        ),
        (
            "[tool]\nlimbeck = 'x'\n",
            "pyproject.toml:2: `tool.limbeck` must be a table",
        ),
        ("[tool.limbeck.run]\nprobe = 'ftp://x'\n", "is not a probe"),
    ] {
        let (status, text) = run(table);
        assert_eq!(status, Some(1), "{text}");
        assert!(text.contains(problem), "{text}");
    }
}
