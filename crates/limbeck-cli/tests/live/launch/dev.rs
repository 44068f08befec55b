//! `dev`: several processes, restarts, and new revisions.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

use limbeck_testkit::{Sandbox, python, reserve_port};
use serde_json::Value as Json;

use super::support::{assert_gone, get, project, request, wait_for};
use crate::support::limbeck;

const STEP: (&str, &str, &str) = ("a1", "op.execute('create table t (x int)')", "pass");

const WEB: &str = "\
import http.server, os
print('web is', os.environ['DATABASE_URL'], os.environ['MIGRATION_DATABASE_URL'], flush=True)
with open('pids', 'a') as file:
    print(os.getpid(), file=file)
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()
";

const TABLE: &str = "\
[tool.limbeck.dev.processes]
web = 'exec python3 web.py'
worker = { command = 'echo $$ >> pids; echo working; echo postgresql://u:hunter2@h/d; exec sleep 600', restart = false }
";

/// A running `limbeck dev` and its output.
struct DevProcess {
    child: Child,
    text: Arc<Mutex<String>>,
    port: u16,
}

impl DevProcess {
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let python = python();
        let mut command = sandbox.command(&limbeck(), Some(&python));
        let port = reserve_port();
        command
            .arg("dev")
            .args(arguments)
            .env("PORT", port.to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("limbeck starts");
        let text = Arc::new(Mutex::new(String::new()));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let streams: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(stdout.expect("a pipe")),
            Box::new(stderr.expect("a pipe")),
        ];
        for stream in streams {
            let text = Arc::clone(&text);
            spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    *text.lock().expect("the text") += &(line + "\n");
                }
            });
        }
        Self { child, text, port }
    }

    /// Waits until the output contains a text.
    fn wait_for_output(&self, expected: &str) {
        let text = || self.text.lock().expect("the text").clone();
        let start = std::time::Instant::now();
        while !text().contains(expected) {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "no `{expected}` in:\n{}",
                text()
            );
            sleep(Duration::from_millis(10));
        }
    }

    /// Returns the address of a row in the summary.
    fn address(&self, name: &str) -> SocketAddr {
        let text = self.text.lock().expect("the text").clone();
        let line = text.lines().find_map(|line| {
            let (first, rest) = line.trim().split_once(' ')?;
            (first == name).then(|| rest.trim().to_owned())
        });
        let line = line.expect("a row of the summary");
        let address = line.trim_start_matches("http://").split('/').next();
        address
            .and_then(|text| text.parse().ok())
            .expect("an address")
    }

    fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status();
        assert!(sent.expect("`kill` runs").success());
        self.child.wait().expect("it ends").code()
    }
}

fn pids(sandbox: &Sandbox) -> Vec<u32> {
    let text = fs::read_to_string(sandbox.path().join("pids")).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect()
}

fn version(sandbox: &Sandbox) -> Option<String> {
    let db = rusqlite::Connection::open(sandbox.path().join("dev.db")).ok()?;
    db.query_row("select version_num from alembic_version", [], |row| {
        row.get(0)
    })
    .ok()
}

