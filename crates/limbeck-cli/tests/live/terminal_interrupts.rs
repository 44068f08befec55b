//! `Ctrl-C` in a terminal and lost connections: limbeck prints one message, and no traceback.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls, python};

use crate::support::{async_env, limbeck, linear, run, sync_env};

/// The time that a slow machine may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The key `Ctrl-C`.
const CTRL_C: &[u8] = b"\x03";

const LOGGING: &str = "import logging\nlogging.basicConfig(format='%(name)s: %(message)s')";
const SLEEP: &str = "import time\ntime.sleep(120)";

/// The two kinds of `env.py`, which log what the pool reports.
fn environments() -> [String; 2] {
    [sync_env(""), async_env(LOGGING, "")]
}

/// Runs an upgrade of three steps in a terminal. The second creates a table and runs `body`, during which `Ctrl-C` is
/// pressed `presses` times. Returns the lines that limbeck printed after the log.
fn press(env: &str, url: &str, body: &str, presses: usize) -> Vec<String> {
    let begin = "op.execute('create table b (id int)')\nopen('ready', 'w').close()\n";
    let sandbox = linear(
        env,
        &[
            ("a1", "op.execute('create table a (id int)')", "pass"),
            ("b2", &format!("{begin}{body}"), "pass"),
            ("c3", "pass", "pass"),
        ],
    );
    // By default, a terminal drops the output that it has not shown yet when `Ctrl-C` is pressed again.
    let command = format!("stty noflsh && exec '{}' upgrade head", limbeck().display());
    let mut child = sandbox
        .command(Path::new("script"), Some(&python()))
        .env("DATABASE_URL", url)
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` starts");
    let mut keys = child.stdin.take().expect("a pipe");
    wait_for(&sandbox, "ready");
    sleep(Duration::from_millis(200));
    for _ in 0..presses {
        // limbeck may have exited after an earlier one.
        let _ = keys.write_all(CTRL_C);
        sleep(Duration::from_millis(20));
    }
    let pressed = Instant::now();
    let output = child.wait_with_output().expect("limbeck exits");
    assert!(pressed.elapsed() < PATIENCE, "{:?}", pressed.elapsed());
    drop(keys);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{text}");
    report_lines(&text)
}

fn wait_for(sandbox: &Sandbox, name: &str) {
    let start = Instant::now();
    while !sandbox.path().join(name).exists() {
        assert!(start.elapsed() < PATIENCE, "no `{name}`");
        sleep(Duration::from_millis(20));
    }
}

/// Returns what a person sees: without the log of Alembic, colours, and the progress line, which is overwritten.
fn report_lines(text: &str) -> Vec<String> {
    let shown = text.split('\n').map(|line| {
        let line = line.trim_end().rsplit(['\r']).next().unwrap_or_default();
        let line = anstream::adapter::strip_str(line).to_string();
        // The terminal shows the key wherever limbeck's output is at that moment.
        line.replace("^C", "").trim().to_owned()
    });
    shown
        .filter(|line| {
            !line.is_empty() && line != "|" && !line.contains("[alembic.runtime.migration]")
        })
        .collect()
}

/// Asserts that the lines are one report of an interruption with these notes.
fn assert_report(lines: &[String], headline: &str, notes: &[&str]) {
    let mut expected = vec![format!("error: {headline}")];
    expected.push("= note: upgrade of revision `b2` was interrupted: step 2 of 3".into());
    expected.extend(notes.iter().map(|note| format!("= note: {note}")));
    expected.push("= note: not run: c3".into());
    expected.push("= help: run `limbeck upgrade head` again to continue".into());
    assert_eq!(lines, expected);
}

const CANCELLED: &str = "interrupted: the running statement was cancelled";
const PARTLY: [&str; 2] = [
    "the database was at <base> and is now at a1",
    "`b2` had committed part of its work, which is in the database",
];

#[test]
fn prints_one_message_on_postgresql() {
    let server = Postgres::start(Tls::Off);
    let undone = [
        "the database is still at <base>",
        "all changes of this run were rolled back",
    ];
    for (env, scheme) in environments()
        .iter()
        .zip(["postgresql+psycopg2", "postgresql+asyncpg"])
    {
        for (number, (body, headline, presses)) in [
            ("op.execute('select pg_sleep(120)')", CANCELLED, 1),
            ("op.execute('select pg_sleep(120)')", CANCELLED, 3),
            (SLEEP, "interrupted", 1),
            (SLEEP, "interrupted", 3),
        ]
        .into_iter()
        .enumerate()
        {
            let database = format!("{}{number}", scheme.replace('+', "_"));
            server.create_database(&database);
            let lines = press(env, &server.url(scheme, &database, ""), body, presses);
            assert_report(&lines, headline, &undone);
            let tables =
                "select count(*) from pg_class where relname in ('a', 'b', 'alembic_version')";
            assert_eq!(server.sql(&database, tables).trim(), "0", "{database}");
        }
    }
}

#[test]
fn prints_one_message_on_mariadb() {
    let server = MariaDb::start();
    for (env, scheme) in environments()
        .iter()
        .zip(["mysql+pymysql", "mysql+aiomysql"])
    {
        for (number, (body, headline)) in [
            ("op.execute('select sleep(120)')", CANCELLED),
            (SLEEP, "interrupted"),
        ]
        .into_iter()
        .enumerate()
        {
            let database = format!("{}{number}", scheme.replace('+', "_"));
            server.create_database(&database);
            let lines = press(env, &server.url(scheme, &database), body, 1);
            assert_report(&lines, headline, &PARTLY);
        }
    }
}

#[test]
fn prints_one_message_on_sqlite() {
    let endless = "op.execute('with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n')";
    for (env, scheme) in environments().iter().zip(["sqlite", "sqlite+aiosqlite"]) {
        for (body, headline) in [(endless, CANCELLED), (SLEEP, "interrupted")] {
            let lines = press(env, &format!("{scheme}:///project.db"), body, 1);
            assert_report(&lines, headline, &PARTLY);
        }
    }
}

/// Ends limbeck's session while Python works, and runs `body`. Returns limbeck's output without the log of Alembic.
fn lose_connection(env: &str, url: &str, server: &Postgres, body: &str) -> String {
    let end = format!(
        "pid = op.get_bind().exec_driver_sql('select pg_backend_pid()').scalar()
import os, time
open('pid', 'w').write(str(pid))
os.rename('pid', 'ready')
while not os.path.exists('continue'): time.sleep(0.01)
{body}"
    );
    let sandbox = linear(env, &[("a1", &end, "pass")]);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&sandbox, url, &["upgrade", "head"]));
        wait_for(&sandbox, "ready");
        let pid = sandbox.read("ready");
        server.sql("app", &format!("select pg_terminate_backend({pid}, 60000)"));
        sandbox.write("continue", "");
        let output = running.join().expect("no panic");
        assert_eq!(output.status, 1, "{}", output.stderr);
        report_lines(&output.stderr).join("\n")
    })
}

#[test]
fn prints_one_message_for_a_lost_connection() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let help = "= help: run `limbeck upgrade head` again when the database can be reached";
    for (env, scheme) in environments()
        .iter()
        .zip(["postgresql+psycopg2", "postgresql+asyncpg"])
    {
        let url = server.url(scheme, "app", "");
        for body in ["op.execute('create table u (id int)')", "pass"] {
            let seen = lose_connection(env, &url, &server, body);
            assert!(
                seen.starts_with("error: the connection to the database was lost"),
                "{seen}"
            );
            assert!(seen.ends_with(help), "{seen}");
            assert!(seen.contains("the database is still at <base>"), "{seen}");
            assert!(
                seen.contains("all changes of `a1` were rolled back"),
                "{seen}"
            );
            assert!(
                !seen.contains("Traceback") && !seen.contains("sqlalchemy"),
                "{seen}"
            );
        }
        // The project's own exception is not hidden by the rollback that fails after it.
        let seen = lose_connection(env, &url, &server, "raise RuntimeError('own')");
        assert!(
            seen.contains("raised while Python handled RuntimeError: own"),
            "{seen}"
        );
        assert!(!seen.contains("Traceback"), "{seen}");
    }
}
