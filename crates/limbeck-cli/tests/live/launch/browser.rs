//! The page in a real browser: its appearance, its updates, and its requests.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use limbeck_testkit::{Postgres, Tls, browser, shop_python};

use super::support::{launch_command, wait_for};
use crate::support::{example_in, limbeck};

/// The Playwright script. It prints a line after each step.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/launch/browser.py");

/// The maximum size of a picture for the documentation, in bytes.
const MAX_PICTURE: u64 = 200_000;

/// A running browser script.
struct BrowserScript {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl BrowserScript {
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

    /// Waits for the end of a step.
    fn wait_for_step(&mut self, step: &str) {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        assert_eq!(line.trim_end(), step, "see the script's errors above");
    }

    fn expect_success(mut self) {
        let status = self.child.wait().expect("the script ends");
        assert!(status.success(), "see the script's errors above");
    }
}

impl Drop for BrowserScript {
    fn drop(&mut self) {
        // A failed test may leave the script and its browser running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn shows_the_migration_of_the_shop() {
    let server = Postgres::start(Tls::Required);
    let python = shop_python();
    let (browser_python, chromium) = browser();
    server.create_database("shop");
    let url = server.url("postgresql+asyncpg", "shop", "?ssl=require");
    let sandbox = example_in("fastapi-shop", "fastapi-shop");
    let folder = sandbox.path().join("fastapi-shop");
    let command = || {
        let mut command = sandbox.command(&limbeck(), Some(&python));
        command.env("DATABASE_URL", &url).current_dir(&folder);
        command
    };
    // Both branches are partly applied, and another session has locked a table that one of the next steps needs.
    for revision in ["f49d17c2b06e", "0f6c3b8d5e92"] {
        let status = command().args(["upgrade", revision]).status();
        assert!(status.expect("limbeck starts").success());
    }
    let transaction = server.open_transaction("shop", "lock table customers");
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
        let response = launched.get("/readyz");
        response.is_some_and(|(_, body)| body.contains("upgrade c35e82f7190d"))
    });
    let pictures = tempfile::tempdir().expect("a folder");
    let address = format!("http://127.0.0.1:{}/", launched.health);
    let mut script = BrowserScript::start(&browser_python, &chromium, &address, pictures.path());
    script.wait_for_step("migrating");
    drop(transaction);
    script.wait_for_step("ready");
    launched.signal("TERM");
    let output = launched.wait();
    assert!(!output.stderr.is_empty());
    script.wait_for_step("gone");
    script.expect_success();

    let kept = std::env::var_os("LIMBECK_TEST_PICTURES").map(PathBuf::from);
    for name in ["light", "dark", "phone"] {
        let name = format!("page-{name}.png");
        let picture = pictures.path().join(&name);
        let size = fs::metadata(&picture).expect("a picture").len();
        assert!(size > 10_000, "{name}: {size}");
        if let Some(folder) = &kept {
            // The size depends on the fonts of the machine, so only pictures for the documentation are checked.
            assert!(size < MAX_PICTURE, "{name}: {size}");
            fs::copy(&picture, folder.join(&name)).expect("a copy");
        }
    }
}
