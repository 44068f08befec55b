//! Errors without a connection, interpreter or Alembic: each names the cause and the next step.

use std::net::TcpListener;
use std::path::Path;

use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls, python, reserve_port};

use crate::support::{limbeck, linear, run, sync_env, to_command_output};

fn project() -> Sandbox {
    linear(&sync_env(""), &[("a1", "pass", "pass")])
}

/// Asserts that `upgrade` fails with an error that contains these texts, and a help line.
fn check(url: &str, expected: &[&str]) {
    let output = run(&project(), url, &["upgrade", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    for text in expected {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
    assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    assert!(output.stderr.contains("= help: "), "{}", output.stderr);
    assert!(!output.stderr.contains("Traceback"), "{}", output.stderr);
    assert!(
        !output.stderr.contains("limbeck_worker"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
}

#[test]
fn reports_a_refused_connection() {
    let port = reserve_port();
    check(
        &format!("postgresql+asyncpg://u:hunter2@127.0.0.1:{port}/d"),
        &["127.0.0.1", "nothing listens there"],
    );
    check(
        &format!("mysql+aiomysql://u:hunter2@127.0.0.1:{port}/d"),
        &["127.0.0.1", "nothing listens there"],
    );
}

#[test]
fn reports_a_connect_timeout() {
    // The kernel completes the handshake; no process accepts the connection.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    check(
        &format!("postgresql+psycopg://u:hunter2@127.0.0.1:{port}/d?connect_timeout=2"),
        &["no answer within the connect timeout"],
    );
    check(
        &format!("mysql+pymysql://u:hunter2@127.0.0.1:{port}/d?connect_timeout=2"),
        &["no answer within 2 s"],
    );
}

#[test]
fn reports_an_unknown_host() {
    check(
        "postgresql+asyncpg://u:hunter2@nosuch.invalid/d",
        &["nosuch.invalid"],
    );
}

#[test]
fn reports_a_refusal_of_postgresql() {
    let server = Postgres::start(Tls::Required);
    let url = |query: &str| server.url("postgresql+psycopg", "postgres", query);
    let with = |query: &str| url(query).replace(":secret@", ":hunter2@");
    check(
        &with("?sslmode=require"),
        &["password authentication failed"],
    );
    check(
        &server.url("postgresql+asyncpg", "nosuch", "?ssl=require"),
        &["database \"nosuch\" does not exist"],
    );
    check(
        &url("?sslmode=disable"),
        &["no encryption", "add `sslmode=require`"],
    );
    check(
        &url("?sslmode=verify-full&sslrootcert=system"),
        &["certificate", "sslrootcert"],
    );
    check(&url("?sslmode=require&nosuch=1"), &["`nosuch`"]);
}

#[test]
fn reports_a_refusal_of_mariadb() {
    let server = MariaDb::start();
    server.create_database("app");
    let url = server.url("mysql+aiomysql", "app");
    check(&url.replace("/app", "/nosuch"), &["nosuch"]);
    check(
        &url.replace("root@", "root:hunter2@"),
        &["Access denied", "check the user and the password"],
    );
}

#[test]
fn reports_a_missing_folder_of_sqlite() {
    let folder = Sandbox::new();
    let file = folder.path().join("gone/app.db");
    check(
        &format!("sqlite+aiosqlite:///{}", file.display()),
        &["gone/app.db", "unable to open database file"],
    );
}

/// Asserts that `upgrade` with this interpreter fails with an error that contains these texts.
fn check_python(python: &Path, expected: &[&str]) {
    let sandbox = project();
    let output = sandbox
        .command(&limbeck(), None)
        .env("DATABASE_URL", "sqlite:///app.db")
        .arg("--python")
        .arg(python)
        .args(["upgrade", "head"])
        .output()
        .expect("limbeck starts");
    let output = to_command_output(&output);
    assert_eq!(output.status, 1, "{}", output.stderr);
    for text in expected {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
    assert!(output.stderr.contains("= help: "), "{}", output.stderr);
    assert!(!sandbox.path().join("app.db").exists());
}

#[test]
fn reports_a_missing_interpreter() {
    check_python(Path::new("/nonexistent/python"), &["/nonexistent/python"]);
}

#[test]
fn reports_a_missing_alembic() {
    // Debian's system interpreter, which has no Alembic.
    let python = Path::new("/usr/bin/python3");
    if !python.exists() {
        limbeck_testkit::report_missing("/usr/bin/python3");
    }
    check_python(python, &["has no module `", "install `"]);
}

#[test]
fn finds_the_interpreter_in_the_usual_places() {
    let python = python();
    let environment = python.parent().and_then(Path::parent).expect("a folder");
    let run = |prepare: &dyn Fn(&Sandbox, &mut std::process::Command)| {
        let sandbox = project();
        let mut command = sandbox.command(&limbeck(), None);
        command
            .env("DATABASE_URL", "sqlite+aiosqlite:///app.db")
            .args(["upgrade", "head"]);
        prepare(&sandbox, &mut command);
        to_command_output(&command.output().expect("limbeck starts")).success();
        assert!(sandbox.path().join("app.db").exists());
    };
    run(&|_, command| {
        command.arg("--python").arg(&python);
    });
    run(&|_, command| {
        command.arg("--python").arg(environment);
    });
    run(&|_, command| {
        command.env("VIRTUAL_ENV", environment);
    });
    run(&|sandbox, _| {
        std::os::unix::fs::symlink(environment, sandbox.path().join(".venv")).expect("a link");
    });
    run(&|_, command| {
        let path = std::env::join_paths([environment.join("bin")]).expect("a path");
        command.env("PATH", path);
    });
}
