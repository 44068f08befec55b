//! The progress line on a terminal while a statement runs.

use std::any::Any;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls, python};

use crate::support::{limbeck, linear, run, sync_env};

/// The time that a statement runs at least if no line is expected: several intervals of the line.
const SEVERAL_INTERVALS: Duration = Duration::from_millis(600);

/// The file that the second step creates just before its statement.
const STARTED: &str = "started";

/// A project whose second step runs a statement until a guard is dropped.
struct Case<'a> {
    sandbox: Sandbox,
    url: String,
    /// The statement as the line shows it.
    shown: &'a str,
    /// Creates the guard.
    hold: &'a dyn Fn(&Sandbox) -> Box<dyn Any>,
}

fn project(env: &str, before: &str, sql: &str) -> Sandbox {
    linear(
        env,
        &[
            (
                "a1",
                "op.execute('create table t (id int)')",
                "op.execute('drop table t')",
            ),
            (
                "b2",
                &format!(
                    "{before}\nopen('{STARTED}', 'w').close()\nop.execute('''{sql}''')\nprint('after it')"
                ),
                "pass",
            ),
        ],
    )
}

/// Collects everything that a stream yields, while the program runs.
fn collect(mut stream: impl Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let text = Arc::new(Mutex::new(String::new()));
    let collected = Arc::clone(&text);
    let reader = spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let part = String::from_utf8_lossy(&buffer[..length]);
            collected.lock().expect("no panic").push_str(&part);
        }
    });
    (text, reader)
}

impl Case<'_> {
    /// Runs a command and lets the statement finish once `may_finish` holds for the output.
    fn run(&self, mut command: Command, may_finish: impl Fn(&str) -> bool) -> CommandOutput {
        let _ = fs::remove_file(self.sandbox.path().join(STARTED));
        let mut guard = Some((self.hold)(&self.sandbox));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (stdout, out_reader) = collect(child.stdout.take().expect("a pipe"));
        let (stderr, error_reader) = collect(child.stderr.take().expect("a pipe"));
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a status") {
                break status;
            }
            let seen = stdout.lock().expect("no panic").clone();
            assert!(start.elapsed() < Duration::from_secs(60), "{seen:?}");
            if may_finish(&seen) {
                drop(guard.take());
            }
            sleep(Duration::from_millis(10));
        };
        out_reader.join().expect("no panic");
        error_reader.join().expect("no panic");
        let text = |stream: &Mutex<String>| stream.lock().expect("no panic").clone();
        CommandOutput {
            status: status.code().unwrap_or(-1),
            stdout: text(&stdout),
            stderr: text(&stderr),
        }
    }

    /// Returns limbeck's command, in a terminal whose output comes to standard output.
    fn in_terminal(&self, arguments: &str) -> Command {
        let command = format!("'{}' {arguments}", limbeck().display());
        let mut script = self.sandbox.command(Path::new("script"), Some(&python()));
        script
            .env("DATABASE_URL", &self.url)
            .env("TERM", "xterm-256color")
            .args(["-qec", &command, "/dev/null"]);
        script
    }

    fn without_terminal(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(&limbeck(), Some(&python()));
        command.env("DATABASE_URL", &self.url).args(arguments);
        command
    }

    fn check(&self) {
        let start = Instant::now();
        let output = self.run(self.in_terminal("upgrade head"), |seen| {
            seen.contains(self.shown)
        });
        let seen = output.success().stdout;
        let (before, after) = seen
            .rsplit_once(self.shown)
            .unwrap_or_else(|| panic!("no line: {seen:?}"));
        let seconds = before
            .rsplit_once(" 2/2 b2 ")
            .and_then(|(_, rest)| rest.split_once("s ")?.0.parse::<u64>().ok())
            .unwrap_or_else(|| panic!("no step and time: {before:?}"));
        assert!(seconds <= start.elapsed().as_secs(), "{before:?}");
        // limbeck clears the line before Python continues.
        let (_, rest) = after
            .split_once("\u{1b}[2K")
            .unwrap_or_else(|| panic!("the line stays: {after:?}"));
        assert_eq!(rest.trim_start_matches('\r'), "after it\r\n");
        assert!(!seen.contains("1/2 a1"), "{seen:?}");

        for command in [
            self.without_terminal(&["upgrade", "head"]),
            self.in_terminal("-q upgrade head"),
        ] {
            run(&self.sandbox, &self.url, &["downgrade", "base"]).success();
            let started = self.sandbox.path().join(STARTED);
            let output = self.run(command, |_| {
                let created = fs::metadata(&started).and_then(|file| file.modified());
                created.is_ok_and(|time| {
                    time.elapsed()
                        .is_ok_and(|elapsed| elapsed > SEVERAL_INTERVALS)
                })
            });
            let output = output.success();
            let all = format!("{}{}", output.stdout, output.stderr);
            assert!(!all.contains("2/2 b2"), "{all:?}");
            assert!(!all.contains('\u{1b}'), "{all:?}");
        }
    }
}

#[test]
fn shows_a_statement_of_postgresql() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let hold = |_: &Sandbox| -> Box<dyn Any> {
        let lock = "do $$ begin perform pg_advisory_xact_lock(42); end $$";
        Box::new(server.open_transaction("app", lock))
    };
    let case = Case {
        sandbox: project(&sync_env(""), "", "select pg_advisory_lock(42),\n    1"),
        url: server.url("postgresql+asyncpg", "app", ""),
        shown: "select pg_advisory_lock(42), 1",
        hold: &hold,
    };
    case.check();
}

/// Creates a file when it is dropped.
struct FileOnDrop(PathBuf);

impl Drop for FileOnDrop {
    fn drop(&mut self) {
        fs::write(&self.0, "").expect("a file");
    }
}

/// The statement waits for the lock of another process, which ends once the file `continue` exists.
#[test]
fn shows_a_statement_of_sqlite() {
    let env = sync_env("").replace("poolclass=", "connect_args={'timeout': 60}, poolclass=");
    assert_ne!(env, sync_env(""));
    let before = r#"import subprocess, sys
script = 'import os, sqlite3, time\n'
script += 'database = sqlite3.connect("project.db", isolation_level=None)\n'
script += 'database.execute("begin exclusive")\nprint(1, flush=True)\n'
script += 'while not os.path.exists("continue"): time.sleep(0.01)'
holder = subprocess.Popen([sys.executable, '-c', script], stdout=subprocess.PIPE)
holder.stdout.readline()"#;
    let hold = |sandbox: &Sandbox| -> Box<dyn Any> {
        let file = sandbox.path().join("continue");
        let _ = fs::remove_file(&file);
        Box::new(FileOnDrop(file))
    };
    let case = Case {
        sandbox: project(&env, before, "insert into t (id)\n    values (1)"),
        url: "sqlite+aiosqlite:///project.db".into(),
        shown: "insert into t (id) values (1)",
        hold: &hold,
    };
    case.check();
}
