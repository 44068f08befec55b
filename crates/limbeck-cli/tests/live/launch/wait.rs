//! `wait`: waits for another run's migration and writes nothing.

use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use limbeck_testkit::{Postgres, Sandbox, Tls, python, reserve_port};

use super::support::{project, stderr, wait_for_exit};
use crate::support::{limbeck, run};

fn start(sandbox: &Sandbox, url: &str, arguments: &[&str]) -> std::process::Child {
    let python = python();
    let mut command = sandbox.command(&limbeck(), Some(&python));
    command.env("DATABASE_URL", url).arg("wait").args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("limbeck starts")
}

#[test]
fn waits_until_another_run_has_migrated() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let url = server.url("postgresql+asyncpg", "app", "");
    let sandbox = project(&[
        ("a1", "pass", "pass"),
        ("b2", "op.execute('select pg_sleep(1)')", "pass"),
    ]);
    let mut waiting = start(&sandbox, &url, &[]);
    sleep(Duration::from_secs(2));
    assert!(
        waiting.try_wait().expect("a status").is_none(),
        "`limbeck wait` has ended"
    );
    // `limbeck wait` has written nothing, not even the version table.
    assert_eq!(
        server
            .sql(
                "app",
                "select count(*) from pg_class where relname = 'alembic_version'"
            )
            .trim(),
        "0"
    );
    run(&sandbox, &url, &["upgrade", "head"]).success();
    let output = wait_for_exit(waiting);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("for revision a1 and 1 after it"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn ends_with_1_after_the_timeout() {
    let sandbox = project(&[("a1", "pass", "pass")]);
    let closed = format!("postgresql+asyncpg://u@127.0.0.1:{}/app", reserve_port());
    for (url, revision, status, reason) in [
        ("sqlite+aiosqlite:///app.db", "heads", 1, "for revision a1"),
        (closed.as_str(), "heads", 1, "nothing listens there"),
        ("sqlite+aiosqlite:///app.db", "nowhere", 255, ""),
    ] {
        let child = start(&sandbox, url, &[revision, "--timeout=2s"]);
        let output = wait_for_exit(child);
        assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
    }
}
