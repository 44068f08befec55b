//! The page in a real browser: what it looks like, that it changes by itself, and that it asks for nothing else.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use limbeck_testkit::{Postgres, Tls, browser, shop_python};

use super::support::{launch_command, wait_for};
use crate::support::{example_in, limbeck};

/// Looks at the page, step by step; each step is a line that it prints, and goes on when a line is given to it.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/launch/browser.py");

/// Pictures are for documents: this large and no larger.
const PICTURE: u64 = 200_000;

/// Somebody who looks at the page.
struct Reader {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Reader {
    fn start(python: &Path, browser: &Path, url: &str, pictures: &Path) -> Self {
        let mut child = Command::new(python)
            .arg(SCRIPT)
            .args([browser, Path::new(url), pictures])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    /// Waits until it has seen something.
    fn has_seen(&mut self, what: &str) {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        assert_eq!(line.trim_end(), what, "its errors are above");
    }

    fn ends_well(mut self) {
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "its errors are above");
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // One that has failed ends by itself, and so does its browser.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_page_of_the_shop() {
    let server = Postgres::start(Tls::Required);
    let python = shop_python();
    let (reader, chromium) = browser();
    server.create_database("shop");
    let url = server.url("postgresql+asyncpg", "shop", "?ssl=require");
    let sandbox = example_in("fastapi-shop", "fastapi-shop");
    let folder = sandbox.path().join("fastapi-shop");
    let command = || {
        let mut command = sandbox.command(&limbeck(), Some(&python));
        command.env("DATABASE_URL", &url).current_dir(&folder);
        command
    };
    // Two branches have been begun, and somebody holds a table that one of the next steps needs.
    for revision in ["f49d17c2b06e", "0f6c3b8d5e92"] {
        let status = command().args(["upgrade", revision]).status();
        assert!(status.expect("limbeck starts").success());
    }
    let held = server.open_transaction("shop", "lock table customers");
    let launched = launch_command(&sandbox, |port, health| {
        let mut command = command();
        command
            .arg("run")
            .arg(format!("--probe=http://127.0.0.1:{port}/health/ready"))
            .arg(format!("--health-addr={health}"))
            .arg("--probe-interval=1s")
            .args(["--", "uvicorn", "app.main:app"])
            .args(["--no-access-log", "--port", &port.to_string()]);
        command
    });
    wait_for("a step waits for the table", || {
        let answer = launched.get("/readyz");
        answer.is_some_and(|(_, body)| body.contains("upgrade c35e82f7190d"))
    });
    let pictures = tempfile::tempdir().expect("a folder");
    let address = format!("http://127.0.0.1:{}/", launched.health);
    let mut reader = Reader::start(&reader, &chromium, &address, pictures.path());
    reader.has_seen("migrating");
    drop(held);
    reader.has_seen("ready");
    launched.signal("TERM");
    let output = launched.wait();
    assert!(!output.stderr.is_empty());
    reader.has_seen("gone");
    reader.ends_well();

    let kept = std::env::var_os("LIMBECK_TEST_PICTURES").map(PathBuf::from);
    for name in ["light", "dark", "phone"] {
        let name = format!("page-{name}.png");
        let picture = pictures.path().join(&name);
        let size = fs::metadata(&picture).expect("a picture").len();
        assert!(size > 10_000, "{name}: {size}");
        if let Some(folder) = &kept {
            // How large it becomes depends on this machine's fonts.
            assert!(size < PICTURE, "{name}: {size}");
            fs::copy(&picture, folder.join(&name)).expect("a copy");
        }
    }
}