#[test]
fn restarts_processes_and_applies_new_revisions() {
    let sandbox = project(&[STEP]);
    sandbox.write("web.py", WEB);
    sandbox.write("pyproject.toml", TABLE);
    let dev = DevProcess::start(&sandbox, &["--migrate=apply"]);
    dev.wait_for_output("no database URL is configured: using sqlite+aiosqlite:///dev.db");
    dev.wait_for_output("web    | web is sqlite+aiosqlite:///dev.db sqlite:///dev.db");
    dev.wait_for_output("worker | working");
    dev.wait_for_output(&format!("http://127.0.0.1:{}", dev.port));
    dev.wait_for_output("running");
    dev.wait_for_output("sqlite+aiosqlite:///dev.db, at a1");
    assert_eq!(version(&sandbox).as_deref(), Some("a1"));
    wait_for("both processes have started", || pids(&sandbox).len() == 2);
    // A source has changed: only the process without `restart = false` restarts.
    sandbox.write("web.py", &WEB.replace("web is", "web was"));
    dev.wait_for_output("a source has changed: restarting web");
    dev.wait_for_output("web    | web was sqlite");
    wait_for("the web process has restarted", || {
        pids(&sandbox).len() == 3
    });
    // The page has the last lines of each process, without secrets.
    let page = dev.address("page");
    let host = format!("Host: {page}");
    wait_for("the page has the output", || {
        let response = request(page, "GET /", &[&host]).expect("a response");
        assert!(!response.body.contains("hunter2"), "{response:?}");
        let lines = ["web was sqlite", "working\n", "postgresql://u:***@h/d"];
        lines.iter().all(|line| response.body.contains(line))
    });
    // A failed process restarts with the next change.
    sandbox.write("web.py", "print('broken')\nraise SystemExit(3)\n");
    dev.wait_for_output("web    | broken");
    dev.wait_for_output("web    | exited with 3; it restarts when a source changes");
    sandbox.write("web.py", &WEB.replace("web is", "web again"));
    dev.wait_for_output("web    | web again sqlite");
    wait_for("the web process has restarted", || {
        pids(&sandbox).len() == 4
    });
    // A new revision.
    let next = sandbox
        .read("migrations/versions/a1.py")
        .replace("'a1'", "'b2'");
    let next = next
        .replace("down_revision = None", "down_revision = 'a1'")
        .replace("table t", "table u");
    sandbox.write("migrations/versions/b2.py", &next);
    dev.wait_for_output("new: b2 (step a1)");
    dev.wait_for_output("the database is at head");
    assert_eq!(version(&sandbox).as_deref(), Some("b2"));
    // The monitor knows the new revision, too.
    let health = dev.address("health");
    let check = || {
        let (status, body) = get(health, "/health").expect("a response");
        let health: Json = serde_json::from_str(&body).expect("an object");
        (status, health["checks"].clone())
    };
    let checked_at = |checks: &Json| checks["database:responseTime"][0]["time"].clone();
    let before = checked_at(&check().1);
    wait_for("the monitor has checked again", || {
        checked_at(&check().1) != before
    });
    let (status, checks) = check();
    assert_eq!(status, 200, "{checks}");
    assert_eq!(
        checks["database:responseTime"][0]["status"], "pass",
        "{checks}"
    );
    assert_eq!(
        checks["schema:revision"][0]["observedValue"][0], "b2",
        "{checks}"
    );
    assert_eq!(dev.interrupt(), Some(130));
    assert_gone(&pids(&sandbox));
}

#[test]
fn runs_a_procfile_and_announces_new_revisions() {
    let sandbox = project(&[STEP]);
    sandbox.write(
        "Procfile",
        "release: false\nclock: echo tick $PORT; exec sleep 600\n",
    );
    let dev = DevProcess::start(&sandbox, &[]);
    dev.wait_for_output(&format!("clock | tick {}", dev.port));
    dev.wait_for_output("started:");
    let next = sandbox
        .read("migrations/versions/a1.py")
        .replace("'a1'", "'b2'");
    sandbox.write(
        "migrations/versions/b2.py",
        &next.replace("down_revision = None", "down_revision = 'a1'"),
    );
    dev.wait_for_output("new: b2 (step a1); apply with `limbeck upgrade head`");
    assert_eq!(version(&sandbox).as_deref(), Some("a1"));
    // The page shows the revision with its SQL.
    let address = dev.address("page");
    let page = || {
        let response = request(address, "GET /", &["Host: localhost"]).expect("a response");
        assert_eq!(response.status, 200, "{response:?}");
        response.body
    };
    wait_for("the page contains the SQL", || {
        page().contains("create table t (x int)")
    });
    let html = page();
    assert!(html.contains(r#"class="row pending" id="r-b2""#), "{html}");
    assert!(html.contains(">clock "), "{html}");
    // A script that queries the database has no SQL. The scripts before it do.
    let querying = next
        .replace("'b2'", "'c3'")
        .replace("down_revision = None", "down_revision = 'b2'")
        .replace("op.execute(", "op.get_bind().scalar(");
    sandbox.write("migrations/versions/c3.py", &querying);
    wait_for("the page contains the reason", || {
        page().contains("id=\"problem\"")
    });
    let html = page();
    assert!(
        html.contains("c3 can't be written without the database (c3.py, line "),
        "{html}"
    );
    assert!(html.contains("create table t (x int)"), "{html}");
    assert_eq!(dev.interrupt(), Some(130));
}

#[test]
fn rejects_a_project_without_processes() {
    let python = python();
    let sandbox = project(&[STEP]);
    let ran = sandbox.run(&limbeck(), Some(&python), &["dev"]);
    assert_eq!(ran.status, 1);
    assert!(ran.stderr.contains("write a Procfile"), "{}", ran.stderr);
    assert!(!sandbox.path().join("dev.db").exists());
}
