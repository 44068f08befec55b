//! Process 1 of a PID namespace: signals reach the application, and orphans are taken leave of.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use limbeck_testkit::{python, report_missing};

use super::support::{project, stderr, wait_for};
use crate::support::limbeck;

#[test]
fn as_process_1() {
    let python = python();
    let flags = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let can = Command::new("unshare").args(flags).arg("true").output();
    if !can.is_ok_and(|output| output.status.success()) {
        report_missing("permission to make a PID namespace (`unshare --pid`)");
    }
    let sandbox = project(&[("a1", "pass", "pass")]);
    // Leaves orphans behind, tells how many processes there are that nobody has waited for, and ends when told to.
    sandbox.write(
        "app.sh",
        "trap 'echo told; exit 5' TERM\nfor i in 1 2 3 4 5; do (sleep 0.1 &) ; done\nsleep 1\n\
         ps -e -o stat= | grep -c Z > zombies\nps -o pid= -p 1 > first\ntouch ready\nwhile :; do sleep 0.1; done\n",
    );
    let mut outer = Command::new("unshare");
    let inner = sandbox.command(&limbeck(), Some(&python));
    outer
        .args(flags)
        .arg(limbeck())
        .args(["run", "--", "sh", "app.sh"]);
    outer.env_clear().current_dir(sandbox.path());
    for (name, value) in inner.get_envs() {
        outer.env(name, value.unwrap_or_default());
    }
    let child = outer
        .env("DATABASE_URL", "sqlite+aiosqlite:///app.db")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    wait_for("the application runs", || {
        sandbox.path().join("ready").exists()
    });
    assert_eq!(sandbox.read("zombies").trim(), "0");
    // `unshare` passes nothing on: process 1 of the namespace is its child.
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let first = std::fs::read_to_string(children).expect("the children");
    sleep(Duration::from_millis(50));
    let start = Instant::now();
    let sent = Command::new("kill").args(["-TERM", first.trim()]).status();
    assert!(sent.expect("`kill` runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("told"));
}
