//! `status`: the current and pending revisions, with and without a running application.

use limbeck_testkit::{Sandbox, python};
use serde_json::{Value, json};

use super::support::{launch, project};
use crate::support::{limbeck, run};

const URL: &str = "sqlite+aiosqlite:///app.db";

#[test]
fn shows_pending_revisions() {
    let sandbox = project(&[("a1", "pass", "pass"), ("b2", "pass", "pass")]);
    let status = |arguments: &[&str]| {
        let all: Vec<&str> = ["status"].iter().chain(arguments).copied().collect();
        run(&sandbox, URL, &all)
    };
    let ran = status(&[]);
    let expected = "current      (none)\nhead         b2\npending      2 revisions\n             a1  step a1\n             b2  step b2\n";
    assert_eq!(
        (ran.status, ran.stdout.as_str()),
        (1, expected),
        "{}",
        ran.stderr
    );
    // `status` creates nothing but the file that SQLite creates for each connection.
    let tables = rusqlite::Connection::open(sandbox.path().join("app.db")).and_then(|db| {
        db.query_row("select count(*) from sqlite_master", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    assert_eq!(tables, Ok(0));
    run(&sandbox, URL, &["upgrade", "a1"]).success();
    let ran = status(&["a1"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let ran = status(&["--json"]);
    let object: Value = serde_json::from_str(&ran.stdout).expect("an object");
    let pending = json!([{"revision": "b2", "doc": "step b2"}]);
    let database = json!({"database": sandbox.path().join("app.db"), "current": ["a1"], "heads": ["b2"], "pending": pending, "at_head": false});
    assert_eq!(
        object,
        json!({"databases": [database], "application": null})
    );
    let ran = status(&["nowhere"]);
    assert_eq!(ran.status, 255);
    assert!(
        ran.stdout
            .contains("Can't locate revision identified by 'nowhere'"),
        "{}",
        ran.stdout
    );
}

#[test]
fn names_each_of_several_databases() {
    let sandbox = Sandbox::new();
    let python = python();
    let arguments = ["init", "-t", "multidb", "migrations"];
    sandbox.run(&limbeck(), Some(&python), &arguments).success();
    let mut ini = sandbox.read("alembic.ini");
    for (engine, placeholder) in [
        ("engine1", "driver://user:pass@localhost/dbname"),
        ("engine2", "driver://user:pass@localhost/dbname2"),
    ] {
        let line = format!("sqlalchemy.url = {placeholder}\n");
        assert!(ini.contains(&line), "{ini}");
        ini = ini.replace(&line, &format!("sqlalchemy.url = sqlite:///{engine}.db\n"));
    }
    sandbox.write("alembic.ini", &ini);
    let ran = sandbox.run(&limbeck(), Some(&python), &["status"]);
    for engine in ["engine1", "engine2"] {
        let expected = format!("/{engine}.db\ncurrent      (none)\n");
        assert!(
            ran.stdout.contains(&expected),
            "{}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn shows_the_application() {
    let python = python();
    let sandbox = project(&[("a1", "pass", "pass")]);
    let launched = launch(&sandbox, &python, URL, "healthy", &[]);
    launched.wait_until_ready();
    let address = format!("--health-addr={}", launched.health);
    let mut command = sandbox.command(&limbeck(), Some(&python));
    let output = command
        .env("DATABASE_URL", URL)
        .args(["status", &address])
        .output();
    let output = output.expect("limbeck starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("application  pass (limbeck: running, at 127.0.0.1:"),
        "{text}"
    );
    launched.signal("TERM");
    launched.wait();
    let ran = run(&sandbox, URL, &["status", &address]);
    assert!(
        ran.stdout
            .contains("application  unknown: nothing listens there"),
        "{}",
        ran.stdout
    );
}
