//! PID 1 of a PID namespace: limbeck forwards signals to the application and reaps orphans.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use limbeck_testkit::{python, report_missing};

use super::support::{project, stderr, wait_for, wait_for_exit};
use crate::support::limbeck;

#[test]
fn forwards_signals_and_reaps_orphans_as_pid_1() {
    let python = python();
    let flags = ["--pid", "--fork", "--mount-proc", "--kill-child"];
    let can = Command::new("unshare").args(flags).arg("true").output();
    if !can.is_ok_and(|output| output.status.success()) {
        report_missing("permission to make a PID namespace (`unshare --pid`)");
    }
    let sandbox = project(&[("a1", "pass", "pass")]);
    // The script leaves orphans behind, counts the zombies, and exits with 5 on SIGTERM.
    sandbox.write(
        "app.sh",
        "trap 'echo terminated; exit 5' TERM\nfor i in 1 2 3 4 5; do (sleep 0.1 &) ; done\nsleep 1\n\
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
        .expect("unshare starts");
    wait_for("the application runs", || {
        sandbox.path().join("ready").exists()
    });
    assert_eq!(sandbox.read("zombies").trim(), "0");
    // `unshare` forwards no signals. PID 1 of the namespace is its child.
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let first = std::fs::read_to_string(children).expect("the children");
    sleep(Duration::from_millis(50));
    let sent = Command::new("kill").args(["-TERM", first.trim()]).status();
    assert!(sent.expect("`kill` runs").success());
    // The exit status shows that the script has handled the signal before limbeck would have killed it.
    let output = wait_for_exit(child);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("terminated"));
}
